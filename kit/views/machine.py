"""Pictures of what was measured on this machine."""

import plotly.graph_objects as go
import polars as pl

from kit.numbers import human_time
from kit.views.theme import BLUE, GREY, INK, ORANGE, figure, log_axis


def ladder(table):
    """The reader's latency ladder beside the chapter's; table from measure.latency_ladder.

    The lower axis is in ns, the upper one stretches time until an L1 access takes a second.
    """
    rungs = table["rung"]
    seen = table.filter(pl.col("measured_ns").is_not_null())
    ring = {"size": 15, "color": "white", "line": {"color": GREY, "width": 3}}
    traces = [
        _rungs(table, "chapter", "chapter's table", marker=ring),
        _rungs(seen, "measured", "this machine", marker={"size": 13, "color": BLUE},
               error_x=_bars(seen["measured_ns"], seen["low_ns"], seen["high_ns"])),
        # plotly draws a second axis only for a trace that uses it
        go.Scatter(x=[1], y=[rungs[0]], xaxis="x2", mode="none", showlegend=False,
                   hoverinfo="skip"),
    ]  # fmt: skip
    return figure(
        traces,
        "",
        log_axis("latency, ns", 0.1, 1e9),
        {"autorange": "reversed", "automargin": True},
        height=520,
        xaxis2=_human_axis(),
        margin={"l": 70, "r": 20, "t": 90, "b": 110},
        legend={"y": -0.22, "yanchor": "top"},
    )


def rates(table):
    """The reader's rates beside the chapter's bands; table from measure.bandwidth_ladder."""
    seen = table.filter(pl.col("measured_gbs").is_not_null())
    x, y = [], []  # one line a band: low, high, gap
    for row in table.iter_rows(named=True):
        x += [row["chapter_low_gbs"], row["chapter_high_gbs"], None]
        y += [row["rung"]] * 2 + [None]
    traces = [
        go.Scatter(x=x, y=y, mode="lines+markers", name="chapter's table",
                   line={"color": GREY, "width": 7}, marker={"size": 9, "color": GREY}),
        go.Scatter(x=seen["measured_gbs"], y=seen["rung"], mode="markers", name="this machine",
                   marker={"size": 13, "color": BLUE},
                   error_x=_bars(seen["measured_gbs"], seen["low_gbs"], seen["high_gbs"])),
    ]  # fmt: skip
    return figure(
        traces,
        "How fast bytes come from each level",
        log_axis("rate, GB/s", 0.05, 500),
        {"autorange": "reversed", "automargin": True},
        height=400,
    )


def scaling(table, serial):
    """Measured speed-up against Amdahl's law; measure.scaling_table plus a column amdahl."""
    top = int(table["workers"].max())
    traces = [
        go.Scatter(x=[1, top], y=[1, top], mode="lines", name="perfect",
                   line={"color": GREY, "dash": "dot"}),
        go.Scatter(x=table["workers"], y=table["amdahl"], mode="lines",
                   name=f"Amdahl with {100 * serial:.0f} % serial", line={"color": ORANGE}),
        go.Scatter(x=table["workers"], y=table["speedup"], mode="lines+markers", name="measured",
                   line={"color": BLUE, "width": 3},
                   error_y=_bars(table["speedup"], table["low"], table["high"])),
    ]  # fmt: skip
    ticks = {"title": {"text": "processes"}, "tickvals": table["workers"]}
    return figure(traces, "More processes, less time?", ticks, "speed-up")


def epochs(table):
    """Predicted against measured epoch time for each layout; table from measure.epoch_table."""
    traces = [
        go.Bar(x=table["layout"], y=table["predicted_s"], name="closed form",
               marker={"color": GREY}),
        go.Bar(x=table["layout"], y=table["measured_s"], name="measured", marker={"color": BLUE},
               error_y=_bars(table["measured_s"], table["low_s"], table["high_s"])),
    ]  # fmt: skip
    return figure(traces, "One epoch, predicted and measured", "", "one epoch, s")


def _rungs(table, which, name, **style):
    """Dots on the ladder; `which` is "chapter" or "measured"."""
    return go.Scatter(
        x=table[f"{which}_ns"], y=table["rung"], mode="markers", name=name,
        customdata=[human_time(s) for s in table[f"{which}_human_s"]],
        hovertemplate="%{y}: %{x:,.3g} ns = %{customdata}<extra></extra>", **style,
    )  # fmt: skip


def _human_axis():
    ticks = [10.0**k for k in range(9)]
    return {
        "overlaying": "x", "side": "top", "type": "log", "range": [-1, 9], "showgrid": False,
        "tickvals": ticks, "ticktext": [human_time(2 * ns) for ns in ticks],
        "title": {"text": "the same, if an L1 access took one second"},
    }  # fmt: skip


def _bars(value, low, high):
    """Error bars from the spread of a Measurement."""
    return {"type": "data", "symmetric": False, "color": INK, "array": high - value,
            "arrayminus": value - low}  # fmt: skip
