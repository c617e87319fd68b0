"""The long-run variance of residuals, on noise whose own is known; intervals that hold the truth."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.signal import lfilter

from ionwidgets.discovery.change import Change
from ionwidgets.discovery.gauss_newton import fit
from ionwidgets.discovery.long_run import HIDDEN, TOGETHER, long_run_variance
from ionwidgets.discovery.objective import Objective
from ionwidgets.discovery.prepare import control_run
from ionwidgets.discovery.search import settled
from ionwidgets.models import load_model
from ionwidgets.recordings.typical_beat import typical_beats
from ionwidgets.simulation import simulate
from ionwidgets.simulation.sweep import Run

MODEL, STIMULUS = load_model("tnnp2004:M"), (-52.0, 1.0)


def recorded(lengths: list[float], sample: float, noise: float, seed: int, **scale: float) -> Objective:
    """Cells that the model made, V in 5 s of steady pacing with white noise [mV]."""
    paced = simulate(
        MODEL, lengths, 20_000.0, record_from=15_000.0, sample=sample, scale=scale, variables=["V"]
    )[["V"]]
    paced["V"].values += noise * np.random.default_rng(seed).standard_normal(paced["V"].shape)
    beats, warnings = typical_beats(paced, STIMULUS[1], STIMULUS[0])
    assert not warnings
    return Objective(MODEL, beats, control_run(MODEL, beats, STIMULUS), STIMULUS)


def with_residuals(objective: Objective, runs: list[Run], memory: float, size: float, seed: int) -> list[Run]:
    """`runs`, but that their residuals are x[t] = memory x[t-1] + white noise of that size."""
    rng, made = np.random.default_rng(seed), []
    for run, measured, weights in zip(runs, objective.measured, objective.weights, strict=True):
        x = lfilter([size], [1, -memory], rng.standard_normal((len(weights) + 500, 1)), axis=0)[500:]
        made.append(replace(run, traces=measured + x / np.where(weights > 0, weights, np.inf)))
    return made


@pytest.mark.parametrize(("memory", "size"), [(0.0, 1.0), (0.0, 0.5), (0.8, 0.5), (-0.5, 1.0)])
def test_known_noise(memory: float, size: float) -> None:
    objective = recorded([500.0, 600.0, 700.0, 800.0, 900.0, 1000.0], 1.0, 0.1, 0)
    (runs,) = objective.run([objective.origin({})], list(range(len(objective.beats))))
    made = [with_residuals(objective, runs, memory, size, seed) for seed in range(10)]
    variances = [long_run_variance(objective, each) - HIDDEN**2 * TOGETHER for each in made]
    # Of an autoregression; what is anticorrelated counts as white.
    truth = size**2 / (1 - memory) ** 2 if memory >= 0 else size**2 / (1 - memory**2)
    assert np.mean(variances) == pytest.approx(truth, rel=0.12)


@pytest.mark.slow
@pytest.mark.parametrize("sample", [0.5, 1.0, 2.0])
def test_95_percent_intervals_hold_the_truth(sample: float) -> None:
    change, z = Change("scale", "I_Kr"), []
    for seed in range(40):
        objective = recorded([500.0, 700.0], sample, 0.5, seed, g_Kr=0.6)
        (found,) = fit(objective, [{change: -0.3}], iterations=12)
        assert found is not None
        found = settled(objective, found)
        z.append((found.values[change] - np.log(0.6)) / found.standard_errors(objective)[change])
    assert np.mean(np.abs(z) < 1.96) >= 0.9
    assert np.sqrt(np.mean(np.square(z))) > 0.5, "the intervals are twice as wide as they need be"
