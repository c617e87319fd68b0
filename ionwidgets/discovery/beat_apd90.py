"""APD90 of a typical beat: model and recording are measured alike, as 1 ms samples bias both."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ionwidgets.recordings.typical_beat import TypicalBeat
from ionwidgets.simulation.sampled_biomarkers import sampled_biomarkers


def beat_apd90(V: NDArray, beat: TypicalBeat) -> float:
    """APD90 [ms] of V (N,) [mV] at the beat's samples; NaN where it does not repolarise."""
    return float(sampled_biomarkers(beat.time, V, np.zeros(1))["APD90"][0])
