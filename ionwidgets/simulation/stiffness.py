"""Which states relax so fast that an explicit step would limit dt: those are moved together, implicitly."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import myokit
import numpy as np
from numpy.typing import NDArray

from ionwidgets.models import IonicModel
from ionwidgets.models.evaluate import evaluate

FAST = 1.0  # 1/ms; Adams-Bashforth of second order is stable to 1 / dt, and dt reaches 0.5 ms
COUPLED = 0.02  # 1/ms, relative to the two states' sizes
_POTENTIALS = np.arange(-100.0, 61.0, 10.0)
_FACTORS = np.array([1.0, 3.0, 10.0, 30.0])  # calcium's range from rest to its peak beside the membrane
_EMPTY = np.array([0.001, 0.01, 0.1])  # a store's, as far as it may empty
_NUDGE = 1e-6


def fast_states(model: IonicModel) -> tuple[str, ...]:
    """States, gates of V and V itself aside, that may relax faster than `FAST`, with their near partners.

    A partner exchanges with a fast state, each way at a relative rate above `COUPLED`: a buffer and its ion,
    or the states of one Markov chain, must move in one step or what they share is not conserved. Tried at the
    model's initial state, over the range of V and with one state at a time up to many times its initial
    value; a state x' = b - a x, whose implicit step cannot fail, also with the others down to almost nothing
    (release from a store is the faster the emptier it is).
    """
    rest = [name for name in model.states if name != model.voltage and name not in model.gate_names]
    slopes = _Slopes(model, rest)
    fast = [name for name in rest if slopes.own_rate(name, rest) > FAST]
    for name in fast:  # grows as partners are found
        for other in rest:
            if other not in fast and slopes.exchange(name, other) > COUPLED:
                fast.append(other)
    return tuple(name for name in rest if name in fast)


class _Slopes:
    """d(x')/dy [1/ms] of a model's states by differences, around its initial state."""

    def __init__(self, model: IonicModel, names: Sequence[str]) -> None:
        """Of the states `names`."""
        self.model = model
        self.start = dict(zip(model.states, model.initial, strict=True))
        known = self._known(self.start)
        for name in names:
            self._evaluate(model.variables[name].rhs(), known)
        # What the equations read at the initial state, and the states behind it: what does not change with
        # those that are varied is not computed again.
        self._at_start = [(v, value, model.dependencies(myokit.Name(v))) for v, value in known.items()]

    def of(self, x: str, y: str, varied: str) -> NDArray[np.float64]:
        """d(x')/dy over potentials and factors of `varied`; empty where x' contains not both."""
        rhs, depends = self.model.variables[x].rhs(), self.model.dependencies(self.model.variables[x].rhs())
        if not {self.model.variables[y], self.model.variables[varied]} <= depends:
            return np.empty(0)
        factors = _FACTORS if varied == y else np.concatenate([_EMPTY, _FACTORS])
        state = dict(self.start) | {varied: self._size(varied) * factors[:, None]}
        nudge = _NUDGE * np.maximum(np.abs(state[y]), 1e-3 * self._size(y))
        changed = {self.model.variables[y], self.model.variables[varied]}
        same = {v: value for v, value, depends in self._at_start if depends.isdisjoint(changed)}
        low, high = (
            self._evaluate(rhs, self._known(state | {y: state[y] + side}) | same) for side in (-nudge, nudge)
        )
        with np.errstate(all="ignore"):
            return (high - low) / (2.0 * nudge)

    def own_rate(self, x: str, others: Sequence[str]) -> float:
        """Largest -d(x')/dx [1/ms]."""
        own = -self.of(x, x, x)
        is_affine = own.size > 0 and bool(np.allclose(own, own[0], rtol=1e-4, equal_nan=True))
        slopes = [own, *(-self.of(x, x, other) for other in others if is_affine and other != x)]
        return max(float(np.nanmax(slope, initial=0.0)) for slope in slopes)

    def exchange(self, x: str, y: str) -> float:
        """The lesser of the largest |d(x')/dy| and |d(y')/dx| [1/ms], relative to the sizes of x and y."""
        ratio = self._size(y) / self._size(x)
        there, back = (
            float(np.nanmax(np.abs(slope), initial=0.0)) for slope in (self.of(x, y, y), self.of(y, x, x))
        )
        return min(there * ratio, back / ratio)

    def _size(self, name: str) -> float:
        return 1.0 if self.model.units[name] == "1" else abs(self.start[name]) or 1.0

    def _known(self, state: Mapping[str, NDArray | float]) -> dict[myokit.Variable, NDArray | float]:
        model = self.model
        known: dict[myokit.Variable, NDArray | float] = {
            model.variables[name]: np.asarray(value) for name, value in state.items()
        }
        known[model.variables[model.voltage]] = _POTENTIALS
        if model.pace_variable is not None:
            known[model.pace_variable] = np.asarray(0.0)
        return known

    @staticmethod
    def _evaluate(rhs: myokit.Expression, known: dict[myokit.Variable, NDArray | float]) -> NDArray:
        with np.errstate(all="ignore"):
            return np.asarray(evaluate(rhs, known))
