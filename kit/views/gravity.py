"""Pictures of the lesson on data gravity. Each takes the table of its explorer or probe."""

import plotly.graph_objects as go
import polars as pl

from kit.numbers import shown
from kit.views.theme import (
    BLUE,
    GREEN,
    GREY,
    INK,
    ORANGE,
    PALE_BLUE,
    PALE_ORANGE,
    RED,
    figure,
    log_axis,
)

_APART = ["top left", "bottom center", "top center", "top left", "top center"]  # labels
VOLUMES_GB = (1.0, 1e7)  # the map's width: a gigabyte to ten petabytes


def code_or_data(table):
    """Map of volume against link with the break-even line; see explorers.gravity.move."""
    curve = table.filter(~pl.col("named"))
    links = table.filter(pl.col("named"))
    low, high = VOLUMES_GB
    edge = curve["break_even_gb"].clip(low / 10, high * 10)
    rates = curve["link_gbps"]
    yours = links["volume_gb"][0]
    colours = [BLUE if c == "move the data" else ORANGE for c in links["cheaper"]]
    # labels stand on the side away from the line, and inside the picture
    away = [(c == "move the data" and yours > 30) or yours > 1e6 for c in links["cheaper"]]
    sides = ["middle left" if left else "middle right" for left in away]
    traces = [
        go.Scatter(x=[low / 10] * len(rates), y=rates, mode="lines", line={"width": 0},
                   hoverinfo="skip", showlegend=False),
        go.Scatter(x=edge, y=rates, mode="lines", fill="tonextx", fillcolor=PALE_BLUE,
                   line={"color": INK, "width": 2}, name="break-even",
                   hovertemplate="break-even %{x:,.0f} GB at %{y:.3g} Gbit/s<extra></extra>"),
        go.Scatter(x=[high * 10] * len(rates), y=rates, mode="lines", fill="tonextx",
                   fillcolor=PALE_ORANGE, line={"width": 0}, hoverinfo="skip", showlegend=False),
        go.Scatter(x=[yours] * len(links), y=links["link_gbps"], mode="markers+text",
                   marker={"size": 11, "color": colours, "line": {"color": "white", "width": 1}},
                   text=links["link"], name="your data on real links", customdata=links["hours"],
                   textposition=sides,
                   hovertemplate="%{text}: %{customdata:.3g} h<extra></extra>"),
        go.Scatter(x=[low * 1.3, high / 1.3], y=[rates.max() * 0.6] * 2, mode="text",
                   text=["<b>move the data</b>", "<b>move the code</b>"], hoverinfo="skip",
                   textposition=["middle right", "middle left"], showlegend=False,
                   textfont={"size": 15, "color": [BLUE, "#9A6A00"]}),
    ]  # fmt: skip
    return figure(
        traces,
        "Move the data, or move the code?",
        log_axis("volume of the data, GB", low, high),
        log_axis("link, Gbit/s", rates.min(), rates.max()),
        height=480,
    )


def feeding(table):
    """Busy share of the device against the storage rate, three settings; explorers.gravity.feed."""
    rates = table.filter(~pl.col("named"))
    marks = table.filter(pl.col("named"))
    settings = (
        ("yours", "busy_yours", BLUE, "solid"),
        ("chapter: training on JPEG", "busy_training", GREEN, "dash"),
        ("chapter: inference on FP32 images", "busy_inference", RED, "dot"),
    )
    traces = [
        go.Scatter(x=rates["storage_gbs"], y=rates[column], mode="lines", name=name,
                   line={"color": colour, "dash": dash, "width": 3},
                   hovertemplate="%{x:.3g} GB/s: %{y:.1f} % busy<extra></extra>")
        for name, column, colour, dash in settings
    ]  # fmt: skip
    traces.append(
        go.Scatter(x=marks["storage_gbs"], y=marks["busy_yours"], mode="markers+text",
                   text=marks["storage"], textposition=_APART[: marks.height], showlegend=False,
                   marker={"size": 11, "color": BLUE}, textfont={"size": 12},
                   hovertemplate="%{text}: %{y:.1f} % busy<extra></extra>"),
    )  # fmt: skip
    axis = log_axis("storage delivers, GB/s", 0.05, 200)
    return figure(
        traces,
        "The feeding tax: how long the accelerator waits",
        axis,
        {"title": {"text": "device busy, % of the time"}, "range": [-10, 112]},
        height=450,
    )


def choke_point(table):
    """Throughput against the number of loader workers; see explorers.gravity.choke."""
    you = table.filter(pl.col("chosen"))
    traces = [
        go.Scatter(x=table["workers"], y=table["delivered"], mode="none", fill="tozeroy",
                   fillcolor=PALE_BLUE, hoverinfo="skip", showlegend=False),
        go.Scatter(x=table["workers"], y=table["loader"], mode="lines+markers", name="data loader",
                   line={"color": BLUE, "width": 3},
                   hovertemplate="%{x} workers: %{y:,.0f} samples/s<extra></extra>"),
        go.Scatter(x=table["workers"], y=table["consumer"], mode="lines", name="the device takes",
                   line={"color": RED, "dash": "dash", "width": 3}, hoverinfo="skip"),
        go.Scatter(x=you["workers"], y=you["delivered"], mode="markers+text", name="you",
                   text=[f"{shown(you['busy'][0])} % busy, limit: {you['limit'][0]}"],
                   textposition="bottom right" if you["workers"][0] <= 14 else "bottom left",
                   marker={"size": 15, "color": ORANGE, "line": {"color": INK, "width": 2}}),
    ]  # fmt: skip
    top = 1.15 * max(table["loader"].max(), table["consumer"].max())
    return figure(
        traces,
        "The choke point: workers against the device",
        {"title": {"text": "data loader workers"}, "range": [0, table["workers"].max() + 1]},
        {"title": {"text": "samples/s"}, "range": [0, top]},
    )


