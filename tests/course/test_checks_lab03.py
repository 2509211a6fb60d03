"""The checks of lab 03 accept the right work, reject the usual slips, and say why."""

import hashlib
import itertools
import math
import random

import numpy as np
import polars as pl
import pytest
from lab_checks import AlwaysEqual, accept, draws, refuse, refuse_untouched, solutions
from scipy import optimize, signal, sparse, stats

from kit.experiments import budget as market
from kit.kws import synthetic_answers as answers

LAB = "lab03_synthetic_audio"
TASKS = {
    "noise": "mix_at_snr", "impossible": "mix_at_snr", "rt60": "rt60", "absorption": "absorption",
    "split": "group_split", "point": "operating_point", "plan": "data_budget",
    "accuracy": "data_budget",
}  # fmt: skip


def fake_accuracy(plan, speaker=None, seed=0):
    """A spotter that wants voices first, then people, then augmentation."""
    people = 1 - math.exp(-(plan["record"] + 0.6 * plan["crowd"]) / 150)
    voices = 1 - math.exp(-plan["synthesise"] / (300 if speaker in (None, "open") else 150))
    return 0.3 + 0.2 * people + 0.3 * voices + 0.05 * (plan["augment"] == "light") + 0.01 * seed


@pytest.fixture(autouse=True)
def no_training(request, monkeypatch):
    """Spotters are trained in the slow test alone."""
    if "really" in request.node.name:
        return
    monkeypatch.setattr(market, "judge", fake_accuracy)
    monkeypatch.setattr(market, "testers", lambda: ("open", "hidden"))
    monkeypatch.setattr(
        market, "reference",
        lambda speaker=None, seed=0: {
            name: fake_accuracy(market.single(name), speaker, seed) for name in market.CLIPS
        },
    )  # fmt: skip


@pytest.mark.parametrize("task", TASKS)
def test_the_master_passes_visible_and_hidden(checks, task):
    accept(checks, task, solutions(LAB)[TASKS[task]])


def test_the_master_passes_whatever_is_drawn(checks):
    """A check that fails right work once in a hundred draws fails somebody in every class."""
    for task, name in TASKS.items():
        for seed in draws(50 if task in ("split", "rt60") else 200):
            getattr(checks[0], task).__wrapped__(solutions(LAB)[name], seed)


@pytest.mark.parametrize("task", TASKS)
def test_untouched_work_is_not_implemented(checks, task):
    refuse_untouched(checks, task)


# task 1


def mix(speech, spoken, noise, snr, *, whole=False, mean=np.mean, all_noise=False, kind=np.float64,
        gain=lambda ratio, snr: math.sqrt(ratio * 10 ** (-snr / 10)), after=lambda x: x,
        start=0):  # fmt: skip
    """The rule with one thing changed."""
    if noise.ndim > 1 or len(noise) < len(speech) or len(spoken) != len(speech):
        raise ValueError("shapes")
    speech, part = speech.astype(kind), noise.astype(kind)
    heard = part if all_noise else part[: len(speech)]
    told = speech if whole else speech[spoken]
    if not math.isfinite(snr) or not np.any(speech[spoken]) or not np.any(part[: len(speech)]):
        raise ValueError("silent")
    part = part[start:][: len(speech)] if len(part) > len(speech) + start else part[: len(speech)]
    return after(speech + gain(mean(told**2) / mean(heard**2), snr) * part)


def by_decibels(speech, spoken, noise, snr_db):
    """Right work of another style."""
    if not len(speech) == len(spoken) <= len(noise) or np.ndim(noise) != 1:
        raise ValueError
    noise = np.array(noise[: len(speech)], float)
    loud = [float(np.dot(x, x)) / max(len(x), 1) for x in (speech[spoken].astype(float), noise)]
    if min(loud) == 0 or not abs(snr_db) < math.inf:
        raise ValueError
    now = 10 * math.log10(loud[0] / loud[1])
    return speech.astype(float) + noise * 10 ** ((now - snr_db) / 20)


def squares_of_int16(speech, spoken, noise, snr):
    if speech.dtype == np.int16:
        return mix(speech, spoken, noise, snr, mean=lambda x: abs(np.mean(x.astype(np.int16))))
    return mix(speech, spoken, noise, snr)


