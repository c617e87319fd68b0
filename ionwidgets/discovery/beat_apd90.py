"""APD90 of a typical beat: model and recording are measured alike, as 1 ms samples bias both."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ionwidgets.simulation.sampled_biomarkers import sampled_biomarkers


def beat_apd90(V: NDArray, time: NDArray) -> float:
    """APD90 [ms] of V (N,) [mV] at `time` (N,) [ms] from its stimulus; NaN where it does not repolarise."""
    return float(sampled_biomarkers(time, V, np.zeros(1))["APD90"][0])
