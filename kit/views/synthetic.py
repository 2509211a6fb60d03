"""Pictures of synthetic audio: a word in a room, false wakes against misses, sizes, mixes."""

import numpy as np
import plotly.graph_objects as go
import polars as pl

from kit.numbers import plural, shown
from kit.views.features import _heat, _outline
from kit.views.theme import (
    BLUE,
    GREEN,
    GREY,
    INK,
    ORANGE,
    PALE_BLUE,
    RED,
    SKY,
    figure,
    log_axis,
)

_RATE = 16_000  # Hz
_LEFT, _RIGHT = [0, 0.485], [0.515, 1]
_LEAST_FA = 1e-4  # 1/h: a tenth of a wake a month, listening all day, and a little room
_EDGE = {"color": INK, "width": 2}
_ROOMY = {  # above the picture: a title, and a legend of three lines where the page is narrow
    "margin": {"l": 70, "r": 20, "t": 115, "b": 60}, "title_y": 0.97, "title_yanchor": "top",
}  # fmt: skip
_BARS = ("file", "memory")
_PARTS = (  # of a spotter: column, bars, colour, hatching, what the legend says
    ("weights_kb", _BARS, BLUE, "", "weights"),
    ("scaling_kb", _BARS, SKY, "/", "scales and biases"),
    ("overhead_kb", ("file",), GREY, "x", "graph and texts"),
    ("activations_kb", ("memory",), ORANGE, ".", "peak activations"),
)


def room(table):
    """Waveform and log-mel energies before and after; table of the explorer "room"."""
    table = table.sort("order")
    waves = [w.to_numpy() for w in table["samples"]]
    mels = [m.to_numpy().reshape(-1, table["bands"][0]) for m in table["log_mel"]]
    when = np.arange(len(mels[0])) * table["hop_ms"][0] / 1e3
    common = {"zmin": min(m.min() for m in mels), "zmax": max(m.max() for m in mels)}
    maps = [_heat(when, mel, "y2", "band", 0).update(common) for mel in mels]
    top = max(1.0, *(float(np.abs(w.astype(float)).max()) for w in waves))
    time = {"range": [0, len(waves[0]) / _RATE], "anchor": "y2"}
    right = {"xaxis": "x2"}
    return figure(
        [_outline(waves[0]), _outline(waves[1]).update(right | {"line": {"color": ORANGE}}),
         maps[0], maps[1].update(right)],
        f"{table['rt60_s'][0]:g} s of reverberation at {table['distance_m'][0]:g} m, "
        f"SNR {tenths(table['snr_db'][0])} dB",
        time | {"domain": _LEFT, "title": {"text": "as recorded: time, s"}},
        {"title": {"text": "sample"}, "domain": [0.64, 1], "range": [-top, top]},
        height=520,
        xaxis2=time | {"domain": _RIGHT, "title": {"text": "as heard: time, s"}},
        yaxis2={"title": {"text": "mel band"}, "domain": [0, 0.58]},
        showlegend=False,
    )  # fmt: skip


def trade_off(table):
    """Missed words against false wakes an hour; table of the explorer "trade-off"."""
    seen, none = table.filter(~pl.col("none")), table.filter("none")
    you, allowed = table.filter("chosen"), table["allowed_fa_per_h"][0]
    low = min(_LEAST_FA, allowed, table["drawn_fa_per_h"].min() / 2)
    high = 2 * max(table["fa_high"].max(), allowed)
    line = go.Scatter(x=[allowed] * 2, y=[0, 100], mode="lines", name="allowed", hoverinfo="skip",
                      line={"color": RED, "dash": "dash", "width": 2})  # fmt: skip
    return figure(
        [
            _band(np.maximum(seen["fa_low"], low), seen["fa_high"], seen["frr_percent"]),
            _rates(seen, "measured", "lines+markers", {"color": BLUE, "size": 6}),
            _rates(none, "no false wake: at most", "markers",
                   {"color": BLUE, "size": 9, "symbol": "triangle-left-open"}),
            line,
            _operating(you, low),
        ],
        _trade_title(you.row(0, named=True), allowed),
        log_axis("false wakes, 1/h", low, high) | {"exponentformat": "power"},
        {"title": {"text": "missed keywords, %"}, "range": [-2, 102]},
        height=500,
        **_ROOMY,
    )  # fmt: skip


