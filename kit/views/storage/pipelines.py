"""Pictures of the explorers of pipelines: two bills by term, and the price of a young result."""

import math

from kit.numbers import shown
from kit.views.drift import ROOMY
from kit.views.storage.picker import AT_THE_LEFT, stacked, ticks
from kit.views.theme import (
    BLUE,
    DARK_ORANGE,
    GREEN,
    INK,
    ORANGE,
    PALE_BLUE,
    PALE_ORANGE,
    PURPLE,
    SKY,
    figure,
)

_TERMS = (  # of a bill, what it is called, colour, pattern
    ("storage", "storage", BLUE, ""), ("run", "runs", ORANGE, "/"),
    ("query", "queries", GREEN, "x"), ("work", "work", PURPLE, "."),
    ("rerun", "redone", SKY, "\\"),
)  # fmt: skip
_CUT = 3  # a bar longer than so many times the longer of the chapter's two is cut
_DAYS, _CHANGES = (1, 365), (0.1, 100)
_POINTS = (  # part of the table, name, symbol, colour
    ("chapter", "the chapter's", "diamond", GREEN), ("yours", "yours", "circle", ORANGE),
)  # fmt: skip
_BELOW = {  # axes and legend of the plane under the bars
    "xaxis2": {"type": "log", "showgrid": False, "range": [math.log10(x) for x in _DAYS],
               "anchor": "y2", "title": {"text": "raw data kept, days"},
               "tickvals": [1, 3, 10, 30, 100, 365]},
    "yaxis2": {"type": "log", "showgrid": False, "range": [math.log10(x) for x in _CHANGES],
               "domain": [0, 0.48], "title": {"text": "changes, a month"},
               "tickvals": [0.1, 1, 10, 100], "ticktext": ["0.1", "1", "10", "100"]},
    "legend2": {"orientation": "h", "x": 0, "y": 0.485, "xanchor": "left", "yanchor": "bottom",
                "font": {"size": 13}},
}  # fmt: skip
_EDGE = {"color": INK, "width": 2}
_CORE_H = (600, 15_000)  # core-hours a day that the axis of prices shows
_AGES = (0.6, 1200)  # min
_AGE_TICKS = {1: "1 min", 5: "5 min", 20: "20 min", 60: "1 h", 240: "4 h", 960: "16 h"}


def etl_elt(table):
    """The bills by term, and the plane in which one or the other is cheaper; "etl-elt"."""
    bars = table.filter(part="bar")
    names = bars["way"].unique(maintain_order=True).to_list()
    usd = [bars.filter(term=term)["usd"].to_list() for term, *_ in _TERMS]
    totals = [sum(x) for x in zip(*usd, strict=True)]
    top = min(max(totals), _CUT * max(totals[0], totals[-1]))
    traces = [_term(names, x, full, *look[1:]) for x, full, look in
              zip(stacked(usd, top), usd, _TERMS, strict=True)]  # fmt: skip
    return figure(
        [*traces, _sums(names, totals, top), *_plane(table)],
        _cheaper(totals),
        {"title": {"text": "bill, USD a month"}, "range": [0, 1.3 * top], "anchor": "y"}
        | ticks(top),
        {"domain": [0.73, 1], "autorange": "reversed", "showgrid": False, "automargin": True,
         "ticks": ""},
        height=740, barmode="stack", bargap=0.3, legend={"traceorder": "normal"}, **_BELOW,
        **AT_THE_LEFT, **ROOMY,
    )  # fmt: skip


def _cheaper(totals):
    etl, _, elt = totals
    name = "ETL" if etl <= elt else "ELT"
    return f"{name} is cheaper by USD {shown(abs(etl - elt))} a month"


def _term(names, lengths, usd, name, colour, pattern):
    return {"type": "bar", "orientation": "h", "y": names, "x": lengths, "name": name,
            "customdata": usd,
            "marker": {"color": colour, "pattern": {"shape": pattern, "fillmode": "overlay",
                                                    "fgcolor": "white", "size": 7}},
            "hovertemplate": f"%{{y}}, {name}: USD %{{customdata:,.0f}} a month<extra></extra>",
            }  # fmt: skip