def energy(table):
    """Energy of each level on a common unit, log bars; see explorers.gravity.energy."""
    colours = [ORANGE if moves else BLUE for moves in table["moves"]]
    text = [
        f"{shown(e)} pJ  ({shown(r)} x)" for e, r in zip(table["pj"], table["ratio"], strict=True)
    ]
    bars = go.Bar(x=table["pj"], y=table["level"], orientation="h", marker={"color": colours},
                  text=text, textposition="outside", cliponaxis=False, showlegend=False,
                  hovertemplate="%{y}: %{x:.3g} pJ<extra></extra>")  # fmt: skip
    unit = table["unit"][0]
    axis = log_axis(f"energy a {unit}, pJ", 1e-3, 3e8)
    return figure(
        [bars],
        f"Energy a {unit}: computing (blue) against moving (orange)",
        axis,
        {"autorange": "reversed", "automargin": True},
    )


def ladder(table):
    """The reader's latency ladder beside the chapter's; table from measure.latency_ladder."""
    rungs = table["rung"]
    seen = table.filter(pl.col("measured_ns").is_not_null())
    bars = {"type": "data", "symmetric": False, "color": INK,
            "array": seen["high_ns"] - seen["measured_ns"],
            "arrayminus": seen["measured_ns"] - seen["low_ns"]}  # fmt: skip
    traces = [
        go.Scatter(x=table["chapter_ns"], y=rungs, mode="markers", name="chapter's table",
                   marker={"size": 15, "color": "white", "line": {"color": GREY, "width": 3}},
                   customdata=[human_time(s) for s in table["chapter_human_s"]],
                   hovertemplate="%{y}: %{x:,.3g} ns = %{customdata}<extra>chapter</extra>"),
        go.Scatter(x=seen["measured_ns"], y=seen["rung"], mode="markers", name="this machine",
                   marker={"size": 13, "color": BLUE}, error_x=bars,
                   customdata=[human_time(s) for s in seen["measured_human_s"]],
                   hovertemplate="%{y}: %{x:,.3g} ns = %{customdata}<extra>here</extra>"),
    ]  # fmt: skip
    scale = [10.0**k for k in range(9)]
    second = {"overlaying": "x", "side": "top", "type": "log", "range": [-1, 9],
              "tickvals": scale, "ticktext": [human_time(2 * ns) for ns in scale],
              "title": {"text": "the same, if an L1 access took one second"},
              "showgrid": False}  # fmt: skip
    ghost = go.Scatter(x=scale, y=[rungs[0]] * len(scale), xaxis="x2", mode="none",
                       showlegend=False, hoverinfo="skip")  # fmt: skip
    return figure(
        [*traces, ghost],
        "",
        log_axis("latency, ns", 0.1, 1e9),
        {"autorange": "reversed", "automargin": True},
        height=520,
        xaxis2=second,
        margin={"l": 70, "r": 20, "t": 90, "b": 110},
        legend={"y": -0.22, "yanchor": "top"},
    )


def human_time(seconds):
    """Seconds in the unit a person would choose: 90 -> '1.5 min'."""
    units = (("y", 31_557_600), ("d", 86_400), ("h", 3600), ("min", 60), ("s", 1), ("ms", 1e-3))
    for name, size in units:
        if seconds >= size:
            return f"{shown(seconds / size, 2)} {name}"
    return f"{shown(seconds * 1e6, 2)} us"


def scaling(table, serial):
    """Measured speed-up against Amdahl's law; `table` from measure.scaling plus column amdahl."""
    top = int(table["workers"].max())
    traces = [
        go.Scatter(x=[1, top], y=[1, top], mode="lines", name="perfect",
                   line={"color": GREY, "dash": "dot"}),
        go.Scatter(x=table["workers"], y=table["amdahl"], mode="lines",
                   name=f"Amdahl with {100 * serial:.0f} % serial", line={"color": ORANGE}),
        go.Scatter(x=table["workers"], y=table["speedup"], mode="lines+markers", name="measured",
                   line={"color": BLUE, "width": 3},
                   error_y={"type": "data", "symmetric": False, "color": INK,
                            "array": table["high"] - table["speedup"],
                            "arrayminus": table["speedup"] - table["low"]}),
    ]  # fmt: skip
    ticks = {"title": {"text": "processes"}, "tickvals": table["workers"]}
    return figure(traces, "More processes, less time?", ticks, "speed-up")


def epochs(table):
    """Predicted against measured epoch time for each layout; see the lesson."""
    error = {"type": "data", "symmetric": False, "array": table["high_s"] - table["measured_s"],
             "arrayminus": table["measured_s"] - table["low_s"]}  # fmt: skip
    traces = [
        go.Bar(x=table["layout"], y=table["predicted_s"], name="closed form",
               marker={"color": GREY}),
        go.Bar(x=table["layout"], y=table["measured_s"], name="measured", error_y=error,
               marker={"color": BLUE}),
    ]  # fmt: skip
    return figure(traces, "One epoch, predicted and measured", "", "one epoch, s")
