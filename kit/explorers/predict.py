"""Predict, then see the measurement, then explain: three calls that share a key."""

import html

from kit.course.ledger import current
from kit.errors import KitError
from kit.explorers.fields import number_field, read_number
from kit.frontend import live
from kit.measure.record import Measurement
from kit.numbers import shown
from kit.views.html import Html


def predict(key, question, unit="", value=None):
    """Ask for a number before the measurement is shown; the first answer stays.

    key: name that `compare` will use. question: one sentence. unit: of the answer.
    value: the answer itself, to lock it from code instead of from the box.
    To begin again, delete the file of the lesson in the folder reports/.
    """
    ledger = current()
    if value is not None:
        ledger.lock(key, value, unit, question)
    known = ledger.data["predictions"].get(key)
    if known:
        return _note(f"{question} You predicted {shown(known['value'])} {unit}.")
    if not live():
        return _note(f"{question} No prediction was made: open the notebook in JupyterLab.")
    return _ask(ledger, key, question, unit)


def compare(key, measured, model=None, unit=""):
    """Show prediction, closed form and measurement side by side, with the ratio.

    measured: Measurement, or a plain number with `unit`. model: what the closed form gives, in
    the same unit. While a person has not locked prediction `key`, nothing is revealed.
    """
    measured = _as_measurement(key, measured, unit)
    ledger = current()
    ledger.put("comparisons", key, _record(measured, model))
    if not live() or key in ledger.data["predictions"]:
        return _result(ledger, key, measured, model)
    return _locked(ledger, key, measured, model)


def explain(key, prompt):
    """Ask for the reason in the student's own words; the text goes into the report."""
    ledger = current()
    ledger.data["explanations"].setdefault(key, "")
    if not live():
        return _note(f"{prompt} No explanation was written.")
    import ipywidgets as w

    area = w.Textarea(
        value=ledger.data["explanations"][key],
        placeholder="One or two sentences; saved as you type.",
        layout={"width": "95%", "height": "90px"},
    )
    area.observe(lambda change: ledger.put("explanations", key, change["new"]), "value")
    return w.VBox([w.HTML(f"<b>Explain.</b> {html.escape(prompt)}"), area])


def _ask(ledger, key, question, unit):
    import ipywidgets as w

    box = number_field(f"your prediction ({unit})" if unit else "your prediction")
    button = w.Button(description="Lock it in", button_style="primary")
    note = w.HTML()

    def lock(_):
        try:
            ledger.lock(key, read_number(box.value), unit, question)
        except KitError as error:
            note.value = html.escape(str(error))
            return
        box.disabled = button.disabled = True
        note.value = "Locked. Measure on."

    button.on_click(lock)
    title = w.HTML(f"<b>Predict.</b> {html.escape(question)}")
    return w.VBox([title, w.HBox([box, button, note])])


def _locked(ledger, key, measured, model):
    import ipywidgets as w

    out = w.HTML("<i>Measured. Lock your prediction above to see the result.</i>")

    def reveal():
        out.value = _result(ledger, key, measured, model).html

    ledger.on_lock(key, reveal)
    return out


def _result(ledger, key, measured, model):
    import polars as pl

    from kit.views.html import table_html

    guess = ledger.data["predictions"].get(key)
    rows = [("your prediction", guess["value"] if guess else None, "")]
    rows.append(("closed form", model, ""))
    low, high = (shown(x) for x in measured.spread)
    spread = f"{low} to {high}, {measured.runs} runs"
    rows.append(("measured here", measured.value, spread))
    if guess and guess["value"]:
        rows.append(("measured / predicted", measured.value / guess["value"], ""))
    if model:
        rows.append(("measured / closed form", measured.value / model, ""))
    named = [(what, _cell(v, measured.unit, what), note) for what, v, note in rows]
    table = pl.DataFrame(named, schema=["", "value", "spread"], orient="row")
    note = f"<p>{html.escape(measured.note)}</p>" if measured.note else ""
    return Html(table_html(table, measured.name) + note, f"{measured.name}\n{table}")


def _cell(value, unit, what):
    if value is None:
        return "–"
    return f"{shown(value, 2)} x" if "/" in what else f"{shown(value)} {unit}"


def _record(m, model):
    return {
        "name": m.name,
        "value": m.value,
        "unit": m.unit,
        "low": m.spread[0],
        "high": m.spread[1],
        "model": None if model is None else float(model),
    }


def _as_measurement(key, measured, unit):
    if isinstance(measured, Measurement):
        return measured
    if isinstance(measured, bool) or not isinstance(measured, int | float):
        raise KitError(
            f"{key} has nothing measured to compare",
            found=measured,
            allowed="a Measurement or a number",
        )
    return Measurement.of(key, [measured], unit)


def _note(text):
    return Html(f"<p>{html.escape(text)}</p>", text)
