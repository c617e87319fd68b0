"""`IonicModel`: one cell's equations, by the names that the field uses."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import myokit
import numpy as np
from numpy.typing import ArrayLike, NDArray

from ionwidgets.errors import ModelError, unknown_name
from ionwidgets.models.evaluate import evaluate
from ionwidgets.models.structure import conductance_of, currents_of, gate_form, state_dependencies

BESIDE = 1e-4  # mV
_CALCIUM_LABELS = ("cytosolic_calcium_concentration", "intracellular_calcium", "calcium")
_CALCIUM_NAMES = ("Ca_i", "Cai", "cai", "CaI", "Ca_in")
_FIELD_UNITS = ("mV", "ms", "1/ms", "mM", "mM/ms", "A/F", "1", "C/mol", "K")


@dataclass(frozen=True)
class Gate:
    """A state x with dx/dt = (h_inf(V) - x) / tau(V); `current` is the one that it gates, if any."""

    name: str
    current: str | None


@dataclass(frozen=True)
class Current:
    """A term of dV/dt [A/F]: the constant that scales it whole (or None), and its gates."""

    name: str
    conductance: str | None
    gates: tuple[str, ...]


@dataclass(frozen=True)
class Stimulus:
    """What paces the model: `amplitude` [A/F] (negative depolarises) for `duration` [ms].

    `parameter` is the name of the constant that holds the amplitude.
    """

    amplitude: float
    duration: float
    parameter: str


class IonicModel:
    """A cell's ODEs, read by Myokit's parser; nothing in a file is ever run.

    Public names are the file's own short names (``V``, ``Ca_i``, ``Xr1``, ``I_Kr``, ``g_Kr``); a name that
    two components share is given as ``component_name``.

    Parameters
    ----------
    equations : the parsed model; it is not changed.
    name, variant : how the library calls it.

    Raises
    ------
    ModelError : no membrane potential, no stimulus, or an equation that cannot be evaluated.
    """

    def __init__(self, equations: myokit.Model, name: str, variant: str | None = None) -> None:
        self.equations = equations
        self.name, self.variant = name, variant
        meta = equations.meta
        self.title = meta.get("title", name)
        self.species, self.tissue = meta.get("species", ""), meta.get("tissue", "")
        self.publication, self.doi = meta.get("publication", ""), meta.get("doi", "")
        self.hash = hashlib.sha256(equations.code().encode()).hexdigest()[:16]
        self.variables = self._public_names()
        self._name_of = {variable: name for name, variable in self.variables.items()}
        self._rename(self._find_voltage(), "V")
        self.voltage = "V"
        self.states = tuple(self._name_of[s] for s in equations.states())
        self.initial: NDArray[np.float64] = np.array(equations.initial_values(True), dtype=float)
        self.calcium = self._find_calcium()
        if self.calcium is not None:
            self._rename(self.variables[self.calcium], "Ca_i")
            self.calcium = "Ca_i"
            self.states = tuple(self._name_of[s] for s in equations.states())
        self.observables = (self.voltage, *([self.calcium] if self.calcium else []))

    def __repr__(self) -> str:
        return f"IonicModel({self.key!r}, {len(self.states)} states, {len(self.gates)} gates)"

    @property
    def key(self) -> str:
        """Name and variant as the library and the command line write them: ``tnnp2004:M``."""
        return f"{self.name}:{self.variant}" if self.variant else self.name

    def _public_names(self) -> dict[str, myokit.Variable]:
        variables = list(self.equations.variables(deep=False))
        shared = {n for n, count in Counter(v.name() for v in variables).items() if count > 1}
        return {v.qname().replace(".", "_") if v.name() in shared else v.name(): v for v in variables}

    def _rename(self, variable: myokit.Variable, name: str) -> None:
        """Give an observable its conventional name, by which every Dataset calls it."""
        if name in self.variables and self.variables[name] is not variable:
            raise ModelError(
                f"{self.name}: {variable.qname()} is to be called {name}, but another variable is"
            )
        del self.variables[self._name_of[variable]]
        self.variables[name], self._name_of[variable] = variable, name

    def _find_voltage(self) -> myokit.Variable:
        voltage = self.equations.label("membrane_potential")
        if voltage is None:
            named = [s for s in self.equations.states() if s.name() in ("V", "Vm", "v", "E")]
            if len(named) != 1:
                raise ModelError(
                    f"{self.name}: the membrane potential is not marked; "
                    "add 'label membrane_potential' to its state"
                )
            voltage = named[0]
        return voltage

    def _find_calcium(self) -> str | None:
        states = set(self.equations.states())
        labelled = [self.equations.label(label) for label in _CALCIUM_LABELS]
        marked = [self._name_of[v] for v in labelled if v in states]
        return next(iter([*marked, *(n for n in _CALCIUM_NAMES if n in self.states)]), None)

    @cached_property
    def units(self) -> dict[str, str]:
        """Unit of every public name, as the field writes it (mV, mM, A/F, nS/pF for conductances, ms, 1)."""
        known = {myokit.parse_unit(unit): unit for unit in _FIELD_UNITS}
        units = {name: self._unit(variable, known) for name, variable in self.variables.items()}
        # Per capacitance, nS/pF and 1/ms are one unit to a computer and two to a reader.
        return units | {name: "nS/pF" for name in self.conductances if units[name] == "1/ms"}

    @staticmethod
    def _unit(variable: myokit.Variable, known: Mapping[myokit.Unit, str]) -> str:
        unit = variable.unit()
        if unit is None and not variable.is_state():
            unit = variable.rhs().eval_unit(myokit.UNIT_TOLERANT)
        return "1" if unit is None else known.get(unit, str(unit).strip("[]"))

    @cached_property
    def gate_forms(self) -> dict[str, tuple[myokit.Expression, myokit.Expression]]:
        """(h_inf, tau) of every gate that depends on V alone, as expressions."""
        voltage = self.variables[self.voltage]
        forms = {
            name: gate_form(self.variables[name], voltage) for name in self.states if name != self.voltage
        }
        return {name: form for name, form in forms.items() if form is not None}

    @property
    def gate_names(self) -> tuple[str, ...]:
        return tuple(self.gate_forms)

    @cached_property
    def gates(self) -> tuple[Gate, ...]:
        return tuple(
            Gate(name, next((c.name for c in self.currents if name in c.gates), None))
            for name in self.gate_names
        )

    @cached_property
    def currents(self) -> tuple[Current, ...]:
        """The membrane currents, in the order of dV/dt; the stimulus is not one of them."""
        stimulus = self.stimulus_variable
        found = []
        for variable in currents_of(self.variables[self.voltage]):
            if variable is stimulus:
                continue
            if variable not in self._name_of:
                raise ModelError(
                    f"{variable.qname()}: a current needs a variable of its own, not one within another"
                )
            conductance = conductance_of(variable)
            depends = {self._name_of[v] for v in state_dependencies(variable.rhs()) if v.is_state()}
            found.append(
                Current(
                    self._name_of[variable],
                    self._name_of[conductance] if conductance is not None else None,
                    tuple(gate for gate in self.gate_names if gate in depends),
                )
            )
        return tuple(found)

    @property
    def conductances(self) -> dict[str, float]:
        """Value of each conductance (or maximal current) at control, in the order of the currents."""
        return {c.conductance: self.variables[c.conductance].eval() for c in self.currents if c.conductance}

    @property
    def stimulus_variable(self) -> myokit.Variable:
        variable = self.equations.label("stimulus_current")
        if variable is None or self.pace_variable is None:
            raise ModelError(
                f"{self.name}: the stimulus is not marked; add 'label stimulus_current' to the current and "
                "'bind pace' to the variable that switches it"
            )
        return variable

    @property
    def pace_variable(self) -> myokit.Variable | None:
        return self.equations.binding("pace")

    @cached_property
    def stimulus(self) -> Stimulus:
        amplitude = self.equations.label("stimulus_amplitude")
        duration = self.equations.label("stimulus_duration")
        if amplitude is None or duration is None:
            raise ModelError(
                f"{self.name}: label the constants 'stimulus_amplitude' [A/F] and 'stimulus_duration' [ms]"
            )
        return Stimulus(amplitude.eval(), duration.eval(), self._name_of[amplitude])

    def check_balance(self) -> None:
        """Make sure that dV/dt = -(sum of the currents), which the decoder and every scale rest on.

        Raises
        ------
        ModelError : there is a capacitance, a sign or a further term between them.
        """
        state = dict(zip(self.states, self.initial, strict=True))
        currents = self.values([current.name for current in self.currents], state)
        slope = float(self.derivatives(state)[self.voltage])
        total = sum(float(value) for value in currents.values())
        if abs(slope + total) > 1e-6 * max(1e-9, *(abs(float(value)) for value in currents.values())):
            raise ModelError(
                f"{self.key}: dV/dt is {slope:.4g} mV/ms where its currents add up to {total:.4g}; "
                "write it as minus the sum of currents per capacitance [A/F], each in a variable of its own"
            )

    def current_of(self, parameter: str) -> Current:
        """The current that `parameter` scales; `parameter` is a conductance or a current's name.

        Raises
        ------
        ModelError : with the nearest names, when there is no such parameter.
        """
        for current in self.currents:
            if parameter in (current.conductance, current.name):
                return current
        raise ModelError(unknown_name(f"conductance of {self.key}", parameter, list(self.conductances)))

    def values(
        self, names: list[str] | tuple[str, ...], state: Mapping[str, ArrayLike]
    ) -> dict[str, NDArray]:
        """Values of variables (currents, fluxes, potentials) at given states, the stimulus off.

        `state` maps every state that they need to a number or an array; arrays broadcast.
        """
        known = {self.variables[name]: np.asarray(value, dtype=float) for name, value in state.items()}
        if self.pace_variable is not None:
            known[self.pace_variable] = np.asarray(0.0)
        return {name: np.asarray(evaluate(myokit.Name(self.variables[name]), known)) for name in names}

    def derivatives(self, state: Mapping[str, ArrayLike], pace: float = 0.0) -> dict[str, NDArray]:
        """dx/dt [unit of x per ms] of every state at `state`; `pace` 1 switches the stimulus on."""
        known = {self.variables[name]: np.asarray(value, dtype=float) for name, value in state.items()}
        if self.pace_variable is not None:
            known[self.pace_variable] = np.asarray(pace)
        return {name: np.asarray(evaluate(self.variables[name].rhs(), known)) for name in self.states}

    def gate_curves(self, V: ArrayLike) -> dict[str, tuple[NDArray, NDArray]]:
        """h_inf and tau [ms] of every gate at potentials `V` [mV]."""
        V = np.asarray(V, dtype=float)
        return {
            name: (self._over_voltage(steady, V), self._over_voltage(tau, V))
            for name, (steady, tau) in self.gate_forms.items()
        }

    def _over_voltage(self, expression: myokit.Expression, V: NDArray) -> NDArray:
        """Values over V; where a formula is 0/0, the mean of its values just beside."""
        voltage = self.variables[self.voltage]
        with np.errstate(all="ignore"):
            values = np.broadcast_to(evaluate(expression, {voltage: V}), V.shape).copy()
            bad = ~np.isfinite(values)
            if bad.any():
                sides = [evaluate(expression, {voltage: V[bad] + side}) for side in (-BESIDE, BESIDE)]
                values[bad] = 0.5 * (sides[0] + sides[1])
        return values

    def equation(self, name: str) -> str:
        """The equation of one variable, as text."""
        if name not in self.variables:
            raise ModelError(unknown_name(f"variable of {self.key}", name, list(self.variables)))
        return self.variables[name].eq().code()

    def save(self, path: str | Path) -> None:
        """Write the model as a Myokit `.mmt` file; loading it gives equal derivatives."""
        myokit.save_model(str(path), self.equations)
