"""Which states relax so fast that an explicit step would limit dt: those are moved together, implicitly."""

from __future__ import annotations

import myokit
import numpy as np
from numpy.typing import NDArray

from ionwidgets.models import IonicModel
from ionwidgets.models.evaluate import evaluate

FAST = 1.0  # 1/ms; Adams-Bashforth of second order is stable to 1 / dt, and dt reaches 0.2 ms
COUPLED = 0.02  # 1/ms, relative to the two states' sizes
_POTENTIALS = np.arange(-100.0, 61.0, 10.0)
_FACTORS = np.array([1.0, 3.0, 10.0, 30.0])  # calcium's range from rest to its peak beside the membrane
_NUDGE = 1e-6


def fast_states(model: IonicModel) -> tuple[str, ...]:
    """States, gates of V and V itself aside, that may relax faster than `FAST`, with their near partners.

    A partner exchanges with a fast state at a relative rate above `COUPLED`: a buffer and its ion, or the
    states of one Markov chain, must move in one step or what they share is not conserved. Tried at the
    model's initial state, over the range of V and with each state from once to 30 times its initial value.
    """
    rest = [name for name in model.states if name != model.voltage and name not in model.gate_names]
    slopes = _Slopes(model)
    fast = [name for name in rest if np.nanmax(-slopes.of(name, name), initial=0.0) > FAST]
    for name in fast:  # grows as partners are found
        for other in rest:
            if (
                other not in fast
                and max(slopes.coupling(name, other), slopes.coupling(other, name)) > COUPLED
            ):
                fast.append(other)
    return tuple(name for name in rest if name in fast)


class _Slopes:
    """d(x')/dy [1/ms] of a model's states by differences, around its initial state."""

    def __init__(self, model: IonicModel) -> None:
        self.model = model
        self.start = dict(zip(model.states, model.initial, strict=True))

    def of(self, x: str, y: str) -> NDArray[np.float64]:
        """d(x')/dy over factors of y and potentials; empty where x' does not contain y."""
        rhs, variable = self.model.variables[x].rhs(), self.model.variables[y]
        if variable not in self.model.dependencies(rhs):
            return np.empty(0)
        values = self._size(y) * _FACTORS[:, None]
        nudge = _NUDGE * values
        low, high = (self._evaluate(rhs, variable, values + side) for side in (-nudge, nudge))
        with np.errstate(all="ignore"):
            return (high - low) / (2.0 * nudge)

    def coupling(self, x: str, y: str) -> float:
        """Largest |d(x')/dy| [1/ms], relative to the sizes of x and y."""
        return float(np.nanmax(np.abs(self.of(x, y)), initial=0.0) * self._size(y) / self._size(x))

    def _size(self, name: str) -> float:
        return 1.0 if self.model.units[name] == "1" else abs(self.start[name]) or 1.0

    def _evaluate(self, rhs: myokit.Expression, variable: myokit.Variable, values: NDArray) -> NDArray:
        model = self.model
        known: dict[myokit.Variable, NDArray | float] = {
            model.variables[name]: np.asarray(value) for name, value in self.start.items()
        }
        known[model.variables[model.voltage]] = _POTENTIALS
        known[variable] = values
        if model.pace_variable is not None:
            known[model.pace_variable] = np.asarray(0.0)
        with np.errstate(all="ignore"):
            return np.asarray(evaluate(rhs, known))
