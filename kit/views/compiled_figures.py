"""Pictures of a compiled data set, of its tables alone; light however many clips there are."""

import math
from html import escape

import numpy as np
import plotly.graph_objects as go
import polars as pl

from kit.numbers import THIN, plural, shown
from kit.views.theme import (
    BLUE,
    GREEN,
    GREY,
    INK,
    ORANGE,
    PALE_ORANGE,
    PURPLE,
    RED,
    SKY,
    figure,
)

MEASURES = {  # column of a clip table -> (what it is, unit, shown per unit of the column)
    "seconds": ("duration", "s", 1),
    "speech_s": ("speech", "s", 1),
    "level_db": ("level", "dB of full scale", 1),
    "snr_db": ("signal-to-noise ratio", "dB", 1),
    "zero_share": ("digital silence", "% of the clip", 100),
    "bandwidth_hz": ("bandwidth", "kHz", 1e-3),
}
_COLOURS = (BLUE, ORANGE, GREEN, RED, PURPLE, SKY, GREY)
_SPLITS = {"train": BLUE, "validation": ORANGE, "test": GREEN}
_BINS = 40  # of a histogram, at least half as many
MOST = 30  # bars or columns that can be told apart


def passes(rows):
    """What every pass let through, made and turned away; `passes` of a report, list of dict."""
    counts = {k: [r.get(k, 0) for r in rows] for k in ("written", "made", "duplicates", "rejected")}
    kept = [w - m for w, m in zip(counts["written"], counts["made"], strict=True)]
    parts = (
        ("written", kept, BLUE),
        ("copies made", counts["made"], GREEN),
        ("duplicates", counts["duplicates"], ORANGE),
        ("rejected", counts["rejected"], RED),
    )
    bars = [_bar(name, values, colour) for name, values, colour in parts if any(values)]
    totals = np.sum([values for _, values, _ in parts], 0)
    named = [_pass_name(row, before) for row, before in zip(rows, [None, *rows], strict=False)]
    return _drawn(
        [*bars, _beside(totals, [_losses(row) for row in rows])],
        "What every pass let through",
        _clips(totals, 1.5),
        _names(named),
        height=170 + 30 * len(rows),
    )


def reasons(rows, most=20):
    """Dead letters by reason; `reasons` of a report, list of dict, most first."""
    clips = [r["clips"] for r in rows[:most]]
    names = [_text(f"{r['pass']}: {r['code']}") for r in rows[:most]]
    left = sum(r["clips"] for r in rows[most:])
    return _drawn(
        [_bar("clips", clips, RED), _beside(clips, [shown(n) for n in clips])],
        "Why clips were turned away",
        _clips(clips, 1.15),
        _names(names),
        height=110 + 28 * len(clips),
        legend=False,
        beneath=f"not drawn: {plural(left, 'clip')} for other reasons" if left else "",
    )


def distributions(clips, columns=tuple(MEASURES)):
    """Histograms of what was measured, a line a source, in percent of the clips of the source.

    clips: clip table of a compiled set. Copies are left out: nothing was measured in them.
    """
    table = clips.filter(copy=0)
    columns = [c for c in columns if c in table.columns and table[c].drop_nans().count()]
    names, places = _places(table, "source", len(_COLOURS))
    table = table.with_columns(_source=pl.Series(places, dtype=pl.Int64))
    rows = max(1, math.ceil(len(columns) / 2))
    traces = [
        trace
        for cell, column in enumerate(columns, 1)
        for trace in _histograms(table, column, names, cell)
    ]
    axes = [_facet(cell, column, rows) for cell, column in enumerate(columns, 1)]
    return _drawn(
        traces,
        "What was measured, by source",
        {},
        {},
        height=170 + 220 * rows,
        **{k: v for part in axes for k, v in part.items()},
    )


def quantiles(clips, columns=tuple(MEASURES)):
    """polars table of what was measured by source: 5 %, median, 95 %, and clips without a value."""
    clips, parts = clips.filter(copy=0), []
    for column in columns:
        name, unit, scale = MEASURES[column]
        value = pl.col(column).cast(pl.Float64) * scale
        found = clips.group_by("source").agg(
            value.quantile(0.05).alias("5 %"), value.median().alias("median"),
            value.quantile(0.95).alias("95 %"), value.null_count().alias("unknown"),
        )  # fmt: skip
        parts.append(found.sort("source").insert_column(0, pl.lit(f"{name}, {unit}").alias("of")))
    return pl.concat(parts)


