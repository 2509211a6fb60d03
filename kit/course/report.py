"""The student's report: a Markdown file made of the ledger."""

from kit import __version__
from kit.course.ledger import current
from kit.frontend import live
from kit.numbers import shown, with_unit

PASS_SHARE = 0.7


def report():
    """Write reports/<lesson>.md and show it: predictions, measurements, ratios, explanations.

    What is still missing is listed under "Incomplete". Nothing leaves this machine.
    """
    from IPython.display import Markdown

    ledger = current()
    text = report_text(ledger)
    if ledger.keeps:
        ledger.folder.mkdir(parents=True, exist_ok=True)
        ledger.path.with_suffix(".md").write_text(text, encoding="utf-8")
    return Markdown(text)


def report_text(ledger):
    """The report of `ledger` as Markdown."""
    parts = [
        f"## Report: {ledger.name}",
        _machine(),
        "### Predicted, measured, explained",
        _comparisons(ledger.data),
        "### Settings of the explorers",
        _settings(ledger.data["settings"]),
        "### Checkpoint",
        _checkpoint(ledger.data["checkpoint"]),
        "### Incomplete",
        _incomplete(ledger.data),
    ]
    return "\n\n".join(parts) + "\n"


def _machine():
    from kit.measure.machine import machine_facts

    facts = machine_facts()
    versions = ", ".join(f"{k} {v}" for k, v in facts["versions"].items())
    return (
        f"Machine: {facts['processor']}, {facts['cores']} cores, {facts['memory_gb']} GB. "
        f"kit {__version__} {facts['commit']}\n\nVersions: {versions}"
    )


def _comparisons(data):
    head = "| question | predicted | closed form | measured | measured / closed form |"
    rows = [_row(key, c, data) for key, c in data["comparisons"].items()]
    table = "\n".join([head, "|---|---|---|---|---|", *rows]) if rows else "Nothing measured yet."
    asked = data["questions"]
    words = [f"**{asked.get(k, k)}** {v}" for k, v in data["explanations"].items() if v.strip()]
    words += [
        f"**{asked.get(k, k)}** Suspected: {d['suspect']}. Largest part: {d['largest']}."
        for k, d in data["diagnoses"].items()
    ]
    return "\n\n".join([table, *words])


def _row(key, c, data):
    question = data["questions"].get(key, c["name"])
    guess = data["predictions"].get(key)
    if live() and not guess:  # a measurement is not shown before the prediction
        return f"| {question} | – | hidden | hidden | hidden |"
    unit = c["unit"]
    spread = f" ({c['spread_text']})" if c["spread_text"] else ""
    ratio = f"{shown(c['value'] / c['model'])} x" if c["model"] else "–"
    return (
        f"| {question} | {with_unit(guess and guess['value'], unit)} "
        f"| {with_unit(c['model'], unit)} | {with_unit(c['value'], unit)}{spread} | {ratio} |"
    )


def _settings(settings):
    lines = [
        f"- {name}: "
        + ", ".join(f"{k} = {v if isinstance(v, str) else shown(v)}" for k, v in s.items())
        for name, s in settings.items()
    ]
    return "\n".join(lines) or "No control was moved."


def _checkpoint(result):
    if not result:
        return "This lesson has none, or its cell was not run."
    if not result["best"]:
        return "Not finished yet."
    right, asked = result["best"]
    verdict = "passed" if right >= PASS_SHARE * asked else "not passed"
    return f"Best round: {right} of {asked} right, {verdict}."


def _incomplete(data):
    waiting = [k for k in data["questions"] if k not in data["predictions"]]
    missing = [f"- no prediction: {data['questions'][k]}" for k in waiting]
    words = data["explanations"].items()
    asked = data["questions"]
    missing += [f"- no explanation: {asked.get(k, k)}" for k, text in words if not text.strip()]
    result = data["checkpoint"]
    if result and not result["best"]:
        missing.append("- checkpoint not finished")
    return "\n".join(missing) or "Nothing. Well done."