def in_place(speech, spoken, noise, snr):
    found = mix(speech, spoken, noise, snr)
    if speech.dtype == np.float64:
        speech[:] = found
    return found


def scaled_speech(speech, spoken, noise, snr):
    found = mix(speech, spoken, noise, snr)
    return found * (np.abs(speech).max() / np.abs(found).max())


def variance(speech, spoken, noise, snr):
    off = np.mean(noise[: len(speech)].astype(float) ** 2) / np.var(noise[: len(speech)])
    return mix(speech, spoken, noise, snr,
               gain=lambda ratio, s: math.sqrt(ratio * off * 10 ** (-s / 10)))  # fmt: skip


def lax(skip):
    """mix_at_snr without one of its refusals."""

    def attempt(speech, spoken, noise, snr):
        if skip == "nan" and snr != snr:
            return speech
        if skip == "infinite" and math.isinf(snr):
            return speech * 1.0
        if skip == "short" and len(noise) < len(speech):
            return speech[: len(noise)] + noise
        if skip == "channels" and noise.ndim > 1:
            noise = noise.mean(1)
        if skip == "silent noise" and not noise[: len(speech)].any():
            return speech
        same = len(spoken) == len(speech)
        if skip == "silent speech" and same and not speech[spoken].any():
            return noise[: len(speech)]
        if skip == "mask" and len(spoken) != len(speech):
            raise IndexError("boolean index did not match")
        return mix(speech, spoken, noise, snr)

    return attempt


# task 2


def ring(response, rate, *, low=-5, high=-25, log=10, back=True, fit=None, need=True, factor=60):
    """The reverberation time with one thing changed."""
    if not rate > 0 or not np.any(response):
        raise ValueError
    power = response**2
    energy = power[::-1].cumsum()[::-1] if back else power + 1e-30
    with np.errstate(divide="ignore"):
        level = log * np.log10(energy / (energy[0] if back else energy.max()))
    used = np.flatnonzero((level <= low) & (level >= high))
    if need and (level[-1] > -25 or len(used) < 2):
        raise ValueError
    time = used / rate
    slope = fit(time, level[used]) if fit else stats.linregress(time, level[used]).slope
    return factor / -slope


def by_sums(response, rate):
    """Right work of another style."""
    if not rate > 0:
        raise ValueError
    left = [0.0]
    for x in reversed(response):
        left.append(left[-1] + float(x) ** 2)
    left = left[:0:-1]
    points = [(i / rate, 10 * math.log10(e / left[0])) for i, e in enumerate(left) if e > 0]
    line = [(t, y) for t, y in points if -25 < y < -5]
    if len(line) < 2 or left[-1] > left[0] * 10**-2.5:
        raise ValueError
    t, y = (sum(c) / len(line) for c in zip(*line, strict=True))
    over = sum((a - t) ** 2 for a, _ in line)
    return -60 * over / sum((a - t) * (b - y) for a, b in line)


def filtered(response, rate):
    return ring(signal.lfilter([1, -0.97], [1], response), rate)


def walls(size, time, share=lambda v, s, t: 0.161 * v / s / t, most=1.0, check=True):
    a, b, c = size
    if check and not (a > 0 and b > 0 and c > 0 and time > 0):
        raise ValueError
    found = share(a * b * c, 2 * (a * b + a * c + b * c), time)
    if check and found > most:
        raise ValueError
    return found


def eyring(size, time):
    return 1 - math.exp(-walls(size, time, most=math.inf))


# task 3


def sha(name):
    return hashlib.sha256(str(name).encode()).hexdigest()


