"""Between the samples of an upstroke: nearer to the cell than any curve through its samples alone."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.interpolate import CubicSpline

from ionwidgets.discovery.prepare import control_run
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
