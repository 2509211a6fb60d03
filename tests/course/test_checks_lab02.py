"""The checks of lab 02 accept the right work, reject the usual slips, and say why."""

import math

import pandera.polars as pa
import polars as pl
import pytest
from lab_checks import AlwaysEqual, accept, draws, refuse, refuse_untouched, solutions

from kit.course import expect

LAB = "lab02_kws_acquisition"
TASKS = {
    "budget": "wake_budget", "implied": "implied_wakes_per_day", "account": "run_pass",
    "spans": "word_spans", "contract": "clip_schema", "plan": "collection_plan",
}  # fmt: skip


@pytest.mark.parametrize("task", TASKS)
def test_the_master_passes_visible_and_hidden(checks, task):
    accept(checks, task, solutions(LAB)[TASKS[task]])


def test_the_master_passes_whatever_is_drawn(checks):
    """A check that fails right work once in a hundred draws fails somebody in every class."""
    for task, name in TASKS.items():
        for seed in draws(20 if task == "contract" else 200):
            getattr(checks[0], task).__wrapped__(solutions(LAB)[name], seed)


@pytest.mark.parametrize("task", TASKS)
def test_untouched_work_is_not_implemented(checks, task):
    refuse_untouched(checks, task)


# task 1


def budget(wakes, period_h, hop_s, rate=lambda w, p, h: min(w * h / p / 3600, 1.0)):
    if not (wakes >= 0 and period_h > 0 and hop_s > 0):
        raise ValueError
    share = rate(wakes, period_h, hop_s)
    return share, 100 - 100 * share


def rounded(*case):
    rate, rejection = budget(*case)
    return rate, round(rejection, 2)


def by_test(accuracy, word_share, hop_s, errors=lambda a, w: (1 - a) / (1 - w)):
    if not (0 <= word_share < 1 and word_share <= accuracy <= 1 and hop_s > 0):
        raise ValueError
    return errors(accuracy, word_share) / hop_s * 86_400


def any_accuracy(accuracy, word_share, hop_s):
    if not (0 <= word_share < 1 and 0 <= accuracy <= 1 and hop_s > 0):
        raise ValueError
    return (1 - accuracy) / (1 - word_share) / hop_s * 86_400


# task 2


def run_pass(rows, check, name, catch=Exception, copy=dict, double=None, other=True, text=None):
    """The pass with one thing changed. double: when a result is a duplicate; other: type told."""
    kept, duplicates, letters = [], [], []
    for i, row in enumerate(rows):
        try:
            found = check(copy(row))
        except catch as error:
            reason = text(error) if text else f"{type(error).__name__}: {error}"
            letters.append({"pass": name, "row": i, "reason": reason})
            continue
        if double(found) if double else found is None:
            duplicates.append(i)
        elif other and not isinstance(found, dict):
            letters.append({"pass": name, "row": i, "reason": "TypeError: no row"})
        else:
            kept.append(found)
    counts = {"read": len(rows), "written": len(kept), "duplicates": len(duplicates),
              "rejected": len(letters)}  # fmt: skip
    return {"kept": kept, "duplicates": duplicates, "letters": letters, "counts": counts}


def called_twice(rows, check, name):
    def twice(row):
        check(dict(row))
        return check(row)

    return run_pass(rows, twice, name)


def of_inputs(rows, check, name):
    found = run_pass(rows, check, name)
    ids = {row["id"] for row in found["kept"] if "id" in row}
    return found | {"kept": [row for row in rows if row.get("id") in ids]}


def read_what_was_written(rows, check, name):
    found = run_pass(rows, check, name)
    return found | {"counts": found["counts"] | {"read": found["counts"]["written"]}}


def claims(rows, check, name):
    found = run_pass(rows, check, name)
    return {key: AlwaysEqual() for key in found}


def claims_inside(rows, check, name):
    found = run_pass(rows, check, name)
    return found | {"letters": [dict.fromkeys(x, AlwaysEqual()) for x in found["letters"]]}


def wrapped(rows, check, name):
    def judge(row):
        try:
            return check(row)
        except ValueError:
            raise
        except Exception as error:
            raise RuntimeError("stopped") from error

    return run_pass(rows, judge, name, catch=ValueError)


# task 3