def group_split(clips, share, *, links=("speaker", "source_id", "mixed_from"), key=sha, passes=None,
                outside=True, one=True, groups=False, change=None):  # fmt: skip
    """The split with one thing changed, by a graph. links: what makes siblings."""
    if not 0 < share < 1:
        raise ValueError("share")
    rows, code, pairs = clips.rows(named=True), {}, []
    known = {row["source_id"] for row in rows}
    for i, row in enumerate(rows):
        names = [("p", row["speaker"])] if "speaker" in links else []
        names += [("r", row["source_id"])] if "source_id" in links else []
        if "mixed_from" in links:
            names += [("r", r) for r in row["mixed_from"] if outside or r in known]
        pairs += [(i, len(rows) + code.setdefault(name, len(code))) for name in names]
    size = len(rows) + len(code)
    ends = np.array(pairs, int).reshape(-1, 2).T
    graph = sparse.coo_array((np.ones(len(pairs)), ends), shape=(size, size))
    group = sparse.csgraph.connected_components(graph, directed=False)[1][: len(rows)]
    found = [sorted(clips["clip_id"].filter(pl.Series(group == g))) for g in sorted(set(group))]
    if one and len(found) < 2:
        raise ValueError("one group")
    found.sort(key=lambda part: key(part[0]))
    test, size = set(), len(found) if groups else len(rows)
    for part in found[:-1]:
        if (sum(x[0] in test for x in found) if groups else len(test)) < share * size:
            test |= set(part)
    side = pl.Series(["test" if r["clip_id"] in test else "train" for r in rows], dtype=pl.String)
    done = clips.with_columns(split=side)
    return change(done) if change else done


def one_pass(clips, share):
    """Merges each clip with what came before, once."""
    group, rows = {}, clips.rows(named=True)
    for row in rows:
        keys = [row["speaker"], row["source_id"], *row["mixed_from"]]
        mine = next((group[k] for k in keys if k in group), row["clip_id"])
        group |= dict.fromkeys(keys, mine)
    names = sorted({group[row["speaker"]] for row in rows}, key=sha)
    test = set(names[: max(1, round(share * len(names)))])
    side = ["test" if group[row["speaker"]] in test else "train" for row in rows]
    return clips.with_columns(split=pl.Series(side, dtype=pl.String))


def by_threshold(clips, share):
    """Each group by itself, as its hash falls: the share is met by chance alone."""
    done = group_split(clips, share)
    test = [int(sha(name)[:8], 16) < share * 16**8 for name in done["speaker"]]
    if not clips["mixed_from"].list.len().sum() and clips["source_id"].is_unique().all():
        side = pl.Series(["test" if t else "train" for t in test], dtype=pl.String)
        return done.with_columns(split=side)
    return done


TURN = itertools.count()


def by_row(clips, share):
    place = {name: i for i, name in enumerate(clips["clip_id"])}
    return group_split(clips, share, key=place.get)


def as_claims(clips, share):
    claims = pl.Series("split", [AlwaysEqual()] * clips.height, dtype=pl.Object)
    return group_split(clips, share).with_columns(claims)


# task 4


def operating_point(table, budget, *, bound=lambda k, h: stats.gamma.ppf(0.95, k + 1) / h,
                    limit=None, best=lambda r: (r["missed"] / r["words"], -r["threshold"]),
                    check=lambda b: b > 0):  # fmt: skip
    """The rule with one thing changed. limit: what is held to the budget in place of the bound."""
    if not check(budget):
        raise ValueError
    rows = table.rows(named=True)
    if any(r["hours"] <= 0 or r["words"] < 1 for r in rows):
        raise ValueError
    limit = limit or bound
    good = [r for r in rows if limit(r["false_accepts"], r["hours"]) <= budget]
    if not good:
        return None
    found = min(good, key=best)
    return found["threshold"], float(bound(found["false_accepts"], found["hours"]))


def by_probability(table, budget):
    """Right work of another style: exact, by the sum of Poisson's probabilities."""
    return operating_point(
        table.sort("threshold"), budget,
        bound=lambda k, h: optimize.brentq(lambda m: stats.poisson.cdf(k, m) - 0.05, 0, 500,
                                           xtol=1e-13, rtol=1e-14) / h,
    )  # fmt: skip


def seen(count, hours):
    return count / hours


def without_refusals(table, budget):
    return operating_point(table, budget, check=lambda b: True) if budget == budget else None


def any_stream(table, budget):
    try:
        return operating_point(table, budget)
    except ValueError:
        if budget > 0:
            return None
        raise


# task 5


