"""netCDF through xarray: classic files by SciPy, netCDF-4 and plain HDF5 by h5netcdf."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ionwidgets.recordings.formats import hdf5
from ionwidgets.recordings.formats.arrays import from_arrays, is_time
from ionwidgets.recordings.formats.guard import clean, malformed, reading, require_room, room, unit_of
from ionwidgets.recordings.table import ArrayTable

KIND: Final = "netCDF"
MOST_VARIABLES: Final = 1_000
_FIRST: Final = ("v", "vm", "voltage", "ca_i", "cai", "i_inj", "cycle_length", "sweep")
_SECONDS: Final = {
    "s",
    "ms",
    "us",
    "sec",
    "second",
    "seconds",
    "millisecond",
    "milliseconds",
    "min",
    "minutes",
}


def read(path: Path) -> ArrayTable:
    """The variables along time, what `simulate` and `read_recording` save among them.

    Units are those of the attribute `units`. Where the variables together are more than the file may unpack
    to, V, Ca_i and what tells the cells apart come first, and the rest is left out with a note.
    """
    with path.open("rb") as file:
        classic = file.read(3) == b"CDF"
    if classic:
        _check_classic(path)
    else:
        with hdf5.opened(path, KIND):
            pass
    with reading(path, KIND):
        import xarray as xr

        engine: dict[str, Any] = (
            {"engine": "scipy"} if classic else {"engine": "h5netcdf", "phony_dims": "sort"}
        )
        dataset = xr.open_dataset(path, decode_times=False, decode_timedelta=False, cache=False, **engine)
    with reading(path, KIND), dataset:
        variables = {str(name): variable for name, variable in dataset.variables.items()}
        usable = {
            name: variable
            for name, variable in list(variables.items())[:MOST_VARIABLES]
            if variable.dtype.kind in "fiu" and variable.ndim <= 2 and variable.size
        }
        units = {name: _unit(variable.attrs) for name, variable in usable.items()}
        time = _time(usable, units)
        arrays, left = _load(path, usable, time, classic)
        facts = {
            name: dataset.attrs[name]
            for name in ("title", "source", "comment", "history", "notes", "model")
            if isinstance(dataset.attrs.get(name), str)
        }
    notes = [f"left out, too large beside the rest: {', '.join(left[:6])}"] if left else []
    for name in ("cycle_length",):  # NaN where none could be told from the beats
        if name in arrays and not np.isfinite(arrays[name]).all():
            del arrays[name]
            notes.append(f"{name} was left out: it is not known of every cell")
    return from_arrays(path, KIND, arrays, units=units, time=time, facts=facts, notes=tuple(notes))


def _unit(attrs: Any) -> str | None:
    """ "seconds since 2020-01-01" is counted in seconds."""
    return unit_of(clean(attrs.get("units", "")).split(" since ")[0])


def _time(usable: dict[str, Any], units: dict[str, str | None]) -> str | None:
    named = [name for name in usable if is_time(name)]
    counted = [name for name, variable in usable.items() if variable.ndim == 1 and units[name] in _SECONDS]
    longest = sorted(counted, key=lambda name: -usable[name].size)
    return next(iter([*named, *longest]), None)


def _load(
    path: Path, usable: dict[str, Any], time: str | None, classic: bool
) -> tuple[dict[str, NDArray], list[str]]:
    along = set(usable[time].dims) if time is not None else set()
    budget = room(path)
    arrays: dict[str, NDArray] = {}
    left = []
    cells = {dim for variable in usable.values() if along & set(variable.dims) for dim in variable.dims}
    for name in sorted(usable, key=lambda name: (name != time, name.lower() not in _FIRST)):
        variable = usable[name]
        if cells and not (set(variable.dims) <= cells and variable.dims):
            continue
        if 8 * variable.size > budget:
            left.append(clean(name))
            continue
        budget -= 8 * variable.size
        if not classic:
            _require(path, name)
        arrays[name] = np.asarray(variable.values)
    if not arrays and left:
        raise malformed(path, KIND, "it declares more data than it can hold")
    return {name: arrays[name] for name in usable if name in arrays}, left


def _require(path: Path, name: str) -> None:
    import h5py

    with h5py.File(path, "r") as file:
        dataset = file.get(name)
        if isinstance(dataset, h5py.Dataset):
            hdf5.require(path, KIND, dataset)


def _check_classic(path: Path) -> None:
    """SciPy reads as many bytes as a variable declares; what is not there it cannot read."""
    from scipy.io import netcdf_file

    with reading(path, KIND), netcdf_file(path, "r", mmap=True) as file:
        shapes = [variable.shape for variable in file.variables.values()]
    require_room(path, KIND, 8 * int(sum(np.prod([float(n or 0) for n in shape]) for shape in shapes)))
