"""The tutorials: the list and its command, what every notebook has, and each of them run."""

from __future__ import annotations

import ast
import json
import re
import time
from importlib import import_module
from pathlib import Path

import nbformat
import pytest
from command_line import one_line
from nbclient import NotebookClient

import ionwidgets as iw
from ionwidgets.errors import IonWidgetsError
from ionwidgets.tutorials import copy, tutorials

NAMES = (
    "1-channels", "2-stage-one", "3-stage-two", "4-open-the-network", "5-your-recording", "6-your-model",
    "7-sweep", "8-squid-axon",
)  # fmt: skip
SLOW = ("3-stage-two", "5-your-recording", "7-sweep")  # over some 15 s
MOST = 60.0  # s for a notebook
ROOMS = ("discovery", "discovery.sweep", "gnn", "recordings", "widgets", "figures")  # beside the face itself
WIDGETS = Path(iw.__file__).parent / "widgets"


def notebook(name: str) -> nbformat.NotebookNode:
    return nbformat.read(next(t.path for t in tutorials() if t.name == name), as_version=4)


def prose(name: str) -> list[str]:
    return [cell.source for cell in notebook(name).cells if cell.cell_type == "markdown"]


def solved(name: str) -> list[str]:
    """The lines of Python in the solutions."""
    return re.findall(r"```python\n(.*?)```", "\n".join(prose(name)), re.DOTALL)


def programs(name: str) -> list[str]:
    return [cell.source for cell in notebook(name).cells if cell.cell_type == "code"] + solved(name)


# ---- the list, and the command ----


def test_the_tutorials_are_listed_in_reading_order() -> None:
    listed = tutorials()
    assert tuple(tutorial.name for tutorial in listed) == NAMES
    assert [tutorial.number for tutorial in listed] == [str(i) for i in range(1, 9)]
    for tutorial in listed:
        assert tutorial.goal.endswith(".") and tutorial.goal.count(". ") == 0 and 10 <= tutorial.minutes <= 90


def test_the_command_prints_what_there_is(run) -> None:
    code, out, err = run("tutorials")
    assert (code, err) == (0, "") and len(out.splitlines()) == 2 * len(NAMES)
    for tutorial in tutorials():
        head = f"{tutorial.number}  {tutorial.name}  {tutorial.minutes} min  {tutorial.title}"
        assert f"{head}\n    {tutorial.goal}\n" in out


