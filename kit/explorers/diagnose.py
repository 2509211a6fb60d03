"""Find the cause of a gap: name a suspect, then see how much each cause explains."""

import html

from kit.course.ledger import current
from kit.errors import KitError
from kit.explorers.predict import LOCKED
from kit.frontend import live
from kit.numbers import shown, with_unit
from kit.views.html import Html, table_html


def diagnose(key, causes, unit):
    """Ask which cause explains most of the gap between closed form and measurement of `key`.

    causes: dict of cause -> its part of the gap, in `unit`, each measured by an intervention
    that switches the cause off; two or more. The parts add up to the gap. The first choice
    stays and goes into the report; the split is shown after it.
    """
    if len(causes) < 2:
        raise KitError("a diagnosis needs causes to choose from", found=list(causes))
    ledger = current()
    largest = max(causes, key=causes.get)
    chosen = ledger.data["diagnoses"].get(key, {}).get("suspect")
    if not live() or chosen in causes:
        return _split(causes, unit, chosen)
    import ipywidgets as w

    page = w.VBox([w.HTML(f"<i>{LOCKED}</i>")])
    radio = w.RadioButtons(options=list(causes), value=None, layout={"width": "95%"})
    out = w.HTML()

    def choose(change):
        ledger.put("diagnoses", key, {"suspect": change["new"], "largest": largest})
        radio.disabled = True
        out.value = _split(causes, unit, change["new"]).html

    radio.observe(choose, "value")
    title = w.HTML("<b>Diagnose.</b> Which cause explains most of the gap?")
    ledger.when_locked(key, lambda: setattr(page, "children", [title, radio, out]))
    return page


def _split(causes, unit, chosen):
    import polars as pl

    gap = sum(causes.values())
    rows = [(c, with_unit(v, unit), f"{shown(100 * v / gap)} %") for c, v in causes.items()]
    table = pl.DataFrame(rows, schema=["cause", "part of the gap", "share"], orient="row")
    largest = max(causes, key=causes.get)
    words = {None: "", largest: "Your suspect explains most."}
    verdict = words.get(chosen, "Another cause explains more than your suspect.")
    caption = f"A gap of {with_unit(gap, unit)}"
    page = table_html(table, caption) + f"<p>{html.escape(verdict)}</p>"
    return Html(page, f"{caption}\n{table}\n{verdict}")
