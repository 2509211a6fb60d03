"""Duplicates among short clips: equal ones by hash, near ones by what they sound like.

A near-duplicate is the same recording made softer, moved in time, put through a codec, covered by
a little noise, or shifted in pitch. The same word said again by the same person is none, though
it sounds alike. Two steps tell them apart:

candidates: a signature that ignores shifts in time and in pitch is cut into bands of bits, and
clips that agree in a whole band meet (locality-sensitive hashing, Charikar 2002).
verification: the best match of the two spectrograms, with a log frequency axis fine enough to
show harmonics, over all shifts. Their course is what a second utterance does not repeat.
"""

import numpy as np

RATE = 16_000
SIMILARITY = 0.955  # nine in ten planted copies of each kind lie above: see the test
_WINDOW, _HOP, _FFT = 1024, 256, 2048
_BINS_HZ = 100 * 2 ** (np.arange(127) / 24)  # a quarter tone each, 100 Hz to 3.8 kHz
_FLOOR_DB = 30.0  # below a clip's peak: fainter parts belong to the noise
_MOST_SEMITONES, _MOST_FRAMES = 3, 30  # shifts that are searched, both ways
_KEPT = (12, 24)  # rows and columns of the signature
_AT_ONCE = 24  # clips or pairs: bounds the memory
_PAIRS_AT_ONCE = 4096  # of signatures


def spectrograms(clips):
    """float32[n, frames, bins] of int16[n, samples] at 16 kHz: log power, mean 0 and norm 1.

    A silent clip is all zeros.
    """
    frames = np.lib.stride_tricks.sliding_window_view(clips, _WINDOW, 1)[:, ::_HOP]
    power = np.abs(np.fft.rfft(frames * np.hanning(_WINDOW).astype(np.float32), _FFT)) ** 2
    at = _BINS_HZ * _FFT / RATE
    below = at.astype(int)
    power = power[..., below] * (below + 1 - at) + power[..., below + 1] * (at - below)
    peak = np.maximum(power.max((1, 2), keepdims=True), 1e-9)
    level = 10 * np.log10(np.maximum(power / peak, 10 ** (-_FLOOR_DB / 10)))
    level -= level.mean((1, 2), keepdims=True)
    norm = np.sqrt((level**2).sum((1, 2), keepdims=True))
    return (level / np.maximum(norm, 1e-9)).astype(np.float32)


def signatures(clips):
    """float32[n, numbers], norm 1: `raw_signatures` without what all clips share."""
    return centred(raw_signatures(clips))


def raw_signatures(clips):
    """float32[n, numbers]: slow parts of the spectrogram's own 2-D spectrum, its phase off.

    A shift in time or in log frequency changes the phase alone.
    """
    rows, columns = _KEPT
    parts = []
    for i in range(0, len(clips), _AT_ONCE):
        spectrum = np.abs(np.fft.rfft2(spectrograms(clips[i : i + _AT_ONCE]), (128, 256)))
        kept = np.concatenate([spectrum[:, :rows, :columns], spectrum[:, -rows:, :columns]], 1)
        parts.append(kept.reshape(len(kept), -1).astype(np.float32))
    return np.concatenate(parts)


def centred(raw):
    """float32[n, numbers], norm 1, of raw signatures: what all clips share tells none apart."""
    found = raw - raw.mean(0, dtype=np.float64).astype(np.float32)
    return found / np.maximum(np.linalg.norm(found, axis=1, keepdims=True), np.float32(1e-9))


