"""The house itself: what import loads, how large things are, whether versions agree."""

import ast
import importlib
import inspect
import json
import re
import subprocess
import sys
import tomllib

import pytest

import kit
from kit.paths import root

SOURCES = sorted((root() / "kit").rglob("*.py"))
HEAVY = (
    "plotly",
    "ipywidgets",
    "anywidget",
    "torch",
    "cupy",
    "matplotlib",
    "ray",
    "polars",
    "numba",
)


def fresh(code):
    """What a new interpreter prints for `code`."""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return done.stdout.strip()


def test_import_loads_nothing_heavy():
    loaded = json.loads(fresh("import kit, sys, json; print(json.dumps(list(sys.modules)))"))
    assert not [m for m in loaded if m.split(".")[0] in HEAVY]


def test_import_is_quick():
    code = "import time; t = time.perf_counter(); import kit; print(time.perf_counter() - t)"
    assert min(float(fresh(code)) for _ in range(5)) < 0.3


@pytest.mark.parametrize("blocked", ["torch", "cupy", "ray", "numba"])
def test_optional_libraries_are_optional(blocked):
    code = (
        f"import sys; sys.modules['{blocked}'] = None\n"
        "import kit, kit.cli\n"
        "from kit import gravity, measure, corpus, claims\n"
        "print(kit.explore('gravity').table.height)"
    )
    assert int(fresh(code)) > 6


def test_closed_forms_need_numpy_alone():
    blocked = ("polars", "plotly", "ipywidgets", "numba", "psutil", "pooch", "pyarrow")
    code = "import sys\n" + "".join(f"sys.modules['{b}'] = None\n" for b in blocked)
    code += "from kit import gravity\nprint(gravity.transfer_time_s([1e6], 100)[0])"
    assert fresh(code) == "80000.0"


def test_every_public_name_can_be_fetched():
    for name in kit.__all__:
        assert getattr(kit, name) is not None
    with pytest.raises(AttributeError):
        _ = kit.nothing


@pytest.mark.parametrize("package", ["audio", "corpus", "measure", "claims"])
def test_no_exported_name_is_shadowed_by_a_module(package):
    """A module of the same name would take a function's place once it is imported."""
    found = importlib.import_module(f"kit.{package}")
    modules = {p.stem for p in (root() / "kit" / package).glob("*.py")}
    assert not modules & set(getattr(found, "_HOME", {}))
    for name in found.__all__:
        assert getattr(found, name) is getattr(found, name)
        assert not inspect.ismodule(getattr(found, name)), name


@pytest.mark.parametrize("path", SOURCES, ids=lambda p: str(p.relative_to(root())))
def test_modules_and_functions_stay_small(path):
    text = path.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 350
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef):
            assert code_lines(node) <= 25, f"{path.name}: {node.name}"


def code_lines(function):
    """Lines of statements in a function, its docstring and signature not counted."""
    body = function.body
    if isinstance(body[0], ast.Expr) and isinstance(body[0].value, ast.Constant):
        body = body[1:]
    return body[-1].end_lineno - body[0].lineno + 1 if body else 0


FOLDERS = sorted({p.parent for p in SOURCES})


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda p: p.name)
def test_every_part_of_the_package_stays_thin(folder):
    """Lines of code, without docstrings, comments and blank lines."""
    total = 0
    for path in folder.glob("*.py"):
        text = path.read_text(encoding="utf-8")
        spoken = set()
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
                spoken |= set(range(node.lineno, node.end_lineno + 1))
        lines = enumerate(text.splitlines(), 1)
        total += sum(1 for n, x in lines if x.strip()[:1] not in ("", "#") and n not in spoken)
    assert total < 2000, total


@pytest.mark.parametrize("path", SOURCES, ids=lambda p: str(p.relative_to(root())))
def test_public_functions_and_classes_have_docstrings(path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    assert path.name == "__main__.py" or ast.get_docstring(tree)
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_"):
            documented = ast.get_docstring(node) or path.name in ("ledger.py", "bootstrap.py")
            assert documented or len(node.body) <= 3, f"{path.name}: {node.name}"


LAYERS = {  # folder of kit -> folders and modules that it must not import
    "audio": ("gravity", "measure", "claims", "views", "explorers", "course", "corpus"),
    "gravity": ("measure", "views", "explorers", "course", "corpus"),
    "measure": ("explorers", "course", "corpus"),
    "corpus": ("views", "explorers", "course", "measure"),
    "claims": ("views", "explorers", "course", "corpus"),
    "kws": ("views", "explorers", "course", "compiler", "experiments"),
    "drift": ("views", "explorers", "course", "experiments"),
    "labeling": ("views", "explorers", "course", "experiments", "compiler"),
    "storage": ("views", "explorers", "course", "experiments", "compiler", "kws"),
    "experiments": ("views", "explorers", "course", "bench"),
    "views": ("explorers", "course"),
    "course": ("gravity", "corpus", "views"),
}


@pytest.mark.parametrize("layer", LAYERS)
def test_dependencies_point_one_way(layer):
    for path in (root() / "kit" / layer).rglob("*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        top = [n.module for n in tree.body if isinstance(n, ast.ImportFrom) and n.module]
        for module in top:
            parts = module.split(".")
            assert parts[0] != "kit" or parts[1:2] == [] or parts[1] not in LAYERS[layer], (
                f"{path.name} imports {module}"
            )


def test_widgets_are_imported_in_explorers_alone():
    for path in SOURCES:
        text = path.read_text(encoding="utf-8")
        if re.search(r"^\s*(import|from) (ipywidgets|anywidget)", text, re.MULTILINE):
            assert path.parent.name == "explorers", path


def pins():
    """dict of name -> version from constraints.txt."""
    lines = (root() / "constraints.txt").read_text().splitlines()
    return dict(x.split("==") for x in lines if x and not x.startswith("#"))


def direct():
    """Names of direct dependencies by group, from pyproject.toml."""
    project = tomllib.loads((root() / "pyproject.toml").read_text())["project"]
    groups = {"base": project["dependencies"]} | project["optional-dependencies"]
    return {k: [re.split(r"[;[]", name)[0] for name in names] for k, names in groups.items()}


def test_every_direct_dependency_is_pinned():
    names = {n for group in direct().values() for n in group}
    assert names <= set(pins()), names - set(pins())


def test_environment_yml_has_the_same_versions():
    text = (root() / "environment.yml").read_text()
    found = dict(re.findall(r"^ +- ([\w-]+)==([\w.]+)", text, re.MULTILINE))
    assert set(found) == {name for part in ("base", "gpu", "kws") for name in direct()[part]}
    assert found == {name: pins()[name] for name in found}
    assert re.search(r"# GPU", text)


def test_the_running_versions_are_the_pinned_ones():
    from importlib import metadata

    for name in direct()["base"] + direct()["test"]:
        assert metadata.version(name) == pins()[name], name


def test_no_package_index_is_named():
    for name in ("environment.yml", "pyproject.toml", "constraints.txt", "Makefile", ".ci/run"):
        text = (root() / name).read_text()
        assert not re.search(r"index-url|find-links|https?://(?!www\.apache)", text), name


def test_ruff_is_silent():
    for args in (["check", "."], ["format", "--check", "kit", "tests", "labs/checks", "data"]):
        done = subprocess.run(
            [sys.executable, "-m", "ruff", *args], cwd=root(), capture_output=True, text=True
        )
        assert done.returncode == 0, done.stdout


def test_no_carriage_returns_or_trailing_space_in_sources():
    for path in SOURCES:
        assert b"\r" not in path.read_bytes()
