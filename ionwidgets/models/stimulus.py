"""The stimulus current of any model: which term of dV/dt it is, and its form I_stim = pace * amplitude.

A file may switch it by a variable bound to pace, or write a train of pulses as a function of time (start,
period, duration, amplitude). Either way it is the term that no state has a part in.

A cell has one stimulus, and it is `simulate` that times it. Where a file has several such terms (S1 and S2,
say, or one a compartment), a mark in the file or the user says which one it is; the others are never given.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import myokit

from ionwidgets.errors import ModelQuestion
from ionwidgets.models.find import annotated, named, short_names
from ionwidgets.models.membrane import A_PER_F, Factor
from ionwidgets.models.pulse import duration_constant, milliseconds, pulse_of
from ionwidgets.models.rewriting import convert, free_name, label, new_constant, rescale
from ionwidgets.models.structure import state_dependencies

DURATION = 1.0  # ms of a stimulus of which the file says nothing
_CALLED = re.compile(r"stim|^i_?(st|app|inj|ext)$", re.ASCII | re.IGNORECASE)
_AMPLITUDE = re.compile(r"(?<!cl)amp", re.ASCII | re.IGNORECASE)
_MILLISECOND = myokit.parse_unit("ms")

PacedBy = tuple[float, float]  # level and duration [ms] of a file's own protocol


def find_stimulus(
    equations: myokit.Model, terms: Sequence[myokit.Variable], answer: str | None
) -> myokit.Variable | None:
    """The stimulus current among the `terms` of dV/dt, or None where the cell is given none.

    Raises
    ------
    ModelQuestion : several terms could be it.
    ModelError : `answer` names none of them.
    """
    if answer is not None:
        return named(answer, terms, f"term of dV/dt of {equations.name()}")
    marked = annotated(terms, "stimulus_current", "membrane_stimulus_current")
    if marked is not None:
        return marked
    silent = [v for v in terms if v.is_constant() and _CALLED.search(v.name()) and v.eval() == 0]
    found = switched_terms(terms) or silent
    if len(found) > 1:
        names = short_names(equations)
        raise ModelQuestion(
            "Which term of dV/dt is the stimulus current?", "stimulus", [names[v] for v in found]
        )
    return next(iter(found), None)


def switched_terms(terms: Sequence[myokit.Variable]) -> list[myokit.Variable]:
    """Those of `terms` that change with the pace or the time alone."""
    depends = {v: state_dependencies(myokit.Name(v)) for v in terms}
    return [v for v in terms if depends[v] and all(x.is_bound() for x in depends[v])]


def rewrite_stimulus(
    stimulus: myokit.Variable, factor: Factor, voltage: myokit.Variable, paced_by: PacedBy | None
) -> None:
    """I_stim = pace * amplitude, with an amplitude [A/F] and a duration [ms] that are constants of their own.

    Parameters
    ----------
    factor : what makes the file's current one in A/F that leaves dV/dt with a minus.
    paced_by : used where the file's constants do not say the same.

    Raises
    ------
    ModelError : it is no train of rectangular pulses.
    """
    equations = stimulus.model()
    label(stimulus, "stimulus_current")
    pace = _pace(equations)
    constants = [v for v in equations.variables(deep=False) if v.is_literal()]
    amplitude = annotated(constants, "stimulus_amplitude", "membrane_stimulus_current_amplitude")
    duration = annotated(constants, "stimulus_duration", "membrane_stimulus_current_duration")
    pulse = pulse_of(stimulus)
    height = factor.value() * pulse.height
    length = pulse.duration if duration is None else milliseconds(duration)
    if paced_by is not None:
        height = height if amplitude is not None else height * paced_by[0]
        length = paced_by[1] if length is None else length
    if duration is None:
        duration = duration_constant(stimulus.rhs())
    if amplitude is None:
        amplitude = _amplitude_constant(stimulus)
    if height == 0 and amplitude is not None:  # switched off by a constant of the file
        height = factor.value() * amplitude.eval()
    if duration is None or duration.is_nested() or milliseconds(duration) != length:
        duration = new_constant(stimulus, "stim_duration", length or DURATION, _MILLISECOND)
    convert(duration, "ms")
    label(duration, "stimulus_duration")
    if amplitude is None or {*amplitude.refs_by()} != {stimulus}:
        amplitude = new_constant(stimulus, "stim_amplitude", height, A_PER_F)
    label(amplitude, "stimulus_amplitude")
    if factor.is_one and amplitude.eval() == height and _is_product(stimulus.rhs(), pace, amplitude):
        return
    rescale(stimulus, factor, but=voltage)
    stimulus.set_rhs(myokit.Multiply(myokit.Name(pace), myokit.Name(amplitude)))
    amplitude.set_rhs(myokit.Number(height, stimulus.unit()))
    amplitude.set_unit(stimulus.unit())


def _pace(equations: myokit.Model) -> myokit.Variable:
    bound = equations.binding("pace")
    if bound is not None:
        return bound
    component = equations.time().parent(myokit.Component)
    pace = component.add_variable(free_name(component, "pace"))
    pace.set_rhs(0)
    pace.set_binding("pace")
    return pace


def _amplitude_constant(stimulus: myokit.Variable) -> myokit.Variable | None:
    """The constant in the stimulus' own equation that is called an amplitude."""
    constants = (reference.var() for reference in stimulus.rhs().references())
    called = (v for v in constants if v.is_literal() and not v.is_nested() and _AMPLITUDE.search(v.name()))
    return next(called, None)


def _is_product(rhs: myokit.Expression, *factors: myokit.Variable) -> bool:
    return isinstance(rhs, myokit.Multiply) and {*rhs} == {myokit.Name(v) for v in factors}