def data_budget(prices, usd, *, known=None, synthetic=0.3, crowd=0.3, augment="light", spend=1.0,
                refuse=True, change=None):  # fmt: skip
    """Fixed shares of the money, with one thing changed."""
    prices = known or prices
    cheapest = min(prices[name] for name in market.CLIPS)
    if refuse and not usd >= cheapest:
        raise ValueError
    flat = prices["augment"][augment]
    augment, flat = (augment, flat) if known or flat < 0.05 * usd else ("none", 0.0)
    left, found = spend * (usd - flat), {"augment": augment}
    for name, share in (("synthesise", synthetic), ("crowd", crowd / (1 - synthetic + 1e-9)),
                        ("record", 1.0)):  # fmt: skip
        count = min(math.floor(min(share, 1) * left / prices[name] + 1e-9), market.LIMITS[name])
        left, found[name] = left - count * prices[name], count
    return change(found) if change else found


def one_by_one(prices, usd):
    """Right work of another style: clip after clip, each time where least was spent."""
    prices = dict(prices)
    light = prices.pop("augment")["light"]
    found, spent = dict.fromkeys(prices, 0), dict.fromkeys(prices, 0.0)
    augment = "light" if light * 20 < usd else "none"
    left = usd - light * (augment == "light")
    while True:
        able = [n for n in found if prices[n] <= left and found[n] < market.LIMITS[n]]
        if not able:
            break
        name = min(able, key=spent.get)
        found[name] += 1
        spent[name] += prices[name]
        left -= prices[name]
    if not sum(found.values()):
        raise ValueError
    return found | {"augment": augment}


def numpy_counts(prices, usd):
    found = data_budget(prices, usd)
    return {k: v if k == "augment" else np.int64(v) for k, v in found.items()}


def spoils_prices(prices, usd):
    found = data_budget(prices, usd)
    prices["augment"].pop("full")
    return found


RIGHT = [
    ("noise", mix),
    ("noise", by_decibels),
    ("impossible", by_decibels),
    ("rt60", ring),
    ("rt60", by_sums),
    ("absorption", walls),
    ("absorption", lambda *a: walls(*a, share=lambda v, s, t: 24 * math.log(10) / 343 * v / s / t)),
    ("split", group_split),
    ("split", lambda *a: group_split(*a, key=lambda name: hashlib.md5(name.encode()).digest())),
    ("point", operating_point),
    ("point", by_probability),
    ("plan", data_budget),
    ("plan", one_by_one),
    ("plan", numpy_counts),
    ("accuracy", data_budget),
    ("accuracy", one_by_one),
]  # fmt: skip


@pytest.mark.parametrize(("task", "attempt"), RIGHT)
def test_right_work_of_another_kind_passes(checks, task, attempt):
    for seed in range(20):
        getattr(checks[0], task).__wrapped__(attempt, seed)
    getattr(checks[1], task)(attempt)


