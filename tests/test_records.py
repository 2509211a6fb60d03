"""What the lessons say of kept records, held against the records."""

import pytest

from kit.assumptions import value
from kit.bench import recorded_rows


def rows(kind):
    return recorded_rows("synthetic", kind)


def mean(found):
    return sum(r["accuracy"] for r in found) / len(found)


def test_every_speaker_was_held_out_with_three_seeds():
    found = rows("held-out")
    assert len({(r["speaker"], r["seed"]) for r in found}) == 18 == len(found)
    assert {r["clips"] for r in found} == {2500}
    assert mean(found) > 0.88


def test_fifty_recordings_do_better_with_synthesis():
    few, mixed = rows("few"), rows("few-mixed")
    assert {r["clips"] for r in few} == {50}
    assert {r["clips"] for r in mixed} == {2000}
    assert mean(mixed) > 0.74
    assert mean(mixed) > mean(few)


def test_an_augmentation_backfires_and_noise_does_not():
    found = {r["treatment"]: r for r in rows("backfire")}
    assert found["speed"]["clean_points"] > 0 > found["speed"]["device_points"]
    assert found["noise"]["device_points"] > 10


def test_cutting_the_band_narrows_the_gap():
    found = {r["treatment"]: r for r in rows("gap")}
    assert found["as synthesised"]["auc"] > 0.98
    assert found["same band"]["auc"] < found["as synthesised"]["auc"]
    assert found["same band"]["points"] < found["as synthesised"]["points"]
    assert found["same band, noise"]["auc"] > found["same band"]["auc"]


def test_a_random_split_promises_most_and_a_split_by_speaker_least():
    found = {r["split"]: r["too_high_points"] for r in rows("leak")}
    assert found["random"] > found["recording"] > found["speaker"]


def test_a_point_from_synthesis_costs_a_small_part_of_one_from_the_studio():
    found = {r["measure"]: r["usd_per_point"] for r in rows("price")}
    assert found["synthesise 500"] < 0.2 * found["record 100 more"]


def test_the_grid_is_whole_and_recordings_help_everywhere():
    found = {(r["real"], r["synthetic"]): r["accuracy"] for r in rows("grid")}
    real = sorted({r for r, _ in found})
    made = sorted({m for _, m in found})
    assert len(found) == len(real) * len(made) - 1
    for m in made:
        assert found[real[-1], m] > found[real[1], m]


def test_the_exported_spotter_fits_and_loses_nothing():
    found = rows("spotter")
    (file,) = [r for r in found if r.get("what") == "file"]
    assert file["bytes"] < 1000 * value("kws_memory")
    models = {r["model"]: r for r in found if r["part"] == "model"}
    lost = models["float32"]["accuracy_percent"] - models["int8"]["accuracy_percent"]
    assert lost == pytest.approx(0, abs=1)
    assert models["int8"]["window_ms"] < value("kws_latency")


def test_a_larger_network_than_the_default_gains_nothing():
    found = {(r["channels"], r["blocks"], r["kernel"]): r for r in rows("size")}
    default = found[64, 4, 7]
    larger = [r for r in found.values() if r["file_bytes"] > default["file_bytes"]]
    assert larger
    assert all(r["accuracy"] <= default["accuracy"] for r in larger)
    smallest = min(found.values(), key=lambda r: r["file_bytes"])
    assert 0.02 < default["accuracy"] - smallest["accuracy"] < 0.1


def test_no_threshold_of_the_stream_keeps_the_budget():
    allowed = value("kws_false_wakes") / (30 * 24)
    assert all(r["fa_high"] > allowed for r in rows("trade-off"))


def watched(kind):
    return recorded_rows("monitoring", kind)


def caught(detector):
    return {r["drift"]: r["caught_percent"] for r in watched("hit") if r["detector"] == detector}


def test_no_lambda_fits_all_drifts():
    found = watched("curve")
    far = [r for r in found if r["ks"] > 0.8]
    assert any(r["lost_low"] <= 0 for r in far)
    assert any(r["lost_points"] > 40 for r in far)
    near = max(r["lost_points"] for r in found if r["ks"] < 0.1)
    room = [r["lost_points"] for r in found if r["drift"] == "room"]
    assert near > max(room)  # "some cost more than a changed room"


def test_a_little_noise_costs_nothing():
    found = [r["lost_low"] for r in watched("curve") if (r["drift"], r["size"]) == ("noise", 30)]
    assert found
    assert max(found) < 0


def test_raters_who_tire_cost_the_spotter_nothing_and_look_as_if_they_did():
    tired = [r for r in watched("curve") if (r["drift"], r["size"]) == ("fatigue", 40)]
    assert {r["lost_points"] for r in tired} == {0}
    assert min(r["seems_points"] for r in tired) > 5
    assert all("raters" in r["seen"] for r in tired)


def test_adwin_is_quick_on_inputs_and_blind_on_few_labels():
    rows = [r for r in watched("hit") if r["detector"] == "ADWIN of inputs"]
    sudden = [r["delay_events"] for r in rows if r["drift_kind"] == "covariate"]
    assert len(sudden) == 6
    assert max(sudden) < 60  # "a few dozen events"
    wolf = next(r for r in watched("wolf") if r["detector"] == "ADWIN of inputs")
    assert wolf["high"] < 0.5  # "hardly ever"
    assert max(caught("ADWIN of errors").values()) <= 10


def test_a_band_of_psi_happens_to_be_a_good_test_at_this_window():
    wolf = next(r for r in watched("wolf") if r["detector"] == "PSI above 0.2")
    assert wolf["high"] < 0.5
    kinds = {r["drift"] for r in watched("hit") if r["drift_kind"] == "covariate"}
    assert min(caught("PSI above 0.2")[d] for d in kinds) == 100


def test_labels_alone_see_a_new_meaning_and_raters_alone_their_fatigue():
    others = {r["detector"] for r in watched("hit")} - {"K-S, chapter", "PSI above 0.1"}
    meaning = {d: caught(d)["meaning"] - caught(d)["none"] for d in others}
    assert max(meaning, key=meaning.get) == "errors on a tenth"
    assert meaning["errors on a tenth"] > 20
    agreement = caught("agreement on a tenth")
    assert agreement["fatigue"] > 90
    assert max(v for k, v in agreement.items() if k != "fatigue") <= 30


def test_calibrated_detectors_keep_their_promise_and_the_chapter_s_does_not():
    for row in watched("wolf"):
        if row["promised"] is not None:
            assert (row["low"] <= row["promised"]) == (row["detector"] != "K-S, chapter")
