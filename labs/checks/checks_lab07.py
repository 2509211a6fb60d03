"""Visible checks of lab 07. They draw new numbers on every run and say what they expected."""

import contextlib
import itertools
import math
import statistics
import tempfile
import time
from pathlib import Path

import numpy as np
import polars as pl
from scipy.signal import lfilter

from kit.course import expect
from kit.errors import KitError
from kit.storage import (
    Layout,
    Tier,
    ageing,
    as_of,
    bytes_on_disk,
    chapter_tiers,
    compact,
    cost,
    history,
    leaks,
    open_store,
    point_in_time,
    restore,
    snapshot,
    write_store,
)
from kit.storage.feeding import packed_epoch_s
from kit.storage.formats import as_columns, events_table, same, wide_table

_NAN, _INF = float("nan"), float("inf")
_GROUPS = 1000  # most groups of a store in this lab
_WHOLE = 10**6  # rows a group: all of them together
_NEAR, _SLOW = 1.08, 3.0  # how much larger, and slower, a layout may be than the best of ours
_ROUNDS, _ASKED = 7, 5  # turns of each store, and questions in a turn
_DEARER = 1.01  # than the cheapest plan
_USED = "write this one by hand: as_of and leaks of the kit are what the check compares with"
_TIERS = (  # name, heat, USD a TB and month, s, s of restoring, USD a GB out, a read, a write
    ("NVMe", "hot", 100.0, 1e-4, 0, 0.0, 0.0, 0.0),
    ("hard disk", "warm", 45.0, 0.01, 0, 0.0, 0.0, 0.0),
    ("standard", "warm", 23.0, 0.05, 0, 0.0, 4e-7, 5e-6),
    ("infrequent", "warm", 12.5, 0.06, 0, 0.01, 1e-6, 1e-5),
    ("instant", "cold", 4.0, 0.07, 0, 0.03, 1e-5, 2e-5),
    ("flexible", "cold", 3.6, 0.05, 14_400, 0.01, 5e-6, 3e-5),
    ("deep", "cold", 1.0, 0.05, 43_200, 0.02, 1e-4, 5e-5),
)
_ZSTD = Layout("parquet", "zstd", _WHOLE)
_ARCHIVES = (Layout("flac"), _ZSTD, Layout("parquet", "zstd", _WHOLE, dictionary=True),
             Layout("parquet", "gzip", _WHOLE), Layout("arrow", "zstd", _WHOLE))  # fmt: skip
_READERS = (Layout("flac"), Layout("npy"), Layout("parquet", "zstd", 512), _ZSTD,
            Layout("arrow", "zstd", _WHOLE))  # fmt: skip


@expect.checked
def epoch(epoch_s, seed=None):
    """Task 1: random data and codecs, bytes that nobody packed, and input that cannot be."""
    dice = expect.dice(seed)
    for overlapped in (True, False) * 4:
        case = (round(dice.uniform(50, 5000), 1), round(dice.uniform(1.5, 6), 2),
                round(10 ** dice.uniform(-1, 1), 3), round(10 ** dice.uniform(-1, 0.5), 3),
                dice.randint(2, 16), overlapped)  # fmt: skip
        _epoch(epoch_s, case)
    for overlapped in (True, False):
        _epoch(epoch_s, (100.0, 1.0, 0.5, _INF, 1, overlapped))
    good, odd = (100.0, 2.0, 1.0, 0.5, 4, False), (0.0, -1.0, _NAN)
    names = ("raw_gb", "a ratio", "read_gbs", "unpack_gbs", "cores")
    bad = {f"{name} of {x}": (*good[:at], x, *good[at + 1 :])
           for at, name in enumerate(names) for x in odd if (at, x) != (0, 0.0)}  # fmt: skip
    expect.refuses_all(epoch_s, "epoch_s", bad, dice)


