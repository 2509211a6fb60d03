"""A real JupyterLab in a real browser: run lesson 01, lock predictions, move a slider, look.

Writes the pictures of the README to docs/img when KIT_PICTURES=1.
"""

import contextlib
import os
import re
import shutil
import signal
import subprocess
import time
from functools import partial

import pytest
from playwright.sync_api import TimeoutError as LateError
from playwright.sync_api import sync_playwright

from kit.course.lessons import all_lessons
from kit.course.server import command, environment, free_port
from kit.paths import root

pytestmark = [pytest.mark.browser, pytest.mark.slow]

# what JupyterLab asks for and may not have
_OPTIONAL = re.compile(r"\.map$|/api/(settings|workspaces|lsp)|custom\.css|nbgrader|favicon")


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """Address of a JupyterLab that serves a copy of the course: (url, token, folder)."""
    folder = tmp_path_factory.mktemp("course")
    for name in ("notebooks", "data", "labs"):
        ignore = shutil.ignore_patterns("reports", "source", "*.db")
        shutil.copytree(root() / name, folder / name, ignore=ignore)
    port = free_port(18_888)
    words = command(browser=False, port=port, extra=["--IdentityProvider.token=secret"])
    words = [f"--ServerApp.root_dir={folder}" if "root_dir" in w else w for w in words]
    # pages are looked at here, not their numbers: tests/course/test_run.py has real trainings
    env = environment() | {"KIT_ROOT": str(root()), "KIT_REHEARSE": "20"}
    env.pop("KIT_HEADLESS", None)
    with open(folder / "server.log", "w") as log:
        process = subprocess.Popen(
            words, cwd=folder, env=env, stdout=log, stderr=log, start_new_session=True
        )
    try:
        _wait(port, process, folder / "server.log")
        yield f"http://127.0.0.1:{port}", "secret", folder
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
        process.wait(timeout=30)


def _wait(port, process, log):
    import socket

    for _ in range(120):
        if process.poll() is not None:
            pytest.fail(f"JupyterLab ended: {log.read_text()[-2000:]}")
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        time.sleep(0.5)
    pytest.fail("JupyterLab did not answer within a minute")


@pytest.fixture(scope="module")
def browser(chromium):
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def page(browser, server):
    """A page that collects what goes wrong in it; its kernels end with it."""
    page = browser.new_page(viewport={"width": 1400, "height": 1000})
    page.faults = []
    page.on("pageerror", lambda error: _note_error(page, str(error)))
    page.on("response", lambda reply: _note_failure(page, reply))
    yield page
    url, token, _ = server
    said = {"headers": {"Authorization": f"token {token}"}}
    for session in page.request.get(f"{url}/api/sessions", **said).json():
        page.request.delete(f"{url}/api/sessions/{session['id']}", **said)
    page.close()


def _note_error(page, text):
    # anywidget reports a widget that takes over two seconds, as on a busy machine, and goes on
    # with it; a figure or labeler that never comes fails where it is looked for
    if text != "[anywidget] Failed to initialize model.":
        page.faults.append(text)


def _note_failure(page, reply):
    if reply.status >= 400 and not _OPTIONAL.search(reply.url):
        page.faults.append(f"{reply.status} {reply.url}")


_STATE = """() => ({
  kernel: document.querySelector('.jp-Notebook-ExecutionIndicator')?.dataset?.status,
  prompts: [...document.querySelectorAll('.jp-InputPrompt')].map(e => e.innerText.trim()),
})"""
_RAN = f"() => ({_STATE})().prompts.some(p => /[0-9]/.test(p))"
# a cell that waits for a kernel shows a star as well
_READY = f"""() => {{
  const {{kernel, prompts}} = ({_STATE})();
  return kernel === 'idle' && !prompts.some(p => /[0-9*]/.test(p));
}}"""
_DONE = f"""() => {{
  const {{kernel, prompts}} = ({_STATE})();
  return kernel === 'idle' && prompts.some(p => /[0-9]/.test(p))
    && !prompts.some(p => p.includes('*'));
}}"""