def word_spans(words, length_s, padding_s, clip_s, least, *, share=0.5, edges=True, measure="span",
               sure=float.__ge__, kept_only=False, long_first=False):  # fmt: skip
    """The rule with one thing changed. share: of the gap that a span may take."""
    pairs = []
    neighbours = [w for w in words if not kept_only or w[3] >= least]
    for word in words:
        _, start, end, score = word
        before = [w[2] for w in neighbours if w[2] <= start and w is not word]
        behind = [w[1] for w in neighbours if w[1] >= end and w is not word]
        low = start - share * (start - before[-1]) if before else (0.0 if edges else -9.0)
        high = end + share * (behind[0] - end) if behind else (length_s if edges else 1e9)
        first, last = max(start - padding_s, low), min(end + padding_s, high)
        nominal = end - start + 2 * padding_s
        seconds = {"word": end - start, "nominal": nominal}.get(measure, last - first)
        faults = [("unsure", not sure(float(score), float(least))), ("too-long", seconds > clip_s)]
        reason = next((name for name, bad in faults[:: -1 if long_first else 1] if bad), "")
        pairs.append((None, reason) if reason else ((first, last), ""))
    return pairs


# task 4

COLUMNS = {
    "clip_id": str, "speaker": str, "label": str, "seconds": float, "sample_rate": int,
    "source_id": str,
}  # fmt: skip


def schema(labels, rates, coerce=False, drop=(), nullable=(), unique=True, more=None, **checks):
    """The contract with one thing changed. checks: column -> pandera check instead."""
    rules = {
        "speaker": pa.Check.str_matches(r"^\d{5}$"),
        "label": pa.Check.isin(labels),
        "seconds": [pa.Check.gt(0), pa.Check.le(10)],
        "sample_rate": pa.Check.isin(rates),
    } | checks
    columns = {
        name: pa.Column(
            kind, rules.get(name), coerce=coerce, nullable=name in nullable,
            unique=unique and name == "clip_id",
        )
        for name, kind in COLUMNS.items()
        if name not in drop
    }  # fmt: skip
    return pa.DataFrameSchema(columns, **(more or {}))


def as_a_model(labels, rates):
    class Clip(pa.DataFrameModel):
        clip_id: str = pa.Field(unique=True)
        speaker: str = pa.Field(str_matches=r"^[0-9]{5}$")
        label: str = pa.Field(isin=labels)
        seconds: float = pa.Field(gt=0, le=10)
        sample_rate: int = pa.Field(isin=rates)
        source_id: str

    return Clip.to_schema()


def by_expressions(labels, rates):
    code = pl.col("speaker").str.contains(r"^[0-9]{5}$")
    return schema(labels, rates, speaker=pa.Check(lambda data: data.lazyframe.select(code)))


def one_verdict(labels, rates):
    code = pl.col("speaker").str.contains(r"^[0-9]{5}$").all()
    return schema(labels, rates, speaker=pa.Check(lambda data: data.lazyframe.select(code)))


# task 5


