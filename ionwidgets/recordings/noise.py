"""Noise of a recording, white or not, and a smoothing that leaves upstrokes as they are."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from ionwidgets.simulation.sampled_biomarkers import noise_level

WIDTH: Final = 10.0  # ms of the parabola through the samples
LEAST_SAMPLES: Final = 5  # of a parabola that smooths
KEPT: Final = (4.0, 6.0)  # noise levels: what the parabola changes by less goes, by more stays


def noise_of(step: float, V: NDArray) -> float:
    """Standard deviation of the noise in V (N,), sampled every `step` ms.

    The larger of the white noise (second differences) and of what is left of a parabola through 10 ms (median
    absolute deviation in the half of the samples where V changes least): amplifiers and cameras filter, and
    filtered noise has small second differences.
    """
    if V.size < 2 * _window(step):
        return noise_level(V)
    parabola = _parabola(step, V)
    slope = np.abs(np.gradient(parabola))
    left = (V - parabola)[slope <= np.median(slope)]
    return max(noise_level(V), float(1.4826 * np.median(np.abs(left - np.median(left)))))


def smoothed(step: float, V: NDArray, noise: float) -> NDArray:
    """V (N,) by a Savitzky-Golay filter (second order, 10 ms, 5 samples at least), without delay.

    Where the filter would change V by more than 6 times the `noise`, as at an upstroke, V stays; from 4 to 6
    times it is mixed.
    """
    from scipy.ndimage import maximum_filter1d

    if V.size < _window(step) or noise == 0:
        return V.copy()
    change = _parabola(step, V) - V
    least, most = KEPT
    # The parabola is as wrong where it crosses V, within the same upstroke.
    size = maximum_filter1d(np.abs(change), _window(step) // 2 + 1) / noise
    return V + change * np.clip((most - size) / (most - least), 0.0, 1.0)


def _window(step: float) -> int:
    return max(LEAST_SAMPLES, 2 * round(WIDTH / step / 2) + 1)


def _parabola(step: float, V: NDArray) -> NDArray:
    from scipy.signal import savgol_filter

    fitted: NDArray = savgol_filter(V, _window(step), 2)
    return fitted
