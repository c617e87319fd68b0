"""Which stimuli gave an action potential: one rule for `capture` and `restitution`."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

HEIGHT = 0.5  # of the cell's tallest beat
LEAST_PEAK = -20.0  # mV


def captured(RMP: ArrayLike, peak: ArrayLike, *, in_mV: bool = True) -> NDArray[np.bool_]:
    """Whether each beat of one cell was captured.

    It rises from its RMP [mV] by at least half as much as the cell's tallest beat, and its peak [mV] lies
    above -20 mV (which is not asked of a V in other units, `in_mV` False).
    """
    RMP, peak = np.asarray(RMP, dtype=float), np.asarray(peak, dtype=float)
    height = peak - RMP
    tallest = np.max(height, initial=-np.inf, where=np.isfinite(height))
    return (height >= HEIGHT * tallest) & ((peak > LEAST_PEAK) | (not in_mV))
