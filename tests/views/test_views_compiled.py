"""The pages of a compiled data set: what they show is what the tables hold, and nothing gets in."""

import json
import re
import subprocess
import sys
from html.parser import HTMLParser
from types import SimpleNamespace

import numpy as np
import polars as pl
import pytest
import soundfile

from kit.audio.synthesize import synthesize
from kit.compiler.report import report
from kit.compiler.run import compile_recipe
from kit.views import compiled
from kit.views import compiled_figures as figures
from kit.views.compiled_profile import MOST, about, profiled

EVIL = "<script>document.title='owned'"  # a folder may be called so, and its name is a label
VOICES = {"00a1": "en-us", "00b2": "en-us+f3", "00c3": "en-gb+m3", "00d4": "en-gb-scotland+f1"}
RECIPE = """
name = "seen"
output = "out"
[[source]]
kind = "speech-commands"
path = "raw"
[[source]]
kind = "synthesis"
words = ["yes", "no"]
voices = ["en-us+m1"]
[gates]
snr_db = 3.0
speech_s = [0.05, 1.0]
[split]
shares = [{shares}]
[augment]
use = "louder:change"
copies = 1
"""


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """(report, Compiled) of version 1 of a small set: two sources, copies, letters, duplicates."""
    home = tmp_path_factory.mktemp("seen")
    for label, word in (("yes", "yes"), ("no", "no"), (EVIL, "seven")):
        (home / "raw" / label).mkdir(parents=True)
        for speaker, voice in VOICES.items():
            path = home / "raw" / label / f"{speaker}_nohash_0.wav"
            soundfile.write(path, synthesize(word, voice), 16_000)
    soundfile.write(home / "raw/yes/00e5_nohash_0.wav", np.zeros(9000, np.int16), 16_000)
    (home / f"raw/{EVIL}/00e5_nohash_0.wav").write_bytes(b"RIFF")
    twin = (home / f"raw/{EVIL}/00a1_nohash_0.wav").read_bytes()
    (home / "raw/yes/00f6_nohash_0.wav").write_bytes(twin)
    (home / "louder.py").write_text("def change(clip, rate, rng):\n    return clip // 2\n")
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(home)
        for shares in ("0.0, 0.5, 0.5", "1.0, 0.0, 0.0"):
            (home / "r.toml").write_text(RECIPE.format(shares=shares))
            run = compile_recipe(home / "r.toml", workers=1)
    sys.modules.pop("louder", None)
    return report(run), run.data


@pytest.fixture(scope="module")
def text(made):
    """The page about `made`."""
    return compiled.page(*made)


