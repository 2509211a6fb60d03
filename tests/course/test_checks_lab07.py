"""The checks of lab 07 accept the right work, reject the usual slips, and say why."""

import itertools
import math
import random
import tempfile
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from lab_checks import AlwaysEqual, accept, draws, refuse, refuse_untouched, solutions

from kit.course import expect
from kit.errors import KitError
from kit.storage import (
    Layout,
    as_of,
    at,
    bytes_on_disk,
    cost,
    diff,
    history,
    plan,
    snapshot,
    write_store,
)
from kit.storage.feeding import break_even_read_gbs, packed_epoch_s

LAB = "lab07_storage"
TASKS = {
    "epoch": "epoch_s", "break_even": "tight_wins_below", "archive": "choose", "reader": "choose",
    "as_of_join": "join_as_of", "place": "place", "bad_version": "find_bad",
}  # fmt: skip
DRAWN = {"break_even": 30, "archive": 1, "reader": 1, "as_of_join": 60, "place": 30,
         "bad_version": 12}  # fmt: skip


@pytest.fixture(scope="module")
def master():
    return solutions(LAB)


@pytest.fixture
def same_draws(monkeypatch):
    """Luck has no say in whether a slip is found."""
    fixed = lambda seed=None: random.Random(12 if seed is None else seed)  # noqa: E731
    monkeypatch.setattr(expect, "dice", fixed)


@pytest.mark.parametrize("task", TASKS)
def test_the_master_passes_visible_and_hidden(checks, master, task):
    accept(checks, task, master[TASKS[task]])


@pytest.mark.parametrize("task", TASKS)
def test_the_master_passes_whatever_is_drawn(checks, master, task):
    """A check that fails right work once in a hundred draws fails somebody in every class."""
    for seed in draws(DRAWN.get(task, 100)):
        getattr(checks[0], task).__wrapped__(master[TASKS[task]], seed)


@pytest.mark.parametrize("task", TASKS)
def test_untouched_work_is_not_implemented(checks, task):
    refuse_untouched(checks, task)


# task 1


def epoch(raw, ratio, read, unpack, cores, overlapped, *, check=True, size=1.0, used=None):
    """Seconds of an epoch, with one thing changed."""
    if check and not (raw >= 0 and all(x > 0 for x in (ratio, read, unpack)) and cores >= 1):
        raise ValueError
    ways = [raw * size / (ratio if used is None else used(ratio)) / read,
            raw * size / unpack / cores]  # fmt: skip
    return max(ways) if overlapped else sum(ways)


def by_the_kit(*case):
    if any(x != x for x in case):
        raise ValueError
    return packed_epoch_s(*case)


def with_case(**changes):
    """An epoch of a case in which some arguments are replaced."""
    names = ("raw", "ratio", "read", "unpack", "cores", "overlapped")

    def attempt(*case):
        epoch(*case)
        given = dict(zip(names, case, strict=True))
        return epoch(**given | {n: change(given) for n, change in changes.items()})

    return attempt


def checked(tight, quick, cores):
    if not (tight[0] > quick[0] > 0 and tight[1] > 0 and quick[1] > 0 and cores >= 1):
        raise ValueError


def even(tight, quick, cores, overlapped, *, inf=math.inf, both=None, check=True):
    """Where two codecs are equally quick, with one thing changed."""
    if check:
        checked(tight, quick, cores)
    if tight[1] >= quick[1]:
        return inf
    if overlapped if both is None else both:
        return tight[1] * cores / quick[0]
    return cores * (1 / quick[0] - 1 / tight[0]) / (1 / tight[1] - 1 / quick[1])


def even_by_search(tight, quick, cores, overlapped):
    """Right work of another style: bisection in decades."""
    checked(tight, quick, cores)
    if tight[1] >= quick[1]:
        return math.inf
    low, high = 1e-9, 1e9
    while high / low > 1 + 1e-12:
        middle = math.sqrt(low * high)
        a, b = (epoch(1, r, middle, gbs, cores, overlapped) for r, gbs in (tight, quick))
        low, high = (middle, high) if a < b else (low, middle)
    return low


# task 2


