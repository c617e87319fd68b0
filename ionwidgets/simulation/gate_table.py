"""The gates' table that the stepper reads: over V and, where some of them heed it, over Ca_i."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

GateCurves = Mapping[str, tuple[NDArray[np.float64], NDArray[np.float64]]]
Range = tuple[float, float]


@dataclass(frozen=True)
class GateTable:
    """h_inf and 1/tau [1/ms] of G gates over `voltage_grid()` and over P evenly spaced levels of Ca_i.

    values (rows, P, 2 G): every gate's h_inf, then every 1/tau; ca_low [mM]: the first level; per_mM: levels
    a mM. One level (P = 1) is a table over V alone: the stepper then asks for no Ca_i.
    """

    values: NDArray[np.float64]
    ca_low: float = 0.0
    per_mM: float = 0.0

    def replaced(self, gates: Sequence[str], changed: GateCurves, calcium: Range | None) -> GateTable:
        """The same with (h_inf, tau [ms]) of some of `gates` replaced, (rows,) or (rows, P) each.

        The P levels of Ca_i are spread over `calcium` [mM]; what is given over V alone is the same at all.
        """
        if not changed:
            return self
        levels = max(curve.shape[1] if curve.ndim > 1 else 1 for pair in changed.values() for curve in pair)
        values = np.repeat(self.values, levels, axis=1)
        for name, (h_inf, tau) in changed.items():
            j = gates.index(name)
            for place, curve in ((j, h_inf), (len(gates) + j, 1.0 / tau)):
                values[:, :, place] = curve if curve.ndim > 1 else curve[:, None]
        if levels == 1 or calcium is None:
            return GateTable(values)
        low, high = calcium
        return GateTable(values, low, (levels - 1) / (high - low))
