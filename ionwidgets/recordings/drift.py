"""Drift of the baseline: what rest does from beat to beat that a cell in its limit cycle does not."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.stats import linregress

LEAST_BEATS = 4
LEAST_SHARE = 0.005  # of the range of V; slow concentrations move rest by less in some seconds
CLEAR = 4.0  # standard errors


def rest_drift(time: NDArray, V: NDArray, onsets: NDArray, lead: float) -> float:
    """Slope [unit of V per ms] of the rest before the stimuli; 0 where it is small or not clear.

    Parameters
    ----------
    time, V : (N,) ms, in whatever unit.
    onsets : (beats,) ms, of the stimuli.
    lead : ms before each that are rest.
    """
    if onsets.size < LEAST_BEATS:
        return 0.0
    rest = np.array([np.nanmean(V[(time >= onset - lead) & (time < onset)]) for onset in onsets])
    line = linregress(onsets, rest)
    slope, error = line.slope, line.stderr * np.ptp(onsets)
    moved = abs(slope) * np.ptp(onsets)
    least = max(LEAST_SHARE * (np.nanmax(V) - np.nanmin(V)), CLEAR * error)
    return float(slope) if moved > least else 0.0
