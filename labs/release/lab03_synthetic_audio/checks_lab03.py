"""Visible checks of lab 03. They draw new numbers on every run and say what they expected."""

import builtins
import contextlib
import copy
import itertools
import math

import numpy as np
import polars as pl
from scipy.stats import chi2

from kit.course import expect
from kit.errors import KitError

_NAN, _INF = float("nan"), float("inf")
_EXACT_DB = 1e-6
_NO_ROOM = {
    "a side of zero": ((4.0, 0.0, 2.5), 0.5),
    "a negative side": ((4.0, 3.0, -2.5), 0.5),
    "a side that is not a number": ((4.0, _NAN, 2.5), 0.5),
    "a time of zero": ((4.0, 3.0, 2.5), 0.0),
    "a negative time": ((4.0, 3.0, 2.5), -0.5),
    "a time that is not a number": ((4.0, 3.0, 2.5), _NAN),
}
_INT16 = "turn int16 into float64 before you square it"
_USD = 500.0
_SEEDS = (0, 1)  # trainings of each plan: one alone is off by several points
_BEHIND = 0.02  # that a plan may be behind the best single source


@expect.checked
def noise(mix_at_snr, seed=None):
    """Task 1: random clips with pauses and a slam, floats and int16, soft and loud noise."""
    dice = expect.dice(seed)
    cases = [(round(dice.uniform(-10, 40), 2), np.float64) for _ in range(3)]
    for snr, kind in [*cases, (-20.0, np.float64), (12.5, np.int16)]:
        speech, spoken, added = _clip(dice, kind)
        _mixture(mix_at_snr, speech, spoken, added, snr)
        _mixture(mix_at_snr, speech, spoken, added[: len(speech)], snr)


@expect.checked
def impossible(mix_at_snr, seed=None):
    """Task 1: mixtures that cannot be, beside one that can."""
    dice = expect.dice(seed)
    speech, spoken, added = _clip(dice, np.float64)
    n, mute, late = len(speech), spoken & False, added.copy()
    late[:n] = 0
    bad = {
        "noise that is one sample short": (speech, spoken, added[: n - 1], 10.0),
        "noise in two channels": (speech, spoken, np.stack([added, added], 1), 10.0),
        "a mask that is one sample short": (speech, spoken[:-1], added, 10.0),
        "a mask that is one sample long": (speech, np.append(spoken, True), added, 10.0),
        "a clip in which nobody speaks": (speech, mute, added, 10.0),
        "a clip whose spoken samples are zero": (speech * ~spoken, spoken, added, 10.0),
        "noise that is silent as long as the clip lasts": (speech, spoken, late, 10.0),
        "a ratio of nan": (speech, spoken, added, _NAN),
        "an infinite ratio": (speech, spoken, added, _INF),
        "a ratio of minus infinity": (speech, spoken, added, -_INF),
    }
    _mixture(mix_at_snr, speech, spoken, added, 10.0)
    for what, case in dice.sample(list(bad.items()), len(bad)):
        expect.refuses(lambda case=case: mix_at_snr(*case), f"mix_at_snr with {what}")


@expect.checked
def rt60(rt60, seed=None):
    """Task 2: random rooms whose fall slows down, and responses that show no fall."""
    dice = expect.dice(seed)
    for _ in range(6):
        response, rate, seconds = _response(dice)
        before, call = response.copy(), f"rt60 of {len(response)} samples at {rate} Hz"
        got = rt60(response, rate)
        expect.true(np.array_equal(response, before), "rt60 must not change the response.")
        hint = "sum the squares from the end; 10 log10; fit where -5 to -25 dB; 60 dB over slope"
        expect.near(got, seconds, call, hint, tolerance=3e-3)
    click = np.zeros(100)
    click[0] = 1.0
    bad = {
        "a response of zeros": (np.zeros(500), 8000),
        "a response that ends 18 dB down": (np.ones(60), 8000),
        "a click without any room": (click, 8000),
        "a rate of zero": (response, 0),
        "a negative rate": (response, -rate),
        "a rate that is not a number": (response, _NAN),
    }
    for what, case in dice.sample(list(bad.items()), len(bad)):
        expect.refuses(lambda case=case: rt60(*case), f"rt60 with {what}")


