"""The explorers of the lesson on synthetic audio say what was measured, and no more."""

import base64

import ipywidgets
import numpy as np
import polars as pl
import pytest

import kit
from kit.audio import read_wav
from kit.audio.augment import room_impulse_response
from kit.errors import KitError
from kit.explorers import explore, spotter, synthetic
from kit.explorers.base import Panel
from kit.kws.mixing import accuracy_at
from kit.kws.sizing import spotter_size
from kit.kws.stream import Stream, trade_off
from kit.numbers import shown


def burst(level=8000.0):
    """int16[16000]: half a second of a tone between two pauses."""
    t = np.arange(16_000) / 16_000
    tone = level * np.sin(2 * np.pi * 400 * t) * ((t > 0.25) & (t < 0.75))
    return tone.astype(np.int16)


def stream_rows(false_wakes=(40, 3, 0), missed=(1, 10, 30), hours=2.0):
    """Rows as `trade_off` makes them, at thresholds 0.2, 0.5 and 0.8, of 50 keywords."""
    from kit.intervals import poisson, wilson

    rows = []
    for threshold, fa, miss in zip((0.2, 0.5, 0.8), false_wakes, missed, strict=True):
        low, high = (float(x) for x in poisson(fa, hours))
        frr = [100 * float(x) for x in wilson(miss, 50)]
        rows.append((threshold, fa / hours, low, high, 2.0 * miss, *frr, hours))
    names = ("threshold", "fa_per_h", "fa_low", "fa_high", "frr_percent", "frr_low", "frr_high",
             "hours")  # fmt: skip
    return pl.DataFrame(rows, names, orient="row")


def flat_grid(top=0.9):
    """Recordings raise accuracy, synthetic clips do not; 0.05 to either side."""
    rows = [(r, s, a, a - 0.05, a + 0.05)
            for r, a in ((0, 0.5), (100, 0.7), (1000, top)) for s in (0, 100) if r + s]  # fmt: skip
    return pl.DataFrame(rows, ["real", "synthetic", "accuracy", "low", "high"], orient="row")


# room


@pytest.mark.parametrize("snr_db", [-5.0, 7.5, 30.0])
def test_the_snr_is_measured_on_the_result(snr_db):
    seen = explore("room", snr_db=snr_db, clip=burst(1000.0), noise="white")
    row = seen.table.row(1, named=True)
    assert row["snr_db"] == pytest.approx(snr_db, abs=0.05)
    assert row["cut_percent"] == 0
    assert f"is {row['snr_db']:.1f} dB; {snr_db:.1f} dB were asked for" in seen.summary
    assert "cut off" not in seen.summary


def test_what_is_cut_off_changes_the_snr_and_is_told():
    seen = explore("room", snr_db=-5.0, clip=burst(32_000.0))
    row = seen.table.row(1, named=True)
    assert row["cut_percent"] > 0
    assert row["snr_db"] > -4.9
    assert f"{shown(row['cut_percent'])} % of the samples are cut off" in seen.summary


def test_farther_off_the_room_is_louder_than_the_voice():
    near, far = (explore("room", distance_m=d, rt60_s=0.5).table.row(1, named=True)
                 for d in (0.5, 4.0))  # fmt: skip
    assert near["direct_db"] > 0 > far["direct_db"]
    assert (
        near["critical_m"] == far["critical_m"] == pytest.approx(0.057 * (168 / 0.5) ** 0.5, 0.01)
    )
    taps = room_impulse_response((8, 6, 3.5), 0.5, 4.0).astype(float) ** 2
    assert far["direct_db"] == pytest.approx(10 * np.log10(taps[0] / taps[1:].sum()))


def test_critical_distance_is_the_closed_form():
    assert synthetic.critical_distance(100.0, 1.0) == pytest.approx(0.566, abs=0.002)
    assert synthetic.critical_distance(400.0, 1.0) == pytest.approx(1.132, abs=0.004)
    with pytest.raises(KitError, match="rt60_s"):
        synthetic.critical_distance(100.0, 0.0)


def test_a_slider_between_two_rooms_takes_the_nearer_one():
    row = explore("room", rt60_s=0.437, distance_m=1.3).table.row(1, named=True)
    assert (row["rt60_s"], row["distance_m"]) == (0.4, 1.5)


