"""The last beats of one cell, simulated and made ready to be drawn."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ionwidgets.widgets.experiment.measures import measured
from ionwidgets.widgets.experiment.rhythm import rhythm_of
from ionwidgets.widgets.experiment.setting import BEATS

SHOWN = 2  # the last so many are drawn
MOST_POINTS = 4000  # of a line


@dataclass(frozen=True)
class Wave:
    """The last beats of one cell: time in ms, V in mV, Ca_i in mM or None; biomarkers in their units."""

    time: NDArray[np.float32]
    V: NDArray[np.float32]
    Ca_i: NDArray[np.float32] | None
    biomarkers: dict[str, float]


def simulate_wave(model: Any, cycle_length: float, scale: dict[str, float], beats: int = BEATS) -> Wave:
    """So many beats from the model's initial state, the last `SHOWN` of them kept."""
    from ionwidgets.simulation import simulate

    rhythm = rhythm_of(model)
    start = (beats - SHOWN) * cycle_length
    dataset = simulate(
        model,
        cycle_length,
        beats * cycle_length,
        scale=scale or None,
        sample=rhythm.sample,
        record_from=start,
        variables=list(model.observables),
    )
    V, calcium = np.asarray(dataset[model.voltage])[0], model.calcium
    drawn = thinned(V, MOST_POINTS)
    return Wave(
        (np.asarray(dataset["time"])[drawn] - start).astype(np.float32),
        V[drawn],
        None if calcium is None else np.asarray(dataset[calcium])[0, drawn],
        measured(model, rhythm, dataset),
    )


def thinned(values: NDArray[np.float32], most: int) -> NDArray[np.intp]:
    """Indices of at most so many of the values that keep every spike: the extremes of each stretch."""
    if values.size <= most:
        return np.arange(values.size)
    width = math.ceil(2 * values.size / most)
    starts = np.arange(0, values.size - width + 1, width)
    stretches = values[: starts.size * width].reshape(-1, width)
    ends = [0, values.size - 1]
    return np.unique(np.concatenate([starts + stretches.argmin(1), starts + stretches.argmax(1), ends]))
