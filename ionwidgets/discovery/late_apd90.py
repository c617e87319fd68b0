"""APD90 at the end of a run, where the cell has come near its steady state."""

from __future__ import annotations

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from ionwidgets.simulation.sweep import STIMULUS_ONSET

LAST = 5000.0  # ms


def late_apd90(paced: xr.Dataset, duration: float) -> NDArray[np.float64]:
    """Mean APD90 [ms] of every cell over the beats of the last 5 s of `duration`; NaN where there is none."""
    means = np.full(paced.sizes["cell"], np.nan)
    for i, cycle_length in enumerate(paced["cycle_length"].values):
        onsets = STIMULUS_ONSET + np.arange(paced.sizes["beat"]) * cycle_length
        apd90 = paced["APD90"].values[i][onsets >= duration - LAST]
        if np.isfinite(apd90).any():
            means[i] = np.nanmean(apd90)
    return means


def late_apd90_by_length(paced: xr.Dataset, duration: float) -> dict[str, float | None]:
    """The same by cycle length, as a finding has it; None without action potentials."""
    lengths = paced["cycle_length"].values
    means = zip(lengths, late_apd90(paced, duration), strict=True)
    return {f"{length:g}": round(float(mean), 3) if np.isfinite(mean) else None for length, mean in means}
