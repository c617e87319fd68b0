"""What is altered in a cell, and the grid of cells that lists of values span."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product

import myokit
import numpy as np
from numpy.typing import NDArray

from ionwidgets.errors import ModelError, SimulationError, unknown_name
from ionwidgets.models import IonicModel
from ionwidgets.simulation.drug import Drug
from ionwidgets.simulation.gate_table import GateCurves, GateTable, Range
from ionwidgets.simulation.given import numbers, shown
from ionwidgets.simulation.kernel import Kernel

Swept = float | Sequence[float]
_LABELS = {
    "K_o": ("extracellular_potassium_concentration", "mM"),
    "Na_o": ("extracellular_sodium_concentration", "mM"),
    "Ca_o": ("extracellular_calcium_concentration", "mM"),
    "T": ("temperature", "K"),
}
_COLDEST, _HOTTEST = 250.0, 330.0  # K; what is outside was meant in degrees Celsius


@dataclass(frozen=True)
class Setting:
    """One altered cell.

    scales: factor of every current; gates: their h_inf and 1/tau; place: value of everything that is
    swept, by the name of its coordinate.
    """

    kernel: Kernel
    scales: NDArray[np.float64]
    gates: GateTable
    place: Mapping[str, float]


@dataclass(frozen=True)
class _Axis:
    """One thing that is altered: its values, and the coordinate along which they lie if there are several."""

    kind: str
    name: str
    values: tuple[float, ...]
    coordinate: str | None


def settings(
    kernel: Kernel,
    scale: Mapping[str, Swept],
    drug: Drug | None,
    conditions: Mapping[str, Swept],
    gates: GateCurves,
    gates_calcium: Range | None,
    constants: Mapping[str, float],
) -> list[Setting]:
    """Every combination of the values of `scale`, `drug` and `conditions`, the last varying fastest.

    `constants` are replaced in all of them.
    """
    model = kernel.model
    axes = [_axis("scale", name, values, f"scale_{name}") for name, values in scale.items()]
    for axis in axes:
        model.scaled_by(axis.name)
        for factor in axis.values:
            if not 0 <= factor < 1e3:
                raise SimulationError(
                    f"scale of {axis.name} must be a factor from 0 on, below 1000; found {factor:g}"
                )
    if drug is not None:
        for name in drug.ic50:
            model.scaled_by(name)
        axes.append(_axis("drug", "concentration", drug.concentration, "concentration"))
    named = {name: constant(model, name) for name in conditions}
    for name, values in conditions.items():
        axes.append(_axis("conditions", name, values, name))
        _check_condition(name, _usual_unit(model.variables[named[name]], name), axes[-1].values)
    if len(set(named.values())) < len(named):
        raise SimulationError(f"conditions= names one constant twice: {', '.join(named)}")
    kernels: dict[tuple[float, ...], Kernel] = {}
    found = []
    for values in product(*(axis.values for axis in axes)):
        chosen = list(zip(axes, values, strict=True))
        surroundings = {
            named[axis.name]: _in_own_unit(model.variables[named[axis.name]], axis.name, value)
            for axis, value in chosen
            if axis.kind == "conditions"
        }
        key = tuple(surroundings.values())
        if key not in kernels:
            try:
                kernels[key] = kernel.with_constants({**constants, **surroundings})
            except ModelError as error:
                made = ", ".join(
                    f"{axis.name}={value:g}" for axis, value in chosen if axis.kind == "conditions"
                )
                raise SimulationError(
                    f"with {made or 'this stimulus'} the model has no values: {error}"
                ) from None
        scales = kernel.scales({})
        for axis, value in chosen:
            if axis.kind == "scale":
                scales *= kernel.scales({axis.name: value})
            elif axis.kind == "drug" and drug is not None:
                for name, factor in drug.factors(value).items():
                    scales *= kernel.scales({name: factor})
        place = {axis.coordinate: value for axis, value in chosen if axis.coordinate is not None}
        found.append(Setting(kernels[key], scales, kernels[key].gate_table(gates, gates_calcium), place))
    return found


def surroundings(model: IonicModel, conditions: Mapping[str, float]) -> dict[str, float]:
    """The literal constants that `conditions` (one value each) means, by public name, in the model's units.

    Raises
    ------
    SimulationError : there is no such constant, a value is out of range or more than one, or one constant is
        named twice.
    """
    found: dict[str, float] = {}
    for name, value in conditions.items():
        variable = model.variables[constant(model, name)]
        axis = _axis("conditions", name, value, name)
        if axis.coordinate is not None:
            raise SimulationError(f"conditions of {name} must be one number; found {shown(value)}")
        _check_condition(name, _usual_unit(variable, name), axis.values)
        found[constant(model, name)] = _in_own_unit(variable, name, axis.values[0])
    if len(found) < len(conditions):
        raise SimulationError(f"conditions= names one constant twice: {', '.join(conditions)}")
    return found


def constant(model: IonicModel, name: str) -> str:
    """Public name of the literal constant that `name` means: K_o, Na_o, Ca_o, T (also under the names that
    the model gives them, found by their labels), or the name of any other constant.

    Raises
    ------
    SimulationError : there is no such constant; those that there are are listed.
    """
    public = {variable: key for key, variable in model.variables.items()}
    label, _ = _LABELS.get("T" if name == "temperature" else name, (None, None))
    labelled = model.equations.label(label) if label else None
    variable = labelled if labelled is not None else model.variables.get(name)
    literal = [key for key, each in model.variables.items() if each.is_literal() and not each.is_bound()]
    stimulus = (model.equations.label("stimulus_amplitude"), model.equations.label("stimulus_duration"))
    literal = [key for key in literal if model.variables[key] not in stimulus]
    if variable is None or public.get(variable) not in literal:
        raise SimulationError(unknown_name(f"constant of {model.key}", name, literal))
    return public[variable]


def condition_unit(model: IonicModel, name: str) -> str:
    """Unit in which the condition `name` is given: mM or K for K_o, Na_o, Ca_o and T, under whatever name and
    in whatever unit the file has them; any other constant's own."""
    public = constant(model, name)
    return _usual_unit(model.variables[public], name) or model.units[public]