def balance(clips, rows, parts, most=MOST):
    """Clips by the column `rows`, such as "label", as bars of `parts`, such as "source".

    The values with most clips are drawn, `most` at most; the title says what is not.
    """
    names, groups, counts = crossed(clips, rows, parts, most, len(_COLOURS))
    rest = ""
    if clips[rows].n_unique() > most:
        rest = f"not drawn: {names.pop()} with {plural(int(counts[-1].sum()), 'clip')}"
        counts = counts[:-1]
    colours = [_SPLITS.get(g, c) for g, c in zip(groups, _COLOURS, strict=False)]
    bars = [_bar(_text(group, 24), counts[:, n], colours[n]) for n, group in enumerate(groups)]
    totals = counts.sum(1)
    return _drawn(
        [*bars, _beside(totals, [shown(int(n)) for n in totals])],
        f"Clips by {rows} and {parts}",
        _clips(totals, 1.15),
        _names([_text(name) for name in names]),
        height=180 + 24 * len(names),
        beneath=rest,
    )


def cohorts(clips, most=MOST):
    """Heatmap of language and speaker against label; where no clip is, the cell is orange.

    Cohorts and labels with most clips are drawn, `most` at most; the title says of how many.
    """
    table = cohort(clips)
    rows, labels, counts = crossed(table, "cohort", "label", most, most)
    every = [table[column].n_unique() for column in ("cohort", "label")]
    tall, wide = (n if n <= most else most - 1 for n in every)
    rows, labels, counts = rows[:tall], labels[:wide], counts[:tall, :wide]
    left = f"drawn: {tall} of {plural(every[0], 'cohort')}, {wide} of {plural(every[1], 'label')}"
    return _drawn(
        _cells(rows, labels, counts),
        f"{shown(int((counts == 0).sum()))} of {shown(counts.size)} cells are empty: pale orange",
        _names([_text(label, 14) for label in labels])
        | {"range": [-0.5, len(labels) - 0.5], "tickangle": -60},
        _names([_text(row, 34) for row in rows]),
        height=140 + 24 * len(rows),
        legend=False,
        beneath=left if max(every) > most else "",
    )


def cohort(clips):
    """`clips` with a column `cohort`: language and speaker, said where it is not known."""
    language = pl.col("language").fill_null("language?")
    speaker = pl.col("speaker").fill_null("speaker?")
    return clips.with_columns(cohort=pl.concat_str(language, speaker, separator=" · "))


def crossed(clips, rows, parts, most_rows, most_parts):
    """(names of rows, names of parts, int64[rows, parts]): clips by two columns, most first.

    No more names than `most_...`: the last one may stand for all others.
    """
    (names, at), (groups, of) = (
        _places(clips, column, most) for column, most in ((rows, most_rows), (parts, most_parts))
    )
    counts = np.zeros((len(names), len(groups)), np.int64)
    np.add.at(counts, (at, of), 1)
    return names, groups, counts


def middle(text, most=60):
    """`text` in at most `most` characters: what is too long loses its middle."""
    text = str(text)
    tail = most // 2
    return text if len(text) <= most else f"{text[: most - tail - 1]}…{text[-tail:]}"


def _places(table, column, most):
    """(names, int64[rows]): values of a column, most frequent first, and the one of every row."""
    counts = table.group_by(column).len("clips")
    counts = counts.sort("clips", column, descending=[True, False], nulls_last=True)
    own = counts.height if counts.height <= most else most - 1
    order = counts.with_row_index("place").select(column, pl.col("place").clip(0, own))
    at = table.select(column).join(order, on=column, how="left", nulls_equal=True,
                                   maintain_order="left")["place"]  # fmt: skip
    names = ["unknown" if v is None else str(v) or '""' for v in counts[column].head(own)]
    if own < counts.height:
        names.append(f"{shown(counts.height - own)} others")
    return names, at.to_numpy().astype(np.int64)


def _cells(rows, labels, counts):
    """Two heatmaps in one place: the empty cells, and the others on a logarithmic scale."""
    said = [[f"{_text(row)}, {_text(label)}: {counts[i, j]}" for j, label in enumerate(labels)]
            for i, row in enumerate(rows)]  # fmt: skip
    cells = {"x": list(range(len(labels))), "y": list(range(len(rows))), "xgap": 1, "ygap": 1,
             "text": said, "hovertemplate": "%{text}<extra></extra>",
             "hoverongaps": False}  # fmt: skip
    top = math.ceil(np.log10(max(10, counts.max(initial=1))))
    bar = {"title": {"text": "clips"}, "thickness": 12, "tickvals": list(range(top + 1)),
           "ticktext": [shown(10**power) for power in range(top + 1)]}  # fmt: skip
    filled = np.where(counts > 0, np.log10(np.maximum(counts, 1)), np.nan)
    return [
        go.Heatmap(z=np.where(counts > 0, np.nan, 1.0), showscale=False,
                   colorscale=[PALE_ORANGE, PALE_ORANGE], **cells),
        go.Heatmap(z=filled, colorscale=["#D6E6F2", "#08406B"], zmin=0, zmax=top, colorbar=bar,
                   **cells),
    ]  # fmt: skip