def by_rule(columns, workload):
    """Right work of another style: nothing is tried."""
    if "samples" in columns:
        return Layout("flac")
    if workload["asks"] == "one":
        return Layout("parquet", "zstd", 1024)
    names = [n for n in columns if columns[n].dtype == object]
    return Layout("parquet", "zstd", 200_000, dictionary=bool(names))


def always(*fields, **more):
    return lambda columns, workload: Layout(*fields, **more)


def by_kind(clips, table):
    return lambda columns, workload: Layout(*(clips if "samples" in columns else table))


def swallows(columns, workload):
    layout = by_rule(columns, workload)
    columns.pop(next(iter(columns)))
    return layout


def louder(columns, workload):
    for values in columns.values():
        if values.dtype != object:
            values[:1] = 7
    return by_rule(columns, workload)


def no_limit(columns, workload):
    workload["most_bytes"] = math.inf
    return by_rule(columns, workload)


# task 3


def one_by_one(labels, facts, ttl, *, order=("time", "known", "place"), late=True, at_once=True,
               age="time", old=None, fill=False, key=True, nulls=True, kind=None):  # fmt: skip
    """The facts of each label, one label after the other, with one thing changed."""
    if ttl is not None and not ttl >= 0:
        raise ValueError
    rows = [r | {"place": i} for i, r in enumerate(facts.rows(named=True))]
    rows = [r for r in rows if None not in (r["user"] if key else 0, r["time"], r["known"])]
    rows.sort(key=lambda r: tuple(r[n] for n in order))
    found = {"pulse": [], "mode": []}
    for user, _, now in labels.iter_rows():
        seen = [r for r in rows if now is not None and (not key or r["user"] == user)]
        seen = [r for r in seen if _counts(r, now, late, at_once)]
        if ttl is not None:
            seen = [r for r in seen if now - r[age] < ttl + (old is None)]
        last = seen[-1] if seen else {}
        for name, values in found.items():
            there = [r[name] for r in seen if r[name] is not None] if fill else [last.get(name)]
            values.append(there[-1] if there else None)
    made = [pl.Series(n, v, facts[n].dtype) for n, v in found.items()]
    return (kind or (lambda t: t))(labels.with_columns(made))


def _counts(fact, now, late, at_once):
    heard = max(fact["time"], fact["known"]) if late else fact["time"]
    return heard <= now if at_once else heard < now


def by_asof(labels, facts, ttl, on="known"):
    """What most write first: the join of polars on one of the two times."""
    if ttl is not None and not ttl >= 0:
        raise ValueError
    asked = labels.with_row_index("row").sort("time")
    side = facts.drop_nulls(["user", "time", "known"]).sort(on).select("user", on, "pulse", "mode")
    found = asked.drop_nulls(["user", "time"]).join_asof(
        side, left_on="time", right_on=on, by="user", check_sortedness=False,
        tolerance=ttl,
    )  # fmt: skip
    return labels.with_row_index("row").join(
        found.select("row", "pulse", "mode"), on="row", how="left", maintain_order="left"
    ).drop("row")  # fmt: skip


def by_the_kits_join(labels, facts, ttl):
    if ttl is not None and not ttl >= 0:
        raise ValueError
    return as_of(labels, facts, "user", ttl=ttl, known="known").drop("time_of_fact", "known")


def fills_the_table(labels, facts, ttl):
    found = one_by_one(labels, facts, ttl)
    labels.insert_column(0, pl.Series("row", range(labels.height)))
    return found


def no_refusal(labels, facts, ttl):
    return one_by_one(labels, facts, None if ttl is None or not ttl >= 0 else ttl)


# task 4


def search(parts, tiers, flow, limits, budget, *, first=True, read=True, write=True, out=True,
           wait=True, spend=True, gb=1000, worst=False, kind=dict):  # fmt: skip
    """All plans, with one thing changed."""
    objects = flow * gb / next(iter(parts.values())).object_mb
    usd = [[cost(t, w).usd_month for t in tiers] for w in parts.values()]
    allowed = [[i for i, t in enumerate(tiers) if not wait or t.first_byte_s <= limits[name]]
               for name in parts]  # fmt: skip
    leave = [objects * t.get_usd * read + flow * t.retrieval_usd_gb * out for t in tiers]
    enter = [objects * t.put_usd * write for t in tiers]
    found = []
    for way in itertools.product(*allowed):
        bill = sum(row[i] for row, i in zip(usd, way, strict=True)) + enter[way[0]] * first
        bill += sum(leave[a] + enter[b] for a, b in itertools.pairwise(way) if a != b)
        if not spend or bill <= budget:
            found.append((bill, way))
    if not found:
        return None
    _, way = max(found) if worst else min(found)
    return kind(zip(parts, (tiers[i].name for i in way), strict=True))


