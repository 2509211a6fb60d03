"""Pictures of drift: what it costs, who sees it, how late, and who cries wolf."""

import math

import plotly.graph_objects as go
import polars as pl

from kit.errors import KitError
from kit.numbers import shown
from kit.views.theme import BLUE, DARK_ORANGE, GREEN, GREY, INK, ORANGE, PURPLE, RED, SKY, figure

WATCHES = ("inputs", "predictions", "confidence", "errors", "raters")
NONE = "none"
LOOKS = (  # one a drift: colour and symbol, so that colour is never alone
    (BLUE, "circle"), (ORANGE, "square"), (GREEN, "diamond"), (RED, "triangle-up"),
    (PURPLE, "triangle-down"), (SKY, "cross"), (GREY, "x"), (INK, "star"),
    (DARK_ORANGE, "hexagon"),
)  # fmt: skip
ROOMY = {  # above the picture: a title, and a legend of some lines where the page is narrow
    "margin": {"l": 70, "r": 20, "t": 125, "b": 60}, "title_y": 0.97, "title_yanchor": "top",
}  # fmt: skip
_DASHES = {"covariate": "solid", "label": "dash", "concept": "dot", "label quality": "dashdot"}
_CURVES = ("drift", "drift_kind", "size", "unit", "ks", "seen", "lost_points", "lost_low",
           "lost_high")  # fmt: skip
_HITS = ("detector", "drift", "size", "caught_percent", "delay_events")
_WOLVES = ("detector", "false_alarms", "windows", "per_100_windows", "low", "high", "promised")
_RATES = ("name", "rate", "low", "high", "promised")
_CAUGHT = 50.0  # %: below it a median delay would be that of a minority


def cases(table):
    """One row a drift and size, in their order: means over the draws of the windows.

    table: of kit.experiments.degradation.curves, or several one below the other. Adds `draws`
    and, for each of WATCHES, the share of the draws in which that monitor saw the drift.
    """
    table = _with(table, _CURVES, "table of what drifts cost")
    names = pl.col("seen").str.split(", ")
    more = [c for c in ("p_inputs",) if c in table.columns]
    return table.group_by("drift", "size", maintain_order=True).agg(
        pl.first("drift_kind", "unit", "lost_points", "lost_low", "lost_high"),
        pl.mean("ks"), pl.median(*more) if more else pl.len().alias("_"),
        pl.len().alias("draws"),
        *(names.list.contains(name).mean().alias(name) for name in WATCHES),
    ).select(pl.exclude("_"))  # fmt: skip


def curves(table):
    """Points of accuracy lost against the largest move of an input, a line a drift.

    table: of kit.experiments.degradation.curves; every line starts at no drift.
    """
    found = cases(table)
    start, rest = found.filter(pl.col("drift") == NONE), found.filter(pl.col("drift") != NONE)
    names = rest["drift"].unique(maintain_order=True)
    lines = [_curve(start, rest.filter(pl.col("drift") == name), *LOOKS[i % len(LOOKS)])
             for i, name in enumerate(names)]  # fmt: skip
    high = max(rest["lost_high"].max(), 10.0)
    return figure(
        lines, _finding(rest),
        {"title": {"text": "largest move of an input, Kolmogorov-Smirnov D"},
         "range": [-0.02, 1.04]},
        {"title": {"text": "accuracy lost, points (whiskers: 95 %)"}, "zeroline": True,
         "zerolinecolor": GREY, "range": [min(rest["lost_low"].min(), 0) - 3, 1.04 * high]},
        height=540, **ROOMY,
    )  # fmt: skip


def visibility(table, sizes="largest"):
    """Which monitor sees which drift, beside the points it costs; table of `curves`.

    sizes: "largest" of each drift, or "all". With several draws a cell says how many saw it.
    """
    if sizes not in ("largest", "all"):
        raise KitError("no such choice of sizes", found=sizes, allowed="largest, all")
    found = cases(table)
    if sizes == "largest":
        found = found.group_by("drift", maintain_order=True).last()
    rows = [case_name(r) for r in found.iter_rows(named=True)]
    share = found.select(WATCHES).rows()
    texts = [[_seen_text(s, n) for s in row] for row, n in zip(share, found["draws"], strict=True)]
    heat = go.Heatmap(
        x=list(WATCHES), y=rows, z=share, text=texts, texttemplate="%{text}", zmin=0, zmax=1,
        colorscale=[[0, "#F1F3F5"], [1, BLUE]], showscale=False, xgap=2, ygap=2,
        hovertemplate="%{x} at %{y}: seen in %{z:.0%} of the draws<extra></extra>",
    )  # fmt: skip
    return _beside_losses([heat, _lost_bars(found, rows), _lost_texts(found, rows)], found, rows)


