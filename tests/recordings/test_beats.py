"""Beats, stimuli and biomarkers from samples, against recordings whose stimuli and solver we know."""

from __future__ import annotations

import json
from pathlib import Path

import make_recordings as truth
import numpy as np
import pytest
import xarray as xr

import ionwidgets as iw
from ionwidgets.errors import RecordingError
from ionwidgets.recordings import (
    estimate_cycle_length,
    find_beats,
    follows_one_to_one,
    read_recording,
    stimulus_times,
)
from ionwidgets.simulation.sampled_biomarkers import NAMES, noise_level, sampled_biomarkers, steepest_rise

REFERENCE = Path(__file__).resolve().parents[1] / "reference" / "tnnp2004-M.json"
CASES = [(name, cycle) for name, made in truth.RECORDINGS.items() for cycle in made.cycle_lengths]


def cell(name: str, cycle: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, float]:
    """Time, V and Ca_i of one committed cell, and the true phase of its stimuli [ms, in 0..cycle]."""
    made = truth.RECORDINGS[name]
    dataset: xr.Dataset = read_recording(made.path)
    index = made.cycle_lengths.index(cycle)
    phase = (truth.STIMULUS_ONSET - truth.recording_starts(made)[cycle]) % cycle
    trace = dataset.isel(cell=index)
    return dataset["time"].values, trace["V"].values, trace["Ca_i"].values, phase


def action_potentials(
    onsets: np.ndarray, apds: np.ndarray, end: float, step: float = 1.0
) -> tuple[np.ndarray, ...]:
    """Plain action potentials: 2 ms up to 30 mV, a slow slope, 20 ms down until `apds` after the onset."""
    time = np.arange(0, end, step)
    V = np.full(len(time), -85.0)
    for onset, apd in zip(onsets, apds, strict=True):
        s = time - onset
        shape = np.interp(s, [0, 2, apd - 20, apd], [0, 115, 100, 0], left=0, right=0)
        V = np.maximum(V, -85 + shape)
    return time, V


@pytest.mark.parametrize(("name", "cycle"), CASES)
@pytest.mark.parametrize("noise", [0.0, 1.0])
def test_stimuli_are_found_within_a_third_of_a_millisecond(name: str, cycle: int, noise: float) -> None:
    time, V, _, phase = cell(name, cycle)
    V = V + np.random.default_rng(0).normal(0, noise, V.shape)
    for amplitude in (None, -52.0):
        onsets = stimulus_times(time, V, cycle, duration=1.0, amplitude=amplitude)
        np.testing.assert_allclose(onsets[0], phase, atol=0.3)
        np.testing.assert_allclose(np.diff(onsets), cycle, atol=1e-9)
        assert onsets[-1] <= time[-1] < onsets[-1] + cycle


@pytest.mark.parametrize(("name", "cycle"), CASES)
def test_every_beat_is_found_once_and_the_cell_follows(name: str, cycle: int) -> None:
    time, V, _, phase = cell(name, cycle)
    expected = np.arange(phase, time[-1], cycle)
    beats = find_beats(time, V)
    assert len(beats) == len(expected)
    assert np.all((beats - expected > 0) & (beats - expected < 2.5))
    np.testing.assert_allclose(
        find_beats(time, V + np.random.default_rng(1).normal(0, 1, V.shape)), beats, atol=0.5
    )
    np.testing.assert_allclose(estimate_cycle_length(time, V), cycle, atol=0.05)
    following = follows_one_to_one(time, V, cycle)
    assert following and following.one_to_one


def test_upstroke_lies_between_samples() -> None:
    """A logistic upstroke's steepest point, sampled at 1 ms and at phases between, to 0.1 ms."""
    for shift in np.linspace(0, 1, 7):
        time = np.arange(0, 200.0)
        V = -85 + 115 / (1 + np.exp(-(time - 50 - shift) / 1.5)) / (1 + np.exp((time - 150) / 5))
        np.testing.assert_allclose(find_beats(time, V), [50 + shift], atol=0.1)


def test_beats_closer_than_20_ms_are_those_of_spikes() -> None:
    """A repetitively firing axon: every spike's own upstroke, not that of its neighbour."""
    steps = iw.CurrentClamp([(0, 50), (10, 100), (0, 50)])
    data = iw.simulate(iw.load_model("hh1952"), protocol=steps, variables=["V"])
    spikes, beats = iw.spikes(data), iw.biomarkers(data)
    assert len(spikes) == len(beats) == 7
    found = find_beats(data["time"].values, data["V"].values[0])
    assert np.all((spikes["time"] - found > 0) & (spikes["time"] - found < 1))
    np.testing.assert_allclose(beats["peak"], spikes["peak"])
    assert np.isfinite(beats["APD90"]).all()


