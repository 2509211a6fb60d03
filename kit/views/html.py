"""Tables as HTML: captioned, escaped, readable by a screen reader."""

from html import escape

from kit.numbers import heading, shown

_STYLE = (
    "<style>.kit-table{border-collapse:collapse;margin:.3em 0}"
    ".kit-table caption{text-align:left;font-weight:600;padding:.2em 0;white-space:nowrap}"
    ".kit-table td,.kit-table th{padding:.25em .7em;border-bottom:1px solid #d5d9de;"
    "text-align:left!important;vertical-align:top;white-space:normal}"
    ".kit-table td.n{text-align:right!important;font-variant-numeric:tabular-nums;"
    "white-space:nowrap}</style>"
)


def show(table, caption=""):
    """A polars DataFrame as a captioned table, with units in the headings."""
    return Html(table_html(table, caption), f"{caption}\n{table}")


def table_html(table, caption="", headers=None):
    """HTML of a polars DataFrame. headers: dict of column -> heading, where `heading` is not it."""
    names = [(headers or {}).get(c) or heading(c) for c in table.columns]
    head = "".join(f'<th scope="col">{escape(n)}</th>' for n in names)
    body = "".join(f"<tr>{''.join(map(_cell, row))}</tr>" for row in table.iter_rows())
    title = f"<caption>{escape(caption)}</caption>" if caption else ""
    return (
        f'{_STYLE}<table class="kit-table">{title}<thead><tr>{head}</tr></thead>'
        f"<tbody>{body}</tbody></table>"
    )


def details(summary, inner):
    """HTML that folds `inner` under the line `summary`."""
    return f"<details><summary>{escape(summary)}</summary>{inner}</details>"


def facts_and_measurements(facts, measurements, failed):
    """HTML of a Doctor: the machine, then what was measured, then what could not be."""
    import polars as pl

    from kit.measure.record import measurement_table

    rows = [(heading(k), str(v)) for k, v in facts.items() if k != "versions" and v]
    versions = ", ".join(f"{k} {v}" for k, v in facts["versions"].items())
    machine = pl.DataFrame(rows, schema=["fact", "value"], orient="row")
    parts = [
        table_html(machine, "This machine"),
        details("versions", f"<p>{escape(versions)}</p>"),
        table_html(
            measurement_table(measurements),
            "Measured here, with the range of 10 to 90 % of the runs",
        ),
    ]
    parts += [f"<p><b>{escape(name)}</b> not measured. {escape(why)}</p>" for name, why in failed]
    return "".join(parts)


def show_figure(figure):
    """Display a plotly figure as data that JupyterLab draws, whatever renderer plotly is set to."""
    import json

    from IPython.display import display

    content = {"application/vnd.plotly.v1+json": json.loads(figure.to_json())}
    display(content | {"text/plain": "a plotly figure"}, raw=True)


class Html:
    """HTML with a plain-text twin: notebooks show one, terminals the other."""

    def __init__(self, html, text):
        self.html, self.text = html, text

    def _repr_html_(self):
        return self.html

    def __repr__(self):
        return self.text


def _cell(value):
    if value is None:
        return '<td class="n">–</td>'
    if isinstance(value, bool):
        return f"<td>{'yes' if value else 'no'}</td>"
    if isinstance(value, int | float):
        return f'<td class="n">{shown(value)}</td>'
    return f"<td>{escape(str(value))}</td>"
