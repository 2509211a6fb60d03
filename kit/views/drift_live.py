"""Pictures of the explorers on drift: false alarms, smallest shifts, verdicts, a stream."""

import numpy as np
import plotly.graph_objects as go
import polars as pl

from kit.numbers import plural, shown
from kit.views.drift import ROOMY, case_name
from kit.views.theme import (
    BLUE,
    GREEN,
    GREY,
    INK,
    ORANGE,
    PALE_BLUE,
    PALE_ORANGE,
    PURPLE,
    RED,
    figure,
    log_axis,
)

VERDICTS = (  # verdict, colour, symbol, what the legend says
    ("rightly seen", GREEN, "circle", "loss, inputs show it"),
    ("silent loss", RED, "x", "loss, inputs silent"),
    ("needless alarm", ORANGE, "triangle-up", "alarm, no loss to be seen"),
    ("rightly quiet", BLUE, "square", "no alarm, no loss to be seen"),
    ("open", GREY, "circle-open", "within chance where it was measured"),
)
MONITORS = (  # column of the explorer "stream", colour, symbol
    ("inputs", BLUE, "circle"), ("predictions", ORANGE, "square"), ("errors", GREEN, "diamond"),
    ("raters", PURPLE, "triangle-up"),
)  # fmt: skip
_LEAST, _MOST = 0.2, 13.0  # times its threshold, that a line of the stream shows
_TICKS = [0.25, 0.5, 1, 2, 4, 8]


def alarms(table):
    """Share of windows with a false alarm under each rule; table of the explorer "alarms"."""
    places, rate = list(range(table.height)), table["per_window_percent"]
    wanted = table["wanted_percent"][0]
    bars = go.Bar(
        x=rate, y=places, orientation="h", name="windows with a false alarm", width=0.62,
        marker={"color": [RED if x > wanted + 1e-9 else BLUE for x in rate]},
        hovertemplate="%{x:.3g} % of the windows<extra></extra>",
    )  # fmt: skip
    limit = go.Scatter(x=[wanted] * 2, y=[-0.6, table.height - 0.4], mode="lines", name="wanted",
                       line={"color": INK, "dash": "dash", "width": 1.5}, hoverinfo="skip",
                       )  # fmt: skip
    numbers = go.Scatter(  # behind the bar, and behind the line
        x=rate.clip(wanted), y=places, mode="text", text=[f" {_percent(x)}" for x in rate],
        textposition="middle right", cliponaxis=False, hoverinfo="skip", name="share",
    )  # fmt: skip
    rows, columns = table["rows"][0], table["columns"][0]
    return figure(
        [bars, limit, numbers],
        f"{shown(rows)} rows a window, {plural(columns, 'column')}, no drift",
        {"title": {"text": f"windows with a false alarm, % (dashed: {wanted:g} % wanted)"},
         "range": [0, 114], "tickvals": [0, 20, 40, 60, 80, 100]},
        {"tickvals": places, "ticktext": table["rule"].to_list(), "automargin": True,
         "showgrid": False, "range": [table.height - 0.4, -0.6]},
        height=150 + 44 * table.height, showlegend=False,
    )  # fmt: skip


