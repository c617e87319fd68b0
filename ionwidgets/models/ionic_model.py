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
from ionwidgets.models.half_voltage import half_voltage
from ionwidgets.models.membrane import compartments, terms_of
from ionwidgets.models.save import save
from ionwidgets.models.structure import Dependencies, conductance_of, gate_form, shared_conductances
from ionwidgets.models.units import unit_name

BESIDE = 1e-4  # mV
SEARCHED = (-150.0, 200.0, 0.05)  # mV: from, to and step of where V_half is looked for
LEAK = "seal_leak_current"  # label of what a recording's set-up adds to dV/dt, see `surroundings`
# What a Dataset calls its dimensions, what is swept, and the biomarkers of a beat: not for variables.
DATASET_NAMES = {
    "cell", "time", "beat", "cycle_length", "s2", "I_test", "V_test", "concentration", "steady",
    "beats_before", "stimulus_time", "RMP", "peak", "dVdt_max", "upstroke_time", "APD30", "APD50", "APD90",
    "Ca_diastolic", "Ca_peak", "Ca_time_to_peak", "CaTD90", "late_rise",
}  # fmt: skip


@dataclass(frozen=True)
class Gate:
    """A state x with dx/dt = (h_inf(V) - x) / tau(V); `current` is the one that it gates, if any."""

    name: str
    current: str | None


@dataclass(frozen=True)
class Current:
    """A term of dV/dt [A/F]: the constant that scales it whole (or None), and its gates.

    `parts` are the variables that a scale of the current multiplies: the current itself, or what it is the
    sum of where other equations use its parts (I_Na = I_Na_junc + I_Na_sl).
    """

    name: str
    conductance: str | None
    gates: tuple[str, ...]
    parts: tuple[str, ...]


@dataclass(frozen=True)
class Stimulus:
    """What paces the model: `amplitude` [A/F] (negative depolarises) for `duration` [ms].

    `parameter` is the name of the constant that holds the amplitude.
    """

    amplitude: float
    duration: float
    parameter: str


