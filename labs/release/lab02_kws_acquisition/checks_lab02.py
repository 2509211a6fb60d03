"""Visible checks of lab 02. They draw new numbers on every run and say what they expected."""

import itertools
import math

import pandera.polars as pa
import polars as pl

from kit.corpus.clips import broken_rules
from kit.course import expect
from kit.kws import targets
from kit.numbers import plural

_NAN = float("nan")
_NO_BUDGET = {
    "a negative number of wakes": (-1.0, 24.0, 1.0),
    "a period of zero": (1.0, 0.0, 1.0),
    "a hop of zero": (1.0, 24.0, 0.0),
    "a negative hop": (1.0, 24.0, -1.0),
    "a count that is not a number": (_NAN, 24.0, 1.0),
    "a period that is not a number": (1.0, _NAN, 1.0),
}
_NO_TEST = {
    "an accuracy above one": (98.0, 0.1, 1.0),
    "a negative word share": (0.98, -0.1, 1.0),
    "a test set of nothing but the word": (1.0, 1.0, 1.0),
    "an accuracy below word_share, where no word is missed,": (0.3, 0.4, 1.0),
    "a hop of zero": (0.98, 0.1, 0.0),
    "an accuracy that is not a number": (_NAN, 0.1, 1.0),
    "a word share that is not a number": (0.98, _NAN, 1.0),
}
_NAMES = ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "zero", "yes")


@expect.checked
def budget(wake_budget, seed=None):
    """Task 1: random promises, the edges, and input that cannot be."""
    dice = expect.dice(seed)
    drawn = [(dice.randint(1, 20), dice.choice([1, 8, 24, 168, 720])) for _ in range(4)]
    cases = [(wakes, period, round(dice.uniform(0.05, 0.9), 2)) for wakes, period in drawn]
    cases += [(0, 24, 0.5), (9, 0.001, 1.0)]  # no wake at all; more wakes than windows
    for case in cases:
        call = f"wake_budget{case}"
        got = wake_budget(*case)
        expect.true(
            type(got) is tuple and len(got) == 2, f"{call} should return (rate, rejection)."
        )
        rate = targets.allowed_fpr(*case) if case[0] else 0.0
        hint = "there are period_h x 3600 / hop_s windows; the rate is never above one"
        expect.near(got[0], rate, f"the rate of {call}", hint)
        # so close to 100 that only the difference tells right from wrong
        left = 100 - expect.as_number(got[1], f"the rejection of {call}")
        hint = "100 x (1 - rate), in per cent, with all its digits"
        expect.near(left, 100 * rate, f"100 minus the rejection of {call}", hint)
    expect.refuses_all(wake_budget, "wake_budget", _NO_BUDGET, dice)


@expect.checked
def implied(implied_wakes_per_day, seed=None):
    """Task 1: random tests, the edges, and input that cannot be."""
    dice = expect.dice(seed)
    shares = [round(dice.uniform(0.05, 0.5), 3) for _ in range(4)]
    cases = [(round(dice.uniform(0.85, 0.999), 3), s, dice.choice([0.1, 0.5])) for s in shares]
    cases += [(1.0, 0.2, 0.5), (0.5, 0.5, 1.0)]  # no error; wakes at every window
    for accuracy, share, hop in cases:
        rate = targets.implied_fpr(accuracy, share)
        wanted = targets.DAY_H * targets.false_accepts_per_hour(rate, hop)
        call = f"implied_wakes_per_day({accuracy}, {share}, {hop})"
        hint = (
            "all errors fell on windows without the word, a share of 1 - word_share; "
            "on the day every window is one of these"
        )
        expect.near(implied_wakes_per_day(accuracy, share, hop), wanted, call, hint)
    expect.refuses_all(implied_wakes_per_day, "implied_wakes_per_day", _NO_TEST, dice)