def run_all(page, server, path):
    """Open a notebook and run all of it; a click that comes before the menu lives is repeated."""
    url, token, _ = server
    page.goto(f"{url}/lab/tree/{path}?token={token}&reset")
    page.wait_for_selector(".jp-Notebook", timeout=60_000)
    said = []
    for _ in range(12):
        with contextlib.suppress(LateError):
            page.wait_for_function(f"() => ({_RAN})() || ({_READY})()", timeout=10_000)
            if page.evaluate(_RAN):
                return
            page.click(".lm-MenuBar-itemLabel:text-is('Run')", timeout=5_000)
            page.click(".lm-Menu-itemLabel:text-is('Run All Cells')", timeout=5_000)
            page.wait_for_function(_RAN, timeout=10_000)
            return
        said += agree(page)
    pytest.fail(f"{path} was not run: {page.evaluate(_STATE)}; dialogs: {said}")


def agree(page):
    """Accept what a dialog offers, such as the notebook's own kernel; return what was said."""
    said = []
    for dialog in page.query_selector_all(".jp-Dialog"):
        said.append(dialog.inner_text())
        dialog.query_selector(".jp-mod-accept").click(timeout=5_000)
        page.wait_for_timeout(500)
    return said


def open_and_run(page, server, path):
    """Open a notebook, run all of it, wait until the kernel is idle."""
    run_all(page, server, path)
    try:
        for _ in range(2):  # between two cells a kernel may look idle
            page.wait_for_function(_DONE, timeout=400_000)
            page.wait_for_timeout(2000)
    except LateError:
        pytest.fail(f"{path} is not done after 400 s: {page.evaluate(_STATE)}")


def errors(page):
    """Texts of error outputs in the notebook."""
    wanted = ".jp-OutputArea-output[data-mime-type='application/vnd.jupyter.stderr'], "
    wanted += ".jp-RenderedText[data-mime-type='application/vnd.jupyter.error']"
    return [e.inner_text() for e in page.query_selector_all(wanted)]


def outputs(page):
    """Text of all outputs."""
    return "\n".join(e.inner_text() for e in page.query_selector_all(".jp-OutputArea"))


def points_of(explorer):
    """Positions of everything drawn in the explorer's figure, as text."""
    return explorer.evaluate("e => e.querySelector('.js-plotly-plot .cartesianlayer').innerHTML")


def _moved(explorer, before):
    return points_of(explorer) != before


def move(page, explorer, handle, key, times):
    """Move a slider of the explorer with the keyboard, and wait until the figure follows."""
    explorer.scroll_into_view_if_needed()
    page.wait_for_timeout(400)
    before = points_of(explorer)
    explorer.query_selector_all(".noUi-handle")[handle].focus()
    for _ in range(times):
        page.keyboard.press(key)
    eventually(partial(_moved, explorer, before))


def drawn(page):
    """For every figure: how many of its traces have marks on the screen, and its width."""
    return page.evaluate(
        """() => [...document.querySelectorAll('.js-plotly-plot')].map(f => ({
            traces: f.querySelectorAll('.trace, .bars, .hm').length,
            width: f._fullLayout.width, room: f.parentElement.offsetWidth}))"""
    )


def lock_all(page, value="3"):
    for box in page.query_selector_all("input[placeholder='a number']"):
        box.scroll_into_view_if_needed()
        box.fill(value)
        box.press("Tab")
    for button in page.query_selector_all("button:has-text('Lock it in')"):
        button.scroll_into_view_if_needed()
        button.click()
        page.wait_for_timeout(150)
    eventually(lambda: "Hidden until" not in outputs(page))
    page.wait_for_timeout(1000)