def test_a_move_of_the_noise_makes_no_new_room(monkeypatch):
    seen = explore("room")
    monkeypatch.setattr(synthetic, "room_impulse_response", None)
    seen.set(snr_db=3.0)
    assert seen.table["snr_db"][0] == pytest.approx(3, abs=0.05)
    with pytest.raises(TypeError):
        seen.set(distance_m=3.5)


def test_the_result_is_heard_and_renewed_when_a_control_moves(tmp_path):
    seen = explore("room", clip=burst())
    panel = Panel(seen)
    seen.panel = panel
    assert panel.sound in panel.box.children
    before = panel.sound.value
    assert "<audio controls" in before
    panel.inputs["snr_db"].value = 1.0
    assert panel.sound.value != before
    path = tmp_path / "heard.wav"
    path.write_bytes(base64.b64decode(panel.sound.value.split("base64,")[1].split('"')[0]))
    wav = read_wav(path)
    assert wav.rate == 16_000
    assert np.array_equal(wav.samples[:, 0], seen.table["samples"][1].to_numpy())


def test_without_a_front_end_the_player_is_shown_too(monkeypatch):
    displayed = []
    monkeypatch.setattr("IPython.display.display", lambda x, **_: displayed.append(x))
    explore("room")._ipython_display_()
    assert any("<audio" in getattr(x, "html", "") for x in displayed)
    displayed.clear()
    explore("size")._ipython_display_()
    assert not any("<audio" in getattr(x, "html", "") for x in displayed)


def test_an_explorer_without_sound_has_no_player():
    seen = explore("mix")
    assert seen.player is None
    panel = Panel(seen)
    assert panel.sound not in panel.box.children
    assert isinstance(panel.sound, ipywidgets.HTML)


@pytest.mark.parametrize(
    ("given", "text"),
    [
        ({"clip": np.zeros(16_000, np.int16)}, "silent"),
        ({"clip": np.full(16_000, np.nan)}, "clip"),
        ({"clip": np.zeros((2, 16_000), np.int16)}, "clip"),
        ({"clip": "seven.wav"}, "clip"),
        ({"noise": "pinkish"}, "white"),
        ({"snr_db": float("nan")}, "out of range"),
    ],
)
def test_what_cannot_be_put_into_a_room_is_refused(given, text):
    with pytest.raises(KitError, match=text):
        explore("room", **given)


# trade-off


def test_the_budget_becomes_a_rate_and_the_nearest_threshold_counts():
    seen = explore("trade-off", table=stream_rows(), threshold=0.6, wakes_per_month=6.0,
                   hours_per_day=2.0)  # fmt: skip
    you = seen.table.filter("chosen").row(0, named=True)
    assert you["threshold"] == 0.5
    assert you["allowed_fa_per_h"] == pytest.approx(0.1)
    assert you["hours_to_prove"] == pytest.approx(29.96, abs=0.01)
    assert "misses 20.0 % of the keywords" in seen.summary
    assert "1.5 times an hour" in seen.summary


def test_what_a_stream_proves_disproves_and_leaves_open():
    table = stream_rows()
    seen = explore("trade-off", table=table, wakes_per_month=600.0, hours_per_day=4.0)
    assert seen.table["allowed_fa_per_h"][0] == 5
    assert seen.table["budget"].to_list() == ["broken", "kept", "kept"]
    assert "proves that this is kept" in seen.summary
    assert "To prove it" not in seen.summary
    seen.set(wakes_per_month=120.0)
    assert seen.table["budget"].to_list() == ["broken", "open", "open"]
    assert "neither prove nor disprove" in seen.summary
    assert "To prove it takes 3 h without one false wake" in seen.summary
    assert "the stream has 2 h" in seen.summary
    seen.set(threshold=0.0)
    least = table["fa_low"][0]
    assert f"wakes at least {shown(least)} times as often" in seen.summary