def smallest_shift(table):
    """The smallest shift that gives an alarm, against rows; table of "size-and-sense"."""
    line, you = table.filter(point="line"), table.filter(point="yours")
    row = you.row(0, named=True)
    bottom, top = min(1e-3, line["shift"].min()), 2.0
    seen = "alarm" if row["alarm"] else "no alarm"
    guides = [_flat(line["rows"], shift, f"PSI {psi:g}", dash)
              for psi, shift, dash in ((0.1, row["psi_01_shift"], "dash"),
                                       (0.25, row["psi_025_shift"], "dot"))]  # fmt: skip
    traces = [
        _area(line["rows"], line["shift"], top, PALE_ORANGE, "alarm"),
        _area(line["rows"], line["shift"], bottom, PALE_BLUE, "quiet"),
        go.Scatter(x=line["rows"], y=line["shift"], mode="lines", name="smallest with alarm",
                   line={"color": BLUE, "width": 3},
                   hovertemplate="%{x:.3s} rows: %{y:.3g} σ<extra></extra>"),
        *guides, _yours(you, RED if row["alarm"] else BLUE),
    ]  # fmt: skip
    return figure(
        traces,
        f"{shown(row['rows'])} rows: alarm from {shown(row['smallest'])} σ on; "
        f"{shown(row['shift'])} σ: {seen}",
        log_axis("rows a window, reference alike", line["rows"].min(), line["rows"].max()),
        {"type": "log", "title": {"text": "shift of the mean, σ"},
         "range": [np.log10(bottom), np.log10(top)], "tickvals": [0.001, 0.01, 0.1, 1],
         "ticktext": ["0.001", "0.01", "0.1", "1"]},
        height=480, **ROOMY,
    )  # fmt: skip


def _yours(you, colour):
    return go.Scatter(x=you["rows"], y=you["shift"], mode="markers", name="yours",
                      marker={"color": colour, "size": 14, "line": {"color": INK, "width": 2}},
                      hovertemplate="%{x:.3s} rows, %{y:.3g} σ<extra>yours</extra>")  # fmt: skip


def degradation(table):
    """Losses against moves, split by the threshold; table of the explorer "degradation"."""
    line, chosen = table["threshold"][0], table.filter("chosen")
    high, low = max(table["lost_high"].max(), 10.0), min(table["lost_low"].min(), 0)
    silent, needless = (table.filter(verdict=v).height for v in ("silent loss", "needless alarm"))
    ends = [low - 3, 1.04 * high]
    return figure(
        [
            *(_verdict(table.filter(verdict=v), colour, symbol, told)
              for v, colour, symbol, told in VERDICTS),
            _chosen(chosen),
            go.Scatter(x=[line, line], y=ends, mode="lines", name=f"alarm from D {shown(line)}",
                       line={"color": INK, "dash": "dash", "width": 2}, hoverinfo="skip"),
        ],
        f"Losses that the inputs do not show: {silent}. Needless alarms: {needless}",
        {"title": {"text": "largest move of an input, Kolmogorov-Smirnov D"},
         "range": [-0.02, 1.04]},
        {"title": {"text": "accuracy lost, points (whiskers: 95 %)"}, "range": ends,
         "zeroline": True, "zerolinecolor": GREY},
        height=520, **ROOMY | {"margin": ROOMY["margin"] | {"t": 145}},
    )  # fmt: skip


_LEVEL = {"type": "line", "xref": "paper", "x0": 0, "x1": 1, "yref": "y3", "y0": 1, "y1": 1,
          "line": {"color": RED, "width": 1.5, "dash": "dash"}}  # fmt: skip
_TIMES = {"title": {"text": "times its threshold"}, "type": "log", "overlaying": "y",
          "range": [np.log10(_LEAST * 0.9), np.log10(_MOST)], "tickvals": _TICKS,
          "ticktext": [f"{t:g}" for t in _TICKS], "side": "left", "domain": [0.4, 1]}  # fmt: skip


def stream(table):
    """Windows of a stream as they fill: what each monitor says, and accuracy; of "stream"."""
    full = table.filter("full")
    last = table["end"].max()
    course = pl.Series([0.0, *table["course"]]), pl.Series([0, *table["end"]])
    traces = [  # dicts: a go.Scatter would be checked twice, and a move took a third longer
        _course(*course, 1.0, "y", True),
        *(_monitor(full, *look) for look in MONITORS),
        _alarmed(full),
        _course(*course, 100.0, "y2", False),
        {"x": full["end"], "y": full["accuracy_percent"], "mode": "lines+markers",
         "name": "accuracy", "yaxis": "y2", "showlegend": False, "line": {"color": INK},
         "hovertemplate": "%{y:.1f} % right<extra></extra>"},
    ]  # fmt: skip
    return figure(
        traces, _stream_title(full),
        {"title": {"text": "events so far, in windows of "
                           f"{table['events_a_window'][0]}"}, "range": [0, 1.02 * last],
         "anchor": "y2"},
        {"domain": [0.4, 1], "range": [0, 1], "visible": False},
        height=590,
        yaxis2={"domain": [0, 0.31], "title": {"text": "accuracy, %"}, "range": [0, 102]},
        yaxis3=_TIMES, shapes=[_LEVEL], **ROOMY,
    )  # fmt: skip