def greedy(parts, tiers, flow, limits, budget):
    """The best tier for each part after the one before it."""
    objects, old, way, bill = flow * 1000 / next(iter(parts.values())).object_mb, None, {}, 0.0
    for name, demand in parts.items():
        ways = []
        for i, t in enumerate(tiers):
            usd = cost(t, demand).usd_month + (t is not old) * objects * t.put_usd
            if old not in (None, t):
                usd += objects * old.get_usd + flow * old.retrieval_usd_gb
            if t.first_byte_s <= limits[name]:
                ways.append((usd, i))
        if not ways:
            return None
        usd, i = min(ways)
        old, way[name], bill = tiers[i], tiers[i].name, bill + usd
    return way if bill <= budget else None


def by_plan(parts, tiers, flow, limits, budget):
    """What the kit finds for parts that do not move."""
    found = plan(parts, limits, min(budget, 1e18), tiers).table
    return None if found is None else dict(found.select("part", "tier").rows())


def one_tier(parts, tiers, flow, limits, budget):
    """All of it in the cheapest tier that is quick enough for all."""
    quick = [t for t in tiers if t.first_byte_s <= min(limits.values())]
    bills = {t.name: sum(cost(t, w).usd_month for w in parts.values()) for t in quick}
    name = min(bills, key=bills.get, default=None)
    return dict.fromkeys(parts, name) if name and bills[name] <= budget else None


def poorer(parts, tiers, flow, limits, budget):
    found = search(parts, tiers, flow, limits, budget)
    tiers.pop()
    return found


def any_plan(*case):
    return search(*case) or dict.fromkeys(case[0], case[1][0].name)


def renamed(change):
    def attempt(*case):
        found = search(*case)
        return found if found is None else change(found)

    return attempt


# task 5


def by_tables(place):
    """Right work of another style: tables are joined by hand."""
    told = history(place)
    versions, notes = told["version"].to_list(), told["note"].to_list()
    tables = {v: at(place, v) for v in versions}
    for old, new in itertools.pairwise(versions):
        both = tables[old].join(tables[new], on="id", suffix=".new")
        for column in tables[old].columns:
            if column == "id" or (notes[versions.index(new)] or "")[:10] == "correction":
                continue
            off = both.filter(pl.col(column).ne_missing(pl.col(f"{column}.new")))
            if off.height:
                bad = off.select("id", wrong=f"{column}.new")
                return new, column, off.height, [
                    v for v in versions if v >= new
                    and tables[v].join(bad, on="id").select(
                        pl.col(column).eq_missing(pl.col("wrong")).any()).item()
                ]  # fmt: skip
    return None


def found_by(place, *, same=lambda d: d.changed.height, honest=True, rows=None, carried=None,
             step=1):  # fmt: skip
    """What diff says of each version, with one thing changed."""
    told = history(place)
    notes = dict(told.select("version", "note").rows())
    for old, new in itertools.pairwise(notes):
        found = diff(place, old, new)
        if same(found) and not (honest and (notes[new] or "").startswith("correction")):
            column = found.columns["column"][0] if found.columns.height else "heard"
            right = by_tables(place)
            held = (
                right[3] if right and carried is None else (carried or (lambda *_: []))(notes, new)
            )
            count = found.changed.height if rows is None else rows(found)
            return new - 1 + step, column, count, held
    return None


def all_of_them(place):
    """Versions in which every row of the bad one still has its value."""
    right = by_tables(place)
    if right is None:
        return None
    bad, column, rows, carried = right
    ids = set(diff(place, bad - 1, bad).changed["id"])
    values = {v: dict(at(place, v).filter(pl.col("id").is_in([*ids])).select("id", column).rows())
              for v in carried}  # fmt: skip
    whole = [v for v in carried
             if all(i in values[v] and values[v][i] == values[bad][i] for i in ids)]  # fmt: skip
    return bad, column, rows, whole


