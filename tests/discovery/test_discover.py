"""From a recording of a cell with a known change, made by an independent solver, to the finding."""

from __future__ import annotations

import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from finding_schema import check, parsed, ranked
from paced_truth import apd90_by_cvodes
from safetensors.numpy import save_file

from ionwidgets.discovery import (
    Result,
    discover,
    example_recording,
    example_result,
    load_result,
    retrain,
)
from ionwidgets.discovery.example import make
from ionwidgets.discovery.finding import _apd90_words
from ionwidgets.discovery.words import in_words
from ionwidgets.errors import IonWidgetsError, RecordingError
from ionwidgets.gnn import learn
from ionwidgets.jobs import Cancelled
from ionwidgets.models import load_model
from ionwidgets.recordings import read_recording
from ionwidgets.simulation import simulate, voltage_grid

DATA = Path(__file__).resolve().parents[1] / "data"
MODEL = load_model("tnnp2004:M")
UNSEEN = (450.0, 700.0)  # ms
SCALED = [("longqt", "I_Kr", "g_Kr", 0.25), ("shortqt", "I_CaL", "g_CaL", 0.25), ("ito", "I_to", "g_to", 3.0)]
ALL = [name for name, *_ in SCALED] + ["control", "f_shift"]


@cache
def found(name: str) -> Result:
    """What is found in one of the recordings; made once, and changed by nobody."""
    return discover(MODEL, read_recording(DATA / f"{name}.csv"), predict_cl=UNSEEN)


# ---- what is found ----


@pytest.mark.parametrize(("name", "current", "parameter", "scale"), SCALED)
def test_the_scaled_current_is_first(name: str, current: str, parameter: str, scale: float) -> None:
    result = found(name)
    assert result.verdict == "changed"
    first, second, *_ = ranked(result.finding)
    assert (first["current"], first.get("parameter")) == (current, parameter)
    assert abs(first["scale"] / scale - 1) < 0.02
    low, high = first["ci95"]
    assert low <= scale <= high and high / low < 1.2
    assert first["importance"] > 0.95 and second["importance"] < 0.3
    others = [entry for entry in result.finding["currents"] if entry["current"] != current]
    for entry in others:
        low, high = entry["ci95"]
        assert low <= 1 <= high, entry["current"]
    assert result.finding["fit"]["v_rmse_mV"] < 0.1
    assert max(map(abs, result.finding["fit"]["apd90_error_ms"].values())) < 0.5
    assert {change.target: change.kind for change in result.changes} == {current: "scale"}


@pytest.mark.parametrize(("name", "current", "parameter", "scale"), SCALED)
def test_unseen_cycle_lengths_are_predicted(name: str, current: str, parameter: str, scale: float) -> None:
    predictions = found(name).finding["predictions"]
    assert list(predictions) == ["450", "700"]
    for cycle_length in UNSEEN:
        truth = apd90_by_cvodes(MODEL.key, parameter, scale, cycle_length)
        assert abs(predictions[f"{cycle_length:g}"]["apd90_ms"] - truth) < 1.0


def test_a_shifted_gate_is_told_from_a_scale() -> None:
    result = found("f_shift")
    assert result.verdict == "changed"
    first = ranked(result.finding)[0]
    assert (first.get("gate"), first["current"]) == ("f", "I_CaL")
    assert abs(first["v_half_shift_mV"] + 6.0) < 0.3
    low, high = first["v_half_shift_ci95"]
    assert low <= -6.0 <= high
    assert result.finding["fit"]["v_rmse_mV"] < 0.1


def test_no_change_is_said_where_there_is_none() -> None:
    result = found("control")
    assert result.verdict == "unchanged" and result.changes == {}
    for entry in result.finding["currents"]:
        low, high = entry["ci95"]
        assert low <= 1 <= high, entry["current"]
    for cycle_length in UNSEEN:
        truth = apd90_by_cvodes(MODEL.key, "g_Kr", 1.0, cycle_length)
        assert abs(result.finding["predictions"][f"{cycle_length:g}"]["apd90_ms"] - truth) < 1.0


def test_a_known_history_is_used() -> None:
    cell = read_recording(DATA / "shortqt.csv").isel(cell=[1])
    result = retrain(learn(MODEL), cell, paced_for=15_000.0)
    check(parsed(result.to_json()), MODEL)
    first = ranked(result.finding)[0]
    assert result.verdict == "changed" and first["current"] == "I_CaL"
    assert abs(first["scale"] / 0.25 - 1) < 0.02


