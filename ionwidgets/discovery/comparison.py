"""One beat of a recording beside the model's, cut out of their traces to be laid over each other."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any, Final, NamedTuple

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from ionwidgets.errors import SimulationError
from ionwidgets.recordings.capture import capture


class Beat(NamedTuple):
    """One beat against time in ms, 0 at its upstroke; `Ca_i` in mM, None where it was not recorded."""

    time: NDArray[np.float64]
    V: NDArray[np.float64]
    Ca_i: NDArray[np.float64] | None


@dataclass(frozen=True)
class Comparison:
    """One beat at one cycle length in ms: recorded, None where it was not, and of the model.

    `paced` is by source: "control", "found" (with the changes), "neural ODE" (the retrained network's gates);
    `capture`: how each follows its stimuli, as `recordings.capture` has it, where that is known.
    """

    cycle_length: float
    v_units: str
    recorded: Beat | None
    paced: dict[str, Beat]
    capture: dict[str, str] = field(default_factory=dict)


BEFORE = 20.0  # ms shown before the upstroke
PACED: Final = 20_000.0  # ms before the beat that is shown
FINE: Final = 0.1  # ms between the samples of a beat that is measured


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
    return Comparison(
        cycle_length,
        _units(result),
        _recorded(result, int(np.nanargmin(np.abs(lengths - cycle_length)))),
        {str(source): last_beat(paced, cell) for cell, source in enumerate(paced["source"].values)},
    )


def compared_at(result: Any, cycle_length: float, cell: int | None = None) -> Comparison:
    """The model at `cycle_length` [ms], paced for `PACED` ms, every `FINE` ms; `cell`: beside that of the
    recording.

    Raises
    ------
    SimulationError : the model does not run there; a neural ODE that does not is missing.
    """
    options: dict[str, Any] = {
        "record_from": max(0.0, PACED - 3 * cycle_length),
        "variables": list(result.model.observables),
        "sample": FINE,
    }
    duration = max(PACED, 3 * cycle_length)
    runs = {"control": replace(result, changes={}).simulate([cycle_length], duration, **options)}
    if result.changes:
        runs["found"] = result.simulate([cycle_length], duration, **options)
    with suppress(SimulationError):  # gates that no experiment held in place need not make a cell that runs
        runs["neural ODE"] = result.neural_ode([cycle_length], duration, **options)
    return Comparison(
        cycle_length,
        _units(result),
        None if cell is None else _recorded(result, cell),
        {source: last_beat(run) for source, run in runs.items()},
        {source: str(capture(run)["capture"].iloc[0]) for source, run in runs.items()},
    )


def is_paced_anywhere(result: Any) -> bool:
    """Whether the model can be paced at any cycle length as the recorded cell was: by its stimulus alone."""
    amplitude, _ = result.stimulus or (result.model.stimulus.amplitude, None)
    return bool(amplitude) and "I_inj" not in result.recording


def _units(result: Any) -> str:
    return str(result.recording["V"].attrs.get("units", "mV"))


def _recorded(result: Any, cell: int) -> Beat:
    recorded = last_beat(result.recording, cell)
    if "Ca_i" in result.recording and result.recording["Ca_i"].attrs.get("units", "mM") != "mM":
        recorded = recorded._replace(Ca_i=None)  # a dye's arbitrary units share no axis with the model's
    return recorded
