"""What is read from a voltage clamp: I-V curves, time constants, Boltzmann fits."""

from __future__ import annotations

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import ArrayLike, NDArray

from ionwidgets.errors import SimulationError, unknown_name
from ionwidgets.simulation.given import check_dataset, numbers

STAYS = 0.95  # a current that ends the step with this much of its peak has grown rather than inactivated


def iv_curve(dataset: xr.Dataset, current: str) -> pd.DataFrame:
    """Peak, steady and tail current [A/F] and time constant [ms] of `current` against the test potential.

    In the step that has the family of potentials: peak, the sample that is largest in size; steady, the last;
    tau, of the exponential a + b exp(-t/tau) that fits best from the peak on (of inactivation), or over the
    whole step where 95 % of the peak are left at its end (of activation). tail_peak, the sample of the step
    after it that is largest in size. A current that does not move has tau NaN.

    Returns
    -------
    DataFrame with a row a cell: what is swept (V_test [mV], ...), peak, steady, tau, tail_peak.

    Raises
    ------
    SimulationError : the dataset is no family of a `VoltageClamp`, has no such current, or no sample of it
        within the family's step.

    Examples
    --------
    >>> import ionwidgets as iw
    >>> clamp = iw.VoltageClamp([(list(range(-40, 61, 10)), 1000), (-40, 500)])
    >>> data = iw.simulate(iw.load_model("tnnp2004"), protocol=clamp, variables=["I_Kr"])
    >>> curve = iw.iv_curve(data, "I_Kr")
    >>> V_half, slope = iw.boltzmann(curve.V_test, curve.tail_peak)
    """
    check_dataset("iv_curve", dataset)
    if "V_test" not in dataset.coords:
        raise SimulationError("an I-V curve is read from a VoltageClamp, one step of which has a list of V")
    if current not in dataset or dataset[current].dims != ("cell", "time"):
        raise SimulationError(unknown_name("current", current, [str(name) for name in dataset.data_vars]))
    swept = [str(name) for name in dataset.coords if dataset[name].dims == ("cell",)]
    time = dataset["time"].values
    rows = []
    for cell in range(dataset.sizes["cell"]):
        trace = dataset[current].values[cell].astype(float)
        t, I = _window(time, trace, dataset.attrs["test_ms"])
        if not t.size:
            begin, end = dataset.attrs["test_ms"]
            raise SimulationError(
                f"no sample lies within the step of the family, {begin:g} to {end:g} ms; simulate with a "
                "smaller sample="
            )
        top = int(np.argmax(np.abs(I)))
        _, after = _window(time, trace, dataset.attrs.get("tail_ms", (np.inf, np.inf)))
        start = 0 if abs(I[-1]) >= STAYS * abs(I[top]) else top
        rows.append(
            {
                **{name: dataset[name].values[cell] for name in swept},
                "peak": I[top],
                "steady": I[-1],
                "tau": time_constant(t[start:], I[start:]),
                "tail_peak": after[np.argmax(np.abs(after))] if after.size else np.nan,
            }
        )
    return pd.DataFrame(rows)


def _window(time: NDArray, trace: NDArray, window: ArrayLike) -> tuple[NDArray, NDArray]:
    start, stop = np.asarray(window, dtype=float)
    # The sample at the end of a step is already of the next one.
    inside = (time >= start - 1e-9) & (time < stop - 1e-9)
    return time[inside], trace[inside]


def time_constant(time: NDArray, trace: NDArray) -> float:
    """tau [ms] of the a + b exp(-t/tau) nearest to `trace`; NaN where it hardly moves or is none."""
    if time.size < 5 or np.ptp(trace) <= 1e-4 * np.abs(trace).max():
        return np.nan
    t = time - time[0]

    def misfit(log_tau: float) -> float:
        basis = np.column_stack([np.ones(t.size), np.exp(-t / np.exp(log_tau))])
        left = trace - basis @ np.linalg.lstsq(basis, trace, rcond=None)[0]
        return float(left @ left)

    low, high = np.log(0.5 * (t[1] - t[0])), np.log(10 * t[-1])
    grid = np.linspace(low, high, 40)
    best = int(np.argmin([misfit(x) for x in grid]))
    if best in (0, grid.size - 1):
        return np.nan
    from scipy.optimize import minimize_scalar  # slow to import, and no simulation needs it

    found = minimize_scalar(misfit, bounds=(grid[best - 1], grid[best + 1]), method="bounded")
    return float(np.exp(found.x))


def boltzmann(V: ArrayLike, values: ArrayLike) -> tuple[float, float]:
    """V_half and slope [mV] of top / (1 + exp((V_half - V) / slope)) through `values`.

    The slope is negative where they fall with V.

    Tail currents against the test potential give activation; the currents at one potential after a family of
    prepulses give inactivation.

    Raises
    ------
    SimulationError : as many values as potentials are not given, fewer than four of them are finite, or no
        such curve comes near them.
    """
    v, y = numbers("the potentials of a Boltzmann curve", V), numbers("its values", values)
    if v.ndim != 1 or v.shape != y.shape:
        raise SimulationError(
            f"a Boltzmann curve needs as many values as potentials; found shapes {y.shape} and {v.shape}"
        )
    fine = np.isfinite(v) & np.isfinite(y)
    v, y = v[fine], y[fine]
    if v.size < 4 or np.ptp(y) == 0:
        raise SimulationError("a Boltzmann curve needs four points at least, that are not all equal")
    top = y[np.argmax(np.abs(y))]
    rising = 1.0 if np.polyfit(v, y / top, 1)[0] > 0 else -1.0
    middle = v[np.argmin(np.abs(y / top - 0.5))]
    from scipy.optimize import curve_fit

    try:
        (_, V_half, slope), _ = curve_fit(
            lambda v, top, V_half, slope: top / (1.0 + np.exp(np.clip((V_half - v) / slope, -500, 500))),
            v, y, p0=(top, middle, 8.0 * rising),
        )  # fmt: skip
    except RuntimeError as error:
        raise SimulationError("no Boltzmann curve comes near these points") from error
    return float(V_half), float(slope)
