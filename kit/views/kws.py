"""Pictures of the keyword spotter's data: targets, designs, alignment, coverage, gates."""

import numpy as np
import plotly.graph_objects as go
import polars as pl

from kit.numbers import plural, shown
from kit.views.features import _outline
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
    SKY,
    figure,
    log_axis,
)

_RATE = 16_000  # Hz, of every recording that is drawn
_COLOURS = (BLUE, ORANGE, GREEN, PURPLE, SKY, RED, GREY)
_COSTS_USD = (20e3, 2e6)
_STATES = (  # of a design: colour, size, what the legend says
    ("over", GREY, 7, "over a limit"),
    ("within", BLUE, 10, "within all limits"),
    ("front", ORANGE, 13, "of these, beaten by none"),
)
_EDGE = {"color": INK, "width": 2}
_ROWS = 3  # of words above a waveform: neighbours stand in different ones
_BELOW_WORDS = 0.78  # share of the picture's height, from below
_WIDE_PERCENT = 4  # a bar that is shorter has no room for its number


def false_wakes(table):
    """False-positive rate that a target allows, against the hop; table of "false-wakes"."""
    line = table.filter(point="").sort("hop_ms")
    you, chapter = (table.filter(point=p) for p in ("your target", "chapter's target"))
    right, wrong = table["accuracy_percent"][0], table["implied_fpr"][0]
    traces = [
        _rates(line, "allowed_fpr", "your target", mode="lines", line={"color": BLUE, "width": 3}),
        _rates(line, "implied_fpr", f"right in {right:g} % of windows", mode="lines",
               line={"color": RED, "dash": "dash", "width": 3}),
        _rates(chapter, "allowed_fpr", "chapter's target", mode="markers",
               marker={"size": 17, "color": GREEN, "symbol": "diamond", "line": _EDGE}),
        _rates(you, "allowed_fpr", "you", mode="markers",
               marker={"size": 11, "color": ORANGE, "line": _EDGE}),
    ]  # fmt: skip
    return figure(
        traces,
        f"Allowed: one in {shown(1 / you['allowed_fpr'][0])} windows; "
        f"right in {right:g} %: one in {shown(1 / wrong)}",
        log_axis("hop, ms", 8, 2500),
        {"type": "log", "title": {"text": "false-positive rate, share of windows"},
         "exponentformat": "power", "dtick": 2, "range": [-10, 0], "automargin": True},
        height=460,
    )  # fmt: skip


def design_front(table):
    """Accuracy against cost of every design; table of the explorer "design".

    A dot is the middle of its range. The upper end decides whether the accuracy is reached, so
    designs within all limits show theirs.
    """
    kept = table.filter(pl.col("state") != "over")
    title = f"{kept.height} of {plural(table.height, 'design')} within all limits"
    if not kept.is_empty():
        best = kept.sort("rank").row(0, named=True)
        title += f"; the best: {span(best['accuracy_low'], best['accuracy_high'])}"
    low, high = table["accuracy_low"].min() - 1, max(table["accuracy_high"].max(), 100) + 1
    budget, least = 1e3 * table["budget_kusd"][0], table["least_accuracy"][0]
    lines = [
        _limit([budget] * 2, [low, high], RED, "your budget"),
        _limit(_COSTS_USD, [least] * 2, GREEN, "your accuracy"),
        _limit(_COSTS_USD, [100] * 2, INK, "always right"),
    ]
    ticks = [2e4, 5e4, 1e5, 2e5, 5e5, 1e6, 2e6]
    return figure(
        [*(_designs(table, *state) for state in _STATES), *lines],
        title,
        log_axis("cost, USD", 0.9 * _COSTS_USD[0], 1.1 * _COSTS_USD[1]) | {"tickvals": ticks},
        {"title": {"text": "accuracy by the table, %"}, "range": [low, high]},
        height=520,
        margin={"l": 70, "r": 20, "t": 110, "b": 60},
    )


def alignment(samples, words, marks=None):
    """Waveform of int16[samples] at 16 kHz with the words that were found in it.

    words: list of kit.audio.align.Word. marks: (start_s, end_s) of the speech, set by hand.
    """
    top = max(1.0, float(np.abs(samples.astype(float)).max()))
    heights = [top * (1.12 + 0.17 * (i % _ROWS)) for i in range(len(words))]
    texts = go.Scatter(
        x=[(w.start_s + w.end_s) / 2 for w in words], y=heights, mode="text",
        text=[w.word for w in words], textfont={"size": 13},
        customdata=[(w.start_s, w.end_s, w.score) for w in words],
        hovertemplate="%{text}: %{customdata[0]:.2f} to %{customdata[1]:.2f} s, "
                      "score %{customdata[2]:.2f}<extra></extra>",
    )  # fmt: skip
    spans = [_rectangle(w, (PALE_BLUE, PALE_ORANGE)[i % 2]) for i, w in enumerate(words)]
    return figure(
        [_outline(samples), texts],
        _aligned_title(words, marks),
        {"title": {"text": "time, s"}, "range": [0, len(samples) / _RATE], "showgrid": False},
        {"title": {"text": "sample"}, "range": [-1.05 * top, 1.65 * top], "showgrid": False,
         "tickvals": [-top, 0, top], "ticktext": [shown(-top), "0", shown(top)]},
        height=360,
        shapes=spans + [_dashes(t) for t in marks or ()],
        showlegend=False,
    )  # fmt: skip