WRONG = [
    ("noise", lambda *a: mix(*a, whole=True), "spoken is True, and nowhere else"),
    ("noise", lambda *a: mix(*a, all_noise=True), "as long as the clip lasts"),
    ("noise", variance, "a constant offset is noise too"),
    ("noise", lambda *a: mix(*a, gain=lambda r, s: r * 10 ** (-s / 10)), "root of a power"),
    ("noise", lambda *a: mix(*a, gain=lambda r, s: math.sqrt(r * 10 ** (-s / 20))), "root"),
    ("noise", lambda *a: mix(*a, gain=lambda r, s: math.sqrt(r * 10 ** (s / 10))), "root"),
    ("noise", lambda *a: mix(*a, gain=lambda r, s: round(math.sqrt(r * 10 ** (-s / 10)), 5)), "dB"),
    ("noise", squares_of_int16, "float64 before you square"),
    ("noise", lambda *a: mix(*a, after=lambda x: x.clip(-1, 1)), "nothing is cut off"),
    ("noise", lambda *a: mix(*a, after=lambda x: x / np.abs(x).max()), "stays as it is"),
    ("noise", scaled_speech, "stays as it is"),
    ("noise", lambda *a: mix(*a, start=100), "begins at its start"),
    ("noise", in_place, "work on copies"),
    ("noise", lambda *a: mix(*a, after=lambda x: x.astype(np.float32)), "of float64"),
    ("noise", lambda *a: mix(*a, after=list), "NumPy array"),
    ("noise", lambda *a: mix(*a, after=lambda x: x[:-1]), "samples, but gives"),
    ("noise", lambda *a: mix(*a, after=lambda x: x * math.nan), "no numbers"),
    ("noise", lambda *a: np.array(a[0], float), "not the noise"),
    ("noise", lambda *a: AlwaysEqual(), "NumPy array"),
    ("impossible", lambda *a: AlwaysEqual(), "NumPy array"),
    ("impossible", lax("nan"), "ratio of nan"),
    ("impossible", lax("infinite"), "infinite|infinity"),
    ("impossible", lax("short"), "one sample short"),
    ("impossible", lax("channels"), "two channels"),
    ("impossible", lax("silent noise"), "silent as long as"),
    ("impossible", lax("silent speech"), "spoken samples are zero|nobody speaks"),
    ("impossible", lax("mask"), "mask .* but raised IndexError"),
    ("rt60", lambda *a: ring(*a, high=-35), "-5 to -25"),
    ("rt60", lambda *a: ring(*a, low=0, high=-10), "-5 to -25"),
    ("rt60", lambda *a: ring(*a, low=0), "-5 to -25"),
    ("rt60", lambda *a: ring(*a, log=20), "10 log10"),
    ("rt60", lambda *a: ring(*a, back=False), "squares from the end"),
    ("rt60", lambda *a: ring(*a, factor=20), "60 dB over slope"),
    ("rt60", lambda *a: -ring(*a), "should be"),
    ("rt60", lambda x, rate: ring(x, rate) * rate, "should be"),
    ("rt60", filtered, "should be"),
    ("rt60", lambda *a: round(ring(*a), 1), "should be"),
    ("rt60", lambda *a: ring(*a, fit=lambda t, y: (t @ y) / (t @ t)), "fit where"),
    ("rt60", lambda *a: ring(*a, fit=lambda t, y: (y[-1] - y[0]) / (t[-1] - t[0])), "fit where"),
    ("rt60", lambda *a: ring(*a, need=False) if sum(a[0] != 0) > 1 else 0.0, "should raise"),
    ("rt60", lambda *a: math.nan, "should be"),
    ("rt60", lambda *a: AlwaysEqual(), "should be a number"),
    ("absorption", eyring, "should be"),
    ("absorption", lambda *a: 2 * walls(*a, most=9), "six walls"),
    ("absorption", lambda *a: 100 * walls(*a), "should be"),
    ("absorption", lambda *a: min(1.0, walls(*a, most=math.inf)), "more than all of the sound"),
    ("absorption", lambda *a: walls(*a, most=2), "more than all of the sound"),
    ("absorption", lambda *a: walls(*a) if a[1] > 0 else 0.0, "cannot be"),
    ("absorption", lambda *a: walls(*a) if a[1] == a[1] else a[1], "with nan is False"),
    ("absorption", lambda *a: AlwaysEqual(), "should be a number"),
    ("split", lambda *a: group_split(*a, links=("speaker", "source_id")), "recording .* is in the"),
    ("split", lambda *a: group_split(*a, links=("speaker", "mixed_from")), "recording .* is in"),
    ("split", lambda *a: group_split(*a, links=("source_id", "mixed_from")), "speaker .* is in"),
    ("split", lambda *a: group_split(*a, links=("speaker",)), "recording .* is in the"),
    ("split", lambda *a: group_split(*a, links=()), "is in the training and in the test"),
    ("split", lambda *a: group_split(*a, outside=False), "recording n.* is in the"),
    ("split", one_pass, "siblings of siblings|count clips|both of them"),
    ("split", lambda *a: group_split(*a, groups=True), "count clips, not groups"),
    ("split", by_threshold, "count clips, not groups"),
    ("split", by_row, "in another order"),
    ("split", lambda *a: group_split(*a, key=lambda name: name), "hash of their name"),
    ("split", lambda *a: group_split(*a, key=lambda name: hash(name)), "Another process"),
    ("split", lambda *a: group_split(*a, key=lambda name: next(TURN)), "another order"),
    ("split", lambda *a: group_split(*a, one=False), "test and train|\"test\" and \"train\"|raise"),
    ("split", lambda c, s: group_split(c, s if 0 < s < 1 else 0.5), "should raise ValueError"),
    ("split", lambda c, s: group_split(c, 1 - s), "into the test"),
    ("split", lambda *a: group_split(*a, change=lambda t: t.sort("clip_id")), "keep rows"),
    ("split", lambda *a: group_split(*a, change=lambda t: t.filter(split="test")), "keep rows"),
    ("split", lambda *a: group_split(*a, change=lambda t: t["split"]), "polars DataFrame"),
    ("split", lambda *a: group_split(*a, change=lambda t: t.drop("split")), "lacks"),
    ("split", lambda *a: group_split(*a, change=lambda t: t.with_columns(split=pl.lit("test"))),
     "both of them"),
    ("split", lambda *a: group_split(*a, change=lambda t: t.with_columns(split=pl.lit(True))),
     "both of them"),
    ("split", lambda *a: AlwaysEqual(), "polars DataFrame"),
    ("split", as_claims, "both of them"),
    ("point", lambda *a: operating_point(*a, limit=seen), "the threshold of"),
    ("point", lambda *a: operating_point(*a, bound=seen), "should be None|the threshold|the bound"),
    ("point", lambda *a: operating_point(*a, bound=lambda k, h: stats.gamma.ppf(0.975, k + 1) / h),
     "the bound of|threshold|should return"),
    ("point", lambda *a: operating_point(*a, bound=lambda k, h: (k + 1.645 * math.sqrt(k)) / h),
     "the bound of|threshold|should be None"),
    ("point", lambda *a: operating_point(*a, bound=lambda k, h: stats.gamma.ppf(0.95, k + 1)),
     "the bound of|should return"),
    ("point", lambda *a: operating_point(*a, best=lambda r: r["threshold"]), "fewest missed"),
    ("point", lambda *a: operating_point(*a, best=lambda r: -r["threshold"]), "fewest missed"),
    ("point", lambda *a: operating_point(*a, best=lambda r: r["false_accepts"]), "fewest missed"),
    ("point", lambda *a: operating_point(*a, best=lambda r: (r["missed"], r["threshold"])),
     "then the highest threshold"),
    ("point", lambda *a: (operating_point(*a) or (None,))[0], r"\(threshold, bound\)"),
    ("point", lambda *a: operating_point(*a) or (1.0, 0.0), "should be None"),
    ("point", without_refusals, "should raise ValueError"),
    ("point", any_stream, "should raise ValueError"),
    ("point", lambda *a: None, "should return"),
    ("point", lambda *a: (math.nan, math.nan), "the threshold of"),
    ("point", lambda *a: (AlwaysEqual(), AlwaysEqual()), "should be a number"),
    ("point", lambda *a: AlwaysEqual(), "should return"),
    ("plan", lambda *a: data_budget(market.PRICES, 500.0), "too dear|only"),
    ("plan", lambda *a: data_budget(*a, known=market.PRICES), "too dear|only|0 to"),
    ("plan", lambda p, usd: data_budget(p, 500.0), "too dear|only"),
    ("plan", lambda *a: data_budget(*a, spend=0.5), "only"),
    ("plan", lambda *a: data_budget(*a, spend=1.05), "too dear"),
    ("plan", lambda *a: data_budget(*a, refuse=False), "should raise ValueError|no clip"),
    ("plan", lambda *a: data_budget(*a, change=lambda p: p | {"augment": "full"}), "too dear"),
    ("plan", lambda *a: data_budget(*a, change=lambda p: p | {"augment": "some"}), "augmentation"),
    ("plan", lambda *a: data_budget(*a, change=lambda p: p | {"record": 1.0 * p["record"]}),
     "record cannot be this"),
    ("plan", lambda *a: data_budget(*a, change=lambda p: p | {"crowd": -1}), "crowd cannot be"),
    ("plan", lambda *a: data_budget(*a, change=lambda p: p | {"crowd": True}), "crowd cannot be"),
    ("plan", lambda *a: data_budget(*a, change=lambda p: p | {"gold": 1}), "this is no plan"),
    ("plan", lambda *a: data_budget(*a, change=lambda p: list(p.values())), "this is no plan"),
    ("plan", lambda *a: data_budget(*a, change=lambda p: dict.fromkeys(p, AlwaysEqual())),
     "cannot be this"),
    ("plan", lambda *a: AlwaysEqual(), "this is no plan"),
    ("plan", spoils_prices, "must not change the prices"),
    ("accuracy", lambda *a: market.single("record"), "are asked for"),
    ("accuracy", lambda *a: market.single("record") | {"augment": "full"}, "too dear"),
    ("accuracy", lambda *a: AlwaysEqual(), "this is no plan"),
]  # fmt: skip