def eventually(condition, seconds=20):
    """Wait until `condition()` holds: a busy machine answers late."""
    end = time.monotonic() + seconds
    while not condition() and time.monotonic() < end:
        time.sleep(0.25)
    assert condition()


def picture(element, name, folder):
    """Save a screenshot; into docs/img where pictures are to be renewed."""
    target = root() / "docs" / "img" if os.environ.get("KIT_PICTURES") == "1" else folder
    element.screenshot(path=target / name)


def pictures(page, explorers, stem, folder):
    """A screenshot of each explorer."""
    for number, explorer in enumerate(explorers):
        explorer.scroll_into_view_if_needed()
        page.wait_for_timeout(400)
        picture(explorer, f"{stem}-{number}.png", folder)


def test_lesson_01_lives(page, server, tmp_path):
    open_and_run(page, server, "notebooks/01_data_gravity.ipynb")
    assert errors(page) == []
    body = outputs(page)
    assert "Hidden until you lock your prediction above." in body
    assert "One epoch in five layouts" not in body, "the measurement shows before the prediction"
    lock_all(page)
    body = outputs(page)
    assert "Hidden until" not in body
    assert "One epoch in five layouts" in body
    assert "measured / predicted" in body

    explorers = page.query_selector_all(".kit-explorer")
    assert len(explorers) == 4
    eventually(lambda: all(f["traces"] > 0 for f in drawn(page)))
    assert len(drawn(page)) == 6, "four explorers, epochs and scaling"
    for explorer in explorers:
        explorer.scroll_into_view_if_needed()
        page.wait_for_timeout(400)
    eventually(lambda: all(f["width"] > 0.9 * f["room"] for f in drawn(page)))

    gravity = next(e for e in explorers if "Move the data" in e.inner_text())
    words = gravity.inner_text()
    move(page, gravity, 1, "ArrowRight", 4)
    eventually(lambda: gravity.inner_text() != words)
    picture(gravity, "explorer.png", tmp_path)

    assert errors(page) == []
    assert page.faults == []


def test_lesson_03_lives(page, server, tmp_path):
    open_and_run(page, server, "notebooks/03_synthetic_audio.ipynb")
    assert errors(page) == []
    body = outputs(page)
    assert "Three splits of the same copies" not in body, "it shows before the prediction"
    lock_all(page)
    body = outputs(page)
    assert "Three splits of the same copies" in body
    eventually(lambda: all(f["traces"] > 0 for f in drawn(page)))

    explorers = page.query_selector_all(".kit-explorer")
    assert len(explorers) == 4
    room = explorers[0]
    source = "e => e.querySelector('audio').src"
    heard = room.evaluate(source)
    move(page, room, 0, "ArrowLeft", 3)
    eventually(lambda: room.evaluate(source) != heard)
    pictures(page, explorers, "synthetic", tmp_path)
    assert errors(page) == []
    assert page.faults == []


def test_lesson_05_lives(page, server, tmp_path):
    open_and_run(page, server, "notebooks/05_drift.ipynb")
    assert errors(page) == []
    assert "One equation, and its lambdas" not in outputs(page), "it shows before the prediction"
    lock_all(page)
    assert "One equation, and its lambdas" in outputs(page)
    eventually(lambda: all(f["traces"] > 0 for f in drawn(page)))

    explorers = page.query_selector_all(".kit-explorer")
    assert len(explorers) == 4
    live = explorers[-1]  # inject a drift, and watch the windows fill
    move(page, live, 0, "ArrowRight", 3)
    pictures(page, explorers, "drift", tmp_path)
    assert errors(page) == []
    assert page.faults == []


