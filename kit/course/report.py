"""The student's report: a Markdown file made of the ledger."""

from kit import __version__
from kit.course.ledger import current
from kit.numbers import shown

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
        f"# Report: {ledger.name}",
        _machine(),
        "## Predicted, measured, explained",
        _comparisons(ledger.data),
        "## Checkpoint",
        _checkpoint(ledger.data["checkpoint"]),
        "## Incomplete",
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
    head = "| what | predicted | closed form | measured (10 to 90 %) | measured / closed form |"
    rows = [head, "|---|---|---|---|---|"]
    for key, c in data["comparisons"].items():
        guess = data["predictions"].get(key)
        unit = c["unit"]
        rows.append(
            f"| {c['name']} | {_with_unit(guess and guess['value'], unit)} "
            f"| {_with_unit(c['model'], unit)} | {shown(c['value'])} {unit} "
            f"({shown(c['low'])} to {shown(c['high'])}) | {_ratio(c['value'], c['model'])} |"
        )
    table = "\n".join(rows) if len(rows) > 2 else "Nothing was measured yet."
    words = [f"**{k}:** {v}" for k, v in data["explanations"].items() if v.strip()]
    return "\n\n".join([table, *words])


def _checkpoint(result):
    if not result:
        return "Not answered yet."
    right, asked = result["right"], result["asked"]
    verdict = "passed" if right >= PASS_SHARE * asked else "not passed"
    return f"{right} of {asked} right: {verdict}."


def _incomplete(data):
    waiting = [k for k in data["comparisons"] if k not in data["predictions"]]
    missing = [f"- no prediction for {k}" for k in waiting]
    words = data["explanations"].items()
    missing += [f"- no explanation of {k}" for k, text in words if not text.strip()]
    result = data["checkpoint"]
    if not result or result["answered"] < result["asked"]:
        missing.append("- checkpoint not finished")
    return "\n".join(missing) or "Nothing. Well done."


def _with_unit(value, unit):
    return "–" if value is None else f"{shown(value)} {unit}"


def _ratio(value, model):
    return f"{shown(value / model, 2)} x" if model else "–"