def _sums(names, totals, top):
    texts = [("▸ " if t > top else " ") + shown(t) for t in totals]
    return {"x": [min(t, top) for t in totals], "y": names, "mode": "text", "text": texts,
            "textposition": "middle right", "name": "sum", "showlegend": False,
            "hoverinfo": "skip"}  # fmt: skip


def _plane(table):
    """Where each is cheaper, the two break-evens, the reader's point and the chapter's."""
    curves = table.filter(part="curve")
    first, redo = (curves.filter(way=w) for w in curves["way"].unique(maintain_order=True))
    days, even = first["days"].to_list(), first["changes"].clip(*_CHANGES).to_list()
    ends, axes = [days[0], days[-1]], {"xaxis": "x2", "yaxis": "y2", "legend": "legend2"}
    regions = [
        {"x": days + ends[::-1], "y": even + [edge] * 2, "fill": "toself", "mode": "lines",
         "line": {"width": 0}, "fillcolor": pale, "name": name, "showlegend": False,
         "hoverinfo": "skip", **axes}
        for name, edge, pale in (("ETL cheaper", _CHANGES[0], PALE_BLUE),
                                 ("ELT cheaper", _CHANGES[1], PALE_ORANGE))
    ]  # fmt: skip
    points = [_point(table.filter(part=part), *look) | axes for part, *look in _POINTS]
    return [*regions, _even(first, "break-even", "solid") | axes,
            _even(redo, "with raw data kept", "dash") | axes, _words(first) | axes,
            *points]  # fmt: skip


def _even(line, name, dash):
    inside = line["changes"].is_between(0.999 * _CHANGES[0], 1.001 * _CHANGES[1]).to_list()
    y = [c if i else None for c, i in zip(line["changes"].to_list(), inside, strict=True)]
    return {"x": line["days"].to_list(), "y": y, "mode": "lines", "name": name,
            "line": {"color": BLUE, "width": 2.5, "dash": dash}, "showlegend": any(inside),
            "hovertemplate": "%{x:.3g} days: %{y:.3g} changes a month<extra></extra>",
            }  # fmt: skip


def _words(line):
    """The name of each side in a corner that belongs to it."""
    changes = line["changes"]
    texts = ["ETL cheaper" if changes[-1] > 3 * _CHANGES[0] else "",
             "ELT cheaper" if changes[0] < _CHANGES[1] / 3 else ""]  # fmt: skip
    return {"x": [0.9 * _DAYS[1], 1.1 * _DAYS[0]], "y": [1.25 * _CHANGES[0], _CHANGES[1] / 1.25],
            "mode": "text", "text": texts, "textposition": ["top left", "bottom right"],
            "textfont": {"size": 14, "color": [BLUE, DARK_ORANGE]}, "name": "cheaper",
            "showlegend": False, "hoverinfo": "skip"}  # fmt: skip


def _point(row, name, symbol, colour):
    return {"x": row["days"].to_list(), "y": row["changes"].to_list(), "mode": "markers",
            "name": name, "cliponaxis": False,
            "marker": {"symbol": symbol, "size": 14, "color": colour, "line": _EDGE},
            "hovertemplate": f"{name}: %{{x:.3g}} days, %{{y:.3g}} a month<extra></extra>",
            }  # fmt: skip


def batch_stream(table):
    """Price of a day against the mean age of results; table of "batch-stream"."""
    row = table.filter(part="yours").row(0, named=True)
    usd = [row["core_usd_h"] * x for x in _CORE_H]
    cents = [x for d in range(-6, 7) for m in (1, 2, 5) if usd[0] <= (x := m * 10.0**d) <= usd[1]]
    return figure(
        [_too_often(table, usd), _stream(row), _batch(table), _crossing(table), _chapter(table),
         _yours(row, fits=True), _yours(row, fits=False)],
        _times(row),
        {"type": "log", "title": {"text": "mean age of a result, min or h"}, "showgrid": False,
         "range": [math.log10(x) for x in _AGES], "tickvals": list(_AGE_TICKS),
         "ticktext": list(_AGE_TICKS.values()), "tickangle": 0},
        {"type": "log", "title": {"text": "cost, USD a day"}, "tickvals": cents,
         "ticktext": [shown(x) for x in cents], "range": [math.log10(x) for x in usd]},
        height=480, **AT_THE_LEFT, **ROOMY,
    )  # fmt: skip