def test_no_false_wake_is_no_rate_of_zero():
    seen = explore("trade-off", table=stream_rows(), threshold=1.0)
    you = seen.table.filter("chosen").row(0, named=True)
    assert you["none"]
    assert you["drawn_fa_per_h"] == you["fa_high"] == pytest.approx(3.689 / 2, abs=1e-3)
    assert "never woke by mistake in 2 h, so the rate is at most 1.84 an hour" in seen.summary
    others = seen.table.filter(~pl.col("none"))
    assert others["drawn_fa_per_h"].to_list() == others["fa_per_h"].to_list() == [20, 1.5]


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (lambda t: t.drop("hours"), "no table"),
        (lambda t: t.clear(), "no row"),
        (lambda t: t.rows(), "no table"),
        (lambda t: t.with_columns(fa_per_h=pl.lit(float("nan"))), "fa_per_h is not possible"),
        (lambda t: t.with_columns(hours=pl.lit(0.0)), "hours is not possible"),
        (lambda t: t.with_columns(threshold=pl.lit(None, pl.Float64)), "threshold"),
        (lambda t: pl.concat([t, t]), "more than one stream"),
        (lambda t: t.with_columns(hours=pl.Series([1.0, 2.0, 2.0])), "more than one stream"),
    ],
)
def test_what_is_no_trade_off_is_refused(change, text):
    with pytest.raises(KitError, match=text):
        explore("trade-off", table=change(stream_rows()))


# size


def points(**more):
    columns = {"channels": [32, 64], "blocks": [2, 4], "kernel": [7, 7],
               "file_bytes": [12_000, 40_000], "accuracy": [0.9, 0.96], "low": [0.85, 0.93],
               "high": [0.93, 0.98]}  # fmt: skip
    return pl.DataFrame(columns | more)


def test_the_size_is_the_closed_form_and_measured_ones_are_named():
    seen = explore("size", channels=64, blocks=4, kernel="7", points=points())
    you = seen.table.filter(point="yours").row(0, named=True)
    found = spotter_size(64, 4, 7)
    assert you["file_kb"] == found["file_bytes"] / 1000
    assert you["activations_kb"] == found["peak_activation_bytes"] / 1000
    assert you["limit_kb"] == 64
    assert "Measured: 40 kB, right in 96.0 % (93.0 to 98.0 %)" in seen.summary
    seen.set(channels=60)
    assert "not measured" in seen.summary
    over = explore("size", channels=96, blocks=6, kernel="11", points=points())
    share = 100 * spotter_size(96, 6, 11)["file_bytes"] / 64_000
    assert f"{shown(share)} % of the limit of 64 kB" in over.summary
    assert share > 100


def test_more_words_make_a_larger_file():
    ten, more = (explore("size", points=points(), words=n).table["file_kb"][0] for n in (10, 35))
    expected = (spotter_size(64, 4, 7, words=35)["file_bytes"]
                - spotter_size(64, 4, 7)["file_bytes"])  # fmt: skip
    assert 1000 * (more - ten) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("given", "text"),
    [
        ({"points": points().drop("low")}, "no table of measured spotters"),
        ({"points": points().clear()}, "no row"),
        ({"points": points(accuracy=[0.9, 96.0])}, "accuracy is not possible"),
        ({"points": points(channels=[32.5, 64.0])}, "channels is not possible"),
        ({"words": 0}, "words"),
        ({"words": "ten"}, "words"),
        ({"kernel": "4"}, "out of range"),
    ],
)
def test_what_is_no_spotter_is_refused(given, text):
    with pytest.raises(KitError, match=text):
        explore("size", **{"points": points()} | given)


# mix


def test_every_share_spends_the_budget_on_whole_clips():
    seen = explore("mix", budget_usd=10.0, recorded_usd=0.3, synthetic_usd=0.07, grid=flat_grid())
    line = seen.table.filter(point="line")
    assert line.height == 101
    assert line["real"].to_list() == [int(s / 100 * 10 / 0.3 + 1e-9) for s in range(101)]
    assert line["synthetic"][0] == 142
    assert (line["spent_usd"] <= 10 + 1e-9).all()
    assert (line["spent_usd"] > 10 - 0.37).all()
    expected = accuracy_at(flat_grid(), line["real"], line["synthetic"])
    assert line["accuracy_percent"].to_list() == (100 * expected["accuracy"]).to_list()


def test_the_best_share_is_marked_and_told():
    seen = explore("mix", budget_usd=50.0, recorded_usd=0.1, synthetic_usd=0.1, grid=flat_grid())
    best = seen.table.filter(point="best").row(0, named=True)
    assert (best["share_percent"], best["real"], best["synthetic"]) == (100, 500, 0)
    line = seen.table.filter(point="line")
    assert best["accuracy_percent"] == line["accuracy_percent"].max()
    assert "100 % for recordings does best: 500 recorded and 0 synthetic clips" in seen.summary
    near = line.filter(pl.col("accuracy_percent") >= best["low_percent"])["share_percent"].min()
    assert f"Shares from {near:.0f} to 100 %" in seen.summary


