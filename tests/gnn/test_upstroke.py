"""Between the samples of an upstroke: nearer to the cell than any curve through its samples alone."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from gnn.test_retrain import balance_of
from numpy.typing import NDArray
from scipy.interpolate import CubicSpline

from ionwidgets.discovery.prepare import control_run
from ionwidgets.gnn import learn
from ionwidgets.gnn.along_beats import gates_along
from ionwidgets.gnn.upstroke import BEGINS, ENDS, through_upstroke, upstroke_rows
from ionwidgets.models import load_model
from ionwidgets.recordings.typical_beat import typical_beats
from ionwidgets.simulation import simulate

CYCLE_LENGTHS = [500.0, 800.0]


@pytest.mark.parametrize("scale", [{}, {"g_to": 3.0}, {"g_Kr": 0.25}])
def test_it_follows_the_cell_between_its_samples(scale: dict[str, float]) -> None:
    model = load_model("tnnp2004:M")
    stimulus = (model.stimulus.amplitude, model.stimulus.duration)
    cell = simulate(model, CYCLE_LENGTHS, 18_000.0, scale=scale, record_from=15_000.0, variables=["V"])
    fine = simulate(
        model, CYCLE_LENGTHS, 18_000.0, scale=scale, record_from=15_000.0, variables=["V"], sample=0.0625
    )
    beats, _ = typical_beats(cell, stimulus[1], stimulus[0])
    longest = max(beat.V.size for beat in beats)
    V = np.stack([np.pad(beat.V, (0, longest - beat.V.size), mode="edge") for beat in beats], axis=1)
    rows = upstroke_rows(beats)
    found = through_upstroke(model, beats, control_run(model, beats, stimulus), stimulus, {"V": V})["V"]
    assert found.shape == (8, len(rows), len(beats))
    for i, beat in enumerate(beats):
        assert beat.time[rows[0] - 1] <= BEGINS < beat.time[rows[0]]
        assert beat.time[rows[-1]] <= ENDS < beat.time[rows[-1] + 1]
        into = (np.arange(8)[:, None] + 0.5) / 8
        at = beat.time[rows] - 1.0 + into
        periods = round((beat.middle_ms - beat.start_ms) / beat.cycle_length)
        when = beat.start_ms + periods * beat.cycle_length + at
        truth = np.interp(when, fine["time"].values, fine["V"].values[i])
        spline = CubicSpline(beat.time, beat.V)(at)
        off, through_samples = (np.sqrt(np.mean((x - truth) ** 2)) for x in (found[..., i], spline))
        assert off < (0.15 if not scale else 1.0) and off < 0.5 * through_samples


def test_the_true_change_explains_the_recording_through_it() -> None:
    """What the docstring says: I_to x3, and its misfit by what is taken for V between the samples."""
    model = load_model("tnnp2004:M")
    network, balance = learn(model), balance_of("ito")
    true = torch.zeros(len(model.currents), dtype=balance.V.dtype)
    true[[current.name for current in model.currents].index("I_to")] = np.log(3.0)
    rows, parts = upstroke_rows(balance.beats), len(balance.upstroke["V"])
    at = rows - 1 + (np.arange(parts)[:, None] + 0.5) / parts
    V = balance.V.numpy()
    samples = np.arange(len(V))
    lines = np.stack([np.interp(at, samples, column) for column in V.T], axis=-1)
    spline = np.stack([CubicSpline(samples, column)(at) for column in V.T], axis=-1)

    def misfit(between: NDArray) -> float:
        seen = replace(balance, upstroke={**balance.upstroke, "V": between})
        return balance.misfit(gates_along(network, seen)[None], true[None]).item()

    off = [misfit(between) for between in (balance.upstroke["V"], spline, lines)]
    shares = ", ".join(f"{share:.2%}" for share in off)
    print(f"\nof dV/dt's square is missed: model and spline, spline, lines: {shares}")
    assert off[0] < 1e-3
    assert off[1] > 5 * off[0] and off[2] > 50 * off[0]
