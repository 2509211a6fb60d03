"""Explorers of the lesson on synthetic audio: a word in a room, and what a budget should buy."""

import functools
import math

import numpy as np
import polars as pl

from kit.audio import preset, reference
from kit.audio.augment import noise as noises
from kit.audio.augment import reverberate, room_impulse_response
from kit.audio.augment.rooms import SPEED_OF_SOUND
from kit.bench import recorded_table
from kit.errors import KitError
from kit.experiments.mix import prices
from kit.explorers.base import Control, Explorer
from kit.explorers.features import _clip
from kit.kws import mixing
from kit.numbers import plural, shown
from kit.quantities import quantity, vectorised
from kit.views import synthetic as views

_RATE = 16_000  # Hz
_ROOM_M = (8.0, 6.0, 3.5)  # a class room; a smaller one takes longer to compute
_VOLUME_M3 = math.prod(_ROOM_M)
_RT60_STEP_S, _DISTANCE_STEP_M = 0.1, 0.5  # a room takes up to 0.2 s: few, and kept
_SHARES = np.linspace(0, 1, 101)
_RECORDED_USD, _SYNTHETIC_USD = (round(price, 9) for price in prices())


def checked_table(table, rules, what):
    """polars table with the columns of `rules`, float64 and checked; or a KitError.

    rules: dict of column -> rule of kit.quantities. what: the table, for the message.
    """
    good = isinstance(table, pl.DataFrame) and set(rules) <= set(table.columns)
    if not good or table.is_empty():
        found = getattr(table, "columns", type(table).__name__)
        allowed = f"a polars table with rows, columns {', '.join(rules)}"
        raise KitError(f"this is no {what}", found=f"no row, {found}" if good else found,
                       allowed=allowed)  # fmt: skip
    return table.with_columns(pl.Series(c, quantity(c, table[c], r)) for c, r in rules.items())


@vectorised(volume_m3="positive", rt60_s="positive")
def critical_distance(volume_m3, rt60_s):
    """Distance in m at which the direct sound is as strong as all that the walls send back.

    Closed form of a diffuse field, for a source that sends equally in all directions (Kuttruff,
    Room Acoustics, 2009): the square root of the absorption area over 16 pi, with the area that
    Sabine gives for `rt60_s` in a room of `volume_m3`.
    """
    area_m2 = 24 * np.log(10) * volume_m3 / (SPEED_OF_SOUND * rt60_s)
    return np.sqrt(area_m2 / (16 * np.pi))


def _heard_clip(value):
    """A clip to put into a room: as in the explorer "features", with sound in it."""
    clip = _clip(value)
    noises.speech_power(clip[None], _RATE)  # raises where the clip is silent
    return clip


def _noise_kind(value):
    """The colour of the noise."""
    if not isinstance(value, str) or value not in noises.COLOURS:
        allowed = ", ".join(noises.COLOURS)
        raise KitError("there is no such noise", found=value, allowed=allowed)
    return value


def _measured(value):
    """The reader's own trainings, or None: polars table of real, synthetic, accuracy_percent."""
    rules = {"real": "nonnegative", "synthetic": "nonnegative", "accuracy_percent": "nonnegative"}
    if value is None:
        return None
    table = checked_table(value, rules, "table of measured mixes")
    if (table["accuracy_percent"] > 100).any() or (table["real"] + table["synthetic"] == 0).any():
        raise KitError("a measured mix is not possible", found=table.select(*rules).rows(),
                       allowed="a clip or more in each, and at most 100 %")  # fmt: skip
    return table


def _grid(value):
    """Measured mixes to interpolate between; None for those that are kept."""
    grid = recorded_table("synthetic", "grid") if value is None else value
    mixing.check_grid(grid)
    return grid


@functools.lru_cache(8)
def _noise(kind, samples):
    return noises.coloured_noise(kind, samples, 0, _RATE)[0]


@functools.lru_cache(64)
def _dry(clip, rt60_s, distance_m):
    """(the clip in the room without noise, its speech power, the direct sound over the rest in dB).

    clip: bytes of int16, as arrays cannot be looked up.
    """
    response = room_impulse_response(_ROOM_M, rt60_s, distance_m, _RATE)
    dry = reverberate(np.frombuffer(clip, np.int16)[None], response)
    energy = response.astype(float) ** 2
    direct_db = 10 * math.log10(energy[0] / energy[1:].sum())
    return dry, noises.speech_power(dry, _RATE)[0], direct_db


