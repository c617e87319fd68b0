"""Model files that users hand in: .mmt and CellML, and what has to be asked of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import xarray as xr
from widgets.two_compartments import TWO_COMPARTMENTS

from ionwidgets.errors import ModelError
from ionwidgets.models import IonicModel, load_model
from ionwidgets.models.read import LARGEST_FILE
from ionwidgets.widgets import Session, Workbench, workbench
from ionwidgets.widgets.model.panel import ModelPicker
from ionwidgets.widgets.python_lines import python_lines
from ionwidgets.widgets.workbench import MODEL

TWO = TWO_COMPARTMENTS.encode()

HandIn = Callable[[Any, str, bytes], None]


@pytest.fixture
def picker(session: Session) -> Iterator[ModelPicker]:
    bench = Workbench(session)
    bench.go_to(MODEL)
    yield bench.picker
    assert bench.experiment.worker.wait(120)
    bench.close()


@pytest.fixture(scope="module")
def cellml(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    path = tmp_path_factory.mktemp("models") / "lr.cellml"
    load_model("lr1991").save(path)
    return path.read_bytes()


def test_a_cellml_file_opens_like_an_mmt_file(picker: ModelPicker, cellml: bytes, hand_in: HandIn) -> None:
    assert set(picker.file.accept.split(",")) == {".mmt", ".cellml"}
    assert picker.file.limit == LARGEST_FILE
    hand_in(picker.file, "C:\\cells\\Mine.CELLML", cellml)
    assert picker.file.problem == ""
    session = picker.session
    assert session.model_source == "Mine.cellml" and session.from_file
    assert len(session.model.states) == 8 and session.model.calcium == "Ca_i"
    assert picker.model_menu.value == "Mine" and picker.variant_menu.layout.display == "none"
    assert "Mine.cellml" in picker.about.value
    assert picker.experiment.worker.wait(120)
    assert picker.experiment.response.control.biomarkers["APD90"] == pytest.approx(361, abs=5)
    assert 'iw.load_model("Mine.cellml")' in python_lines(session, {"eta": 1e-3})


def test_what_cannot_be_a_model_is_refused_in_one_line(
    picker: ModelPicker, cellml: bytes, hand_in: HandIn
) -> None:
    before = picker.session.model
    for name, content in (
        ("cell.zip", b"PK"),
        ("cell", b""),
        ("cell.cellml", b"<model"),
        ("cell.cellml", b'<!DOCTYPE x [<!ENTITY a "b">]>' + cellml),
        ("cell.mmt", cellml),
        ("cell.mmt", b"x" * (LARGEST_FILE + 1)),
    ):
        hand_in(picker.file, name, content)
        problem = picker.file.problem
        assert problem.startswith(name) and "\n" not in problem and "ionwidgets-" not in problem
    assert picker.session.model is before and picker.session.question is None


def test_questions_are_asked_one_after_another_and_their_answers_kept(
    picker: ModelPicker, hand_in: HandIn
) -> None:
    session, form = picker.session, picker.question
    before = session.model
    assert form.layout.display == "none"
    hand_in(picker.file, "two.mmt", TWO)
    assert picker.file.problem == "" and session.model is before
    assert form.layout.display is None and form.go_on.disabled
    assert form.choice.description == "Which state is the membrane potential?"
    assert session.notice == "two.mmt: Which state is the membrane potential?"
    assert [value for _, value in form.choice.options] == ["", "Vs", "Vd"]
    form.choice.value = "Vs"
    assert not form.go_on.disabled
    form.go_on.click()
    assert form.choice.description == "Which term of dV/dt is the stimulus current?"
    assert form.choice.value == "" and form.go_on.disabled
    form.choice.value = "I_near"
    form.go_on.click()
    assert form.layout.display == "none" and session.question is None
    assert session.model_source == "two.mmt" and session.model.stimulus.amplitude == -20
    assert "voltage is Vs, stimulus is I_near" in picker.about.value
    line = 'iw.load_model("two.mmt", voltage="Vs", stimulus="I_near")'
    assert line in python_lines(session, {"eta": 1e-3})


def test_the_lines_of_python_open_the_same_model(session: Session, tmp_path: Path) -> None:
    session.open_model_file("two.mmt", TWO)
    assert session.answer("Vs") == "" and session.answer("I_near") == ""
    file = tmp_path / "two.mmt"
    file.write_bytes(TWO)
    model = load_model(file, **session.model_answers)
    assert model.hash == session.model.hash
    session.use_model(load_model("tnnp2004:epi"), "tnnp2004:epi")
    assert session.model_answers == {} and not session.from_file


def test_a_file_that_leaves_a_choice_opens_the_workbench_on_its_question(
    recording: xr.Dataset, tmp_path: Path
) -> None:
    file = tmp_path / "two.mmt"
    file.write_bytes(TWO)
    bench = workbench(model=file, recording=recording)
    session, form = bench.session, bench.picker.question
    assert bench.steps.current == MODEL and form.layout.display is None
    assert form.choice.description == "Which state is the membrane potential?"
    assert bench.status.text == "two.mmt: Which state is the membrane potential?"
    assert session.model.key == "tnnp2004:M" and session.recording is recording
    for choice in ("Vs", "I_near"):
        form.choice.value = choice
        form.go_on.click()
    assert session.question is None and session.model.stimulus.amplitude == -20
    lines = python_lines(session, {"eta": 1e-3})
    assert f'"{file}"' in lines and 'voltage="Vs"' in lines, "a path that was given stays a path"
    assert bench.experiment.worker.wait(120)
    bench.close()


def test_a_file_on_which_no_answer_would_help_is_an_error(tmp_path: Path) -> None:
    for content, said in ((b"nonsense", "mine.mmt"), (None, "no such file")):
        file = tmp_path / "mine.mmt"
        file.unlink(missing_ok=True)
        if content is not None:
            file.write_bytes(content)
        with pytest.raises(ModelError, match=said):
            workbench(model=file)


def test_an_answer_that_leads_nowhere_leaves_the_question_open(session: Session) -> None:
    session.open_model_file("two.mmt", TWO)
    before, asked = session.model, session.question
    problem = session.answer("no such state")
    assert "no such state" in problem and "\n" not in problem
    assert session.question is asked and session.model is before
    assert session.answer("Vs") == "" and session.question.argument == "stimulus"


def test_a_question_can_be_left_in_every_way(picker: ModelPicker, tnnp: IonicModel, hand_in: HandIn) -> None:
    session = picker.session
    hand_in(picker.file, "two.mmt", TWO)
    picker.question.cancel.click()
    assert session.question is None and picker.question.layout.display == "none"
    assert session.notice == "ten Tusscher-Noble-Noble-Panfilov 2004 is open."
    assert session.answer("Vs") == "" and session.model is tnnp
    hand_in(picker.file, "two.mmt", TWO)
    picker.model_menu.value = "hh1952"
    assert session.question is None and session.model.name == "hh1952"
    hand_in(picker.file, "two.mmt", TWO)
    hand_in(picker.file, "bad.mmt", b"nonsense")
    assert session.question is None and "bad.mmt" in picker.file.problem


def test_a_file_that_is_called_as_a_library_model_is_is_still_a_file(
    picker: ModelPicker, tmp_path: Path, hand_in: HandIn
) -> None:
    file = tmp_path / "hh1952.mmt"
    load_model("lr1991").save(file)
    hand_in(picker.file, "hh1952.mmt", file.read_bytes())
    assert len(picker.session.model.states) == 8
    assert picker.model_menu.value == "hh1952.mmt"
    assert ("Luo-Rudy 1991 (hh1952.mmt)", "hh1952.mmt") in picker.model_menu.options
    picker.model_menu.value = "hh1952"
    assert len(picker.session.model.states) == 4 and not picker.session.from_file
