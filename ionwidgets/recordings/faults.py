"""`faults`: what is wrong with a recording, and which mend helps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from ionwidgets.errors import RecordingError
from ionwidgets.recordings.biomarkers import cycle_lengths
from ionwidgets.recordings.examine import Found, examine, saturation, upside_down
from ionwidgets.simulation.given import check_dataset


@dataclass(frozen=True)
class Fault:
    """One fault of one cell's trace.

    kind : see `faults`. cell : its number. variable : "V" or "Ca_i". words : one sentence with figures.
    mend : the name that `mend` knows it by; None where nothing helps.
    """

    kind: str
    cell: int
    variable: str
    words: str
    mend: str | None


def faults(dataset: xr.Dataset) -> list[Fault]:
    """Faults of every cell of a recording.

    Parameters
    ----------
    dataset : dims cell, time; V [mV or a.u.], Ca_i [mM or a.u.] too where there is one.

    Returns
    -------
    By cell, in the order in which they are mended; each is sought in the trace without those before it:

    ``upside-down`` : in a.u., the steepest change is a fall by half more than the steepest rise (`flip`);
    ``artefact`` : spikes of up to 6 ms before an upstroke, where V falls by 10 % of the height, and 8 times
    the noise, within 2 ms (`blank`);
    ``hum`` : a line at 50 or 60 Hz, three times those beside it, of 0.3 mV or 1 % of the height (`smooth`);
    ``saturation`` : runs of 5 samples and more exactly at the largest or the least value, which V enters at a
    corner and which it has at no other level;
    ``noise`` : a standard deviation above 1 mV, or 3 % of the height in a.u. (`smooth`);
    ``drift`` : rest moves by 5 % of the height (in mV also by 2 mV), or the height in a.u. by 10 %, over at
    least four beats and clear of their scatter (`detrend`);
    ``rest`` : mV before upstrokes above -20 or below -120 mV;
    ``no-beats``, ``few-beats`` (fewer than three and no cycle length), ``incomplete`` (no beat has an APD90).

    Of Ca_i upside-down (in a.u.) and saturation are told.

    Raises
    ------
    RecordingError : this is no Dataset with the dimension cell, or it has no V in mV or a.u.
    """
    check_dataset("faults", dataset, RecordingError)
    return [
        Fault(found.kind, cell, variable, found.words, found.mend)
        for cell in range(dataset.sizes["cell"])
        for variable, _, _, all_found in examined(dataset, cell)
        for found in all_found
    ]


def alike(found: Sequence[Fault]) -> list[tuple[Fault, list[int]]]:
    """Every sentence once, with the cells that it is said of."""
    cells: dict[Fault, list[int]] = {}
    for fault in found:
        cells.setdefault(replace(fault, cell=-1), []).append(fault.cell)
    return list(cells.items())


def examined(dataset: xr.Dataset, cell: int) -> list[tuple[str, NDArray, NDArray, list[Found]]]:
    """Variable, time [ms], trace without padding, and faults, of V and Ca_i of one cell."""
    if "V" not in dataset or "time" not in dataset["V"].dims:
        raise RecordingError(
            f"no V in this dataset; it has {', '.join(map(str, dataset.data_vars)) or 'none'}"
        )
    unit = str(dataset["V"].attrs.get("units"))
    if unit not in ("mV", "a.u."):
        raise RecordingError(f"V must be in mV or a.u.; found units {unit!r} in its attrs")
    paced = bool(np.isfinite(cycle_lengths(dataset)[cell]))
    time, V = recorded(dataset, "V", cell)
    of_all = [("V", time, V, examine(time, V, unit, paced))]
    if "Ca_i" in dataset:
        time, Ca = recorded(dataset, "Ca_i", cell)
        if Ca.size > 2:
            unit = str(dataset["Ca_i"].attrs.get("units"))
            turned = upside_down(time, Ca) if unit == "a.u." else None
            of_all.append(("Ca_i", time, Ca, ([turned] if turned else []) + saturation(time, Ca, unit)))
    return of_all


def recorded(dataset: xr.Dataset, variable: str, cell: int) -> tuple[NDArray, NDArray]:
    """Time [ms] and values of one cell without the padding at the end."""
    values = dataset[variable].transpose("cell", "time").values[cell].astype(float)
    present = np.flatnonzero(np.isfinite(values))
    length = int(present[-1]) + 1 if present.size else 0
    return dataset["time"].values[:length], values[:length]