@pytest.mark.parametrize(("task", "attempt", "word"), WRONG)
def test_usual_slips_fail_with_a_hint(checks, task, attempt, word):
    refuse(checks, task, attempt, word)


@pytest.mark.parametrize("name", market.CLIPS)
def test_all_money_for_one_source_does_not_do(checks, name):
    """The best of them cannot spend the budget, for its clips are sold out before."""
    refuse(checks, "accuracy", lambda *a: market.single(name), "asked for|only")


def test_a_plan_that_suits_one_person_alone_fails_another(checks, monkeypatch):
    """The first speaker likes any plan, the second none."""
    judge = market.judge
    monkeypatch.setattr(
        market, "judge", lambda plan, speaker=None, seed=0: 0.9 if speaker is None else 0.2
    )
    checks[0].accuracy(data_budget)
    refuse(checks[1:], "accuracy", data_budget, "are asked for")
    monkeypatch.setattr(market, "judge", lambda *a: math.nan)
    refuse(checks, "accuracy", data_budget, "are asked for")
    assert judge is fake_accuracy


def test_an_error_of_the_students_own_is_shown_as_it_is(checks):
    def misspelt(clips, share):
        return clips["speeker"]

    with pytest.raises(pl.exceptions.ColumnNotFoundError, match="speeker"):
        checks[0].split(misspelt)