def _histograms(table, column, names, cell):
    """Steps of one facet, one a source: share of its clips in every bin."""
    scale = MEASURES[column][2]
    table = table.select("_source", value=pl.col(column).cast(pl.Float64) * scale)
    table = table.filter(pl.col("value").is_finite())
    width = _round_width((table["value"].max() - table["value"].min()) / _BINS)
    # steps of 0.01 lie on the edges, and rounding must not throw them to either side
    table = table.with_columns(bin=(pl.col("value") / width + 1e-6).floor().cast(pl.Int64))
    first, last = table["bin"].min() - 1, table["bin"].max() + 1
    axes = {"xaxis": f"x{cell}", "yaxis": f"y{cell}"} if cell > 1 else {}
    traces = []
    for number, name in enumerate(names):
        found = table.filter(_source=number)["bin"].to_numpy() - first
        share = 100 * np.bincount(found, minlength=last - first + 1) / max(1, len(found))
        traces.append(
            go.Scatter(x=(np.arange(first, last + 1) + 0.5) * width, y=share, name=_text(name, 24),
                       mode="lines", line={"shape": "hvh", "color": _COLOURS[number], "width": 2},
                       legendgroup=name, showlegend=cell == 1, **axes,
                       hovertemplate=f"{_text(name)}: %{{y:.3g}} %<extra></extra>")
        )  # fmt: skip
    return traces


def _facet(cell, column, rows):
    """Axes of one of the facets, two in a row; a third of the height is between the rows."""
    name, unit, _ = MEASURES[column]
    row, side = divmod(cell - 1, 2)
    number = "" if cell == 1 else cell
    step = 1 / (rows - 1 / 3)  # the last row has nothing beneath
    top = 1 - row * step
    x = {"title": {"text": f"{name}, {unit}"}, "domain": [0.53 * side, 0.47 + 0.53 * side]}
    percent = "" if side else "% of clips"
    y = {"title": {"text": percent}, "domain": [max(0, top - step * 2 / 3), top]}
    return {
        f"xaxis{number}": x | {"anchor": f"y{number}"},
        f"yaxis{number}": y | {"anchor": f"x{number}", "rangemode": "tozero"},
    }


def _round_width(width):
    """The next width of 1, 2 or 5 times a power of ten; 1 where all values are one."""
    if not width > 0:
        return 1.0
    power = 10.0 ** math.floor(math.log10(width))
    return next((m * power for m in (1, 2, 5) if m * power >= width), 10 * power)


def _drawn(traces, title, x, y, height, legend=True, beneath="", **layout):
    """A figure with its title in the upper corner, and its legend in the lower one: that grows
    where the page is narrow. beneath: text in small letters under the title.
    """
    layout = {"barmode": "stack", "bargap": 0.25, "separators": f".{THIN}"} | layout
    room = 18 if beneath else 0
    drawn = figure(traces, title, x, y, height + room, **layout)
    entries = sum(trace.showlegend is not False for trace in traces) if legend else 0
    left = {"x": 0, "xref": "container", "yref": "container"}
    below = {"subtitle": {"text": beneath, "font": {"size": 13}}} if beneath else {}
    return drawn.update_layout(
        title=left | below | {"y": 1, "yanchor": "top", "pad": {"t": 8}},
        legend=left | {"y": 0, "yanchor": "bottom", "traceorder": "normal"},
        margin={"t": 42 + room, "b": 60 + 21 * math.ceil(entries / 2)},  # two fit side by side
        showlegend=legend,
    )


def _bar(name, values, colour):
    values = [int(v) for v in values]
    seen = f"{name}: %{{x:,}}<extra></extra>"
    return go.Bar(x=values, y=list(range(len(values))), orientation="h", name=name,
                  marker={"color": colour}, hovertemplate=seen)  # fmt: skip


def _clips(totals, room):
    """Axis for bars of these lengths, with `room` for words to the right, 1.2 for a fifth."""
    return {"title": {"text": "clips"}, "range": [0, room * max([1, *totals])], "tickformat": ","}


def _beside(totals, texts):
    """Words to the right of the bars."""
    return go.Scatter(x=list(totals), y=list(range(len(texts))), text=[f" {t}" for t in texts],
                      mode="text", textposition="middle right", hoverinfo="skip",
                      textfont={"size": 13, "color": INK}, showlegend=False,
                      cliponaxis=False)  # fmt: skip


def _names(names):
    """Axis with these names at 0, 1, ... from the top: as places, since "0" is a label too."""
    return {"tickvals": list(range(len(names))), "ticktext": names, "automargin": True,
            "range": [len(names) - 0.5, -0.5], "showgrid": False}  # fmt: skip


def _text(name, most=28):
    """A name as plotly draws it: short, and no part of it read as HTML."""
    return escape(middle(name, most), quote=False)


def _pass_name(row, before):
    """Name of a pass; the one that cuts sentences reads words where another wrote recordings."""
    cut = before is not None and row["read"] != before["written"]
    return f"{row['pass']} (words)" if cut else row["pass"]


def _losses(row):
    said = [f"{shown(row[k])} {k}" for k in ("duplicates", "rejected") if row.get(k)]
    return "  ".join([shown(row["written"]), *said])
