"""How a cell is driven and looked at: what its equations say before anything is simulated."""

from __future__ import annotations

import math
from typing import Literal, NamedTuple

import numpy as np

from ionwidgets.models import IonicModel

USUAL = 1000.0  # ms; the cycle length at which most models are published
FASTEST, LONGEST = 10.0, 5000.0  # ms; cycle lengths that are simulated
A_STEP = 50.0  # ms; a longer stimulus is a current step: a cell fires under it rather than being triggered
TIME_CONSTANTS = 5.0  # of the slowest gate, after which a cell of gates alone is back at rest
CLAMP = np.arange(-100.0, 50.5, 2.0)  # mV


class Rhythm(NamedTuple):
    """`kind`: "paced" beat by beat, "spontaneous" (no stimulus), or "step" (a long current step a cycle).

    `cycle_length` is the one to begin with and `shortest` the least that makes sense, `sample` the time
    between samples, all in ms.
    """

    kind: Literal["paced", "spontaneous", "step"]
    cycle_length: float
    shortest: float
    sample: float


def rhythm_of(model: IonicModel) -> Rhythm:
    """An axon's spike is over in 5 ms and fires again after 20; a ventricular cell takes a second."""
    stimulus = model.stimulus
    cycle_length = USUAL
    if len(model.gate_names) == len(model.states) - 1:  # V and gates alone: nothing is slower than these
        slowest = max((float(np.max(tau)) for _, tau in model.gate_curves(CLAMP).values()), default=USUAL)
        cycle_length = min(USUAL, _round_up(TIME_CONSTANTS * slowest))
    if stimulus.amplitude == 0:
        return Rhythm("spontaneous", USUAL, USUAL / 10, 0.1)
    if stimulus.duration >= A_STEP:
        cycle_length = min(LONGEST, max(cycle_length, _round_up(2 * stimulus.duration)))
        return Rhythm("step", cycle_length, math.ceil(stimulus.duration) + 1.0, 0.1)
    sample = 1.0 if cycle_length == USUAL else 0.1
    return Rhythm("paced", cycle_length, max(FASTEST, cycle_length / 10), sample)


def _round_up(value: float) -> float:
    """The next of 1, 2, 5, 10, 20, 50, ..."""
    power = 10.0 ** math.floor(math.log10(value))
    return next(factor * power for factor in (1.0, 2.0, 5.0, 10.0) if factor * power >= value * (1 - 1e-9))
