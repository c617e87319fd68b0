"""A recorded current as changes of a stimulus' level: what an amplifier injected, period after period."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

FLAT = 0.02  # A/F that the current may leave a level by
LONGEST = 5.0  # ms of one level
Floats = NDArray[np.float64]


def in_steps(time: Floats, current: Floats) -> tuple[Floats, Floats]:
    """When each level begins [ms], and the level [A/F], of means (N,) around evenly spaced `time` (N,) [ms].

    Few levels, as every change of a stimulus makes a simulation take its shortest steps again; each is the
    mean of what it stands for, so that the charge is kept.
    """
    step, starts = float(time[1] - time[0]), [0]
    low = high = current[0]
    for k in range(1, current.size):
        low, high = min(low, current[k]), max(high, current[k])
        if high - low > 2 * FLAT or (k - starts[-1]) * step >= LONGEST:
            starts.append(k)
            low = high = current[k]
    levels = np.add.reduceat(current, starts) / np.diff([*starts, current.size])
    return time[starts] - 0.5 * step, levels


def with_pulse(steps: tuple[Floats, Floats], amplitude: float, pulse: float) -> tuple[Floats, Floats]:
    """The same levels, and `amplitude` [A/F] more of them from 0 to `pulse` [ms]."""
    starts, levels = steps
    times = np.unique([*starts, 0.0, pulse])
    below = np.maximum(np.searchsorted(starts, times, side="right") - 1, 0)
    return times, levels[below] + np.where((times >= 0) & (times < pulse), amplitude, 0.0)


def repeated(steps: tuple[Floats, Floats], cycle_length: float, duration: float, onset: float) -> Floats:
    """(time [ms], level [A/F]) (N, 2) from 0 to `duration` [ms], of levels that repeat every `cycle_length`.

    The levels' own time 0 comes at `onset` [ms] and every period before and after it.
    """
    starts, levels = steps
    first = int(np.floor(-(onset + starts[0]) / cycle_length))
    last = int(np.ceil((duration - onset - starts[0]) / cycle_length))
    begins = onset + cycle_length * np.arange(first, last + 1)
    times = (begins[:, None] + starts).ravel()
    found = np.column_stack([times, np.tile(levels, begins.size)])
    before = max(0, int(np.searchsorted(times, 0.0, side="right")) - 1)
    found = found[before : int(np.searchsorted(times, duration))]
    found[0, 0] = max(found[0, 0], 0.0)
    return found
