"""Rules vote or abstain and never crash; the label model finds what they are worth."""

from types import SimpleNamespace

import numpy as np
import polars as pl
import pytest
from helpers import code, finite

from kit.audio.features import extract
from kit.audio.quality import speech_span
from kit.labeling.assisted import weak_audio
from kit.labeling.assisted.weak import (
    ABSTAIN,
    Votes,
    apply,
    compared,
    coverage,
    label_model,
    labeling_function,
)
from kit.labeling.dawid_skene import Prior

LABELS = ("a", "b", "c", "d")
# accuracy, propensity where it knows the truth, propensity where it does not, its labels
FUNCTIONS = (
    (0.9, 0.8, 0.0, (0, 1, 2, 3)), (0.7, 0.5, 0.0, (0, 1, 2, 3)), (0.6, 0.9, 0.0, (0, 1, 2, 3)),
    (0.8, 0.3, 0.0, (0, 1, 2, 3)), (1.0, 0.7, 0.05, (0,)), (0.85, 0.6, 0.1, (1, 2)),
)  # fmt: skip
BALANCE = (0.4, 0.3, 0.2, 0.1)


def simulated(n, seed=0, functions=FUNCTIONS):
    """(Votes, truth int[n]): drawn one by one as the model says."""
    rng = np.random.default_rng(seed)
    truth = rng.choice(len(LABELS), n, p=BALANCE)
    codes = np.full((n, len(functions)), -1)
    for i, y in enumerate(truth):
        for j, (a, b, c, own) in enumerate(functions):
            if rng.random() >= (b if y in own else c):
                continue
            if y in own:
                others = [x for x in own if x != y]
                codes[i, j] = y if not others or rng.random() < a else rng.choice(others)
            else:
                codes[i, j] = rng.choice(own)
    made = tuple(SimpleNamespace(name=f"f{j}", labels=tuple(LABELS[x] for x in own))
                 for j, (*_, own) in enumerate(functions))  # fmt: skip
    return Votes(codes, made, LABELS), truth


def names(truth):
    return [LABELS[y] for y in truth]


# --- voting


@labeling_function(labels=("short", "long"))
def by_length(text):
    return "short" if len(text) < 3 else "long"


@labeling_function(labels="long")
def shouts(text):
    return "long" if text.isupper() else ABSTAIN


@labeling_function("halves", labels=("short", "long"), batch=True)
def in_batches(texts):
    return [by_length(x) for x in texts]


def test_functions_vote_or_abstain():
    votes = apply([by_length, shouts, in_batches], ["a", "abcd", "ABCD"])
    assert votes.labels == ("short", "long")
    assert votes.codes.tolist() == [[0, -1, 0], [1, -1, 1], [1, 1, 1]]
    assert [f.name for f in votes.functions] == ["by_length", "shouts", "halves"]
    assert votes.faults.height == 0
    table = votes.table()
    assert table.row(1) == (0, "shouts", None)
    assert table.row(8) == (2, "halves", "long")


def test_a_function_that_raises_abstains_there_and_is_told():
    """One bad item of a batch costs that item alone."""
    votes = apply([by_length, in_batches, shouts], ["a", 7, "abcd", "x", 8.5])
    assert votes.codes[:, :2].tolist() == [[0, 0], [-1, -1], [1, 1], [0, 0], [-1, -1]]
    assert votes.codes[[1, 4], 2].tolist() == [-1, -1]
    assert votes.faults["function"].to_list() == ["by_length"] * 2 + ["halves"] * 2 + ["shouts"] * 2
    assert votes.faults["item"].to_list() == [1, 4] * 3
    assert votes.faults["message"][0].startswith("TypeError: object of type 'int'")


@pytest.mark.parametrize("odd", ["medium", float("nan"), 1, True, b"short", [], np.zeros(2)])
def test_an_unknown_label_counts_as_silence_and_is_told(odd):
    f = labeling_function("odd", labels=("short", "long"))(lambda x: odd if x == 1 else "long")
    votes = apply([f], [0, 1, 2])
    assert votes.codes.ravel().tolist() == [1, -1, 1]
    assert votes.faults.rows()[0][:2] == ("odd", 1)
    assert "none of its labels" in votes.faults["message"][0]


