"""Whole notebooks, executed as `kit course run` does it."""

import json
import os
import re

import pytest

from kit.course.lessons import all_lessons
from kit.course.run import execute, run, to_html


@pytest.mark.slow
@pytest.mark.parametrize("lesson", all_lessons(), ids=lambda x: x.stem)
def test_the_lesson_runs_and_exports(lesson, tmp_path, monkeypatch, fsdd):
    monkeypatch.setenv("KIT_DATA_HOME", str(fsdd.parent))
    if os.environ.get("KIT_FULL") != "1":
        monkeypatch.setenv("KIT_REHEARSE", "10")  # all of it, briefly
    (found,) = run([lesson.number], tmp_path / "html")
    assert found.error == ""
    page = found.html.read_text(encoding="utf-8")
    assert "Plotly.newPlot" in page
    assert "NOTICE" not in page
    assert "Traceback" not in page
    # opens without a network: nothing is loaded from elsewhere
    assert not re.search(r"<(?:script|link|img)[^>]+(?:src|href)=[\"']https?://", page)
    assert (found.html.parent / "plotly.min.js").stat().st_size > 10**6
    report = (tmp_path / "reports" / f"{lesson.stem}.md").read_text(encoding="utf-8")
    assert "### Incomplete" in report


@pytest.mark.slow
def test_a_lesson_runs_on_the_sample_without_network_or_data(tmp_path, monkeypatch):
    monkeypatch.setenv("KIT_DATA_HOME", str(tmp_path / "empty"))
    monkeypatch.setenv("KIT_OFFLINE", "1")
    (found,) = run(["01"], tmp_path / "html")
    assert found.error == ""
    assert "NOTICE" in found.html.read_text(encoding="utf-8")


def notebook(tmp_path, *sources):
    cells = [
        {"cell_type": "code", "id": f"c{i}", "metadata": {}, "execution_count": None,
         "outputs": [], "source": s}
        for i, s in enumerate(sources)
    ]  # fmt: skip
    path = tmp_path / "book.ipynb"
    path.write_text(
        json.dumps({"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5})
    )
    return path


def test_a_failing_cell_is_reported_with_its_error(tmp_path):
    book, error = execute(notebook(tmp_path, "1 + 1", "1 / 0", "2 + 2"))
    assert error == "ZeroDivisionError: division by zero"
    assert book.cells[0].outputs
    assert not book.cells[2].outputs


def test_an_endless_cell_is_stopped(tmp_path):
    _, error = execute(notebook(tmp_path, "while True: pass"), timeout=2)
    assert "Timeout" in error


def test_a_kernel_that_dies_is_reported(tmp_path):
    _, error = execute(notebook(tmp_path, "import os; os._exit(1)"))
    assert "died" in error.lower()


def test_explorers_export_figure_and_table_and_no_widget_state(tmp_path):
    book, error = execute(notebook(tmp_path, "import kit", "kit.explore('choke')"))
    assert error == ""
    assert "widgets" not in book.metadata
    page = to_html(book, "test")
    assert "staticPlot: true" in page
    assert "The figure as a table" in page
    assert 'role="img"' in page
