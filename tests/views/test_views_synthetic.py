"""Pictures of synthetic audio show what their tables hold, in as many traces whatever that is."""

import numpy as np
import polars as pl
import pytest

from kit.views import synthetic as views


def by_name(figure):
    """dict of name -> trace."""
    return {trace.name: trace for trace in figure.data}


def kinds(figure):
    """Type and name of every trace."""
    return [(trace.type, trace.name) for trace in figure.data]


def room_table(after=300):
    """Two steps of 1600 samples, with 8 frames of 4 bands."""
    samples = [np.full(1600, 100, np.int16), np.full(1600, after, np.int16)]
    mels = [np.arange(32, dtype=np.float32), np.arange(32, dtype=np.float32) - after]
    return pl.DataFrame({
        "order": [0, 1], "step": ["as recorded", "as heard"], "bands": [4, 4],
        "samples": [pl.Series(s) for s in samples], "log_mel": [pl.Series(m) for m in mels],
        "rt60_s": [0.4] * 2, "distance_m": [1.5] * 2, "snr_db": [-0.01] * 2, "hop_ms": [10.0] * 2,
    })  # fmt: skip


def test_room_shows_both_steps_on_one_scale():
    figure = views.room(room_table())
    before, after, first, second = figure.data
    assert [t.type for t in figure.data] == ["scatter", "scatter", "heatmap", "heatmap"]
    assert (before.xaxis, after.xaxis, first.xaxis, second.xaxis) == (None, "x2", None, "x2")
    assert max(before.y) == 100
    assert max(after.y) == 300
    assert figure.layout.yaxis.range == (-300, 300)
    assert first.z.shape == (4, 8)
    assert first.z[:, 1].tolist() == [4, 5, 6, 7]
    assert {(m.zmin, m.zmax) for m in (first, second)} == {(-300, 31)}
    assert list(first.x) == pytest.approx(np.arange(8) / 100)
    assert figure.layout.title.text == "0.4 s of reverberation at 1.5 m, SNR 0.0 dB"
    assert figure.layout.xaxis.title.text == "as recorded: time, s"
    assert views.room(room_table().reverse()).to_json() == figure.to_json()


def test_tenths_has_no_negative_zero():
    assert [views.tenths(x) for x in (-0.04, 0.04, -0.06, 12.34)] == ["0.0", "0.0", "-0.1", "12.3"]


def stream_table(chosen=0, false_wakes=(20.0, 2.0, 0.0, 0.0), allowed=0.5):
    """Four thresholds; where nothing was heard falsely, at most 1.5 an hour."""
    rates = np.array(false_wakes)
    high = np.where(rates > 0, 1.5 * rates, 1.5)
    frr = np.array([4.0, 10.0, 20.0, 40.0])
    return pl.DataFrame({
        "threshold": [0.2, 0.4, 0.6, 0.8], "fa_per_h": rates, "fa_low": rates / 2, "fa_high": high,
        "frr_percent": frr, "frr_low": frr - 3, "frr_high": frr + 5, "none": rates == 0,
        "drawn_fa_per_h": np.where(rates > 0, rates, high), "allowed_fa_per_h": [allowed] * 4,
        "chosen": [i == chosen for i in range(4)],
    })  # fmt: skip


def test_trade_off_draws_rates_and_marks_where_there_was_none():
    traces = by_name(views.trade_off(stream_table()))
    assert list(traces["measured"].x) == [20, 2]
    assert list(traces["measured"].y) == [4, 10]
    none = traces["no false wake: at most"]
    assert (list(none.x), list(none.y)) == ([1.5, 1.5], [20, 40])
    assert none.marker.symbol != traces["measured"].marker.symbol
    assert set(traces["allowed"].x) == {0.5}
    band = traces["95 % range"]
    assert list(band.x) == [10, 1, 3, 30]
    assert list(band.y) == [4, 10, 10, 4]


def test_the_operating_point_has_both_intervals():
    you = by_name(views.trade_off(stream_table()))["your threshold"]
    assert (you.x[0], you.y[0]) == (20, 4)
    assert (you.error_x.array[0], you.error_x.arrayminus[0]) == (10, 10)
    assert (you.error_y.array[0], you.error_y.arrayminus[0]) == (5, 3)
    figure = views.trade_off(stream_table(chosen=3))
    you = by_name(figure)["your threshold"]
    low = 10 ** figure.layout.xaxis.range[0]
    assert you.x[0] == 1.5
    assert (you.error_x.array[0], you.error_x.arrayminus[0]) == (0, pytest.approx(1.5 - low))
    assert you.marker.symbol == "triangle-left"
    assert "at most 1.5 false wakes an hour, 0.5 allowed" in figure.layout.title.text


@pytest.mark.parametrize("rates", [(0.0,) * 4, (20.0, 9.0, 4.0, 2.0), (20.0, 2.0, 0.0, 0.0)])
def test_trade_off_has_the_same_traces_and_all_points_in_sight(rates):
    for allowed in (1e-6, 1.0, 1e5):
        figure = views.trade_off(stream_table(false_wakes=rates, allowed=allowed))
        assert kinds(figure) == kinds(views.trade_off(stream_table()))
        low, high = figure.layout.xaxis.range
        for trace in figure.data:
            x = np.log10(np.asarray(trace.x, float))
            assert ((x >= low - 1e-9) & (x <= high)).all()


