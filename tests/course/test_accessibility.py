"""Who sees little, hears nothing or has no mouse: every figure has words, every control a name."""

import html.parser
import json
import re

import plotly.graph_objects as go
import polars as pl
import pytest

import kit
from kit.course.lessons import all_lessons
from kit.course.run import execute, to_html
from kit.explorers import explore, explorer, explorer_names
from kit.explorers.base import Panel
from kit.explorers.fields import as_widget
from kit.paths import root
from kit.views import experiments, theme
from kit.views.html import figure_fallback, figure_table, figure_text, table_html

LESSONS = all_lessons()


class Page(html.parser.HTMLParser):
    """What a page holds: tables with captions and headings, images, players, buttons, fields."""

    def __init__(self, text):
        super().__init__()
        self.tags = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def all(self, *names):
        return [(tag, attrs) for tag, attrs in self.tags if tag in names]


def explored(name):
    """The explorer as it first shows."""
    return explore(name)


def shown_colours(figure):
    """(where, colour) of every text in a figure that has a colour of its own."""
    found = []

    def walk(part, path):
        if isinstance(part, dict):
            for key, value in part.items():
                if "font" in key and isinstance(value, dict) and "color" in value:
                    colours = value["color"]
                    several = [colours] if isinstance(colours, str) else list(colours)
                    found.extend((f"{path}.{key}", colour) for colour in several)
                elif key != "template":
                    walk(value, f"{path}.{key}")
        elif isinstance(part, list | tuple):
            for i, value in enumerate(part):
                walk(value, f"{path}[{i}]")
        elif isinstance(part, str):
            found.extend((path, c) for c in re.findall(r"color:(#[0-9A-Fa-f]{6})", part))

    walk(figure.to_plotly_json(), "figure")
    return found


@pytest.mark.parametrize("name", explorer_names())
def test_every_control_has_a_name_with_its_unit(name):
    panel = Panel(explored(name))
    for control in explorer(name).movable:
        widget = panel.inputs[control.name]
        assert len(control.label) > 2
        assert widget.description == control.title
        assert not control.unit or f"({control.unit})" in widget.description
        assert "description" in widget.keys  # the front end makes it the label


@pytest.mark.parametrize("name", explorer_names())
def test_an_explorer_says_what_it_shows_and_reads_it_out_when_it_changes(name):
    seen = explored(name)
    panel = Panel(seen)
    ((_, status),) = [x for x in Page(panel.text.value).all("p") if x[1].get("role")]
    assert status == {"role": "status", "aria-live": "polite"}
    assert len(seen.summary.split()) >= 4
    page = Page(panel.table.value)
    assert page.all("details")
    assert page.all("caption")
    heads = page.all("th")
    assert heads
    assert all(attrs.get("scope") == "col" for _, attrs in heads)
    assert seen.explorer.fallback(seen.table).height
    if seen.explorer.sound:
        assert all(attrs["aria-label"] for _, attrs in Page(panel.sound.value).all("audio"))


@pytest.mark.parametrize("name", explorer_names())
def test_any_figure_turns_into_a_sentence_and_a_table_of_its_own_data(name):
    """As for the figures of the lessons, which have no table of their own."""
    drawn = explored(name).figure
    table = figure_table(drawn)
    assert table.height
    assert table.height <= 40 * len(drawn.data)
    assert not table.null_count().sum_horizontal().sum()
    assert not [x for row in table.rows() for x in row if re.search("<|nan", x)]
    words = figure_text(drawn)
    assert re.sub("<.*?>", "", drawn.layout.title.text)[:9] in words
    names = {t.name for t in drawn.data if t.name}
    assert all(re.sub("<.*?>", " ", n).split()[0] in words for n in names)


def test_the_table_of_a_figure_holds_its_numbers():
    drawn = theme.figure(
        [go.Scatter(x=[1, 2, 3], y=[4, None, 6.5], name="a<br>b", text=["p", "q", "r"]),
         go.Bar(x=[1], y=["word"], name="c")],
        "One <b>finding</b>", "time, s", "rate, 1/s",
    )  # fmt: skip
    assert figure_table(drawn).rows() == [
        ("a b", "1", "4", "p"), ("a b", "3", "6.5", "r"), ("c", "1", "word", ""),
    ]  # fmt: skip
    assert figure_table(drawn).columns == ["series", "time, s", "rate, 1/s", "text"]
    assert figure_text(drawn) == "One finding. Shown: a b; c."