def test_finely_sampled_noise_does_not_make_the_upstroke() -> None:
    rng = np.random.default_rng(2)
    time = np.arange(0, 2000, 0.04)
    clean = np.full(len(time), -75.0)
    for start in (300, 1100):
        clean += 105 / (1 + np.exp(-(time - start) / 2)) / (1 + np.exp((time - start - 300) / 15))
    beats = find_beats(time, clean + rng.normal(0, 1, len(time)))
    np.testing.assert_allclose(beats, [300, 1100], atol=1.0)


@pytest.mark.parametrize(
    "V",
    [
        np.full(500, -80.0),
        -80 + np.random.default_rng(3).normal(0, 1, 5000),
        np.linspace(30, -80, 500),
        np.full(500, np.nan),
        np.array([-80.0, 20.0]),
    ],
)
def test_no_beats(V: np.ndarray) -> None:
    time = np.arange(len(V), dtype=float)
    assert find_beats(time, V).size == 0
    assert np.isnan(estimate_cycle_length(time, V))
    assert stimulus_times(time, V, 400).size == 0
    following = follows_one_to_one(time, V, 400)
    assert not following and following.words == "no action potentials"


def test_a_trace_lower_than_asked_has_no_beats() -> None:
    time, V = action_potentials(np.array([50.0, 450.0, 850.0]), np.full(3, 200.0), 1200)
    assert find_beats(time, V, least_height=20).size == 3
    assert find_beats(time, V, least_height=200).size == 0


def test_padding_and_a_recording_that_begins_within_a_beat() -> None:
    time, V = action_potentials(np.array([-50.0, 350.0, 750.0]), np.full(3, 200.0), 1000)
    V[980:] = np.nan
    assert find_beats(time, V).size == 2
    np.testing.assert_allclose(stimulus_times(time, V, 400), [350, 750], atol=0.5)
    found = sampled_biomarkers(time, V, np.array([-50.0, 350.0, 750.0, 990.0]))
    np.testing.assert_array_equal(np.isfinite(found["APD90"]), [False, True, True, False])


def test_stimuli_need_a_cycle_length() -> None:
    with pytest.raises(RecordingError, match="needs the cycle length"):
        stimulus_times(np.arange(10.0), np.zeros(10), np.nan)


@pytest.mark.parametrize(
    ("apds", "every", "words"),
    [
        ([200, 200, 200, 200], 600, "4 action potentials for 8 stimuli"),
        ([250, 180, 250, 180, 250, 180, 250, 180], 300, "APD90 differs from beat to beat"),
    ],
)
def test_failure_to_follow_is_told_in_words(apds: list[int], every: float, words: str) -> None:
    onsets = 20 + every * np.arange(len(apds))
    time, V = action_potentials(onsets, np.array(apds, dtype=float), 2400)
    following = follows_one_to_one(time, V, 300)
    assert not following
    assert words in following.words


def test_action_potentials_of_different_height_do_not_follow() -> None:
    time, V = action_potentials(np.arange(4) * 400 + 20.0, np.full(4, 200.0), 1600)
    V[(time > 400) & (time < 800)] = -85 + (V[(time > 400) & (time < 800)] + 85) * 0.8
    assert "the height differs" in follows_one_to_one(time, V, 400).words


def test_steepest_rise_needs_two_samples() -> None:
    assert np.isnan(steepest_rise(np.arange(3.0), np.arange(3.0), 1, 2)).all()


def test_noise_is_told_from_signal() -> None:
    _, V, _, _ = cell("control", 800)
    assert noise_level(V) < 0.05
    assert 0.8 < noise_level(V + np.random.default_rng(4).normal(0, 1, V.shape)) < 1.2


# Biomarkers


def test_biomarkers_of_a_known_shape() -> None:
    """Straight lines have known crossings: rise 0..2 ms, plateau sloping from 115 to 100, fall over 20 ms."""
    time, V = action_potentials(np.array([100.0, 500.0]), np.array([220.0, 220.0]), 900, step=0.5)
    found = sampled_biomarkers(time, V, np.array([100.0, 500.0]), Ca=(V + 85) * 1e-5)
    np.testing.assert_allclose(found["RMP"], -85)
    np.testing.assert_allclose(found["peak"], 30)
    np.testing.assert_allclose(found["dVdt_max"], 57.5)
    rise = found["upstroke_time"] - [100, 500]
    assert np.all((rise >= 0) & (rise <= 2))
    for level in (30, 50, 90):
        fall = 220 - 20 * (115 * (1 - level / 100)) / 100
        np.testing.assert_allclose(found[f"APD{level}"] + rise, fall, atol=1e-6)
    np.testing.assert_allclose(found["Ca_peak"], 115e-5)
    np.testing.assert_allclose(found["Ca_diastolic"], 0, atol=1e-12)
    assert tuple(found) == NAMES