@expect.checked
def account(run_pass, seed=None):
    """Task 2: rows kept, changed, doubled and bad in every way, an empty list, and a stop."""
    dice = expect.dice(seed)
    rows, fates = _rows(dice)
    before, calls, name = [dict(row) for row in rows], [], dice.choice(["gates", "align", "split"])
    got = _run(run_pass, rows, _judge(fates, calls), name, fates)
    expect.true(type(got) is dict, "run_pass should return a dictionary.")
    expect.holds(got, ("kept", "duplicates", "letters", "counts"), "run_pass's result")
    hint = "call check once for each row, in order"
    expect.same_list(calls, list(fates), "the rows that check was called with", hint)
    expect.same_rows(rows, before, "the caller's rows", "give check a copy: dict(row)")
    _kept(got, before, fates)
    _letters(got["letters"], fates, name)
    _counts(got["counts"], [fate for fate, _ in fates.values()])
    empty = run_pass([], _judge({}, []), name)
    _counts(empty["counts"], [], " of an empty list")
    for stop in dice.sample([KeyboardInterrupt, SystemExit], 2):
        what = f"run_pass, when check raises {stop.__name__},"
        hint = "it is no error of a row; except Exception lets it through"
        expect.refuses(lambda s=stop: run_pass(rows, _raiser(s), name), what, hint, stop)


@expect.checked
def spans(word_spans, seed=None):
    """Task 3: random sentences with every case of the text, and a span that just fits."""
    dice = expect.dice(seed)
    for _ in range(3):
        _sentence_check(word_spans, *_sentence(dice))
    # numbers with exact binary fractions, so that "just" is exact
    _sentence_check(word_spans, [("yes", 0.5, 1.25, -1.0)], 2.0, 0.125, 1.0, -1.0)
    _sentence_check(word_spans, [], 2.0, 0.1, 1.0, -3.0)


@expect.checked
def contract(clip_schema, seed=None):
    """Task 4: good tables, each broken rule alone, and columns of another type."""
    dice = expect.dice(seed)
    labels, rates = dice.sample(_NAMES, 4), dice.sample([8000, 16_000, 22_050, 44_100, 48_000], 3)
    schema = clip_schema(list(labels), list(rates))
    kind = "clip_schema should return a pandera DataFrameSchema."
    expect.true(type(schema) is pa.DataFrameSchema, kind, "pa.DataFrameSchema({...})")
    table = _clips(dice, labels, rates)
    more = table.with_columns(more=1)
    for good, what in ((table, "a good table"), (more, "a table with a further column")):
        broken, kept = _validate(schema, good)
        rules = "; ".join(broken_rules(broken.failure_cases)) if broken else ""
        expect.true(broken is None, f"The schema refuses {what}: {rules}.")
        expect.true(kept.equals(good), f"The schema changes {what}.", "check, do not transform")
    for column, values, hint in _breaches(dice, labels, rates):
        rows = dice.sample(range(table.height), len(values))
        _broken_rows(schema, table, column, rows, values, hint)
    first, again = sorted(dice.sample(range(table.height), 2))
    twice = [table["clip_id"][first]] * 2
    _broken_rows(schema, table, "clip_id", [first, again], twice, "unique=True", {first})
    for what, wrong, hint in _wrong_columns(dice, table):
        message = f"The schema accepts a table with {what}."
        expect.true(_validate(schema, wrong)[0] is not None, message, hint)


@expect.checked
def plan(collection_plan, seed=None):
    """Task 5: random cells, compared with every plan there is."""
    dice = expect.dice(seed)
    for cells, money in [_trap(dice)] + [_cells(dice, s) for s in (0, 0.4, 0.7, 0.9, 1)]:
        before = cells.clone()
        got = collection_plan(cells, money)
        call = f"collection_plan({cells.height} cells, {money})"
        expect.true(cells.equals(before), "collection_plan must not change the table it is given.")
        expect.true(type(got) is pl.DataFrame, "collection_plan should return a polars DataFrame.")
        names = [*cells.columns, "collect", "usd", "full"]
        expect.holds(got.columns, names, "collection_plan's result")
        hint = "keep rows and their order"
        expect.true(got.height == cells.height, f"{call} gives {got.height} rows.", hint)
        expect.true(got.select(cells.columns).equals(cells), f"{call} changes the cells.", hint)
        _whole_cells(got, call)
        _best(got, money, call)


