"""`Drug`: simple pore block."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ionwidgets.errors import SimulationError, unknown_name
from ionwidgets.simulation.given import number, numbers, shown


@dataclass(frozen=True)
class Drug:
    """A drug that blocks pores: each current is multiplied by 1 / (1 + (c / IC50)^hill).

    Parameters
    ----------
    ic50 : concentration of half block by conductance (or current), in any unit that `concentration` is in.
    concentration : c, from 0 on; several are a cell each, with the coordinate `concentration`.
    hill : Hill coefficient, one for all or by conductance.

    Raises
    ------
    SimulationError : an IC50 or Hill coefficient that is not positive, a concentration below 0, or none.

    Examples
    --------
    >>> import ionwidgets as iw
    >>> drug = iw.Drug(ic50={"g_Kr": 12.0, "g_CaL": 80.0}, hill={"g_Kr": 1.1}, concentration=[0, 6, 12])
    >>> data = iw.simulate(iw.load_model("tnnp2004"), 1000, 5000, drug=drug)
    """

    ic50: Mapping[str, float]
    concentration: float | Sequence[float]
    hill: float | Mapping[str, float] = 1.0

    def __post_init__(self) -> None:
        if not self.ic50 or not isinstance(self.ic50, Mapping):
            raise SimulationError(
                "a drug needs the IC50 of one conductance at least, ic50={'g_Kr': 12.0}; "
                f"found {shown(self.ic50)}"
            )
        for name, value in self.ic50.items():
            if not isinstance(name, str):
                raise SimulationError(f"ic50 must have names of conductances; found {shown(name)}")
            if not 0 < number(f"IC50 of {name}", value) < np.inf:
                raise SimulationError(f"IC50 of {name} must be positive; found {shown(value)}")
        hills = self.hill if isinstance(self.hill, Mapping) else {"every current": self.hill}
        for name, value in hills.items():
            if isinstance(self.hill, Mapping) and name not in self.ic50:
                raise SimulationError(unknown_name("conductance in hill=", name, list(self.ic50)))
            if not 0 < number(f"Hill coefficient of {name}", value) < np.inf:
                raise SimulationError(f"Hill coefficient of {name} must be positive; found {shown(value)}")
        levels = np.atleast_1d(numbers("concentration", self.concentration))
        if levels.size == 0 or not np.all((levels >= 0) & np.isfinite(levels)):
            raise SimulationError(f"concentration must be one or more numbers from 0 on; found {levels}")

    def factors(self, concentration: float) -> dict[str, float]:
        """What is left of each current at `concentration`."""
        hill = {n: self.hill.get(n, 1.0) if isinstance(self.hill, Mapping) else self.hill for n in self.ic50}
        return {name: 1.0 / (1.0 + (concentration / half) ** hill[name]) for name, half in self.ic50.items()}