@expect.checked
def absorption(absorption, seed=None):
    """Task 2: random rooms, times that they cannot have, and rooms that cannot be."""
    dice = expect.dice(seed)
    for _ in range(5):
        size, share = _room(dice), dice.uniform(0.05, 0.95)
        time = round(_sabine(size) / share, 3)
        hint = "0.161 V / (S x rt60): volume a b c, and six walls: 2 (a b + b c + c a)"
        wanted, call = _sabine(size) / time, f"absorption({size}, {time})"
        expect.near(absorption(size, time), wanted, call, hint, tolerance=2e-3)
    for factor in (0.9, 0.3, 0.01):
        size = _room(dice)
        time = float(f"{_sabine(size) * factor:.3g}")
        what = f"absorption({size}, {time})"
        hint = "its walls would have to swallow more than all of the sound"
        expect.refuses(lambda s=size, t=time: absorption(s, t), what, hint)
    expect.refuses_all(absorption, "absorption", _NO_ROOM, dice)


@expect.checked
def split(group_split, seed=None):
    """Task 3: chains of siblings, many speakers, other orders, and tables without a split."""
    dice = expect.dice(seed)
    for share in (0.2, 0.5, round(dice.uniform(0.1, 0.9), 2)):
        table, sizes = _families(dice, [12] + [dice.randint(1, 6) for _ in range(9)])
        _parts(group_split, table, share, max(sizes))
        _steady(group_split, table, share, dice)
    for _ in range(10):  # groups of one clip and of four: to count groups is not to count clips
        table, sizes = _families(dice, [dice.choice([1, 4]) for _ in range(100)], ("speaker",))
        _parts(group_split, table, dice.choice([0.3, 0.5, 0.6]), max(sizes))
    _blind(group_split)
    one = _families(dice, [14])[0]
    bad = {"one chain of siblings": (one, 0.5), "no clips": (one.clear(), 0.5)}
    shares = (0.0, 1.0, -0.2, 1.5, _NAN)
    bad |= {f"a share of {share}": (table, share) for share in shares}
    for what, case in bad.items():
        expect.refuses(lambda case=case: group_split(*case), f"group_split of {what}")


@expect.checked
def point(operating_point, seed=None):
    """Task 4: random streams, ties, a stream that is too short, and input that cannot be."""
    dice = expect.dice(seed)
    for _ in range(4):
        table, budget = _stream(dice)
        before = table.clone()
        _chosen(operating_point(table, budget), table, budget)
        expect.true(table.equals(before), "operating_point must not change the table.")
    table, _ = _stream(dice)
    hours = table["hours"][0]
    zero = table.with_columns(false_accepts=pl.lit(0, pl.Int64))
    for factor in (0.5, 0.9, 1.1):  # of what no false accept at all proves
        budget = factor * _bound(0, hours)
        _chosen(operating_point(zero, budget), zero, budget)
    _chosen(operating_point(table.clear(), 1.0), table.clear(), 1.0)
    bad = {f"a budget of {x}": (table, x) for x in (0.0, -1.0, _NAN)}
    bad["a stream of no hours"] = (table.with_columns(hours=pl.lit(0.0)), 1.0)
    bad["a stream without a word"] = (table.with_columns(words=pl.lit(0), missed=pl.lit(0)), 1.0)
    for what, case in dice.sample(list(bad.items()), len(bad)):
        expect.refuses(lambda case=case: operating_point(*case), f"operating_point with {what}")


@expect.checked
def plan(data_budget, seed=None):
    """Task 5: the scenario and random markets: valid plans that use their budget."""
    from kit.experiments import budget as market

    dice = expect.dice(seed)
    _bought(data_budget, market.PRICES, _USD)
    for _ in range(12):
        _bought(data_budget, *_market(dice, market.LIMITS))
    prices, _ = _market(dice, market.LIMITS)
    least = min(prices[name] for name in market.CLIPS)
    for usd in (0.0, -100.0, round(0.9 * least, 3), _NAN):
        what = f"data_budget with {usd} USD, where the cheapest clip costs {least},"
        own = copy.deepcopy(prices)
        expect.refuses(lambda own=own, usd=usd: data_budget(own, usd), what)


@expect.checked
def accuracy(data_budget, seed=None, speaker=None):
    """Task 5: a spotter that learns from the plan, against those that learn from one source."""
    from kit.experiments import budget as market

    found = _bought(data_budget, market.PRICES, _USD)
    single = [market.reference(speaker, s) for s in _SEEDS]
    means = {name: sum(one[name] for one in single) / len(_SEEDS) for name in single[0]}
    got = sum(market.judge(found, speaker, s) for s in _SEEDS) / len(_SEEDS)
    best = max(means, key=means.get)
    told = f"Your spotter is right in {100 * got:.1f} % of cases"
    told += f", with the plan {found}. All money for {best!r} alone gives {100 * means[best]:.1f} %"
    told += f", and at least {100 * (means[best] - _BEHIND):.1f} % are asked for."
    hint = "each source lacks something: voices, right labels, or a likeness to people"
    expect.true(got >= means[best] - _BEHIND - 1e-9, told, hint)