def test_all_or_some_are_copied_into_this_folder(
    run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run("tutorials", "copy", "3", "1-channels") == (0, "3-stage-two.ipynb\n1-channels.ipynb\n", "")
    assert (tmp_path / "1-channels.ipynb").read_bytes() == tutorials()[0].path.read_bytes()
    (tmp_path / "all").mkdir()
    monkeypatch.chdir(tmp_path / "all")
    code, out, _ = run("tutorials", "copy")
    assert code == 0 and out.split() == [f"{name}.ipynb" for name in NAMES]


def test_a_file_that_is_there_stays_and_nothing_is_copied(
    run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine = tmp_path / "2-stage-one.ipynb"
    mine.write_text("my work", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    err = one_line(run("tutorials", "copy"))
    assert "2-stage-one.ipynb: already in" in err and "nothing was copied" in err
    assert [file.name for file in tmp_path.iterdir()] == [mine.name] and mine.read_text() == "my work"


def test_names_that_are_none_and_folders_that_are_not_there_are_told(run, tmp_path: Path) -> None:
    err = one_line(run("tutorials", "copy", "stage-one"))
    assert "unknown tutorial 'stage-one'; did you mean 2-stage-one" in err
    assert "did you mean copy" not in one_line(run("tutorials", "list"))
    with pytest.raises(IonWidgetsError, match="no such folder"):
        copy(["1"], tmp_path / "nowhere")
    with pytest.raises(IonWidgetsError, match="there are: 1-channels"):
        copy(["zzz"], tmp_path)


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    really = Path.open

    def refuse(path: Path, mode: str = "r", **more: object):
        if mode == "xb":
            raise PermissionError(13, "Permission denied")
        return really(path, mode, **more)

    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(IonWidgetsError, match=r"1-channels.ipynb: cannot be written \(Permission denied\)"):
        copy(["1"], tmp_path)


# ---- what every notebook has ----


@pytest.mark.parametrize("name", NAMES)
def test_a_notebook_has_goals_theory_app_tasks_controls_and_sources(name: str) -> None:
    book, tutorial = notebook(name), next(t for t in tutorials() if t.name == name)
    nbformat.validate(book)
    text = "\n\n".join(prose(name))
    assert text.startswith(f"# {tutorial.title}\n\n{tutorial.goal} About {tutorial.minutes} minutes.")
    places = [
        text.index(f"\n## {part}")
        for part in ("Goals", "Theory in brief", "The app", "Tasks", "Every control", "Sources")
    ]
    assert places == sorted(places)
    assert re.search(r"https://(doi\.org/10\.|arxiv\.org/abs/)", text[places[-1] :])
    assert "figure" in text[places[2] : places[3]], "prose names the figure it speaks of"


@pytest.mark.parametrize("name", NAMES)
def test_every_task_is_numbered_and_has_a_folded_solution(name: str) -> None:
    tasks = [text for text in prose(name) if text.startswith("### Task ")]
    assert [text.split(".")[0] for text in tasks] == [f"### Task {i}" for i in range(1, len(tasks) + 1)]
    assert len(tasks) >= 5
    for text in tasks:
        # With the empty lines a Markdown renderer reads what is in the fold as Markdown.
        assert text.count("<details><summary>Solution</summary>\n\n") == 1 and text.endswith("\n\n</details>")


@pytest.mark.parametrize("name", NAMES)
def test_equations_need_nothing_that_a_front_end_may_lack(name: str) -> None:
    """JupyterLab takes MathML out of Markdown, and our Voila pages have no MathJax: plain HTML is left."""
    text = re.sub(r"`[^`]*`", "", re.sub(r"```.*?```", "", "\n".join(prose(name)), flags=re.DOTALL))
    assert "<math" not in text and "$" not in text and "<script" not in text and "<style" not in text
    theory = next(text for text in prose(name) if text.startswith("## Theory"))
    assert len(re.findall(r"^> .*<i>.*=", theory, re.MULTILINE)) >= 1


@pytest.mark.parametrize("name", NAMES)
def test_outputs_are_stripped(name: str) -> None:
    for cell in notebook(name).cells:
        assert cell.cell_type == "markdown" or (cell.outputs == [] and cell.execution_count is None)
        assert cell.metadata == {}


def _labels(folder: Path) -> str:
    return "".join(
        file.read_text(encoding="utf-8") for file in folder.rglob("*") if file.suffix in (".py", ".js")
    )


@pytest.mark.parametrize("name", NAMES)
def test_the_legend_names_controls_that_there_are(name: str) -> None:
    legend = next(text for text in prose(name) if text.startswith("## Every control"))
    controls = re.findall(r"^\| \*\*(.+?)\*\* \|", legend, re.MULTILINE)
    assert len(controls) >= 5
    code = _labels(WIDGETS if name != "7-sweep" else WIDGETS.parent / "discovery" / "sweep")
    shown = {
        "SVG, PNG": "SVG",
        "g_… and P_…": "ConductanceSliders",
        "Time column": "column",
        "Time unit": "unit",
    }
    for control in controls:
        label = shown.get(control, control.removesuffix(" …"))
        assert label in code, f"there is no control {control}"


@pytest.mark.parametrize("name", NAMES)
def test_code_is_short_and_uses_the_public_api_alone(name: str) -> None:
    """Names of ionwidgets that are public; nothing that begins with an underscore."""
    longest = 60 if name == "6-your-model" else 25  # lines: that one writes a model file
    for program in programs(name):
        tree = ast.parse(program)
        assert len(program.splitlines()) <= longest
        for node in ast.walk(tree):
            if isinstance(node, ast.Attribute):
                assert not node.attr.startswith("_")
                if isinstance(node.value, ast.Name) and node.value.id == "iw":
                    assert node.attr in {*iw.__all__, *ROOMS}
                chain = ast.unparse(node)
                for room in ("widgets", "figures"):
                    if chain.startswith(f"iw.{room}.") and chain.count(".") == 2:
                        assert node.attr in import_module(f"ionwidgets.{room}").__all__
            elif isinstance(node, ast.Import):
                assert not [a.name for a in node.names if a.name.startswith("ionwidgets.")]
            elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("ionwidgets"):
                room = str(node.module).removeprefix("ionwidgets.")
                assert room in ROOMS
                assert {a.name for a in node.names} <= set(import_module(f"ionwidgets.{room}").__all__)


# ---- every notebook runs ----


def executed(name: str, folder: Path, more: list[str]) -> tuple[nbformat.NotebookNode, float]:
    """The notebook, run from top to bottom in `folder` and then `more`; s that its own cells took."""
    book = notebook(name)
    own = len(book.cells)
    book.cells += [nbformat.v4.new_code_cell(program) for program in more]
    started = time.monotonic()
    ends = [started]

    def note(cell_index: int, **_: object) -> None:
        if cell_index < own:
            ends[0] = time.monotonic()

    client = NotebookClient(
        book, timeout=120, kernel_name="python3", resources={"metadata": {"path": str(folder)}},
        on_cell_executed=note,
    )  # fmt: skip
    client.execute()
    return book, ends[0] - started


def told(cell: nbformat.NotebookNode, kind: str) -> str:
    return "".join(out.text for out in cell.outputs if out.output_type == "stream" and out.name == kind)


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[pytest.mark.slow] if name in SLOW else []) for name in NAMES]
)
def test_a_notebook_runs_within_a_minute_and_without_a_warning(
    name: str, tmp_path: Path, record_property
) -> None:
    ask = "import json, sys\nprint(json.dumps([iw.__file__, 'torch' in sys.modules]))"
    book, seconds = executed(name, tmp_path, [ask])
    record_property("seconds", round(seconds, 1))
    print(f"{name}: {seconds:.1f} s")
    code = [cell for cell in book.cells if cell.cell_type == "code"]
    for cell in code:
        assert told(cell, "stderr") == "", cell.source
        assert not [out for out in cell.outputs if out.output_type == "error"]
    place, has_torch = json.loads(told(code[-1], "stdout"))
    assert place == iw.__file__
    if name == "1-channels":
        assert not has_torch, "it is to start fast"
    assert seconds < MOST


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_the_solutions_run_after_the_notebook(name: str, tmp_path: Path) -> None:
    book, _ = executed(name, tmp_path, solved(name))
    for cell in book.cells[-len(solved(name)) :]:
        assert told(cell, "stderr") == "", cell.source
        assert told(cell, "stdout") != "", "a solution shows the numbers that it speaks of"