@expect.checked
def break_even(tight_wins_below, seed=None):
    """Task 1: random codecs, a tight one that costs no time, and input that cannot be."""
    dice = expect.dice(seed)
    for overlapped in (True, False) * 4:
        quick = round(dice.uniform(1.2, 3), 2), round(dice.uniform(1, 4), 2)
        tight = round(quick[0] * dice.uniform(1.1, 2), 2), round(quick[1] / dice.uniform(2, 9), 3)
        _break_even(tight_wins_below, tight, quick, dice.randint(2, 16), overlapped)
    for overlapped in (True, False):
        _break_even(tight_wins_below, (2.5, 0.4), (1.0, _INF), 4, overlapped)
        for more in (1.0, 1.5):
            _break_even(tight_wins_below, (3.0, 0.8 * more), (2.0, 0.8), 4, overlapped)
    good = (3.0, 0.5), (2.0, 1.5), 4, False
    bad = {"a tight codec that packs no more": ((2.0, 0.5), *good[1:]),
           "a tight codec that packs less": ((1.5, 0.5), *good[1:])}  # fmt: skip
    for x in (0.0, -1.0, _NAN):
        bad |= {f"a ratio of {x}": (good[0], (x, 1.5), *good[2:]),
                f"unpacking at {x} GB/s": ((3.0, x), *good[1:])}  # fmt: skip
    bad |= {"no cores": (*good[:2], 0, True)}
    expect.refuses_all(tight_wins_below, "tight_wins_below", bad, dice)


@expect.checked
def archive(choose, seed=None):
    """Task 2: clips, events and noise that are kept for the archive: the bytes of each layout."""
    dice = expect.dice(seed)
    workload = {"asks": "archive", "names": [], "most_bytes": _INF}
    kinds = [_clips(dice), _events(dice, 20_000), _table(dice, 4000)]
    with tempfile.TemporaryDirectory(prefix="kit-") as tmp:
        for number, (what, columns) in enumerate(dice.sample(kinds, len(kinds))):
            layout, told = _chosen(choose, columns, workload, what)
            stores = _written(columns, (*_ARCHIVES, layout), Path(tmp, str(number)))
            sizes = {x: bytes_on_disk(place)[0] for x, place in stores.items()}
            best = min(sizes, key=sizes.get)
            told += f" takes {sizes[layout]} bytes, the best of ours {sizes[best]}."
            hint = "write the same columns in several layouts, and look at bytes_on_disk"
            expect.true(sizes[layout] <= _NEAR * sizes[best], told, hint)


@expect.checked
def reader(choose, seed=None):
    """Task 2: four readers: the bytes of the layout, and its time beside that of others."""
    dice = expect.dice(seed)
    with tempfile.TemporaryDirectory(prefix="kit-") as tmp:
        cases = _reader_cases(dice)
        for number, (what, columns, asks, size_of, more) in enumerate(dice.sample(cases, 4)):
            folder = Path(tmp, str(number))
            stores = _written(columns, _READERS, folder)
            sizes = {x: bytes_on_disk(place)[0] for x, place in stores.items()}
            most = _INF if size_of is None else int(more * sizes[size_of])
            names = dice.sample([n for n in columns if n != "at"], 5) if asks == "some" else []
            workload = {"asks": asks, "names": names, "most_bytes": most}
            layout, told = _chosen(choose, columns, workload, what)
            stores |= _written(columns, {layout} - {*stores}, folder)
            size = bytes_on_disk(stores[layout])[0]
            told += f" ({asks}, at most {most} bytes)"
            hint = "write a candidate, and leave it out if bytes_on_disk says more than most_bytes"
            expect.true(size <= most, f"{told} takes {size} bytes.", hint)
            kept = {x: place for x, place in stores.items() if x == layout or sizes[x] <= most}
            _quick(kept, layout, workload, told)


@expect.checked
def as_of_join(join_as_of, seed=None):
    """Task 3: late facts, ties, gaps, tables in any order, and a ttl that cannot be."""
    dice = expect.dice(seed)
    for ttl in dice.sample((None, 0, 30, 90, dice.randint(5, 200)), 5):
        labels, facts = _facts(dice)
        _joined(join_as_of, labels, facts, ttl)
    labels, facts = _facts(dice)
    _joined(join_as_of, labels, facts.clear(), 60)
    _joined(join_as_of, labels.clear(), facts, None)
    _joined(join_as_of, *_two_facts(), None)
    for ttl in (-1, _NAN):
        call = f"join_as_of with a ttl of {ttl}"
        expect.refuses(lambda ttl=ttl: join_as_of(labels.clone(), facts.clone(), ttl), call)


