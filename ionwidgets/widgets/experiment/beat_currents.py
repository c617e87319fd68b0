"""The currents of the last beat, control and altered, and what each carries."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ionwidgets.widgets.experiment.rhythm import rhythm_of
from ionwidgets.widgets.experiment.state import Question

MOST_POINTS = 1500  # of a beat

Currents = dict[str, NDArray[np.float32]]


@dataclass(frozen=True)
class BeatCurrents:
    """Time (T,) in ms from the start of the beat; currents (T,) in A/F of control and altered cell."""

    cycle_length: float
    beats: int
    time: NDArray[np.float32]
    control: Currents
    altered: Currents


@dataclass(frozen=True)
class Carried:
    """What one current does in a beat: its extreme in A/F, the charge that it moves in fC/pF (|I| over time),
    and its share of the charge of all.
    """

    peak: float
    charge: float
    share: float


def beat_currents(question: Question, before: BeatCurrents | None) -> BeatCurrents:
    """Simulate both cells; the control of `before` where it is the same."""
    place = question.cycle_length, question.beats
    same = before is not None and (before.cycle_length, before.beats) == place
    time, control = (before.time, before.control) if same and before else _simulated(question, {})
    altered = _simulated(question, question.factors)[1] if question.factors else control
    return BeatCurrents(*place, time, control, altered)


def carried(time: NDArray[np.float32], currents: Currents) -> dict[str, Carried]:
    """By current, the one that moves most charge first."""
    charge = {name: float(np.trapezoid(np.abs(values), time)) for name, values in currents.items()}
    whole = sum(charge.values()) or 1.0
    order = sorted(charge, key=lambda name: -charge[name])
    return {
        name: Carried(
            float(currents[name][np.argmax(np.abs(currents[name]))]), charge[name], charge[name] / whole
        )
        for name in order
    }


def _simulated(question: Question, factors: dict[str, float]) -> tuple[NDArray[np.float32], Currents]:
    from ionwidgets.simulation import simulate

    model, cycle_length, beats = question.model, question.cycle_length, question.beats
    names = [current.name for current in model.currents]
    start = (beats - 1) * cycle_length
    dataset = simulate(
        model,
        cycle_length,
        beats * cycle_length,
        scale=factors or None,
        sample=min(rhythm_of(model).sample, 0.5),
        record_from=start,
        variables=names,
    )
    time = np.asarray(dataset["time"]) - start
    # The same samples for control and altered, so that they can be compared.
    every = max(1, time.size // MOST_POINTS)
    return (
        time[::every].astype(np.float32),
        {name: np.asarray(dataset[name], np.float32)[0, ::every] for name in names},
    )