def test_the_table_of_a_heatmap_and_of_two_panels():
    cells = go.Heatmap(x=["u", "v"], y=[1, 2], z=[[1, 2], [3, None]], name="n")
    line = go.Scatter(y=[7, 8], xaxis="x2", yaxis="y2", mode="lines")
    drawn = theme.figure([cells, line], "Why?", "word", "said", xaxis2={"title": {"text": "t, s"}})
    table = figure_table(drawn)
    assert table["axes"].unique(maintain_order=True).to_list() == ["word against said",
                                                                   "t, s against "]  # fmt: skip
    assert table.select("x", "y", "value").rows()[:3] == [("u", "1", "1"), ("v", "1", "2"),
                                                          ("u", "2", "3")]  # fmt: skip
    assert table.select("x", "y").rows()[-2:] == [("0", "7"), ("1", "8")]
    assert figure_text(drawn) == "Why? Shown: n."


def test_a_long_line_is_thinned_and_keeps_its_ends():
    drawn = theme.figure([go.Scatter(x=list(range(1000)), y=[0.5] * 1000)], "T", "x", "y, s")
    shown = figure_table(drawn)["x"].to_list()
    assert len(shown) == 40
    assert (shown[0], shown[-1]) == ("0", "999")


@pytest.mark.parametrize("source", [
    "kit.after('k', views.scaling_like)", "views.scaling_like", "show_figure(views.scaling_like)",
])  # fmt: skip
def test_a_figure_of_a_lesson_is_exported_with_sentence_and_table(source, tmp_path):
    head = (
        "import kit\nfrom types import SimpleNamespace\nfrom kit.views.html import show_figure"
        "\nfrom kit.views.theme import figure\nviews = SimpleNamespace(scaling_like=figure("
        "[{'type': 'bar', 'x': [1], 'y': [2], 'name': 'b'}], 'Twice', 'n, 1', 's, s'))"
    )
    cells = [{"cell_type": "code", "id": f"c{i}", "metadata": {}, "execution_count": None,
              "outputs": [], "source": s} for i, s in enumerate((head, source))]  # fmt: skip
    path = tmp_path / "book.ipynb"
    path.write_text(json.dumps({"cells": cells, "metadata": {}, "nbformat": 4,
                                "nbformat_minor": 5}))  # fmt: skip
    book, error = execute(path)
    assert error == ""
    text = to_html(book, "test")
    page = Page(text)
    pictures = [attrs for _, attrs in page.all("div") if attrs.get("role") == "img"]
    assert [p["aria-label"] for p in pictures] == ["Twice"]
    assert text.count("The figure as a table") == 1
    assert "Twice. Shown: b." in text
    assert len(page.all("caption")) == 1


def test_a_live_figure_of_a_lesson_has_its_table(person):
    drawn = explore("choke").figure
    box = as_widget(drawn)
    held = [child.value for child in box.children if type(child).__name__ == "HTML"]
    assert held == [figure_fallback(drawn)]


@pytest.mark.parametrize("lesson", LESSONS, ids=lambda x: x.stem)
def test_no_lesson_draws_past_the_one_place_that_adds_the_table(lesson):
    book = json.loads(lesson.notebook.read_text(encoding="utf-8"))
    text = "\n".join("".join(c["source"]) for c in book["cells"] if c["cell_type"] == "code")
    assert not re.search(r"\bgo\.|plotly|matplotlib|FigureWidget|\.show\(\)", text)
    for path in (root() / "kit").rglob("*.py"):
        code = path.read_text(encoding="utf-8")
        assert "go.Figure(" not in code, path


@pytest.mark.parametrize("folder", ["docs", "notebooks", "labs/release", "."])
def test_images_have_a_text_in_their_place(folder):
    """In Markdown and in HTML."""
    paths = (root() / folder).glob("*.md") if folder == "." else (root() / folder).rglob("*.*")
    for path in (p for p in paths if p.suffix in (".md", ".ipynb")):
        text = path.read_text(encoding="utf-8")
        if path.suffix == ".ipynb":
            cells = json.loads(text)["cells"]
            text = "\n".join("".join(c["source"]) for c in cells)
        for words in re.findall(r"!\[([^\]]*)\]\(", text):
            assert len(words.split()) >= 3, path
        assert all(attrs.get("alt") for _, attrs in Page(text).all("img")), path


def test_tables_have_captions_and_headings_that_say_what_they_head():
    text = table_html(pl.DataFrame({"move_usd": [1.5], "name": ["<a>"]}), "Bills & more")
    page = Page(text)
    assert [attrs for _, attrs in page.all("th")] == [{"scope": "col"}] * 2
    assert "<caption>Bills &amp; more</caption>" in text
    assert "move (USD)" in text
    assert "&lt;a&gt;" in text