def collection_plan(cells, budget_usd, order=None, up=math.ceil, skip=True, part=False, full=None):
    """Fill cells in some order. order: key of (row, usd); part: the last cell with what is left."""
    rows = list(cells.iter_rows(named=True))
    needs = []
    for row in rows:
        lacking, share = max(row["wanted"] - row["clips"], 0), row["kept_share"]
        needs.append(0 if not lacking else up(lacking / share) if share else None)
    prices = [row["usd_per_clip"] for row in rows]
    usd = [math.inf if n is None else n * p for n, p in zip(needs, prices, strict=True)]
    left, collect = budget_usd, [0] * len(rows)
    for i in sorted(range(len(rows)), key=lambda i: order(rows[i], usd[i]) if order else usd[i]):
        if usd[i] <= left:
            collect[i] = needs[i]
        elif part and needs[i]:
            collect[i] = int(left // prices[i])
        elif not skip:
            break
        left -= collect[i] * prices[i]
    done = [c == n for c, n in zip(collect, needs, strict=True)]
    return cells.with_columns(
        collect=pl.Series(collect, dtype=pl.Int64),
        usd=pl.Series([c * p for c, p in zip(collect, prices, strict=True)], dtype=pl.Float64),
        full=pl.Series([full(c) for c in collect] if full else done, dtype=pl.Boolean),
    )  # fmt: skip


def without_waste(cells, budget_usd):
    return collection_plan(cells.with_columns(kept_share=pl.lit(1.0)), budget_usd).with_columns(
        cells["kept_share"]
    )


def as_objects(cells, budget_usd):
    claim = pl.Series([AlwaysEqual()] * cells.height, dtype=pl.Object)
    return collection_plan(cells, budget_usd).with_columns(usd=claim, collect=claim, full=claim)


RIGHT = [
    ("budget", budget),
    ("implied", by_test),
    ("account", run_pass),
    ("account", lambda *a: run_pass(*a, copy=lambda row: row | {})),
    ("spans", word_spans),
    ("spans", lambda *a: [list(pair) for pair in word_spans(*a)]),
    ("contract", schema),
    ("contract", as_a_model),
    ("contract", by_expressions),
    ("plan", collection_plan),
    ("plan", lambda *a: collection_plan(*a, skip=False)),
    ("plan", lambda *a: collection_plan(*a).with_columns(pl.col("collect").cast(pl.UInt32))),
]


@pytest.mark.parametrize(("task", "attempt"), RIGHT)
def test_right_work_of_another_kind_passes(checks, task, attempt):
    for seed in range(5 if task == "contract" else 40):
        getattr(checks[0], task).__wrapped__(attempt, seed)
    getattr(checks[1], task)(attempt)


WRONG = [
    ("budget", lambda *a: budget(*a, rate=lambda w, p, h: w / p / 3600), "windows"),
    ("budget", lambda *a: budget(*a, rate=lambda w, p, h: min(w * h / p, 1.0)), "x 3600"),
    ("budget", lambda *a: budget(*a, rate=lambda w, p, h: w * h / p / 3600), "never above one"),
    ("budget", rounded, "100 minus the rejection"),
    ("budget", lambda *a: (budget(*a)[0], budget(*a)[1] / 100), "in per cent"),
    ("budget", lambda *a: list(budget(*a)), r"return \(rate, rejection\)"),
    ("budget", lambda w, p, h: (min(w * h / p / 3600, 1), 100 - 100 * min(w * h / p / 3600, 1)),
     "cannot be"),
    ("budget", lambda *a: (AlwaysEqual(), AlwaysEqual()), "should be a number"),
    ("implied", lambda *a: by_test(*a, errors=lambda a, w: 1 - a), "1 - word_share"),
    ("implied", lambda *a: by_test(*a, errors=lambda a, w: (1 - a) * (1 - w)), "1 - word_share"),
    ("implied", lambda a, w, h: by_test(a, w, 1.0), "should be"),
    ("implied", any_accuracy, "an accuracy below word_share"),
    ("implied", lambda *a: AlwaysEqual(), "should be a number"),
    ("account", lambda *a: run_pass(*a, catch=ValueError), "run_pass stopped there"),
    ("account", lambda *a: run_pass(*a, catch=(ValueError, KeyError, ArithmeticError, OSError)),
     "run_pass stopped there"),
    ("account", wrapped, "run_pass stopped there"),
    ("account", lambda *a: run_pass(*a, catch=BaseException), "should raise (Keyboard|System)"),
    ("account", lambda *a: run_pass(*a, copy=lambda row: row), "give check a copy"),
    ("account", lambda *a: run_pass(*a, double=lambda x: not x), "only None means duplicate"),
    ("account", lambda *a: run_pass(*a, other=False), '"kept" should hold'),
    ("account", lambda *a: run_pass(*a, text=str), "type.error.*__name__"),
    ("account", called_twice, "once for each row"),
    ("account", of_inputs, "that check returned"),
    ("account", read_what_was_written, "read = written"),
    ("account", lambda *a: {"kept": []}, "result lacks"),
    ("account", lambda *a: AlwaysEqual(), "return a dictionary"),
    ("account", claims, "should be a list"),
    ("account", claims_inside, "should be '"),
    ("spans", lambda *a: word_spans(*a, share=1.0), "middle of a gap|limit the padding"),
    ("spans", lambda *a: word_spans(*a, share=1e9), "middle of a gap|limit the padding"),
    ("spans", lambda *a: word_spans(*a, edges=False), "nor over an end"),
    ("spans", lambda *a: word_spans(*a, kept_only=True), "whoever the neighbour is"),
    ("spans", lambda *a: word_spans(*a, measure="word"), "the whole span with clip_s"),
    ("spans", lambda *a: word_spans(*a, measure="nominal"), "then limit the padding"),
    ("spans", lambda *a: word_spans(*a, sure=float.__gt__), "'unsure'"),
    ("spans", lambda *a: word_spans(*a, long_first=True), "score first"),
    ("spans", lambda *a: [x for x in word_spans(*a) if x[0]], "pairs, not"),
    ("spans", lambda *a: [AlwaysEqual()] * len(a[0]), "a pair"),
    ("spans", lambda *a: [(AlwaysEqual(), AlwaysEqual())] * len(a[0]), "the reason of"),
    ("spans", lambda *a: [((AlwaysEqual(),) * 2, r) if s else (s, r) for s, r in word_spans(*a)],
     "should be a number"),
    ("contract", lambda *a: schema(*a, coerce=True), "a cast changes values|changes a good table"),
    ("contract", lambda *a: schema(*a, speaker=pa.Check.str_matches(r"^[0-9]{5}")), "021391"),
    ("contract", lambda *a: schema(*a, speaker=pa.Check.str_length(5, 5)), "O2139"),
    ("contract", lambda *a: schema(*a, speaker=pa.Check.str_matches(r"^[1-9]\d{4}$")), "refuses"),
    ("contract", lambda *a: schema(*a, speaker=None), "five digits"),
    ("contract", lambda *a: schema(*a, label=None), "isin"),
    ("contract", lambda *a: schema(*a, sample_rate=pa.Check.gt(0)), "column sample_rate"),
    ("contract", lambda *a: schema(*a, seconds=pa.Check.in_range(0, 10)), "zero is not allowed"),
    ("contract", lambda *a: schema(*a, seconds=pa.Check.gt(0)), "10 is the most"),
    ("contract", lambda *a: schema(*a, seconds=[pa.Check.gt(0), pa.Check.lt(10)]), "refuses"),
    ("contract", lambda *a: schema(*a, unique=False), "unique=True"),
    ("contract", lambda *a: schema(*a, nullable=("source_id",)), "None. in the column source_id"),
    ("contract", lambda *a: schema(*a, drop=("source_id",)), "column source_id"),
    ("contract", lambda *a: schema(*a, more={"strict": True}), "further column"),
    ("contract", lambda *a: schema(*a, more={"strict": "filter"}), "changes a table"),
    ("contract", lambda *a: schema(*a, more={"drop_invalid_rows": True}), "accepts"),
    ("contract", one_verdict, "look at each value"),
    ("contract", lambda *a: as_a_model, "DataFrameSchema"),
    ("contract", lambda *a: AlwaysEqual(), "DataFrameSchema"),
    ("plan", lambda *a: collection_plan(*a, order=lambda row, usd: 0), "can be filled"),
    ("plan", lambda *a: collection_plan(*a, order=lambda row, usd: -usd), "can be filled"),
    ("plan", lambda *a: collection_plan(*a, order=lambda row, usd: row["usd_per_clip"]),
     "can be filled"),
    ("plan", lambda *a: collection_plan(*a, order=lambda row, usd: row["clips"] - row["wanted"]),
     "can be filled"),
    ("plan", lambda *a: collection_plan(*a, part=True), "whole cells only"),
    ("plan", lambda *a: collection_plan(*a, up=math.floor), "rounded up"),
    ("plan", without_waste, "rejected clips are ordered too"),
    ("plan", lambda t, usd: collection_plan(t, 1e9), "spends"),
    ("plan", lambda t, usd: collection_plan(t, usd - 0.25), "can be filled"),
    ("plan", lambda *a: collection_plan(*a, full=lambda c: c > 0), "lacks nothing is full"),
    ("plan", lambda *a: collection_plan(*a).sort("usd"), "keep rows and their order"),
    ("plan", lambda *a: collection_plan(*a).filter(pl.col("collect") > 0), "keep rows"),
    ("plan", lambda *a: collection_plan(*a).with_columns(pl.col("collect") * 1.0), "whole numbers"),
    ("plan", lambda *a: collection_plan(*a).with_columns(pl.col("full") + 0), "True and False"),
    ("plan", lambda t, usd: t, "result lacks"),
    ("plan", lambda *a: AlwaysEqual(), "polars DataFrame"),
    ("plan", as_objects, "whole numbers"),
]  # fmt: skip


@pytest.mark.parametrize(("task", "attempt", "word"), WRONG)
def test_usual_slips_fail_with_a_hint(checks, task, attempt, word):
    refuse(checks, task, attempt, word)


def test_an_error_of_the_students_own_is_shown_as_it_is(checks):
    def misspelt(rows, check, name):
        return {"kept": []}["kepd"]

    with pytest.raises(KeyError, match="kepd"):
        checks[0].account(misspelt)


def test_checks_draw_new_numbers_each_time(checks):
    seen = set()

    def spy(*case):
        seen.add(case)
        return budget(*case)

    checks[0].budget(spy)
    checks[0].budget(spy)
    assert len([case for case in seen if case[2] not in (0.5, 1.0)]) >= 7


def test_another_course_gets_other_hidden_instances(monkeypatch):
    usual = expect.hidden_seeds("lab02")
    assert usual == expect.hidden_seeds("lab02") != expect.hidden_seeds("lab01")
    monkeypatch.setenv("KIT_GRADING_SEED", "autumn")
    assert expect.hidden_seeds("lab02") != usual
