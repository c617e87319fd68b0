"""Lists of steps, as clamps are given them: (level, duration), one level perhaps a family of several."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ionwidgets.errors import SimulationError

Step = tuple[Any, ...]
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Steps:
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


def read_steps(steps: Sequence[Step], what: str, unit: str) -> Steps:
    """Steps from (level [unit], duration [ms]) pairs.

    Raises
    ------
    SimulationError : no steps, one that is no such pair, two families, or a duration that is not positive.
    """
    if len(steps) == 0:
        raise SimulationError(f"a {what} clamp needs one step at least: [({what} [{unit}], duration [ms])]")
    levels: list[float | None] = []
    family: tuple[float, ...] = ()
    for step in steps:
        if len(step) != 2 or np.ndim(step[1]) or np.ndim(step[0]) > 1:
            raise SimulationError(f"a step is ({what} [{unit}], duration [ms]); found {step}")
        values = np.atleast_1d(np.asarray(step[0], dtype=float))
        if not (values.size and np.all(np.isfinite(values))):
            raise SimulationError(f"each {what} must be finite, in {unit}; found {step[0]}")
        if not 0 < step[1] < 1e8:
            raise SimulationError(f"each step must last longer than 0 ms; found {step[1]:g}")
        if np.ndim(step[0]) and family:
            raise SimulationError(f"only one step may have a list of {what}s; found a second: {step[0]}")
        if np.ndim(step[0]):
            family = tuple(values.tolist())
        levels.append(None if np.ndim(step[0]) else float(values[0]))
    durations = np.array([step[1] for step in steps], dtype=float)
    return Steps(tuple(levels), np.concatenate([[0.0], np.cumsum(durations)[:-1]]), durations, family)
