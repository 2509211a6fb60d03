"""The command line: `kit ...`. Every command exits with 0 only if it did what was asked."""

import json
import sys
from typing import Annotated

import typer

from kit.errors import KitError

app = typer.Typer(
    no_args_is_help=True,
    invoke_without_command=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
data = typer.Typer(no_args_is_help=True, help="List, fetch and verify data sets.")
bench = typer.Typer(no_args_is_help=True, help="Measure the kit itself.")
course = typer.Typer(no_args_is_help=True, help="Build, check and run the course.")
app.add_typer(data, name="data")
app.add_typer(bench, name="bench")
app.add_typer(course, name="course")

Json = Annotated[bool, typer.Option("--json", help="Print one JSON document and nothing else.")]


def main():
    """Entry point: a KitError becomes its sentence on stderr and exit status 1."""
    try:
        app()
    except KitError as error:
        print(f"kit: {error}", file=sys.stderr)
        sys.exit(1)


@app.callback()
def version_option(
    version: Annotated[bool, typer.Option("--version", is_eager=True, help="Print it.")] = False,
):
    """Data engineering for machine learning: toolkit and course."""
    if version:
        from kit import __version__

        print(__version__)
        raise typer.Exit


@app.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def lab(
    context: typer.Context,
    browser: Annotated[bool, typer.Option(help="Open a browser window.")] = True,
    port: Annotated[int, typer.Option(min=1, max=65_535, help="First port to try.")] = 8888,
):
    """Open JupyterLab at the first lesson. Further options go to JupyterLab."""
    from kit.course.server import start

    raise typer.Exit(start(browser, port, context.args))


@app.command()
def doctor(as_json: Json = False):
    """Look at this machine: facts and about ten measurements, in about ten seconds."""
    from kit.measure import doctor as look

    found = look(progress=False if as_json else None)
    print(json.dumps(found.as_dict(), indent=1) if as_json else found)
    raise typer.Exit(1 if found.failed else 0)


@app.command()
def claims(
    as_json: Json = False,
    lesson: Annotated[str | None, typer.Option(help="Only this lesson, such as 01.")] = None,
):
    """What the source chapter states, recomputed: verdict and reason."""
    from kit.claims import all_claims

    rows = [c for c in all_claims() if lesson in (None, c.lesson)]
    if not rows:
        known = sorted({c.lesson for c in all_claims()})
        raise KitError("no claims for this lesson", found=lesson, allowed=", ".join(known))
    if as_json:
        print(json.dumps([c.as_dict() for c in rows], indent=1, ensure_ascii=False))
    else:
        _print_claims(rows)


@app.command()
def check(
    notebook: Annotated[str, typer.Argument(help="The lab that you want to hand in.")],
    fix: Annotated[
        bool, typer.Option("--fix", help="Repair it; a backup stays beside it.")
    ] = False,
    as_json: Json = False,
):
    """Look whether a lab can be handed in as it is, and repair what needs no decision."""
    from kit.course.submissions.handin import check as look

    found = look(notebook, fix)
    print(json.dumps(found.as_dict(), indent=1, ensure_ascii=False) if as_json else found)
    raise typer.Exit(0 if found.ready else 1)


@app.command("compile")
def compile_(
    recipe: Annotated[str, typer.Argument(help="TOML file, such as data/recipes/kws.toml.")],
    output: Annotated[str | None, typer.Option(help="Folder, instead of the recipe's.")] = None,
    engine: Annotated[str, typer.Option(help="local or ray.")] = "local",
    workers: Annotated[int | None, typer.Option(min=1, help="Processes; one a core.")] = None,
    replay: Annotated[bool, typer.Option("--replay", help="Try unreadable files again.")] = False,
    explain: Annotated[str, typer.Option(help="Print where this clip_id comes from.")] = "",
    diff: Annotated[tuple[int, int] | None, typer.Option(help="Compare two versions.")] = None,
    letters: Annotated[bool, typer.Option("--letters", help="Print the dead letters.")] = False,
    profile: Annotated[bool, typer.Option(help="Write report.html and profile.html.")] = True,
    as_json: Json = False,
):
    """Build the data set of a recipe, or bring it up to date; or ask what is in it."""
    from kit.compiler import ask
    from kit.compiler.recipe import output_folder

    if explain or diff or letters:
        print(ask.answer(output or output_folder(recipe), explain, diff, as_json))
        return
    from kit.compiler.report import as_text, report, write
    from kit.compiler.run import compile_recipe

    shown = False if as_json else None
    run = compile_recipe(recipe, output, engine, workers, replay, shown)
    found = report(run)
    write(found, run.data.folder)
    if profile and (run.changed or not (run.data.folder / "report.html").exists()):
        from kit.views.compiled import write_pages

        write_pages(found, run.data)
    print(json.dumps(found, indent=1) if as_json else as_text(found))


@data.command("list")
def data_list(as_json: Json = False):
    """The registry: name, licence, size, and whether it is here."""
    from kit.corpus import registry

    rows = [
        {
            "name": d.name, "title": d.title, "files": d.files, "mb": round(d.total_bytes / 1e6, 1),
            "licence": d.licence, "retrieved": d.retrieved, "here": d.folder.exists(),
            "fetchable": d.fetchable, "url": d.url, "note": d.note,
        }
        for d in registry().values()
    ]  # fmt: skip
    if as_json:
        print(json.dumps(rows, indent=1, ensure_ascii=False))
        return
    for r in rows:
        size = f"{r['files']} files, {r['mb']} MB" if r["fetchable"] else r["note"]
        here = "here" if r["here"] else "not fetched" if r["fetchable"] else "no manifest"
        print(f"{r['name']}: {r['title']}, {size}, {r['licence']}, {here}")


@data.command("fetch")
def data_fetch(name: str):
    """Fetch a data set and check every file."""
    from kit.corpus import fetch, verify

    print(f"{fetch(name)}\n{verify(name)}")


@data.command("verify")
def data_verify(name: str):
    """Compare every file of a fetched data set with its SHA-256."""
    from kit.corpus import verify

    verdict = verify(name)
    print(verdict)
    raise typer.Exit(0 if verdict.intact else 1)


@bench.command("explorers")
def bench_explorers(as_json: Json = False):
    """Time from a moved control to the figure data sent, for every explorer."""
    from kit.bench import record
    from kit.bench.explorers import explorers

    rows = explorers()
    if as_json:
        print(json.dumps(record("explorers", rows), indent=1))
        return
    for r in rows:
        print(
            f"{r['name']}: p50 {r['p50_ms']:.1f} ms, p95 {r['p95_ms']:.1f} ms, {r['moves']} moves"
        )


@bench.command("features")
def bench_features(
    as_json: Json = False,
    clips: Annotated[int, typer.Option(min=100, help="Clips of one second.")] = 2000,
    rounds: Annotated[int, typer.Option(min=1, help="Times that each is measured.")] = 7,
    gpu: Annotated[bool, typer.Option("--gpu", help="On the first CUDA device.")] = False,
    save: Annotated[bool, typer.Option("--save", help="Keep it in docs/benchmarks.")] = False,
):
    """Clips a second that become features: ours, the peers, and what the machine could do."""
    from kit.bench import features, keep, record
    from kit.bench import gpu as on_gpu

    found = on_gpu.features_gpu(rounds) if gpu else features.features(clips, rounds)
    rows = found.pop("rows")
    whole = record("features-gpu" if gpu else "features", rows) | found
    print(json.dumps(whole, indent=1) if as_json or gpu else features.as_text(found, rows))
    if save:
        print(keep(whole), file=sys.stderr)


@bench.command("synthetic")
def bench_synthetic(
    as_json: Json = False,
    part: Annotated[
        list[str] | None, typer.Option(help="Only these parts; all by default.")
    ] = None,
    workers: Annotated[int | None, typer.Option(min=1, help="Processes; one a core.")] = None,
    save: Annotated[bool, typer.Option("--save", help="Keep it in docs/benchmarks.")] = False,
):
    """What data are worth: the long experiments of lesson 03. An hour; goes on where it stopped."""
    from kit.bench import record, synthetic

    whole = record("synthetic", synthetic.synthetic(part, workers))
    _tell(whole, None if as_json else synthetic.as_text(whole["rows"]), save)


@bench.command("drift")
def bench_drift(
    as_json: Json = False,
    columns: Annotated[int, typer.Option(min=1, help="Columns of numbers.")] = 50,
    rows: Annotated[int, typer.Option(min=10, help="Rows of each of the two windows.")] = 1_000_000,
    rounds: Annotated[int, typer.Option(min=1, help="Times that each is measured.")] = 3,
    save: Annotated[bool, typer.Option("--save", help="Keep it in docs/benchmarks.")] = False,
):
    """Columns a second that are compared for drift: ours against a loop over SciPy."""
    from kit.bench import drift, record

    found = drift.drift(columns, rows, rounds)
    whole = record("drift", found.pop("rows")) | found
    _tell(whole, None if as_json else drift.as_text(whole), save)


def _tell(whole, text, save):
    """Print a record, as JSON where there is no text; keep it on request."""
    from kit.bench import keep

    print(json.dumps(whole, indent=1) if text is None else text)
    if save:
        print(keep(whole), file=sys.stderr)


@bench.command("monitoring")
def bench_monitoring(
    as_json: Json = False,
    save: Annotated[bool, typer.Option("--save", help="Keep it in docs/benchmarks.")] = False,
):
    """What drift costs and which detectors see it: the long experiments of lesson 05. Minutes."""
    from kit.bench import monitoring, record

    whole = record("monitoring", monitoring.monitoring())
    _tell(whole, None if as_json else monitoring.as_text(whole["rows"]), save)


@bench.command("labels")
def bench_labels(
    as_json: Json = False,
    save: Annotated[bool, typer.Option("--save", help="Keep it in docs/benchmarks.")] = False,
):
    """What labels are worth and what they cost: the long experiments of lesson 06. Minutes."""
    from kit.bench import labels, record

    whole = record("labels", labels.labels())
    _tell(whole, None if as_json else labels.as_text(whole["rows"]), save)


@bench.command("storage")
def bench_storage(
    as_json: Json = False,
    clips: Annotated[int, typer.Option(min=20, help="Clips of one second.")] = 1000,
    seconds: Annotated[int, typer.Option(min=1, help="Time for the rounds.")] = 75,
    save: Annotated[bool, typer.Option("--save", help="Keep it in docs/benchmarks.")] = False,
):
    """One corpus in every layout: bytes, rates and latencies, cold and warm. About 90 seconds."""
    from kit.bench import record, storage

    found = storage.storage(clips, budget_s=seconds)
    whole = record("storage", found.pop("rows")) | found
    _tell(whole, None if as_json else storage.as_text(whole), save)


@course.command("build")
def course_build():
    """Generate notebooks and labs from their sources."""
    from kit.course.build import build

    changed = build()
    print("\n".join(str(p) for p in changed) or "nothing to do: every generated file is current")


@course.command("check")
def course_check():
    """Fail if a generated file differs, holds outputs, or a number in the text is typed."""
    from kit.course.check import check

    problems = check()
    print("\n".join(problems) or "course files are current, clean and computed")
    raise typer.Exit(1 if problems else 0)


@course.command("run")
def course_run(
    lessons: Annotated[list[str] | None, typer.Argument(help="Numbers; all if none.")] = None,
    timeout: Annotated[int, typer.Option(help="Seconds a cell may take.")] = 600,
):
    """Execute the notebooks and write HTML with static figures to build/html."""
    from kit.course.lessons import find_lesson
    from kit.course.run import run

    runs = run([find_lesson(n).number for n in lessons or []], timeout=timeout)
    for r in runs:
        print(f"{r.lesson}: {r.error or 'ok'}, {r.seconds:.0f} s, {r.html}")
    raise typer.Exit(1 if any(r.error for r in runs) else 0)


@course.command("bundle")
def course_bundle(
    out: Annotated[str | None, typer.Option(help="File; build/<course id>.zip if none.")] = None,
    course_id: Annotated[str | None, typer.Option(help="As in labs/nbgrader_config.py.")] = None,
):
    """Write the zip for students: all they need, without solutions and hidden checks."""
    from kit.course.bundle import bundle

    print(bundle(out, course_id))


def _print_claims(rows):
    from rich.console import Console
    from rich.table import Table

    table = Table(title="What the chapter says, recomputed", show_lines=True)
    for name in ("no.", "the chapter says", "verdict", "why"):
        table.add_column(name)
    for c in rows:
        table.add_row(str(c.number), c.says, c.verdict, c.reason)
    Console().print(table)