class _Broken(Exception):
    """An error that no list of known errors holds."""


def _rows(dice):
    """Rows, and what check does with each: dict of id -> (fate, error or wrong result)."""
    errors = [
        ValueError("too short"), KeyError("label"), ZeroDivisionError("no samples"),
        StopIteration("end of file"), OSError(5, "cannot read"), _Broken("clipped"), TypeError(),
    ]  # fmt: skip
    wrong = dice.sample([False, 0, "", []], 2) + dice.sample([True, 0.5, "kept", ("kept", 1)], 2)
    fates = [("keep", None)] * dice.randint(3, 9) + [("change", None)] * dice.randint(2, 5)
    fates += [("double", None)] * dice.randint(2, 6)
    fates += [("error", error) for error in dice.sample(errors, 6)]
    fates += [("wrong", result) for result in wrong]
    dice.shuffle(fates)
    ids = [f"c{n}" for n in dice.sample(range(100, 1000), len(fates))]
    rows = [{"id": i, "word": dice.choice(_NAMES), "seconds": dice.random()} for i in ids]
    return rows, dict(zip(ids, fates, strict=True))


def _judge(fates, calls):
    """A check that treats each row as `fates` says, and notes which rows it got."""

    def check(row):
        calls.append(row["id"])
        fate, result = fates[row["id"]]
        if fate != "keep":
            row["word"] = row["word"].upper()  # a bad or doubled row is changed as well
        if fate == "error":
            raise result
        return row if fate in ("keep", "change") else result

    return check


def _raiser(stop):
    def check(row):
        raise stop

    return check


def _run(run_pass, rows, check, name, fates):
    """What run_pass returns; an error of a row that comes out of it is a failed check."""
    planted = [result for fate, result in fates.values() if fate == "error"]
    try:
        return run_pass(rows, check, name)
    except NotImplementedError:
        raise
    except Exception as error:
        chain = (error, error.__cause__, error.__context__)
        if not any(e is p for e in chain for p in planted):
            raise
        what = f"check raised {type(error).__name__}({error}), and run_pass stopped there."
        return expect.fail(what, "one bad row must never stop the pass, whatever its exception")


def _kept(got, before, fates):
    """Rows that were kept or changed, and the numbers of the doubled ones."""
    upper = [row | {"word": row["word"].upper()} for row in before]
    known = [fate for fate, _ in fates.values()]
    either = {"keep": before, "change": upper}
    wanted = [either[fate][i] for i, fate in enumerate(known) if fate in either]
    expect.same_rows(got["kept"], wanted, '"kept"', "the dictionaries that check returned")
    doubled = [i for i, fate in enumerate(known) if fate == "double"]
    hint = "only None means duplicate; count rows from zero"
    expect.same_list(got["duplicates"], doubled, '"duplicates"', hint)


def _letters(letters, fates, name):
    """A letter for each bad row, with its reason."""
    bad = [(i, *x) for i, x in enumerate(fates.values()) if x[0] in ("error", "wrong")]
    hint = "a letter for each exception, and for each result that is no dictionary and not None"
    expect.same_rows(letters, [{"pass": name, "row": i} for i, _, _ in bad], '"letters"', hint)
    for letter, (i, fate, result) in zip(letters, bad, strict=True):
        expect.holds(letter, ["reason"], f"the letter of row {i}")
        reason, what = letter["reason"], f"the reason of row {i}"
        if fate == "error":
            hint = "type(error).__name__, colon, space, str(error)"
            expect.same(reason, f"{type(result).__name__}: {result}", what, hint)
        else:
            told = type(reason) is str and reason.startswith("TypeError")
            expect.true(told, f"{what}: check returned {result!r}, so it should be a TypeError.")


