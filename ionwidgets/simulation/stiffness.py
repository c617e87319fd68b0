"""Which states relax so fast that an explicit step would limit dt: those get an exponential one."""

from __future__ import annotations

import myokit
import numpy as np
from numpy.typing import NDArray

from ionwidgets.models import IonicModel
from ionwidgets.models.evaluate import evaluate

FAST = 1.0  # 1/ms; Adams-Bashforth of second order is stable to 1 / dt, and dt reaches 0.2 ms
_POTENTIALS = np.arange(-100.0, 61.0, 10.0)
_FACTORS = np.array([1.0, 3.0, 10.0, 30.0])  # calcium's range from rest to its peak beside the membrane
_NUDGE = 1e-6


def fast_states(model: IonicModel) -> tuple[str, ...]:
    """States, gates of V and V itself aside, whose own rate -d(x')/dx may exceed `FAST`.

    Tried at the model's initial state, over the range of V and with each state from once to 30 times its
    initial value.
    """
    rest = [name for name in model.states if name != model.voltage and name not in model.gate_names]
    start = dict(zip(model.states, model.initial, strict=True))
    return tuple(name for name in rest if np.nanmax(_own_rate(model, name, start), initial=0.0) > FAST)


def _own_rate(model: IonicModel, name: str, start: dict[str, float]) -> NDArray[np.float64]:
    """-d(x')/dx [1/ms] over potentials and factors, by a difference."""
    x = start[name]
    values = x * _FACTORS[:, None]
    nudge = _NUDGE * (np.abs(values) + (1e-6 if x == 0 else 0.0))
    low, high = (_derivative(model, name, start, values + side) for side in (-nudge, nudge))
    with np.errstate(all="ignore"):
        return -(high - low) / (2.0 * nudge)


def _derivative(
    model: IonicModel, name: str, start: dict[str, float], values: NDArray
) -> NDArray[np.float64]:
    known: dict[myokit.Variable, NDArray | float] = {
        model.variables[state]: np.asarray(value) for state, value in start.items()
    }
    known[model.variables[model.voltage]] = _POTENTIALS
    known[model.variables[name]] = values
    if model.pace_variable is not None:
        known[model.pace_variable] = np.asarray(0.0)
    with np.errstate(all="ignore"):
        return np.asarray(evaluate(model.variables[name].rhs(), known))
