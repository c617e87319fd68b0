"""`beats`: the beats of a recording, cut out and laid over one another at their upstrokes."""

from __future__ import annotations

from typing import Final

import numpy as np
import xarray as xr

from ionwidgets.errors import RecordingError
from ionwidgets.recordings.biomarkers import cycle_lengths
from ionwidgets.recordings.faults import recorded
from ionwidgets.recordings.upstrokes import beats_of
from ionwidgets.simulation.given import check_dataset, number

NAMES: Final = ("V", "Ca_i", "I_inj")


def beats(dataset: xr.Dataset, lead: float = 50.0) -> xr.Dataset:
    """Every beat of every cell, aligned at the upstroke, the maximum of dV/dt.

    The upstroke lies between samples, so a beat is read there from piecewise cubics that keep V monotonic
    between samples (PCHIP).

    Parameters
    ----------
    dataset : dims cell, time; V [mV or a.u.].
    lead : ms before the upstroke with which a beat begins.

    Returns
    -------
    Dataset with dims ``beat, time``; ``time`` [ms] from the upstroke, at the recording's sampling interval,
    from ``-lead`` to the longest beat's end; V, and Ca_i and I_inj where recorded. A beat ends where the next
    one's upstroke is, the last with the recording; NaN there and before the recording begins. Coordinates
    along ``beat``: ``cell``, ``number`` (of the beat in its cell, from 0), ``upstroke_time`` [ms] in the
    recording, ``cycle_length`` [ms].

    Raises
    ------
    RecordingError : there is no V, no cell has a beat, or lead is negative.
    """
    from scipy.interpolate import PchipInterpolator

    check_dataset("beats", dataset, RecordingError)
    lead = number("lead", lead)
    if not 0 <= lead < np.inf:
        raise RecordingError(f"lead must be some ms, 0 or more; found {lead:g}")
    if "V" not in dataset or dataset.sizes.get("time", 0) < 2:
        raise RecordingError(
            f"no V in this dataset; it has {', '.join(map(str, dataset.data_vars)) or 'none'}"
        )
    all_times = dataset["time"].values.astype(float)
    step = float(all_times[-1] - all_times[0]) / max(all_times.size - 1, 1)
    before = int(lead / step + 1e-6)
    names = [name for name in NAMES if name in dataset and "time" in dataset[name].dims]
    found: list[tuple[int, int, float, dict[str, np.ndarray]]] = []
    for cell in range(dataset.sizes["cell"]):
        time, _ = recorded(dataset, "V", cell)
        upstrokes = beats_of(dataset, cell)
        curves = {name: _curve(PchipInterpolator, *recorded(dataset, name, cell)) for name in names}
        ends = [*upstrokes[1:], np.nextafter(time[-1], np.inf) if time.size else 0.0]
        for number_, (upstroke, end) in enumerate(zip(upstrokes, ends, strict=False)):
            at = upstroke + step * np.arange(-before, int(np.ceil((end - upstroke) / step - 1e-9)))
            found.append((cell, number_, float(upstroke), {name: curves[name](at) for name in names}))
    if not found:
        raise RecordingError("no cell of this dataset has a beat that could be cut out")
    length = max(rows["V"].size for *_, rows in found)
    stacked = {
        name: np.stack([np.pad(rows[name], (0, length - rows[name].size), constant_values=np.nan)
                        for *_, rows in found])
        for name in names
    }  # fmt: skip
    cells = np.array([cell for cell, *_ in found])
    coordinates = {
        "time": (
            "time",
            step * (np.arange(length) - before),
            {"units": "ms", "long_name": "after the upstroke"},
        ),
        "cell": ("beat", cells),
        "number": ("beat", np.array([number_ for _, number_, *_ in found])),
        "upstroke_time": ("beat", np.array([upstroke for *_, upstroke, _ in found]), {"units": "ms"}),
        "cycle_length": ("beat", cycle_lengths(dataset)[cells], {"units": "ms"}),
    }
    variables = {name: (("beat", "time"), stacked[name], dict(dataset[name].attrs)) for name in names}
    return xr.Dataset(variables, coordinates, dict(dataset.attrs))


def _curve(interpolator, time: np.ndarray, values: np.ndarray):  # type: ignore[no-untyped-def]
    if time.size < 2:
        return lambda at: np.full(at.size, np.nan)
    return interpolator(time, values, extrapolate=False)