def test_true_is_not_one():
    f = labeling_function("f", labels=(0, 1))(lambda x: x)
    assert apply([f], [1, True, np.int64(1), np.True_]).codes.ravel().tolist() == [1, -1, 1, -1]


@pytest.mark.parametrize("answer", [["long"], "long", None, 3])
def test_a_batch_of_another_length_is_a_fault(answer):
    f = labeling_function("f", labels="long", batch=True)(
        lambda xs: answer if len(xs) > 1 else ["long"])  # fmt: skip
    votes = apply([f], [1, 2, 3])  # halved down to single items, which it can do
    assert votes.codes.ravel().tolist() == [0, 0, 0]
    never = labeling_function("f", labels="long", batch=True)(lambda xs: ["long"] * 9)
    assert apply([never], [1, 2, 3]).faults["item"].to_list() == [0, 1, 2]


def test_rows_of_a_table_are_dicts_and_batches_tables():
    rows = labeling_function("rows", labels=("hi", "lo"))(lambda r: "hi" if r["x"] > 1 else "lo")
    both = labeling_function("both", labels=("hi", "lo"), batch=True)(
        lambda t: t.select(pl.when(pl.col("x") > 1).then(pl.lit("hi")))["literal"])  # fmt: skip
    votes = apply([rows, both], pl.DataFrame({"x": [0, 1, 2]}))
    assert votes.codes.tolist() == [[1, -1], [1, -1], [0, 0]]


def test_what_cannot_be_applied_is_refused():
    assert code(apply, [], [1]) == "empty"
    assert code(apply, [by_length], []) == "empty"
    assert code(apply, [by_length, by_length], ["a"]) == "duplicate-name"
    assert code(apply, [len], ["a"]) == "type"
    assert code(apply, [by_length], iter("ab")) == "type"
    assert code(apply, [by_length], {"a": 1}) == "type"
    numbers = labeling_function("numbers", labels=(1, 2))(lambda x: 1)
    assert code(apply, [by_length, numbers], ["a"]) == "mixed-types"
    for labels in ((), ("a", "a"), ("a", 1), (1.5, 2.5), (None,), (float("nan"),)):
        assert code(labeling_function, "f", labels=labels) == "labels"


# --- coverage


def test_coverage_by_hand():
    votes = Votes(
        np.array([[0, 0, -1], [0, 1, -1], [1, -1, -1], [-1, -1, -1]]),
        tuple(SimpleNamespace(name=x, labels=LABELS) for x in "xyz"), LABELS)  # fmt: skip
    table = coverage(votes, ["a", "b", None, "a"])
    assert table["coverage"].to_list() == [0.75, 0.5, 0]
    assert table["overlap"].to_list() == [0.5, 0.5, 0]
    assert table["conflict"].to_list() == [0.25, 0.25, 0]
    assert table["known"].to_list() == [2, 2, 0]
    assert table["accuracy"].to_list() == [0.5, 1, None]
    assert table["low"][2] is None
    assert table["note"].to_list() == ["", "", "never votes"]
    assert coverage(votes)["accuracy"].null_count() == 3
    assert finite(table)
    # a truth that no function knows makes every vote wrong
    assert coverage(votes, ["z", "b", None, float("nan")])["accuracy"].to_list() == [0, 0.5, None]
    assert code(coverage, votes, ["a"]) == "shape"
    assert code(coverage, votes, [1, 2, 3, 4]) == "mixed-types"


# --- the label model


@pytest.fixture(scope="module")
def many():
    return simulated(12_000)