def candidates(found, bands=40, bits=18, seed=0, crowd=200, least=0.87, most=16):
    """int64[pairs, 2]: clips whose `signatures` agree in all bits of at least one band, a < b.

    Of these, pairs whose signatures have a cosine below `least` are left out again, and so are
    all but the `most` nearest of each clip b: a clip needs one link to its kind, not all.

    A bit says on which side of a random plane a signature lies. More bands find more, more bits
    find less. A bucket of more than `crowd` clips joins neighbours only: it tells nothing apart.
    """
    rng, count = np.random.default_rng(seed), len(found)
    names, cosines = np.zeros(0, np.int64), np.zeros(0, np.float32)
    for _ in range(bands):
        planes = rng.normal(size=(found.shape[1], bits)).astype(np.float32)
        keys = (found @ planes > 0) @ (1 << np.arange(bits))
        parts = [(names, cosines)]
        for pairs in _meetings(keys, crowd):
            cosine = np.einsum("ij,ij->i", found[pairs[:, 0]], found[pairs[:, 1]])
            near = cosine >= least
            parts.append((pairs[near] @ (1, count), cosine[near]))  # a pair as one number
        names, place = np.unique(np.concatenate([n for n, _ in parts]), return_index=True)
        cosines = np.concatenate([c for _, c in parts])[place]
        names, cosines = _nearest(names, cosines, count, most)
    return np.stack([names % count, names // count], 1)


def _nearest(names, cosines, count, most):
    """Of the pairs of each second clip, the `most` with the greatest cosine, in order."""
    second = names // count
    order = np.lexsort((names, -cosines, second))
    starts = np.searchsorted(second[order], second[order])
    kept = np.sort(order[np.arange(len(order)) - starts < most])
    return names[kept], cosines[kept]


def similarity(clips, pairs):
    """float64[pairs]: best match of the spectrograms of two clips over shifts, 1 for equal ones."""
    parts = [np.zeros(0)]
    for i in range(0, len(pairs), _AT_ONCE):
        places, back = np.unique(pairs[i : i + _AT_ONCE], return_inverse=True)
        spectra = np.fft.rfft2(spectrograms(clips[places]), (128, 256))
        a, b = spectra[back.reshape(-1, 2)].swapaxes(0, 1)
        match = np.fft.irfft2(a * b.conj(), (128, 256))
        quarter_tones = 4 * _MOST_SEMITONES // 2
        match = np.concatenate([match[:, :_MOST_FRAMES], match[:, -_MOST_FRAMES:]], 1)
        match = np.concatenate([match[..., : quarter_tones + 1], match[..., -quarter_tones:]], 2)
        parts.append(match.max((1, 2)))
    return np.concatenate(parts)


def near_duplicates(clips, least=SIMILARITY):
    """polars table of near-duplicate pairs: first, second (rows of `clips`), similarity.

    clips: int16[n, samples] at 16 kHz, about a second long.
    """
    import polars as pl

    pairs = candidates(signatures(clips)) if len(clips) > 1 else np.zeros((0, 2), np.int64)
    match = similarity(clips, pairs)
    kept = match >= least
    columns = {"first": pairs[kept, 0], "second": pairs[kept, 1], "similarity": match[kept]}
    return pl.DataFrame(columns).sort("first", "second")


def originals(count, pairs):
    """int64[count]: for each clip the first one that it is linked to by pairs; itself if none."""
    first = np.arange(count)

    def root(i):
        while first[i] != i:
            first[i] = i = first[first[i]]
        return i

    for a, b in pairs:
        low, high = sorted((root(int(a)), root(int(b))))
        first[high] = low
    return np.array([root(i) for i in range(count)])


def _meetings(keys, crowd):
    """int64[pairs, 2] of places with equal keys, a < b; in parts, which bounds the memory."""
    order = np.argsort(keys, kind="stable")
    starts = np.searchsorted(keys[order], keys[order])  # where the bucket of each begins
    sizes = np.searchsorted(keys[order], keys[order], side="right") - starts
    behind = np.arange(len(keys)) - starts  # members of the bucket before this one
    behind = np.where(sizes > crowd, np.minimum(behind, 1), behind)
    ends = np.cumsum(behind)
    for part in np.split(np.arange(len(keys)), _cuts(ends, _PAIRS_AT_ONCE)):
        many = behind[part]
        later = np.repeat(part, many)
        steps = np.arange(len(later)) - np.repeat(np.cumsum(many) - many, many)
        yield np.sort(np.stack([order[later - 1 - steps], order[later]], 1), axis=1)


def _cuts(ends, most):
    """Places at which to cut rows whose running total is `ends`, for about `most` in each part."""
    return np.searchsorted(ends, np.arange(most, ends[-1], most)) if len(ends) else []