def _counts(counts, fates, where=""):
    """read, written, duplicates and rejected of these fates, a list of str."""
    wanted = {
        "read": len(fates),
        "written": fates.count("keep") + fates.count("change"),
        "duplicates": fates.count("double"),
        "rejected": fates.count("error") + fates.count("wrong"),
    }
    expect.true(type(counts) is dict, f'"counts"{where} should be a dictionary.')
    expect.holds(counts, wanted, f'"counts"{where}')
    for key, value in wanted.items():
        hint = "read = written + duplicates + rejected"
        expect.same(counts[key], value, f'"{key}"{where}', hint)


def _sentence(dice):
    """(words, length_s, padding_s, clip_s, least): each special word between two plain ones."""
    clip, padding = dice.choice([0.6, 0.8, 1.0]), round(dice.uniform(0.03, 0.1), 3)
    least = round(dice.uniform(-4, -2), 2)
    kinds = ["plain"]
    for kind in dice.sample(["unsure", "tight", "long", "wide", "both"], 5):
        kinds += [kind, "plain"]
    kinds.insert(0, "plain")
    # seconds of a word, and of the gap to each neighbour in units of the padding
    seconds = {"tight": clip - padding / 2, "wide": clip - padding / 2, "long": clip + 0.1,
               "both": clip + 0.1}  # fmt: skip
    gaps = {"tight": 0.2, "wide": 3.0, "unsure": dice.uniform(0.2, 1.5), "long": 0.9, "both": 1.1}
    at, words = dice.uniform(0.1, 0.7) * padding, []
    for i, kind in enumerate(kinds):
        if i:
            special = kind if kind != "plain" else kinds[i - 1]
            at += padding * gaps.get(special, dice.choice([0.0, 0.5, 1.5, 2.5]))
        end = at + seconds.get(kind, dice.uniform(0.1, 0.3))
        unsure = kind in ("unsure", "both")
        score = least - dice.uniform(0.1, 2) if unsure else least + dice.choice([0.0, 0.3, 1.7])
        words.append((dice.choice(_NAMES), round(at, 4), round(end, 4), round(score, 2)))
        at = end
    return words, round(at + dice.uniform(0.1, 0.7) * padding, 4), padding, clip, least


def _sentence_check(word_spans, words, length, padding, clip, least):
    got = word_spans(list(words), length, padding, clip, least)
    call = f"word_spans({len(words)} words, {length}, {padding}, {clip}, {least})"
    expect.true(type(got) is list, f"{call} should return a list.")
    expect.true(len(got) == len(words), f"{call} should give {len(words)} pairs, not {len(got)}.")
    ends = [0.0] + [word[2] for word in words]
    starts = [word[1] for word in words] + [length]
    for i, (_, start, end, score) in enumerate(words):
        first = max(start - padding, (ends[i] + start) / 2 if i else 0.0)
        last = min(end + padding, (end + starts[i + 1]) / 2 if i + 1 < len(words) else length)
        around = f"the word before ends at {ends[i]}, " if i else "it is the first, "
        around += f"the next begins at {starts[i + 1]}" if i + 1 < len(words) else "it is the last"
        what = f"word {i} ({start} to {end} s, score {score}; {around}) of {call}"
        reason = "unsure" if score < least else "too-long" if last - first > clip else ""
        _pair(got[i], (None if reason else (first, last)), reason, what)


def _pair(found, span, reason, what):
    pair = type(found) in (tuple, list) and len(found) == 2
    expect.true(pair, f"{what} should have a pair (span, reason).")
    hint = "score first; then limit the padding; then compare the whole span with clip_s"
    expect.same(found[1], reason, f"the reason of {what}", hint)
    if span is None:
        expect.true(found[0] is None, f"the span of {what} should be None.")
        return
    ends = type(found[0]) in (tuple, list) and len(found[0]) == 2
    expect.true(ends, f"the span of {what} should be (start_s, end_s).")
    hint = "padding, but not over the middle of a gap, whoever the neighbour is, nor over an end"
    for name, got, want in zip(("start", "end"), found[0], span, strict=True):
        expect.near(got, want, f"the {name} of {what}", hint)


