"""Which way action potentials point: their upstroke is their steepest change.

The dyes of optical mapping lose light as a cell depolarises, so an untreated trace points down.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

SCALES: Final = (
    0.2,
    0.5,
    1.0,
    2.0,
    5.0,
    10.0,
    20.0,
    40.0,
)  # ms over which a change is taken, the finest first
UPSTROKE: Final = 0.3  # of the span, which an upstroke covers on the finest scale that is clear of noise
STEEPER: Final = 1.5  # how much the fall must exceed the rise


def steepest_fall(time: NDArray, y: NDArray) -> tuple[float, float] | None:
    """Size [unit of y] and time [ms] of the steepest change where it is a fall, the rise being slower; else
    None.

    Parameters
    ----------
    time, y : (N,) ms, without spikes of a few samples.
    """
    span, step = float(np.ptp(y)), float(time[1] - time[0])
    for scale in SCALES:
        lag = max(1, round(scale / step))
        if lag >= y.size or span == 0:
            return None
        change = y[lag:] - y[:-lag]
        rise, fall = float(change.max()), float(-change.min())
        if max(rise, fall) > UPSTROKE * span:
            return (fall, float(time[int(change.argmin())])) if fall > STEEPER * rise else None
    return None
