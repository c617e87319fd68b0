"""A model's kernel: its functions, compiled, and the arrays that they read."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, replace

import myokit
import numpy as np
from numpy.typing import NDArray

from ionwidgets.errors import ModelError
from ionwidgets.models import IonicModel
from ionwidgets.models.evaluate import evaluate
from ionwidgets.simulation.codegen import RightHandSide, write_right_hand_side
from ionwidgets.simulation.gate_table import GateCurves, GateTable, Range
from ionwidgets.simulation.machine_code import MachineCode

V_LOW, V_HIGH, V_STEP = -150.0, 200.0, 0.05  # mV; linear between rows: h_inf of slope 5 mV is off by 1e-6

_loaded: dict[str, Kernel] = {}
_lock = threading.Lock()


def voltage_grid() -> NDArray[np.float64]:
    """The potentials [mV] of the tables' rows."""
    return V_LOW + V_STEP * np.arange(round((V_HIGH - V_LOW) / V_STEP) + 1, dtype=np.float64)


@dataclass(frozen=True)
class Kernel:
    """The compiled functions of a model, with the layout of their arrays."""

    module: MachineCode
    layout: RightHandSide
    model: IonicModel
    constants: NDArray[np.float64]
    columns: NDArray[np.float64]
    gates: GateTable

    def with_constants(self, changed: Mapping[str, float]) -> Kernel:
        """The same kernel with some of the model's literal constants replaced, by public name."""
        if not changed:
            return self
        known = {self.model.variables[name]: value for name, value in changed.items()}
        constants = _constants(self.layout, known)
        columns, gates = _columns(self.layout, self.model, known), _gate_table(self.model, known)
        return replace(self, constants=constants, columns=columns, gates=gates)

    def index(self, name: str) -> int:
        """Place of a state or current among [states, currents]."""
        return (*self.layout.states, *self.layout.currents).index(name)

    def calcium(self) -> int:
        """Place of Ca_i among the states, -1 in a model without."""
        return -1 if self.model.calcium is None else self.index(self.model.calcium)

    def initial(self) -> NDArray[np.float64]:
        """The model's initial state in the kernel's order (gates first)."""
        return self.model.initial[[self.model.states.index(name) for name in self.layout.states]].copy()

    def room(self) -> tuple[NDArray[np.float64], ...]:
        """Arrays for a kernel to work in: made here, for compiling `np.zeros` takes longer than the model."""
        n_states, n_fast = len(self.layout.states), len(self.layout.fast)
        sizes = (
            n_states,
            n_states,
            len(self.layout.currents),
            self.layout.n_slopes,
            n_fast,
            n_fast,
            n_states,
        )
        return tuple(np.zeros(size) for size in sizes)

    def scales(self, scale: Mapping[str, float]) -> NDArray[np.float64]:
        """Factor of every current; `scale` is keyed by what `IonicModel.scalable` has, or by current."""
        factors = np.ones(len(self.layout.currents))
        for parameter, factor in scale.items():
            for name in self.model.scaled_by(parameter):
                factors[self.layout.currents.index(name)] *= factor
        return factors

    def gate_table(self, changed: GateCurves, calcium: Range | None = None) -> GateTable:
        """The gates' table with some gates' (h_inf, tau [ms]) replaced by curves over `voltage_grid()`, or by
        tables over that and over levels of Ca_i from end to end of `calcium` [mM]."""
        return self.gates.replaced(self.model.gate_names, changed, calcium)


def kernel_for(model: IonicModel) -> Kernel:
    """The kernel of `model`, whose functions are compiled on first use and kept between sessions."""
    with _lock:
        if model.hash not in _loaded:
            _loaded[model.hash] = _build(model)
        return _loaded[model.hash]


def _build(model: IonicModel) -> Kernel:
    try:
        layout = write_right_hand_side(model)
    except RecursionError:
        raise ModelError(f"{model.key}: an equation is nested too deep; split it into variables") from None
    constants = _constants(layout, {})
    columns, gates = _columns(layout, model, {}), _gate_table(model, {})
    return Kernel(MachineCode(layout.ir), layout, model, constants, columns, gates)


def _constants(layout: RightHandSide, changed: Mapping[myokit.Variable, float]) -> NDArray[np.float64]:
    with np.errstate(all="ignore"):
        constants = np.array([evaluate(e, dict(changed)) for e in layout.constants], dtype=float)
    for expression, value in zip(layout.constants, constants, strict=True):
        if not np.isfinite(value):
            raise ModelError(f"{expression.code()} is {value}, not a finite number")
    return constants


def _gate_table(model: IonicModel, constants: Mapping[myokit.Variable, float]) -> GateTable:
    forms = model.gate_forms.values()
    rates = [myokit.Divide(myokit.Number(1), tau) for _, tau in forms]
    table = _over_voltage([*(h_inf for h_inf, _ in forms), *rates], model, constants)
    return GateTable(table[:, None, :])


def _columns(
    layout: RightHandSide, model: IonicModel, constants: Mapping[myokit.Variable, float]
) -> NDArray[np.float64]:
    return _over_voltage(layout.columns, model, constants)


def _over_voltage(
    expressions: list[myokit.Expression], model: IonicModel, constants: Mapping[myokit.Variable, float]
) -> NDArray[np.float64]:
    """Table (rows, expressions) over `voltage_grid`; a row that is 0/0 takes the mean of its neighbours."""
    V = voltage_grid()
    known: dict[myokit.Variable, NDArray | float] = {model.variables[model.voltage]: V, **constants}
    table = np.zeros((V.size, len(expressions)))
    # exp at a far end of the grid may reach inf in a denominator: its limit is 0
    with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
        for j, expression in enumerate(expressions):
            table[:, j] = evaluate(expression, known)
    for j, expression in enumerate(expressions):
        bad = np.flatnonzero(~np.isfinite(table[:, j]))
        inner = bad[(bad > 0) & (bad < V.size - 1)]
        table[inner, j] = 0.5 * (table[inner - 1, j] + table[inner + 1, j])
        if not np.all(np.isfinite(table[:, j])):
            raise ModelError(
                f"{model.name}: {expression.code()} is not finite at V = {V[bad[0]]:g} mV; "
                "write its limit there with if(...)"
            )
    return table
