"""`biomarkers`: a row a beat, of a simulation or of a recording."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pandas as pd
import xarray as xr
from scipy.ndimage import median_filter, uniform_filter1d

from ionwidgets.errors import RecordingError
from ionwidgets.recordings.units import ARBITRARY
from ionwidgets.recordings.upstrokes import beats_of, diastoles, period
from ionwidgets.simulation.given import check_dataset
from ionwidgets.simulation.sampled_biomarkers import NAMES, sampled_biomarkers

COLUMNS = (*NAMES[: NAMES.index("APD90") + 1], "triangulation", *NAMES[NAMES.index("APD90") + 1 :])
BY_ITSELF = 0.15  # of its height: by how much a cell that beats by itself rises before its upstroke
BEFORE_UPSTROKE = 5.0  # ms; rest is taken here where no stimulus is known
DYE_NEAR = 0.03  # of a dye's height: what is so near to its lowest value is rest
DYE_RISE = 40.0  # ms: in which its upstroke has begun
DYE_MEAN = 2.0  # ms: over which its noise is averaged


def biomarkers(dataset: xr.Dataset) -> pd.DataFrame:
    """Biomarkers of every beat of every cell.

    A beat lasts from one onset of the stimulus to the next. Where a simulated cell is given none because it
    beats by itself (amplitude 0), a beat lasts from the lowest V before one upstroke, the maximum diastolic
    potential, to that before the next, and `cycle_length` is the cell's own: the mean time between upstrokes.

    RMP [mV]: V at the onset; peak [mV]: the largest V; dVdt_max [mV/ms]: the largest slope;
    upstroke_time [ms]: when the slope is largest, after the onset;
    APDp [ms]: from the upstroke to the first later fall of V below peak - (peak - RMP) p/100;
    triangulation [ms]: APD90 - APD30;
    late_rise [mV]: how far V rises again between 50 ms after the upstroke and APD90, as in an early
    afterdepolarisation (the notch and the dome lie before);
    Ca_diastolic, Ca_peak [mM]: the least and the largest Ca_i of the beat; Ca_time_to_peak [ms]: of Ca_peak
    after the upstroke; CaTD90 [ms]: from the upstroke to the first fall of Ca_i, after its peak, below
    Ca_peak - 0.9 (Ca_peak - Ca_i at the onset), the onset because Ca_i may fall lower than that later on.

    A paced simulation's are those of the solver's own steps. Those of a cell that beats by itself, of a
    clamp and of a recording come from the samples: peaks may be missed by some mV at 1 ms samples. In the
    last two every beat is taken from 5 ms before its upstroke to the next; of a dye from its rest in the 40
    ms before; in a recording that creeps up to its upstroke, by 15 % of its height, from where V was lowest.
    `capture` tells from them how a cell follows its stimuli.

    Returns
    -------
    DataFrame with columns cell, cycle_length, beat and the above; NaN where a beat has none.

    Raises
    ------
    RecordingError : this is no Dataset with the dimension cell, or it has no V.
    """
    check_dataset("biomarkers", dataset, RecordingError)
    alone = beats_by_itself(dataset)
    if alone and "V" not in dataset:
        raise RecordingError(
            "this cell is given no stimulus, so its beats are found in samples of V, which were not stored; "
            'simulate it with "V" among the variables'
        )
    if "V" not in dataset and "APD90" not in dataset:
        raise RecordingError(f"no V in this dataset; it has {', '.join(map(str, dataset.data_vars))}")
    lengths = cycle_lengths(dataset)
    frames = [
        pd.DataFrame(_of_cell(dataset, cell, alone)).assign(
            cell=cell, **({} if alone else {"cycle_length": float(length)})
        )
        for cell, length in enumerate(lengths)
    ]
    table = pd.concat(frames, ignore_index=True)
    table["triangulation"] = table["APD90"] - table["APD30"]
    return table[["cell", "cycle_length", "beat", *COLUMNS]]


def cycle_lengths(dataset: xr.Dataset) -> np.ndarray:
    """Cycle length [ms] of every cell; NaN where a dataset has none."""
    if "cycle_length" in dataset.coords:
        return np.asarray(dataset["cycle_length"].values, dtype=float)
    return np.full(dataset.sizes["cell"], np.nan)


def beats_by_itself(dataset: xr.Dataset) -> bool:
    """Whether the dataset is of simulated cells that are given no stimulus."""
    stimulus = np.atleast_1d(dataset.attrs.get("stimulus", np.nan))
    return bool(stimulus[0] == 0)


def _of_cell(dataset: xr.Dataset, cell: int, alone: bool) -> dict[str, np.ndarray]:
    if "APD90" in dataset and not alone:
        return _stored(dataset, cell)
    return _sampled(dataset, cell, alone)


def _stored(dataset: xr.Dataset, cell: int) -> dict[str, np.ndarray]:
    paced = np.flatnonzero(np.isfinite(dataset["RMP"].values[cell]))
    return {"beat": paced, **{name: dataset[name].values[cell][paced] for name in NAMES}}


def _sampled(dataset: xr.Dataset, cell: int, alone: bool) -> dict[str, np.ndarray]:
    time, V = dataset["time"].values, dataset["V"].values[cell]
    upstrokes = beats_of(dataset, cell)
    if alone:
        onsets = diastoles(time, V, upstrokes)
    elif dataset["V"].attrs.get("units") == ARBITRARY:
        onsets = _rests(time, V, upstrokes)
    elif "model" in dataset.attrs:
        onsets = upstrokes - BEFORE_UPSTROKE
    else:
        onsets = _diastoles_or_rests(time, V, upstrokes)
    Ca = dataset["Ca_i"].values[cell] if "Ca_i" in dataset else None
    found = sampled_biomarkers(time, V, onsets, Ca)
    own = {"cycle_length": np.full(onsets.size, period(upstrokes))} if alone else {}
    return {"beat": np.arange(onsets.size), **found, "upstroke_time": found["upstroke_time"] - onsets, **own}


def _rests(time: np.ndarray, V: np.ndarray, upstrokes: np.ndarray) -> np.ndarray:
    """A sample of the rest of a dye before each of its `upstrokes` [ms], which it shows rounded.

    The one that is most like the mean of the rest: the lowest is where noise went down most.
    """
    if not upstrokes.size:
        return upstrokes
    V = V[np.isfinite(V)]
    smooth = uniform_filter1d(V, max(1, round(DYE_MEAN / (time[1] - time[0]))), mode="nearest")
    middle = median_filter(V, 3, origin=1)  # as RMP is taken: the last three samples
    firsts, lasts = (np.searchsorted(time, upstrokes - before) for before in (DYE_RISE, BEFORE_UPSTROKE))
    rests = []
    for first, last in zip(firsts, lasts, strict=True):
        before = slice(first, max(first + 1, last))
        near = np.flatnonzero(smooth[before] <= smooth[before].min() + DYE_NEAR * np.ptp(smooth))
        rest = np.arange(first, first + int(near[-1]) + 1)[int(near[0]) :]
        rests.append(rest[np.argmin(np.abs(middle[rest] - V[rest].mean()))])
    return time[rests]


def _diastoles_or_rests(time: np.ndarray, V: np.ndarray, upstrokes: np.ndarray) -> np.ndarray:
    """Where V was lowest before each of the `upstrokes` [ms] that it crept up to; else rest, just before."""
    onsets = upstrokes - BEFORE_UPSTROKE
    V = V[np.isfinite(V)]
    if not onsets.size:
        return onsets
    smooth = uniform_filter1d(V, max(1, round(DYE_MEAN / (time[1] - time[0]))), mode="nearest")
    ends = np.searchsorted(time, onsets)
    for beat, (start, end) in enumerate(pairwise([0, *ends])):
        low = start + int(np.argmin(smooth[start : end + 1]))
        if smooth[end] - smooth[low] > BY_ITSELF * np.ptp(smooth):
            onsets[beat] = time[low]
    return onsets
