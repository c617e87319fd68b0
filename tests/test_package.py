"""The package as a whole: the installed wheel, complete, pinned, light to import, its rooms in order."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
import sysconfig
import tomllib
from collections.abc import Iterator
from functools import cache
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import ionwidgets

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = Path(ionwidgets.__file__).resolve().parent

# Each room imports only from those before it.
ROOMS = (
    "models",
    "simulation",
    "recordings",
    "jobs",
    "gnn",
    "figures",
    "discovery",
    "widgets",
    "server",
    "labextension",
    "cli",
)
# What a room must not know, beside the rooms after it.
FOREIGN = {room: {"ipywidgets"} for room in ROOMS[: ROOMS.index("widgets")]}
for room in ("models", "simulation", "recordings", "jobs"):
    FOREIGN[room] |= {"torch"}
for room in ("widgets", "server", "labextension"):
    FOREIGN[room] = {"torch", "numba", "scipy", "myokit"}


# ---- the installed wheel ----


def test_the_installed_wheel_is_what_is_tested() -> None:
    site = Path(sysconfig.get_paths()["purelib"]).resolve()
    assert site == PACKAGE.parent, "run the tests with `make test`: they are to import the installed wheel"
    assert str(ROOT) not in sys.path
    assert "" not in sys.path
    origin = json.loads(metadata.distribution("ionwidgets").read_text("direct_url.json") or "{}")
    assert not origin.get("dir_info", {}).get("editable", False)


def test_every_file_of_the_package_is_in_the_wheel_and_nothing_else() -> None:
    files = metadata.files("ionwidgets")
    assert files is not None
    shipped = {str(file) for file in files if "__pycache__" not in file.parts}
    shipped = {name for name in shipped if ".dist-info/" not in name and not name.endswith("bin/ionwidgets")}
    enabled = {
        name for name in shipped if name.endswith("etc/jupyter/jupyter_server_config.d/ionwidgets.json")
    }
    assert len(enabled) == 1, "the server extension is on as soon as it is installed"
    shipped -= enabled
    source = {
        file.relative_to(ROOT).as_posix()
        for file in (ROOT / "ionwidgets").rglob("*")
        if file.is_file() and "__pycache__" not in file.parts
    }
    source |= {f"ionwidgets/notebooks/{file.name}" for file in (ROOT / "notebooks").glob("*.ipynb")}
    assert shipped == source
    suffixes = {Path(name).suffix for name in shipped}
    assert {".py", ".ipynb", ".mmt", ".safetensors", ".typed"} <= suffixes, (
        "the models and the shipped networks"
    )


def test_the_metadata_says_what_the_package_is() -> None:
    about = metadata.metadata("ionwidgets")
    assert about["Version"] == ionwidgets.__version__
    assert about["License-Expression"] == "BSD-3-Clause"
    assert about["Requires-Python"] == ">=3.11"
    scripts = {entry.name: entry.value for entry in metadata.entry_points(group="console_scripts")}
    assert scripts["ionwidgets"] == "ionwidgets.cli:main"
    assert f"version: {ionwidgets.__version__}\n" in (ROOT / "CITATION.cff").read_text()


def _requirements(line: str) -> Iterator[Requirement]:
    """The requirement in `line` and all it brings here; what PyTorch brings depends on the build chosen."""
    seen = set()
    todo = [Requirement(line)]
    while todo:
        wanted = todo.pop()
        key = (canonicalize_name(wanted.name), frozenset(wanted.extras))
        if key in seen:
            continue
        seen.add(key)
        yield wanted
        if key[0] == "torch":
            continue
        for below in map(Requirement, metadata.requires(wanted.name) or ()):
            extras = wanted.extras or {""}
            if below.marker is None or any(below.marker.evaluate({"extra": extra}) for extra in extras):
                todo.append(below)


def test_all_that_is_installed_for_the_tests_is_pinned() -> None:
    lines = [line for line in (ROOT / "constraints.txt").read_text().splitlines() if not line.startswith("#")]
    pins = dict(line.split("==") for line in lines)
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    named = {canonicalize_name(wanted.name) for wanted in _requirements("ionwidgets[test]")} - {"ionwidgets"}
    named |= {canonicalize_name(Requirement(line).name) for line in project["build-system"]["requires"]}
    assert sorted(named - pins.keys()) == []
    differing = {
        name: metadata.version(name)
        for name in named - {"torch"}  # the one that a user may choose
        if metadata.version(name) != pins[name]
    }
    assert differing == {}


# ---- imports ----


def test_import_loads_nothing_heavy() -> None:
    code = "import json, sys, ionwidgets; print(json.dumps(sorted(sys.modules)))"
    answer = subprocess.run([sys.executable, "-P", "-c", code], capture_output=True, text=True, check=True)
    loaded = set(json.loads(answer.stdout))
    heavy = {"torch", "numba", "plotly", "ipywidgets", "xarray", "pandas", "myokit", "scipy"}
    assert sorted(loaded & heavy) == []


@cache
def _imports(room: str) -> tuple[tuple[str, str], ...]:
    """(file:line, dotted module) of every import in a room: relative ones resolved, inside functions too."""
    folder = PACKAGE / room
    files = sorted(folder.rglob("*.py")) if folder.is_dir() else [PACKAGE / f"{room}.py"]
    found = []
    for file in files:
        here = ("ionwidgets", *file.relative_to(PACKAGE).parts[:-1])
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                above = here[: len(here) - node.level + 1] if node.level else ()
                base = ".".join((*above, *filter(None, [node.module])))
                # `from ionwidgets import x` may name a room as well as a value.
                names = [f"{base}.{alias.name}" for alias in node.names] if base == "ionwidgets" else [base]
            else:
                continue
            found += [(f"{file.relative_to(PACKAGE)}:{node.lineno}", name) for name in names]
    return tuple(found)


def _present() -> list[str]:
    return [room for room in ROOMS if (PACKAGE / room).is_dir() or (PACKAGE / f"{room}.py").is_file()]


@pytest.mark.parametrize("room", _present())
def test_a_room_imports_only_from_those_before_it(room: str) -> None:
    base = {file.stem for file in PACKAGE.glob("*.py")} - {"__init__"}  # errors and its like: for all
    allowed = base | {*ROOMS[: ROOMS.index(room) + 1], "__version__"}
    wrong = []
    for place, name in _imports(room):
        top, _, rest = name.partition(".")
        if top != "ionwidgets":
            continue
        # The face (`import ionwidgets as iw`) reaches every room, so it is for those after all of them.
        if rest.partition(".")[0] not in allowed and not (
            rest == "" and room in ("server", "labextension", "cli")
        ):
            wrong.append(f"{place}: {name}")
    assert wrong == []


@pytest.mark.parametrize("room", [room for room in _present() if room in FOREIGN])
def test_a_room_knows_nothing_that_is_not_its_own(room: str) -> None:
    assert [
        f"{place}: {name}" for place, name in _imports(room) if name.partition(".")[0] in FOREIGN[room]
    ] == []


def test_the_base_files_import_no_room() -> None:
    base = {file.stem for file in PACKAGE.glob("*.py")} - {"__init__"}
    known = [
        f"{place}: {name}"
        for stem in base
        for place, name in _imports(stem)
        if name.startswith("ionwidgets.")
    ]
    assert [line for line in known if line.split(": ionwidgets.")[1].partition(".")[0] in ROOMS] == []


def test_code_lies_in_known_rooms_only() -> None:
    folders = {file.relative_to(PACKAGE).parts[0] for file in PACKAGE.glob("*/**/*.py")}
    assert folders <= set(ROOMS)
