"""Explorers of the lesson on synthetic audio: a spotter on a stream, and as a file of int8."""

import numbers

import polars as pl

from kit.assumptions import value as _value
from kit.audio import preset
from kit.bench import recorded_table
from kit.errors import KitError
from kit.explorers.base import Control, Explorer
from kit.explorers.synthetic import checked_table
from kit.kws import targets
from kit.kws.sizing import spotter_size
from kit.numbers import plural, shown
from kit.quantities import quantity
from kit.views import synthetic as views

_RATES = {  # columns of kit.kws.stream.trade_off, and the hours that its stream lasts
    "threshold": "share", "fa_per_h": "nonnegative", "fa_low": "nonnegative",
    "fa_high": "positive", "frr_percent": "nonnegative", "frr_low": "nonnegative",
    "frr_high": "nonnegative", "hours": "positive",
}  # fmt: skip
_SHAPE = ("channels", "blocks", "kernel")
_POINTS = dict.fromkeys(_SHAPE, "count") | {"file_bytes": "positive", "accuracy": "share",
                                            "low": "share", "high": "share"}  # fmt: skip
_KERNELS = ("3", "5", "7", "9", "11")
_CHANNELS, _BLOCKS = (8, 96), (1, 6)
_DIGITS = 10  # words of the spotter that the lesson trains


def _stream_table(value):
    """What a spotter did on a stream, by threshold: the rows of one stream; None for the kept."""
    table = recorded_table("synthetic", "trade-off") if value is None else value
    if value is None and "keyword" in table.columns:
        table = table.filter(pl.col("keyword") == pl.col("keyword").first())
    table = checked_table(table, _RATES, "table of kit.kws.stream.trade_off with hours")
    if table["hours"].n_unique() > 1 or table["threshold"].is_duplicated().any():
        raise KitError("the rows are of more than one stream", found=f"{table.height} rows",
                       allowed="the hours of one stream, and each threshold once")  # fmt: skip
    return table.sort("threshold")


def _points(value):
    """Measured spotters, with their shape, the bytes of their files and their accuracy."""
    table = recorded_table("synthetic", "size") if value is None else value
    return checked_table(table, _POINTS, "table of measured spotters")


def _words(value):
    """Words that the spotter tells apart."""
    if not isinstance(value, numbers.Real) or isinstance(value, bool):
        raise KitError("words is no number", found=value, allowed="a whole number, 1 or more")
    return int(quantity("words", value, "count"))


def _trade_off(threshold, wakes_per_month, hours_per_day, table):
    allowed = wakes_per_month / (targets.MONTH_D * hours_per_day)
    nearest = (table["threshold"] - threshold).abs().arg_min()
    none = pl.col("fa_per_h") == 0
    return table.with_row_index("row").with_columns(
        none=none,
        drawn_fa_per_h=pl.when(none).then("fa_high").otherwise("fa_per_h"),
        chosen=pl.col("row") == nearest,
        allowed_fa_per_h=pl.lit(allowed),
        budget=pl.when(pl.col("fa_high") <= allowed).then(pl.lit("kept"))
        .when(pl.col("fa_low") > allowed).then(pl.lit("broken")).otherwise(pl.lit("open")),
        wakes_per_month=pl.lit(float(wakes_per_month)),
        hours_per_day=pl.lit(float(hours_per_day)),
        hours_to_prove=pl.lit(targets.hours_to_prove(allowed)),
    )  # fmt: skip


def _trade_off_summary(table):
    you = table.filter("chosen").row(0, named=True)
    high, hours = shown(you["fa_high"]), shown(you["hours"])
    wakes = f"wakes by mistake {shown(you['fa_per_h'])} times an hour ({shown(you['fa_low'])} to "
    wakes += f"{high}, exact Poisson)"
    if you["none"]:
        wakes = f"never woke by mistake in {hours} h, so the rate is at most {high} an hour"
    verdict = {
        "kept": "The stream proves that this is kept.",
        "broken": f"Here it wakes at least {shown(you['fa_low'] / you['allowed_fa_per_h'])} times "
                  "as often.",
        "open": f"A stream of {hours} h can neither prove nor disprove that.",
    }[you["budget"]]  # fmt: skip
    parts = [
        f"At threshold {you['threshold']:.3f} the spotter misses {you['frr_percent']:.1f} % of "
        f"the keywords ({you['frr_low']:.1f} to {you['frr_high']:.1f} %) and {wakes}.",
        f"Allowed are {shown(you['allowed_fa_per_h'])} an hour. {verdict}",
        "" if you["budget"] == "kept" else _to_prove(you),
    ]
    return " ".join(parts).rstrip()


def _to_prove(you):
    needed, hours = you["hours_to_prove"], you["hours"]
    text = f"To prove it takes {shown(needed)} h without one false wake (rule of three)"
    return f"{text}; the stream has {shown(hours)} h." if needed > hours else f"{text}."


