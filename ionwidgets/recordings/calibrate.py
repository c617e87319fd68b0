"""`calibrate`: an optical V in mV, by where its rest and its peak are taken to lie."""

from __future__ import annotations

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from ionwidgets.errors import RecordingError
from ionwidgets.recordings.artefacts import blanked, despiked, find_artefacts
from ionwidgets.recordings.baseline import peak_levels, rest_levels
from ionwidgets.recordings.faults import recorded
from ionwidgets.recordings.noise import noise_of, smoothed
from ionwidgets.recordings.polarity import steepest_fall
from ionwidgets.recordings.upstrokes import find_beats
from ionwidgets.simulation.given import check_dataset, number


def calibrate(dataset: xr.Dataset, rest: float = -85.0, peak: float = 40.0) -> xr.Dataset:
    """V of a dye, in a.u., as mV:

        V = rest + (peak - rest) (y - y_rest) / (y_peak - y_rest)

    with y_rest, y_peak the medians over the beats of what precedes the upstrokes and of the largest y within
    60 ms after them, cell by cell; noise is smoothed for finding them, not in what is returned. A dye says
    nothing of `rest` and `peak`: they are assumptions, and `discover` makes its own, from the model.

    Parameters
    ----------
    dataset : dims cell, time; V in a.u., upright, without drift (`faults` tells, `mend` helps).
    rest, peak : mV that y_rest and y_peak stand for.

    Returns
    -------
    A copy with V in mV, ``attrs["calibrated"]``, and the attrs ``range_before`` (lowest, largest) and
    ``units_before`` of V.

    Raises
    ------
    RecordingError : V is not in a.u., a cell has no beats or points down, or rest is not below peak.
    """
    check_dataset("calibrate", dataset, RecordingError)
    rest, peak = number("rest", rest), number("peak", peak)
    if not (np.isfinite(rest) and np.isfinite(peak) and rest < peak):
        raise RecordingError(f"rest must lie below peak, both in mV; found rest={rest:g}, peak={peak:g}")
    if "V" not in dataset:
        raise RecordingError(
            f"no V in this dataset; it has {', '.join(map(str, dataset.data_vars)) or 'none'}"
        )
    unit = dataset["V"].attrs.get("units")
    if unit != "a.u.":
        raise RecordingError(f"calibrate needs V in a.u.; found it in {unit or 'no unit'}")
    V = dataset["V"].transpose("cell", "time")
    values, said = V.values.astype(float), []
    for cell in range(dataset.sizes["cell"]):
        low, high = _levels(*recorded(dataset, "V", cell), cell)
        values[cell] = rest + (peak - rest) * (values[cell] - low) / (high - low)
        said.append(f"cell {cell}: {low:.4g} to {high:.4g} a.u.")
    result = dataset.copy(deep=True)
    ends = [float(V.min()), float(V.max())]
    result["V"] = V.copy(data=values).transpose(*dataset["V"].dims)
    result["V"].attrs = {**dataset["V"].attrs, "units": "mV", "range_before": ends, "units_before": "a.u."}
    result.attrs["calibrated"] = (
        f"calibrated: rest and peak taken to be {rest:g} and {peak:g} mV; they were {', '.join(said)}"
    )
    return result


def _levels(time: NDArray, y: NDArray, cell: int) -> tuple[float, float]:
    """Rest and peak [a.u.], medians over the beats."""
    if y.size < 3:
        raise RecordingError(f"calibrate: cell {cell} has only {y.size} samples")
    step = float(time[1] - time[0])
    if steepest_fall(time, despiked(step, y)):
        raise RecordingError(f'calibrate: cell {cell} points down; turn it first: mend(recording, ["flip"])')
    noise = noise_of(step, y)
    y = smoothed(step, blanked(y, find_artefacts(time, y, noise, 0.0)), noise)
    upstrokes = find_beats(time, y)
    low, high = rest_levels(time, y, upstrokes), peak_levels(time, y, upstrokes)
    if not (np.isfinite(low).any() and np.isfinite(high).any()):
        raise RecordingError(
            f"calibrate: cell {cell} has no beat with rest before it and a peak after it; leave the cell out"
        )
    levels = float(np.nanmedian(low)), float(np.nanmedian(high))
    if not levels[0] < levels[1]:
        raise RecordingError(f"calibrate: cell {cell} does not rise above its rest; leave the cell out")
    return levels