@expect.checked
def place(place, seed=None):
    """Task 4: six stores of ageing data with limits, two of which nobody can keep."""
    dice = expect.dice(seed)
    for spare in dice.sample((1.005, 1.3, 2.0, _INF), 4):
        job, best = _job(dice)
        _placed(place, job | {"budget_usd": round(spare * best, 4)}, best)
    job, best = _job(dice)
    poor = job | {"budget_usd": round(0.97 * best, 4)}
    hasty = job | {"limits_s": dict.fromkeys(job["parts"], 1e-7), "budget_usd": _INF}
    for gone in (poor, hasty):
        told = f"{_limits(gone)}: no plan keeps these limits, so place should return None."
        got = place(*_copied(gone).values())
        expect.true(got is None, told, "None, if no plan keeps all limits")


@expect.checked
def bad_version(find_bad, seed=None):
    """Task 5: four tables with eight versions and more, one of them without a fault."""
    dice = expect.dice(seed)
    with tempfile.TemporaryDirectory(prefix="kit-") as tmp:
        for number, fault in enumerate(dice.sample((True, True, True, False), 4)):
            folder = Path(tmp, str(number))
            wanted = _versions(dice, folder, fault)
            before = _log(folder)
            got = find_bad(folder)
            hint = "read it with history, diff and at; do not write to it"
            expect.true(_log(folder) == before, "find_bad must not change the table.", hint)
            _found(got, wanted, history(folder).height)


def case(object_mb=0.2):
    """dict of task 6: the arguments of place for a firm, then what else it knows.

    table_gb: of a table that is overwritten every night, each version whole. codecs: name ->
    (ratio, GB/s of a core). read_gbs, cores: of the machine that trains, overlapped. week_gb: raw.
    """
    parts = ageing(120.0, (7, 30, 90, 365, 1095), (30.0, 8.0, 1.0, 0.1, 0.01), object_mb=object_mb)
    limits = dict(zip(parts, (0.1, 0.1, 1.0, 3600.0, 86_400.0), strict=True))
    return {"parts": parts, "tiers": [*chapter_tiers()], "flow_gb": 3600.0, "limits_s": limits,
            "budget_usd": 2600.0, "table_gb": 20.0, "codecs": {"zstd": (4.8, 0.5),
            "lz4": (2.4, 1.8)}, "read_gbs": 0.8, "cores": 4, "week_gb": 840.0}  # fmt: skip


def sample(seed=7):
    """dict of columns: events such as those of tasks 2 and 6."""
    return as_columns(events_table(40_000, seed))


def versions(folder, seed=3):
    """Write a table with some versions to `folder`, one of them bad; returns the folder."""
    _versions(expect.dice(seed), Path(folder), True)
    return folder


def _epoch(epoch_s, case):
    call, wanted = f"epoch_s{case}", float(packed_epoch_s(*case))
    slips = {  # hint -> what was taken instead
        "what is read is packed": {1: 1},
        "a ratio is bytes unpacked over packed": {1: 1 / case[1]},
        "all cores unpack": {4: 1},
        "unpack_gbs counts bytes after unpacking": {3: case[3] * case[1]},
        "at the same time, or one after the other?": {5: not case[5]},
    }
    others = {hint: [float(packed_epoch_s(*(new.get(i, x) for i, x in enumerate(case))))]
              for hint, new in slips.items()}  # fmt: skip
    others["rates are in GB a second, sizes in GB"] = [wanted * 10.0**n for n in (-6, -3, 3, 6)]
    _number(epoch_s(*case), wanted, call, others, "read what is packed, unpack what it becomes")


def _break_even(tight_wins_below, tight, quick, cores, overlapped):
    call = f"tight_wins_below({tight}, {quick}, {cores}, {overlapped})"
    wanted = _crossing(tight, quick, cores, overlapped)
    got = expect.as_number(tight_wins_below(tight, quick, cores, overlapped), call)
    if wanted == _INF:
        told = f"{call} should be infinite, but is {got:.6g}."
        expect.true(got == _INF, told, "it reads less and unpacks no slower, so it always wins")
        return
    others = {
        "rates are in GB a second": [wanted * 10.0**n for n in (-3, 3)],
        "all cores unpack": [_crossing(tight, quick, 1, overlapped)],
        "at the same time, or one after the other?":
            [_crossing(tight, quick, cores, not overlapped)],
    }  # fmt: skip
    _number(got, wanted, call, others, "where both epochs take equally long")