def _clips(dice, labels, rates):
    """A good table of clips, with both ends of what is allowed."""
    n = dice.randint(8, 14)
    seconds = [10.0, 0.01] + [round(dice.uniform(0.1, 9.9), 2) for _ in range(n - 2)]
    codes = ["00000", "02139"] + [f"{dice.randrange(10**5):05d}" for _ in range(n - 2)]
    for column in (seconds, codes):
        dice.shuffle(column)
    return pl.DataFrame({
        "clip_id": [f"c{i}" for i in dice.sample(range(1000), n)],
        "speaker": codes,
        "label": [dice.choice(labels) for _ in range(n)],
        "seconds": seconds,
        "sample_rate": [dice.choice(rates) for _ in range(n)],
        "source_id": [f"book-{dice.randint(1, 3)}" for _ in range(n)],
    })  # fmt: skip


def _breaches(dice, labels, rates):
    """Each rule of the contract broken alone: list of (column, values, hint)."""
    code = "five digits from the start to the end, and no more; zeros in front belong to it"
    other = next(name for name in _NAMES if name not in labels)
    cases = [
        ("speaker", ["2139", "501"], code),
        ("speaker", ["021391"], code),
        ("speaker", ["O2139", "0213x"], code),
        ("speaker", [""], code),
        ("label", [other], "pa.Check.isin"),
        ("label", [labels[0].upper()], "pa.Check.isin"),
        ("seconds", [0.0, -1.5], "above 0: zero is not allowed"),
        ("seconds", [10.01, 60.0], "10 is the most"),
        ("sample_rate", [96_000, max(rates) - 1], "pa.Check.isin"),
    ]
    columns = ("clip_id", "speaker", "label", "seconds", "sample_rate", "source_id")
    cases += [(c, [None], "nullable is False unless you change it") for c in columns]
    return dice.sample(cases, len(cases))


def _wrong_columns(dice, table):
    """Tables whose columns are missing or of another type: list of (what, table, hint)."""
    hint = "give each column its type, and no coerce=True: a cast changes values without a word"
    whole = [dice.randrange(10_000, 100_000) for _ in range(table.height)]
    wrong = [
        ("speaker codes that became whole numbers", table.with_columns(speaker=pl.Series(whole))),
        ("seconds written as text", table.with_columns(pl.col("seconds").cast(pl.String))),
        ("rates written as text", table.with_columns(pl.col("sample_rate").cast(pl.String))),
        ("clip ids that became numbers", table.with_columns(clip_id=pl.int_range(pl.len()))),
    ]
    wrong = [(what, bad, hint) for what, bad in wrong]
    absent = [(f"no column {c}", table.drop(c), "all columns must be there") for c in table.columns]
    return wrong + absent


def _validate(schema, table):
    """(errors or None, validated table or None)."""
    try:
        return None, schema.validate(table, lazy=True)
    except pa.errors.SchemaErrors as fault:
        return fault, None


def _broken_rows(schema, table, column, rows, values, hint, optional=frozenset()):
    """The schema must refuse `values` in a column and name their rows, all but the `optional`."""
    new = table[column].to_list()
    for row, value in zip(rows, values, strict=True):
        new[row] = value
    fault, _ = _validate(schema, table.with_columns(pl.Series(column, new, table[column].dtype)))
    what = f"{values} in the column {column}"
    expect.true(fault is not None, f"The schema accepts {what}.", hint)
    named = set(fault.failure_cases["index"].drop_nulls().to_list())
    told = f"With {what} in rows {sorted(rows)} it names rows {sorted(named)}."
    hint = "a check must look at each value, not at the column as a whole; " + hint
    expect.true(set(rows) - optional <= named <= set(rows), told, hint)


def _cells(dice, spare):
    """Random cells, and money for the cheapest ones and the share `spare` of the next.

    Prices are in quarters of a dollar, so that sums are exact.
    """
    rows = [_cell(dice) for _ in range(dice.randint(3, 6))]
    rows += [(150, 100, 0.5, 0.8), (90, 90, 1.0, 0.0)]  # nothing lacks
    rows += [(0, 40, 0.25, 0.0)]  # nothing passes
    dice.shuffle(rows)
    cells = _cell_table(rows)
    costs = sorted(_costs(cells).values())
    bought = dice.randrange(len(costs))
    return cells, sum(costs[:bought]) + int(4 * spare * costs[bought]) / 4


