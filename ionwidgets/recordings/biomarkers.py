"""`biomarkers`: a row a beat, of a simulation or of a recording."""

from __future__ import annotations

import numpy as np
import pandas as pd
import xarray as xr

from ionwidgets.errors import RecordingError
from ionwidgets.recordings.beats import find_beats
from ionwidgets.simulation.sampled_biomarkers import NAMES, sampled_biomarkers

BEFORE_UPSTROKE = 5.0  # ms; rest is taken here where no stimulus is known


def biomarkers(dataset: xr.Dataset) -> pd.DataFrame:
    """Biomarkers of every beat of every cell.

    RMP [mV] is V at the stimulus onset, peak [mV] the beat's maximum, dVdt_max [mV/ms] the largest slope,
    APDp [ms] from the time of the largest slope to the first later fall of V below peak - (peak - RMP) p/100,
    Ca_diastolic and Ca_peak [mM] the beat's least and largest Ca_i, upstroke_time [ms] when the slope is
    largest, after the onset. A simulation's are those of the solver's own steps. A recording's come from its
    samples, with every beat taken from 5 ms before its upstroke to the next: peaks may be missed by some mV
    at 1 ms samples.

    Returns
    -------
    DataFrame with columns cell, cycle_length, beat and the above; NaN where a beat has none.

    Raises
    ------
    RecordingError : the dataset has no V.
    """
    if "V" not in dataset and "APD90" not in dataset:
        raise RecordingError(f"no V in this dataset; it has {', '.join(map(str, dataset.data_vars))}")
    frames = [
        pd.DataFrame(_stored(dataset, cell) if "APD90" in dataset else _sampled(dataset, cell)).assign(
            cell=cell, cycle_length=float(length)
        )
        for cell, length in enumerate(dataset["cycle_length"].values)
    ]
    table = pd.concat(frames, ignore_index=True)
    return table[["cell", "cycle_length", "beat", *NAMES]]


def _stored(dataset: xr.Dataset, cell: int) -> dict[str, np.ndarray]:
    paced = np.flatnonzero(np.isfinite(dataset["RMP"].values[cell]))
    return {"beat": paced, **{name: dataset[name].values[cell][paced] for name in NAMES}}


def _sampled(dataset: xr.Dataset, cell: int) -> dict[str, np.ndarray]:
    time, V = dataset["time"].values, dataset["V"].values[cell]
    onsets = find_beats(time, V) - BEFORE_UPSTROKE
    Ca = dataset["Ca_i"].values[cell] if "Ca_i" in dataset else None
    found = sampled_biomarkers(time, V, onsets, Ca)
    return {"beat": np.arange(onsets.size), **found, "upstroke_time": found["upstroke_time"] - onsets}
