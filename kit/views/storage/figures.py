"""Pictures of storage from tables: layouts side by side, and codecs."""

import plotly.graph_objects as go
import polars as pl

from kit.numbers import shown
from kit.views.drift import LOOKS, _with
from kit.views.theme import BLUE, GREY, INK, ORANGE, figure, log_axis

_LAYOUTS = ("name", "operation", "cache", "value", "unit", "low", "high", "records",
            "record_bytes")  # fmt: skip
_CODECS = ("part", "codec", "ratio", "unpack_gbs", "unpack_low", "unpack_high")
_PANELS = (  # operation, unit of the axis, factor of the value, whether more is better
    ("blocks", "on the disk,<br>times the samples", None),
    ("scan", "read in order,<br>clips a second", 1.0),
    ("single p50", "one clip at random,<br>ms", 1.0),
)
_GAP = 0.035
_CACHES = {  # cache -> name, colour, symbol
    "cold": ("from the disk", BLUE, "circle"),
    "warm": ("from memory", ORANGE, "diamond"),
    "": ("size", GREY, "square"),
}


def layouts(table):
    """Size, scan and single read of every layout, a panel each; table of formats.measure.

    Layouts stand in the order of their cold scans, the quickest on top.
    """
    table = _with(table, _LAYOUTS, "table of measured layouts")
    order = table.filter(operation="scan", cache="cold").sort("value")["name"].to_list()
    traces, named = [], set()
    for i, (operation, _, factor) in enumerate(_PANELS):
        rows = table.filter(pl.col("operation") == operation)
        if factor is None:
            plain = pl.col("records") * pl.col("record_bytes")
            rows = rows.with_columns(pl.col("value", "low", "high") / plain)
        for cache in rows["cache"].unique(maintain_order=True):
            own = rows.filter(cache=cache)
            traces.append(_dots(own, cache, i, cache not in named))
            named.add(cache)
    axes = [_axis(i, title) for i, (_, title, _) in enumerate(_PANELS)]
    more = {f"xaxis{i}": axis for i, axis in enumerate(axes[1:], 2)}
    return figure(
        traces, _finding(table), axes[0],
        {"categoryorder": "array", "categoryarray": order, "automargin": True},
        height=150 + 32 * len(order), margin={"l": 70, "r": 20, "t": 110, "b": 80}, **more,
    )  # fmt: skip


def codecs(table):
    """How small against how quickly unpacked, a symbol a part; table of storing.codecs."""
    table = _with(table, _CODECS, "table of codecs")
    traces = []
    for (part,), rows in table.group_by("part", maintain_order=True):
        colour, symbol = LOOKS[len(traces) % len(LOOKS)]
        low, high = (rows["unpack_gbs"] - rows["unpack_low"],
                     rows["unpack_high"] - rows["unpack_gbs"])  # fmt: skip
        traces.append(go.Scatter(
            x=rows["unpack_gbs"], y=rows["ratio"], mode="markers+text", name=part,
            text=rows["codec"], textposition="top center",
            marker={"symbol": symbol, "size": 11, "color": colour},
            error_x={"type": "data", "symmetric": False, "array": high, "arrayminus": low,
                     "thickness": 1.2, "width": 3},
            hovertemplate=f"{part}, %{{text}}: %{{y:.2f}} to one, %{{x:.3g}} GB/s"
                          "<extra></extra>",
        ))  # fmt: skip
    tight, quick = table["ratio"].arg_max(), table["unpack_gbs"].arg_max()
    told = "; ".join(_told(table.row(i, named=True)) for i in dict.fromkeys((tight, quick)))
    ends = (0.6 * table["unpack_low"].min(), 1.6 * table["unpack_high"].max())
    return figure(
        traces, told, log_axis("unpacked on one core, GB/s (whiskers: 80 % of the runs)", *ends),
        {"title": {"text": "bytes over packed bytes"}, "range": [0.8, 1.12 * table["ratio"].max()]},
        height=440, margin={"l": 70, "r": 20, "t": 90, "b": 60},
    )  # fmt: skip


def _told(row):
    rate = shown(row["unpack_gbs"])
    return f"{row['codec']} packs {row['ratio']:.1f} to one, unpacks {rate} GB/s"


def _dots(rows, cache, panel, legend):
    name, colour, symbol = _CACHES[cache]
    return go.Scatter(
        x=rows["value"], y=rows["name"], mode="markers", name=name, xaxis=f"x{panel + 1}",
        legendgroup=name, showlegend=legend and cache != "",
        marker={"color": colour, "symbol": symbol, "size": 10},
        error_x={"type": "data", "symmetric": False, "array": rows["high"] - rows["value"],
                 "arrayminus": rows["value"] - rows["low"], "color": INK, "thickness": 1.2,
                 "width": 3},
        hovertemplate=f"%{{y}}, {name}: %{{x:.4g}}<extra></extra>",
    )  # fmt: skip


def _axis(panel, title):
    width = (1 - _GAP * (len(_PANELS) - 1)) / len(_PANELS)
    begin = panel * (width + _GAP)
    kind = {"rangemode": "tozero"} if panel == 0 else {"type": "log", "exponentformat": "SI",
                                                       "dtick": 1}  # fmt: skip
    return {"title": {"text": title}, "domain": [begin, begin + width], **kind}


def _finding(table):
    scan = table.filter(operation="scan", cache="cold").sort("value")
    first, last = scan.row(-1, named=True), scan.row(0, named=True)
    times = shown(first["value"] / last["value"])
    return f"From the disk {first['name']} is read<br>{times} times as fast as {last['name']}"
