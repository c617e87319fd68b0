"""The lines of `Copy Python`, run in a process of their own, end in the finding of the session."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st

import ionwidgets as iw
from ionwidgets.widgets import Workbench
from ionwidgets.widgets.python_text import Call, Name, assignment

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
    from ionwidgets.widgets.python_lines import python_lines

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