class IonicModel:
    """A cell's ODEs: dV/dt = -(sum of `currents` + stimulus) [A/F], the rest as the model has it.

    (And minus a `leak`, where a recording's set-up has one.)

    Public names are the file's own short names (``V``, ``Ca_i``, ``Xr1``, ``I_Kr``, ``g_Kr``); a name that
    two components share, or that a Dataset has for something else (`DATASET_NAMES`), is given as
    ``component_name``.

    Parameters
    ----------
    equations : the model in standard form (see `standard_form`); it is not changed.
    name, variant : how the library calls it.
    """

    def __init__(self, equations: myokit.Model, name: str, variant: str | None = None) -> None:
        self.equations = equations
        self.name, self.variant = name, variant
        meta = equations.meta
        self.title = meta.get("title", name)
        self.species, self.tissue = meta.get("species", ""), meta.get("tissue", "")
        self.publication, self.doi = meta.get("publication", ""), meta.get("doi", "")
        self.hash = hashlib.sha256(equations.code().encode()).hexdigest()[:16]
        self.dependencies = Dependencies()
        self.variables = self._public_names()
        self._name_of = {variable: name for name, variable in self.variables.items()}
        self.voltage = self._called("V", equations.label("membrane_potential"))
        calcium = equations.label("cytosolic_calcium_concentration")
        self.calcium = None if calcium is None else self._called("Ca_i", calcium)
        self.states = tuple(self._name_of[s] for s in equations.states())
        self.initial: NDArray[np.float64] = np.array(equations.initial_values(True), dtype=float)
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
        taken = shared | DATASET_NAMES
        return {
            # Time itself keeps its name: it is what a Dataset means by it.
            v.qname().replace(".", "_") if v.name() in (shared if v.is_bound() else taken) else v.name(): v
            for v in variables
        }

    def _called(self, name: str, variable: myokit.Variable) -> str:
        """Give an observable its conventional name, by which every Dataset calls it."""
        other = self.variables.get(name)
        if other is not None and other is not variable:
            self._name_of[other] = other.qname().replace(".", "_")
        self._name_of[variable] = name
        self.variables = {name: variable for variable, name in self._name_of.items()}
        return name

    @cached_property
    def units(self) -> dict[str, str]:
        """Unit of every public name, as the field writes it (mV, mM, A/F, nS/pF for conductances, ms, 1).

        V is in mV, Ca_i in mM and every current in A/F, whether the file gives units or not.
        """
        conductances = self.conductances
        units = {
            name: unit_name(_unit_of(variable), conductance=name in conductances)
            for name, variable in self.variables.items()
        }
        units |= {c.name: "A/F" for c in self.currents} | {self._name_of[self.stimulus_variable]: "A/F"}
        return units | dict(zip(self.observables, ("mV", "mM"), strict=False))

    @cached_property
    def gate_forms(self) -> dict[str, tuple[myokit.Expression, myokit.Expression]]:
        """(h_inf, tau) of every gate that depends on V alone, as expressions."""
        voltage = self.variables[self.voltage]
        forms = {
            name: gate_form(self.variables[name], voltage, self.dependencies)
            for name in self.states
            if name != self.voltage
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
        """The membrane currents, in the order of dV/dt; stimulus and leak of the set-up are none of them."""
        terms = terms_of(self.variables[self.voltage])
        variables = [term.variable for term in terms if term.variable is not None]
        applied = (self.stimulus_variable, self.leak)
        return tuple(self._current(v) for v in variables if v not in applied)

    def _current(self, variable: myokit.Variable) -> Current:
        parts = [part for part in compartments(variable) if not part.is_nested()] or [variable]
        conductance = conductance_of(parts)
        depends = {self._name_of[v] for v in self.dependencies(myokit.Name(variable)) if v.is_state()}
        return Current(
            name=self._name_of[variable],
            conductance=self._name_of[conductance] if conductance is not None else None,
            gates=tuple(gate for gate in self.gate_names if gate in depends),
            parts=tuple(self._name_of[part] for part in parts),
        )

    @property
    def conductances(self) -> dict[str, float]:
        """Value of each conductance (or maximal current) at control, in the order of the currents."""
        return {c.conductance: self.variables[c.conductance].eval() for c in self.currents if c.conductance}

    @cached_property
    def scalable(self) -> dict[str, tuple[str, ...]]:
        """What can be scaled, and the currents that it multiplies, in the order of the currents.

        A current's conductance; a constant that several currents share (P_Ca of I_CaL, I_CaNa and I_CaK in
        O'Hara-Rudy); the current itself where no constant multiplies it whole.
        """
        alone = {
            c.name: [self.variables[part] for part in c.parts] for c in self.currents if not c.conductance
        }
        shared: dict[str, tuple[str, tuple[str, ...]]] = {}
        for constant, currents in shared_conductances(alone).items():
            for name in currents:
                shared.setdefault(name, (self._name_of[constant], currents))
        found: dict[str, tuple[str, ...]] = {}
        for current in self.currents:
            if current.conductance is not None:
                found[current.conductance] = (current.name,)
            else:
                parameter, currents = shared.get(current.name, (current.name, (current.name,)))
                found[parameter] = currents
        return found

    def scaled_by(self, parameter: str) -> tuple[str, ...]:
        """The currents that a `parameter` of `scalable`, or a current's name, multiplies.

        Raises
        ------
        ModelError : with the nearest names, when there is no such parameter.
        """
        if parameter in self.scalable:
            return self.scalable[parameter]
        if any(parameter == current.name for current in self.currents):
            return (parameter,)
        raise ModelError(unknown_name(f"conductance of {self.key}", parameter, list(self.scalable)))

    @property
    def stimulus_variable(self) -> myokit.Variable:
        return self.equations.label("stimulus_current")

    @property
    def leak(self) -> myokit.Variable | None:
        """The leak [A/F] of the seal, where the model has been put into a recording's set-up."""
        return self.equations.label(LEAK)

    @property
    def pace_variable(self) -> myokit.Variable:
        return self.equations.binding("pace")

    @cached_property
    def stimulus(self) -> Stimulus:
        amplitude = self.equations.label("stimulus_amplitude")
        duration = self.equations.label("stimulus_duration")
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
        if self.leak is not None:
            total += float(evaluate(self.leak.rhs(), {self.variables[self.voltage]: state[self.voltage]}))
        if abs(slope + total) > 1e-6 * max(1e-9, *(abs(float(value)) for value in currents.values())):
            raise ModelError(
                f"{self.key}: dV/dt is {slope:.4g} mV/ms where its currents add up to {total:.4g}; "
                "write it as minus the sum of currents per capacitance [A/F], each in a variable of its own"
            )

    def values(
        self, names: list[str] | tuple[str, ...], state: Mapping[str, ArrayLike]
    ) -> dict[str, NDArray]:
        """Values of variables (currents, fluxes, potentials) at given states, the stimulus off.

        `state` maps every state that they need to a number or an array; arrays broadcast.

        Raises
        ------
        ModelError : a name that the model does not have, or a state that is needed and not given.
        """
        for name in (*names, *state):
            self._check_name(name)
        known = {self.variables[name]: np.asarray(value, dtype=float) for name, value in state.items()}
        known[self.pace_variable] = np.asarray(0.0)
        return {name: np.asarray(evaluate(myokit.Name(self.variables[name]), known)) for name in names}

    def derivatives(self, state: Mapping[str, ArrayLike], pace: float = 0.0) -> dict[str, NDArray]:
        """dx/dt [unit of x per ms] of every state at `state`; `pace` 1 switches the stimulus on."""
        known = {self.variables[name]: np.asarray(value, dtype=float) for name, value in state.items()}
        known[self.pace_variable] = np.asarray(pace)
        return {name: np.asarray(evaluate(self.variables[name].rhs(), known)) for name in self.states}

    def gate_curves(self, V: ArrayLike) -> dict[str, tuple[NDArray, NDArray]]:
        """h_inf and tau [ms] of every gate at potentials `V` [mV]."""
        V = np.asarray(V, dtype=float)
        return {
            name: (self._over_voltage(steady, V), self._over_voltage(tau, V))
            for name, (steady, tau) in self.gate_forms.items()
        }

    @cached_property
    def half_voltages(self) -> dict[str, float]:
        """V_half [mV] of every gate whose h_inf crosses 0.5."""
        low, high, step = SEARCHED
        V = low + step * np.arange(round((high - low) / step) + 1)
        halves = {name: half_voltage(V, h_inf) for name, (h_inf, _) in self.gate_curves(V).items()}
        return {name: half for name, half in halves.items() if half is not None}

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
        self._check_name(name)
        return self.variables[name].eq().code()

    def _check_name(self, name: str) -> None:
        if name not in self.variables:
            raise ModelError(unknown_name(f"variable of {self.key}", str(name), list(self.variables)))

    def save(self, path: str | Path) -> None:
        """Write the model as `.mmt` or, by the suffix, CellML 2.0; loading it gives equal derivatives.

        `.model` is EasyML, for openCARP, which brings the stimulus itself; it is not read back.
        A `.cellml` file gives the stimulus as a train of pulses, one a second from time 0; title, publication
        and the like stand in a comment at its head, which is read back too.

        Raises
        ------
        ModelError : another suffix, or a place that cannot be written.
        """
        save(self.equations, Path(path))


def _unit_of(variable: myokit.Variable) -> myokit.Unit | None:
    unit = variable.unit()
    if unit is None and not variable.is_state():
        unit = variable.rhs().eval_unit(myokit.UNIT_TOLERANT)
    return unit
