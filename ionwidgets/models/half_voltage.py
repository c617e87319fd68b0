"""Where a gate's steady state is half: the potential that a change of its slope turns about."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

HALF = 0.5


def half_voltage(V: NDArray, h_inf: NDArray) -> float | None:
    """V_half [mV], the first potential at which h_inf(V_half) = 0.5; None where it never crosses."""
    above = h_inf > HALF
    crossings = np.flatnonzero(above[1:] != above[:-1])
    if not crossings.size:
        return None
    i = crossings[0]
    return float(V[i] + (HALF - h_inf[i]) / (h_inf[i + 1] - h_inf[i]) * (V[i + 1] - V[i]))