def _beside_losses(traces, found, rows):
    down = [len(rows) - 0.5, -0.5]
    return figure(
        traces, _blind_title(found),
        {"title": {"text": ""}, "domain": [0, 0.62], "side": "top", "showgrid": False,
         "type": "category"},
        {"type": "category", "range": down, "automargin": True, "showgrid": False},
        height=185 + 27 * len(rows), margin={"l": 70, "r": 20, "t": 110, "b": 60},
        title_y=0.985, title_yanchor="top",
        xaxis2={"domain": [0.66, 1], "title": {"text": "accuracy lost, points"},
                "range": _roomy(found["lost_low"].min(), found["lost_high"].max()),
                "zeroline": True, "zerolinecolor": GREY},
        yaxis2={"anchor": "x2", "matches": "y", "showticklabels": False, "showgrid": False,
                "range": down, "ticks": ""},
    )  # fmt: skip


def scoreboard(hits, wolves):
    """What each detector catches, how late, and how often it cries wolf; tables of `scoreboard`.

    A cell holds the median delay in events where half of the streams or more are caught, else
    the share caught. Its colour is what is caught beyond luck, the share caught where nothing
    drifts: who always gives alarm stays pale. Who breaks its promise comes last, in red.
    """
    hits = _with(hits, _HITS, "table of what detectors caught")
    wolves = _with(wolves, _WOLVES, "table of false alarms")
    wolves = wolves.with_columns(broken=_broken()).sort(
        "broken", pl.col("promised").is_null(), maintain_order=True)  # fmt: skip
    names = wolves["detector"].to_list()
    found = {(r["detector"], r["drift"]): r for r in hits.iter_rows(named=True)}
    drifts = [d for d in hits["drift"].unique(maintain_order=True) if d != NONE]
    places = list(range(len(names)))
    luck = [_caught(found, n, NONE) for n in names]
    beyond = [[max((_caught(found, n, d) or 0) - (by_luck or 0), 0) for d in drifts]
              for n, by_luck in zip(names, luck, strict=True)]  # fmt: skip
    traces = [
        _cells([0], places, [[c or 0] for c in luck], _cell_texts(found, names, [NONE]),
               [[0, "#F1F3F5"], [1, RED]]),
        _cells(list(range(1, 1 + len(drifts))), places, beyond, _cell_texts(found, names, drifts),
               [[0, "#F1F3F5"], [1, BLUE]]),
        *_wolf_dots(wolves, places),
    ]  # fmt: skip
    labels = [f'<span style="color:{RED}">{n}</span>' if b else n
              for n, b in zip(names, wolves["broken"], strict=True)]  # fmt: skip
    return _score_figure(traces, wolves, labels, [NONE, *drifts])


def false_alarms(table):
    """Share of windows with an alarm though nothing changed, beside what was promised.

    table: name, rate, low, high, promised (shares, 0 to 1; promised null where nothing is).
    """
    table = _with(table, _RATES, "table of false alarm rates")
    places, rows = list(range(table.height)), table.with_columns(broken=_broken())
    percent = [(100 * table[c]).to_list() for c in ("rate", "low", "high")]
    traces = [
        _dots(places, *percent, [RED if b else BLUE for b in rows["broken"]], "measured",
              "%{x:.3g} % of the windows"),
        _promises(places, (100 * table["promised"]).to_list()),
    ]  # fmt: skip
    high = max(table["high"].max(), table["promised"].max() or 0)
    return figure(
        traces, _wolf_title(rows),
        {"title": {"text": "windows with a false alarm, % (whiskers: 95 %)"},
         "range": [0, min(105 * high, 103)]},
        {"tickvals": places, "ticktext": table["name"].to_list(), "automargin": True,
         "showgrid": False, "range": [table.height - 0.4, -0.6]},
        height=210 + 38 * table.height, margin={"l": 70, "r": 20, "t": 115, "b": 60},
        title_y=0.93, title_yanchor="top",
    )  # fmt: skip


