"""`resample`: a recording at another sampling interval."""

from __future__ import annotations

from typing import Final

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from ionwidgets.errors import RecordingError
from ionwidgets.simulation.given import check_dataset, number

WIDTH: Final = 0.4  # of the new interval: the Gaussian's standard deviation
LEAST_SAMPLES: Final = 10  # of a cell
MOST_SAMPLES: Final = 20_000_000
SAME: Final = 1e-9


def resample(dataset: xr.Dataset, sampling_ms: float) -> xr.Dataset:
    """A recording, or a simulation, sampled every `sampling_ms`.

    To a coarser step by a Gaussian of standard deviation 0.4 sampling_ms, without delay, and then at the new
    instants: of frequency f [1/ms] the share exp(-2 (0.4 pi f sampling_ms)^2) is kept, a twentieth where it
    would look like rest (f = 1/sampling_ms). It is an average of neighbours, so V never leaves the range that
    it had: no ringing at upstrokes, at the price of peaks that are lower. To a finer step by piecewise cubics
    that keep V monotonic between samples (PCHIP; Fritsch and Carlson 1980).

    Parameters
    ----------
    dataset : dims cell, time; time evenly spaced [ms]; NaN pads shorter cells at the end.
    sampling_ms : the new interval [ms].

    Returns
    -------
    Dataset with the same variables, time from the same start, every cell as long as before (to a sample),
    ``attrs["sampling_ms"]`` and a note.

    Raises
    ------
    RecordingError : the interval is not positive, or leaves fewer than 10 samples or more than 20 million.
    """
    check_dataset("resample", dataset, RecordingError)
    if "time" not in dataset.coords or dataset.sizes["time"] < LEAST_SAMPLES:
        raise RecordingError(f"resample needs a coordinate time of at least {LEAST_SAMPLES} samples")
    new = number("sampling_ms", sampling_ms)
    time = dataset["time"].values.astype(float)
    old = float(time[-1] - time[0]) / (time.size - 1)
    duration = float(time[-1] - time[0])
    if not 0 < new < np.inf:
        raise RecordingError(f"sampling_ms must be positive and finite, in ms; found {new}")
    count = int(min(duration / new * (1 + SAME), 2 * MOST_SAMPLES)) + 1
    if not LEAST_SAMPLES <= count <= MOST_SAMPLES:
        raise RecordingError(
            f"sampling_ms={new:g} would leave {'more than ' if count > MOST_SAMPLES else ''}"
            f"{min(count, MOST_SAMPLES)} samples of {duration:g} ms; a recording has {LEAST_SAMPLES} to "
            f"{MOST_SAMPLES} (it is sampled every {old:g} ms now)"
        )
    if abs(new - old) <= SAME * old:
        return dataset.copy(deep=True)
    at = time[0] + np.arange(count) * new
    moved = {
        name: xr.apply_ufunc(
            lambda rows: np.stack([_row(time, row, at, old, new) for row in rows.reshape(-1, time.size)])
            .reshape(*rows.shape[:-1], at.size),
            variable,
            input_core_dims=[["time"]],
            output_core_dims=[["time"]],
            exclude_dims={"time"},
            keep_attrs=True,
        ).transpose(*variable.dims)
        for name, variable in dataset.data_vars.items()
        if "time" in variable.dims
    }  # fmt: skip
    result = dataset.drop_dims("time").assign_coords(time=("time", at, dict(dataset["time"].attrs)))
    result = result.assign(moved)[list(dataset.data_vars)]
    result.attrs = dict(dataset.attrs)
    result.attrs["sampling_ms"] = new
    notes = result.attrs.get("notes")
    said = f"resampled from every {old:g} ms to every {new:g} ms"
    result.attrs["notes"] = f"{notes}; {said}" if notes else said
    return result


def _row(time: NDArray, row: NDArray, at: NDArray, old: float, new: float) -> NDArray:
    from scipy.interpolate import PchipInterpolator
    from scipy.ndimage import gaussian_filter1d

    result = np.full(at.size, np.nan)
    present = np.flatnonzero(np.isfinite(row))
    if not present.size:
        return result
    own, values = time[: present[-1] + 1], row[: present[-1] + 1].astype(float)
    if new > old:
        values = gaussian_filter1d(values, WIDTH * new / old, mode="nearest", truncate=4.0)
    here = at <= own[-1] + SAME * old
    if own.size == 1:
        result[here] = values[0]
    else:
        result[here] = PchipInterpolator(own, values)(np.minimum(at[here], own[-1]))
    return result