def _percent(x):
    return "under 0.1 %" if x < 0.1 else f"{shown(x, 2 if x < 99 else 3)} %"


def _area(rows, shift, edge, colour, name):
    x, y = np.r_[rows, rows[::-1]], np.r_[shift, np.full(len(rows), edge)]
    return go.Scatter(x=x, y=y, mode="lines", fill="toself", fillcolor=colour, name=name,
                      line={"width": 0}, hoverinfo="skip")  # fmt: skip


def _flat(rows, shift, name, dash):
    return go.Scatter(x=[rows.min(), rows.max()], y=[shift] * 2, mode="lines", name=name,
                      hoverinfo="skip", line={"color": GREY, "dash": dash, "width": 2})  # fmt: skip


def _verdict(rows, colour, symbol, name):
    return go.Scatter(
        x=rows["ks"], y=rows["lost_points"], mode="markers", name=name,
        marker={"color": colour, "symbol": symbol, "size": 11},
        text=[case_name(r) for r in rows.iter_rows(named=True)],
        hovertemplate="%{text}: D %{x:.2f}, %{y:.1f} points lost<extra></extra>",
    )  # fmt: skip


def _chosen(rows):
    lost = rows["lost_points"]
    return go.Scatter(
        x=rows["ks"], y=lost, mode="lines+markers", name=rows["drift"][-1], hoverinfo="skip",
        line={"color": INK, "width": 1.5},
        marker={"color": INK, "size": 17, "symbol": "circle-open", "line": {"width": 2}},
        error_y={"array": rows["lost_high"] - lost, "arrayminus": lost - rows["lost_low"],
                 "thickness": 1.4, "width": 4},
    )  # fmt: skip


def _course(share, ends, top, axis, named):
    return {"x": ends, "y": top * share, "yaxis": axis, "fill": "tozeroy", "mode": "lines",
            "fillcolor": PALE_ORANGE, "line": {"width": 0, "shape": "vh"}, "hoverinfo": "skip",
            "name": "drifted share", "showlegend": named}  # fmt: skip


def _monitor(full, name, colour, symbol):
    return {"x": full["end"], "y": [_clipped(r) for r in full[name]], "yaxis": "y3",
            "mode": "lines+markers", "name": name, "line": {"color": colour},
            "marker": {"symbol": symbol, "size": 8}, "customdata": full[name],
            "hovertemplate": name + ": %{customdata:.2f} times its threshold<extra></extra>",
            }  # fmt: skip


def _alarmed(full):
    """A red ring around every alarm, whoever gave it."""
    rows = [row for name, *_ in MONITORS
            for row in full.filter(pl.col(f"{name}_alarm")).select("end", name).rows()]  # fmt: skip
    return {"x": [end for end, _ in rows], "y": [_clipped(r) for _, r in rows], "yaxis": "y3",
            "mode": "markers", "name": "alarm", "hoverinfo": "skip",
            "marker": {"color": RED, "size": 17, "symbol": "circle-open", "line": {"width": 3}},
            }  # fmt: skip


def _clipped(ratio):
    return None if ratio is None else min(max(ratio, _LEAST), _MOST)


def _stream_title(full):
    if full.is_empty():
        return "No window is full yet"
    names = [n for n, *_ in MONITORS if full[f"{n}_alarm"].any()]
    drift = full["drift"][0]
    told = f"alarm from {', '.join(names)}" if names else "no alarm so far"
    return f"{'No drift' if drift == 'none' else drift.capitalize()}: {told}"