def test_it_recovers_what_functions_are_worth(many):
    votes, truth = many
    found = label_model(votes)
    assert found.converged
    assert found.balance == pytest.approx(BALANCE, abs=0.02)
    right = coverage(votes, names(truth))["accuracy"].to_numpy()
    assert found.functions["accuracy"].to_numpy() == pytest.approx(right, abs=0.02)
    assert found.functions["propensity"].to_numpy() == pytest.approx((votes.codes >= 0).mean(0))
    # probabilities mean what they say
    p, voted = found.posterior, (votes.codes >= 0).any(1)
    for k in range(4):
        sure = voted & (p[:, k] > 0.6) & (p[:, k] < 0.8)
        assert (truth[sure] == k).mean() == pytest.approx(p[sure, k].mean(), abs=0.06)


def test_it_beats_the_majority_where_its_assumptions_hold(many):
    votes, truth = many
    table = compared(votes, names(truth))
    share = dict(zip(table["method"], table["accuracy"], strict=True))
    assert share["generative"] > share["majority"] + 0.015
    assert share["generative"] > share["dawid-skene"]
    assert finite(table)


def plain_em(votes, balance, prior, steps):
    """The model of `label_model`, item by item in plain Python; independent of its code."""
    k, m = len(votes.labels), len(votes.functions)
    own = [[votes.labels.index(x) for x in f.labels] for f in votes.functions]
    posterior = []
    for row in votes.codes:
        share = [sum(v == x for v in row) + 1 / k for x in range(k)]
        posterior.append([s / sum(share) for s in share])
    for _ in range(steps):
        pi = [sum(p[x] for p in posterior) + prior.classes for x in range(k)]
        pi = balance or [x / sum(pi) for x in pi]
        rates = []
        for j in range(m):
            right = vote = knew = stray = strange = 0.0
            for row, p in zip(votes.codes, posterior, strict=True):
                for x in range(k):
                    if x in own[j]:
                        knew, vote = knew + p[x], vote + p[x] * (row[j] >= 0)
                        right += p[x] * (row[j] == x)
                    else:
                        strange, stray = strange + p[x], stray + p[x] * (row[j] >= 0)
            more = prior.right + prior.spread / len(own[j])
            rates.append(((right + more) / (vote + prior.right + prior.spread),
                          (vote + 1) / (knew + 2), (stray + 1) / (strange + 2)))  # fmt: skip
        for i, row in enumerate(votes.codes):
            p = []
            for x in range(k):
                chance = pi[x]
                for j, v in enumerate(row):
                    a, b, c = rates[j]
                    if x in own[j]:
                        chance *= 1 - b if v < 0 else b * a if v == x else (
                            b * (1 - a) / (len(own[j]) - 1))  # fmt: skip
                    else:
                        chance *= 1 - c if v < 0 else c / len(own[j])
                p.append(chance)
            posterior[i] = [x / sum(p) for x in p]
    return np.array(posterior)


@pytest.mark.parametrize("balance", [None, list(BALANCE)])
def test_it_is_what_plain_python_finds(balance):
    votes, _ = simulated(150, seed=3)
    prior = Prior(3.0, 2.0, 1.5)
    found = label_model(votes, balance, prior, iterations=7, tolerance=0)
    assert not found.converged
    wanted = plain_em(votes, balance, prior, 7) * (votes.codes >= 0).any(1)[:, None]
    assert found.posterior == pytest.approx(wanted, abs=1e-12)


def test_a_known_balance_is_kept_and_checked(many):
    votes, _ = many
    assert label_model(votes, [0.25] * 4, iterations=3).balance.tolist() == [0.25] * 4
    assert code(label_model, votes, [0.5, 0.5]) == "balance"
    assert code(label_model, votes, [0.5, 0.5, 0.5, 0.5]) == "balance"
    assert code(label_model, votes, [1, 0, 0, 0]) == "not-fraction"
    assert code(label_model, votes, iterations=0) == "not-count"


