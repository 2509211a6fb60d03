"""Known near-duplicates, planted in real clips: what a search for duplicates is scored with."""

import io

import numpy as np

from kit.audio import fit, resample, to_int16


def softer(clip, rate, rng):
    """A quarter of the amplitude, 12 dB less."""
    return clip // 4


def moved(clip, rate, rng):
    """A tenth of a second later."""
    return np.roll(clip, rate // 10)


def noisy(clip, rate, rng):
    """White noise 20 dB below the power of the whole clip."""
    power = (clip.astype(float) ** 2).mean()
    noise = rng.normal(0, np.sqrt(power / 100), len(clip))
    return to_int16(np.clip((clip + noise) / 32_768, -1, 1))


def coded(clip, rate, rng):
    """Through Ogg Vorbis and back."""
    import soundfile

    file = io.BytesIO()
    soundfile.write(file, clip, rate, format="OGG", subtype="VORBIS")
    file.seek(0)
    return fit(soundfile.read(file, dtype="int16")[0], len(clip), "start")


def higher(clip, rate, rng):
    """Half a semitone up, and shorter by as much."""
    return fit(resample(clip, rate, round(rate / 2 ** (0.5 / 12))), len(clip))


VARIANTS = {f.__name__: f for f in (softer, moved, noisy, coded, higher)}


def planted(clips, count=40, rate=16_000, seed=0):
    """(clips, origin, kind): int16[n, samples] with copies of `count` of them behind.

    origin: int[rows], the row that each was made from, its own for an original. kind: str[rows],
    "original" or a name of VARIANTS.
    """
    rng = np.random.default_rng(seed)
    chosen = rng.choice(len(clips), min(count, len(clips)), replace=False)
    parts, origin, kind = [clips], [np.arange(len(clips))], ["original"] * len(clips)
    for name, change in VARIANTS.items():
        parts.append(np.stack([change(clips[i], rate, rng) for i in chosen]))
        origin.append(chosen)
        kind += [name] * len(chosen)
    return np.concatenate(parts), np.concatenate(origin), np.array(kind)


def scores(pairs, origin, kind):
    """polars table of kind, planted, found_percent; the last row is the precision of all pairs.

    pairs: table with first and second, as near_duplicates gives it. A pair is right if both were
    made from one clip. Clips that were near-duplicates before count as wrong.
    """
    import polars as pl

    found = set(pairs.select("first", "second").rows())
    rows = [
        (name, len(places), 100 * np.mean([(origin[i], i) in found for i in places]))
        for name in VARIANTS
        if len(places := np.flatnonzero(kind == name))
    ]
    right = [origin[a] == origin[b] for a, b in found]
    rows.append(("right, of all pairs found", len(right), 100 * np.mean(right) if right else 0.0))
    return pl.DataFrame(rows, schema=["kind", "clips", "found_percent"], orient="row")
