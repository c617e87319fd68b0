"""Lists of steps, as clamps are given them: (level, duration), one level perhaps a family of several."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ionwidgets.errors import SimulationError
from ionwidgets.simulation.given import numbers, shown

Step = tuple[Any, ...]
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class ClampSteps:
    """levels: of each step (None: those of the `family`); starts, durations [ms]."""

    levels: tuple[float | None, ...]
    starts: Floats
    durations: Floats
    family: tuple[float, ...]

    @property
    def duration(self) -> float:
        return float(self.durations.sum())

    def members(self) -> Iterator[tuple[float | None, tuple[float, ...]]]:
        """(the family's value or None, the level of every step), a cell each."""
        for value in self.family or (None,):
            filled = 0.0 if value is None else value
            yield value, tuple(filled if level is None else level for level in self.levels)

    def windows(self) -> dict[str, list[float]]:
        """Start and end [ms] of the family's step, and of the one after it, where there are such."""
        if not self.family:
            return {}
        test = self.levels.index(None)
        found = {}
        for name, i in (("test_ms", test), ("tail_ms", test + 1)):
            if i < len(self.levels):
                found[name] = [float(self.starts[i]), float(self.starts[i] + self.durations[i])]
        return found


def listed(steps: Sequence[Step], what: str, unit: str) -> list[Step]:
    """The steps, a tuple each.

    Raises
    ------
    SimulationError : they are no list of tuples.
    """
    try:
        return [tuple(step) for step in steps]
    except TypeError:
        raise SimulationError(
            f"steps are a list of ({what} [{unit}], duration [ms]), such as [(0, 50), (10, 100)]; "
            f"found {shown(steps)}"
        ) from None


def read_steps(steps: Sequence[Step], what: str, unit: str) -> ClampSteps:
    """Steps from (level [unit], duration [ms]) pairs.

    Raises
    ------
    SimulationError : no steps, one that is no such pair, two families, or a duration that is not positive.
    """
    steps = listed(steps, what, unit)
    if not steps:
        raise SimulationError(f"a {what} clamp needs one step at least: [({what} [{unit}], duration [ms])]")
    levels: list[float | None] = []
    family: tuple[float, ...] = ()
    for step in steps:
        if len(step) != 2:
            raise SimulationError(f"a step is ({what} [{unit}], duration [ms]); found {shown(step)}")
        values = numbers(f"each {what}, in {unit},", step[0])
        length = numbers("each duration, in ms,", step[1])
        if values.ndim > 1 or length.ndim:
            raise SimulationError(f"a step is ({what} [{unit}], duration [ms]); found {shown(step)}")
        if not (values.size and np.all(np.isfinite(values))):
            raise SimulationError(f"each {what} must be finite, in {unit}; found {shown(step[0])}")
        if not 0 < length < 1e8:
            raise SimulationError(
                f"each step must last longer than 0 ms, and less than 1e8; found {length:g}"
            )
        if values.ndim and family:
            raise SimulationError(
                f"only one step may have a list of {what}s; found a second: {shown(step[0])}"
            )
        if values.ndim:
            family = tuple(values.tolist())
        levels.append(None if values.ndim else float(values))
    durations = np.array([step[1] for step in steps], dtype=float)
    return ClampSteps(tuple(levels), np.concatenate([[0.0], np.cumsum(durations)[:-1]]), durations, family)
