"""Rest and peak of every beat, and how they move in the course of a recording.

    rest(t) = a + b g(t)          g(t) = t, or exp(-t / tau) as a dye bleaches

by least squares over the beats. In arbitrary units the height fades as well: height(t) = c + d g(t).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

LEAST_BEATS: Final = 4  # with a rest before them
CLEAR: Final = 4.0  # standard errors
REST: Final = (25.0, 5.0)  # ms before the upstroke between which V is at rest,
LATE: Final = (0.3, 0.1)  # but no more than these shares of the interval since the upstroke before
PEAK: Final = 60.0  # ms after the upstroke in which the peak lies
LEAST_MOVED: Final = {"mV": 2.0}  # slow concentrations move rest by less; elsewhere
LEAST_SHARE: Final = 0.05  # of the height
LEAST_FADED: Final = 0.1  # of the height
BEATS_FOR_TAU: Final = 6
BETTER: Final = 0.5  # of the straight line's squares, at most, for an exponential to be taken


@dataclass(frozen=True)
class Drift:
    """Rest and height along a trace.

    moved : of rest, from the first beat to the last [unit of V]. faded : share of the height that is lost.
    tau : ms, of an exponential; None of a straight line. rest, height : (N,), along the samples.
    """

    moved: float
    faded: float
    tau: float | None
    rest: NDArray
    height: NDArray

    def taken_out(self, V: NDArray) -> NDArray:
        """V with rest and height as they are at the first sample."""
        return (V - self.rest) * (self.height[0] / self.height) + self.rest[0]


def rest_levels(time: NDArray, V: NDArray, upstrokes: NDArray) -> NDArray:
    """Median V before every upstroke (beats,) [unit of V]; NaN where the recording has no three samples."""
    step = float(time[1] - time[0])
    levels = np.full(upstrokes.size, np.nan)
    for beat, upstroke in enumerate(upstrokes):
        interval = upstroke - upstrokes[beat - 1] if beat else np.inf
        ahead = max(min(REST[0], LATE[0] * interval), 4 * step)
        stop = int(np.searchsorted(time, upstroke - max(min(REST[1], LATE[1] * interval), step)))
        start = int(np.searchsorted(time, upstroke - ahead))
        if stop - start >= 3:
            levels[beat] = np.median(V[start:stop])
    return levels


def peak_levels(time: NDArray, V: NDArray, upstrokes: NDArray) -> NDArray:
    """Largest V within 60 ms after every upstroke (beats,); NaN where the trace ends within 20 ms of it."""
    levels = np.full(upstrokes.size, np.nan)
    nexts = np.append(upstrokes[1:], np.inf)[: upstrokes.size]
    for beat, (upstroke, following) in enumerate(zip(upstrokes, nexts, strict=True)):
        if time[-1] - upstroke < PEAK / 3:
            continue
        here = (time >= upstroke) & (time <= min(upstroke + PEAK, following))
        levels[beat] = V[here].max()
    return levels


def find_drift(time: NDArray, V: NDArray, upstrokes: NDArray, unit: str) -> Drift | None:
    """What rest (and in a.u. the height) does from beat to beat; None where it is small or not clear.

    Four beats are needed, six for an exponential.
    """
    rest, peak = rest_levels(time, V, upstrokes), peak_levels(time, V, upstrokes)
    known = np.isfinite(rest)
    if known.sum() < LEAST_BEATS or not np.isfinite((peak - rest)[known]).any():
        return None
    at, rest, height = upstrokes[known], rest[known], (peak - rest)[known]
    tau, (a, b), moved, clear = _course(at, rest)
    least = max(LEAST_MOVED.get(unit, 0.0), LEAST_SHARE * float(np.nanmedian(height)))
    faded, tall = 0.0, np.full(time.size, 1.0)
    whole = np.isfinite(height)
    if unit == "a.u." and whole.sum() >= LEAST_BEATS:
        basis = _g(at[whole], tau)
        c, d, lost, sure = _line(basis, height[whole])
        along = c + d * _g(time, tau)
        if sure and along.min() > 0 and abs(lost) > LEAST_FADED * float(height[whole].max()):
            faded, tall = -lost / float(c + d * basis[0]), along
    if (abs(moved) < least or not clear) and faded == 0:
        return None
    return Drift(moved, faded, tau, a + b * _g(time, tau), tall)


def _g(t: NDArray, tau: float | None) -> NDArray:
    return t if tau is None else np.exp(-t / tau)


def _course(at: NDArray, levels: NDArray) -> tuple[float | None, tuple[float, float], float, bool]:
    """Time constant [ms] or None, (a, b), how far the course goes, and whether that is clear."""
    a, b, moved, clear = _line(at, levels)
    span = float(np.ptp(at))
    best, tau = BETTER * _squares(at, levels, a, b), None
    if at.size >= BEATS_FOR_TAU:
        for candidate in span * np.geomspace(0.05, 2.0, 40):
            basis = _g(at, candidate)
            found = _line(basis, levels)
            squares = _squares(basis, levels, found[0], found[1])
            if squares < best:
                best, tau, (a, b, moved, clear) = squares, float(candidate), found
    return tau, (a, b), moved, clear


def _squares(x: NDArray, y: NDArray, a: float, b: float) -> float:
    return float(np.sum((y - a - b * x) ** 2))


def _line(x: NDArray, y: NDArray) -> tuple[float, float, float, bool]:
    """a, b of y = a + b x, b times x's way from first to last, and whether that is four standard errors."""
    off = x - x.mean()
    b = float(off @ y / (off @ off))
    a = float(y.mean() - b * x.mean())
    error = np.sqrt(_squares(x, y, a, b) / max(x.size - 2, 1) / (off @ off))
    moved = b * float(x[-1] - x[0])
    return a, b, moved, abs(b) > CLEAR * error