def _crossing(tight, quick, cores, overlapped):
    """GB/s at which two codecs take equally long, found by halving; inf if it is nowhere."""
    if tight[1] >= quick[1]:
        return _INF
    low, high = -20.0, 20.0
    for _ in range(60):
        middle = (low + high) / 2
        one, other = (float(packed_epoch_s(1.0, ratio, 10.0**middle, gbs, cores, overlapped))
                      for ratio, gbs in (tight, quick))  # fmt: skip
        low, high = (middle, high) if one < other else (low, middle)
    return 10.0**low


def _number(got, wanted, call, others, hint):
    """Fail with the slip among `others`, hint -> what it gives, unless `got` is `wanted`."""
    number = expect.as_number(got, call)
    found = (h for h, values in others.items() for v in values
             if math.isclose(number, v, rel_tol=1e-6) and not math.isclose(v, wanted))  # fmt: skip
    expect.near(number, wanted, call, next(found, hint))


def _clips(dice):
    """(what, columns): clips of coloured noise, as loud and as dull as some speech."""
    rng = np.random.default_rng(dice.randrange(2**32))
    clips, samples = dice.randint(100, 140), dice.randint(5000, 7000)
    noise = rng.standard_normal((clips, samples)) * rng.uniform(40, 150, (clips, 1))
    pole = dice.uniform(0.86, 0.92)
    heard = lfilter([1], [1, -2 * pole, pole**2], noise, axis=1).clip(-32768, 32767)
    return "clips", as_columns({"label": rng.choice(np.array(["yes", "no", "up"]), clips),
                                "speaker": rng.choice(np.array(["ann", "bo", "cy"]), clips),
                                "samples": heard.astype(np.int16)})  # fmt: skip


def _events(dice, rows):
    return "events", as_columns(events_table(rows + dice.randrange(2000), dice.randrange(2**32)))


def _table(dice, rows):
    rows += dice.randrange(500)
    return "a table of 100 columns", as_columns(wide_table(rows, 100, dice.randrange(2**32)))


def _reader_cases(dice):
    """list of (what, columns, asks, layout whose size is the limit, times its size)."""
    return [(*_events(dice, 50_000), "one", Layout("parquet", "zstd", 512), 1.4),
            (*_clips(dice), "one", Layout("flac"), 1.1),
            (*_table(dice, 12_000), "some", _ZSTD, 1.03),
            (*_table(dice, 12_000), "some", None, 1.0)]  # fmt: skip


def _chosen(choose, columns, workload, what):
    """(Layout, text that names it): what the student returned for copies."""
    given = {n: v.copy() for n, v in columns.items()}, workload | {"names": [*workload["names"]]}
    layout = choose(*given)
    unchanged = same(given[0], columns) and given[1] == workload
    expect.true(unchanged, "choose must not change what it is given.", "work on copies")
    expect.true(type(layout) is Layout, f"choose should return a Layout for {what}.")
    told = f"{layout.name} for {what}"
    hint = "layout.holds(columns) says whether it can: sound files for clips, CSV for tables"
    expect.true(layout.holds(columns), f"{told} cannot be written.", hint)
    rows = len(next(iter(columns.values())))
    groups = math.ceil(rows / layout.rows_a_group) if layout.rows_a_group else 1
    told_groups = f"{told} makes {groups} groups of {rows} records; at most {_GROUPS} are allowed."
    expect.true(groups <= _GROUPS, told_groups)
    return layout, told


def _written(columns, chosen, folder):
    """dict of Layout -> folder of the store, for those that can hold the columns."""
    held = [x for x in dict.fromkeys(chosen) if x.holds(columns)]
    try:
        return {x: write_store(columns, folder / x.name.replace(" ", "-"), x) for x in held}
    except KitError as fault:
        return expect.fail(f"A layout cannot be written: {fault.what}, {fault.found}.")


def _quick(stores, layout, workload, told):
    """Fail if `layout` is slower than the others by far, twice."""
    for rounds in (_ROUNDS, 3 * _ROUNDS):  # a busy moment must not fail anybody
        spent = _timed(stores, workload, rounds)
        ours, best = spent[layout], min(spent.values())
        if min(a / b for a, b in zip(ours, best, strict=True)) <= _SLOW:
            return
    times = f"{1e3 * ours[0]:.3g} ms, where another layout needs {1e3 * best[0]:.3g} ms."
    hint = {"one": "how much is unpacked for a single record?",
            "some": "how much of what is read was asked for?"}[workload["asks"]]  # fmt: skip
    expect.fail(f"{told} takes {times}", hint)