@functools.lru_cache(4)
def _recorded(clip):
    return _step(np.frombuffer(clip, np.int16))


def _step(samples):
    """dict of one column of the picture: the samples, and what features see of them."""
    mel = reference.stages(samples, preset("kws"))["log_mel"]
    level = 10 * math.log10(np.mean(samples.astype(float) ** 2) / 32_768**2)
    return {"samples": samples, "log_mel": mel.ravel().astype(np.float32), "bands": mel.shape[1],
            "level_db": level}  # fmt: skip


def _room(snr_db, rt60_s, distance_m, clip, noise):
    rt60_s = round(round(rt60_s / _RT60_STEP_S) * _RT60_STEP_S, 6)
    distance_m = round(distance_m / _DISTANCE_STEP_M) * _DISTANCE_STEP_M
    dry, power, direct_db = _dry(clip.tobytes(), rt60_s, distance_m)
    wet = noises.add_noise(dry, _noise(noise, len(clip)), snr_db, _RATE)
    added = wet[0].astype(float) - dry[0]
    steps = {"as recorded": _recorded(clip.tobytes()), "as heard": _step(wet[0])}
    shared = {
        "rt60_s": rt60_s, "distance_m": distance_m, "wanted_db": float(snr_db), "noise": noise,
        "snr_db": 10 * math.log10(power / np.mean(added**2)),
        "cut_percent": 100 * float(np.mean(np.abs(wet.astype(float) + 0.5) > 32_767)),
        "direct_db": direct_db,
        "critical_m": critical_distance(_VOLUME_M3, rt60_s),
        "hop_ms": 1e3 * preset("kws").hop / _RATE,
    }  # fmt: skip
    rows = [{"order": i, "step": n, **s} for i, (n, s) in enumerate(steps.items())]
    return _arrays_table(rows).with_columns(**{k: pl.lit(v) for k, v in shared.items()})


def _arrays_table(rows):
    """polars table of dicts whose NumPy arrays become lists without a loop over values."""
    return pl.DataFrame({
        name: [pl.Series(r[name]) if isinstance(r[name], np.ndarray) else r[name] for r in rows]
        for name in rows[0]
    })  # fmt: skip


def _room_summary(table):
    row = table.row(1, named=True)
    formula = 20 * math.log10(row["critical_m"] / row["distance_m"])
    sides = " x ".join(f"{side:g}" for side in _ROOM_M)
    parts = [
        f"Measured again on the result, the SNR with {row['noise']} noise is "
        f"{views.tenths(row['snr_db'])} dB; {views.tenths(row['wanted_db'])} dB were asked for.",
        f"In this room of {sides} m the walls are as loud as the voice from "
        f"{row['critical_m']:.2f} m on (diffuse field). At {row['distance_m']:g} m the direct "
        f"sound is {_beside(row['direct_db'])} the reverberation; that closed form says "
        f"{_beside(formula)} it.",
    ]
    if row["cut_percent"]:
        parts.append(f"{shown(row['cut_percent'])} % of the samples are cut off at full scale.")
    return " ".join(parts)


def _beside(level_db):
    return f"{abs(level_db):.1f} dB {'below' if level_db < 0 else 'above'}"


def _room_rows(table):
    later = pl.col("order") == 1
    return table.select(
        "step", "level_db",
        *(pl.when(later).then(c).alias(c) for c in ("snr_db", "rt60_s")),
        pl.when(later).then("distance_m").alias("distance (m)"),
        pl.when(later).then("direct_db").alias("direct_to_reverberant_db"),
    )  # fmt: skip


def _room_sound(table):
    return table["samples"][1].to_numpy(), _RATE


