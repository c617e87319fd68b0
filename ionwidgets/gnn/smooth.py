"""What a noisy recording shows of V, Ca_i and dV/dt: the model's own beat, and a smooth curve beside it.

Noise in V is an error of what the currents are computed from, too: I_K1 at rest, steep in V, would be found
too small. What the recording adds to the model's own beat bends less than the beat itself, so that local
quadratic fits to it (Savitzky and Golay 1964) take more noise away than they take of the curve.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from ionwidgets.models import IonicModel
from ionwidgets.recordings.typical_beat import TypicalBeat

BEFORE, AFTER = 1.0, 6.0  # ms around the stimulus onset that are left out: stimulus and upstroke
WIDTH = 9.0  # ms, of a local fit
NOISY = 0.02  # mV
NOISY_CALCIUM = 0.0005  # of the transient


class Slope(NamedTuple):
    """dV/dt (N,) [mV/ms], the variance that noise gives it, and from how many samples one value is taken."""

    dVdt: NDArray
    variance: float
    width: int


def smoothed(
    model: IonicModel, beat: TypicalBeat, control: xr.Dataset, cell: int
) -> tuple[dict[str, NDArray], Slope]:
    """The observables (N,) of a beat by name, and dV/dt; smoothed where there is noise, but for the upstroke.

    `control`: as `prepare.control_run` has it; `cell`: which of its cells is paced like this beat.
    """
    observed = {model.voltage: beat.V}
    if model.calcium and beat.Ca_i is not None:
        observed[model.calcium] = beat.Ca_i
        if beat.noise_Ca > NOISY_CALCIUM * np.ptp(beat.Ca_i):
            own = _control_beat(model.calcium, beat, control, cell)
            observed[model.calcium] = own + _fitted(beat.Ca_i - own, beat, 0)
    if beat.noise_V < NOISY:
        return observed, Slope(np.gradient(beat.V, beat.step), 0.0, 1)
    from scipy.signal import savgol_coeffs  # a second of imports that clean recordings do not need

    own = _control_beat(model.voltage, beat, control, cell)
    observed[model.voltage] = own + _fitted(beat.V - own, beat, 0)
    slope = np.gradient(own, beat.step) + _fitted(beat.V - own, beat, 1)
    gain = savgol_coeffs(_window(beat), 2, deriv=1, delta=beat.step)
    return observed, Slope(slope, float(beat.noise_V**2 * np.sum(gain**2)), _window(beat))


def _control_beat(name: str, beat: TypicalBeat, control: xr.Dataset, cell: int) -> NDArray:
    """The model's own observable (N,) at a beat's samples; the control ends where the beat begins."""
    time = np.linspace(0.0, beat.cycle_length, round(beat.cycle_length) + 1)
    own: NDArray = np.interp(beat.time - beat.time[0], time, control[name].values[cell, -time.size :])
    return own


def _fitted(added: NDArray, beat: TypicalBeat, derivative: int) -> NDArray:
    """Local fits from after one upstroke to before the next, in time's order: none reaches across one."""
    from scipy.signal import savgol_filter

    rest = np.concatenate([np.flatnonzero(beat.time > AFTER), np.flatnonzero(beat.time < -BEFORE)])
    fitted = np.gradient(added, beat.step) if derivative else added.copy()
    fitted[rest] = savgol_filter(added[rest], _window(beat), 2, deriv=derivative, delta=beat.step)
    return fitted


def _window(beat: TypicalBeat) -> int:
    return max(5, 2 * round(WIDTH / beat.step / 2) + 1)


def within(beat: TypicalBeat) -> NDArray[np.bool_]:
    """Which samples (N,) no local fit reaches out of what was recorded from."""
    assert beat.recorded is not None
    reach = np.ones(_window(beat))
    near: NDArray[np.bool_] = (
        np.convolve(~np.pad(beat.recorded, reach.size // 2, mode="wrap"), reach, "valid") == 0
    )
    return near