def _timed(stores, workload, rounds):
    """dict of Layout -> (median, least) seconds of a turn; all stores take turns."""
    rng, spent = np.random.default_rng(0), {x: [] for x in stores}
    with contextlib.ExitStack() as stack:
        opened = {x: stack.enter_context(open_store(place)) for x, place in stores.items()}
        for number in range(rounds + 1):
            rows = rng.integers(0, next(iter(opened.values())).rows, _ASKED)
            for at in rng.permutation(len(stores)):
                layout = list(stores)[at]
                start = time.perf_counter()
                _ask(stores[layout], opened[layout], workload, rows)
                took = time.perf_counter() - start
                spent[layout] += [took] if number else []  # the first turn warms up
    return {x: (statistics.median(s), min(s)) for x, s in spent.items()}


def _ask(folder, store, workload, rows):
    if workload["asks"] == "one":
        for row in rows:
            store.take([row])
    else:
        with open_store(folder) as fresh:
            fresh.read(workload["names"])


def _facts(dice):
    """(labels, facts): tables in any order, with nulls, ties, late facts and strangers."""
    rng = np.random.default_rng(dice.randrange(2**32))
    many, count = dice.randint(150, 250), dice.randint(60, 90)
    users = np.array([f"user {i}" for i in range(6)])
    at = rng.integers(0, 400, many)
    late = np.where(rng.random(many) < 0.5, 0, rng.integers(-5, 120, many))
    facts = pl.DataFrame({
        "user": _gaps(rng, users[rng.integers(0, 5, many)]), "time": _gaps(rng, at),
        "known": _gaps(rng, at + late), "pulse": _gaps(rng, rng.normal(80, 9, many).round(4), 0.15),
        "mode": _gaps(rng, np.array(["walk", "run", "sleep"])[rng.integers(0, 3, many)], 0.15),
    })  # fmt: skip
    labels = pl.DataFrame({
        "user": _gaps(rng, users[rng.integers(0, 6, count)]),
        "label": rng.integers(0, 2, count), "time": _gaps(rng, rng.integers(-20, 520, count)),
    })  # fmt: skip
    return labels, facts


def _gaps(rng, values, share=0.04):
    """list of the values, a share of them None."""
    gone = rng.random(len(values)) < share
    return [None if g else x for g, x in zip(gone, values.tolist(), strict=True)]


def _two_facts():
    """(labels, facts): the later one of two was known first, and two that tie."""
    facts = {"user": ["a", "a", "b", "b", "b"], "time": [20, 10, 5, 5, 5],
             "known": [21, 40, 9, 9, 7], "pulse": [90.5, 70.5, 61.0, 62.0, 63.0],
             "mode": ["run", "walk", "walk", None, "run"]}  # fmt: skip
    labels = {"user": ["a", "b", "a", "a", "b"], "label": [1] * 5, "time": [50, 8, 20, 21, 9]}
    return pl.DataFrame(labels), pl.DataFrame(facts)


def _joined(join_as_of, labels, facts, ttl):
    wanted = as_of(labels, facts, "user", ttl=ttl, known="known").drop("time_of_fact", "known")
    given = labels.clone(), facts.clone()
    with _by_hand():
        got = join_as_of(*given, ttl)
    unchanged = given[0].equals(labels) and given[1].equals(facts)
    expect.true(unchanged, "join_as_of must not change the tables.", "work on copies")
    call = f"join_as_of of {labels.height} labels and {facts.height} facts, ttl {ttl},"
    expect.true(type(got) is pl.DataFrame, f"{call} should return a polars table.")
    told = f"{call} should have the columns {wanted.columns}, but has {got.columns}."
    expect.true(got.columns == wanted.columns, told, "those of the labels, then pulse and mode")
    rows = f"{call} should have {labels.height} rows, but has {got.height}."
    expect.true(got.height == labels.height, rows, "each label once, whether it has a fact or not")
    told = f"{call} should have the types {list(wanted.dtypes)}, but has {list(got.dtypes)}."
    expect.true(got.dtypes == wanted.dtypes, told)
    kept = got.select(labels.columns).equals(labels)
    expect.true(kept, f"{call} should keep the labels as they are, in their order.")
    for name in ("pulse", "mode"):
        if not got[name].equals(wanted[name], null_equal=True):
            _explain(got, wanted, facts, ttl, name, call)


