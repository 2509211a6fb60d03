"""Pictures of layouts and codecs: every measured value is drawn where it belongs."""

import polars as pl
import pytest

from kit.errors import KitError
from kit.views import storage as views

RATES = {"wav": (100.0, 5.0, 1.1), "npy": (900.0, 0.5, 1.0), "flac": (30.0, 7.0, 0.4)}


def layouts():
    rows = []
    for name, (scan, single, size) in RATES.items():
        for cache, better in (("cold", 1), ("warm", 4)):
            rows += [(name, "scan", cache, scan * better, "1/s"),
                     (name, "single p50", cache, single / better, "ms")]  # fmt: skip
        rows.append((name, "blocks", "", 1000 * size, "B"))
    table = pl.DataFrame(rows, ["name", "operation", "cache", "value", "unit"], orient="row")
    return table.with_columns(low=0.9 * pl.col("value"), high=1.2 * pl.col("value"),
                              records=pl.lit(10), record_bytes=pl.lit(100.0))  # fmt: skip


def codecs():
    return pl.DataFrame({"part": ["clips", "clips", "prices"], "codec": ["flac", "lz4", "lz4"],
                         "ratio": [5.5, 2.4, 1.7], "unpack_gbs": [0.1, 3.0, 2.0],
                         "unpack_low": [0.08, 2.5, 1.0],
                         "unpack_high": [0.2, 4.0, 2.5]})  # fmt: skip


def test_every_layout_has_a_mark_in_every_panel():
    drawn = views.layouts(layouts())
    panels = {}
    for trace in drawn.data:
        panels.setdefault(trace.xaxis, []).append(dict(zip(trace.y, trace.x, strict=True)))
        assert list(trace.error_x.array) == pytest.approx([0.2 * x for x in trace.x])
    assert panels["x"] == [pytest.approx({n: size for n, (*_, size) in RATES.items()})]
    assert panels["x2"][0] == {n: scan for n, (scan, *_) in RATES.items()}
    assert panels["x3"][1] == pytest.approx({n: single / 4 for n, (_, single, _) in RATES.items()})
    assert drawn.layout.yaxis.categoryarray == ("flac", "wav", "npy")  # from below: quickest on top
    assert "npy is read<br>30 times as fast as flac" in drawn.layout.title.text
    assert [t.name for t in drawn.data if t.showlegend] == ["from the disk", "from memory"]
    for axis in (drawn.layout.xaxis, drawn.layout.xaxis2, drawn.layout.xaxis3):
        assert axis.title.text


def test_codecs_say_both_ends():
    drawn = views.codecs(codecs())
    assert [t.name for t in drawn.data] == ["clips", "prices"]
    assert list(drawn.data[0].text) == ["flac", "lz4"]
    told = drawn.layout.title.text
    assert told == "flac packs 5.5 to one, unpacks 0.1 GB/s; lz4 packs 2.4 to one, unpacks 3 GB/s"
    low, high = (10**x for x in drawn.layout.xaxis.range)
    assert low < 0.08
    assert high > 4
    assert len({t.marker.symbol for t in drawn.data}) == 2  # colour is not alone


def test_one_codec_that_is_best_at_both_is_said_once():
    drawn = views.codecs(codecs().filter(codec="lz4", part="clips"))
    assert drawn.layout.title.text == "lz4 packs 2.4 to one, unpacks 3 GB/s"


@pytest.mark.parametrize(("view", "table"), [
    (views.layouts, codecs()), (views.codecs, layouts()), (views.layouts, layouts().drop("cache")),
])  # fmt: skip
def test_another_table_is_refused(view, table):
    with pytest.raises(KitError):
        view(table)