def in_order(place):
    """Rows compared by where they stand."""
    notes = dict(history(place).select("version", "note").rows())
    for old, new in itertools.pairwise(notes):
        a, b = at(place, old), at(place, new)
        n = min(a.height, b.height)
        for c in [c for c in a.columns if c in b.columns]:
            off = a[c][:n].cast(pl.String).ne_missing(b[c][:n].cast(pl.String)).sum()
            if off and not (notes[new] or "").startswith("correction"):
                return new, c, off, [v for v in notes if v >= new]
    return None


def by_overwrite(place):
    """The version that wrote everything anew, whatever it says."""
    told = history(place).filter(pl.col("note") == "load", pl.col("removed") > 0)
    return (told["version"][0], "heard", 1, [1]) if told.height else None


def rewrites(place):
    found = by_tables(place)
    snapshot(at(place), place, "load", code="x")
    return found


def never(place):
    return None


def of(change):
    def attempt(place):
        found = by_tables(place)
        return found if found is None else change(found)

    return attempt


RIGHT = [
    ("epoch", epoch),
    ("epoch", by_the_kit),
    ("epoch", lambda *a: np.float64(epoch(*a))),
    ("break_even", even),
    ("break_even", even_by_search),
    ("archive", by_rule),
    ("reader", by_rule),
    (
        "reader",
        lambda c, w: by_rule(c, w) if w["asks"] == "one" else Layout("arrow", "zstd", 10**6),
    ),
    ("as_of_join", one_by_one),
    ("place", search),
    ("bad_version", by_tables),
    ("bad_version", found_by),
]


@pytest.mark.parametrize(("task", "attempt"), RIGHT)
def test_right_work_of_another_kind_passes(checks, task, attempt):
    for seed in range({"archive": 1, "reader": 1, "place": 2, "bad_version": 5}.get(task, 10)):
        getattr(checks[0], task).__wrapped__(attempt, seed)
    if task not in ("archive", "reader", "place"):
        getattr(checks[1], task)(attempt)


