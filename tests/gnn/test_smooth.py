"""A noisy recording is smoothed beside the model's own beat, and what changed is still seen in it."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

from ionwidgets.discovery.prepare import control_run
from ionwidgets.gnn import learn
from ionwidgets.gnn.decoder import current_balance
from ionwidgets.gnn.retrain import retrain_network
from ionwidgets.gnn.smooth import AFTER, BEFORE, smoothed
from ionwidgets.models import load_model
from ionwidgets.recordings.typical_beat import TypicalBeat, typical_beats
from ionwidgets.simulation import simulate

MODEL = load_model("tnnp2004:M")
STIMULUS = (MODEL.stimulus.amplitude, MODEL.stimulus.duration)
LENGTHS = [400.0, 500.0, 700.0]


def recordings(scale: dict[str, float]) -> tuple[xr.Dataset, xr.Dataset]:
    """5 s of an altered cell, and the same with 0.5 mV and 2 % of noise."""
    clean = simulate(MODEL, LENGTHS, 18_000.0, scale=scale, record_from=13_000.0, variables=["V", "Ca_i"])[
        ["V", "Ca_i"]
    ]
    noise = np.random.default_rng(1)
    noisy = clean.copy(deep=True)
    noisy["V"] += 0.5 * noise.standard_normal(clean["V"].shape)
    noisy["Ca_i"] *= 1 + 0.02 * noise.standard_normal(clean["V"].shape)
    for name in ("V", "Ca_i"):
        noisy[name].attrs = clean[name].attrs
    return clean, noisy


def beats_of(recording: xr.Dataset) -> list[TypicalBeat]:
    return typical_beats(recording, STIMULUS[1], STIMULUS[0])[0]


def test_noise_is_taken_away_and_the_beat_stays() -> None:
    clean, noisy = recordings({"g_Kr": 0.25})
    control = control_run(MODEL, beats_of(clean), STIMULUS)
    for i, (beat, true) in enumerate(zip(beats_of(noisy), beats_of(clean), strict=True)):
        observed, slope = smoothed(MODEL, beat, control, i)
        rest = (beat.time < -BEFORE) | (beat.time > AFTER)
        truth = {"V": true.V, "Ca_i": true.Ca_i}
        for name, seen in (("V", beat.V), ("Ca_i", beat.Ca_i)):
            left, before = (np.std((x - truth[name])[rest]) for x in (observed[name], seen))
            assert left < 0.75 * before, name
        error = (slope.dVdt - np.gradient(true.V, true.step))[rest][1:-1]
        assert np.std(error) < 1.5 * np.sqrt(slope.variance), "no more than the noise that is left"


def test_a_clean_beat_is_left_as_it_is() -> None:
    clean, _ = recordings({})
    (beat, *_) = beats = beats_of(clean)
    observed, slope = smoothed(MODEL, beat, control_run(MODEL, beats, STIMULUS), 0)
    assert observed["V"] is beat.V and observed["Ca_i"] is beat.Ca_i and slope.variance == 0
    np.testing.assert_array_equal(slope.dVdt, np.gradient(beat.V, beat.step))


@pytest.mark.parametrize(("scale", "current"), [({"g_Kr": 0.25}, "I_Kr"), ({"g_CaL": 0.25}, "I_CaL")])
def test_what_changed_explains_most_in_spite_of_noise(scale: dict[str, float], current: str) -> None:
    _, noisy = recordings(scale)
    beats = beats_of(noisy)
    balance = current_balance(MODEL, beats, control_run(MODEL, beats, STIMULUS), STIMULUS)
    assert balance.noise > 0
    explained = retrain_network(learn(MODEL), balance).explained
    shares = {each.name: explained[each.name] for each in MODEL.currents}
    assert max(shares, key=shares.__getitem__) == current and shares[current] > 0.5