def case_name(row):
    """Text of a row with drift, size and unit: "noise, 10 dB SNR"."""
    if row["drift"] == NONE:
        return "no drift"
    return f"{row['drift']}, {shown(row['size'])} {row['unit']}".strip()


def _wolf_title(rows):
    worst = rows.filter("broken")
    if worst.is_empty():
        return "No detector breaks its promise"
    row = worst.sort(pl.col("rate") / pl.col("promised")).row(-1, named=True)
    return (f"{row['name']}:<br>{shown(100 * row['rate'], 2)} % false alarms, "
            f"{shown(100 * row['promised'], 2)} % promised")  # fmt: skip


def _with(table, columns, what):
    """`table` if it is a polars table with rows and these columns, else a KitError."""
    if not isinstance(table, pl.DataFrame) or not set(columns) <= set(table.columns):
        raise KitError(f"this is no {what}", allowed=f"a polars table with {', '.join(columns)}",
                       found=getattr(table, "columns", type(table).__name__))  # fmt: skip
    if table.is_empty():
        raise KitError(f"this {what} has no row", found="0 rows", allowed="1 row or more")
    return table


def _curve(start, rows, colour, symbol):
    rows = pl.concat([start, rows])
    lost = rows["lost_points"]
    dash = _DASHES.get(rows["drift_kind"][-1], "solid")
    return go.Scatter(
        x=rows["ks"], y=lost, mode="lines+markers", name=rows["drift"][-1],
        line={"color": colour, "width": 2, "dash": dash},
        marker={"color": colour, "size": 10, "symbol": symbol},
        error_y={"array": rows["lost_high"] - lost, "arrayminus": lost - rows["lost_low"],
                 "thickness": 1.2, "width": 3},
        text=[case_name(r) for r in rows.iter_rows(named=True)],
        hovertemplate="%{text}: D %{x:.2f}, %{y:.1f} points lost<extra></extra>",
    )  # fmt: skip


def _finding(rows):
    """The largest move without a loss, beside the smallest with one."""
    free = rows.filter(pl.col("lost_low") <= 0).sort("ks")
    paid = rows.filter(pl.col("lost_low") > 0).sort("ks")
    parts = []
    if free.height:
        row = free.row(-1, named=True)
        parts.append(f"D {row['ks']:.2f} and no loss to be seen: {case_name(row)}")
    if paid.height:
        row = paid.row(0, named=True)
        parts.append(f"D {row['ks']:.2f} and {row['lost_points']:.1f} points lost: "
                     f"{case_name(row)}")  # fmt: skip
    return "<br>".join(parts)


def _seen_text(share, draws):
    if not share:
        return "–"
    return "sees it" if draws == 1 or share == 1 else f"{round(share * draws)} of {draws}"


def _blind_title(found):
    lost = found.filter(pl.col("lost_low") > 0)
    blind = lost.filter(pl.col("inputs") < 0.5).sort("lost_points")
    if blind.is_empty():
        return f"Losses that the inputs do not show: none of {lost.height}"
    row = blind.row(-1, named=True)
    return f"The inputs do not show {row['drift']}, {row['lost_points']:.0f} points lost"


def _lost_bars(found, rows):
    colours = [RED if low > 0 else GREY for low in found["lost_low"]]
    return go.Bar(
        x=found["lost_points"], y=rows, orientation="h", xaxis="x2", yaxis="y2",
        showlegend=False, marker={"color": colours}, width=0.62,
        hovertemplate="%{y}: %{x:.1f} points lost<extra></extra>",
    )  # fmt: skip


def _lost_texts(found, rows):
    """To the right of every bar, so that a gain does not run into the matrix."""
    lost = found["lost_points"]
    return go.Scatter(
        x=lost.clip(0), y=rows, mode="text", text=[f" {x + 0.0:.1f}" for x in lost.round(1)],
        textposition="middle right", cliponaxis=False, xaxis="x2", yaxis="y2",
        showlegend=False, hoverinfo="skip",
    )  # fmt: skip


def _roomy(low, high):
    """An axis that holds both ends and zero, with room for a number behind the bar."""
    width = max(high, 1) - min(low, 0)
    return [min(low, 0) - 0.05 * width, max(high, 1) + 0.22 * width]


def _broken():
    return (pl.col("low") > pl.col("promised")).fill_null(False)


def _caught(found, name, drift):
    row = found.get((name, drift))
    return row and row["caught_percent"]


