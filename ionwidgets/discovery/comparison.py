"""One beat of a recording beside the model's, cut out of their traces to be laid over each other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import xarray as xr
from numpy.typing import NDArray


class Beat(NamedTuple):
    """One beat against time in ms, 0 at its upstroke; `Ca_i` in mM, None where it was not recorded."""

    time: NDArray[np.float64]
    V: NDArray[np.float64]
    Ca_i: NDArray[np.float64] | None


@dataclass(frozen=True)
class Comparison:
    """One beat at one cycle length in ms: recorded, and of the model.

    `paced` is by source: "control", "found" (with the changes), "neural ODE" (the retrained network's gates).
    """

    cycle_length: float
    v_units: str
    recorded: Beat
    paced: dict[str, Beat]


BEFORE = 20.0  # ms shown before the upstroke


def last_beat(dataset: xr.Dataset, cell: int = 0) -> Beat:
    """The last beat that `dataset` holds whole, of one cell."""
    V = np.asarray(dataset["V"].isel(cell=cell), float)
    known = np.flatnonzero(np.isfinite(V))
    time = np.asarray(dataset["time"], float)[known]
    V = V[known]
    Ca_i = np.asarray(dataset["Ca_i"].isel(cell=cell), float)[known] if "Ca_i" in dataset else None
    length = float(dataset["cycle_length"][cell])
    if not np.isfinite(length):
        length = float(time[-1] - time[0])
    slope = np.gradient(V, time)
    # A whole beat after the upstroke must be there: look for the steepest rise where that is so.
    candidates = np.flatnonzero((time >= time[0] + BEFORE) & (time <= time[-1] - length + BEFORE))
    latest = candidates[time[candidates] > time[candidates[-1]] - length] if candidates.size else candidates
    # A recording that is shorter than its cycle has its upstroke wherever it is.
    upstroke = time[latest[np.argmax(slope[latest])] if latest.size else np.argmax(slope)]
    shown = (time >= upstroke - BEFORE) & (time <= upstroke - BEFORE + length)
    return Beat(time[shown] - upstroke, V[shown], None if Ca_i is None else Ca_i[shown])


def compared(result: Any) -> Comparison:
    """The longest recorded cycle length beside the model."""
    paced = result.paced
    cycle_length = float(paced["cycle_length"][0])
    lengths = np.asarray(result.recording["cycle_length"], float)
    recorded = last_beat(result.recording, int(np.nanargmin(np.abs(lengths - cycle_length))))
    if "Ca_i" in result.recording and result.recording["Ca_i"].attrs.get("units", "mM") != "mM":
        recorded = recorded._replace(Ca_i=None)  # a dye's arbitrary units share no axis with the model's
    return Comparison(
        cycle_length,
        str(result.recording["V"].attrs.get("units", "mV")),
        recorded,
        {str(source): last_beat(paced, cell) for cell, source in enumerate(paced["source"].values)},
    )
