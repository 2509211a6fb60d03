"""Tables as HTML: captioned, escaped, readable by a screen reader."""

import re
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
_AND = " against "  # between the titles of two axes


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


def show_figure(figure, fallback=True):
    """Display a plotly figure as data that JupyterLab draws, whatever renderer plotly is set to.

    fallback: fold its sentence and its table under it; False for who shows a better one.
    """
    import json

    from IPython.display import HTML, display

    content = {"application/vnd.plotly.v1+json": json.loads(figure.to_json())}
    display(content | {"text/plain": figure_text(figure)}, raw=True)
    if fallback:
        display(HTML(figure_fallback(figure)))


def figure_fallback(figure):
    """HTML that folds a plotly figure as a sentence and a table of its own data."""
    table = table_html(figure_table(figure), _plain(figure.layout.title.text))
    return details("The figure as a table", f"<p>{escape(figure_text(figure))}</p>{table}")


def figure_text(figure):
    """What a plotly figure shows, as text: its title, and the names of its series."""
    names = dict.fromkeys(_plain(t.name) for t in figure.data if t.name)
    told = f" Shown: {'; '.join(names)}." if names else ""
    title = _plain(figure.layout.title.text) or "A figure"
    return f"{title}{'' if title[-1] in '.?!' else '.'}{told}"


def figure_table(figure, most=40):
    """The data of a plotly figure as text: polars DataFrame with series, x, y and more.

    most: rows of a series; a longer one is thinned evenly. The headings of x and y are the titles
    of the axes, or, where axes differ, the column "axes" names them. Columns that hold one text
    alone are left out.
    """
    import polars as pl

    rows = [row for trace in figure.data for row in _thinned(list(_points(figure, trace)), most)]
    columns = ("series", "axes", "x", "y", "value", "text")
    table = pl.DataFrame(rows, schema=dict.fromkeys(columns, pl.String), orient="row")
    pairs = table["axes"].unique().to_list()
    titles = pairs[0].split(_AND) if len(pairs) == 1 else ["", ""]
    kept = [c for c in columns if c in "xy" or table[c].n_unique() > 1]
    headings = dict(zip("xy", titles, strict=True)) if len({*titles}) == 2 else {}
    return table.select(kept).rename({c: title for c, title in headings.items() if title})


def _points(figure, trace):
    """Rows of `figure_table` for one trace; gaps are left out."""
    across, up = (getattr(trace, a, None) for a in "xy")
    about = _plain(trace.name), _AND.join(_axis_title(figure, trace, a) for a in "xy")
    if trace.type == "heatmap":
        found = _cells(trace, across, up)
    else:
        known = next((c for c in (across, up) if c is not None), ())
        across, up = (range(len(known)) if c is None else c for c in (across, up))
        texts = trace.text
        texts = [texts] * len(known) if isinstance(texts, str | None) else texts
        found = ((x, y, "", said) for x, y, said in zip(across, up, texts, strict=False))
    for row in found:
        if _said(row[0]) and _said(row[1]):
            yield (*about, *map(_said, row))


def _cells(trace, across, up):
    """x, y, value and text of every cell of a heatmap."""
    for i, line in enumerate(trace.z):
        for j, value in enumerate(line):
            said = trace.text[i][j] if trace.text is not None else ""
            yield j if across is None else across[j], i if up is None else up[i], value, said


def _axis_title(figure, trace, axis):
    name = (getattr(trace, f"{axis}axis", None) or axis).replace(axis, f"{axis}axis")
    return _plain(figure.layout[name].title.text) if name in figure.layout else ""


def _thinned(rows, most):
    """At most `most` of the rows, evenly, the first and the last among them."""
    if len(rows) <= most:
        return rows
    return [rows[round(i * (len(rows) - 1) / (most - 1))] for i in range(most)]


def _said(value):
    """A value of a figure as text; "" for a gap."""
    if value is None or value != value:
        return ""
    return _plain(value) if isinstance(value, str) else shown(value)


def _plain(text):
    """The text of a figure without its tags; the narrow spaces in numbers stay."""
    return re.sub(r"[ \n\t]+", " ", re.sub(r"<[^>]*>", " ", text or "")).strip()


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