def _cell_texts(found, names, drifts):
    return [[_cell_text(found.get((n, d))) for d in drifts] for n in names]


def _cell_text(row):
    if row is None:
        return "–"
    if row["caught_percent"] >= _CAUGHT and row["delay_events"] is not None:
        return f"{row['delay_events']:.0f}"
    return f"{row['caught_percent']:.0f} %"


def _cells(x, y, z, texts, scale):
    return go.Heatmap(
        x=x, y=y, z=z, text=texts, texttemplate="%{text}", zmin=0, zmax=100, colorscale=scale,
        showscale=False, xgap=2, ygap=2, textfont={"size": 11},
        hovertemplate="%{text}<extra></extra>",
    )  # fmt: skip


def _wolf_dots(wolves, places):
    """Rates with their intervals on x2, and the promises; no false alarm is drawn as "at most"."""
    none = wolves["false_alarms"] == 0
    rate = [h if zero else r for h, r, zero in
            zip(wolves["high"], wolves["per_100_windows"], none, strict=True)]  # fmt: skip
    low = [x if zero else y for x, y, zero in zip(rate, wolves["low"], none, strict=True)]
    colours = [RED if b else BLUE for b in wolves["broken"]]
    dots = _dots(places, rate, low, wolves["high"].to_list(), colours, "false alarms",
                 "%{customdata} of 100 windows")  # fmt: skip
    symbols = ["triangle-left-open" if zero else "circle" for zero in none]
    told = [f"at most {shown(r)}" if zero else shown(r) for r, zero in zip(rate, none, strict=True)]
    dots.update(xaxis="x2", yaxis="y2", marker={"symbol": symbols}, customdata=told)
    return dots, _promises(places, wolves["promised"].to_list()).update(xaxis="x2", yaxis="y2")


def _dots(places, middle, low, high, colours, name, told):
    up = [h - m for h, m in zip(high, middle, strict=True)]
    down = [m - x for m, x in zip(middle, low, strict=True)]
    return go.Scatter(
        x=middle, y=places, mode="markers", name=name, marker={"color": colours, "size": 11},
        error_x={"array": up, "arrayminus": down, "thickness": 1.4, "color": GREY},
        hovertemplate=told + "<extra></extra>",
    )  # fmt: skip


def _promises(places, promised):
    return go.Scatter(
        x=promised, y=places, mode="markers", name="promised",
        marker={"symbol": "line-ns-open", "size": 20, "color": INK, "line": {"width": 3}},
        hovertemplate="promised: %{x:.3g}<extra></extra>",
    )  # fmt: skip


def _score_figure(traces, wolves, labels, drifts):
    places = list(range(len(labels)))
    ends = [math.log10(0.5 * min(x for x in (*wolves["low"], *wolves["high"]) if x > 0)),
            math.log10(1.5 * max(wolves["high"].max(), wolves["promised"].max() or 0))]  # fmt: skip
    broken = wolves.filter("broken")["detector"].to_list()
    title = f"Cries wolf more than promised: {', '.join(broken) or 'nobody'}"
    rows = {"range": [len(places) - 0.5, -0.5], "showgrid": False}
    return figure(
        traces, title,
        {"title": {"text": ""}, "domain": [0, 0.72], "side": "top", "showgrid": False,
         "tickangle": -40, "tickvals": list(range(len(drifts))), "ticktext": drifts,
         "range": [-0.5, len(drifts) - 0.5]},
        rows | {"tickvals": places, "ticktext": labels, "automargin": True},
        height=250 + 30 * len(places), margin={"l": 70, "r": 20, "t": 140, "b": 110},
        title_y=0.975, title_yanchor="top",
        xaxis2={"domain": [0.75, 1], "type": "log", "range": ends, "dtick": 1, "tickangle": 0,
                "title": {"text": "false alarms in<br>100 windows<br>(bar: promised)"}},
        yaxis2=rows | {"anchor": "x2", "showticklabels": False, "ticks": ""},
        showlegend=False, annotations=[_key()],
    )  # fmt: skip


def _key():
    text = ("events until the alarm (median), or % of streams<br>caught, if fewer than half. "
            "none: nothing drifts,<br>so what is caught there is luck")  # fmt: skip
    return {"text": text, "xref": "paper", "yref": "paper", "x": 0, "y": 0, "yshift": -12,
            "showarrow": False, "xanchor": "left", "yanchor": "top", "align": "left",
            "font": {"size": 13}}  # fmt: skip
