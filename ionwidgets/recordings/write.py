"""``write_recording``: a Dataset as tidy CSV, the form that ``read_recording`` gives back unchanged."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd
import xarray as xr

from ionwidgets.errors import RecordingError
from ionwidgets.recordings.biomarkers import cycle_lengths
from ionwidgets.recordings.units import TARGET
from ionwidgets.simulation.given import check_dataset

_WRITTEN: Final = ("V", "Ca_i", "I_inj")


def write_recording(dataset: xr.Dataset, path: str | Path) -> None:
    """Write V, and Ca_i and I_inj where there are, as tidy CSV (gzip if `path` ends in .gz).

    Numbers keep all their digits. Cells are told apart by ``cycle_length [ms]``, or by ``sweep`` where cycle
    lengths repeat, are unknown, or were only estimated from the beats. The NaN that pads shorter cells is not
    written.

    Parameters
    ----------
    dataset : dims ``cell, time``, as `read_recording` and `simulate` return.
    path : the file to write.

    Raises
    ------
    RecordingError : no dimension cell; no V; a NaN before a cell's last sample; a folder that is not there.
    """
    path = Path(path)
    check_dataset("write_recording", dataset, RecordingError)
    if "V" not in dataset:
        raise RecordingError(f"no variable 'V' to write; there are: {', '.join(map(str, dataset.data_vars))}")
    names = [name for name in _WRITTEN if name in dataset]
    titles = [f"{name} [{dataset[name].attrs.get('units', TARGET[name])}]" for name in names]
    time = dataset["time"].values.astype(np.float64)
    blocks = []
    for cell in range(dataset.sizes["cell"]):
        traces = [dataset[name].isel(cell=cell).values for name in names]
        present = np.flatnonzero(np.isfinite(traces[0]))
        length = int(present[-1]) + 1 if present.size else 0
        for name, trace in zip(names, traces, strict=True):
            if not length or not np.isfinite(trace[:length]).all():
                raise RecordingError(f"cell {cell} has gaps in {name} (NaN); a recording needs every sample")
        columns = {**_keys(dataset, cell), "time [ms]": np.round(time[:length], 9)}
        columns.update(zip(titles, (trace[:length] for trace in traces), strict=True))
        blocks.append(pd.DataFrame(columns))
    try:
        # By the suffix pandas would also write what read_recording cannot read, such as .zip.
        compression = "gzip" if path.suffix.lower() == ".gz" else None
        pd.concat(blocks).to_csv(path, index=False, compression=compression)
    except OSError as error:
        raise RecordingError(f"cannot be written: {error.strerror or error}", file=path) from None


def _keys(dataset: xr.Dataset, cell: int) -> dict[str, float]:
    """The columns that tell this cell from the others."""
    lengths = cycle_lengths(dataset)
    is_estimate = "cycle_length" in dataset and dataset["cycle_length"].attrs.get("origin") == "beats"
    known = np.isfinite(lengths).all() and not is_estimate
    keys: dict[str, float] = {}
    if "sweep" in dataset.coords:
        keys["sweep"] = float(dataset["sweep"].values[cell])
    elif dataset.sizes["cell"] > 1 and not (known and np.unique(lengths).size == lengths.size):
        keys["sweep"] = float(cell)
    if known:
        keys["cycle_length [ms]"] = float(lengths[cell])
    return keys
