"""Predict, see the measurement, explain: calls that share a key."""

import html
import numbers

from kit.course.ledger import current
from kit.errors import KitError
from kit.explorers.fields import as_widget, number_field, read_number
from kit.frontend import live
from kit.measure.record import Measurement
from kit.numbers import shown, with_unit
from kit.views.html import Html, show_figure, table_html

LOCKED = "Hidden until you lock your prediction above."


def predict(key, question, unit="", value=None):
    """Ask for a number before the measurement is shown; the first answer stays.

    key: name that `after`, `compare` and `explain` use. question: one sentence. unit: of the
    answer. value: the answer itself, to lock it from code instead of from the box.
    To begin again, delete the file of the lesson in the folder reports/.
    """
    ledger = current()
    ledger.data["questions"][key] = question
    if value is not None:
        ledger.lock(key, value, unit)
    known = ledger.data["predictions"].get(key)
    if known:
        return _note(f"{question} You predicted {shown(known['value'])} {unit}.")
    if not live():
        return _note(f"{question} No prediction was made: open the notebook in JupyterLab.")
    return _ask(ledger, key, question, unit)


def after(keys, *views):
    """Show `views` (tables, figures, explorers) once the predictions `keys` are all locked.

    keys: one key or a list of them. Executed by a program, the views are shown at once.
    """
    from IPython.display import display

    ledger = current()
    waiting = {keys} if isinstance(keys, str) else set(keys)
    if not live() or waiting <= set(ledger.data["predictions"]):
        for view in views:
            show_figure(view) if type(view).__name__ == "Figure" else display(view)
        return None
    import ipywidgets as w

    out = w.VBox([w.HTML(f"<i>{LOCKED}</i>")])

    def reveal():
        if waiting <= set(ledger.data["predictions"]):
            out.children = [as_widget(view) for view in views]

    for key in waiting:
        ledger.when_locked(key, reveal)
    return out


def compare(key, measured, model=None, unit="", model_name="closed form"):
    """Show prediction, closed form and measurement side by side, with the ratios.

    measured: Measurement; or a plain number in `unit` that is computed and has no spread.
    model: what the closed form gives, in the same unit; model_name: what it is called.
    While a person has not locked prediction `key`, nothing is revealed.
    """
    measured = _as_measurement(key, measured, unit)
    ledger = current()
    record = _record(measured, model, model_name)
    ledger.put("comparisons", key, record)
    if not live() or key in ledger.data["predictions"]:
        return _result(ledger, key)
    import ipywidgets as w

    out = w.HTML(f"<i>{LOCKED}</i>")
    ledger.when_locked(key, lambda: setattr(out, "value", _result(ledger, key).html))
    return out


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
        unsaved = ""
        try:
            ledger.lock(key, read_number(box.value), unit)
        except KitError as error:
            note.value = html.escape(str(error))
            return
        except OSError as error:
            unsaved = f", but it could not be saved: {html.escape(str(error))}"
        box.disabled = button.disabled = True
        locked = with_unit(ledger.data["predictions"][key]["value"], unit)
        note.value = f"Locked: {locked}{unsaved}"

    button.on_click(lock)
    title = w.HTML(f"<b>Predict.</b> {html.escape(question)}")
    return w.VBox([title, w.HBox([box, button, note])])


def _result(ledger, key):
    import polars as pl

    found, guess = ledger.data["comparisons"][key], ledger.data["predictions"].get(key)
    unit, value, model = found["unit"], found["value"], found["model"]
    measured = "computed" if found["exact"] else "measured here"
    rows = [("your prediction", with_unit(guess and guess["value"], unit), "")]
    if model is not None:
        rows.append((found["model_name"], with_unit(model, unit), ""))
    rows.append((measured, with_unit(value, unit), found["spread_text"]))
    if guess and guess["value"]:
        rows.append(
            (f"{measured.split()[0]} / predicted", with_unit(value / guess["value"], "x"), "")
        )
    if model:
        rows.append(
            (f"{measured.split()[0]} / {found['model_name']}", with_unit(value / model, "x"), "")
        )
    table = pl.DataFrame(rows, schema=["what", "value", "spread"], orient="row")
    table = table.drop("spread") if found["exact"] else table
    note = f"<p>{html.escape(found['note'])}</p>" if found["note"] else ""
    return Html(table_html(table, found["name"]) + note, f"{found['name']}\n{table}")


def _record(m, model, model_name):
    return {
        "name": m.name,
        "value": m.value,
        "unit": m.unit,
        "exact": m.runs == 0,
        "spread_text": m.spread_text,
        "model": None if model is None else float(model),
        "model_name": model_name,
        "note": m.note,
    }


def _as_measurement(key, measured, unit):
    if isinstance(measured, Measurement):
        return measured
    if isinstance(measured, bool) or not isinstance(measured, numbers.Real):
        raise KitError(
            f"{key} has nothing measured to compare",
            found=measured,
            allowed="a Measurement or a number",
        )
    name = current().data["questions"].get(key, key)
    return Measurement(name, float(measured), unit, (measured, measured), runs=0)


def _note(text):
    return Html(f"<p>{html.escape(text)}</p>", text)