def coverage(table):
    """Clips of each cohort, stacked by source; table of cohort, source, clips."""
    total = table.group_by("cohort").agg(pl.col("clips").sum()).sort("clips", "cohort")
    sources = table["source"].unique().sort().to_list()
    bars = [
        _stack(part["clips"], part["cohort"], source, colour, "%{y}, " + source + ": %{x:,} clips")
        for source, colour in zip(sources, _cycle(sources), strict=True)
        for part in [table.filter(source=source)]
    ]
    sums = go.Scatter(x=total["clips"], y=total["cohort"], mode="text", showlegend=False,
                      text=[f" {shown(n)}" for n in total["clips"]], hoverinfo="skip",
                      textposition="middle right", cliponaxis=False)  # fmt: skip
    title = "No clips at all"
    if not total.is_empty():
        thin, thick = total.row(0, named=True), total.row(-1, named=True)
        title = (f"Fewest clips: {thin['cohort']} with {shown(thin['clips'])}; "
                 f"most: {thick['cohort']} with {shown(thick['clips'])}")  # fmt: skip
    top = 1.12 * max(total["clips"].max() or 0, 1)
    x = {"title": {"text": "clips/cohort"}, "range": [0, top]}
    return _stacked([*bars, sums], title, x, total["cohort"])


def yields(table):
    """Clips that each gate turned away, by source; table of source, code, clips, share.

    share: of the source's clips, 0 to 1. A clip that misses two gates counts for both.
    """
    total = table.group_by("source").agg(pl.col("share").sum()).sort("share", "source")
    codes = table.group_by("code").agg(pl.col("clips").sum()).sort("clips", descending=True)
    bars = [
        _stack(100 * part["share"], part["source"], code, colour,
               "%{y}, " + code + ": %{x:.1f} %, %{customdata:,} clips", customdata=part["clips"],
               text=[shown(n) if 100 * share >= _WIDE_PERCENT else ""
                     for n, share in part.select("clips", "share").iter_rows()],
               textposition="inside", insidetextanchor="middle", textangle=0)
        for code, colour in zip(codes["code"], _cycle(codes["code"]), strict=True)
        for part in [table.filter(code=code)]
    ]  # fmt: skip
    title = "No clip was turned away"
    if codes["clips"].sum():
        first = codes.row(0, named=True)
        title = f"The gate {first['code']} turned most away: {plural(first['clips'], 'clip')}"
    label = "turned away, % of the clips read; one may miss several gates"
    return _stacked(bars, title, {"title": {"text": label}, "rangemode": "tozero"}, total["source"])


def _rates(rows, column, name, **look):
    seen = "hop %{x:.3g} ms: %{y:.2e} of the windows<extra></extra>"
    return go.Scatter(x=rows["hop_ms"], y=rows[column], name=name, hovertemplate=seen, **look)


def span(low, high):
    """A range in per cent as text; one number where both ends are equal."""
    return f"{low:.4g} %" if low == high else f"{low:.4g} to {high:.4g} %"


def _designs(table, state, colour, size, label):
    part = table.filter(state=state)
    middle = (part["accuracy_low"] + part["accuracy_high"]) / 2
    bars = {"array": part["accuracy_high"] - middle, "color": colour, "thickness": 1.5,
            "visible": state != "over"}  # fmt: skip
    spans = [span(*row) for row in part.select("accuracy_low", "accuracy_high").iter_rows()]
    texts = [f"{design}<br>{span}, {memory:g} kB" for design, span, memory
             in zip(part["design"], spans, part["memory_kb"], strict=True)]  # fmt: skip
    dots = {"color": colour, "size": size, "line": {"color": "white", "width": 1},
            "opacity": 0.55 if state == "over" else 1}  # fmt: skip
    return go.Scatter(x=1e3 * part["cost_kusd"], y=middle, error_y=bars, mode="markers",
                      name=label, marker=dots, text=texts,
                      hovertemplate="%{text}, USD %{x:,.0f}<extra></extra>")  # fmt: skip


def _limit(x, y, colour, name):
    return go.Scatter(x=x, y=y, mode="lines", name=name, hoverinfo="skip",
                      line={"color": colour, "dash": "dash", "width": 2})  # fmt: skip


def _aligned_title(words, marks):
    title = plural(len(words), "word")
    if marks is None or not words:
        return f"{title} in their places"
    start, end = marks
    first, last = 1e3 * abs(words[0].start_s - start), 1e3 * abs(words[-1].end_s - end)
    return f"{title}; the outer ends lie {first:.0f} and {last:.0f} ms from the marks by hand"


def _rectangle(word, colour):
    return {"type": "rect", "x0": word.start_s, "x1": word.end_s, "yref": "paper", "y0": 0,
            "y1": 1, "fillcolor": colour, "line": {"width": 0}, "layer": "below"}  # fmt: skip


def _dashes(t):
    return {"type": "line", "x0": t, "x1": t, "y0": 0, "y1": _BELOW_WORDS, "yref": "paper",
            "line": {"color": RED, "dash": "dash", "width": 2}}  # fmt: skip


def _stack(x, y, name, colour, seen, **more):
    return go.Bar(x=x, y=y, orientation="h", name=name, marker={"color": colour},
                  hovertemplate=seen + "<extra></extra>", **more)  # fmt: skip


def _cycle(names):
    return [_COLOURS[i % len(_COLOURS)] for i in range(len(names))]


def _stacked(traces, title, x, names):
    """Figure of stacked bars; names: of the bars, from below."""
    y = {"automargin": True, "categoryorder": "array", "categoryarray": names.to_list(),
         "showgrid": False, "type": "category"}  # fmt: skip
    height, legend = 170 + 34 * len(names), {"traceorder": "normal"}
    return figure(traces, title, x, y, height=height, barmode="stack", legend=legend)