class Page(HTMLParser):
    """Tags of a page with their attributes, texts of its scripts, and what a reader reads."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.scripts, self.words, self.inside = [], [], [], None
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        self.inside = tag
        if tag == "script":
            self.scripts.append("")

    def handle_data(self, data):
        if self.inside == "script":
            self.scripts[-1] += data
        elif self.inside != "style":
            self.words.append(data)

    def handle_endtag(self, tag):
        self.inside = None

    @property
    def loads(self):
        """Addresses of what a browser would fetch."""
        kinds = {"script": "src", "link": "href", "img": "src", "iframe": "src"}
        return [attrs[kinds[tag]] for tag, attrs in self.tags if attrs.get(kinds.get(tag))]


def clip_table(count, **columns):
    """A clip table with what the figures look at; columns replace its own."""
    base = {
        "clip_id": [f"{i:06d}" for i in range(count)], "copy": 0, "source": "s", "label": "a",
        "speaker": "x", "language": "en", "split": "train", "seconds": 1.0, "speech_s": 0.5,
        "level_db": -20.0, "snr_db": 30.0, "zero_share": 0.1, "bandwidth_hz": 4000.0,
    }  # fmt: skip
    whole = base | columns
    return pl.DataFrame({k: [v] * count if np.isscalar(v) else v for k, v in whole.items()})


def test_passes_draws_every_clip_of_every_pass(made):
    rows = made[0]["passes"]
    bars = {t.name: t for t in figures.passes(rows).data if t.type == "bar"}
    assert set(bars) == {"written", "copies made", "duplicates", "rejected"}
    read = [r["read"] + r.get("made", 0) for r in rows]
    assert np.sum([bar.x for bar in bars.values()], 0).tolist() == read
    assert sum(bars["copies made"].x) == made[1].clips["copy"].sum() > 0


def test_passes_says_where_words_are_counted():
    rows = [
        {"pass": "contract", "read": 9, "written": 7, "rejected": 2},
        {"pass": "align", "read": 70, "written": 60, "rejected": 10},
        {"pass": "gates", "read": 60, "written": 60, "rejected": 0},
    ]
    figure = figures.passes(rows)
    assert figure.layout.yaxis.ticktext == ("contract", "align (words)", "gates")
    assert figure.data[-1].text[1].split() == ["60", "10", "rejected"]


def test_reasons_counts_what_it_does_not_draw():
    rows = [{"pass": "gates", "code": f"c{n}", "clips": 30 - n, "first": "p"} for n in range(25)]
    figure = figures.reasons(rows)
    assert figure.data[0].x == tuple(range(30, 10, -1))
    assert figure.layout.yaxis.ticktext[0] == "gates: c0"
    assert "40 clips" in figure.layout.title.subtitle.text


def test_histograms_add_up_for_every_source_and_leave_copies_out():
    values = np.r_[np.linspace(0, 10, 300), np.linspace(20, 30, 30), np.full(70, 99.0)]
    table = clip_table(400, snr_db=values, source=["big"] * 300 + ["small"] * 100,
                       copy=[0] * 330 + [1] * 70)  # fmt: skip
    big, small = figures.distributions(table, ["snr_db"]).data
    for trace, low, high in ((big, 0, 10), (small, 20, 30)):
        assert sum(trace.y) == pytest.approx(100)
        seen = np.array(trace.x)[np.array(trace.y) > 0]
        assert low - 1 < seen.min() < seen.max() < high + 1


def test_histograms_do_not_beat_with_the_grid_of_the_measure():
    steps = np.repeat(np.arange(15, 96) / 100, 5)  # speech is measured in steps of 10 ms
    trace = figures.distributions(clip_table(len(steps), speech_s=steps), ["speech_s"]).data[0]
    inner = np.array(trace.y)[2:-2]
    assert inner.max() == pytest.approx(inner.min())


def test_histograms_take_units_constants_and_unknown_values():
    table = clip_table(4, zero_share=[0.5, None, 0.5, float("inf")], speech_s=[None] * 4)
    table = table.with_columns(pl.col("speech_s").cast(pl.Float64))
    figure = figures.distributions(table, ["speech_s", "zero_share", "bandwidth_hz"])
    share, band = figure.data
    assert share.x[int(np.argmax(share.y))] == pytest.approx(50.5)
    assert figure.layout.xaxis.title.text == "digital silence, % of the clip"
    assert band.x[int(np.argmax(band.y))] == 4.5
    assert figure.layout.xaxis2.title.text == "bandwidth, kHz"


def test_quantiles_are_those_of_the_source():
    table = clip_table(200, source=["a"] * 101 + ["b"] * 99, zero_share=[0.25] * 101 + [None] * 99,
                       seconds=[*np.arange(101.0), *np.full(99, 5.0)])  # fmt: skip
    found = {(r["of"], r["source"]): r for r in figures.quantiles(table).to_dicts()}
    assert [found["duration, s", "a"][q] for q in ("5 %", "median", "95 %")] == [5, 50, 95]
    assert found["digital silence, % of the clip", "a"]["median"] == 25
    assert found["digital silence, % of the clip", "b"]["unknown"] == 99


def test_figures_of_fifty_thousand_clips_are_light():
    rng = np.random.default_rng(0)
    n = 50_000
    table = clip_table(n, label=[f"word {i}" for i in rng.zipf(1.3, n) % 3000],
                       speaker=[f"speaker {i}" for i in rng.integers(0, 2000, n)],
                       source=[f"source {i}" for i in rng.integers(0, 20, n)],
                       snr_db=rng.normal(20, 9, n), level_db=rng.normal(-20, 5, n))  # fmt: skip
    for figure in (figures.distributions(table), figures.balance(table, "label", "source"),
                   figures.balance(table, "speaker", "split"), figures.cohorts(table)):  # fmt: skip
        assert len(figure.to_json()) < 100_000
        assert len(figure.data) < 60


def test_balance_counts_and_says_what_is_not_drawn():
    labels = ["0"] * 5 + ["1"] * 4 + ["zero"] * 3 + ["01"] * 2 + [None]
    table = clip_table(15, label=labels, source=["a", "b", "b"] * 5)
    a, b, beside = sorted(figures.balance(table, "label", "source", 4).data,
                          key=lambda t: t.name or "~")  # fmt: skip
    assert (a.y, a.x) == ((0, 1, 2), (2, 1, 1))
    assert (b.y, b.x) == ((0, 1, 2), (3, 3, 2))
    assert [said.strip() for said in beside.text] == ["5", "4", "3"]
    figure = figures.balance(table, "label", "source", 4)
    assert figure.layout.yaxis.ticktext == ("0", "1", "zero")
    assert "2 others with 3 clips" in figure.layout.title.subtitle.text
    whole = figures.balance(table, "label", "source")
    assert whole.layout.yaxis.ticktext == ("0", "1", "zero", "01", "unknown")


def test_crossed_loses_no_clip():
    rng = np.random.default_rng(1)
    labels = [None if i == 7 else f"l{i}" for i in rng.integers(0, 9, 500)]
    table = clip_table(500, label=labels, speaker=[f"s{i}" for i in rng.integers(0, 40, 500)])
    names, groups, counts = figures.crossed(table, "label", "speaker", 99, 10)
    assert counts.sum() == 500
    assert groups[-1] == "31 others"
    for i, name in enumerate(names):
        mine = table.filter(pl.col("label").fill_null("unknown") == name)
        assert counts[i].sum() == mine.height
        assert counts[i, 0] == mine.filter(speaker=groups[0]).height


def test_coverage_shows_the_cells_without_clips():
    table = clip_table(6, label=["a", "a", "a", "b", "a", "b"],
                       speaker=["x", "x", "x", "x", "y", None],
                       language=["en"] * 4 + ["de", None])  # fmt: skip
    figure = figures.cohorts(table)
    empty, filled = (np.array(trace.z, float) for trace in figure.data)
    rows = dict(zip(figure.layout.yaxis.ticktext, 10**filled, strict=True))
    assert rows["en · x"] == pytest.approx([3, 1])
    assert rows["de · y"] == pytest.approx([1, np.nan], nan_ok=True)
    assert rows["language? · speaker?"] == pytest.approx([np.nan, 1], nan_ok=True)
    assert (np.isnan(empty) == ~np.isnan(filled)).all()
    assert figure.layout.title.text.startswith("2 of 6 cells")


def test_names_in_figures_are_short_and_no_html():
    long = "/".join(f"folder{n}" for n in range(20))
    table = clip_table(3, label=[EVIL, long, ""], source=[EVIL, long, "b"])
    figure = figures.balance(table, "label", "source")
    names = [*figure.layout.yaxis.ticktext, *(bar.name for bar in figure.data[:-1])]
    assert not [name for name in names if "<" in name or not name]
    assert max(map(len, names)) < 40
    assert figures.middle(long).startswith("folder0/")
    assert figures.middle(long).endswith("/folder19")
    assert len(figures.middle(long)) == 60


def test_the_page_needs_no_other_file(text):
    page = Page(text)
    assert page.loads == []
    assert "@import" not in text
    assert sum(len(script) > 1e6 for script in page.scripts) == 1  # plotly, once


def test_every_figure_of_the_page_has_a_table(text):
    places = [m.start() for m in re.finditer('class="figure"', text)]
    assert len(places) == 6
    for start, stop in zip(places, [*places[1:], len(text)], strict=True):
        assert '<table class="kit-table">' in text[start:stop]
    data = [json.loads(script) for script in Page(text).scripts if script.startswith("{")]
    assert len(data) == 6
    assert all(figure["data"] and figure["layout"]["title"]["text"] for figure in data)


def test_the_page_tells_what_the_report_and_the_record_hold(made, text):
    found, data = made
    said = " ".join(" ".join(Page(text).words).split())
    assert "seen, version 1" in said
    assert f"fingerprint {found['fingerprint']}" in said
    assert f"{data.clips.height} clips {data.clips['copy'].sum()} of them changed copies" in said
    assert "1 equal and 0 near duplicates are left out. 1 of them bear another label" in said
    assert "gates silent 1 " in said
    assert re.search(r"0 20\d\d-.* 1 \(this one\) 20\d\d-", said)  # the history of the table
    for part in (*data.record["libraries"].values(), data.record["passes"]["split"]["code"],
                 data.record["recipe"]["augment"]["use"], "No label's share moved"):  # fmt: skip
        assert part in said
    for row in found["passes"]:
        assert f"{row['pass']} {row['read']} {row.get('made', 0)} {row['written']} " in said
    for row in found["sources"]:
        assert f"{row['source']} {row['read']} {row['written']} " in said


def test_the_page_shows_what_moved(made):
    moved = made[0] | {"moves": [f"{EVIL!r} has a share of 0.50, 0.10 in the contract"]}
    page = Page(compiled.page(moved, made[1]))
    assert any("has a share of 0.50, 0.10 in the contract" in words for words in page.words)
    assert not any("share moved" in words for words in page.words)


def test_duplicates_with_another_label_come_first(made):
    found, data = made
    twin = data.duplicates.row(0, named=True)
    assert twin["label"] != twin["of_label"]
    same = twin | {"of_label": twin["label"], "similarity": float("nan"), "kind": "near"}
    names = ("folder", "version", "record", "clips", "letters")
    few = {name: getattr(data, name) for name in names}
    few["duplicates"] = pl.DataFrame([same] * 30 + [twin], schema=data.duplicates.schema)
    text = compiled.page(found, SimpleNamespace(**few))
    head = text[text.index("path that stays") :]
    rows = head[head.index("<tbody>") : head.index("</tbody>")].split("<tr>")[1:]
    assert len(rows) == 20
    first, second = (Page(row).words for row in rows[:2])
    assert first[:3] == ["exact", "1", twin["label"]]
    assert first[4] == twin["of_label"]
    assert first[5].endswith(".wav")
    assert second[:2] == ["near", "–"]


def test_nothing_from_the_data_becomes_html(made, text):
    found, data = made
    assert EVIL in data.clips["label"].to_list()
    assert any(EVIL in row["first"] for row in found["reasons"])
    page = Page(text)
    assert len(page.scripts) == 6 + 2
    assert not [script for script in page.scripts if script[0] == "{" and "<" in script]
    assert not [script for script in page.scripts if "title='owned" in script and script[0] != "{"]
    assert any(EVIL in words for words in page.words)


def test_a_browser_draws_every_figure_without_a_network(chromium, made, text, tmp_path):
    place = tmp_path / "report.html"
    place.write_text(text, encoding="utf-8")
    done = subprocess.run(
        [chromium, "--headless", "--no-sandbox", "--disable-gpu", "--virtual-time-budget=4000",
         "--host-resolver-rules=MAP * ~NOTFOUND", f"--user-data-dir={tmp_path / 'profile'}",
         "--dump-dom", f"file://{place}"],
        capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    drawn = done.stdout
    assert "<title>seen, version 1</title>" in drawn
    assert drawn.count('class="figure js-plotly-plot"') == 6
    assert "&lt;script&gt;docume" in re.search('class="yaxislayer-above".*', drawn).group()


def test_pages_are_written_and_nothing_is_sent(made, monkeypatch, capfd):
    from data_profiling.utils import common

    sent = []
    monkeypatch.delenv("YDATA_PROFILING_NO_ANALYTICS", raising=False)
    monkeypatch.setattr(common.requests, "get", sent.append)
    written = compiled.write_pages(*made)
    assert written == [made[1].folder / "report.html", made[1].folder / "profile.html"]
    assert not sent
    assert capfd.readouterr() == ("", "")
    profile = Page(written[1].read_text(encoding="utf-8"))
    assert profile.loads == []
    assert not [script for script in profile.scripts if "title='owned" in script]
    said = " ".join(profile.words)
    assert "signal-to-noise ratio, dB" in said
    assert "; changed copies are left out" in said
    assert 'href="profile.html"' in written[0].read_text(encoding="utf-8")


def test_a_profile_that_fails_is_told_and_the_old_one_goes(made, monkeypatch):
    def broken(data):
        raise RuntimeError("no <b>room</b> left")

    (made[1].folder / "profile.html").write_text("of an older version")
    monkeypatch.setattr(compiled, "profile", broken)
    written = compiled.write_pages(*made)
    assert [path.name for path in written] == ["report.html"]
    assert not (made[1].folder / "profile.html").exists()
    text = written[0].read_text(encoding="utf-8")
    assert "There is no profile. RuntimeError: no &lt;b&gt;room&lt;/b&gt; left" in text
    assert 'href="profile.html"' not in text


def test_the_profile_looks_at_columns_that_say_something(made):
    table = profiled(made[1].clips)
    assert table.height == made[1].clips.filter(copy=0).height < made[1].clips.height
    assert {"label", "speaker", "seconds", "snr_db"} <= set(table.columns)
    left = {"clip_id", "path", "row", "shard", "features", "copy", "score"}
    assert not left & set(table.columns)  # no sentence was aligned, so score is empty
    assert not table["label"].str.contains("[<>]").any()


def test_the_profile_of_many_clips_is_a_sample_and_says_so():
    n = MOST + 10
    table = clip_table(n, clip_id=[f"{i:09d}" for i in range(n)][::-1], seconds=np.arange(n, 0, -1))
    seen = profiled(table)
    assert seen.height == MOST
    assert seen["seconds"].max() == MOST
    assert about(table) == "100\u202f000 of 100\u202f010 clips, the first by clip_id"
    assert about(clip_table(3, copy=[0, 0, 1])) == "all 2 clips; changed copies are left out"