WRONG = [
    ("epoch", lambda *a: epoch(*a, used=lambda r: 1), "what is read is packed"),
    ("epoch", lambda *a: epoch(*a, used=lambda r: 1 / r), "unpacked over packed"),
    ("epoch", with_case(cores=lambda a: 1), "all cores unpack"),
    ("epoch", with_case(unpack=lambda a: a["unpack"] * a["ratio"]), "bytes after unpacking"),
    ("epoch", with_case(overlapped=lambda a: not a["overlapped"]), "at the same time"),
    ("epoch", with_case(overlapped=lambda a: False), "at the same time"),
    ("epoch", with_case(overlapped=lambda a: True), "at the same time"),
    ("epoch", lambda *a: epoch(*a, size=1e3), "rates are in GB"),
    ("epoch", lambda *a: epoch(*a, size=1e-3), "rates are in GB"),
    ("epoch", with_case(read=lambda a: a["read"] / 8), "should be"),
    ("epoch", lambda *a: epoch(*a, check=False) if a[4] and a[1] and a[2] and a[3] else 1.0,
     "should raise"),
    ("epoch", lambda *a: epoch(*a) if all(x == x for x in a) else math.nan, "should raise"),
    ("epoch", lambda *a: round(epoch(*a), 2), "should be"),
    ("epoch", lambda *a: math.nan, "should be"),
    ("epoch", lambda *a: None, "should be a number"),
    ("epoch", lambda *a: str(epoch(*a)), "should be a number"),
    ("epoch", lambda *a: AlwaysEqual(), "should be a number"),
    ("break_even", lambda *a: even(*a, both=False), "at the same time|should be"),
    ("break_even", lambda *a: even(*a, both=True), "at the same time|should be"),
    ("break_even", lambda t, q, c, o: even(t, q, min(c, 1), o), "all cores unpack"),
    ("break_even", lambda *a: 1e3 * even(*a), "rates are in GB"),
    ("break_even", lambda t, q, c, o: even(t, q, c, o) * q[0], "equally long|infinite|should be"),
    ("break_even", lambda *a: even(*a, inf=0.0), "should be infinite"),
    ("break_even", lambda *a: even(*a, inf=1e12), "should be infinite"),
    ("break_even", lambda *a: even(*a, inf=-math.inf), "should be infinite"),
    ("break_even", lambda *a: even(*a, inf=math.nan), "should be infinite"),
    ("break_even", lambda *a: even(*a, check=False) if a[1][0] and a[0][1] else 0.0,
     "should raise"),
    ("break_even", lambda t, q, c, o: even(t, q, c, o) if t[0] != q[0] else 0.0, "should raise"),
    ("break_even", lambda t, q, c, o: float(break_even_read_gbs(*t, *q, c)), "KitError|same time"),
    ("break_even", lambda *a: math.nan, "should be"),
    ("break_even", lambda *a: None, "should be a number"),
    ("break_even", lambda *a: AlwaysEqual(), "should be a number"),
    ("archive", by_kind(["flac"], ["parquet", "zstd", 512]), "the best of ours"),
    ("archive", by_kind(["parquet", "zstd", 10**6], ["parquet", "zstd", 10**6]), "best of ours"),
    ("archive", by_kind(["flac"], ["csv"]), "the best of ours"),
    ("archive", by_kind(["flac"], ["parquet", "snappy", 10**6]), "the best of ours"),
    ("archive", always("npy"), "the best of ours"),
    ("archive", always("flac"), "cannot be written"),
    ("archive", always("parquet", "zstd", 3), "at most 1000 are allowed"),
    ("archive", swallows, "must not change"),
    ("archive", louder, "must not change"),
    ("archive", lambda *a: "parquet", "return a Layout"),
    ("archive", lambda *a: None, "return a Layout"),
    ("archive", lambda *a: AlwaysEqual(), "return a Layout"),
    ("reader", always("npy"), "takes"),
    ("reader", always("sqlite"), "takes"),
    ("reader", by_kind(["flac"], ["parquet", "zstd", 10**6]), "for a single record|unpacked"),
    ("reader", by_kind(["flac"], ["parquet", "zstd", 512]), "takes"),
    ("reader", by_kind(["flac"], ["csv"]), "takes"),
    ("reader", by_kind(["parquet", "zstd", 512], ["parquet", "zstd", 512]), "takes"),
    ("reader", lambda c, w: by_rule(c, w) if w["most_bytes"] < math.inf else Layout("sqlite"),
     "asked for"),
    ("reader", lambda c, w: by_rule(c, w) if w["most_bytes"] < math.inf else Layout("csv"),
     "asked for"),
    ("reader", always("flac"), "cannot be written"),
    ("reader", no_limit, "must not change"),
    ("reader", lambda *a: None, "return a Layout"),
    ("reader", lambda *a: AlwaysEqual(), "return a Layout"),
    ("as_of_join", by_asof, "happened last|should be|as old as"),
    ("as_of_join", lambda *a: by_asof(*a, on="time"), "nobody knew|happened last|as old as"),
    ("as_of_join", lambda *a: one_by_one(*a, late=False), "nobody knew|happened last"),
    ("as_of_join", lambda *a: one_by_one(*a, order=("known", "time", "place")), "happened last"),
    ("as_of_join", lambda *a: one_by_one(*a, order=("time", "place")), "happened last"),
    ("as_of_join", lambda *a: one_by_one(*a, at_once=False), "at the very time|happened last"),
    ("as_of_join", lambda *a: one_by_one(*a, age="known"), "greatest age|happened last"),
    ("as_of_join", lambda *a: one_by_one(*a, old="no"), "as old as ttl|very time"),
    ("as_of_join", lambda *a: one_by_one(*a, fill=True), "nulls stay null"),
    ("as_of_join", lambda *a: one_by_one(*a, key=False), "of this user|happened last"),
    ("as_of_join", lambda a, b, t: one_by_one(a, b, None), "greatest age|should raise"),
    ("as_of_join", lambda *a: one_by_one(*a, kind=lambda t: t.sort("user", "time")), "order"),
    ("as_of_join", lambda *a: one_by_one(*a, kind=lambda t: t.drop_nulls("pulse")), "should have"),
    ("as_of_join", lambda *a: one_by_one(*a, kind=lambda t: t.drop("mode")), "columns"),
    ("as_of_join", lambda *a: one_by_one(*a, kind=lambda t: t.with_columns(
        pl.col("pulse").cast(pl.Float32))), "types"),
    ("as_of_join", lambda *a: one_by_one(*a, kind=lambda t: t.with_columns(
        pl.col("pulse").fill_null(math.nan))), "pulse of row"),
    ("as_of_join", lambda *a: one_by_one(*a, kind=lambda t: t.lazy()), "a polars table"),
    ("as_of_join", lambda *a: one_by_one(*a, kind=lambda t: t.rows()), "a polars table"),
    ("as_of_join", by_the_kits_join, "should not call the kit"),
    ("as_of_join", fills_the_table, "must not change"),
    ("as_of_join", no_refusal, "should raise"),
    ("as_of_join", lambda *a: None, "a polars table"),
    ("as_of_join", lambda *a: AlwaysEqual(), "a polars table"),
    ("place", by_plan, "each change of tier"),
    ("place", greedy, "each change of tier|found no plan"),
    ("place", one_tier, "each change of tier|found no plan"),
    ("place", lambda *a: search(*a, read=False, out=False, write=False), "each change of tier"),
    ("place", lambda *a: search(*a, gb=1), "each change of tier"),
    ("place", lambda *a: search(*a, wait=False), "are allowed"),
    ("place", lambda *a: search(*a, spend=False), "should return None"),
    ("place", lambda *a: search(*a, worst=True), "each change of tier"),
    ("place", any_plan, "should return None"),
    ("place", lambda *a: None, "found no plan"),
    ("place", poorer, "must not change"),
    ("place", lambda *a: search(*a, kind=list), "a dictionary or None"),
    ("place", renamed(lambda d: d | {"more": "deep"}), "every part once"),
    ("place", renamed(lambda d: dict([*d.items()][1:])), "every part once"),
    ("place", renamed(lambda d: dict.fromkeys(d, "hot")), "the name of one of the tiers"),
    ("place", renamed(lambda d: dict.fromkeys(d, AlwaysEqual())), "the name of one of the tiers"),
    ("place", lambda *a: AlwaysEqual(), "a dictionary|should return None"),
    ("bad_version", in_order, "should return None|the version"),
    ("bad_version", by_overwrite, "the version|should return None|the column"),
    ("bad_version", lambda p: found_by(p, same=lambda d: d.silent), "return|the version"),
    ("bad_version", lambda p: found_by(p, honest=False), "the version|should return None"),
    ("bad_version", lambda p: found_by(p, step=0), "the version"),
    ("bad_version", lambda p: found_by(p, rows=lambda d: d.rows[1]), "another value"),
    ("bad_version", lambda p: found_by(p, rows=lambda d: d.changed.height + d.added.height),
     "another value"),
    ("bad_version", lambda p: found_by(p, carried=lambda n, v: [x for x in n if x >= v]),
     "from the bad one on"),
    ("bad_version", lambda p: found_by(p, carried=lambda n, v: [v]), "from the bad one on"),
    ("bad_version", all_of_them, "from the bad one on"),
    ("bad_version", of(lambda f: (f[0], "clip", *f[2:])), "the column"),
    ("bad_version", of(lambda f: (*f[:3], tuple(f[3]))), "should be a list"),
    ("bad_version", of(lambda f: list(f)), "should return"),
    ("bad_version", of(lambda f: f[:3]), "should return"),
    ("bad_version", of(lambda f: (float(f[0]), *f[1:])), "the version"),
    ("bad_version", of(lambda f: (AlwaysEqual(), *f[1:])), "the version"),
    ("bad_version", rewrites, "must not change"),
    ("bad_version", never, "should return"),
    ("bad_version", lambda p: AlwaysEqual(), "should return"),
]  # fmt: skip


