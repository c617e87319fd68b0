"""Beats of a recording: upstrokes, the stimuli that caused them, and whether every stimulus did.

All functions take one cell: time (T,) [ms], evenly spaced, and V (T,) [mV or a.u.]; NaN at the end of V
(padding of a shorter cell) is passed over.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np
import xarray as xr

from ionwidgets.errors import RecordingError
from ionwidgets.simulation.sampled_biomarkers import noise_level, sampled_biomarkers, steepest_rise

UP, DOWN = 0.5, 0.3  # of the trace's span: a beat rises through UP after having been below DOWN
LEAST_HEIGHT: Final = {"mV": 20.0}  # of an action potential, by unit: a dye's scale says nothing
CLEAR_HEIGHT: Final = 16.0  # noise levels that a trace must span, or it has no beats
AROUND: Final = 20.0  # ms to either side of the rise through UP in which the upstroke is sought
LEAST_BEATS: Final = 3  # upstrokes from which a cycle length may be estimated
SAME_HEIGHT: Final = 0.10  # by how much successive action potentials may differ and count as equal
SAME_APD: Final = 0.05
SAME_APD_MS: Final = 5.0


@dataclass(frozen=True)
class Following:
    """Whether every stimulus gives the same action potential, and in words what happens where not."""

    one_to_one: bool
    words: str

    def __bool__(self) -> bool:
        return self.one_to_one


def find_beats(time_ms: np.ndarray, V: np.ndarray, *, least_height: float = 0.0) -> np.ndarray:
    """Upstroke times (beats,) [ms]: the maxima of dV/dt, placed between samples.

    A beat begins where V rises through half of the trace's span after having been in its lowest 30 %; so
    noise does not make beats, nor do after-depolarisations from the plateau, and an upstroke before the trace
    begins is not counted. No beats in a trace that spans less than `least_height` or than 16 times its noise.
    """
    time, V = _trimmed(time_ms, V)
    if len(V) < 3:
        return np.empty(0)
    noise = noise_level(V)
    low, span = float(V.min()), float(np.ptp(V))
    if span == 0 or span < max(least_height, CLEAR_HEIGHT * noise):
        return np.empty(0)
    rises = _rises(V, low + UP * span, low + DOWN * span)
    if not rises:
        return np.empty(0)
    reach = max(2, round(AROUND / (time[1] - time[0])))
    # Up to the lowest V between it and its neighbours, or a spike nearby would lend a beat its upstroke.
    lows = [before + int(np.argmin(V[before:rise])) for before, rise in pairwise(rises)]
    times = [
        steepest_rise(time, V, max(after, rise - reach), min(before + 1, rise + reach + 1), noise)[0]
        for after, rise, before in zip([0, *lows], rises, [*lows, len(V) - 1], strict=True)
    ]
    return np.asarray(times, dtype=np.float64)


def beats_of(dataset: xr.Dataset, cell: int) -> np.ndarray:
    """Upstroke times [ms] of one cell of a recording, none of them lower than its unit allows."""
    least = LEAST_HEIGHT.get(str(dataset["V"].attrs.get("units")), 0.0)
    V = dataset["V"].transpose("cell", "time").values[cell]
    return find_beats(dataset["time"].values, V, least_height=least)


def diastoles(time_ms: np.ndarray, V: np.ndarray, upstrokes: np.ndarray) -> np.ndarray:
    """Times [ms] of the lowest V before each of the `upstrokes` of a cell that beats by itself.

    One that stands at the very start is left out: V may have been lower before.
    """
    time, V = _trimmed(time_ms, V)
    ends = np.searchsorted(time, upstrokes)
    lows = [start + int(np.argmin(V[start : end + 1])) for start, end in pairwise([0, *ends])]
    return time[[low for low in lows if low > 0]]


def period(upstrokes: np.ndarray) -> float:
    """Mean interval between `upstrokes` [ms]; NaN with fewer than two."""
    return float(np.mean(np.diff(upstrokes))) if len(upstrokes) > 1 else np.nan


def estimate_cycle_length(time_ms: np.ndarray, V: np.ndarray, *, least_height: float = 0.0) -> float:
    """Median interval between upstrokes [ms]; NaN with fewer than three."""
    beats = find_beats(time_ms, V, least_height=least_height)
    return float(np.median(np.diff(beats))) if len(beats) >= LEAST_BEATS else np.nan


def stimulus_times(
    time_ms: np.ndarray,
    V: np.ndarray,
    cycle_length: float,
    duration: float = 1.0,
    amplitude: float | None = None,
) -> np.ndarray:
    """Onsets (stimuli,) [ms] of all stimuli within the recording, one every `cycle_length`.

    Every upstroke's foot is extrapolated back to rest; the phase is the median over the beats.

    Parameters
    ----------
    cycle_length : ms.
    duration : of the stimulus [ms]; the onset is sought no further before the upstroke than this allows.
    amplitude : of the stimulus [A/F]. With it the first raised sample, which the stimulus lifts by about
        ``|amplitude|`` mV/ms, places the onset to about 0.15 ms in a trace sampled at 1 ms.

    Returns
    -------
    Empty if there is no beat. A stimulus before the first sample is not listed, even if its upstroke is seen.

    Raises
    ------
    RecordingError : the cycle length is not known (NaN) or not positive.
    """
    if not cycle_length > 0:
        raise RecordingError(
            "finding the stimuli needs the cycle length; give it in a column 'cycle_length [ms]'"
        )
    time, V = _trimmed(time_ms, V)
    beats = find_beats(time, V)
    feet = np.array([_foot(time, V, upstroke, duration, amplitude) for upstroke in beats])
    feet = feet[np.isfinite(feet)]
    if not feet.size:
        return np.empty(0)
    return every_period(feet, time, cycle_length)


def every_period(feet: np.ndarray, time: np.ndarray, cycle_length: float) -> np.ndarray:
    """Times [ms] within `time`, one every `cycle_length` [ms], at the median phase of `feet` [ms]."""
    # Wrapped to half a cycle from the first foot: a missed beat or an early one does not move the median.
    wrapped = (feet - feet[0] + 0.5 * cycle_length) % cycle_length - 0.5 * cycle_length
    phase = (feet[0] + float(np.median(wrapped)) - time[0]) % cycle_length
    return time[0] + np.arange(phase, time[-1] - time[0] + 1e-9, cycle_length)


def follows_one_to_one(
    time_ms: np.ndarray, V: np.ndarray, cycle_length: float, *, onsets: np.ndarray | None = None
) -> Following:
    """Whether every stimulus gives an action potential of about the same height and APD90.

    Parameters
    ----------
    cycle_length : ms.
    onsets : stimulus onsets [ms]; found by `stimulus_times` if not given.

    Returns
    -------
    A `Following`, true if it does; its words otherwise name what was seen: fewer action potentials than
    stimuli, heights or APD90 that differ from beat to beat by more than 10 % or 5 % (and 5 ms).
    """
    time, V = _trimmed(time_ms, V)
    onsets = stimulus_times(time, V, cycle_length) if onsets is None else np.asarray(onsets, dtype=np.float64)
    if not len(onsets):
        return Following(False, "no action potentials")
    found = sampled_biomarkers(time, V, onsets)
    heights = found["peak"] - found["RMP"]
    # The last beat may be cut off before its peak, which says nothing about the cell.
    whole = np.append(
        np.ones(len(onsets) - 1, dtype=bool), time[-1] - onsets[-1] >= min(AROUND, cycle_length / 2)
    )
    heights, APD90 = heights[whole], found["APD90"][whole]
    full = heights > UP * np.ptp(V)
    if not full.all():
        return Following(False, f"{int(full.sum())} action potentials for {full.size} stimuli")
    if heights.size > 1 and np.abs(np.diff(heights)).max() > SAME_HEIGHT * heights.max():
        return Following(
            False, f"the height differs from beat to beat, from {heights.min():.0f} to {heights.max():.0f}"
        )
    ended = APD90[:-1] if len(APD90) and not np.isfinite(APD90[-1]) else APD90
    if not np.isfinite(ended).all():
        return Following(False, "action potentials that have not repolarised by 90 % at the next stimulus")
    if ended.size > 1 and np.abs(np.diff(ended)).max() > max(SAME_APD_MS, SAME_APD * float(np.median(ended))):
        return Following(
            False, f"APD90 differs from beat to beat, from {ended.min():.0f} to {ended.max():.0f} ms"
        )
    return Following(True, "every stimulus gives the same action potential")


def _trimmed(time_ms: np.ndarray, V: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    V = np.asarray(V, dtype=np.float64)
    present = np.flatnonzero(np.isfinite(V))
    length = int(present[-1]) + 1 if present.size else 0
    return np.asarray(time_ms, dtype=np.float64)[:length], V[:length]


def _rises(V: np.ndarray, up: float, down: float) -> list[int]:
    """Indices of the first sample above `up` after each visit below `down`."""
    state = np.where(up <= V, 1, np.where(down >= V, -1, 0))
    visits = np.flatnonzero(state)
    changes = np.flatnonzero((state[visits[1:]] == 1) & (state[visits[:-1]] == -1))
    return [int(index) for index in visits[changes + 1]]


def _foot(
    time: np.ndarray, V: np.ndarray, upstroke: float, duration: float, amplitude: float | None
) -> float:
    """Where the rise before `upstroke` leaves rest [ms]; NaN where the recording does not show rest."""
    step = float(time[1] - time[0])
    top = int(np.searchsorted(time, upstroke))
    # The stimulus ends at most some ms before the upstroke; a latency of 5 ms is a cell close to failing.
    first = max(0, int(np.searchsorted(time, upstroke - duration - 5.0)))
    rest = V[max(0, first - max(5, round(5.0 / step))) : first + 1]
    if rest.size < 3 or top >= len(V):
        return np.nan
    level = float(np.median(rest))
    lift = max(5 * noise_level(V), 0.01 * float(V[top] - level))
    raised = np.flatnonzero(V[first : top + 1] > level + lift)
    if not raised.size:
        return np.nan
    i = first + int(raised[0])
    if amplitude:
        slope = abs(amplitude)
    else:
        slope = float(V[min(i + 1, top)] - V[i - 1]) / (step * (min(i + 1, top) - i + 1))
    return float(np.clip(time[i] - (V[i] - level) / max(slope, 1e-12), time[i - 1], time[i]))