def test_voltage_alone_names_the_current() -> None:
    recording = read_recording(DATA / "shortqt.csv").drop_vars("Ca_i").isel(cell=[0, 2])
    finding = discover(MODEL, recording).finding
    check(finding, MODEL)
    assert finding["recording"]["observables"] == ["V"]
    assert finding["verdict"] == "changed" and ranked(finding)[0]["current"] == "I_CaL"


def test_a_cell_of_another_kind_is_unexplained(shared_data: Path) -> None:
    file = "hipsc_patch_optical_lei2017/current-clamp/170120-cell-5-middle.csv.gz"
    recording = read_recording(shared_data / file).assign_coords(cycle_length=("cell", [1000.0]))
    result = discover(MODEL, recording, predict_cl=[450])
    check(parsed(result.to_json()), MODEL)
    assert result.verdict == "unexplained" and result.changes == {}
    assert all(entry["scale"] is None for entry in result.finding["currents"])
    assert result.finding["predictions"] == {"450": {"apd90_ms": None, "trace_csv": None}}
    assert any("the model cannot produce this recording" in word for word in result.finding["warnings"])
    at_best = [entry["alone"] or 0.0 for entry in ranked(result.finding)]
    assert at_best == sorted(at_best, reverse=True) and at_best[0] > 0
    assert f"at best it explains {100 * at_best[0]:.1f} % of the difference" in in_words(result.finding)


# ---- the document, and the result in other forms ----


@pytest.mark.parametrize("name", ALL)
def test_the_document_is_whole(name: str) -> None:
    result = found(name)
    finding = parsed(result.to_json())
    check(finding, MODEL)
    assert finding == result.finding
    assert finding["recording"]["file"] == f"{name}.csv"
    assert finding["recording"]["observables"] == ["V", "Ca_i"]
    assert finding["seed"] == 0


@pytest.mark.parametrize("name", ["shortqt", "f_shift", "control"])
def test_an_exported_model_is_the_found_one(name: str, tmp_path: Path) -> None:
    result = found(name)
    result.export(tmp_path / "edited.mmt")
    exported = load_model(tmp_path / "edited.mmt")
    assert exported.gate_names == MODEL.gate_names and exported.currents == MODEL.currents
    here = result.simulate([450, 800], 5_000.0, variables=["V"])
    there = simulate(exported, [450, 800], 5_000.0, variables=["V"])
    np.testing.assert_allclose(there["APD90"], here["APD90"], atol=0.1)
    np.testing.assert_allclose(there["V"], here["V"], atol=1.0)  # in the upstroke; elsewhere far less


def test_findings_as_a_table() -> None:
    table = found("shortqt").findings
    columns = {"kind", "current", "parameter", "scale", "ci_low", "ci_high", "importance", "rank"}
    assert columns | {"v_half_shift_mV", "tau_ratio"} <= set(table.columns)
    assert len(table) == len(MODEL.currents) + len(MODEL.gates)
    assert list(table["rank"]) == list(range(1, len(table) + 1))
    first = table.iloc[0]
    assert (first["kind"], first["current"], first["parameter"]) == ("current", "I_CaL", "g_CaL")
    assert first["ci_low"] <= first["scale"] <= first["ci_high"]
    gates = table[table["kind"] == "gate"]
    assert set(gates["parameter"]) == set(MODEL.gate_names) and gates["scale"].isna().all()


def test_gate_curves_before_and_after() -> None:
    result = found("longqt")
    gates = result.gates()
    assert dict(gates.sizes) == {"source": 2, "gate": len(MODEL.gate_names), "V": voltage_grid().size}
    assert list(gates["source"].values) == ["control", "altered"]
    assert (
        gates["tau"].attrs["units"] == gates["V"].attrs["units"] == "ms" or gates["V"].attrs["units"] == "mV"
    )
    assert bool(((gates["h_inf"] >= 0) & (gates["h_inf"] <= 1)).all()) and bool((gates["tau"] > 0).all())
    reached = gates["V"].values[gates["visited"].values]
    V = result.recording["V"].values
    assert reached.min() >= np.nanmin(V) and reached.max() <= np.nanmax(V) and reached.size > 100


