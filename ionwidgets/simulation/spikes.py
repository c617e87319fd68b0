"""Spikes of neurons, defined as in eFEL (github.com/openbraininstitute/eFEL, features of the same meaning).

They are a few lines each here, so eFEL (a C++ extension, with neo and quantities behind it) is not needed.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from ionwidgets.errors import SimulationError
from ionwidgets.simulation.given import check_dataset

ABOVE = -20.0  # mV; eFEL's Threshold: a spike rises above it and falls below
STEEP = 10.0  # mV/ms; eFEL's DerivativeThreshold: where a spike begins
_COLUMNS = ("time", "threshold", "peak", "amplitude", "half_width", "AHP")


def spikes(dataset: xr.Dataset) -> pd.DataFrame:
    """Every spike of every cell; in brackets what eFEL calls it.

    time [ms] of the peak (peak_time), V rising above -20 mV and falling below; threshold [mV], V where dV/dt
    first reaches 10 mV/ms on the way from the lowest V before to the peak (AP_begin_voltage); peak [mV]
    (peak_voltage); amplitude [mV], peak - threshold (AP_amplitude); half_width [ms], between the crossings of
    threshold + amplitude / 2 (AP_duration_half_width); AHP [mV], the lowest V up to the next spike or the
    end of the trace (min_AHP_values). Straight between samples, which should be 0.1 ms apart or less.

    Returns
    -------
    DataFrame with a row a spike: cell and the above.

    Raises
    ------
    SimulationError : this is no Dataset with the dimension cell, or it has no V.
    """
    check_dataset("spikes", dataset)
    if "V" not in dataset:
        raise SimulationError(f"no V in this dataset; it has {', '.join(map(str, dataset.data_vars))}")
    time = dataset["time"].values
    found = [
        {"cell": cell, **dict(zip(_COLUMNS, spike, strict=True))}
        for cell in range(dataset.sizes["cell"])
        for spike in _spikes_of(time, dataset["V"].values[cell].astype(float))
    ]
    return pd.DataFrame(found, columns=["cell", *_COLUMNS])


def fi_curve(dataset: xr.Dataset) -> pd.DataFrame:
    """Spikes against injected current: a row a cell of a `CurrentClamp` with a list of currents.

    Columns: what is swept (I_test [A/F], ...), spikes (how many have their peak within the step), rate [Hz]
    (spikes a second of the step), latency [ms] of the first one's peak (time_to_first_spike), first_ISI,
    last_ISI [ms] (their ratio tells adaptation).

    Raises
    ------
    SimulationError : the dataset is no family of a `CurrentClamp`, has no V, or begins within the step.

    Examples
    --------
    >>> import ionwidgets as iw
    >>> steps = iw.CurrentClamp([(0, 50), ([2, 5, 10], 500), (0, 50)])
    >>> iw.fi_curve(iw.simulate(iw.load_model("hh1952"), protocol=steps, variables=["V"]))
    """
    check_dataset("fi_curve", dataset)
    if "I_test" not in dataset.coords:
        raise SimulationError(
            "an f-I curve is read from a CurrentClamp, one step of which has a list of currents"
        )
    start, stop = dataset.attrs["test_ms"]
    if not dataset.sizes["time"] or dataset["time"].values[0] > start:
        raise SimulationError(
            f"an f-I curve needs V from the start of the step on, at {start:g} ms; simulate with a "
            "record_from= no later than that"
        )
    table = spikes(dataset)
    swept = [str(name) for name in dataset.coords if dataset[name].dims == ("cell",)]
    rows = []
    for cell in range(dataset.sizes["cell"]):
        times = table.time[(table.cell == cell) & table.time.between(start, stop)].to_numpy(dtype=float)
        intervals = np.diff(times)
        rows.append(
            {
                **{name: dataset[name].values[cell] for name in swept},
                "spikes": times.size,
                "rate": 1000.0 * times.size / (stop - start),
                "latency": times[0] - start if times.size else np.nan,
                "first_ISI": intervals[0] if intervals.size else np.nan,
                "last_ISI": intervals[-1] if intervals.size else np.nan,
            }
        )
    return pd.DataFrame(rows)


def _spikes_of(time: NDArray, V: NDArray) -> list[tuple[float, ...]]:
    if V.size < 2:
        return []
    above = V > ABOVE
    ups = np.flatnonzero(~above[:-1] & above[1:]) + 1
    downs = np.flatnonzero(above[:-1] & ~above[1:]) + 1
    tops = [int(up + np.argmax(V[up : downs[downs > up][0]])) for up in ups if np.any(downs > up)]
    slope = np.gradient(V, time)
    found: list[tuple[float, ...]] = []
    for n, top in enumerate(tops):
        after = tops[n + 1] if n + 1 < len(tops) else V.size
        before = tops[n - 1] if n else 0
        low = before + int(np.argmin(V[before : top + 1]))
        steep = low + np.flatnonzero(slope[low:top] >= STEEP)
        threshold = V[steep[0]] if steep.size else np.nan
        half = threshold + 0.5 * (V[top] - threshold)
        width = _crossing(time, V, top, 1, half) - _crossing(time, V, top, -1, half)
        found.append((time[top], threshold, V[top], V[top] - threshold, width, float(V[top:after].min())))
    return found


def _crossing(time: NDArray, V: NDArray, top: int, step: int, level: float) -> float:
    """Time at which V crosses `level` on the way from `top`, forwards or backwards; NaN where it does not."""
    i = top
    while 0 <= i + step < V.size and V[i + step] >= level:
        i += step
    j = i + step
    if not (0 <= j < V.size and V[j] < level):
        return np.nan
    return float(time[i] + (time[j] - time[i]) * (V[i] - level) / (V[i] - V[j]))