def _explain(got, wanted, facts, ttl, name, call):
    """Fail with the first row that is wrong, and where its value comes from."""
    row = int((got[name].ne_missing(wanted[name])).arg_true()[0])
    kinds = leaks(got, facts, "user", ttl=ttl, known="known")
    kind = kinds.filter(pl.col("column") == name, row=row)["kind"]
    hint = {
        "future": "nobody knew this value then: a fact counts once it has happened and is known",
        "stale": "of what was known, the fact that happened last; then known last, then the last "
                 "row; its nulls stay null, and ttl is its greatest age",
        "missing": "a fact at the very time counts, and so does one that is as old as ttl",
        "never": "only values of facts of this user",
    }[kind[0] if len(kind) else "missing"]  # fmt: skip
    x, y = (t[name][row] for t in (wanted, got))
    expect.fail(f"{call} {name} of row {row} should be {x}, but is {y}.", hint)


@contextlib.contextmanager
def _by_hand():
    """The join of the kit answers nobody meanwhile."""
    kept = point_in_time._place

    def refuse(*_):
        expect.fail("join_as_of should not call the kit.", _USED)

    point_in_time._place = refuse
    try:
        yield
    finally:
        point_in_time._place = kept


def _job(dice):
    """(dict of the arguments of place but for the budget, USD of the cheapest plan)."""
    while True:
        job = _drawn_job(dice)
        usd, move = _prices(job)
        best = _least(usd, move)
        lone = usd.argmin(1)
        if np.isfinite(usd).any(1).all() and 1.05 * best < _bill(usd, move, lone) < 10 * best:
            return job, best


def _drawn_job(dice):
    reads = sorted((10 ** dice.uniform(-2.5, 0.5) for _ in range(5)), reverse=True)
    gb_day = round(10 ** dice.uniform(0.5, 2.5), 1)
    ages = [dice.choice(x) for x in ((5, 7, 10), (21, 30), (60, 90), (120, 180), (365, 730))]
    parts = ageing(gb_day, ages, reads, object_mb=dice.choice([0.5, 1.0, 2.0, 4.0]))
    tiers = [_drawn_tier(dice, *row) for row in _TIERS]
    waits = sorted(x.first_byte_s for x in tiers)
    steps = sorted(dice.choice(waits) for _ in parts)
    return {"parts": parts, "tiers": dice.sample(tiers, len(tiers)),
            "flow_gb": round(30 * gb_day, 1),
            "limits_s": dict(zip(parts, steps, strict=True))}  # fmt: skip


def _drawn_tier(dice, name, heat, month, first, restore_s, out, get, put):
    """A tier whose prices lie about those given."""
    month, out, get, put = (float(f"{x * dice.uniform(0.6, 1.6):.3g}")
                            for x in (month, out, get, put))  # fmt: skip
    return Tier(name, heat, month, 0.1, first, float(restore_s), out, get, put, scales=True)


def _prices(job):
    """(USD a month of each part in each tier, inf where it waits too long; USD of each move)."""
    tiers, parts, flow = job["tiers"], job["parts"], job["flow_gb"]
    usd = np.array([[cost(t, w).usd_month if t.first_byte_s <= job["limits_s"][name] else _INF
                     for t in tiers] for name, w in parts.items()])  # fmt: skip
    objects = flow / (next(iter(parts.values())).object_mb / 1e3)
    usd[0] += [objects * t.put_usd for t in tiers]
    leave = [objects * t.get_usd + flow * t.retrieval_usd_gb for t in tiers]
    move = np.add.outer(leave, [objects * t.put_usd for t in tiers])
    np.fill_diagonal(move, 0.0)
    return usd, move


def _least(usd, move):
    """USD of the cheapest way through all parts."""
    best = usd[0]
    for more in usd[1:]:
        best = (best[:, None] + move).min(0) + more
    return float(best.min())


def _bill(usd, move, chosen):
    lying = sum(row[i] for row, i in zip(usd, chosen, strict=True))
    return float(lying + sum(move[a, b] for a, b in itertools.pairwise(chosen)))


def _limits(job):
    waits = ", ".join(f"{x:.3g}" for x in job["limits_s"].values())
    return f"{job['budget_usd']:.5g} USD a month, waits of {waits} s"