def _usual_unit(variable: myokit.Variable, name: str) -> str | None:
    for short, (label, unit) in _LABELS.items():
        if ("T" if name == "temperature" else name) == short or variable.label() == label:
            own = variable.unit()
            # A T without a label may be a time.
            return unit if own is None or myokit.Unit.can_convert(own, myokit.parse_unit(unit)) else None
    return None


def _in_own_unit(variable: myokit.Variable, name: str, value: float) -> float:
    unit = _usual_unit(variable, name)
    if unit is None or variable.unit() is None:
        return value
    return float(myokit.Unit.convert(value, unit, variable.unit()))


def _check_condition(name: str, unit: str | None, values: Sequence[float]) -> None:
    if unit == "K" and not all(_COLDEST <= value <= _HOTTEST for value in values):
        raise SimulationError(
            f"{name} must be from {_COLDEST:g} to {_HOTTEST:g} kelvin, such as 310; found {shown(values)}"
        )
    if unit == "mM" and min(values) <= 0:
        raise SimulationError(f"{name} must be positive, in mM; found {min(values):g}")


def _axis(kind: str, name: str, values: Swept, coordinate: str) -> _Axis:
    found = numbers(f"{kind} of {name}", values)
    if found.size == 0 or found.ndim > 1 or not np.all(np.isfinite(found)):
        raise SimulationError(f"{kind} of {name} must be one or more finite numbers; found {shown(values)}")
    swept = coordinate if found.ndim else None
    return _Axis(kind, name, tuple(float(value) for value in np.atleast_1d(found)), swept)