def test_mixes_beyond_the_grid_are_told():
    prices = {"recorded_usd": 0.1, "synthetic_usd": 0.1, "grid": flat_grid()}
    seen = explore("mix", budget_usd=50.0, **prices)
    share = 100 * seen.table.filter(point="line", inside=False).height / 101
    assert 0 < share < 100
    assert f"{share:.0f} % of the line lies beyond the measured mixes" in seen.summary
    seen.set(budget_usd=10.0)
    assert seen.table.filter(point="line")["inside"].all()
    assert "beyond" not in seen.summary
    seen.set(budget_usd=1000.0)
    assert "No share buys a mix between the measured ones" in seen.summary
    assert "its accuracy is not known" in seen.summary


def test_own_trainings_lie_at_their_share_of_the_cost():
    mine = pl.DataFrame({"real": [10, 0], "synthetic": [30, 5], "accuracy_percent": [80.0, 55.0]})
    seen = explore("mix", recorded_usd=0.6, synthetic_usd=0.2, measured=mine)
    yours = seen.table.filter(point="yours")
    assert yours["share_percent"].to_list() == [50, 0]
    assert yours["accuracy_percent"].to_list() == [80, 55]
    assert seen.explorer.fallback(seen.table).filter(point="yours").height == 2


@pytest.mark.parametrize(
    ("given", "text"),
    [
        ({"grid": flat_grid().drop("low")}, "no table of mixes"),
        ({"grid": flat_grid().head(1)}, "too few"),
        ({"measured": pl.DataFrame({"real": [1]})}, "no table of measured mixes"),
        ({"measured": pl.DataFrame({"real": [1], "synthetic": [1], "accuracy_percent": [101.0]})},
         "at most 100"),
        ({"measured": pl.DataFrame({"real": [0], "synthetic": [0], "accuracy_percent": [10.0]})},
         "a clip or more"),
        ({"budget_usd": 0}, "out of range"),
    ],
)  # fmt: skip
def test_what_is_no_mix_is_refused(given, text):
    with pytest.raises(KitError, match=text):
        explore("mix", **given)


# what is kept


@pytest.mark.parametrize(("name", "kind"), [("mix", "grid"), ("trade-off",) * 2, ("size",) * 2])
def test_without_a_record_the_kind_is_named(monkeypatch, name, kind):
    monkeypatch.setattr(kit.bench, "recorded", lambda _: [{"rows": [{"kind": "other"}]}])
    with pytest.raises(KitError, match=f"the kind {kind}") as caught:
        explore(name)
    assert caught.value.code == "no-record"


def test_the_newest_record_with_rows_of_the_kind_counts(monkeypatch):
    rows = {name: [{"kind": name} | r for r in table.to_dicts()]
            for name, table in (("grid", flat_grid()), ("size", points()))}  # fmt: skip
    older = [{"kind": "grid"} | r for r in flat_grid(top=0.8).to_dicts()]
    records = [{"rows": rows["size"]}, {"rows": rows["grid"]}, {"rows": older}]
    monkeypatch.setattr(kit.bench, "recorded", lambda _: records)
    assert kit.bench.recorded_table("synthetic", "grid").equals(flat_grid())
    assert spotter._points(None).height == 2


def test_of_two_recorded_keywords_the_first_counts(monkeypatch):
    rows = [{"kind": "trade-off", "keyword": word, "response_ms": None} | row
            for word in ("seven", "one") for row in stream_rows().to_dicts()]  # fmt: skip
    other = [{"kind": "spotter", "part": "model"}]
    monkeypatch.setattr(kit.bench, "recorded", lambda _: [{"rows": other + rows}])
    assert explore("trade-off").table["keyword"].to_list() == ["seven"] * 3


def test_what_a_spotter_did_on_a_stream_goes_straight_in():
    stream = Stream(np.zeros(16_000 * 60, np.int16), 16_000,
                    pl.DataFrame({"start_s": [5.0], "end_s": [6.0], "label": ["7"]}))  # fmt: skip
    scores = np.zeros(591, np.float32)
    scores[50:56] = scores[300:306] = 1  # once at the keyword, once by mistake
    seen = explore("trade-off", table=trade_off(scores, stream, "7", [0.5, 0.9]), threshold=0.5)
    you = seen.table.filter("chosen").row(0, named=True)
    assert (you["fa_per_h"], you["frr_percent"]) == (pytest.approx(60), 0)
    assert "the stream has 0.0167 h" in seen.summary
