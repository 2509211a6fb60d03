"""Pictures of the lesson on data gravity. Each takes the table of its explorer."""

import plotly.graph_objects as go
import polars as pl

from kit.numbers import shown
from kit.views.theme import (
    BLUE,
    DARK_ORANGE,
    GREEN,
    INK,
    ORANGE,
    PALE_BLUE,
    PALE_ORANGE,
    RED,
    figure,
    log_axis,
)

VOLUMES_GB = (1.0, 1e7)  # the map's width: a gigabyte to ten petabytes


def code_or_data(table):
    """Map of volume against link with the break-even line; table of the explorer "gravity"."""
    curve, links = table.filter(~pl.col("named")), table.filter(pl.col("named"))
    low, high = VOLUMES_GB
    rates = curve["link_gbps"]
    edge = curve["break_even_gb"].clip(low / 10, high * 10)
    return figure(
        [*_regions(rates, edge), _links(links), _region_names(0.06)],
        "Move the data, or move the code?",
        log_axis("volume of the data, GB", low, high),
        log_axis("link, Gbit/s", rates.min(), rates.max()),
        height=480,
    )


def _regions(rates, edge):
    """Left of the line blue, right of it orange: filled between three lines."""
    low, high = VOLUMES_GB
    bare = {"mode": "lines", "hoverinfo": "skip", "showlegend": False, "line": {"width": 0}}
    return [
        go.Scatter(x=[low / 10] * len(rates), y=rates, **bare),
        go.Scatter(x=edge, y=rates, mode="lines", fill="tonextx", fillcolor=PALE_BLUE,
                   line={"color": INK, "width": 2}, name="break-even",
                   hovertemplate="break-even %{x:,.0f} GB at %{y:.3g} Gbit/s<extra></extra>"),
        go.Scatter(x=[high * 10] * len(rates), y=rates, fill="tonextx", fillcolor=PALE_ORANGE,
                   **bare),
    ]  # fmt: skip


def _links(links):
    """The reader's data on real links; labels stand away from the line and inside the picture."""
    yours = links["volume_gb"][0]
    colours = [BLUE if c == "move the data" else ORANGE for c in links["cheaper"]]
    away = [(c == "move the data" and yours > 30) or yours > 1e6 for c in links["cheaper"]]
    return go.Scatter(
        x=[yours] * len(links), y=links["link_gbps"], mode="markers+text", text=links["link"],
        textposition=["middle left" if left else "middle right" for left in away],
        marker={"size": 11, "color": colours, "line": {"color": "white", "width": 1}},
        showlegend=False, customdata=links["hours"],
        hovertemplate="%{text}: %{customdata:.3g} h<extra></extra>",
    )  # fmt: skip


def _region_names(height):
    low, high = VOLUMES_GB
    return go.Scatter(
        x=[low * 1.3, high / 1.3], y=[height] * 2, mode="text", hoverinfo="skip",
        text=["<b>move the data</b>", "<b>move the code</b>"], showlegend=False,
        textposition=["middle right", "middle left"],
        textfont={"size": 15, "color": [BLUE, DARK_ORANGE]},
    )  # fmt: skip


def feeding(table):
    """Busy share of the device against the storage rate; table of the explorer "feeding"."""
    rates, marks = table.filter(~pl.col("named")), table.filter(pl.col("named"))
    settings = (
        ("yours", "busy_yours", BLUE, "solid"),
        ("chapter: training on JPEG", "busy_training", GREEN, "dash"),
        ("chapter: inference on FP32 images", "busy_inference", RED, "dot"),
    )
    lines = [
        go.Scatter(x=rates["storage_gbs"], y=rates[column], mode="lines", name=name,
                   line={"color": colour, "dash": dash, "width": 3},
                   hovertemplate="%{x:.3g} GB/s: %{y:.1f} % busy<extra></extra>")
        for name, column, colour, dash in settings
    ]  # fmt: skip
    busy = {"title": {"text": "device busy, % of the time"}, "range": [-18, 112]}
    title = "The feeding tax: how long the accelerator waits"
    axis = log_axis("storage delivers, GB/s", 0.05, 200)
    return figure([*lines, *_storage_marks(marks)], title, axis, busy, height=450)


def _storage_marks(marks):
    """Dots on the reader's curve and, below all curves, the names of the storage."""
    low_row = [-5 if i % 2 else -12 for i in range(marks.height)]
    common = {"x": marks["storage_gbs"], "showlegend": False, "hoverinfo": "skip"}
    dots = go.Scatter(y=marks["busy_yours"], mode="markers", marker={"size": 11, "color": BLUE},
                      **common)  # fmt: skip
    names = go.Scatter(y=low_row, mode="text", text=marks["storage"], textfont={"size": 12},
                       **common)  # fmt: skip
    return [dots, names]


def choke_point(table):
    """Throughput against the number of loader workers; table of the explorer "choke"."""
    you = table.filter(pl.col("chosen"))
    traces = [
        go.Scatter(x=table["workers"], y=table["delivered"], mode="none", fill="tozeroy",
                   fillcolor=PALE_BLUE, hoverinfo="skip", showlegend=False),
        go.Scatter(x=table["workers"], y=table["loader"], mode="lines+markers", name="data loader",
                   line={"color": BLUE, "width": 3},
                   hovertemplate="%{x} workers: %{y:,.0f} samples/s<extra></extra>"),
        go.Scatter(x=table["workers"], y=table["consumer"], mode="lines", name="the device takes",
                   line={"color": RED, "dash": "dash", "width": 3}, hoverinfo="skip"),
        go.Scatter(x=you["workers"], y=you["delivered"], mode="markers", name="you",
                   marker={"size": 15, "color": ORANGE, "line": {"color": INK, "width": 2}}),
    ]  # fmt: skip
    top = 1.15 * max(table["loader"].max(), table["consumer"].max())
    return figure(
        traces,
        f"The choke point: {shown(you['busy'][0])} % busy, limited by the {you['limit'][0]}",
        {"title": {"text": "data loader workers"}, "range": [0, table["workers"].max() + 1]},
        {"title": {"text": "samples/s"}, "range": [-0.04 * top, top]},
    )


def energy(table):
    """Energy of each level on a common unit, log bars; table of the explorer "energy".

    Striped bars stand for values without a source.
    """
    colours = [ORANGE if moves else BLUE for moves in table["moves"]]
    stripes = ["" if sourced else "/" for sourced in table["sourced"]]
    pairs = zip(table["pj"], table["ratio"], strict=True)
    bars = go.Bar(x=table["pj"], y=table["level"], orientation="h", showlegend=False,
                  marker={"color": colours, "pattern": {"shape": stripes}}, cliponaxis=False,
                  text=[f"{shown(e)} pJ  ({shown(r)} x)" for e, r in pairs],
                  textposition="outside",
                  hovertemplate="%{y}: %{x:.3g} pJ<extra></extra>")  # fmt: skip
    unit = table["unit"][0]
    return figure(
        [bars],
        f"Energy per {unit}: computing blue, moving orange, striped without a source",
        log_axis(f"energy per {unit}, pJ", 1e-3, 3e4 * table["pj"].max()),
        {"autorange": "reversed", "automargin": True},
    )