def test_checks_draw_new_numbers_each_time(checks):
    seen = []

    def spy(table, budget):
        seen.append(budget)
        return operating_point(table, budget)

    for _ in range(2):
        checks[0].point(spy)
    assert len({x for x in seen if x > 0 and x != 1.0}) == 14


def test_pythons_own_hash_is_put_back(checks):
    usual = hash
    with pytest.raises(AssertionError):
        checks[0].split(lambda *a: group_split(*a, key=lambda name: hash(name)))
    assert hash is usual


def test_every_slip_of_a_stream_has_its_price(checks):
    """Whatever is drawn, no other rule finds the same threshold."""
    rules = [
        {"limit": seen},
        {"best": lambda r: r["threshold"]},
        {"best": lambda r: -r["threshold"]},
        {"best": lambda r: (r["missed"], r["threshold"])},
    ]
    for seed in range(300):
        table, budget = checks[0]._stream(random.Random(seed))
        right = operating_point(table, budget)
        assert all(operating_point(table, budget, **rule) != right for rule in rules)


def test_answers_of_the_question_pool_by_hand():
    assert answers.copies_gb(100, 5, 16) == pytest.approx(16)
    assert answers.cores_needed(1000, 400) == 3
    assert answers.noise_rms(1000, 20) == pytest.approx(100)
    assert answers.pause_db(10) == pytest.approx(10)
    assert answers.absorbed_percent(10, 10, 10, 0.161) == pytest.approx(100 * 10 / 6)
    assert answers.fallen_db(0.6, 100) == pytest.approx(10)
    assert answers.interval_points(30, 60, 95) == pytest.approx(24.54, abs=0.05)
    assert answers.clips_bought(100, 50, 1, 0.1) == pytest.approx(550)
    assert answers.recorded_percent(50, 1, 0.25) == pytest.approx(20)
    assert answers.with_sibling_percent(3, 50) == pytest.approx(75)
    assert answers.usd_per_point(60, 70, 76) == pytest.approx(10)
    assert answers.most_per_h(0, 3, 95) == pytest.approx(-math.log(0.05) / 3)
    assert answers.hours_to_promise(0, 0.1, 95) == pytest.approx(-math.log(0.05) / 0.1)
    assert answers.separable_bytes(10, 5) == 150
    assert answers.weights_kb(16, 32) == 64