@pytest.mark.parametrize(("task", "attempt", "word"), WRONG)
def test_usual_slips_fail_with_a_hint(checks, task, attempt, word, request):
    if task not in ("epoch", "break_even"):
        request.getfixturevalue("same_draws")
    if word.startswith("KitError"):
        with pytest.raises((KitError, AssertionError)):
            getattr(checks[0], task)(attempt)
        return
    refuse(checks, task, attempt, word)


def test_the_oracles_of_the_checks_agree_with_the_kit(checks):
    visible = checks[0]
    for seed in range(5):
        dice = random.Random(seed)
        quick = dice.uniform(1.2, 3), dice.uniform(1, 4)
        tight = quick[0] * dice.uniform(1.1, 2), quick[1] / dice.uniform(2, 9)
        wanted = float(break_even_read_gbs(*tight, *quick, 3))
        assert visible._crossing(tight, quick, 3, False) == pytest.approx(wanted)
        job, best = visible._job(dice)
        chosen = search(**dict(zip(
            ("parts", "tiers", "flow", "limits", "budget"), (*job.values(), math.inf),
            strict=True)))  # fmt: skip
        names = [t.name for t in job["tiers"]]
        bill = visible._bill(*visible._prices(job), [names.index(x) for x in chosen.values()])
        assert bill == pytest.approx(best)