def test_currents_along_a_beat() -> None:
    result = found("longqt")
    currents = result.currents(500)
    assert currents.attrs["cycle_length"] == 500 and result.currents().attrs["cycle_length"] == 800
    assert {current.name for current in MODEL.currents} <= set(currents.data_vars)
    assert currents["I_Kr"].attrs["units"] == "A/F" and currents["I_Kr"].dims == ("source", "time")
    peak = currents["I_Kr"].max("time")
    assert 0.1 < float(peak.sel(source="altered") / peak.sel(source="control")) < 0.5


def test_the_neural_ode_runs() -> None:
    neural = found("longqt").neural_ode([450.0, 700.0], 10_000.0, variables=["V"])
    for i, cycle_length in enumerate(UNSEEN):
        apd90 = neural["APD90"].values[i]
        apd90 = apd90[np.isfinite(apd90)]
        truth = apd90_by_cvodes(MODEL.key, "g_Kr", 0.25, cycle_length)
        assert abs(apd90[-5:].mean() - truth) < 10, "stage 2 alone; the finding is finer"


def test_a_result_comes_back_from_its_file(tmp_path: Path) -> None:
    result = found("f_shift")
    result.save(tmp_path / "found.safetensors")
    again = load_result(tmp_path / "found.safetensors", result.recording)
    assert again.finding == result.finding and again.changes == result.changes
    assert again.scales == result.scales and again.model.key == MODEL.key
    np.testing.assert_allclose(again.h_inf, result.h_inf, atol=1e-6)
    np.testing.assert_allclose(again.tau, result.tau, rtol=1e-6)
    for mine, theirs in zip(again.traces, result.traces, strict=True):
        assert mine.attrs == theirs.attrs and list(mine.data_vars) == list(theirs.data_vars)
        np.testing.assert_allclose(mine["I_CaL"], theirs["I_CaL"], rtol=1e-5, atol=1e-6)
        np.testing.assert_allclose(mine["time"], theirs["time"], atol=1e-3)


def test_a_place_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(IonWidgetsError, match=r"the result cannot be written here \(No such file"):
        example_result().save(tmp_path / "nowhere" / "found.safetensors")


def test_a_file_that_is_no_result_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "text.safetensors").write_text("no tensors\n", encoding="utf-8")
    save_file({"a": np.zeros(2)}, tmp_path / "foreign.safetensors")
    metadata = {"schema": "ionwidgets/result/1", "about": "{}"}
    save_file({"a": np.zeros(2)}, tmp_path / "empty.safetensors", metadata=metadata)
    for name in ("missing", "text", "foreign", "empty"):
        with pytest.raises(IonWidgetsError, match=rf"{name}\.safetensors: ") as caught:
            load_result(tmp_path / f"{name}.safetensors", example_recording())
        assert "\n" not in str(caught.value)


# ---- the bundled example ----


def test_the_stored_finding_is_what_is_found_again(tmp_path: Path) -> None:
    stored = example_result()
    again = make(tmp_path / "drug.safetensors")
    assert (tmp_path / "drug.safetensors").is_file()
    check(stored.finding, MODEL)
    assert stored.verdict == again.verdict == "changed"
    assert stored.finding["recording"] == again.finding["recording"]
    assert stored.changes.keys() == again.changes.keys()
    for change, value in stored.changes.items():
        assert abs(again.changes[change] - value) < 0.005
    ours, theirs = ranked(stored.finding)[0], ranked(again.finding)[0]
    assert ours["current"] == theirs["current"] == "I_Kr"
    assert abs(ours["scale"] - 0.25) < 0.01
    np.testing.assert_allclose(ours["ci95"], theirs["ci95"], rtol=0.02)
    for cycle_length, prediction in stored.finding["predictions"].items():
        predicted = prediction["apd90_ms"]
        assert abs(again.finding["predictions"][cycle_length]["apd90_ms"] - predicted) < 0.1
        assert abs(predicted - apd90_by_cvodes(MODEL.key, "g_Kr", 0.25, float(cycle_length))) < 1.0
    # The network's curves by where the cell was for long; summation differs between processors.
    np.testing.assert_allclose(stored.h_inf, again.h_inf, atol=0.05)
    for name, factor in stored.scales.items():
        assert abs(np.log(again.scales[name] / factor)) < 0.05, name


def test_the_stored_finding_is_shown_without_torch() -> None:
    code = (
        "import sys, ionwidgets.discovery as d; r = d.example_result(); r.findings, r.gates(), r.currents(); "
        "assert 'torch' not in sys.modules; d.discover; assert 'torch' in sys.modules"
    )
    answer = subprocess.run([sys.executable, "-P", "-c", code], capture_output=True, text=True, check=False)
    assert answer.returncode == 0, answer.stderr