def sizes(table):
    """Accuracy and parts of the int8 file, against the limit; table of the explorer "size"."""
    you, points = table.filter(point="yours"), table.filter(point="measured")
    limit, file = you["limit_kb"][0], you["file_kb"][0]
    low, high = points["low_percent"].min() - 1, max(100.0, points["high_percent"].max()) + 1
    widest = 1.06 * max(table["widest_kb"].max(), table["file_kb"].max(), limit)
    lines = [
        _upright(limit, [low, high], RED, "dash", f"limit: {shown(limit)} kB"),
        _upright(file, [low, high], INK, "dot", f"yours: {shown(file)} kB"),
    ]
    across = {"type": "line", "yref": "y2 domain", "y0": 0, "y1": 1}
    state = "over" if file > limit else "within"
    return figure(
        [*(_bar(you, *part) for part in _PARTS), _measured_sizes(points), *lines],
        f"A file of {shown(file)} kB, {state} the limit of {shown(limit)} kB",
        {"title": {"text": "size, kB of 1000 bytes"}, "range": [0, widest], "anchor": "y2"},
        {"title": {"text": "accuracy, %"}, "domain": [0.4, 1], "range": [low, high]},
        height=560,
        yaxis2={"domain": [0, 0.27], "type": "category", "showgrid": False,
                "categoryorder": "array", "categoryarray": _BARS[::-1]},
        shapes=[across | {"x0": x, "x1": x, "line": {"color": colour, "dash": dash, "width": 2}}
                for x, colour, dash in ((limit, RED, "dash"), (file, INK, "dot"))],
        barmode="stack",
        legend={"traceorder": "normal"},
        **_ROOMY,
    )  # fmt: skip


def mix(table):
    """Accuracy against the share of the budget for recordings; table of the explorer "mix"."""
    line, best = table.filter(point="line"), table.filter(point="best")
    yours, row = table.filter(point="yours"), best.row(0, named=True)
    inside = line["inside"].to_numpy()
    low = min(table["low_percent"].min(), table["accuracy_percent"].min()) - 2
    return figure(
        [
            _band(line["low_percent"], line["high_percent"], line["share_percent"], swapped=True),
            _stretch(line, inside, "between measured mixes", {"color": BLUE, "width": 3}),
            _stretch(line, _touching(~inside), "beyond them",
                     {"color": GREY, "width": 3, "dash": "dot"}),
            _mixes(yours, "measured by you", {"color": GREEN, "size": 12, "symbol": "diamond"}),
            _mixes(best, "best", {"color": ORANGE, "size": 14}),
        ],
        f"Best: {row['share_percent']:.0f} % of USD {shown(row['budget_usd'])} for recordings, "
        f"{row['accuracy_percent']:.1f} % right",
        {"title": {"text": "share of the budget for recordings, %"}, "range": [-2, 102]},
        {"title": {"text": "accuracy on unseen speakers, %"}, "range": [max(low, -1), 101]},
        height=480,
        **_ROOMY,
    )  # fmt: skip


def tenths(x):
    """`x` as text with one decimal, and no minus before a zero."""
    return f"{round(x, 1) + 0.0:.1f}"


def _band(low, high, other, swapped=False):
    """A filled band from low to high along `other`; swapped: low and high are heights."""
    low, high, other = (np.asarray(x, float) for x in (low, high, other))
    ends = np.r_[low, high[::-1]], np.r_[other, other[::-1]]
    x, y = ends[::-1] if swapped else ends
    return go.Scatter(x=x, y=y, fill="toself", mode="lines", fillcolor=PALE_BLUE, hoverinfo="skip",
                      line={"width": 0}, name="range over speakers" if swapped else "95 % range",
                      )  # fmt: skip