def size_table(same=True, file_kb=30.0):
    common = {"limit_kb": 64.0, "widest_kb": 90.0}
    yours = common | {"point": "yours", "design": "d", "file_kb": file_kb, "weights_kb": 20.0,
                      "scaling_kb": 6.0, "overhead_kb": 4.0, "activations_kb": 5.0}  # fmt: skip
    known = [
        common
        | {"point": "measured", "design": f"m{kb}", "file_kb": kb, "accuracy_percent": a}
        | {"low_percent": a - 2, "high_percent": a + 1, "same": same and kb == 31}
        for kb, a in ((12.0, 90.0), (31.0, 96.0))
    ]
    return pl.DataFrame([yours, *known], infer_schema_length=None)


def test_sizes_stack_to_the_file_and_to_what_is_in_memory():
    figure = views.sizes(size_table())
    bars = [t for t in figure.data if t.type == "bar"]
    total = {name: sum(x for t in bars for x, y in zip(t.x, t.y, strict=True) if y == name)
             for name in ("file", "memory")}  # fmt: skip
    assert total == {"file": 30, "memory": 31}
    points = by_name(figure)["measured"]
    assert (list(points.x), list(points.y)) == ([12, 31], [90, 96])
    assert (list(points.error_y.array), list(points.error_y.arrayminus)) == ([1, 1], [2, 2])
    assert points.marker.size[1] > points.marker.size[0]
    assert set(by_name(figure)["limit: 64 kB"].x) == {64}
    assert set(by_name(figure)["yours: 30 kB"].x) == {30}
    assert [s.x0 for s in figure.layout.shapes] == [64, 30]
    assert figure.layout.title.text == "A file of 30 kB, within the limit of 64 kB"


def test_sizes_say_what_is_over_the_limit_and_keep_their_axes():
    figure, over = views.sizes(size_table(same=False)), views.sizes(size_table(file_kb=70.0))
    assert over.layout.title.text == "A file of 70 kB, over the limit of 64 kB"
    assert [t.type for t in figure.data] == [t.type for t in over.data]
    assert figure.layout.xaxis.range == over.layout.xaxis.range
    assert len(set(by_name(figure)["measured"].marker.size)) == 1


def mix_table(inside=(True, True, False, False, True), yours=()):
    accuracy = [80.0, 90.0, 92.0, 91.0, 85.0]
    line = [
        {"point": "line", "share_percent": 25.0 * i, "real": i, "synthetic": 4 - i,
         "accuracy_percent": a, "low_percent": a - 4, "high_percent": a + 2, "inside": k,
         "budget_usd": 20.0}
        for i, (a, k) in enumerate(zip(accuracy, inside, strict=True))
    ]  # fmt: skip
    own = [{"point": "yours", "share_percent": s, "real": 7, "synthetic": 1, "accuracy_percent": a,
            "budget_usd": 20.0} for s, a in yours]  # fmt: skip
    return pl.DataFrame([*line, line[2] | {"point": "best"}, *own], infer_schema_length=None)


def test_mix_draws_what_is_known_apart_from_what_is_not():
    traces = by_name(views.mix(mix_table()))
    known, beyond = (
        traces["between measured mixes"],
        traces["beyond them"],
    )
    assert list(known.y) == [80, 90, None, None, 85]
    assert list(beyond.y) == [None, 90, 92, 91, 85]  # it meets the other at both ends
    assert beyond.line.dash != known.line.dash
    band = traces["range over speakers"]
    assert list(band.y) == [76, 86, 88, 87, 81, 87, 93, 94, 92, 82]
    assert list(band.x)[:5] == list(band.x)[:4:-1] == [0, 25, 50, 75, 100]
    assert (traces["best"].x[0], traces["best"].y[0]) == (50, 92)
    assert traces["best"].text[0] == "2 recorded clips and 2 synthetic clips"


def test_mix_shows_own_trainings_and_keeps_them_in_sight():
    bare, figure = views.mix(mix_table()), views.mix(mix_table(yours=[(30.0, 55.0)]))
    assert kinds(figure) == kinds(bare)
    assert len(by_name(bare)["measured by you"].x) == 0
    mine = by_name(figure)["measured by you"]
    assert (mine.x[0], mine.y[0], mine.text[0]) == (30, 55, "7 recorded clips and 1 synthetic clip")
    assert figure.layout.yaxis.range[0] < 55 < bare.layout.yaxis.range[0]
    assert figure.layout.title.text == "Best: 50 % of USD 20 for recordings, 92.0 % right"


@pytest.mark.parametrize("inside", [(True,) * 5, (False,) * 5])
def test_mix_has_the_same_traces_however_much_is_known(inside):
    figure = views.mix(mix_table(inside))
    assert kinds(figure) == kinds(views.mix(mix_table()))
    empty = "beyond them" if inside[0] else "between measured mixes"
    assert list(by_name(figure)[empty].y) == [None] * 5