def test_players_have_names():
    import numpy as np

    page = Page(kit.sound(np.zeros(160, "int16"), caption="a quiet one").html)
    ((_, attrs),) = page.all("audio")
    assert attrs["aria-label"] == "a quiet one"
    assert "controls" in attrs


@pytest.mark.parametrize("colour", ["INK", "BLUE", "DARK_ORANGE", "DARK_GREEN"])
def test_colours_of_text_can_be_read_on_white(colour):
    assert theme.contrast(getattr(theme, colour)) >= 4.5
    assert theme.contrast(getattr(theme, colour), theme.PALE_GREY) >= 4.0


def test_contrast_is_that_of_the_guidelines():
    assert theme.contrast("#000000") == pytest.approx(21)
    assert theme.contrast("#FFFFFF") == 1
    assert theme.contrast("#767676") == pytest.approx(4.54, abs=0.01)  # the lightest grey allowed


@pytest.mark.parametrize("name", ["BLUE", "ORANGE", "GREEN", "RED", "PURPLE", "SKY", "GREY"])
def test_text_on_a_bar_takes_the_better_of_white_and_ink(name):
    colour = getattr(theme, name)
    assert theme.contrast(theme.text_on(colour), colour) >= 3.8
    assert theme.contrast(theme.text_on(colour), colour) == max(
        theme.contrast("#FFFFFF", colour), theme.contrast(theme.INK, colour)
    )


@pytest.mark.parametrize("name", explorer_names())
def test_coloured_text_of_explorers_can_be_read(name):
    for place, colour in shown_colours(explored(name).figure):
        assert theme.contrast(colour) >= 4.5, place


def test_numbers_in_bars_of_the_lessons_can_be_read():
    table = pl.DataFrame({"treatment": ["raw", "cut"], "auc": [0.99, 0.8], "low": [0.9, 0.7],
                          "high": [1.0, 0.9], "accuracy_percent": [30.0, 45.0],
                          "points": [25.0, 10.0]})  # fmt: skip
    for bar in experiments.gap(table).data:
        assert theme.contrast(bar.textfont.color, bar.marker.color) >= 4.5


# series that nobody has to tell apart by their colour: areas with their edge between them, lines
# across one another, dots that lie on their own line, bars that a text beside them names in order
NAMED_ELSEWHERE = {
    "design": {"your budget", "your accuracy", "always right"},
    "size-and-sense": {"alarm", "quiet"},
    "routing": {"model", "crowd", "experts"},
    "active-learning": {"random, range", "margin, range", "random needs", "margin needs"},
    "kappa-paradox": {"Cohen's kappa", "Gwet's AC1"},
    "etl-elt": {"ETL cheaper", "ELT cheaper"},
    "tiers": {"your limits"},
}


def look(trace):
    """All of a trace but its colour."""
    axes = getattr(trace, "xaxis", None), getattr(trace, "yaxis", None)
    if trace.type == "bar":
        return "bar", str(trace.marker.pattern.shape), trace.text is not None, axes
    mode = trace.mode or "lines"
    line = (trace.line.dash, trace.line.width) if "lines" in mode else None
    mark = (str(trace.marker.symbol), str(trace.marker.size)) if "markers" in mode else None
    return mode, line, mark, trace.fill, axes


@pytest.mark.parametrize("name", explorer_names())
def test_colour_alone_never_tells_two_series_apart(name):
    looks = {}
    for trace in explored(name).figure.data:
        named = trace.name in {None, *NAMED_ELSEWHERE.get(name, ())}
        if trace.type in ("bar", "scatter") and not named:
            looks.setdefault(look(trace), set()).add(trace.name)
    assert {k: v for k, v in looks.items() if len(v) > 1} == {}


def test_lines_of_a_mix_differ_by_mark_and_dash():
    rows = [(a, c, s, 10, 10, 50.0, 40.0, 60.0, 2, "range") for a in ("none", "light", "full")
            for c in ("clean", "noisy") for s in (0.0, 1.0)]  # fmt: skip
    names = ["augment", "condition", "real_share", "real", "synthetic", "accuracy_percent",
             "low_percent", "high_percent", "speakers", "ends"]  # fmt: skip
    drawn = experiments.mix(pl.DataFrame(rows, names, orient="row"))
    assert len({look(t) for t in drawn.data}) == len(drawn.data) == 6
