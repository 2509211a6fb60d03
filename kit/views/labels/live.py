"""Pictures of the explorers on labels: a correct label, who labels what, kappa's paradox."""

import math
from itertools import pairwise

import numpy as np
import polars as pl

from kit.drift.labels import BANDS
from kit.numbers import shown
from kit.views.drift import ROOMY
from kit.views.labels.figures import usd_axis
from kit.views.theme import (
    BLUE,
    DARK_GREEN,
    DARK_ORANGE,
    GREEN,
    GREY,
    INK,
    ORANGE,
    PALE_BLUE,
    PALE_GREY,
    PALE_ORANGE,
    figure,
)

CROWDS = (("no test", BLUE, "circle"), ("gold test", GREEN, "diamond"))  # how, colour, symbol
_USD = (0.002, 200.0)  # that the axis of prices shows
_LEAST_USD = 10.0  # a plan that costs less is drawn here: 0 has no logarithm
_MEASURES = (  # column, name, colour, line
    ("kappa", "Cohen's kappa", BLUE, {"width": 3}),
    ("ac1", "Gwet's AC1", GREEN, {"width": 3, "dash": "longdash"}),
    ("chance", "by chance", GREY, {"width": 2, "dash": "dash"}),
)  # fmt: skip
_EDGE = {"color": INK, "width": 2}
_WHO = (("model", BLUE, BLUE), ("crowd", ORANGE, DARK_ORANGE), ("experts", GREEN, DARK_GREEN))
_PLANS = (  # point of the explorer "routing", name, mode, look
    ("front", "best for its price", "lines",
     {"line": {"color": GREEN, "width": 7}, "opacity": 0.45}),
    ("line", "your votes, every threshold", "lines", {"line": {"color": BLUE, "width": 2}}),
    ("crowd", "no model", "markers",
     {"marker": {"symbol": "square", "size": 10, "color": DARK_ORANGE}}),
    ("experts", "experts alone", "markers",
     {"marker": {"symbol": "diamond", "size": 12, "color": GREEN}}),
    ("yours", "yours", "markers", {"marker": {"size": 15, "color": ORANGE, "line": _EDGE}}),
)  # fmt: skip
_SEEN = (0.5, 50.0)  # % of the rare label
_KAPPAS = [-0.4, 1.05]
_HIDDEN = {"showlegend": False, "hoverinfo": "skip"}


def correct_label(table):
    """Accuracy and price of a correct label against raters; table of "correct-label"."""
    experts = table.filter(how="experts").row(0, named=True)
    parts = [(table.filter(how=how), how, *look) for how, *look in CROWDS]
    three = [rows.filter(raters=3)["accuracy_percent"][0] for rows, *_ in parts]
    ticks = [0.01, 0.1, 1, 10, 100]
    return figure(
        [*(_right(*part) for part in parts), _level(experts["accuracy_percent"], "y", True),
         *(_usd(*part) for part in parts), *(_more(*part) for part in parts),
         _level(experts["correct_usd"], "y2", False)],
        "3 raters: " + ", ".join(_told(x, how) for x, (_, how, *_) in
                                 zip(three, parts, strict=True)),
        {"title": {"text": "raters, labels an item"}, "range": [0.7, 9.3], "dtick": 1,
         "anchor": "y2"},
        {"title": {"text": "right, % of the items"}, "domain": [0.53, 1],
         "range": [_below(table["accuracy_percent"].min()), 101.5]},
        height=620,
        yaxis2={"type": "log", "domain": [0, 0.45], "range": [math.log10(x) for x in _USD],
                "title": {"text": "a right label, USD"}, "tickvals": ticks,
                "ticktext": [f"{t:g}" for t in ticks]},
        **ROOMY,
    )  # fmt: skip


def _below(percent):
    """The axis starts at a multiple of 20, so that it stays where it is for most moves."""
    return 20 * math.floor(percent / 20) - 1.5


def _told(percent, how):
    return f"{how} not possible" if percent is None else f"{percent:.1f} % right with {how}"