def _trap(dice):
    """First a cell that is cheap by the clip and dear as a whole; money for the three others."""
    wanted = [dice.choice([57, 59]) for _ in range(3)]
    rest = [(50, n, dice.choice([1.5, 2.0]), 0.4) for n in wanted]
    money = sum(_costs(_cell_table(rest)).values())
    dear = (0, int(money * dice.uniform(2.8, 3.8)), 0.25, 1.0)  # costs 70 to 95 % of the money
    return _cell_table([dear, *rest]), money


def _cell(dice):
    while True:
        clips, share = dice.randint(0, 200), dice.choice([0.25, 0.4, 0.5, 0.6, 0.8, 0.9, 1.0])
        lacking = dice.randint(1, 300)
        off = abs(lacking / share - round(lacking / share))
        if share in (0.25, 0.5, 1.0) or off > 1e-6:  # rounding must not decide
            return clips, clips + lacking, dice.randint(1, 12) / 4, share


def _cell_table(rows):
    table = pl.DataFrame(
        rows, orient="row", schema=["clips", "wanted", "usd_per_clip", "kept_share"]
    )
    names = [f"cohort-{i}" for i in range(len(rows))]
    return table.select(pl.Series("cohort", names), pl.all())


def _costs(cells):
    """dict of row number -> USD to fill it, for the cells that lack clips and can be filled."""
    return {
        i: math.ceil((row["wanted"] - row["clips"]) / row["kept_share"]) * row["usd_per_clip"]
        for i, row in enumerate(cells.iter_rows(named=True))
        if row["wanted"] > row["clips"] and row["kept_share"] > 0
    }


def _whole_cells(got, call):
    """Every cell is filled or left alone, and its price and `full` follow from that."""
    whole = got["collect"].dtype.is_integer()
    expect.true(whole, '"collect" should hold whole numbers.', ".cast(pl.Int64)")
    expect.true(got["full"].dtype == pl.Boolean, '"full" should hold True and False.')
    usd, costs = expect.as_array(got["usd"], '"usd"'), _costs(got)
    for i, row in enumerate(got.iter_rows(named=True)):
        lacking, share = max(row["wanted"] - row["clips"], 0), row["kept_share"]
        what = f"row {i} of {call} ({lacking} clips lacking, {share} kept)"
        need = math.ceil(lacking / share) if i in costs else 0
        choice = f"0 or {need}" if need else "0"
        hint = "rejected clips are ordered too: lacking / kept_share, rounded up; whole cells only"
        wrong = f'"collect" of {what} should be {choice}, but is {row["collect"]}.'
        expect.true(row["collect"] in (0, need), wrong, hint)
        expect.near(usd[i], row["collect"] * row["usd_per_clip"], f'"usd" of {what}')
        full = lacking == 0 or row["collect"] > 0
        hint = "a cell that lacks nothing is full, one that stays as it is and lacks clips is not"
        expect.same(row["full"], full, f'"full" of {what}', hint)


def _best(got, money, call):
    """The budget is kept, and no plan of all fills more cells or as many for less."""
    spent, costs = sum(got["usd"].to_list()), _costs(got)
    expect.true(spent <= money, f"{call} spends {spent} USD of {money}.", "keep to the budget")
    ways = [w for n in range(len(costs) + 1) for w in itertools.combinations(costs.values(), n)]
    most, usd = max((len(w), -sum(w)) for w in ways if sum(w) <= money)
    filled = sum(n > 0 for n in got["collect"].to_list())
    hint = "sort by what the whole cell costs, and fill from the cheapest; the budget may be spent"
    done = f"{call} fills {plural(filled, 'cell')} for {spent} USD"
    expect.true(filled == most, f"{done}; {most} can be filled.", hint)
    expect.true(spent == -usd, f"{done}; {-usd} USD are enough.", hint)