def _rates(rows, name, mode, marker):
    seen = "threshold %{customdata:.3f}: %{x:.3g} an hour, %{y:.1f} % missed<extra></extra>"
    return go.Scatter(x=rows["drawn_fa_per_h"], y=rows["frr_percent"], name=name, mode=mode,
                      marker=marker, line={"color": BLUE, "width": 2},
                      customdata=rows["threshold"], hovertemplate=seen)  # fmt: skip


def _operating(you, low):
    """The point at the reader's threshold, with both intervals; from nothing where none was."""
    row = you.row(0, named=True)
    x, y = row["drawn_fa_per_h"], row["frr_percent"]
    look = {"type": "data", "symmetric": False, "color": INK, "thickness": 1.5}
    spans = {
        "error_x": {"array": [row["fa_high"] - x], "arrayminus": [x - max(row["fa_low"], low)]},
        "error_y": {"array": [row["frr_high"] - y], "arrayminus": [y - row["frr_low"]]},
    }
    symbol = "triangle-left" if row["none"] else "circle"
    return _rates(you, "your threshold", "markers",
                  {"color": ORANGE, "size": 14, "line": _EDGE, "symbol": symbol},
                  ).update({name: look | span for name, span in spans.items()})  # fmt: skip


def _trade_title(you, allowed):
    wakes = f"at most {shown(you['fa_high'])}" if you["none"] else shown(you["fa_per_h"])
    return (
        f"Threshold {you['threshold']:.2f}: {wakes} false wakes an hour, {shown(allowed)} allowed"
    )


def _bar(you, column, bars, colour, shape, name):
    return go.Bar(x=[you[column][0]] * len(bars), y=bars, orientation="h", name=name, yaxis="y2",
                  marker={"color": colour, "pattern": {"shape": shape}},
                  hovertemplate=name + ": %{x:.1f} kB<extra></extra>")  # fmt: skip


def _measured_sizes(points):
    accuracy = points["accuracy_percent"]
    bars = {
        "type": "data", "symmetric": False, "color": GREEN, "thickness": 1.5,
        "array": points["high_percent"] - accuracy, "arrayminus": accuracy - points["low_percent"],
    }  # fmt: skip
    looks = [(ORANGE, 15) if same else (GREEN, 10) for same in points["same"]]
    marker = {"color": [c for c, _ in looks], "size": [s for _, s in looks],
              "line": {"color": INK, "width": 1}}  # fmt: skip
    return go.Scatter(x=points["file_kb"], y=accuracy, error_y=bars, mode="markers", marker=marker,
                      name="measured", text=points["design"],
                      hovertemplate="%{text}: %{x:.1f} kB, %{y:.1f} %<extra></extra>")  # fmt: skip


def _upright(x, ends, colour, dash, name):
    return go.Scatter(x=[x, x], y=ends, mode="lines", name=name, hoverinfo="skip",
                      line={"color": colour, "dash": dash, "width": 2})  # fmt: skip


def _touching(wanted):
    """`wanted` with its neighbours, so that two stretches of a line meet."""
    grown = np.pad(wanted, 1)
    return grown[1:-1] | grown[:-2] | grown[2:]


def _stretch(line, wanted, name, look):
    heights = [a if w else None for a, w in zip(line["accuracy_percent"], wanted, strict=True)]
    return _mixes(line, name, {}).update(y=heights, mode="lines", line=look, connectgaps=False)


def _mixes(rows, name, marker):
    texts = [f"{plural(real, 'recorded clip')} and {plural(made, 'synthetic clip')}"
             for real, made in rows.select("real", "synthetic").iter_rows()]  # fmt: skip
    return go.Scatter(x=rows["share_percent"], y=rows["accuracy_percent"], mode="markers",
                      name=name, text=texts, marker=marker | {"line": _EDGE},
                      hovertemplate="%{text}: %{y:.1f} %<extra></extra>")  # fmt: skip
