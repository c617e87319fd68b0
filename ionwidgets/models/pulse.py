"""The pulse that a stimulus current gives: read off its equation, whether a switch or the time drives it."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

import myokit
import numpy as np
from numpy.typing import NDArray

from ionwidgets.errors import ModelError
from ionwidgets.models.evaluate import evaluate
from ionwidgets.models.structure import state_dependencies

_DURATION = re.compile(r"dur|width", re.ASCII | re.IGNORECASE)
# (until, step) in ms of the times at which a train is looked at: the usual ones first
_WINDOWS = ((3_000.0, 0.02), (30_000.0, 0.2), (300_000.0, 2.0))
_MILLISECOND = myokit.parse_unit("ms")


@dataclass(frozen=True)
class Pulse:
    """A stimulus current while it is on, in the file's unit, and for how long [ms] (None: not said)."""

    height: float
    duration: float | None


def pulse_of(stimulus: myokit.Variable) -> Pulse:
    """The pulse behind a stimulus current.

    Raises
    ------
    ModelError : it depends on a state, or is anything but rectangular pulses from zero.
    """
    equations, rhs = stimulus.model(), stimulus.rhs()
    pace, time = equations.binding("pace"), equations.time()
    depends = state_dependencies(rhs)
    if len(depends) > 1 or not depends <= {pace, time}:
        names = ", ".join(sorted(v.qname() for v in depends))
        raise ModelError(
            f"{stimulus.qname()} depends on {names}: a stimulus is switched by one of time and pace"
        )
    if time in depends:
        return _first_pulse(stimulus, lambda t: np.broadcast_to(evaluate(rhs, {time: t}), t.shape))
    if pace in depends and float(evaluate(rhs, {pace: 0.0})) != 0:
        raise ModelError(f"{stimulus.qname()} is not 0 while {pace.qname()} is 0; make that part a current")
    constant = duration_constant(rhs)
    return Pulse(
        height=float(evaluate(rhs, {pace: 1.0} if pace is not None else {})),
        duration=None if constant is None else milliseconds(constant),
    )


def _first_pulse(stimulus: myokit.Variable, current: Callable[[NDArray], NDArray]) -> Pulse:
    for until, step in _WINDOWS:
        time = np.arange(0.0, until, step)
        values = current(time)
        on = np.flatnonzero(values)
        if on.size:
            break
    else:
        constant = duration_constant(stimulus.rhs())
        return Pulse(0.0, None if constant is None else milliseconds(constant))
    first = int(on[0])
    after = np.flatnonzero(values[first:] == 0)
    last = first + int(after[0]) - 1 if after.size else values.size - 1
    height = float(values[first])
    if not np.allclose(values[first : last + 1], height, rtol=1e-9, atol=0):
        raise ModelError(f"{stimulus.qname()} changes while it is on: a stimulus is a pulse of one height")

    def edge(off: float, on: float) -> float:
        for _ in range(60):
            middle = 0.5 * (off + on)
            off, on = (off, middle) if current(np.array([middle]))[0] else (middle, on)
        return on

    begin = edge(time[first - 1], time[first]) if first else 0.0
    end = edge(time[last + 1], time[last]) if after.size else until
    return Pulse(height, round(end - begin, 9))


def duration_constant(rhs: myokit.Expression) -> myokit.Variable | None:
    """The constant behind an equation that is called a duration."""
    queue, seen = [rhs], set()
    while queue:
        for reference in queue.pop(0).references():
            variable = reference.var()
            if variable in seen or variable.is_bound():
                continue
            seen.add(variable)
            if variable.is_constant() and _DURATION.search(variable.name()) and _is_time(variable.unit()):
                return variable
            queue.append(variable.rhs())
    return None


def _is_time(unit: myokit.Unit | None) -> bool:
    return unit is None or myokit.Unit.can_convert(unit, _MILLISECOND)


def milliseconds(constant: myokit.Variable) -> float:
    """The value of a time in ms; as it stands where it has no unit of time."""
    value, unit = constant.eval(), constant.unit()
    return float(
        value if unit is None or not _is_time(unit) else myokit.Unit.convert(value, unit, _MILLISECOND)
    )