def _copied(job):
    return job | {"parts": dict(job["parts"]), "tiers": [*job["tiers"]],
                  "limits_s": dict(job["limits_s"])}  # fmt: skip


def _placed(place, job, best):
    given = _copied(job)
    got = place(*given.values())
    expect.true(given == job, "place must not change what it is given.", "work on copies")
    told = f"{_limits(job)}: place"
    if got is None:
        expect.fail(f"{told} found no plan; one costs {best:.5g} USD.", "try every tier for a part")
    expect.true(type(got) is dict, f"{told} should return a dictionary or None.")
    names = [t.name for t in job["tiers"]]
    whole = all(type(x) is str for x in got) and sorted(got) == sorted(job["parts"])
    expect.true(whole, f"{told} should name every part once, and nothing else.")
    known = all(type(x) is str and x in names for x in got.values())
    expect.true(known, f"{told} should give the name of one of the tiers for each part.")
    usd, move = _prices(job)
    chosen = [names.index(got[x]) for x in job["parts"]]
    for part, row, i in zip(job["parts"], usd, chosen, strict=True):
        tier, limit = job["tiers"][i], job["limits_s"][part]
        late = f"{told} put {part} into {tier.name}, which answers after {tier.first_byte_s:.3g} s;"
        expect.true(bool(np.isfinite(row[i])), f"{late} {limit:.3g} s are allowed.")
    bill = _bill(usd, move, chosen)
    told += f" found a plan for {bill:.5g} USD, the cheapest costs {best:.5g}."
    hint = "each change of tier reads and writes all that flows; so does the first tier"
    expect.true(bill <= _DEARER * best, told, hint)
    expect.true(bill <= job["budget_usd"] * (1 + 1e-9), told, "the budget is a limit as well")


def _versions(dice, folder, fault):
    """Write the versions of a table; returns (version, column, rows, carried), or None."""
    table = _Table(dice, folder)
    steps = ["append", "append", "retype", "compact", "widen", "shuffle", "remove", "correct"]
    steps = dice.sample(steps, 6)
    bad = dice.randint(1, 4)
    mended = dice.choice([bad + 2, bad + 3, 99])
    wanted = None
    for number, step in enumerate(steps):
        if fault and number == bad:
            wanted = table.spoil()
        if fault and number == mended:
            table.mend()
        table.take(step)
    if wanted is None:
        return None
    version, column, rows = wanted
    end = table.mended or table.version + 1
    return version, column, rows, list(range(version, end))