def test_where_the_tighter_codec_wins_and_loses(master):
    """Below the rate it is quicker, above it is slower, overlapped or not."""
    for overlapped in (True, False):
        rate = master["tight_wins_below"]((4.0, 0.4), (2.0, 2.0), 4, overlapped)
        for times in (0.9, 1.1):
            tight, quick = (master["epoch_s"](100.0, r, times * rate, gbs, 4, overlapped)
                            for r, gbs in ((4.0, 0.4), (2.0, 2.0)))  # fmt: skip
            assert (tight < quick) == (times < 1)


def test_the_tables_hold_what_diff_finds(checks):
    """The fault that was planted is the one that shows, and all others are honest."""
    for seed in range(8):
        with tempfile.TemporaryDirectory() as tmp:
            folder = Path(tmp, "table")
            version, column, rows, carried = checks[0]._versions(random.Random(seed), folder, True)
            found = diff(folder, version - 1, version)
            assert found.columns.select("column", "changed").rows() == [(column, rows)]
            told = history(folder)
            assert set(carried) <= set(told["version"])
            for v in range(1, told.height):
                note = told["note"][v] or ""
                changed = diff(folder, v - 1, v).changed.height
                assert (changed > 0) <= (v == version or note.startswith("correction")), (v, note)


def test_the_facts_hold_what_the_text_says(checks):
    labels, facts = checks[0]._facts(random.Random(1))
    times = facts.drop_nulls(["time", "known"])
    assert times.filter(pl.col("known") < pl.col("time")).height
    assert times.filter(pl.col("known") > pl.col("time") + 60).height
    assert facts.select("user", "time", "known").null_count().row(0) > (0, 0, 0)
    assert not facts["time"].is_sorted()
    assert times.select("user", "time").is_duplicated().any()
    assert labels["time"].null_count()


def test_the_case_of_the_memo_has_a_plan(checks, master):
    bills = {}
    for mb in (0.2, 64):
        job = checks[0].case(mb)
        found = master["place"](*[*job.values()][:5])
        names = [t.name for t in job["tiers"]]
        priced = checks[0]._prices(job)
        bills[mb] = checks[0]._bill(*priced, [names.index(x) for x in found.values()])
    assert bills[0.2] == pytest.approx(2489, abs=1)
    assert bills[64] == pytest.approx(1058, abs=1)


def test_the_sample_is_as_large_as_the_memo_says(checks, tmp_path):
    columns, sizes = checks[0].sample(), []
    for more in ({"rows_a_group": 512}, {"rows_a_group": 10**6, "dictionary": True}):
        place = write_store(columns, tmp_path / "store", Layout("parquet", "zstd", **more))
        sizes.append(bytes_on_disk(place)[0] / 1e6)
    assert sizes == pytest.approx([0.58, 0.39], rel=0.05)


def test_the_case_and_the_sample_are_the_same_every_time(checks):
    one, other = checks[0].sample(), checks[0].sample()
    assert all((one[n] == other[n]).all() for n in one)
    assert checks[0].case() == checks[0].case()


def test_checks_draw_new_numbers_and_leave_no_files(checks, monkeypatch, tmp_path):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    seen = []
    for _ in range(2):
        checks[0].epoch(lambda *a: seen.append(a) or epoch(*a))
    assert len({a for a in seen if a == a}) > 20
    checks[0].bad_version(by_tables)
    with pytest.raises(AssertionError):
        checks[0].archive(always("npy"))
    assert not list(tmp_path.iterdir())


def test_an_error_of_the_students_own_is_shown_as_it_is(checks):
    def misspelt(labels, facts, ttl):
        return labels["tine"]

    with pytest.raises(pl.exceptions.ColumnNotFoundError, match="tine"):
        checks[0].as_of_join(misspelt)
