"""Predict, compare, explain: what a person sees, and when."""

import json

import numpy as np
import pytest

import kit
from kit.course.ledger import Ledger, current, set_current
from kit.course.report import report_text
from kit.errors import KitError
from kit.explorers.fields import read_number
from kit.measure import Measurement

M = Measurement("one epoch", 0.5, "s", (0.4, 0.6), 5)


def fields(box):
    """The text field and the button of a prediction."""
    row = box.children[1].children
    return row[0], row[1], row[2]


def test_nothing_is_revealed_before_the_lock(person):
    ask = kit.predict("epoch", "How long?", "s")
    shown = kit.compare("epoch", M, model=0.25)
    assert "0.5" not in shown.value
    assert "0.5" not in report_text(current())
    assert "hidden" in report_text(current())
    field, button, note = fields(ask)
    field.value = "0,4"
    button.click()
    assert note.value == "Locked: 0.4 s"
    assert "0.5 s" in shown.value
    assert "1.25 x" in shown.value  # measured over predicted
    assert "2 x" in shown.value  # measured over closed form
    assert "0.4 s" in report_text(current())


@pytest.mark.parametrize("text", ["", "about two", "1e", "nan"])
def test_what_is_not_a_number_does_not_lock(person, text):
    field, button, note = fields(kit.predict("epoch", "How long?", "s"))
    field.value = text
    button.click()
    assert "not a number" in note.value
    assert "epoch" not in current().data["predictions"]
    assert not field.disabled


def test_the_first_prediction_stays(person):
    kit.predict("epoch", "How long?", "s", value=3)
    kit.predict("epoch", "How long?", "s", value=0.5)
    assert current().data["predictions"]["epoch"]["value"] == 3
    assert "You predicted 3 s" in repr(kit.predict("epoch", "How long?", "s"))


def test_views_wait_for_the_prediction(person):
    kit.predict("epoch", "How long?", "s")
    kit.predict("ratio", "How many?", "x")
    figure = kit.explore("choke").figure
    box = kit.after(["epoch", "ratio"], M, figure, kit.explore("gravity"))
    assert "Hidden" in box.children[0].value
    current().lock("epoch", 1.0, "s")
    assert "Hidden" in box.children[0].value, "the other prediction is still open"
    current().lock("ratio", 2.0, "x")
    text, picture, explorer = box.children
    assert "one epoch" in text.value
    assert picture.children[-1].data[1].name == "data loader"
    assert "kit-explorer" in explorer._dom_classes


def test_views_show_at_once_when_the_prediction_is_there(person, capsys):
    kit.predict("epoch", "How long?", "s", value=1.0)
    assert kit.after("epoch", M) is None
    assert "one epoch" in capsys.readouterr().out


@pytest.mark.parametrize("bad", [0, -2, float("inf"), float("nan"), "3", True])
def test_impossible_predictions_do_not_lock(person, bad):
    with pytest.raises(KitError, match="the prediction"):
        kit.predict("epoch", "How long?", "s", value=bad)
    assert current().data["predictions"] == {}


def test_a_full_disk_does_not_hide_the_result(person, monkeypatch):
    kit.predict("epoch", "How long?", "s")
    shown = kit.compare("epoch", M)
    monkeypatch.setattr(current(), "save", lambda: (_ for _ in ()).throw(OSError("disk full")))
    ask = kit.predict("epoch", "How long?", "s")
    field, button, note = fields(ask)
    field.value = "1"
    button.click()
    assert "0.5 s" in shown.value
    assert note.value == "Locked: 1 s, but it could not be saved: disk full"


CAUSES = {"reading": 0.3, "decoding": 0.1, "both in turn": -0.05}


def test_a_suspect_comes_before_the_split(person):
    box = kit.diagnose("epoch", CAUSES, "s")
    assert "Hidden" in box.children[0].value
    kit.predict("epoch", "How long?", "s", value=1.0)
    _, radio, out = box.children
    assert out.value == ""
    radio.value = "decoding"
    assert "Another cause explains more" in out.value
    assert "85.7 %" in out.value
    assert current().data["diagnoses"]["epoch"] == {"suspect": "decoding", "largest": "reading"}
    again = kit.diagnose("epoch", CAUSES, "s")
    assert "Another cause" in again.text
    assert "**How long?** Suspected: decoding. Largest part: reading." in report_text(current())


