"""Biomarkers of every beat from samples of V, as recordings have them.

Definitions are those of the simulations, as `recordings.biomarkers` gives them, but a simulation's come from
the solver's own steps. At 1 ms sampling (TNNP 2004) the peak comes out 2-5 mV low, which lengthens APD90 by
up to 1 ms, APD50 by 4 and APD30, on the flat plateau, by 14; dV/dt max is a third of the true one. So compare
a recording with a model sampled at the same instants, not with a simulation's own biomarkers.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

LEVELS: Final = (30, 50, 90)  # per cent of repolarisation
NAMES: Final = (
    "RMP", "peak", "dVdt_max", "APD30", "APD50", "APD90", "late_rise", "Ca_diastolic", "Ca_peak",
    "Ca_time_to_peak", "CaTD90", "upstroke_time",
)  # fmt: skip
LATE: Final = 50.0  # ms after the upstroke; the notch and the dome lie before
WIDEST_SLOPE: Final = 5.0  # ms over which noise may be averaged in dV/dt
CLEAR_SLOPE: Final = 15.0  # how far the upstroke's dV/dt must stand above the noise in dV/dt


def noise_level(V: np.ndarray) -> float:
    """Standard deviation of white noise in V, from its second differences, small in a smooth signal."""
    if len(V) < 3:
        return 0.0
    return float(1.4826 * np.median(np.abs(np.diff(V, 2))) / np.sqrt(6))


def steepest_rise(
    time: np.ndarray, V: np.ndarray, start: int, stop: int, noise: float = 0.0
) -> tuple[float, float]:
    """Time [ms] and size [mV/ms] of the maximum dV/dt among the samples ``start <= i < stop``.

    dV/dt is the difference over `m` samples, the fewest at which the upstroke stands clear of the `noise`
    [mV], and its maximum is placed between samples by a parabola. NaN, NaN where there are fewer than two
    samples.
    """
    if stop - start < 2:
        return np.nan, np.nan
    step = float(time[1] - time[0])
    m = 1
    while True:
        slope = (V[start + m : stop] - V[start : stop - m]) / (m * step)
        best = int(np.argmax(slope))
        clear = slope[best] > CLEAR_SLOPE * noise * np.sqrt(2) / (m * step)
        if clear or 2 * m * step > WIDEST_SLOPE or stop - start <= 2 * m + 1:
            break
        m *= 2
    shift = 0.0
    if 0 < best < len(slope) - 1:
        left, middle, right = slope[best - 1 : best + 2]
        bend = left - 2 * middle + right
        shift = float(0.5 * (left - right) / bend) if bend < 0 else 0.0
    return float(time[start + best]) + (0.5 * m + shift) * step, float(slope[best])


def sampled_biomarkers(
    time: np.ndarray, V: np.ndarray, onsets: np.ndarray, Ca: np.ndarray | None = None
) -> dict[str, np.ndarray]:
    """Biomarkers of the beats that begin at `onsets`, from evenly sampled traces.

    Parameters
    ----------
    time : (T,) ms, evenly spaced.
    V : (T,) mV or a.u.; NaN at the end (padding) is passed over.
    onsets : (beats,) ms, the stimulus onsets, ascending; a beat lasts until the next onset, the last until
        the end.
    Ca : (T,) mM or a.u., or None.

    Returns
    -------
    Arrays (beats,) by name: RMP, peak [mV], dVdt_max [mV/ms], APD30, APD50, APD90 [ms], late_rise [mV],
    Ca_diastolic, Ca_peak [mM], Ca_time_to_peak, CaTD90 [ms], upstroke_time [ms, on the axis of `time`]. NaN
    where a beat does not have it: no samples, no repolarisation before it ends, no Ca. So that noise weighs
    less, RMP and Ca_i at the onset are the median of the last three samples up to it, and Ca_diastolic is the
    least median of three neighbours; noise adds some of its own size to late_rise.
    """
    time, V, onsets = (np.asarray(array, dtype=np.float64) for array in (time, V, onsets))
    present = np.flatnonzero(np.isfinite(V))
    length = int(present[-1]) + 1 if present.size else 0
    time, V = time[:length], V[:length]
    found = {name: np.full(len(onsets), np.nan) for name in NAMES}
    noise = noise_level(V)
    # A sample that stands at the onset itself is the last one before the stimulus acts.
    starts = np.searchsorted(time, onsets + 1e-9 * np.abs(onsets), side="right") - 1
    stops = np.append(starts[1:] + 1, length)[: starts.size]
    for beat, (start, stop) in enumerate(zip(starts, stops, strict=True)):
        if start < 0 or start >= length - 1 or onsets[beat] > time[-1]:
            continue
        rest = slice(max(0, start - 2), start + 1)
        RMP = found["RMP"][beat] = np.median(V[rest])
        top = start + int(np.argmax(V[start:stop]))
        peak = found["peak"][beat] = V[top]
        rise, slope = steepest_rise(time, V, start, min(top + 2, stop), noise)
        found["upstroke_time"][beat], found["dVdt_max"][beat] = rise, slope
        for level in LEVELS:
            fall = _fall_time(time, V, start, stop, peak - (peak - RMP) * level / 100, rise)
            found[f"APD{level}"][beat] = fall - rise
        end = rise + found["APD90"][beat] if np.isfinite(found["APD90"][beat]) else np.inf
        late = V[start:stop][(time[start:stop] >= rise + LATE) & (time[start:stop] < end)]
        found["late_rise"][beat] = np.max(late - np.minimum.accumulate(late), initial=0.0)
        if Ca is not None:
            found["Ca_diastolic"][beat] = _least(Ca[start:stop])
            at = start + int(np.argmax(Ca[start:stop]))
            high = found["Ca_peak"][beat] = Ca[at]
            found["Ca_time_to_peak"][beat] = time[at] - rise
            level = high - 0.9 * (high - np.median(Ca[rest]))
            fall = _fall_time(time, Ca, start, stop, level, time[at])
            found["CaTD90"][beat] = fall - rise
    return found


def _least(Ca: np.ndarray) -> float:
    """The least median of three neighbouring samples: one that noise throws low is not it."""
    return float(np.min(np.median(sliding_window_view(Ca, 3), axis=1) if len(Ca) > 2 else Ca))


def _fall_time(time: np.ndarray, V: np.ndarray, start: int, stop: int, level: float, after: float) -> float:
    """First time after `after` at which V, or Ca_i, falls below `level`; linear between samples."""
    above = np.flatnonzero((V[start:stop] >= level) & (time[start:stop] >= after))
    if not above.size:
        return np.nan
    begin = start + int(above[0])
    below = np.flatnonzero(V[begin:stop] < level)
    if not below.size:
        return np.nan
    i = begin + int(below[0])
    return float(time[i - 1] + (time[i] - time[i - 1]) * (V[i - 1] - level) / (V[i - 1] - V[i]))
