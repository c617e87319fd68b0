"""Any model's equations rewritten in the form that the rest of the package reads.

    dV/dt = -(I_1 + I_2 + ... + I_stim)        [A/F, that is mV/ms]
    I_stim = pace * amplitude                  (negative depolarises)

with V in mV, time in ms, Ca_i in mM, and labels on all of these. What the equations compute stays the same,
but for the stimulus, which is now switched from outside, and for any further stimulus, which is 0. See
`membrane` for what dV/dt may be in a file. A cell that is given no stimulus, because it beats by itself, gets
one of amplitude 0 so that it can be paced.
"""

from __future__ import annotations

from collections.abc import Iterable

import myokit

from ionwidgets.errors import ModelError
from ionwidgets.models.find import find_calcium, find_voltage
from ionwidgets.models.membrane import A_PER_F, Factor, Term, own_name, terms_of
from ionwidgets.models.rewriting import convert, free_name, label, lift_nested, new_constant, rescale
from ionwidgets.models.stimulus import PacedBy, find_stimulus, rewrite_stimulus, switched_terms


def to_standard_form(
    equations: myokit.Model,
    protocol: myokit.Protocol | None = None,
    *,
    voltage: str | None = None,
    calcium: str | None = None,
    stimulus: str | None = None,
) -> None:
    """Rewrite `equations` in place; a model that has the form already stays as it is.

    Parameters
    ----------
    protocol : what the file would pace the cell with; used where it says nothing else of the pulse.
    voltage, calcium, stimulus : the variables' names, ``name`` or ``component.name``, where they are not
        found, or not the right ones.

    Raises
    ------
    ModelQuestion : one of the three cannot be told from others.
    ModelError : a unit that cannot be converted, or a stimulus that is no train of rectangular pulses.
    """
    time = equations.time()
    if time is None:
        raise ModelError(f"{equations.name()}: no variable is the time; add 'bind time' to it")
    neighbours = equations.binding("diffusion_current")
    if neighbours is not None:  # of which a single cell has none
        neighbours.set_binding(None)
    paced_by = _paced_by(protocol, time.unit())
    V, Ca_i = find_voltage(equations, voltage), find_calcium(equations, calcium)
    if Ca_i is not None and Ca_i is V:
        raise ModelError(f"{V.qname()} is the membrane potential, not calcium: give calcium= another state")
    label(V, "membrane_potential")
    convert(V, "mV")
    convert(time, "ms")
    if Ca_i is not None:
        label(Ca_i, "cytosolic_calcium_concentration")
        convert(Ca_i, "mM")
    _rewrite_membrane(V, stimulus, paced_by)
    _name_derivatives(equations)
    equations.validate()


def _paced_by(protocol: myokit.Protocol | None, unit: myokit.Unit | None) -> PacedBy | None:
    """(level, duration [ms]) of a protocol of one event."""
    if protocol is None or len(protocol) != 1:
        return None
    (event,) = protocol.events()
    duration = event.duration()
    return event.level(), duration if unit is None else myokit.Unit.convert(duration, unit, "ms")


def _rewrite_membrane(voltage: myokit.Variable, answer: str | None, paced_by: PacedBy | None) -> None:
    terms = terms_of(voltage)
    currents = {term.variable: Factor() for term in terms if term.variable is not None}
    standard = all(_is_standard(term) for term in terms) and len(currents) == len(terms)
    if not standard:
        lift_nested(*dict.fromkeys([voltage, *(v for term in terms for v in term.path)]))
        currents = _in_variables(terms, voltage)
    stimulus = find_stimulus(voltage.model(), list(currents), answer)
    if stimulus is None:
        stimulus = new_constant(voltage, "I_stim", 0.0, A_PER_F)
        currents[stimulus], standard = Factor(), False
    for further in switched_terms([v for v in currents if v is not stimulus]):
        further.set_rhs(myokit.Number(0, further.unit()))
    nothing = [v for v in currents if v is not stimulus and v.is_constant() and v.eval() == 0]
    if nothing or not standard:
        currents = {v: factor for v, factor in currents.items() if v not in nothing}
        voltage.set_rhs(myokit.PrefixMinus(_sum(myokit.Name(v) for v in currents)))
    for variable, factor in currents.items():
        if variable is stimulus:
            rewrite_stimulus(stimulus, factor, voltage, paced_by)
        else:
            rescale(variable, factor, but=voltage)


def _is_standard(term: Term) -> bool:
    return term.variable is not None and not term.variable.is_nested() and term.factor.negative().is_one


def _in_variables(terms: Iterable[Term], voltage: myokit.Variable) -> dict[myokit.Variable, Factor]:
    """What each current is multiplied by to be in A/F; terms written out in dV/dt get a variable."""
    found: dict[myokit.Variable, Factor] = {}
    for term in terms:
        variable, factor = term.variable, term.factor.negative()
        if variable is None:
            variable = new_constant(voltage, own_name(term.what), 0.0, A_PER_F)
            variable.set_rhs(term.what)
        found[variable] = factor if variable not in found else found[variable].plus(factor)
    return found


def _sum(terms: Iterable[myokit.Expression]) -> myokit.Expression:
    first, *rest = terms
    for term in rest:
        first = myokit.Plus(first, term)
    return first


def _name_derivatives(equations: myokit.Model) -> None:
    """Give a derivative that other equations use a variable, which they then use instead."""
    for state in equations.states():
        users = list(state.refs_by(False))
        if users:
            derivative = state.parent().add_variable(free_name(state.parent(), f"dot_{state.name()}"))
            derivative.set_rhs(state.rhs())
            lift_nested(state)
            state.set_rhs(myokit.Name(derivative))
            own = myokit.Derivative(myokit.Name(state))
            for user in users:
                user.set_rhs(user.rhs().clone(subst={own: myokit.Name(derivative)}))
