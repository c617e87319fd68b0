"""Samples that stand at the end of an amplifier's range: V runs into a level and stays exactly there."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

LEAST_RUN: Final = 5  # samples at the very same value
LONGER: Final = 5.0  # than any run at another level of the same half: a coarse scale has runs everywhere
CORNER: Final = (
    3.0  # steps of the scale by which V runs into the level; a cell comes to rest by one at a time
)
ROUNDING: Final = 1e-9  # of the span


def clipped_runs(V: NDArray, *, low: bool) -> list[tuple[int, int]]:
    """First and last sample of the runs at the largest value of V (N,), or `low` at the least; [] where V is
    not clipped."""
    V = -V if low else V
    span = float(np.ptp(V))
    steps = np.diff(np.unique(V))
    steps = steps[steps > ROUNDING * span]
    if not steps.size:
        return []
    starts = np.flatnonzero(np.r_[True, np.diff(V) != 0])
    lengths = np.diff(np.r_[starts, V.size])
    at_top = V[starts] >= V.max() - ROUNDING * span
    others = lengths[(V[starts] > V.min() + span / 2) & ~at_top]
    long = at_top & (lengths >= LEAST_RUN)
    if not long.any() or lengths[long].max() < LONGER * (others.max() if others.size else 1):
        return []
    runs = [(int(s), int(s + n - 1)) for s, n in zip(starts[long], lengths[long], strict=True)]
    # A stimulus takes a cell from rest at a corner too: of rest only how V comes to it counts.
    corner = max(
        max(
            V[first] - V[first - 1] if first else 0.0,
            V[last] - V[last + 1] if last + 1 < V.size and not low else 0.0,
        )
        for first, last in runs
    )
    if corner < CORNER * float(steps.min()):
        return []
    # A drawn trace rests at one value after a corner too, but is made of straight lines.
    if low:
        elsewhere = np.delete(V, np.concatenate([np.arange(first, last + 1) for first, last in runs]))
        if elsewhere.size < 3 or np.median(np.abs(np.diff(elsewhere, 2))) <= ROUNDING * span:
            return []
    return runs
