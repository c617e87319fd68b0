"""`capture`: how every cell follows its stimuli."""

from __future__ import annotations

import numpy as np
import pandas as pd
import xarray as xr

from ionwidgets.errors import RecordingError
from ionwidgets.recordings.biomarkers import beats_by_itself, biomarkers, cycle_lengths
from ionwidgets.recordings.upstrokes import stimulus_times
from ionwidgets.simulation.captured import captured
from ionwidgets.simulation.given import check_dataset, shown
from ionwidgets.simulation.sampled_biomarkers import sampled_biomarkers

ALTERNANS = 2.0  # ms
EAD = 3.0  # mV


def capture(dataset: xr.Dataset, last: int = 8) -> pd.DataFrame:
    """How every cell follows its last stimuli: 1:1, alternans, 2:1, EAD, failed, irregular or no beats.

    A stimulus captures when its beat rises by at least half as much as the cell's tallest one, and above
    -20 mV (where V is in mV). Of the `last` beats, the very last aside where it has not repolarised:

    EAD: one that captures has late_rise (see `biomarkers`) above 3 mV;
    1:1: every one captures; alternans: so too, and APD90 goes up and down in turn, each time by more than
    2 ms;
    2:1: every other one captures; failed: none does; irregular: anything else, such as 3:2;
    no beats: there is no stimulus to follow, as in a run that ends before the first one, or in a recording
    without action potentials, whose stimuli cannot be told.

    Returns
    -------
    DataFrame with a row a cell: cell, cycle_length [ms], beats (how many were looked at), captured (how many
    of them did), capture.

    Raises
    ------
    RecordingError : no dimension cell, no V and no beats in the dataset, a clamp, a cell without a stimulus,
        a recording whose cycle length is not known, or `last` no whole number from 1 on.

    Examples
    --------
    >>> import ionwidgets as iw
    >>> iw.capture(iw.simulate(iw.load_model("tnnp2004"), [200, 1000], 10_000, variables=[]))
    """
    check_dataset("capture", dataset, RecordingError)
    _check_last(last)
    protocol = dataset.attrs.get("protocol", "")
    if protocol in ("VoltageClamp", "CurrentClamp"):
        raise RecordingError(
            f"capture needs paced cells, and a {protocol} has no stimuli to follow; "
            "pace the cell, or read the clamp with iv_curve, spikes or biomarkers"
        )
    if beats_by_itself(dataset):
        raise RecordingError(
            "capture needs paced cells, and this one is given no stimulus (amplitude 0): it beats by itself; "
            "give simulate a stimulus=(A/F, ms), or read its beats with biomarkers"
        )
    rows = []
    for cell, length in enumerate(cycle_lengths(dataset)):
        table = _beats(dataset, cell, float(length))
        if len(table) > 1 and not np.isfinite(table["APD90"].iloc[-1]):
            table = table.iloc[:-1]
        in_mV = "V" not in dataset or dataset["V"].attrs.get("units") == "mV"
        seen = captured(table["RMP"], table["peak"], in_mV=in_mV)[-last:]
        table = table.iloc[-last:]
        word = _word(seen, table["APD90"].to_numpy(), table["late_rise"].to_numpy())
        rows.append(
            {
                "cell": cell,
                "cycle_length": length,
                "beats": seen.size,
                "captured": int(seen.sum()),
                "capture": word,
            }
        )
    return pd.DataFrame(rows)


def _check_last(last: object) -> None:
    if not (isinstance(last, int | np.integer) and last >= 1):
        raise RecordingError(
            f"last must be at least 1, the whole number of beats to look at; found {shown(last)}"
        )


def _beats(dataset: xr.Dataset, cell: int, cycle_length: float) -> pd.DataFrame:
    if "APD90" in dataset:
        return biomarkers(dataset.isel(cell=[cell]))
    if "V" not in dataset:
        raise RecordingError(f"no V in this dataset; it has {', '.join(map(str, dataset.data_vars))}")
    time, V = dataset["time"].values, dataset["V"].values[cell]
    return pd.DataFrame(sampled_biomarkers(time, V, stimulus_times(time, V, cycle_length)))


def _word(seen: np.ndarray, APD90: np.ndarray, late_rise: np.ndarray) -> str:
    if not seen.size:
        return "no beats"
    if not seen.any():
        return "failed"
    if np.any(late_rise[seen] > EAD):
        return "EAD"
    if seen.all():
        change = np.diff(APD90)
        in_turn = change.size > 2 and np.all(change[1:] * change[:-1] < 0)
        return "alternans" if in_turn and np.all(np.abs(change) > ALTERNANS) else "1:1"
    return "2:1" if seen.size > 2 and np.all(seen[1:] != seen[:-1]) else "irregular"