def _right(rows, name, colour, symbol):
    return {"x": rows["raters"], "y": rows["accuracy_percent"].to_list(), "name": name,
            "mode": "lines+markers", "line": {"color": colour, "width": 2.5},
            "marker": {"symbol": symbol, "size": 8},
            "hovertemplate": f"{name}, %{{x}} raters: %{{y:.1f}} % right<extra></extra>",
            }  # fmt: skip


def _usd(rows, name, colour, symbol):
    return _right(rows, name, colour, symbol) | {
        "y": rows["correct_usd"].to_list(), "yaxis": "y2", "showlegend": False,
        "hovertemplate": f"{name}, %{{x}} raters: USD %{{y:.3g}} a right label<extra></extra>",
    }  # fmt: skip


def _more(rows, name, colour, symbol):
    """Price of one more correct label than with two raters fewer, dotted."""
    odd = rows.filter(rows["more_usd"].is_not_null())
    return {"x": odd["raters"], "y": odd["more_usd"], "yaxis": "y2", "mode": "lines+markers",
            "name": f"one more right, {name}", "line": {"color": colour, "dash": "dot"},
            "marker": {"symbol": f"{symbol}-open", "size": 9},
            "hovertemplate": "one more right label than with two raters fewer: USD %{y:.3g}"
                             "<extra></extra>"}  # fmt: skip


def _level(y, axis, named):
    return {"x": [0.7, 9.3], "y": [y, y], "yaxis": axis, "mode": "lines", "name": "experts",
            "showlegend": named, "line": {"color": INK, "dash": "dash", "width": 1.5},
            "hovertemplate": "experts: %{y:.3g}<extra></extra>"}  # fmt: skip


def routing(table):
    """Cost against accuracy of every threshold, and who labels; table of "routing"."""
    you = table.filter(point="yours").row(0, named=True)
    shares = [you[f"{who}_percent"] for who, *_ in _WHO]
    words = [f'<span style="color:{ink}">{who} {x:.0f} %</span>'
             for x, (who, _, ink) in zip(shares, _WHO, strict=True)]  # fmt: skip
    return figure(
        [*(_plans(_part(table, point), *look) for point, *look in _PLANS),
         *(_share(x, *look) for x, look in zip(shares, _WHO, strict=True))],
        f"Yours: USD {shown(you['usd'])}, {you['accuracy_percent']:.1f} % right",
        _usd_axis(table["usd"].max()) | {"anchor": "y"},
        {"title": {"text": "right, % of the clips"}, "domain": [0.36, 1],
         "range": _around(table["accuracy_percent"])},
        height=580, barmode="stack", legend={"traceorder": "normal"},
        xaxis2={"range": [0, 100], "anchor": "y2", "showgrid": False,
                "title": {"text": f"{', '.join(words)} of the clips"}},
        yaxis2={"domain": [0, 0.13], "visible": False, "anchor": "x2"},
        **ROOMY,
    )  # fmt: skip


def _part(table, point):
    return table.filter("front").sort("usd") if point == "front" else table.filter(point=point)


def _plans(rows, name, mode, look):
    return {"x": rows["usd"].clip(_LEAST_USD), "y": rows["accuracy_percent"], "mode": mode,
            "name": name, "text": _named(rows).to_list(), **look,
            "hovertemplate": "%{text}: %{y:.1f} %<extra></extra>"}  # fmt: skip


def _named(rows):
    """A text for each plan; made by polars, for there are hundreds."""
    model = pl.format("model from {} %", pl.col("threshold_percent").cast(pl.Int64))
    crowd = pl.format("crowd: {}", "votes")
    usd = pl.col("usd").round(0).cast(pl.Int64)
    text = pl.format("{}, {}, USD {}", model.fill_null("no model"), crowd.fill_null("no crowd"),
                     usd)  # fmt: skip
    return rows.select(text).to_series()


def _usd_axis(most):
    axis = usd_axis(_LEAST_USD, max(most, 10 * _LEAST_USD))
    return axis | {"ticktext": [f"{axis['ticktext'][0]} or less", *axis["ticktext"][1:]]}


def _around(percent):
    low, high = percent.min(), percent.max()
    return [low - 0.08 * (high - low) - 0.5, min(high + 0.08 * (high - low) + 0.5, 101)]