def _power(samples):
    return float(np.mean(np.square(samples, dtype=np.float64)))


def _db(ratio):
    return 10 * math.log10(ratio)


def _clip(dice, kind):
    """(speech, spoken, noise): hiss in the pauses and a slam there; noise that grows, with bias."""
    rng, n = np.random.default_rng(dice.randrange(2**32)), dice.randint(2000, 4000)
    spoken = np.zeros(n, bool)
    for start in (0.15, 0.5):
        first = round(n * dice.uniform(start, start + 0.1))
        spoken[first : first + round(n * dice.uniform(0.1, 0.2))] = True
    speech = np.where(spoken, rng.uniform(-0.9, 0.9, n), rng.normal(0, 0.003, n))
    speech[round(0.9 * n) :] += 0.8  # a slam, long after the last word
    noise = rng.normal(0.05, 0.1, n + dice.randint(500, 3000))
    noise[n:] *= 3
    if kind is np.float64:
        return speech, spoken, noise
    return *(np.round(speech * 16_000).astype(kind), spoken), np.round(noise * 16_000).astype(kind)


def _mixture(mix_at_snr, speech, spoken, noise, snr):
    """The sum has the ratio, and holds the speech and the noise as they were."""
    given = [speech.copy(), spoken.copy(), noise.copy()]
    got = mix_at_snr(*given, snr)
    call = f"mix_at_snr of {len(speech)} {speech.dtype} samples at {snr} dB"
    arrays = zip(given, (speech, spoken, noise), strict=True)
    same = all(np.array_equal(a, b) for a, b in arrays)
    expect.true(same, f"{call} changes an array that it was given.", "work on copies")
    good = type(got) is np.ndarray and got.dtype == np.float64
    expect.true(good, f"{call} should return a NumPy array of float64.")
    shape = f"{call} should return {len(speech)} samples, but gives shape {got.shape}."
    expect.true(got.shape == speech.shape, shape)
    hint = _INT16 if speech.dtype == np.int16 else ""
    expect.true(np.isfinite(got).all(), f"{call} gives values that are no numbers.", hint)
    part, added = noise[: len(speech)].astype(np.float64), got - speech
    factor = float(added @ part / (part @ part))
    left = float(np.abs(added - factor * part).max())
    told = f"{call}: the result less the speech is not the noise times a positive number."
    hint = "the speech stays as it is, nothing is cut off, and the noise begins at its start"
    fits = factor > 0 and left <= 1e-9 * (1 + float(np.abs(got).max()))
    expect.true(fits, told, hint)
    found = _db(_power(speech[spoken]) / _power(added))
    if not abs(found - snr) <= _EXACT_DB:
        expect.fail(f"{call} gives {found:.7g} dB.", _slip(found - snr, speech, spoken, noise, snr))


def _slip(off, speech, spoken, noise, snr):
    """What may have gone wrong where the ratio is `off` by so many dB."""
    part, power = noise[: len(speech)].astype(np.float64), _power(speech[spoken])
    mean = _power(part)
    wide = {
        "the speech counts where spoken is True, and nowhere else": power / _power(speech),
        "the noise counts as long as the clip lasts": _power(noise) / mean,
        "a constant offset is noise too: mean square, not variance": np.var(part) / mean,
    }
    for hint, ratio in wide.items():
        if abs(ratio - 1) > 1e-9 and abs(off - _db(ratio)) < 1e-3:
            return hint
    if speech.dtype == np.int16:
        return _INT16
    return "the ratio is of powers, so the factor of the noise is the root of a power"


def _response(dice):
    """(float64[n], rate, reverberation time): a delay, then a fall that slows down on its way."""
    rate, seconds = dice.choice([8000, 16_000]), dice.uniform(0.3, 0.6)
    falls = (0.0, 4.0, dice.uniform(8, 11), 14.0, 35.0)  # dB
    slower = (0.0, 0.5, 1.0, dice.uniform(1.5, 1.8), 2.5)
    took = [fall / 60 * seconds * factor for fall, factor in zip(falls, slower, strict=True)]
    knots = np.cumsum([dice.uniform(0.005, 0.02), *took[1:]])
    time = np.arange(round(knots[-1] * rate)) / rate
    level = np.interp(time, knots, -np.cumsum(falls))
    lost = -np.diff(10 ** (level / 10), append=0.0)  # so that what is to come has this level
    signs = np.array([dice.choice([-1, 1]) for _ in time])
    used = (level <= -5) & (level >= -25)
    return signs * np.sqrt(lost), rate, float(-60 / np.polyfit(time[used], level[used], 1)[0])