def _mix(budget_usd, recorded_usd, synthetic_usd, measured, grid):
    real = np.floor(_SHARES * budget_usd / recorded_usd + 1e-9)
    made = np.floor((1 - _SHARES) * budget_usd / synthetic_usd + 1e-9)
    found = mixing.accuracy_at(grid, real, made)
    percent = [(100 * pl.col(n)).alias(f"{n}_percent") for n in ("accuracy", "low", "high")]
    line = found.select(pl.lit("line").alias("point"), "real", "synthetic", "inside", *percent,
                        share_percent=pl.Series(100 * _SHARES))  # fmt: skip
    best = line.sort("accuracy_percent", "inside", "share_percent",
                     descending=[True, True, False]).head(1)  # fmt: skip
    rows = [line, best.with_columns(point=pl.lit("best"))]
    if measured is not None:
        for_real = pl.col("real") * recorded_usd
        share = 100 * for_real / (for_real + pl.col("synthetic") * synthetic_usd)
        rows.append(measured.select("real", "synthetic", "accuracy_percent",
                                    point=pl.lit("yours"), share_percent=share))  # fmt: skip
    cost = pl.col("real") * recorded_usd + pl.col("synthetic") * synthetic_usd
    return pl.concat(rows, how="diagonal").with_columns(
        spent_usd=cost, budget_usd=pl.lit(float(budget_usd))
    )


def _mix_summary(table):
    line, best = table.filter(point="line"), table.filter(point="best").row(0, named=True)
    near = line.filter(pl.col("accuracy_percent") >= best["low_percent"])["share_percent"]
    ends = [f"{a:.1f} %" for a in line["accuracy_percent"].gather([0, -1])]
    parts = [
        f"Of USD {shown(best['budget_usd'])}, {best['share_percent']:.0f} % for recordings does "
        f"best: {_clips(best)}, right in {best['accuracy_percent']:.1f} % on unseen speakers "
        f"({best['low_percent']:.1f} to {best['high_percent']:.1f} % over speakers).",
        f"Shares from {near.min():.0f} to {near.max():.0f} % come within that range. Synthetic "
        f"clips alone: {ends[0]}, recordings alone: {ends[1]}.",
    ]
    outside = line.filter(~pl.col("inside")).height
    if outside == line.height:
        parts.append("No share buys a mix between the measured ones: the nearest one counts.")
    elif outside:
        parts.append(f"{100 * outside / line.height:.0f} % of the line lies beyond the measured "
                     "mixes, drawn dotted: there the nearest one counts.")  # fmt: skip
    if not best["inside"]:
        parts.append("The best is one of these, so its accuracy is not known.")
    return " ".join(parts)


def _clips(row):
    return f"{shown(row['real'])} recorded and {plural(row['synthetic'], 'synthetic clip')}"


def _mix_rows(table):
    tenth = pl.col("share_percent").round(6) % 10 == 0
    line = pl.col("point") == "line"
    return table.filter(~line | tenth).select(
        pl.col("point").replace("line", ""), "share_percent", "real", "synthetic",
        "accuracy_percent", "low_percent", "high_percent", "spent_usd",
        pl.when(pl.col("inside")).then(pl.lit("yes")).when(pl.col("inside").not_())
        .then(pl.lit("no")).otherwise(pl.lit("")).alias("between measured mixes"),
    )  # fmt: skip


EXPLORERS = {
    e.name: e
    for e in (
        Explorer(
            "room",
            "A word in a room with noise",
            (
                Control("snr_db", "signal-to-noise ratio", "dB", 15.0, "linear", -5, 40, 1),
                Control("rt60_s", "reverberation time RT60", "s", 0.4, "linear", 0.2, 0.6,
                        _RT60_STEP_S),
                Control("distance_m", "distance", "m", 2.0, "linear", 0.5, 4, _DISTANCE_STEP_M),
                Control("clip", "clip", "", None, "given", options=(_heard_clip,)),
                Control("noise", "noise", "", "pink", "given", options=(_noise_kind,)),
            ),
            _room, views.room, _room_summary, _room_rows, _room_sound,
        ),
        Explorer(
            "mix",
            "Which clips should the budget buy?",
            (
                Control("budget_usd", "budget", "USD", 20.0, "log", 1, 1000),
                Control("recorded_usd", "a recorded clip", "USD", _RECORDED_USD, "log", 0.01, 10),
                Control("synthetic_usd", "a synthetic clip", "USD", _SYNTHETIC_USD, "log", 1e-4, 1),
                Control("measured", "measured by you", "", None, "given", options=(_measured,)),
                Control("grid", "measured mixes", "", None, "given", options=(_grid,)),
            ),
            _mix, views.mix, _mix_summary, _mix_rows,
        ),
    )
}  # fmt: skip
