"""Restitution of a finding, and its neural ODE beside the recording, of the stored example."""

import json
from dataclasses import replace

import numpy as np
import pytest
import xarray as xr

from ionwidgets.discovery import Result, example_result
from ionwidgets.discovery.comparison import last_beat
from ionwidgets.discovery.late_apd90 import late_apd90
from ionwidgets.discovery.restitution import around


@pytest.fixture(scope="module")
def result() -> Result:
    return example_result()


def test_recorded_and_found_agree_and_control_is_shorter(result: Result) -> None:
    lengths = [400.0, 600.0, 800.0]
    table = result.restitution(lengths).pivot(index="cycle_length", columns="source", values="APD90")
    assert list(table.index) == lengths and set(table.columns) == {
        "recording", "control", "found", "neural ODE",
    }  # fmt: skip
    assert np.abs(table["found"] - table["recording"]).max() < 5, "1 ms samples and 20 s of pacing apart"
    assert (table["control"] < table["found"] - 20).all(), "the recorded cell has less I_Kr"
    paced = result.simulate(lengths, 20_000.0, variables=[])
    np.testing.assert_array_equal(table["found"], late_apd90(paced, 20_000.0))


def test_a_cell_that_does_not_follow_has_no_apd90(result: Result) -> None:
    table = result.restitution([250.0], 8000.0)
    found = table[table["source"] == "found"].iloc[0]
    assert found["capture"] not in ("1:1", "alternans") and np.isnan(found["APD90"])


def test_a_cell_that_is_given_no_stimulus_has_but_its_recording(result: Result) -> None:
    table = replace(result, stimulus=(0.0, 1.0)).restitution()
    assert set(table["source"]) == {"recording"} and len(table) == 3


def test_cycle_lengths_go_a_little_beyond_the_recorded() -> None:
    lengths = around([800.0, 400.0])
    assert lengths[0] == 300 and lengths[-1] == 1000 and lengths == sorted(set(lengths))
    assert around([500.0]) == sorted(set(around([500.0])))


def test_a_recording_shorter_than_its_cycle_is_drawn_from_its_upstroke(result: Result) -> None:
    trace = result.traces[-1]
    V, time = trace["V"].values[:400], trace["time"].values[:400] + 5.0
    short = xr.Dataset({"V": (("cell", "time"), V[None])}, {"time": time, "cycle_length": ("cell", [800.0])})
    beat = last_beat(short)
    assert abs(beat.time[np.gradient(beat.V, beat.time).argmax()]) <= 1.0


def test_the_finding_says_how_far_the_neural_ode_is_off(result: Result) -> None:
    check = json.loads(result.to_json())["neural_ode"]
    assert check["apd90_error_ms"].keys() == result.finding["fit"]["apd90_error_ms"].keys()
    table = result.restitution([800.0]).set_index(["source", "cycle_length"])["APD90"]
    error = table["neural ODE", 800.0] - table["recording", 800.0]
    assert check["apd90_error_ms"]["800"] == pytest.approx(error, abs=3.0), "other samples, another beat"
    assert 0 < check["v_rmse_mV"] < 5