def test_ties_and_silence_are_stated():
    two = tuple(SimpleNamespace(name=x, labels=("a", "b")) for x in "xy")
    votes = Votes(np.array([[0, 1], [1, 0], [-1, -1], [1, 1], [0, 0]]), two, ("a", "b"))
    found = label_model(votes)
    assert found.items["tie"].to_list() == [True, True, False, False, False]
    assert found.items["label"].to_list() == ["a", "a", None, "b", "a"]
    assert found.items["confidence"][2] is None
    assert found.items["note"][2] == "no function votes"
    assert "more frequent" in found.items["note"][0]
    assert found.posterior[2].tolist() == [0, 0]
    assert found.posterior[[0, 1, 3, 4]].sum(1) == pytest.approx(1)
    assert "fewer than three" in found.functions["note"][0]
    often = label_model(votes._replace(codes=np.array([[0, 1], [1, 0], [1, 1], [1, -1], [-1, 0]])))
    assert finite(often.items)


def test_a_function_that_never_votes_is_worth_nothing_known():
    votes, _ = simulated(500)
    quiet = votes.codes.copy()
    quiet[:, 1] = -1
    found = label_model(votes._replace(codes=quiet))
    assert found.functions["accuracy"][1] is None
    assert found.functions["note"][1] == "never votes"
    assert finite(found.functions)
    without = np.delete(quiet, 1, axis=1)
    same = label_model(Votes(without, (*votes.functions[:1], *votes.functions[2:]), LABELS))
    assert same.posterior == pytest.approx(found.posterior, abs=1e-5)
    assert code(label_model, votes._replace(codes=np.full_like(quiet, -1))) == "no-votes"
    assert finite(compared(votes, [None] * 500))


def test_one_label_is_stated():
    f = labeling_function("f", labels="yes")(lambda x: "yes" if x else None)
    found = label_model(apply([f], [1, 0, 1]))
    assert found.items["label"].to_list() == ["yes", None, "yes"]
    assert found.items["confidence"].to_list() == [1, None, 1]
    assert found.functions["accuracy"].to_list() == [1]
    assert "one label only" in found.functions["note"][0]


def test_votes_that_cannot_be_are_refused():
    votes, _ = simulated(10)
    assert code(label_model, votes._replace(codes=votes.codes[:, :2])) == "shape"
    assert code(label_model, votes._replace(codes=votes.codes[:0])) == "shape"
    for bad in (votes.codes + 9, votes.codes - 9, votes.codes * 1.0):
        assert code(coverage, votes._replace(codes=bad)) == "unknown-label"
    strange = votes.codes.copy()
    strange[0, 4] = 3  # function 4 knows "a" alone
    assert code(label_model, votes._replace(codes=strange)) == "unknown-label"


# --- rules for spoken digits

RATE = 16_000


def sound(*parts, seed=0):
    """int16[16000]: parts (kind, seconds) one after the other in the middle of soft noise."""
    rng = np.random.default_rng(seed)
    made = []
    for kind, seconds in parts:
        t = np.arange(round(seconds * RATE)) / RATE
        hiss = 0.15 * rng.standard_normal(len(t))
        tones = {"vowel": (0.5, 400), "open": (0.5, 900), "soft": (0.2, 1000)}
        size, hz = tones.get(kind, (0, 0))
        noise = {"hiss": 1.0, "gap": 0.1}.get(kind, 0.0)
        made.append(size * np.sin(2 * np.pi * hz * t) + noise * hiss)
    word = np.concatenate(made)
    clip = 1e-4 * rng.standard_normal(RATE)
    start = (RATE - len(word)) // 2
    clip[start : start + len(word)] += word
    return (clip * 32_000).astype(np.int16)


