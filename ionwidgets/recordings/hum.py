"""Mains hum: a line at 50 or 60 Hz, and its harmonics, taken out as the sine that fits it.

A notch filter rings at every upstroke; a sine fitted where V is slow does not touch it. Hann-weighted
stretches of 2 s, each with its own phase, follow a mains whose frequency wanders.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

MAINS: Final = (50.0, 60.0)  # Hz
BIN: Final = 1.0  # ms to which finer samples are averaged for the search
COARSEST: Final = 4.0  # ms; beyond it 60 Hz has too few samples
SHORTEST: Final = 300.0  # ms
STRETCH: Final = 2000.0  # ms
LEAST_SLOW: Final = 0.1  # of a stretch, by which a sine can be fitted
STEEP: Final = 2.0  # times the usual range of V within 40 ms: an action potential's own change
CLEAR: Final = 3.0  # times the largest of the neighbouring lines
HARMONICS: Final = 3
WANDER: Final = 0.3  # Hz to either side of 50 or 60


def find_hum(time: NDArray, V: NDArray, least: float) -> tuple[float, float] | None:
    """Frequency [Hz] and amplitude [unit of V] of the mains in V (N,); None below `least` or where no line
    stands out."""
    found = [line for mains in MAINS if (line := _line(time, V, mains, least)) is not None]
    return max(found, key=lambda line: line[1], default=None)


def without_hum(time: NDArray, V: NDArray, frequency: float) -> NDArray:
    """V less the sine at `frequency` [Hz] and less those of its harmonics that stand out."""
    for harmonic in range(1, HARMONICS + 1):
        line = _line(time, V, harmonic * frequency, wander=WANDER if harmonic == 1 else 0.0)
        if line is not None:
            V = V - _sine(time, V, line[0])
    return V


def _line(
    time: NDArray, V: NDArray, mains: float, least: float = 0.0, wander: float = WANDER
) -> tuple[float, float] | None:
    t, x, weight = _slow_part(time, V, mains)
    length = float(weight.sum() * (t[1] - t[0])) if t.size > 1 else 0.0
    if length < SHORTEST:
        return None
    near = mains + np.arange(-wander, wander + 0.01, 0.05)
    amplitudes = _amplitudes(t, x, weight, near)
    best = int(np.argmax(amplitudes))
    if amplitudes[best] < least:
        return None
    nearest = max(4.0, 2500.0 / min(length, STRETCH))
    offsets = np.linspace(nearest, nearest + 8.0, 12)
    neighbours = _amplitudes(t, x, weight, np.concatenate([mains - offsets, mains + offsets]))
    return (
        (float(near[best]), float(amplitudes[best])) if amplitudes[best] > CLEAR * neighbours.max() else None
    )


def _slow_part(time: NDArray, V: NDArray, mains: float) -> tuple[NDArray, NDArray, NDArray]:
    """Time, V less its mean over a period of the mains, and 1 where V is slow, 0 elsewhere."""
    from scipy.ndimage import maximum_filter1d, minimum_filter1d, uniform_filter1d

    step = float(time[1] - time[0])
    kept = max(1, round(BIN / step))
    whole = V.size // kept * kept
    t, y = (a[:whole].reshape(-1, kept).mean(1) for a in (time, V))
    step *= kept
    if step > COARSEST or t.size * step < SHORTEST or mains > 400.0 / step:
        return t[:0], y[:0], y[:0]
    within = max(3, round(40.0 / step))
    spread = maximum_filter1d(y, within) - minimum_filter1d(y, within)
    weight = (spread <= STEEP * np.median(spread)).astype(float)
    return t, y - uniform_filter1d(y, max(2, round(1000.0 / mains / step))), weight


def _stretches(t: NDArray, weight: NDArray) -> list[tuple[slice, NDArray]]:
    """Slices of at most 2 s that overlap by half and have enough slow samples, and their Hann windows."""
    step = float(t[1] - t[0])
    n = min(t.size, round(STRETCH / step))
    if n == t.size:
        return [(slice(0, n), np.hanning(n + 2)[1:-1])]
    starts = [*range(0, t.size - n, n // 2), t.size - n]
    window = np.hanning(n + 2)[1:-1]
    return [
        (slice(s, s + n), window) for s in starts if weight[s : s + n] @ window > LEAST_SLOW * window.sum()
    ]


def _fit(t: NDArray, x: NDArray, weight: NDArray, frequencies: NDArray) -> NDArray:
    """Cosine's and sine's amplitudes (F, 2) at the frequencies (F,) by weighted least squares."""
    wave = np.exp(2e-3j * np.pi * frequencies[:, None] * t)
    # Sums of w cos^2, w sin^2 and w sin cos from those of w and of w e^(2 i phase).
    whole, double, product = weight.sum(), wave**2 @ weight, wave @ (weight * x)
    cc, ss, cs = 0.5 * (whole + double.real), 0.5 * (whole - double.real), 0.5 * double.imag
    determinant = cc * ss - cs**2
    a = (ss * product.real - cs * product.imag) / determinant
    b = (cc * product.imag - cs * product.real) / determinant
    return np.stack([a, b], axis=1)


def _amplitudes(t: NDArray, x: NDArray, weight: NDArray, frequencies: NDArray) -> NDArray:
    """Roots of the mean power (F,) [unit of x, as amplitudes] over the stretches."""
    power = [
        np.sum(_fit(t[part], x[part], weight[part] * window, frequencies) ** 2, axis=1)
        for part, window in _stretches(t, weight)
    ]
    amplitudes: NDArray = np.sqrt(np.mean(power or [np.zeros(frequencies.size)], axis=0))
    return amplitudes


def _sine(time: NDArray, V: NDArray, frequency: float) -> NDArray:
    t, x, weight = _slow_part(time, V, frequency)
    total, share = np.zeros(time.size), np.zeros(time.size)
    for part, window in _stretches(t, weight):
        ((a, b),) = _fit(t[part], x[part], weight[part] * window, np.array([frequency]))
        alone = window.size == t.size
        here = np.ones(time.size) if alone else np.interp(time, t[part], window + 1e-6, left=0.0, right=0.0)
        if not alone:  # before the first middle and after the last there is no other stretch
            here[time < t[0]] = here[time > t[-1]] = 1e-6
        phase = 2e-3 * np.pi * frequency * time
        total += here * (a * np.cos(phase) + b * np.sin(phase))
        share += here
    return total / np.maximum(share, 1e-12)
