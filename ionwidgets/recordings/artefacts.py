"""Stimulus artefacts: what the stimulator adds to V in the milliseconds before an upstroke.

From rest to the upstroke V of a cell does not fall by much within 2 ms. Where it does, a spike has been
before (or after, where it points down).
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from ionwidgets.recordings.upstrokes import DOWN, find_beats
from ionwidgets.simulation.sampled_biomarkers import noise_level

LONGEST: Final = 3.0  # ms of a spike that a median passes over
AHEAD: Final = 30.0  # ms before the upstroke in which a stimulus may be
QUICK: Final = 2.0  # ms, or 2 samples, in which the spike falls
CLEAR: Final = 8.0  # noise levels that it falls by at least,
SHARE: Final = 0.1  # and share of the action potential's height
RESIDUE: Final = 0.25  # of the least fall: what is that near to rest is rest
OWN_SPIKE: Final = 6.0  # ms at half its height; an action potential that is briefer is a nerve's
FOLLOWED: Final = (4.0, 35.0)  # ms after an artefact in which the action potential rises,
RISEN: Final = 0.6  # to this share of the span at least
NEAR: Final = 12.0  # ms before the upstroke in which the noise is estimated again,
ENOUGH: Final = 20  # from so many samples at least
MOST: Final = 4  # spikes to a stimulus, as a stimulus of two phases has


def despiked(step: float, V: NDArray) -> NDArray:
    """V (N,) without spikes of up to 3 ms: a running median, which leaves edges where they are."""
    from scipy.ndimage import median_filter

    passed: NDArray = median_filter(V, 2 * max(1, int(np.ceil(LONGEST / step))) + 1, mode="nearest")
    return passed


def fires_spikes(time: NDArray, V: NDArray, least_height: float) -> bool:
    """Whether the cell's own action potentials are as brief as artefacts, as a nerve's are: what is brief is
    not followed by anything longer."""
    upstrokes = find_beats(time, V, least_height=least_height)
    if not upstrokes.size:
        return False
    plain = despiked(float(time[1] - time[0]), V)
    half = 0.5 * (float(V.min()) + float(V.max()))
    at = np.searchsorted(time, upstrokes)
    nexts = np.append(at[1:], V.size)
    widths = [float(np.sum(V[i:n] > half)) * (time[1] - time[0]) for i, n in zip(at, nexts, strict=True)]
    if np.median(widths) > OWN_SPIKE:
        return False
    risen = []
    for i, upstroke in zip(at, upstrokes, strict=True):
        later = plain[(time >= upstroke + FOLLOWED[0]) & (time <= upstroke + FOLLOWED[1])]
        if later.size:
            risen.append(float(later.max() - plain[max(0, i - 1 - int(LONGEST / (time[1] - time[0])))]))
    return not risen or float(np.median(risen)) < RISEN * float(np.ptp(plain))


def find_artefacts(time: NDArray, V: NDArray, noise: float, least_height: float) -> list[tuple[int, int]]:
    """First and last sample of every stimulus artefact.

    Parameters
    ----------
    time, V : (N,) ms, mV or a.u.
    noise : standard deviation, unit of V.
    least_height : of an action potential, unit of V.
    """
    step = float(time[1] - time[0])
    plain = despiked(step, V)
    upstrokes = find_beats(time, plain, least_height=least_height)
    least = max(CLEAR * noise, SHARE * float(np.ptp(plain)))
    found: list[tuple[int, int]] = []
    before, low = 0, float(plain.min()) + DOWN * float(np.ptp(plain))
    for upstroke in upstrokes:
        end = min(int(np.searchsorted(time, upstroke)), V.size - 1)
        start = max(0, _repolarised(plain[before:end], low) + before, end - round(AHEAD / step))
        # Smoothing has left the noise around upstrokes.
        last = V[max(start, end - round(NEAR / step)) : end]
        near = noise_level(last) if last.size >= ENOUGH else 0.0
        for _ in range(MOST):
            spike = _spike(step, V, start, end, max(least, CLEAR * near))
            if spike is None:
                break
            found.append(spike)
            start = spike[1] + 1
        before = end
    return found


def blanked(V: NDArray, spans: list[tuple[int, int]]) -> NDArray:
    """V with a straight line in the place of every span's samples."""
    left = np.ones(V.size, dtype=bool)
    for first, last in spans:
        left[first : last + 1] = False
    at = np.arange(V.size)
    return np.where(left, V, np.interp(at, at[left], V[left]))


def _repolarised(V: NDArray, low: float) -> int:
    """First of the last samples of V that lie below `low`, whatever rises from them at the end."""
    below = np.flatnonzero(low > V)
    if not below.size:
        return int(V.size)
    breaks = np.flatnonzero(np.diff(below) > 1)
    return int(below[breaks[-1] + 1] if breaks.size else below[0])


def _spike(step: float, V: NDArray, start: int, end: int, least: float) -> tuple[int, int] | None:
    quick = max(2, round(QUICK / step))
    falls = [
        (float(drops.max()), start + int(drops.argmax()), lag)
        for lag in range(1, min(quick, end - start) + 1)
        if (drops := V[start : end + 1 - lag] - V[start + lag : end + 1]).size
    ]
    if not falls or max(falls)[0] < least:
        return None
    _, top, lag = max(falls)
    bottom, near = top + lag, RESIDUE * least
    rest = float(np.median(V[start : max(top - 1, start + 1)]))
    first = top
    while first > start and abs(V[first] - rest) > near:
        first -= 1
    last = bottom
    if V[bottom] < rest - near:  # it points down: rest is reached from below
        while last < end and V[last] < rest - near:
            last += 1
    else:
        while last < end and V[last] > rest + near and V[last + 1] < V[last]:
            last += 1
    # The samples at either end are the cell's.
    first, last = first + 1, last - 1
    return (first, last) if last >= first and (last - first) * step <= max(2 * LONGEST, 3 * step) else None