def _room(dice):
    return tuple(round(dice.uniform(*ends), 1) for ends in ((3, 12), (2.5, 9), (2.2, 4)))


def _sabine(size):
    """The time of a room whose walls swallow everything, s."""
    a, b, c = size
    return 0.161 * a * b * c / (2 * (a * b + b * c + c * a))


def _families(dice, sizes, ways=("speaker", "own", "mixed", "outside")):
    """(table, sizes): clips in random order, in groups of `sizes`, each one chain of siblings.

    ways: how a clip may be linked with the one before. "own": same recording; "mixed": one has
    the other's recording in its babble; "outside": both have one that is no clip of the table.
    """
    codes = iter(dice.sample(range(10**5, 10**6), 4 * sum(sizes)))
    rows = []
    for size in sizes:
        for i in range(size):
            row = {"clip_id": f"c{next(codes)}", "source_id": f"r{next(codes)}",
                   "speaker": f"p{next(codes)}", "mixed_from": []}  # fmt: skip
            if i:
                _link(row, rows[-1], dice.choice(ways), f"n{next(codes)}", dice)
            rows.append(row)
    kinds = {"mixed_from": pl.List(pl.String)}
    return pl.DataFrame(dice.sample(rows, len(rows)), schema_overrides=kinds), sizes


def _link(row, before, way, outside, dice):
    if way == "speaker":
        row["speaker"] = before["speaker"]
    elif way == "own":
        row["source_id"] = before["source_id"]
    elif way == "outside":
        for one in (row, before):
            one["mixed_from"] = [*one["mixed_from"], outside]
    else:
        one, other = dice.sample([row, before], 2)
        one["mixed_from"] = [*one["mixed_from"], other["source_id"]]


def _parts(group_split, table, share, largest):
    """dict of clip_id -> part: rows as they were, no siblings divided, the share as near."""
    call = f"group_split of {table.height} clips with a share of {share}"
    got = _divided(group_split, table, share, call)
    expect.true(type(got) is pl.DataFrame, f"{call} should return a polars DataFrame.")
    expect.holds(got.columns, [*table.columns, "split"], f"the result of {call}")
    kept = got.height == table.height and got.select(table.columns).equals(table)
    expect.true(kept, f"{call} changes the rows.", "keep rows and their order")
    parts = got["split"].to_list() if got["split"].dtype == pl.String else []
    message = f'{call}: the column "split" should hold "test" and "train", both of them.'
    expect.true(set(parts) == {"test", "train"}, message)
    seen = {}
    for row, part in zip(table.rows(named=True), parts, strict=True):
        recordings = [("recording", name) for name in (row["source_id"], *row["mixed_from"])]
        for kind, name in [("speaker", row["speaker"]), *recordings]:
            told = f"{call}: {kind} {name} is in the training and in the test."
            hint = "siblings of siblings are siblings: repeat until nothing changes"
            expect.true(seen.setdefault((kind, name), part) == part, told, hint)
    off = abs(parts.count("test") - share * table.height)
    told = f"{call} puts {parts.count('test')} into the test; the largest group has {largest}."
    hint = "count clips, not groups; add group after group, and stop once the share is reached"
    expect.true(off <= largest + 1e-9, told, hint)
    return dict(zip(table["clip_id"].to_list(), parts, strict=True))


def _divided(group_split, table, share, call):
    try:
        return group_split(table, share)
    except NotImplementedError:
        raise
    except ValueError as error:
        return expect.fail(f"{call} can be divided, but it raised ValueError: {error}.")


def _steady(group_split, table, share, dice):
    """Neither the order of rows nor Python's own hash decides."""
    first = _parts(group_split, table, share, table.height)
    mixed = table[dice.sample(range(table.height), table.height)]
    hint = "sort the groups by a hash of a name, such as the smallest in the group"
    told = "The same clips in another order are split in another way."
    expect.true(_parts(group_split, mixed, share, table.height) == first, told, hint)
    for salt in (77, 2**40 + 5):
        with _hash_of_another_process(salt):
            again = _parts(group_split, table, share, table.height)
        told = "Another process would split the same clips in another way."
        expect.true(again == first, told, "hashlib.sha256(name.encode()).hexdigest(), not hash()")


@contextlib.contextmanager
def _hash_of_another_process(salt):
    """Python's hash gives other numbers, as it does for text in every new process."""
    usual = builtins.hash
    builtins.hash = lambda thing: usual((salt, usual(thing)))
    try:
        yield
    finally:
        builtins.hash = usual