def _times(row):
    runs = f"{shown(row['wanted_runs'])} run{'s' * (row['wanted_runs'] != 1)} a day"
    if not row["fits"]:
        return f"{runs} do not fit into a day"
    ratio = row["stream_usd"] / row["usd_day"]
    if ratio >= 1:
        return f"Streaming costs {shown(ratio)} times as much as {runs}"
    return f"{runs} cost {shown(1 / ratio)} times as much as streaming"


def _too_often(table, usd):
    """The ages for which runs would have to begin more often than they fit into a day."""
    row = table.row(0, named=True)
    least = table.filter(part="curve")["age_min"][-1]
    held = row["most_runs"] < 1440
    x = [_AGES[0], least, least, _AGES[0]] if held else []
    return {"x": x, "y": [usd[0], usd[0], usd[1], usd[1]] if held else [], "mode": "lines",
            "fill": "toself", "fillcolor": PALE_ORANGE, "line": {"width": 0},
            "name": "runs do not fit", "hoverinfo": "skip"}  # fmt: skip


def _stream(row):
    return {"x": list(_AGES), "y": [row["stream_usd"]] * 2, "mode": "lines",
            "name": "streaming",
            "line": {"color": DARK_ORANGE, "width": 2.5, "dash": "dash"},
            "hovertemplate": "streaming: USD %{y:.4g} a day<extra></extra>"}  # fmt: skip


def _batch(table):
    curve = table.filter(part="curve")
    return {"x": curve["age_min"].to_list(), "y": curve["usd_day"].to_list(), "mode": "lines",
            "name": "batch", "line": {"color": BLUE, "width": 3},
            "customdata": curve["runs_day"].to_list(),
            "hovertemplate": "%{customdata:.3g} runs a day: %{x:.3g} min old, USD %{y:.4g} a day"
                             "<extra></extra>"}  # fmt: skip


def _crossing(table):
    row = table.filter(part="even").row(0, named=True)
    met = row["even_runs"] <= min(row["most_runs"], 1440)
    return {"x": [row["age_min"]] * met, "y": [row["usd_day"]] * met, "mode": "markers",
            "name": "break-even",
            "marker": {"symbol": "square-open", "size": 13, "color": INK, "line": {"width": 2}},
            "hovertemplate": f"break-even: {shown(row['runs_day'])} runs a day<extra></extra>",
            }  # fmt: skip


def _chapter(table):
    row = table.filter(part="chapter")
    return {"x": row["age_min"].to_list(), "y": row["usd_day"].to_list(), "mode": "markers",
            "name": "the chapter's batch",
            "marker": {"symbol": "diamond", "size": 13, "color": GREEN, "line": _EDGE},
            "hovertemplate": "the chapter: %{x:.3g} min, USD %{y:.4g} a day<extra></extra>",
            }  # fmt: skip


def _yours(row, fits):
    """The reader's runs; those that do not fit keep all cores busy and fall behind."""
    there = row["fits"] == fits
    wished = 720 / row["wanted_runs"] + row["run_min"] + row["start_min"]
    x, y = (row["age_min"], row["usd_day"]) if fits else (max(wished, _AGES[0]), row["full_usd"])
    return {"x": [x] * there, "y": [y] * there, "mode": "markers", "cliponaxis": False,
            "name": "yours" if fits else "yours: falls behind", "showlegend": fits or there,
            "marker": {"symbol": "circle" if fits else "x", "size": 15,
                       "color": ORANGE, "line": _EDGE},
            "hovertemplate": "yours: %{x:.3g} min, USD %{y:.4g} a day<extra></extra>",
            }  # fmt: skip