def _share(percent, who, colour, _):
    text = who if percent > 12 else ""
    return {"type": "bar", "x": [percent], "y": [""], "orientation": "h", "xaxis": "x2",
            "yaxis": "y2", "name": who, "marker": {"color": colour}, "text": [text],
            "textposition": "inside", "insidetextanchor": "middle", "textangle": 0,
            "showlegend": False, "hovertemplate": who + ": %{x:.1f} %<extra></extra>"}  # fmt: skip


def active_learning(table):
    """Accuracy against labels of a strategy and of random; table of "active-learning"."""
    row = table.row(0, named=True)
    name, wanted = row["chosen"].replace("_", " "), row["wanted_percent"]
    looks = (("random", GREY, PALE_GREY, "square", row["random_labels"]),
             (name, BLUE, PALE_BLUE, "circle", row["needed_labels"]))  # fmt: skip
    parts = [(table.filter(who=who), *look) for who, look in
             zip(("random", "chosen"), looks, strict=True)]  # fmt: skip
    most = table["labels"].max()
    low = min(table["low_percent"].min(), wanted)
    traces = [
        *(_band(rows, name, pale) for rows, name, _, pale, *_ in parts),
        *(_curve(rows, *look) for rows, *look in parts),
        {"x": [0, 1.03 * most], "y": [wanted] * 2, "mode": "lines", "name": "wanted",
         "line": {"color": INK, "dash": "dash", "width": 1.5}, "hoverinfo": "skip"},
        *(_needed(look[-1], wanted, max(low - 3, 0), *look[:2]) for _, *look in parts),
    ]  # fmt: skip
    return figure(
        traces, _needed_title(row, name),
        {"title": {"text": "labels, clips"}, "range": [0, 1.03 * most]},
        {"title": {"text": "right on test clips, %"}, "range": [max(low - 3, 0), 101]},
        height=480, **ROOMY,
    )  # fmt: skip


def _needed_title(row, name):
    texts = [f"{who} {shown(round(x)) if x is not None else 'does not get there'}"
             for who, x in ((name, row["needed_labels"]), ("random", row["random_labels"]))
             ]  # fmt: skip
    return f"Labels for {row['wanted_percent']:g} %: {', '.join(texts)}"


def _band(rows, name, pale):
    x, low, high = (rows[c].to_numpy() for c in ("labels", "low_percent", "high_percent"))
    return {"x": np.r_[x, x[::-1]], "y": np.r_[low, high[::-1]], "fill": "toself",
            "mode": "lines", "fillcolor": pale, "line": {"width": 0}, "name": f"{name}, range",
            **_HIDDEN}  # fmt: skip


def _curve(rows, name, colour, _, symbol, __):
    return {"x": rows["labels"], "y": rows["accuracy_percent"], "mode": "lines+markers",
            "name": name, "line": {"color": colour, "width": 2.5},
            "marker": {"symbol": symbol, "size": 7},
            "hovertemplate": f"{name}, %{{x}} labels: %{{y:.1f}} %<extra></extra>"}  # fmt: skip


def _needed(labels, wanted, bottom, name, colour):
    x, y = ([], []) if labels is None else ([labels] * 2, [bottom, wanted])
    return {"x": x, "y": y, "mode": "lines+markers", "name": f"{name} needs",
            "line": {"color": colour, "dash": "dot", "width": 2}, "showlegend": False,
            "marker": {"size": [0, 13], "color": colour, "line": _EDGE, "opacity": 1},
            "hovertemplate": f"{name}: %{{x:.0f}} labels<extra></extra>"}  # fmt: skip


