"""One trace, examined for one fault after another, each time as it would be without those found before."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ionwidgets.recordings.artefacts import blanked, despiked, find_artefacts, fires_spikes
from ionwidgets.recordings.baseline import find_drift, peak_levels, rest_levels
from ionwidgets.recordings.biomarkers import BEFORE_UPSTROKE
from ionwidgets.recordings.hum import find_hum, without_hum
from ionwidgets.recordings.noise import noise_of, smoothed
from ionwidgets.recordings.polarity import steepest_fall
from ionwidgets.recordings.saturation import clipped_runs
from ionwidgets.recordings.upstrokes import LEAST_BEATS, LEAST_HEIGHT, find_beats
from ionwidgets.simulation.sampled_biomarkers import noise_level, sampled_biomarkers

MOST_NOISE: Final = {"mV": 1.0}
NOISE_SHARE: Final = 0.03  # of the height, in arbitrary units
LEAST_HUM: Final = {"mV": 0.3}
HUM_SHARE: Final = 0.01
MEMBRANE: Final = (-120.0, -20.0)  # mV between which membranes rest
NERVE: Final = 0.25  # of the span, at most, is left of a nerve's trace without its spikes


@dataclass(frozen=True)
class Found:
    """A fault of a trace: its kind, a sentence with figures, the mend's name and what the mend does."""

    kind: str
    words: str
    mend: str | None = None
    done: str = ""  # what was done, in the past tense
    change: Callable[[NDArray], NDArray] | None = None  # (N,) -> (N,)


def examine(time: NDArray, V: NDArray, unit: str, paced: bool) -> list[Found]:
    """Faults of one trace in the order in which they must be mended.

    Parameters
    ----------
    time, V : (N,) ms and mV or a.u., without NaN.
    unit : of V.
    paced : whether the cycle length is known.
    """
    found: list[Found] = []
    if V.size < 3:
        return [Found("no-beats", f"only {V.size} samples")]

    def mended(fault: Found) -> NDArray:
        found.append(fault)
        return fault.change(V) if fault.change else V

    step, least = float(time[1] - time[0]), LEAST_HEIGHT.get(unit, 0.0)
    turned = upside_down(time, V) if unit == "a.u." else None
    if turned:
        V = mended(turned)
    raw, spikes = V, fires_spikes(time, V, least)
    spans = [] if spikes else find_artefacts(time, V, noise_of(step, V), least)
    if spans:
        V = mended(_artefact(time, V, spans, unit))
    height = _height(time, V if spikes else despiked(step, V), least)
    hum = None if spikes else find_hum(time, V, LEAST_HUM.get(unit, HUM_SHARE * height))
    if hum:
        V = mended(_hum(time, hum, unit))
    found += saturation(time, raw, unit)
    noise = noise_level(V) if spikes else noise_of(step, V)
    if height > 0 and noise > MOST_NOISE.get(unit, NOISE_SHARE * height):
        V = mended(_noise(step, noise, height, unit))
    upstrokes = find_beats(time, V, least_height=least)
    drift = find_drift(time, V, upstrokes, unit)
    if drift:
        words = f"rest moves by {drift.moved:+.3g} {unit} from the first beat to the last"
        if height > 0:
            words += f", {abs(drift.moved) / height:.0%} of the height"
        words += f", with a time constant of {drift.tau:.0f} ms" if drift.tau else ""
        words += f"; the height falls by {drift.faded:.0%}" if drift.faded else ""
        done = f"rest, which moved by {drift.moved:+.3g} {unit}, set to what it was at the start"
        done += f", the height, which fell by {drift.faded:.0%}, too" if drift.faded else ""
        V = mended(Found("drift", words, "detrend", done, drift.taken_out))
    return found + _level(time, V, upstrokes, unit) + _beats(time, V, upstrokes, paced)


def upside_down(time: NDArray, y: NDArray) -> Found | None:
    """Whether action potentials point down."""
    plain = despiked(float(time[1] - time[0]), y)
    nerve = fires_spikes(time, y, 0.0) or (
        np.ptp(plain) < NERVE * np.ptp(y) and fires_spikes(time, -y, 0.0)  # one that points down
    )
    fall = steepest_fall(time, y if nerve else plain)
    if fall is None:
        return None
    ends = float(y.min()) + float(y.max())
    return Found(
        "upside-down",
        f"action potentials point down: the steepest change is a fall, of {fall[0]:.3g} a.u. at "
        f"{fall[1]:.0f} ms",
        "flip",
        "turned upside down within its range",
        lambda trace: ends - trace,
    )


