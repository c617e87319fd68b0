"""What is told of a response in numbers: beats where a cell is paced or beats by itself, spikes under a step.

A paced cell's biomarkers are the simulator's own. A cell that beats by itself heeds no stimulus times: its
beats are those of `recordings.biomarkers`, from the lowest V before one upstroke to that before the next.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, NamedTuple

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from ionwidgets.models import IonicModel
from ionwidgets.recordings import biomarkers, find_beats
from ionwidgets.recordings.upstrokes import period
from ionwidgets.simulation import spikes
from ionwidgets.simulation.sweep import STIMULUS_ONSET
from ionwidgets.widgets.experiment.rhythm import Rhythm

BEATING = 20.0  # mV; a V that swings less does not beat


class Biomarker(NamedTuple):
    """Its unit, and how its change is told: a potential's zero is a convention, so that one in mV."""

    unit: str
    change: Literal["percent", "difference", "count"] = "percent"


BIOMARKERS: dict[str, Biomarker] = {
    "Period": Biomarker("ms"),
    "APD90": Biomarker("ms"),
    "APD50": Biomarker("ms"),
    "Spikes": Biomarker("", "count"),
    "Rate": Biomarker("Hz"),
    "First spike after": Biomarker("ms"),
    "First interval": Biomarker("ms"),
    "Last interval": Biomarker("ms"),
    "Half-width": Biomarker("ms"),
    "Threshold": Biomarker("mV", "difference"),
    "Resting potential": Biomarker("mV", "difference"),
    "Lowest potential": Biomarker("mV", "difference"),
    "Peak": Biomarker("mV", "difference"),
    "dV/dt max": Biomarker("V/s"),
    "Ca_i diastolic": Biomarker("µM"),
    "Ca_i peak": Biomarker("µM"),
}
# Those of one beat: name -> (what the simulator calls it, factor to the unit above).
_OF_A_BEAT = {
    "APD90": ("APD90", 1.0),
    "APD50": ("APD50", 1.0),
    "Resting potential": ("RMP", 1.0),
    "Peak": ("peak", 1.0),
    "dV/dt max": ("dVdt_max", 1.0),
    "Ca_i diastolic": ("Ca_diastolic", 1000.0),
    "Ca_i peak": ("Ca_peak", 1000.0),
}


def measured(model: IonicModel, rhythm: Rhythm, dataset: xr.Dataset) -> dict[str, float]:
    """Biomarkers of the last beat or cycle, in the units of `BIOMARKERS`; what it does not have is left out.

    `dataset` holds one cell, and samples of its last two cycles.
    """
    if rhythm.kind == "step":
        found = _under_a_step(model, dataset)
    elif rhythm.kind == "spontaneous":
        found = _spontaneous(model, dataset)
    else:
        found = _last_beat({name: np.asarray(dataset[name], float)[0] for name in dataset})
    return {name: value for name, value in found.items() if np.isfinite(value)}


def _last_beat(beats: Mapping[Any, NDArray[np.float64]]) -> dict[str, float]:
    found = {}
    for name, (variable, factor) in _OF_A_BEAT.items():
        if variable in beats:
            known = beats[variable][np.isfinite(beats[variable])]
            if known.size:
                found[name] = float(known[-1]) * factor
    return found


def _spontaneous(model: IonicModel, dataset: xr.Dataset) -> dict[str, float]:
    V = np.asarray(dataset[model.voltage], float)[0]
    if np.ptp(V) < BEATING:
        return {"Resting potential": float(V[-1])}
    table = biomarkers(dataset)
    found = _last_beat({name: table[name].to_numpy() for name in table})
    found["Lowest potential"] = found.pop("Resting potential", np.nan)
    found["Period"] = period(find_beats(np.asarray(dataset["time"], float), V, least_height=BEATING))
    return found


def _under_a_step(model: IonicModel, dataset: xr.Dataset) -> dict[str, float]:
    duration = model.stimulus.duration
    begins = float(dataset["time"][0]) + float(dataset["cycle_length"][0]) + STIMULUS_ONSET
    table = spikes(dataset)
    table = table[table.time.between(begins, begins + duration)]
    times = table.time.to_numpy(dtype=float)
    rest = _last_beat({"RMP": np.asarray(dataset["RMP"], float)[0]})
    found = {**rest, "Spikes": float(times.size), "Rate": 1000.0 * times.size / duration}
    if times.size:
        slopes = _last_beat({"dVdt_max": np.asarray(dataset["dVdt_max"], float)[0]})
        found |= {
            "First spike after": times[0] - begins,
            "Half-width": float(table.half_width.iloc[0]),
            "Threshold": float(table.threshold.iloc[0]),
            "Peak": float(table.peak.max()),
            **slopes,
        }
    intervals = np.diff(times)
    if intervals.size:
        found |= {"First interval": float(intervals[0]), "Last interval": float(intervals[-1])}
    return found