def test_lesson_06_lives(page, server, tmp_path):
    open_and_run(page, server, "notebooks/06_labels.ipynb")
    assert errors(page) == []
    assert "Promised, and found on other clips" not in outputs(page), "before the prediction"
    lock_all(page)
    assert "Promised, and found on other clips" in outputs(page)
    eventually(lambda: all(f["traces"] > 0 for f in drawn(page)))
    explorers = page.query_selector_all(".kit-explorer")
    assert len(explorers) == 4
    move(page, explorers[1], 0, "ArrowRight", 3)  # the price of a correct label
    pictures(page, explorers, "labels", tmp_path)

    page.query_selector(".kit-labeler").focus()
    page.keyboard.press("Enter")
    for clip in range(1, 11):
        hear(page, f"Clip {clip} of 20")
        page.keyboard.press(str(clip % 10))
    hear(page, "Clip 11 of 20")
    for cell in page.query_selector_all(".jp-Notebook .cm-content"):
        if cell.inner_text().startswith(("best = judged", "kappas =")):
            cell.click()
            page.keyboard.press("Control+Enter")
            page.wait_for_timeout(500)
    eventually(lambda: "you and the model: kappa" in outputs(page))
    assert "10 of 20 clips labelled" in outputs(page)
    assert errors(page) == []
    assert page.faults == []


def test_lesson_07_lives(page, server, tmp_path):
    open_and_run(page, server, "notebooks/07_storage.ipynb")
    assert errors(page) == []
    assert "MSWC, a file a clip" not in outputs(page), "before the prediction"
    lock_all(page)
    assert "MSWC, a file a clip" in outputs(page)
    eventually(lambda: all(f["traces"] > 0 for f in drawn(page)))
    explorers = page.query_selector_all(".kit-explorer")
    assert len(explorers) == 5
    for explorer in explorers[1:4]:
        move(page, explorer, 0, "ArrowRight", 3)
    pictures(page, explorers, "storage", tmp_path)
    assert errors(page) == []
    assert page.faults == []


def test_every_explorer_answers_its_first_control(page, server):
    folder = server[2]
    book = folder / "explorers.ipynb"
    book.write_text(_notebook("import kit", *(f"kit.explore('{n}')" for n in _names())))
    open_and_run(page, server, "explorers.ipynb")
    explorers = page.query_selector_all(".kit-explorer")
    assert len(explorers) == len(_names())
    for explorer in explorers:
        explorer.scroll_into_view_if_needed()
        page.wait_for_timeout(300)
        before = points_of(explorer)
        if choice := explorer.query_selector("select"):
            choice.select_option(index=0 if choice.evaluate("e => e.selectedIndex") else 1)
        else:
            explorer.query_selector(".noUi-handle").focus()
            page.keyboard.press("ArrowRight")
            page.keyboard.press("ArrowRight")
        eventually(partial(_moved, explorer, before))
    for label in page.query_selector_all(".kit-explorer .widget-label"):
        cut = label.evaluate("e => e.scrollWidth > e.clientWidth + 1")
        assert not cut, f"cut label: {label.inner_text()}"
    assert page.faults == []


def test_the_reader_s_ladder_appears_after_the_lock(page, server, tmp_path):
    open_and_run(page, server, "notebooks/00_start_here.ipynb")
    assert len(drawn(page)) == 1, "the reader's rates, and not yet the ladder"
    lock_all(page, "120")
    _, figure = page.query_selector_all(".js-plotly-plot")
    figure.scroll_into_view_if_needed()
    eventually(lambda: [f["traces"] for f in drawn(page)] == [2, 3])
    picture(figure, "ladder.png", tmp_path)
    assert errors(page) == []
    assert page.faults == []


def test_predictions_come_back_when_the_notebook_is_opened_again(page, server):
    """Uses the run of lesson 00 above, or makes its own."""
    if not list(server[2].rglob("00_start_here.json")):
        open_and_run(page, server, "notebooks/00_start_here.ipynb")
        lock_all(page, "120")
    open_and_run(page, server, "notebooks/00_start_here.ipynb")
    eventually(lambda: "You predicted 120 ns" in outputs(page))


