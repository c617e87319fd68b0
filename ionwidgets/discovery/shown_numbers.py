"""What the figures of a result show, as numbers: curves of a gate, a current along a beat, beats compared."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ionwidgets.discovery.comparison import Beat, Comparison
from ionwidgets.models.half_voltage import half_voltage
from ionwidgets.simulation.sampled_biomarkers import sampled_biomarkers

_WITHIN: Final = 3.0  # ms by which two beats may be moved against each other
_STEP: Final = 0.05  # ms

Curves = Mapping[str, tuple[NDArray, NDArray]]


class GateNumbers(NamedTuple):
    """V_half [mV], where h_inf = 0.5; the slope factor k [mV] there; tau [ms] at a given V; None if unknown.

    k = 1 / (4 dh_inf/dV), that of 1 / (1 + exp((V_half - V) / k)): positive of an activation.
    """

    V_half: float | None
    k: float | None
    tau: float | None


def gate_numbers(V: ArrayLike, h_inf: ArrayLike, tau: ArrayLike, at: float) -> GateNumbers:
    """Of curves (K,) over V (K,) [mV]; tau [ms] read at `at` [mV]."""
    V, h_inf, tau = (np.asarray(values, float) for values in (V, h_inf, tau))
    half = half_voltage(V, h_inf)
    slope = None if half is None else float(np.interp(half, V, np.gradient(h_inf, V)))
    at_V = float(np.interp(at, V, tau)) if V[0] <= at <= V[-1] else None
    return GateNumbers(half, 1 / (4 * slope) if slope else None, at_V)


class CurrentNumbers(NamedTuple):
    """The largest value, with its sign [A/F], when it comes [ms], and the charge over the beat [pC/pF]."""

    peak: float
    time: float
    charge: float


def current_numbers(time: ArrayLike, current: ArrayLike) -> CurrentNumbers:
    """Of a current (T,) [A/F] at `time` (T,) [ms]: charge is its integral, 1000 A/F ms = 1 pC/pF."""
    time, current = np.asarray(time, float), np.asarray(current, float)
    largest = int(np.argmax(np.abs(current)))
    return CurrentNumbers(
        float(current[largest]), float(time[largest]), float(np.trapezoid(current, time)) / 1000
    )


class BeatNumbers(NamedTuple):
    """APD90 [ms], and RMS [mV] of V minus the recorded; None where it cannot be told."""

    APD90: float | None
    rmse: float | None


def beat_numbers(comparison: Comparison) -> dict[str, BeatNumbers]:
    """By source, "recording" first where there is one.

    A beat is moved in time, by 3 ms at most, to where it differs least from the recorded one, since the
    upstroke of neither is known to better than a sample; and its APD90 is measured at the instants of the
    recorded one, as samples bias both alike.
    """
    recorded = comparison.recorded
    numbers = {}
    if recorded is not None:
        numbers["recording"] = BeatNumbers(_apd90(recorded.time, recorded.V), None)
    in_mV = recorded is not None and comparison.v_units == "mV"
    for source, beat in comparison.paced.items():
        aligned = _aligned(beat, recorded) if recorded is not None and in_mV else None
        if aligned is None or recorded is None:
            numbers[source] = BeatNumbers(_apd90(beat.time, beat.V), None)
        else:
            time, V, rmse = aligned
            numbers[source] = BeatNumbers(_apd90(time, V), rmse)
    return numbers


def _apd90(time: NDArray, V: NDArray) -> float | None:
    stimulus = np.array([max(-2.0, float(time[0]))])  # ms beside the upstroke, which is at 0
    value = float(sampled_biomarkers(time, V, stimulus)["APD90"][0])
    return value if np.isfinite(value) else None


def _aligned(beat: Beat, recorded: Beat) -> tuple[NDArray, NDArray, float] | None:
    """Time and V of `beat` at the recorded instants, and what is left between the two [mV RMS]."""
    low, high = float(beat.time[0]) + _WITHIN, float(beat.time[-1]) - _WITHIN
    both = (recorded.time >= low) & (recorded.time <= high)
    if both.sum() < 2:
        return None
    time, V = recorded.time[both], recorded.V[both]
    shift, moved, rmse = 0.0, V, np.inf
    for reach, step in ((_WITHIN, _STEP), (_STEP, _STEP / 25)):
        for at in shift + np.arange(-reach, reach + step / 2, step):
            there = np.interp(time + at, beat.time, beat.V)
            left = float(np.sqrt(np.mean((there - V) ** 2)))
            if left < rmse:
                shift, moved, rmse = float(at), there, left
    return time, moved, rmse


def seed_bands(
    results: Sequence[Any],
) -> dict[str, tuple[tuple[NDArray, NDArray], tuple[NDArray, NDArray]]]:
    """Gate -> (lowest, highest) of the altered h_inf (K,) and tau (K,) [ms] over results of one model."""
    from ionwidgets.discovery.shown import shown_gates

    curves = [shown_gates(result).after for result in results]
    bands = {}
    for gate in curves[0] or () if curves else ():
        h_inf, tau = (np.stack([one[gate][which] for one in curves if one]) for which in (0, 1))
        bands[gate] = (h_inf.min(0), h_inf.max(0)), (tau.min(0), tau.max(0))
    return bands
