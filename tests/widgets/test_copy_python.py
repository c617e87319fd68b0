"""The lines of `Copy Python`, run in a process of their own, end in the finding of the session."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st
from widgets.stubs import FINDING, Result

import ionwidgets as iw
from ionwidgets.discovery.conditions import read_conditions
from ionwidgets.widgets import Workbench
from ionwidgets.widgets.learn.state import LearnState
from ionwidgets.widgets.python_lines import python_lines
from ionwidgets.widgets.python_text import Call, Name, assignment
from ionwidgets.widgets.retrain.state import RetrainState
from ionwidgets.widgets.session import Session
from ionwidgets.widgets.workbench import INTERPRET

DATA = Path(__file__).parents[1] / "data"
# What the test puts after the lines: the finding, and the biomarkers of what was altered by hand.
TELL = """
import json
told = {"finding": result.finding}
if "altered" in globals():
    told["APD90"] = iw.biomarkers(altered)["APD90"].tolist()
print("TOLD", json.dumps(told))
"""


def _run(lines: str, folder: Path, tell: str = TELL) -> dict[str, Any]:
    """What the lines find, run as a person would, in the folder that has the files."""
    script = folder / "redo.py"
    script.write_text(lines + "\n" + tell, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, script.name], cwd=folder, capture_output=True, text=True, timeout=600
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return dict(json.loads(done.stdout.rpartition("TOLD")[2]))


def _compared(found: dict[str, Any], here: dict[str, Any]) -> None:
    assert found["verdict"] == here["verdict"] and found["model"] == here["model"]
    for kind, name in (("currents", "current"), ("gates", "gate")):
        ranks = [[(entry[name], entry["rank"]) for entry in finding[kind]] for finding in (found, here)]
        assert ranks[0][:1] == ranks[1][:1]
        for entry, other in zip(found[kind], here[kind], strict=True):
            for field, value in other.items():
                if isinstance(value, float):
                    assert entry[field] == pytest.approx(value, rel=1e-6, abs=1e-6), (field, entry, other)
    for length, prediction in here["predictions"].items():
        assert found["predictions"][length]["apd90_ms"] == pytest.approx(prediction["apd90_ms"], abs=0.01)


def _pretty(lines: str) -> None:
    """As the formatter would have it, where there is one."""
    ruff = shutil.which("ruff", path=str(Path(sys.executable).parent))
    compile(lines, "lines", "exec")
    if ruff is not None:
        done = subprocess.run(
            [ruff, "format", "--isolated", "-"],
            input=lines + "\n",
            capture_output=True,
            text=True,
            check=True,
        )
        assert done.stdout == lines + "\n"


def test_the_bundled_example_is_found_again(opened: Callable[..., Workbench], tmp_path: Path) -> None:
    bench = opened()
    bench.experiment.use_settings({"scale": {"g_Kr": 0.25}, "cycle_length": 700.0})
    assert bench.experiment.worker.wait(120)
    _pretty(bench.python)
    told = _run(bench.python, tmp_path)
    _compared(told["finding"], bench.session.result.finding)
    assert (tmp_path / "edited.mmt").exists()
    shown = bench.experiment.response.altered.biomarkers["APD90"]
    assert told["APD90"][-1] == pytest.approx(shown, abs=1e-3)


def _altered(bench: Workbench, path: Path, lengths: tuple[float, ...] = (500.0, 700.0)) -> xr.Dataset:
    """A recording of another cell, in seconds and volts, without a word on its cycle lengths."""
    data = iw.simulate(bench.session.model, list(lengths), 4200, scale={"g_K1": 0.8})
    columns = [np.asarray(data["time"]) / 1000, *(np.asarray(data["V"]) / 1000)]
    titles = ["t", *(f"V{i + 1}" for i in range(len(lengths)))]
    np.savetxt(path, np.column_stack(columns), "%.8f", ",", header=",".join(titles), comments="")
    return data


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_an_own_file_with_its_choices_is_found_again(
    opened: Callable[..., Workbench], tmp_path: Path
) -> None:
    bench = opened(model="lr1991")
    _altered(bench, tmp_path / "cell 7.csv", (600.0,))
    bench.recordings.add(tmp_path / "cell 7.csv")
    for quantity, column, unit in (("time", 0, "s"), ("V", 1, "V")):
        bench.recordings.choose_of("columns", quantity, column)
        bench.recordings.choose_of("units", quantity, unit)
    bench.recordings.choose("cycle_length", 600.0)
    bench.recordings.mend("even", True)
    assert bench.recordings.worker.wait(60) and bench.recordings.problem == ""
    bench.retrain.use_settings({"eta": 5e-4})
    _found(bench)
    _pretty(bench.python)
    assert "mend" in bench.python and "eta=0.0005" in bench.python
    _compared(_run(bench.python, tmp_path)["finding"], bench.session.result.finding)


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_control_recording_is_part_of_it(opened: Callable[..., Workbench], tmp_path: Path) -> None:
    for name in ("control.csv", "ito.csv"):
        shutil.copy(DATA / name, tmp_path)
    bench = opened(recording=DATA / "ito.csv")
    session = bench.session
    session.recording_source = "ito.csv"  # as an upload has it
    session.control, session.control_source = iw.read_recording(DATA / "control.csv"), "control.csv"
    session.result = iw.discover(session.model, session.recording, session.control, eta=bench.retrain.eta)
    _pretty(bench.python)
    assert "iw.discover(model, recording, control, eta=0.001)" in bench.python
    _compared(_run(bench.python, tmp_path)["finding"], session.result.finding)


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_finding_with_the_emulator_is_found_again(opened: Callable[..., Workbench], tmp_path: Path) -> None:
    bench = opened()
    bench.retrain.use_settings({"decoder": "emulator", "eta": 2e-3, "seeds": [3, 0]})
    bench.session.result = None
    _found(bench)
    bench.retrain.choose(0)  # the network was taught with the other seed
    bench.retrain.use_settings({"eta": 0.03})
    assert "eta=0.002" in bench.python
    _compared(_run(bench.python, tmp_path)["finding"], bench.session.result.finding)


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_model_file_with_answers_and_a_trained_network(
    opened: Callable[..., Workbench], tmp_path: Path
) -> None:
    text = tmp_path / "axon.mmt"
    iw.load_model("hh1952").save(text)
    equations = text.read_text()
    for words, others in (  # a second stimulus: which of the two paces the cell has to be asked
        ("+ stimulus.I_stim)", "+ stimulus.I_stim + stimulus.I_far)"),
        ("[stimulus]\n", "[stimulus]\nI_far = engine.pace * 0 [A/F]\n    in [A/F]\n"),
        ("    label stimulus_current\n", ""),
        (" label stimulus_amplitude", ""),
        (" label stimulus_duration", ""),
    ):
        assert words in equations
        equations = equations.replace(words, others)
    text.write_text(equations)
    bench = opened(model="hh1952")
    session = bench.session
    assert session.open_model_file("axon.mmt", text.read_bytes()) == ""
    while session.question is not None:
        assert session.answer(session.question.candidates[0]) == ""
    assert session.model_source == "axon.mmt" and session.model_answers == {"stimulus": "I_stim"}
    data = iw.simulate(session.model, [100.0], 600, scale={"g_K": 0.8}, sample=0.1)
    recording = tmp_path / "spikes.csv"
    iw.write_recording(data, recording)
    bench.recordings.add(recording)
    assert bench.recordings.worker.wait(60) and bench.recordings.problem == ""
    bench.learn.start()
    assert bench.learn.wait(600) and session.network is not None
    _found(bench)
    _pretty(bench.python)
    assert "network = iw.learn(model" in bench.python and 'stimulus="I_stim"' in bench.python
    _compared(_run(bench.python, tmp_path)["finding"], session.result.finding)


def _found(bench: Workbench) -> None:
    bench.retrain.start()
    assert bench.retrain.wait(600) and bench.session.result is not None, bench.retrain.outcome


# ---- without running it ----


def test_a_drug_s1s2_and_a_dataset_from_python_are_told(opened: Callable[..., Workbench]) -> None:
    bench = opened(model="lr1991")
    session = bench.session
    experiment = {
        "scale": {"g_K": 0.5, "g_Na": 2.0}, "cycle_length": 500.0,
        "protocol": {"kind": "S1S2", "beats": 8, "s2": [300.0 + 25 * i for i in range(17)]},
        "drug": {"ic50": {"g_K": 12.0}, "hill": {"g_K": 1.5}, "concentration": 6.0, "unit": "µM"},
    }  # fmt: skip
    retrain = {
        "eta": 1e-3,
        "decoder": "emulator",
        "seeds": [3, 4],
        "leak": [0.02, 0.0],
        "conditions": {"K_o": 4.0},
    }
    session.use_recording(iw.simulate(session.model, [500.0], 1000), "recording.csv")
    lines = python_lines(session, retrain, experiment)
    _pretty(lines)
    for part in (
        "protocol=iw.S1S2(", "drug=iw.Drug(ic50={\"g_K\": 12}, concentration=6, hill={\"g_K\": 1.5})",
        'decoder="emulator"', "seed=3", "# Of seeds 3, 4", "leak=(0.02, 0)", "iw.restitution(altered)",
        'recording.to_netcdf("recording.nc")', 'iw.read_recording("recording.nc")', 'conditions={"K_o": 4}',
    ):  # fmt: skip
        assert part in lines, part


@pytest.fixture
def retrain(
    session: Session, recording: xr.Dataset, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., RetrainState]:
    """Step 4 with a finding that was made at once, with these settings."""
    session.use_recording(recording.assign(Ca_i=recording["V"]), "cell7.csv")
    state = RetrainState(session, LearnState(session))

    def discover(model: Any, recording: Any, *, progress: Any, seed: int = 0, **_: Any) -> Any:
        return Result(model, recording, FINDING | {"fit": {"v_rmse_mV": 1.0 / (1 + seed)}})

    def taught(model: Any, *, seed: int = 0, preset: str = "", **_: Any) -> Any:
        card = {"model_hash": model.hash, "seed": seed} | ({"preset": preset} if preset else {})
        return SimpleNamespace(card=card, emulator="m2" if preset else None)

    monkeypatch.setattr("ionwidgets.discovery.discover", discover)
    monkeypatch.setattr("ionwidgets.gnn.learn", taught)
    monkeypatch.setattr("ionwidgets.gnn.paper.learn_as_published", partial(taught, preset="paper"))

    def made(**settings: Any) -> RetrainState:
        state.use_settings(settings)
        state.start()
        assert state.wait(60)
        with session.lock:
            assert state.phase == "done", state.outcome
        return state

    return made


def _lines(state: RetrainState) -> str:
    lines = python_lines(state.session, state.settings(), made=state.made)
    _pretty(lines)
    return lines


def test_the_lines_redo_the_finding_and_not_what_was_set_since(retrain: Callable[..., RetrainState]) -> None:
    state = retrain(eta=1e-3, paced_for=15000.0, seeds=[3, 4])
    before = _lines(state)
    assert "eta=0.001, paced_for=15000, seed=4" in before and "# Of seeds 3, 4" in before
    state.use_settings({"eta": 0.03, "seeds": [7]})
    assert _lines(state) == before
    state.choose(3)
    assert "seed=3" in _lines(state)
    state.session.result = None
    assert "eta=0.03, seed=7" in _lines(state), "without a finding, what would make one now"


def test_a_finding_from_elsewhere_tells_what_it_was_made_with(session: Session) -> None:
    session.load_example()
    lines = python_lines(session, {"eta": 0.03, "decoder": "emulator", "seeds": [4]})
    assert "eta=0.001, predict_cl" in lines and "network" not in lines


def test_the_network_with_an_emulator_is_that_which_was_taught(retrain: Callable[..., RetrainState]) -> None:
    lines = _lines(state := retrain(decoder="emulator", seeds=[3, 4]))
    assert 'network = iw.learn(model, preset="paper", seed=3)' in lines and "seed=4" in lines
    assert "seed=3)" in _lines(retrain(decoder="emulator", seeds=[3]))
    lines = _lines(retrain(decoder="emulator", seeds=[5]))
    assert 'network = iw.learn(model, preset="paper", seed=5)' in lines, "not the one of another seed"
    state.session.network = SimpleNamespace(card={"model_hash": state.session.model.hash, "seed": 9})
    assert _lines(state) == lines


def test_under_conditions_that_change_gates_the_script_teaches_the_same_network(
    retrain: Callable[..., RetrainState], session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    session.use_model(iw.load_model("paci2013"), "paci2013")
    session.network = SimpleNamespace(card={"model_hash": session.model.hash, "seed": 9}, emulator=None)
    state = retrain(conditions={"T": 300.0}, leak=[0.02, 0.0], seeds=[2])
    there = read_conditions({"T": 300.0}, None, (0.02, 0.0)).model(session.model)
    asked: list[Any] = []
    monkeypatch.setattr(iw, "read_recording", lambda _: None, raising=False)
    monkeypatch.setattr(
        iw, "learn", lambda model, seed: asked.append((model.hash, seed)) or "taught", raising=False
    )
    monkeypatch.setattr(iw, "discover", lambda *_, network, **__: asked.append(network), raising=False)
    with_finding = _lines(state)
    session.result = None
    for lines in (with_finding, _lines(state)):
        exec(lines.partition("print(result.findings)")[0], {})  # noqa: S102 (our own lines)
        assert asked == [(there.hash, 2), "taught"]
        asked.clear()


def test_they_follow_a_setting_that_was_not_valid_when_they_were_first_shown(
    opened: Callable[..., Workbench],
) -> None:
    bench = opened(model="tnnp2004:M")
    bench.retrain.leak = (-1.0, 0.0)
    bench.go_to(INTERPRET)
    assert "leak" not in bench.home.python.text
    bench.retrain.leak = (0.02, 0.0)
    assert "leak=(0.02, 0)" in bench.home.python.text


texts = st.text(st.characters(codec="utf-8"), max_size=30)
values = st.recursive(
    st.one_of(
        texts, st.floats(allow_nan=False, allow_infinity=False), st.integers(), st.booleans(), st.none()
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=5), st.dictionaries(texts, inner, max_size=4), st.lists(inner).map(tuple)
    ),
    max_leaves=25,
)


@given(values)
def test_a_value_reads_as_itself(value: Any) -> None:
    import ast

    text = assignment("x", Call("f", [Name("y"), value], {"named": value}))
    call = ast.parse(text).body[0].value  # type: ignore[attr-defined]
    for argument in (call.args[1], call.keywords[0].value):
        assert ast.literal_eval(argument) == value
    assert "\t" not in text and "\0" not in text