@pytest.mark.parametrize("lab", [x.lab for x in all_lessons() if x.lab])
def test_an_untouched_lab_says_so_in_one_line(page, server, lab):
    run_all(page, server, f"labs/release/{lab}/{lab}.ipynb")
    page.wait_for_selector("text=This task is not written yet.", timeout=60_000)
    text = page.inner_text(".jp-Notebook")
    assert "transfer_time_s" not in text, "the check shows its formula"
    assert page.faults == []


_LABEL = """import kit
table = kit.corpus.load_clips("folder", "data/sample").table[:4]
mine = kit.label(kit.corpus.waveforms(table, 8000), list("0123456789"), rate=8000)
mine"""
_CELLS = """() => [...document.querySelectorAll('.jp-Notebook .jp-Cell')].map(
  c => [c.className.match(/jp-(Code|Markdown|Raw)Cell/)[0],
        c.querySelector('.cm-content').innerText]
)"""


def hear(page, headline):
    """Wait until the clip that `headline` names has begun to play."""
    page.wait_for_selector(f".kit-labeler-head :text-is('{headline}')")
    page.wait_for_selector(".kit-labeler-words button[aria-disabled='false']")


def test_clips_are_labelled_by_keyboard_alone(page, server, tmp_path):
    (server[2] / "label.ipynb").write_text(_notebook(_LABEL, "print(mine.table().write_csv())"))
    open_and_run(page, server, "label.ipynb")
    cells, labeler = page.evaluate(_CELLS), page.wait_for_selector(".kit-labeler")
    assert "Click here, then use the keyboard." in labeler.inner_text()
    labeler.focus()
    eventually(lambda: "Click here" not in labeler.inner_text())
    page.keyboard.press("Enter")
    hear(page, "Clip 1 of 4")
    for key in ("d", "d", "x", "z", "m", "ArrowUp", "Shift+Enter"):  # a notebook would obey them
        page.keyboard.press(key)
    picture(labeler, "labeler.png", tmp_path)
    page.keyboard.press("3")
    page.keyboard.press("3")  # hit twice, it labels one clip
    hear(page, "Clip 2 of 4")
    page.keyboard.press("Space")
    page.keyboard.press("Enter")
    page.wait_for_timeout(500)
    page.keyboard.press("7")
    hear(page, "Clip 3 of 4")
    page.keyboard.press("s")
    hear(page, "Clip 4 of 4")
    page.keyboard.press("Backspace")
    hear(page, "Clip 3 of 4")
    page.keyboard.press("5")
    hear(page, "Clip 4 of 4")
    page.keyboard.press(".")
    page.wait_for_selector("text=3 of 4 clips labelled, 1 skipped; median")
    picture(labeler, "labelled.png", tmp_path)
    assert page.evaluate(_CELLS) == cells
    check_labels(page)
    assert errors(page) == []
    assert page.faults == []


def check_labels(page):
    """Run the last cell, which prints the table, and compare with the keys that were pressed."""
    page.query_selector_all(".jp-Notebook .cm-content")[-1].click()
    page.keyboard.press("Control+Enter")
    eventually(lambda: "you,7" in outputs(page))
    printed = outputs(page).split("clip,rater,label,seconds,replays,order")[-1].split()
    rows = sorted((line.split(",") for line in printed), key=lambda row: row[5])
    assert [row[2] for row in rows] == ["3", "7", "5", ""]
    assert [row[4] for row in rows] == ["0", "2", "1", "1"]
    seconds = [float(row[3]) for row in rows]
    assert all(0.01 < s < 20 for s in seconds), seconds
    assert seconds[1] > 0.5, "the wait is in it"
    assert sorted(row[0] for row in rows) == list("0123")


def _names():
    from kit.explorers import explorer_names

    return explorer_names()


def _notebook(*sources):
    from kit.course.cells import make_cell, notebook_text

    return notebook_text([make_cell("code", s, f"c{i}") for i, s in enumerate(sources)])