class _Table:
    """A table that gets versions, honest ones and one that is not."""

    def __init__(self, dice, folder):
        self.dice, self.folder, self.mended = dice, folder, None
        self.rng = np.random.default_rng(dice.randrange(2**32))
        self.rows = self._new(dice.randint(200, 400), 0)
        self.touched = set()  # ids of rows that an honest version may no longer change
        self.version = self._keep("first load")

    def _new(self, count, first):
        rng = self.rng
        return pl.DataFrame({
            "id": np.arange(first, first + count), "clip": [f"c{i}" for i in range(count)],
            "heard": rng.poisson(30, count).astype(np.int32),
            "seconds": rng.uniform(0.5, 3, count).round(3),
            "label": rng.choice(np.array(["yes", "no", "up", "down"]), count),
            "usd": _gaps(rng, rng.integers(1, 900, count) / 100, 0.1),
        })  # fmt: skip

    def _keep(self, note, mode="overwrite", rows=None):
        table = self.rows if rows is None else rows
        return snapshot(table, self.folder, note, code="lab07", mode=mode)

    def _more(self):
        """Further rows, in the columns and types of today."""
        more = self._new(self.dice.randint(20, 60), self.rows["id"].max() + 1)
        lacking = [pl.lit(0, t).alias(c) for c, t in self.rows.schema.items()
                   if c not in more.columns]  # fmt: skip
        return more.with_columns(lacking).cast(dict(self.rows.schema)).select(self.rows.columns)

    def take(self, step):
        """One honest version."""
        self.version = getattr(self, f"_{step}")()

    def _append(self):
        more = self._more()
        self.rows = pl.concat([self.rows, more])
        if self.dice.random() < 0.5:  # all of it is loaded again
            return self._keep("load")
        return self._keep("load", "append", more)

    def _retype(self):
        kind = pl.Int64 if self.dice.random() < 0.5 else pl.Float64
        self.rows = self.rows.with_columns(pl.col("heard").cast(kind))
        return self._keep("wider numbers")

    def _compact(self):
        self._append()  # so that there are files to put together
        compact(self.folder)
        return history(self.folder)["version"].max()

    def _widen(self):
        self.rows = self.rows.with_columns(rater=pl.lit(0, pl.Int32))
        return self._keep("a new column")

    def _shuffle(self):
        order = self.rng.permutation(self.rows.height)
        self.rows = self.rows[order]
        return self._keep("sorted anew")

    def _remove(self):
        free = [x for x in self.rows["id"].to_list() if x not in self.touched]
        gone = self.dice.sample(free, 15) + self._some_touched(3)
        self.rows = self.rows.filter(~pl.col("id").is_in(gone))
        return self._keep("people withdrew")

    def _correct(self):
        free = [x for x in self.rows["id"].to_list() if x not in self.touched]
        some = pl.col("id").is_in(self.dice.sample(free, 40))
        label = pl.when(some).then(pl.lit("silence")).otherwise("label").alias("label")
        self.rows = self.rows.with_columns(label)
        return self._keep("correction: labels heard again")

    def spoil(self):
        """(version, column, rows): values that change without a word, and rows that come along."""
        column = self.dice.choice(["heard", "seconds", "label", "usd"])
        kind, x = self.rows.schema[column], pl.col(column)
        label = pl.when(x == "no").then(pl.lit("yes")).otherwise(pl.lit("no"))
        other = {"heard": x + 1, "seconds": x * 1.5, "usd": pl.lit(None, kind), "label": label}
        usable = self.rows.filter(pl.col("label") != "silence").drop_nulls(column)["id"].to_list()
        ids = self.dice.sample(usable, self.dice.randint(20, 80))
        self.before = self.version, self.rows
        self.good, self.touched = self.rows.select("id", x.alias("right")), {*ids}
        value = pl.when(pl.col("id").is_in(ids)).then(other[column].cast(kind)).otherwise(x)
        self.rows = self.rows.with_columns(value.alias(column))
        if self.dice.random() < 0.6:
            self.rows = pl.concat([self.rows, self._more()])
        self.column, self.version = column, self._keep("load")
        return self.version, column, len(ids)

    def mend(self):
        """The rows that the bad version changed get their values back."""
        if self.dice.random() < 0.4:  # and what came since is gone
            version, self.rows = self.before
            note = f"correction: back to version {version}"
            self.version = self.mended = restore(self.folder, version, note)
            return
        if self.dice.random() < 0.6:  # not all at once: the others still have the bad value
            self._put_back(self._some_touched(2))
            self.version = self._keep("correction: some values of before")
        self._put_back([*self.touched])
        self.version = self.mended = self._keep("correction: values of before")

    def _put_back(self, ids):
        right = self.rows.select("id").join(self.good, on="id", how="left", maintain_order="left")
        back = pl.when(pl.col("id").is_in(ids)).then(
            right["right"].cast(self.rows.schema[self.column])).otherwise(self.column)  # fmt: skip
        self.rows = self.rows.with_columns(back.alias(self.column))

    def _some_touched(self, part):
        """One in `part` of the rows that the bad version changed and that are still there."""
        here = [x for x in self.rows["id"].to_list() if x in self.touched]
        return self.dice.sample(here, len(here) // part)


def _log(folder):
    """Names of the files of the table's log."""
    return sorted(p.name for p in (folder / "_delta_log").iterdir())


def _found(got, wanted, versions):
    told = f"find_bad of a table with {versions} versions"
    if wanted is None:
        kind = type(got).__name__
        expect.true(got is None, f"{told}, all honest, should return None, not {kind}.",
                    "a changed value is honest if the note begins with correction")  # fmt: skip
        return
    form = f"{told} should return (version, column, rows, carried)."
    expect.true(type(got) is tuple and len(got) == 4, form)
    version, column, rows, carried = wanted
    hint = "rows that were there before and have another value now, though the note says nothing"
    expect.same(got[0], version, f"the version that {told}", hint)
    expect.same(got[1], column, f"the column that {told}")
    expect.same(got[2], rows, f"the number of rows that {told}", "rows with another value")
    hint = "all versions from the bad one on in which one of these rows has the bad value"
    expect.same_list(got[3], carried, f"carried, as {told} gives it,", hint)