# ---- what is refused, and stopping ----


def refused(**arguments: Any) -> str:
    recording = arguments.pop("recording", None)
    recording = read_recording(DATA / "shortqt.csv") if recording is None else recording
    with pytest.raises(IonWidgetsError) as caught:
        discover(MODEL, recording, **arguments)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_a_network_of_another_model_is_refused() -> None:
    word = refused(network=learn(load_model("tnnp2004:epi")))
    assert "tnnp2004:epi" in word and "tnnp2004:M" in word and "ionwidgets learn" in word


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        ({"decoder": "emulater"}, "unknown decoder 'emulater'"),
        ({"hidden": "shown"}, "hidden states come from clamp or true; found 'shown'"),
        ({"hidden": "true"}, "reads fCa, Ca_SR, g, Na_i, K_i from the recording"),
        ({"eta": 0.0}, "eta must lie between 0 and 1"),
        ({"eta": float("nan")}, "eta must lie between 0 and 1"),
        ({"paced_for": -1.0}, "paced_for is ms of pacing"),
        ({"paced_for": 1e9}, "paced_for is ms of pacing"),
        ({"stimulus": (-52.0, 0.0)}, "a positive duration"),
        ({"stimulus": (float("nan"), 1.0)}, "a positive duration"),
        ({"predict_cl": [450, 0.5]}, "longer than the stimulus (1 ms)"),
        ({"predict_cl": [450, float("nan")]}, "longer than the stimulus (1 ms)"),
        ({"predict_cl": [450], "duration": -1.0}, "over a positive duration"),
    ],
)
def test_settings_that_make_no_sense_are_refused_before_the_work(arguments: dict, word: str) -> None:
    told: list[float] = []

    class Control:
        def report(self, fraction: float, message: str, **facts: Any) -> None:
            told.append(fraction)

    assert word in refused(progress=Control(), **arguments)
    assert max(told, default=0.0) <= 0.05


def test_predictions_are_made_with_the_stimulus_of_the_recording() -> None:
    recording = read_recording(DATA / "control.csv").isel(cell=[0])
    result = discover(MODEL, recording, stimulus=(-40.0, 1.5))
    assert result.stimulus == (-40.0, 1.5)


def test_recordings_that_no_finding_can_be_made_of_are_refused() -> None:
    recording = read_recording(DATA / "shortqt.csv")
    unpaced = recording.assign_coords(cycle_length=("cell", [np.nan] * 3))
    assert "the cycle length is not known" in refused(recording=unpaced)
    optical = recording.copy()
    optical["V"].attrs["units"] = "nA"
    assert "V is in nA" in refused(recording=optical)
    flat = recording.copy(data={name: np.zeros(v.shape) for name, v in recording.data_vars.items()})
    assert "no cell with a whole beat" in refused(recording=flat)
    short = recording.isel(time=slice(300))
    assert "no cell with a whole beat" in refused(recording=short)


def test_real_recordings_without_a_cycle_length_are_refused(shared_data: Path) -> None:
    for path in sorted((shared_data / "hipsc_paced_clark2022").glob("*_paced.csv")):
        with pytest.raises(RecordingError, match=f"{path.name}: the cycle length is not known"):
            discover(MODEL, read_recording(path))


@pytest.mark.parametrize("reached", [0.0, 0.2, 0.8])
def test_stop_ends_the_work_wherever_it_is(reached: float) -> None:
    told: list[float] = []

    class Control:
        def report(self, fraction: float, message: str, **facts: Any) -> None:
            told.append(fraction)
            if fraction >= reached:
                raise Cancelled

    with pytest.raises(Cancelled):
        discover(MODEL, read_recording(DATA / "shortqt.csv"), progress=Control())
    after = [fraction for fraction in told if fraction >= reached]
    assert len(after) <= 3, "two threads of a sweep may both be told"
    assert told == sorted(told)


def test_a_beat_without_an_end_is_told_in_words() -> None:
    time = np.arange(600.0)
    stays, ends = time > 20, (time > 20) & (time < 300)
    assert _apd90_words(np.where(ends, 20.0, -80.0), time) == "APD90 279 ms"
    told = _apd90_words(np.where(stays, 20.0, -80.0), time)
    assert told == "no action potential that ends within the beat"