SOUNDS = {
    "0": ("by_length", [("vowel", 0.6)]),
    "2": ("by_first_hiss", [("hiss", 0.08), ("vowel", 0.2)]),
    "6": ("by_final_hiss", [("hiss", 0.12), ("vowel", 0.15), ("hiss", 0.12)]),
    "7": ("by_syllables", [("vowel", 0.15), ("gap", 0.08), ("vowel", 0.15)]),
    "8": ("by_final_hiss", [("vowel", 0.2), ("gap", 0.08), ("hiss", 0.12)]),
    "1": ("by_open_vowel", [("vowel", 0.07), ("open", 0.12), ("vowel", 0.07)]),
    "9": ("by_open_vowel", [("vowel", 0.12), ("open", 0.18), ("vowel", 0.12)]),
    "5": ("by_soft_start", [("soft", 0.1), ("open", 0.2), ("vowel", 0.1)]),
}


@pytest.mark.parametrize("word", SOUNDS)
def test_each_rule_hears_what_it_was_made_for(word):
    name, parts = SOUNDS[word]
    votes = apply(weak_audio.RULES, np.stack([sound(*parts), np.zeros(RATE, np.int16)]))
    column = [f.name for f in votes.functions].index(name)
    assert votes.labels[votes.codes[0, column]] == word
    assert (votes.codes[1] == -1).all()  # silence
    assert votes.faults.height == 0


def test_measures_are_seconds_and_shares():
    m = weak_audio.measures(np.stack([sound(("vowel", 0.3)), np.zeros(RATE, np.int16)]))
    assert m["speech_s"][0] == pytest.approx(0.3, abs=0.03)
    for part in ("early", "middle", "late"):
        assert m[part][0] == pytest.approx(2 * 400 / RATE, abs=0.01)
    assert m["peaks"][0] == 1
    assert all(np.isnan(m[x][1]) for x in m)


def test_a_template_knows_its_words_at_another_pace():
    slow = [sound(("hiss", 0.2), ("vowel", 0.3)), sound(("vowel", 0.3), ("open", 0.2))]
    fast = [sound(("hiss", 0.12), ("vowel", 0.13), seed=1), sound(("vowel", 0.13), ("open", 0.1))]
    f = weak_audio.by_template(np.stack(slow), ["ha", "oa"])
    votes = apply([f], np.stack([*fast, *slow[::-1], np.zeros(RATE, np.int16)]))
    assert [votes.labels[x] for x in votes.codes[:4, 0]] == ["ha", "oa", "oa", "ha"]
    assert votes.codes[4, 0] == -1  # silence


def test_a_template_is_the_middle_of_each_of_24_steps_of_the_speech():
    clips = np.stack([sound(("hiss", 0.2), ("vowel", 0.28)), sound(("vowel", 0.3))])
    found, heard = weak_audio.templates(clips)
    features, (start, length) = extract(clips, "kws"), speech_span(clips, RATE)
    for i in range(2):
        first, span = round(start[i] * 100), round(length[i] * 100)
        steps = [features[i, first + int(span * (j + 0.5) / 24)] for j in range(24)]
        assert found[i] == pytest.approx(np.array(steps) - np.mean(steps, axis=0), abs=1e-4)
    assert heard.all()


def test_warping_is_what_a_plain_loop_finds():
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(2, 3, weak_audio.STEPS, 4))
    wanted, n = np.full((3, 3), np.nan), weak_audio.STEPS
    for x in range(3):
        for y in range(3):
            cost = np.full((n + 1, n + 1), np.inf)
            cost[0, 0] = 0
            for i in range(n):
                for j in range(n):
                    if abs(i - j) <= weak_audio.BAND:
                        cost[i + 1, j + 1] = np.linalg.norm(a[x, i] - b[y, j]) + min(
                            cost[i, j], cost[i + 1, j], cost[i, j + 1])  # fmt: skip
            wanted[x, y] = cost[n, n]
    assert weak_audio._warped(a, b) == pytest.approx(wanted)


def test_templates_that_cannot_be_are_refused():
    two = np.stack([sound(("vowel", 0.3)), sound(("hiss", 0.3))])
    assert code(weak_audio.by_template, two, ["a"]) == "shape"
    assert code(weak_audio.by_template, two, ["a", "a"]) == "shape"
    assert code(weak_audio.by_template, two * 0, ["a", "b"]) == "no-speech"
