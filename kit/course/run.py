"""`kit course run`: execute every notebook and write HTML that needs no kernel and no network."""

import html
import json
import os
import re
import shutil
import time
from dataclasses import dataclass
from pathlib import Path

from kit.course.lessons import all_lessons
from kit.errors import KitError
from kit.paths import root

_PLOTLY = "application/vnd.plotly.v1+json"


@dataclass(frozen=True)
class Run:
    """One executed notebook. error: "" or the last line of what it raised."""

    lesson: str
    seconds: float
    html: Path | None
    error: str = ""


def run(numbers=(), target=None, timeout=600):
    """Execute the lessons `numbers` (all if empty) and write HTML: list of Run.

    target: folder, default build/html. timeout: of one cell, s. A failing lesson does not stop
    the others; its HTML shows how far it came.
    """
    from tqdm.auto import tqdm

    folder = Path(target or root() / "build" / "html")
    folder.mkdir(parents=True, exist_ok=True)
    _copy_plotly(folder)
    lessons = [x for x in all_lessons() if not numbers or x.number in numbers]
    bar = tqdm(lessons, unit="notebook")
    runs = []
    for lesson in bar:
        bar.set_description(lesson.stem)
        runs.append(_run_one(lesson, folder, timeout))
    return runs


def execute(path, timeout=600, reports=None):
    """Execute the notebook file `path` in its own folder, headless: (notebook, error text)."""
    import nbformat
    from nbclient import NotebookClient
    from nbclient.exceptions import CellExecutionError

    book = nbformat.read(path, as_version=4)
    env = os.environ | {"KIT_HEADLESS": "1", "JUPYTER_PREFER_ENV_PATH": "1"}
    if reports:
        env["KIT_REPORTS"] = str(reports)
    client = NotebookClient(
        book,
        timeout=timeout,
        kernel_name="python3",
        resources={"metadata": {"path": str(Path(path).parent)}},
        store_widget_state=False,
    )
    try:
        client.execute(env=env)
    except CellExecutionError as error:
        return book, _plain(error).splitlines()[-1]
    except (TimeoutError, RuntimeError) as error:
        return book, f"{type(error).__name__}: {error}"
    return book, ""


def _plain(error):
    """The text of an error, without the colour codes of a terminal."""
    return re.sub(r"\x1b\[[0-9;]*m", "", str(error)).strip()


def to_html(book, title):
    """HTML of an executed notebook; figures are drawn by plotly.min.js beside the file."""
    from nbconvert import HTMLExporter

    for number, output in enumerate(_outputs(book)):
        if _PLOTLY in output.get("data", {}):
            output["data"] = {"text/html": _figure_html(output["data"][_PLOTLY], number)}
    exporter = HTMLExporter(template_name="lab", mathjax_url="", require_js_url="")
    exporter.exclude_input_prompt = exporter.exclude_output_prompt = True
    page, _ = exporter.from_notebook_node(book, {"metadata": {"name": title}})
    return page.replace("<head>", '<head><script src="plotly.min.js"></script>', 1)


def _run_one(lesson, folder, timeout):
    start = time.perf_counter()
    if not lesson.notebook.exists():
        raise KitError(f"{lesson.notebook.name} is missing", remedy="run: kit course build")
    book, error = execute(lesson.notebook, timeout, folder.parent / "reports")
    page = folder / f"{lesson.stem}.html"
    page.write_text(to_html(book, f"{lesson.number} {lesson.title}"), encoding="utf-8")
    return Run(lesson.number, time.perf_counter() - start, page, error)


def _outputs(book):
    return [out for cell in book.cells for out in cell.get("outputs", [])]


def _figure_html(figure, number):
    data = json.dumps({"data": figure["data"], "layout": figure["layout"]}).replace("</", "<\\/")
    title = figure["layout"].get("title", {}).get("text") or "figure"
    return (
        f'<div id="figure-{number}" role="img" aria-label="{html.escape(title)}"></div><script>'
        f'(f => Plotly.newPlot("figure-{number}", f.data, f.layout, '
        f"{{staticPlot: true, responsive: true}}))({data})</script>"
    )


def _copy_plotly(folder):
    import plotly

    source = Path(plotly.__file__).parent / "package_data" / "plotly.min.js"
    if not (folder / source.name).exists():
        shutil.copyfile(source, folder / source.name)