def test_a_diagnosis_needs_causes():
    assert "reading" in repr(kit.diagnose("epoch", CAUSES, "s"))
    with pytest.raises(KitError, match="causes"):
        kit.diagnose("epoch", {"one": 1.0}, "s")


def test_predictions_survive_a_new_kernel(person):
    kit.predict("epoch", "How long?", "s", value=3)
    kit.explain("epoch", "Why?").children[1].value = "because"
    set_current(Ledger("99_test"))
    assert current().data["predictions"]["epoch"]["value"] == 3
    assert kit.explain("epoch", "Why?").children[1].value == "because"


def test_an_unreadable_record_is_kept_aside(person, capsys):
    kit.predict("epoch", "How long?", "s", value=3)
    current().path.write_text("{broken", encoding="utf-8")
    set_current(Ledger("99_test"))
    assert current().data["predictions"] == {}
    assert (person / "99_test.unreadable").read_text() == "{broken"
    assert "could not be read" in capsys.readouterr().out


def test_a_program_starts_empty_and_writes_only_where_told(person, monkeypatch):
    kit.predict("epoch", "How long?", "s", value=3)
    monkeypatch.setenv("KIT_HEADLESS", "1")
    before = sorted(p.name for p in person.iterdir())
    set_current(Ledger("99_test"))
    assert current().data["predictions"] == {}
    kit.compare("epoch", M)
    kit.report()
    assert sorted(p.name for p in person.iterdir()) == before


def test_report_lists_what_is_missing(person):
    kit.predict("epoch", "How long?", "s")
    kit.compare("epoch", M)
    kit.explain("epoch", "Why?")
    text = kit.report().data
    assert (person / "99_test.md").read_text(encoding="utf-8") == text
    missing = text.split("### Incomplete")[1]
    assert "no prediction: How long?" in missing
    assert "no explanation: How long?" in missing
    assert "checkpoint" not in missing, "a lesson without a checkpoint can be complete"


def test_a_complete_report_says_so(person):
    kit.predict("epoch", "How long?", "s", value=3)
    kit.compare("epoch", M, model=0.25)
    kit.explain("epoch", "Why?").children[1].value = "because"
    kit.explore("gravity").set(volume_gb=10.0)
    current().data["checkpoint"] = {"best": [4, 5]}
    text = report_text(current())
    assert "Nothing. Well done." in text
    assert "4 of 5 right, passed" in text
    assert "| How long? | 3 s | 0.25 s | 0.5 s (0.400 to 0.600, 5 runs) | 2 x |" in text
    assert "gravity: volume_gb = 10" in text
    assert "**How long?** because" in text
    json.dumps(current().data)


def test_a_computed_value_has_no_spread():
    text = repr(kit.compare("gain", 4 / 3, model=4 / 3, unit="x"))
    assert "computed" in text
    assert "run" not in text


def test_numpy_numbers_are_numbers():
    assert "0.5 s" in repr(kit.compare("x", np.float32(0.5), model=np.int64(1), unit="s"))


@pytest.mark.parametrize("bad", ["fast", None, True, [1]])
def test_compare_wants_something_measured(bad):
    with pytest.raises(KitError, match="nothing measured"):
        kit.compare("x", bad)


@pytest.mark.parametrize(
    ("text", "value"),
    [("22.2", 22.2), ("22,2", 22.2), (" 8e4 ", 8e4), ("80 000", 80_000), ("-3", -3)],
)
def test_numbers_as_people_type_them(text, value):
    assert read_number(text) == value


@pytest.mark.parametrize("text", ["", "two", "1,000,000", "1,000", "80,000", "inf", "nan", "1e400"])
def test_what_people_mistype(text):
    with pytest.raises(KitError):
        read_number(text)
