"""`mend`: the faults that can be mended, mended."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import xarray as xr

from ionwidgets.errors import RecordingError, unknown_name
from ionwidgets.recordings.faults import examined
from ionwidgets.simulation.given import check_dataset, shown

KINDS: Final = {  # by mend, in the order in which they are applied
    "flip": ("upside-down",),
    "blank": ("artefact",),
    "smooth": ("hum", "noise"),
    "detrend": ("drift",),
}


def mend(dataset: xr.Dataset, kinds: Sequence[str]) -> xr.Dataset:
    """A copy of a recording with its faults mended, in the cells that have them.

    flip : y = min + max - x, of a trace that points down. blank : a straight line in the place of a stimulus
    artefact's samples. smooth : less the sine that fits the mains hum; noise by a Savitzky-Golay filter of 10
    ms (Savitzky and Golay 1964), which leaves upstrokes as they are. detrend : rest as it is at the start, by
    a line or an exponential through the rests before the upstrokes; of a dye the height too.

    Parameters
    ----------
    dataset : as `faults` takes it.
    kinds : names of mends, of any of the above; they are applied in that order. ``[]`` mends nothing.

    Returns
    -------
    The Dataset with ``attrs["mended"]``, a sentence for every mend of every cell, joined by "; ". A mend that
    no cell needs does nothing, and ``attrs["notes"]`` says so.

    Raises
    ------
    RecordingError : a mend that there is not; or this is no recording that `faults` can read.
    """
    check_dataset("mend", dataset, RecordingError)
    asked = _asked(kinds)
    result = dataset.copy(deep=True)
    said = []
    for cell in range(dataset.sizes["cell"]):
        for variable, _, trace, found in examined(dataset, cell):
            values, turn = trace, None
            for fault in found:
                if fault.change is None:
                    continue
                if fault.mend in asked:
                    # What was found in the turned trace is mended in it.
                    values = fault.change(values) if turn is None else turn(fault.change(turn(values)))
                    said.append((fault.mend, f"{fault.mend}: {variable} of cell {cell}: {fault.done}"))
                elif fault.mend == "flip":
                    turn = fault.change
            of_cell = result[variable].transpose("cell", "time").values.astype(float)
            of_cell[cell, : values.size] = values
            result[variable] = dataset[variable].copy(
                data=xr.DataArray(of_cell, dims=("cell", "time")).transpose(*dataset[variable].dims).values
            )
    _write_down(result, asked, said)
    return result


def _asked(kinds: Sequence[str]) -> list[str]:
    named = [kinds] if isinstance(kinds, str) else kinds
    if not np.iterable(named):
        raise RecordingError(f'mends are names, as in ["flip"]; found {shown(kinds)}')
    for name in named:
        if name not in KINDS:
            raise RecordingError(
                f"{unknown_name('mend', name, list(KINDS))} (the mends are {', '.join(KINDS)})"
            )
    return [name for name in KINDS if name in named]


def _write_down(dataset: xr.Dataset, asked: list[str], said: list[tuple[str, str]]) -> None:
    helped = {name for name, _ in said}
    words = [words for _, words in said]
    if words:
        before = dataset.attrs.get("mended")
        dataset.attrs["mended"] = "; ".join([*([before] if before else []), *words])
    needless = [name for name in asked if name not in helped]
    if needless:
        notes = [f"{name} was not needed: no {' or '.join(KINDS[name])} found" for name in needless]
        before = dataset.attrs.get("notes")
        dataset.attrs["notes"] = "; ".join([*([before] if before else []), *notes])