def test_the_least_calcium_of_a_beat_may_come_after_its_transient() -> None:
    """Ca_i undershoots where it ends: the least is there, and CaTD90 goes by Ca_i at the onset."""
    time, V = action_potentials(np.array([100.0]), np.array([220.0]), 900)
    Ca = np.interp(time, [100, 110, 210, 310, 500], [1e-4, 1e-3, 1e-4, 5e-5, 1e-4])
    Ca[400] = 0.0  # a single sample is noise
    found = sampled_biomarkers(time, V, np.array([100.0]), Ca)
    assert found["Ca_diastolic"][0] == pytest.approx(5e-5, rel=0.02)
    fall = 110 + 0.9 * 100
    assert found["CaTD90"][0] + found["upstroke_time"][0] == pytest.approx(fall, abs=0.01)


def test_a_beat_that_does_not_end_has_no_apd() -> None:
    time, V = action_potentials(np.array([100.0]), np.array([300.0]), 350)
    found = sampled_biomarkers(time, V, np.array([100.0]))
    assert np.isnan([found["APD30"][0], found["APD90"][0], found["Ca_peak"][0]]).all()
    assert found["peak"][0] == 30


@pytest.mark.parametrize("cycle", [400, 600, 800])
def test_biomarkers_agree_with_the_reference_within_the_sampling(cycle: int) -> None:
    """The committed control cell against the reference table's CVODES biomarkers after 20 s of pacing."""
    expected = next(
        entry for entry in json.loads(REFERENCE.read_text())["biomarkers"] if entry["CL_ms"] == cycle
    )
    time, V, Ca, phase = cell("control", cycle)
    found = sampled_biomarkers(time, V, np.arange(phase, time[-1], cycle), Ca)
    assert abs(np.nanmean(found["APD90"]) - expected["APD90_ms"]) < 1.2
    assert abs(np.nanmean(found["APD50"]) - expected["APD50_ms"]) < 4.5
    assert abs(np.nanmean(found["Ca_peak"]) / expected["Ca_peak_mM"] - 1) < 0.03
    assert abs(np.nanmean(found["Ca_diastolic"]) / expected["Ca_diastolic_mM"] - 1) < 0.06
    assert abs(np.nanmean(found["RMP"]) - expected["RMP_mV"]) < 0.2


@pytest.mark.slow
def test_committed_recordings_are_what_the_script_makes(tmp_path: Path) -> None:
    made = truth.RECORDINGS["shortqt"]
    again = read_recording(truth.write(made, tmp_path / "shortqt.csv"))
    committed = read_recording(made.path)
    np.testing.assert_allclose(again["V"].values, committed["V"].values, atol=2e-3)
    np.testing.assert_allclose(again["Ca_i"].values, committed["Ca_i"].values, rtol=1e-4)


def test_a_cell_without_a_stimulus_is_measured_from_one_diastole_to_the_next() -> None:
    """Whatever the clock of the pacing that it does not heed, and as it does when left to itself."""
    cell = iw.load_model("noble1962")
    ticking = [
        iw.simulate(cell, length, 6000, sample=0.1, record_from=1000, variables=["V"])
        for length in (400, 1000)
    ]
    left = iw.simulate(cell, protocol=iw.CurrentClamp([(0, 6000)]), record_from=1000, variables=["V"])
    tables = [iw.biomarkers(data) for data in (*ticking, left)]
    for data, table in zip((*ticking, left), tables, strict=True):
        V, whole = data["V"].values[0], table.dropna(subset=["APD90"])
        assert len(whole) >= 7
        np.testing.assert_allclose(whole["cycle_length"], 564, atol=2)
        np.testing.assert_allclose(whole["RMP"], V.min(), atol=0.05)
        np.testing.assert_allclose(whole["APD90"], whole["APD90"].mean(), atol=0.5)
        np.testing.assert_allclose(whole["dVdt_max"], 37, atol=1.5)
    np.testing.assert_allclose(tables[0]["APD90"], tables[1]["APD90"], rtol=1e-3)
    with pytest.raises(RecordingError, match="beats by itself"):
        iw.capture(ticking[0])
    with pytest.raises(RecordingError, match='"V" among the variables'):
        iw.biomarkers(iw.simulate(cell, 1000, 2000, variables=[]))
    driven = iw.simulate(cell, 400, 2000, stimulus=(-20.0, 2.0), variables=[])
    assert iw.biomarkers(driven)["cycle_length"].eq(400).all()
