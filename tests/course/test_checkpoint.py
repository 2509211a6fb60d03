import random
import re

import pytest

from kit.course.checkpoint import draw, make_question, pool
from kit.course.ledger import current
from kit.course.lessons import all_lessons
from kit.errors import KitError
from kit.explorers.checkpoint import checkpoint

WITH_POOL = [x.number for x in all_lessons() if x.number != "00"]
RECORDS = [(n, r) for n in WITH_POOL for r in pool(n)]


@pytest.mark.parametrize("number", WITH_POOL)
def test_a_pool_has_ten_questions_and_many_are_numeric(number):
    records = pool(number)
    assert len(records) >= 10
    assert len({r["id"] for r in records}) == len(records)
    assert sum("call" in r for r in records) >= len(records) / 2


@pytest.mark.parametrize(("number", "record"), RECORDS, ids=[r["id"] for _, r in RECORDS])
def test_every_draw_of_every_question_works(number, record):
    source = next(x for x in all_lessons() if x.number == number).source.read_text()
    assert f"## {record['section']}\n" in source, "the section to reread does not exist"
    for seed in range(20):
        q = make_question(record, random.Random(seed))
        assert not re.search(r"[{}]", q.text + q.explanation)
        assert q.is_right(q.answer)
        if q.options:
            assert len(set(q.options)) >= 3
            assert sum(q.is_right(o) for o in q.options) == 1
        else:
            assert q.answer > 0
            assert not q.is_right(q.answer * 1.2)
            assert not q.is_right("many")


def test_known_answers():
    known = {r["id"]: r for _, r in RECORDS}
    record = known["transfer-hours"] | {"draw": {"volume": [450], "link": [1]}}
    assert make_question(record, random.Random(0)).answer == pytest.approx(1000)
    record = known["dedup-gain"] | {"draw": {"share": [50]}}
    assert make_question(record, random.Random(0)).answer == pytest.approx(2)
    record = known["egress"] | {"draw": {"volume": [5], "price": [0.1]}}
    assert make_question(record, random.Random(0)).answer == pytest.approx(500)
    record = known["need"] | {"draw": {"rate": [20000], "size": [50]}}
    assert make_question(record, random.Random(0)).answer == pytest.approx(1)


def test_five_are_drawn_and_a_seed_repeats_them():
    first = draw("01", seed=4)
    assert len(first) == 5
    assert [q.text for q in first] == [q.text for q in draw("01", seed=4)]
    assert len({tuple(q.id for q in draw("01", seed=s)) for s in range(10)}) > 5


def test_no_pool_is_an_error():
    with pytest.raises(KitError, match="no questions"):
        draw("00")


def test_listed_without_a_front_end():
    shown = checkpoint("01", seed=1)
    assert len(re.findall(r"<summary>answer", shown.html)) == 5


def answer(box, question, right):
    _, field, row = box.children
    button, note = row.children
    if question.options:
        field.value = next(o for o in question.options if question.is_right(o) == right)
    else:
        field.value = str(question.answer * (1 if right else 2))
    button.click()
    return note.value


def test_answering_live(person):
    questions, box = draw("01", seed=3), checkpoint("01", seed=3)
    notes = [
        answer(b, q, right=i < 4)
        for i, (b, q) in enumerate(zip(box.children, questions, strict=False))
    ]
    assert [n.startswith("<b>Right.") for n in notes] == [True] * 4 + [False]
    assert "Read again" in notes[4]
    assert "4 of 5 right: passed" in box.children[-1].value
    assert current().data["checkpoint"] == {"best": [4, 5]}


def test_three_of_five_do_not_pass(person):
    questions, box = draw("01", seed=3), checkpoint("01", seed=3)
    for i, (b, q) in enumerate(zip(box.children, questions, strict=False)):
        answer(b, q, right=i < 3)
    assert "not passed" in box.children[-1].value


def test_a_better_round_is_never_lost(person):
    for seed, right in ((3, 4), (5, 2), (6, 5)):
        questions, box = draw("01", seed=seed), checkpoint("01", seed=seed)
        for i, (b, q) in enumerate(zip(box.children, questions, strict=False)):
            answer(b, q, right=i < right)
    assert current().data["checkpoint"] == {"best": [5, 5]}
    box = checkpoint("01", seed=3)
    answer(box.children[0], draw("01", seed=3)[0], right=False)
    assert current().data["checkpoint"] == {"best": [5, 5]}


def test_an_empty_answer_is_not_counted(person):
    box = checkpoint("01", seed=3)
    box.children[0].children[2].children[0].click()
    assert current().data["checkpoint"] == {"best": None}
