"""Whether samples come evenly, and how they are put on an even grid where they do not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

LEAST_SAMPLES: Final = 10
JITTER: Final = 0.05  # of the sampling interval
ROUNDING: Final = 1e-7  # relative, of an interval that single precision has been through
LONGEST_GAP: Final = 5.0  # ms that straight lines may bridge: an upstroke is as long
PART: Final = 2**20  # steps that are looked at together: a long recording's are never all there


@dataclass(frozen=True)
class Sampling:
    """Of one cell.

    interval, usual : mean and median [ms]; worst, worst_step : the step that is furthest from the usual, and
    its length [ms]; longest : step [ms]; missing : samples, on a grid of the usual interval; back : the first
    row at which time does not go on.
    """

    interval: float
    usual: float
    worst: int
    worst_step: float
    longest: float
    missing: int
    back: int | None

    @property
    def even(self) -> bool:
        return abs(self.worst_step - self.usual) <= JITTER * self.usual

    @property
    def mendable(self) -> bool:
        """Whether straight lines between the samples may make it even."""
        return self.longest <= LONGEST_GAP + self.usual


def sampling(time: NDArray) -> Sampling:
    """Of times (N,) [ms], two or more."""
    usual = tidy(float(np.median(np.diff(time[: PART + 1]))))
    worst, furthest, longest, missing = 0, -1.0, 0.0, 0
    for start in range(0, len(time) - 1, PART):
        steps = np.diff(time[start : start + PART + 1])
        back = np.flatnonzero(steps <= 0)
        if back.size:
            row = start + int(back[0]) + 1
            return Sampling(0.0, usual, row - 1, 0.0, 0.0, 0, row)
        off = np.abs(steps - usual)
        here = int(np.argmax(off))
        if off[here] > furthest:
            worst, furthest = start + here, float(off[here])
        longest = max(longest, float(steps.max()))
        if off[here] > JITTER * usual:
            missing += int(np.maximum(np.rint(steps / usual) - 1, 0).sum())
    mean = float(time[-1] - time[0]) / (len(time) - 1)
    step = float(time[worst + 1] - time[worst])
    return Sampling(tidy(mean), usual, worst, step, longest, missing, None)


def tidy(interval: float) -> float:
    """0.1, not 0.10000000000000016, where the difference is rounding in the file."""
    rounded = float(f"{interval:.6g}")
    return rounded if abs(rounded - interval) < ROUNDING * interval else interval


def on_grid(time: NDArray, values: NDArray, interval: float) -> NDArray:
    """`values` (N,) at `time` [ms] by straight lines, every `interval` [ms] from the first."""
    count = int(np.floor((time[-1] - time[0]) / interval + 0.5)) + 1
    return np.interp(time[0] + interval * np.arange(count), time, values)
