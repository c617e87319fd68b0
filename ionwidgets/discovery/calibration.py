"""Recordings in arbitrary units, or that drift: an affine map to the model's range, and how loose it is.

An optical signal y says V only up to V = offset + gain y. Each beat is mapped so that its rest and its peak
are those of the unchanged model at that cycle length, and both numbers stay unknown: gain to a tenth, offset
to 10 mV (Ca_i: gain to a half, offset to 30 % of the transient). With A the columns by which they move the
residuals d, in standard deviations, d has the covariance 1 + A A^T, and what a fit compares is

    (1 + A A^T)^(-1/2) d = d - U (1 - (1 + s^2)^(-1/2)) U^T d          A = U diag(s) W^T

which is what is left when both are fitted with every run. So a change that a calibration could undo counts
for little, and its interval is wide. Of a recording in mV whose rest drifts the offset alone is unknown, by
as much as it drifts.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from ionwidgets.recordings.typical_beat import TypicalBeat

GAIN = {"V": 0.1, "Ca_i": 0.5}  # standard deviations: of ln gain,
OFFSET_V, OFFSET_CA = 10.0, 0.3  # and of the offset [mV; share of the transient]
REST = 0.05  # share of the samples that are rest


def calibrated(beat: TypicalBeat, control: xr.Dataset, cell: int) -> TypicalBeat:
    """The beat with what is in arbitrary units mapped to the range of `control`'s cell; else the beat.

    A Ca_i that the model does not have, or that does not move, is left out.
    """
    for name in beat.arbitrary:
        signal, noise = (beat.V, beat.noise_V) if name == "V" else (beat.Ca_i, beat.noise_Ca)
        if signal is None or name not in control or not np.ptp(signal) > 0:
            beat = replace(beat, Ca_i=None)  # V has beats
            continue
        samples = max(2, round(beat.cycle_length))
        (low, high), (rest, peak) = _range(signal), _range(control[name].values[cell][-samples:])
        gain = (peak - rest) / (high - low)
        mapped = rest + gain * (signal - low)
        if name == "V":
            beat = replace(beat, V=mapped, noise_V=gain * noise)
        else:
            beat = replace(beat, Ca_i=mapped, noise_Ca=gain * noise)
    return beat


def _range(x: NDArray) -> tuple[float, float]:
    lowest = np.sort(x)[: max(1, round(REST * x.size))]
    return float(lowest.mean()), float(x.max())


@dataclass(frozen=True)
class Loose:
    """U (M, k) and s (k,) of one beat's residuals, of which M there are; k = 0 where all is calibrated."""

    U: NDArray
    s: NDArray

    @staticmethod
    def of(beat: TypicalBeat, names: list[str], measured: NDArray, weights: NDArray) -> Loose:
        """`measured`, `weights` (N, observables), the latter 1/sigma."""
        columns = []
        for j, name in enumerate(names):
            x = measured[:, j]
            if name in beat.arbitrary:
                offset = OFFSET_V if name == "V" else OFFSET_CA * float(np.ptp(x))
                ways = [GAIN[name] * (x - x.min()), np.full(x.size, offset)]
            else:
                ways = [np.full(x.size, beat.drifted)] if name == "V" and beat.drifted else []
            for moved in ways:
                column = np.zeros_like(measured)
                column[:, j] = moved
                columns.append((column * weights).ravel())
        if not columns:
            return Loose(np.zeros((measured.size, 0)), np.zeros(0))
        U, s, _ = np.linalg.svd(np.stack(columns, axis=1), full_matrices=False)
        return Loose(U, s)

    def whitened(self, d: NDArray) -> NDArray:
        """Residuals (M,) as if all was calibrated."""
        return d - self.U @ ((1 - (1 + self.s**2) ** -0.5) * (self.U.T @ d)) if self.s.size else d

    def at_best(self, d: NDArray) -> NDArray:
        """Residuals (M,) with the calibration that suits them best."""
        return d - self.U @ (self.s**2 / (1 + self.s**2) * (self.U.T @ d)) if self.s.size else d
