"""Pictures of features: the steps of a clip, the roofline, rates, and training-serving skew."""

import numpy as np
import plotly.graph_objects as go

from kit.numbers import shown, si
from kit.views.theme import (
    BLUE,
    GREEN,
    GREY,
    INK,
    ORANGE,
    PURPLE,
    RED,
    figure,
    log_axis,
    text_on,
)

_RATE = 16_000  # Hz, of every clip that is drawn
_POINTS = 800  # of a drawn waveform: a minimum and a maximum for each pixel
_COLOURS = (BLUE, ORANGE, GREEN, PURPLE)
_GROUPS = (  # of switches: where, colour, what the legend says
    ("spec", BLUE, "another spec: the fingerprint differs"),
    ("sound", ORANGE, "another sound: the fingerprint is the same"),
)


def steps(table):
    """Waveform, log-mel energies and coefficients of one clip; table of the explorer "features"."""
    by = {row["step"]: row for row in table.iter_rows(named=True)}
    wave, mel, coeffs = (_array(by[name]) for name in ("samples", "log mel", "MFCC"))
    own = _own_scale(coeffs[:, 1:])  # the first is the level, and so large that it hides the rest
    when = np.arange(len(mel)) * table["hop_ms"][0] / 1e3
    maps = [_heat(when, mel, "y2", "band", 0), _heat(when, own, "y3", "coefficient", 1)]
    top = max(1.0, float(np.abs(wave).max()))
    return figure(
        [_outline(wave[0]), *maps],
        f"{len(mel)} frames, {mel.shape[1]} log-mel bands, {coeffs.shape[1]} coefficients",
        {"title": {"text": "time, s"}, "range": [0, wave.shape[1] / _RATE], "anchor": "y3"},
        {"title": {"text": "sample"}, "domain": [0.74, 1], "range": [-top, top]},
        height=560,
        yaxis2={"title": {"text": "mel band"}, "domain": [0.36, 0.7]},
        yaxis3={"title": {"text": "coefficient, own scale"}, "domain": [0, 0.32]},
        showlegend=False,
    )


def roofline(ceilings, marks):
    """What machines can do at most, against operations per byte.

    ceilings: polars table machine, gflops, gbs. marks: table name, intensity (FLOP/B), gflops.
    """
    x = np.geomspace(0.5, 500, 120)
    traces = []
    for (machine, gflops, gbs), colour in zip(ceilings.iter_rows(), _COLOURS, strict=False):
        traces.append(
            go.Scatter(x=x, y=np.minimum(gflops, gbs * x), mode="lines", name=machine,
                       line={"color": colour, "width": 3},
                       hovertemplate="%{x:.3g} FLOP/B: %{y:,.3g} GFLOP/s<extra></extra>")
        )  # fmt: skip
    traces.append(
        go.Scatter(x=marks["intensity"], y=marks["gflops"], text=marks["name"], name="measured",
                   mode="markers+text", textposition="bottom center",
                   marker={"size": 12, "color": RED, "line": {"color": INK, "width": 1}})
    )  # fmt: skip
    top = 2 * max(ceilings["gflops"].max(), marks["gflops"].max())
    return figure(
        traces,
        "Roofline: left of the bend memory limits, right of it arithmetic",
        log_axis("operations per byte moved, FLOP/B", 0.5, 500),
        log_axis("GFLOP/s", 0.3 * marks["gflops"].min(), top),
        height=450,
    )


def rates(table):
    """Clips/s of every backend, log bars; table of the rows of `kit bench features`."""
    rows = table.sort("clips_per_s")
    ours = [BLUE if name.startswith("kit") else GREY for name in rows["name"]]
    bars = go.Bar(x=rows["clips_per_s"], y=rows["name"], orientation="h", showlegend=False,
                  marker={"color": ours}, cliponaxis=False, textposition="outside",
                  text=[si(r, "clips/s") for r in rows["clips_per_s"]],
                  hovertemplate="%{y}: %{x:,.3g} clips/s<extra></extra>")  # fmt: skip
    low, high = 0.3 * rows["clips_per_s"].min(), 6 * rows["clips_per_s"].max()
    axis = {"automargin": True}
    title, x = "Clips of one second, all in one run", log_axis("clips/s", low, high)
    return figure([bars], title, x, axis, height=120 + 42 * rows.height)


