"""Which variable is what: the membrane potential, cytosolic calcium and the stimulus current of any model.

A label in the file decides, then an annotation of the CellML repositories (oxmeta), then the names and units
that the field uses. Where that leaves a choice, `ModelQuestion` asks.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import myokit

from ionwidgets.errors import ModelError, ModelQuestion, unknown_name

MILLIVOLT, MILLIMOLAR = myokit.parse_unit("mV"), myokit.parse_unit("mM")
_VOLTAGE_NAMES = ("V", "Vm", "V_m", "v", "vm", "E", "Em", "E_m", "membrane_potential", "membrane_voltage")
_CALCIUM_LABELS = ("cytosolic_calcium_concentration", "intracellular_calcium", "calcium")
_CALCIUM_NAMES = ("Ca_i", "Cai", "cai", "ca_i", "CaI", "Ca_in", "cCai", "Ca_cyt", "Cacyt")


def find_voltage(equations: myokit.Model, answer: str | None) -> myokit.Variable:
    """The membrane potential: a state.

    Raises
    ------
    ModelQuestion : no state is marked, called or measured as one alone.
    ModelError : `answer` names no state.
    """
    states = list(equations.states())
    if answer is not None:
        return named(answer, states, f"state of {equations.name()}")
    marked = annotated(states, "membrane_potential", "membrane_voltage")
    if marked is not None:
        return marked
    plausible = [s for s in states if s.unit() is None or myokit.Unit.can_convert(s.unit(), MILLIVOLT)]
    found = _by_name(plausible, _VOLTAGE_NAMES) or [s for s in plausible if s.unit() is not None]
    if len(found) != 1:
        names = short_names(equations)
        candidates = [names[s] for s in found or plausible or states]
        raise ModelQuestion("Which state is the membrane potential?", "voltage", candidates)
    return found[0]


def find_calcium(equations: myokit.Model, answer: str | None) -> myokit.Variable | None:
    """The cytosolic calcium concentration, a state, or None where there is none.

    Raises
    ------
    ModelQuestion : several states are called so.
    ModelError : `answer` names no state.
    """
    states = list(equations.states())
    if answer is not None:
        return named(answer, states, f"state of {equations.name()}")
    marked = annotated(states, *_CALCIUM_LABELS)
    if marked is not None:
        return marked
    plausible = [s for s in states if s.unit() is None or myokit.Unit.can_convert(s.unit(), MILLIMOLAR)]
    found = _by_name(plausible, _CALCIUM_NAMES)
    if len(found) > 1:
        names = short_names(equations)
        question = "Which state is the cytosolic calcium concentration?"
        raise ModelQuestion(question, "calcium", [names[s] for s in found])
    return next(iter(found), None)


def annotated(variables: Iterable[myokit.Variable], *terms: str) -> myokit.Variable | None:
    """The variable that the file marks with one of `terms`: a label first, then an oxmeta annotation."""
    variables = list(variables)
    for mark in (lambda v: v.label(), lambda v: v.meta.get("oxmeta")):
        for term in terms:
            for variable in variables:
                if mark(variable) == term:
                    return variable
    return None


def named(name: str, variables: Sequence[myokit.Variable], what: str) -> myokit.Variable:
    """The variable called `name`, as ``name`` or ``component.name``."""
    found = [v for v in variables if name in (v.name(), v.qname())]
    if len(found) > 1:
        raise ModelError(f"{name} is in several components; give {' or '.join(v.qname() for v in found)}")
    if not found:
        raise ModelError(unknown_name(what, str(name), [v.name() for v in variables]))
    return found[0]


def short_names(equations: myokit.Model) -> dict[myokit.Variable, str]:
    """The shortest name by which `named` finds each variable."""
    variables = list(equations.variables(deep=False))
    own = [v.name() for v in variables]
    return {v: v.name() if own.count(v.name()) == 1 else v.qname() for v in variables}


def _by_name(states: Sequence[myokit.Variable], names: Sequence[str]) -> list[myokit.Variable]:
    """The states of the first of `names` that any state has."""
    for name in names:
        found = [s for s in states if s.name() == name]
        if found:
            return found
    return []