def kappa_paradox(table):
    """Kappa and AC1 against how rare a label is, and the table of 1000 items; "kappa-paradox"."""
    line, you = table.filter(point="line"), table.filter(point="yours")
    row = you.row(0, named=True)
    shapes, words = _bands()
    return figure(
        [*_around_yours(row), *(_measure(line, *look) for look in _MEASURES),
         *(_mine(you, *look) for look in _MEASURES[:2]), _counts(row)],
        _paradox_title(row),
        {"type": "log", "range": [math.log10(p) for p in _SEEN], "domain": [0, 0.6],
         "title": {"text": "the rare label, % of the items"},
         "tickvals": [0.5, 1, 2, 5, 10, 20, 50]},
        {"title": {"text": "kappa, AC1; chance as a share"}, "range": _KAPPAS},
        height=500, shapes=shapes, annotations=words,
        xaxis2={"domain": [0.77, 1], "anchor": "y2", "title": {"text": "B (of 1000)"},
                "showgrid": False, "type": "category", "ticks": ""},
        yaxis2={"anchor": "x2", "domain": [0.3, 1], "showgrid": False,
                "type": "category", "autorange": "reversed", "ticks": ""},
        **ROOMY,
    )  # fmt: skip


def _around_yours(row):
    """What no two raters can have, and how rare the reader's label is."""
    left, right = _SEEN[0], max(row["least_percent"], _SEEN[0])
    low, high = _KAPPAS
    return [
        {"x": [left, right, right, left], "y": [low, low, high, high], "name": "not possible",
         "mode": "lines", "line": {"width": 0}, "fill": "toself", "fillcolor": PALE_ORANGE,
         "hoverinfo": "skip"},
        {"x": [row["rare_percent"]] * 2, "y": _KAPPAS, "mode": "lines", "name": "yours",
         "line": {"color": INK, "dash": "dot", "width": 1.5}, "hoverinfo": "skip"},
    ]  # fmt: skip


def _measure(line, column, name, colour, look):
    return {"x": line["rare_percent"], "y": line[column].to_list(), "mode": "lines", "name": name,
            "line": look | {"color": colour},
            "hovertemplate": f"rare label %{{x:.3g}} %: {name} %{{y:.2f}}<extra></extra>",
            }  # fmt: skip


def _mine(you, column, name, colour, _):
    return {"x": you["rare_percent"], "y": you[column].to_list(), "mode": "markers", "name": name,
            "marker": {"color": colour, "size": 14, "line": _EDGE}, **_HIDDEN}  # fmt: skip


def _paradox_title(row):
    told = f"Agreed in {row['agreement_percent']:g} %: "
    if row["kappa"] is None:
        return told + f"no label can be rarer than {shown(row['least_percent'])} %"
    return told + f"kappa {row['kappa']:.2f}, AC1 {row['ac1']:.2f}"


def _counts(row):
    """Two raters' 1000 items as four cells; empty where there can be no such raters."""
    cells = [[row["both_rare"], row["one"]], [row["one"], row["both_common"]]]
    possible = row["kappa"] is not None
    texts = [[shown(c, 3) if possible else "–" for c in cells_row] for cells_row in cells]
    names = ["rare", "common"]
    return {"type": "heatmap", "name": "items", "x": names, "y": [f"A {n}" for n in names],
            "z": cells if possible else [[0, 0]] * 2, "text": texts, "texttemplate": "%{text}",
            "zmin": 0, "zmax": 1000, "colorscale": [[0, PALE_GREY], [1, BLUE]], "showscale": False,
            "xgap": 3, "ygap": 3, "xaxis": "x2", "yaxis": "y2", "textfont": {"size": 16},
            "hovertemplate": "%{y}, B %{x}: %{text} of 1000<extra></extra>",
            }  # fmt: skip


def _bands():
    """(shapes, annotations): the bands of Landis and Koch."""
    ends = [1.0, *(least for least, _ in BANDS), _KAPPAS[0]]
    names = [*(name for _, name in BANDS), "poor"]
    box = {"type": "rect", "layer": "below", "line": {"width": 0}, "fillcolor": PALE_GREY}
    shapes = [box | {"xref": "x domain", "x0": 0, "x1": 1, "y0": low, "y1": high}
              for high, low in list(pairwise(ends))[::2]]  # fmt: skip
    words = [{"text": name, "x": 0.01, "xref": "x domain", "xanchor": "left", "y": (a + b) / 2,
              "showarrow": False, "font": {"size": 12, "color": "#5F6670"}}
             for name, (a, b) in zip(names, pairwise(ends), strict=True)]  # fmt: skip
    return shapes, words