def skew(table, again_db, same_percent):
    """What one switch does: distance of the features, and accuracy; table of audio.skew_table.

    again_db: distance between two recordings of one word, dB. same_percent: accuracy where
    training and serving agree.
    """
    rows = table.sort("accuracy_percent", descending=True)
    bars = [b for group in _GROUPS for b in _skew_bars(rows, *group)]
    marks = [("x", again_db, "one word, said again"), ("x2", same_percent, "no switch")]
    order = {"categoryorder": "array", "categoryarray": rows["switch"].to_list()}
    return figure(
        bars,
        "One switch: how far the features move, and what it costs",
        log_axis("distance, dB per band", 0.1, 1000) | {"domain": [0, 0.46]},
        order | {"automargin": True},
        height=200 + 30 * rows.height,
        xaxis2={"title": {"text": "accuracy, %"}, "domain": [0.54, 1], "range": [0, 100]},
        yaxis2={"anchor": "x2", "matches": "y", "showticklabels": False},
        shapes=[_mark(axis, x) for axis, x, _ in marks],
        annotations=[_mark_text(*mark) for mark in marks],
        legend={"y": -0.09, "yanchor": "top"},
        margin={"l": 70, "r": 20, "t": 80, "b": 110},
        barmode="overlay",
    )


def _mark(axis, x):
    return {"type": "line", "xref": axis, "x0": x, "x1": x, "y0": 0, "y1": 1, "yref": "paper",
            "line": {"color": INK, "dash": "dot"}, "layer": "between"}  # fmt: skip


def _mark_text(axis, x, text):
    where = np.log10(x) if axis == "x" else x
    return {"xref": axis, "x": where, "y": 1, "yref": "paper", "yanchor": "bottom",
            "showarrow": False, "text": text, "font": {"size": 12}}  # fmt: skip


def _skew_bars(rows, where, colour, label):
    part = rows.filter(rows["where"] == where)
    common = {"y": part["switch"], "orientation": "h", "marker": {"color": colour},
              "cliponaxis": False, "name": label}  # fmt: skip
    return [
        go.Bar(x=part["distance_db"], text=[f"{shown(d)} dB" for d in part["distance_db"]],
               textposition="outside", **common),
        go.Bar(x=part["accuracy_percent"], text=[f"{a:.0f} %" for a in part["accuracy_percent"]],
               textposition="inside", insidetextanchor="start", textfont={"color": text_on(colour)},
               xaxis="x2", yaxis="y2", showlegend=False, **common),
    ]  # fmt: skip


def _array(row):
    return np.asarray(row["values"], np.float32).reshape(row["rows"], row["columns"])


def _own_scale(columns):
    """Each column without its mean, over its standard deviation."""
    spread = columns.std(0)
    return (columns - columns.mean(0)) / np.where(spread > 0, spread, 1)


def _outline(samples):
    """The waveform as a filled outline: least and greatest sample of each stretch."""
    stretch = max(1, len(samples) // _POINTS)
    kept = samples[: len(samples) // stretch * stretch].reshape(-1, stretch)
    t, low, high = np.arange(len(kept)) * stretch / _RATE, kept.min(1), kept.max(1)
    return go.Scatter(x=np.r_[t, t[::-1]], y=np.r_[high, low[::-1]], fill="toself", mode="lines",
                      line={"color": BLUE, "width": 1}, hoverinfo="skip")  # fmt: skip


def _heat(when, columns, axis, name, first):
    rows = np.arange(first, first + columns.shape[1])
    seen = f"%{{x:.3f}} s, {name} %{{y}}: %{{z:.2f}}<extra></extra>"
    return go.Heatmap(x=when, y=rows, z=columns.T, yaxis=axis, colorscale="Viridis",
                      showscale=False, hovertemplate=seen)  # fmt: skip