def _blind(group_split):
    """The part that a group falls into does not follow from the order of its names."""
    rows = [{"clip_id": f"c{i:03d}", "source_id": f"r{i:03d}", "speaker": f"p{i // 2:02d}",
             "mixed_from": []} for i in range(48)]  # fmt: skip
    table = pl.DataFrame(rows, schema_overrides={"mixed_from": pl.List(pl.String)})
    found = list(_parts(group_split, table, 1 / 3, 2).values())
    turns = sum(a != b for a, b in itertools.pairwise(found))
    told = "The speakers whose names come first, or last, all fall into one part."
    hint = "names may tell who somebody is: sort the groups by a hash of their name"
    expect.true(turns > 1, told, hint)


def _bound(count, hours):
    return float(chi2.ppf(0.95, 2 * count + 2) / 2 / hours)


def _stream(dice):
    """(table, budget): what a spotter did, and a budget for which every slip has its price."""
    hours, words, n = round(dice.uniform(5, 60), 1), dice.randint(100, 400), 12
    few, missing = dice.randint(3, 15), dice.randint(35, 90)
    counts = [few + dice.randint(2, 40) for _ in range(n)]
    missed = [missing - dice.randint(1, 30) for _ in range(n)]
    # the last but one is the best: as few are missed below it, more below that and above
    kept = {3: (few, missing + 1), 9: (few, missing), 10: (few - 1, missing),
            11: (few - 3, missing + 7)}  # fmt: skip
    for i, (count, lost) in kept.items():
        counts[i], missed[i] = count, lost
    counts[5] = few + 1  # the rate is within the budget, its bound is not
    low, high = _bound(few, hours), _bound(few + 1, hours)
    rows = [(round(0.05 + 0.07 * i, 2), counts[i], hours, missed[i], words) for i in range(n)]
    names = ["threshold", "false_accepts", "hours", "missed", "words"]
    table = pl.DataFrame(dice.sample(rows, n), orient="row", schema=names)
    return table, low + dice.uniform(0.2, 0.8) * (high - low)


def _chosen(got, table, budget):
    """The tuple, its bound, and the best threshold of those that keep to the budget."""
    hours = table["hours"][0] if table.height else 0
    call = f"operating_point of {table.height} thresholds, {hours} h, and a budget of {budget:.4g}"
    good = {}
    for row in table.rows(named=True):
        bound = _bound(row["false_accepts"], row["hours"])
        if bound <= budget:
            good[(row["missed"] / row["words"], -row["threshold"])] = (row["threshold"], bound)
    if not good:
        hint = "the bound after no false accept at all is about 3 / hours"
        expect.true(got is None, f"{call} should be None: nothing can be promised.", hint)
        return
    expect.true(type(got) is tuple and len(got) == 2, f"{call} should return (threshold, bound).")
    wanted = good[min(good)]
    hint = "keep those whose bound is within the budget; fewest missed; then the highest threshold"
    expect.near(got[0], wanted[0], f"the threshold of {call}", hint)
    hint = "chi2.ppf(0.95, 2 k + 2) / 2 / hours: one-sided, of the counts and not of the rate"
    expect.near(got[1], wanted[1], f"the bound of {call}", hint)


def _market(dice, limits):
    """(prices, budget) of another market, where recordings or the crowd alone use the money up."""
    prices = {name: dice.choice([0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 4.0]) for name in limits}
    least = 40 * max(prices.values())
    most = 0.8 * min(limits[name] * prices[name] for name in ("record", "crowd"))
    if most < least:
        return _market(dice, limits)
    light = dice.choice([1.0, 10.0, 0.5 * most])
    prices["augment"] = {"none": 0.0, "light": light, "full": light * dice.choice([2, 10])}
    return prices, round(dice.uniform(least, most), 2)


def _bought(data_budget, prices, usd):
    """The plan of these prices and this budget, once it was found to be one."""
    from kit.experiments import budget as market

    given = copy.deepcopy(prices)
    found = data_budget(given, usd)
    clips = ", ".join(f"{name} {prices[name]}" for name in market.CLIPS)
    call = f"data_budget({clips}, augment {prices['augment']}; {usd} USD)"
    expect.true(given == prices, "data_budget must not change the prices it is given.")
    try:
        market.check_plan(found, usd, prices)
    except KitError as fault:
        expect.fail(f"{call}: {fault}")
    spent = market.cost_usd(found, prices)
    told = f"{call} spends {spent:.2f} USD only."
    expect.true(spent >= 0.9 * usd, told, "use the prices and the budget that you are given")
    return found