def saturation(time: NDArray, V: NDArray, unit: str) -> list[Found]:
    """Runs of samples at either end of the range."""
    found = []
    for low in (False, True):
        runs = clipped_runs(V, low=low)
        if runs:
            step = float(time[1] - time[0])
            longest = max((last - first + 1) * step for first, last in runs)
            end, spoilt = ("lowest", "rest is") if low else ("largest", "the peak and APD are")
            words = (
                f"{_count(len(runs), 'run')} of samples exactly at the {end} value, {V[runs[0][0]]:.4g} "
                f"{unit}, the first at {time[runs[0][0]]:.0f} ms, the longest of {longest:.3g} ms: the "
                f"amplifier's range ends there, and {spoilt} not to be trusted"
            )
            found.append(Found("saturation", words))
    return found


def _height(time: NDArray, V: NDArray, least: float) -> float:
    """Median height of the action potentials, which a drift does not add to; the span where there is none."""
    upstrokes = find_beats(time, V, least_height=least)
    heights = peak_levels(time, V, upstrokes) - rest_levels(time, V, upstrokes)
    height = float(np.nanmedian(heights)) if np.isfinite(heights).any() else 0.0
    return height if height > 0 else float(np.ptp(V))


def _artefact(time: NDArray, V: NDArray, spans: list[tuple[int, int]], unit: str) -> Found:
    plain = blanked(V, spans)
    first, last = spans[0]
    most = max((float(np.abs(V - plain)[a : b + 1].max()) for a, b in spans), default=0.0)
    step = float(time[1] - time[0])
    words = (
        f"{_count(len(spans), 'spike')} before upstrokes, of up to {most:.3g} {unit}, the first at "
        f"{time[first]:.1f} ms, of {(last - first + 1) * step:.3g} ms: stimulus artefacts"
    )
    done = (
        f"{_count(sum(b - a + 1 for a, b in spans), 'sample')} of {_count(len(spans), 'spike')} replaced by "
    )
    done += "straight lines"
    return Found("artefact", words, "blank", done, lambda trace: blanked(trace, spans))


def _hum(time: NDArray, hum: tuple[float, float], unit: str) -> Found:
    frequency, amplitude = hum
    words = f"mains hum of {amplitude:.2g} {unit} (amplitude) at {frequency:.1f} Hz"
    done = f"a sine of {amplitude:.2g} {unit} at {frequency:.1f} Hz taken out"
    return Found("hum", words, "smooth", done, lambda trace: without_hum(time, trace, frequency))


def _noise(step: float, noise: float, height: float, unit: str) -> Found:
    words = f"noise of {noise:.2g} {unit} (standard deviation), {noise / height:.1%} of the height"
    done = f"noise of {noise:.2g} {unit} smoothed over 10 ms, upstrokes left as they are"
    return Found("noise", words, "smooth", done, lambda trace: smoothed(step, trace, noise))


def _level(time: NDArray, V: NDArray, upstrokes: NDArray, unit: str) -> list[Found]:
    levels = rest_levels(time, V, upstrokes)
    if unit != "mV" or not np.isfinite(levels).any():
        return []
    rest = float(np.nanmedian(levels))
    if MEMBRANE[0] <= rest <= MEMBRANE[1]:
        return []
    return [
        Found(
            "rest",
            f"V is {rest:.0f} mV before its upstrokes, which no membrane rests at "
            f"({MEMBRANE[0]:g} to {MEMBRANE[1]:g} mV): an offset, a junction potential or another unit",
        )
    ]


def _beats(time: NDArray, V: NDArray, upstrokes: NDArray, paced: bool) -> list[Found]:
    if not upstrokes.size:
        return [Found("no-beats", "no action potentials found")]
    found = []
    if upstrokes.size < LEAST_BEATS and not paced:
        found.append(
            Found(
                "few-beats",
                f"{_count(upstrokes.size, 'beat')}, too few to tell the cycle length; give it",
            )
        )
    if not np.isfinite(sampled_biomarkers(time, V, upstrokes - BEFORE_UPSTROKE)["APD90"]).any():
        found.append(
            Found("incomplete", f"no beat repolarises by 90 % before the recording ends at {time[-1]:.0f} ms")
        )
    return found


def _count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"