def _trade_off_rows(table):
    """The reader's threshold, and eight more from end to end."""
    step = max(1, table.height // 8)
    return table.filter(pl.col("chosen") | (pl.col("row") % step == 0)).select(
        "threshold", pl.col("fa_per_h").alias("false wakes (1/h)"),
        pl.col("fa_low").alias("least (1/h)"), pl.col("fa_high").alias("most (1/h)"),
        pl.col("frr_percent").alias("missed_percent"), "budget",
    )  # fmt: skip


def _size_row(channels, blocks, kernel, words):
    """dict of one design: kB of 1000 bytes in closed form, and the millions of multiply-adds."""
    spec = preset("kws")
    frames = spec.frames(round(_value("kws_clip") * spec.rate))
    found = spotter_size(channels, blocks, kernel, spec.coeffs, words, frames)
    kb = {n.replace("_bytes", "_kb"): found[n] / 1e3 for n in found if n.endswith("_bytes")}
    kb["constants_kb"] = kb["weights_kb"] + kb["scaling_kb"]
    kb["activations_kb"] = kb.pop("peak_activation_kb")
    kb["closed_kb"] = kb["file_kb"]
    design = f"{plural(channels, 'channel')}, {plural(blocks, 'block')}, kernel {kernel}"
    return kb | {
        "design": design, "channels": channels, "blocks": blocks, "kernel": kernel,
        "parameters": found["parameters"], "mega_macs": found["multiply_adds"] / 1e6,
    }  # fmt: skip


def _size(channels, blocks, kernel, points, words):
    shape = (int(channels), int(blocks), int(kernel))
    rows = [_size_row(*shape, words) | {"point": "yours"}]
    for known in points.iter_rows(named=True):
        its = tuple(int(known[n]) for n in _SHAPE)
        percent = {f"{n}_percent": 100 * known[n] for n in ("accuracy", "low", "high")}
        rows.append(_size_row(*its, words) | percent | {
            "point": "measured", "file_kb": known["file_bytes"] / 1e3, "same": its == shape,
        })  # fmt: skip
    largest = _size_row(_CHANNELS[1], _BLOCKS[1], int(_KERNELS[-1]), words)
    return pl.DataFrame(rows, infer_schema_length=None).with_columns(
        limit_kb=pl.lit(float(_value("kws_memory"))),
        # so that the axis stays where it is
        widest_kb=pl.lit(max(largest["file_kb"],
                             largest["constants_kb"] + largest["activations_kb"])),
    )  # fmt: skip


def _size_summary(table):
    you = table.filter(point="yours").row(0, named=True)
    limit, running = you["limit_kb"], you["constants_kb"] + you["activations_kb"]
    known = table.filter(pl.col("same"))
    told = "This one was not measured."
    if not known.is_empty():
        row = known.row(0, named=True)
        told = (f"Measured: {shown(row['file_kb'])} kB, right in {row['accuracy_percent']:.1f} % "
                f"({row['low_percent']:.1f} to {row['high_percent']:.1f} %).")  # fmt: skip
    return (
        f"{you['design']}: {shown(you['parameters'])} parameters make a file of "
        f"{shown(you['file_kb'])} kB, {shown(100 * you['file_kb'] / limit)} % of the limit of "
        f"{shown(limit)} kB. While it runs, its constants and activations take {shown(running)} "
        f"kB, and a window costs {shown(you['mega_macs'])} million multiply-adds. {told}"
    )


def _size_rows(table):
    return table.select(
        pl.col("point").replace("yours", "closed form"), "design", "parameters", "file_kb",
        "weights_kb", "scaling_kb", "overhead_kb", "activations_kb",
        pl.col("mega_macs").alias("multiply-adds (millions)"), "accuracy_percent", "low_percent",
        "high_percent",
    )  # fmt: skip


EXPLORERS = {
    e.name: e
    for e in (
        Explorer(
            "trade-off",
            "Which threshold keeps the false wakes rare?",
            (
                Control("threshold", "threshold", "share", 0.5, "linear", 0, 1, 0.01),
                Control("wakes_per_month", "false wakes allowed", "1/month",
                        _value("kws_false_wakes"), "log", 0.1, 1000),
                Control("hours_per_day", "listening", "h/day", targets.DAY_H, "linear", 1, 24, 1),
                Control("table", "measured on a stream", "", None, "given",
                        options=(_stream_table,)),
            ),
            _trade_off, views.trade_off, _trade_off_summary, _trade_off_rows,
        ),
        Explorer(
            "size",
            "How large is the spotter?",
            (
                Control("channels", "channels", "", 64, "whole", *_CHANNELS),
                Control("blocks", "blocks", "", 4, "whole", *_BLOCKS),
                Control("kernel", "kernel, frames", "", "7", "choice", options=_KERNELS),
                Control("points", "measured spotters", "", None, "given", options=(_points,)),
                Control("words", "words", "", _DIGITS, "given", options=(_words,)),
            ),
            _size, views.sizes, _size_summary, _size_rows,
        ),
    )
}  # fmt: skip
