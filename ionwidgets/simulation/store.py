"""Where the samples of a sweep go: memory, or a netCDF file that is written cell by cell."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

import h5netcdf
import numpy as np
import xarray as xr
from numpy.typing import NDArray

from ionwidgets.errors import SimulationError

SHARE = 0.25  # of the machine's memory that samples may take
_UNKNOWN_MEMORY = 16e9  # bytes, where the system does not tell
_BYTES = 4  # single precision


class InMemory:
    """Samples as arrays (cell, time) in single precision."""

    def __init__(self, names: Sequence[str], cells: int, samples: int) -> None:
        needed, allowed = _BYTES * len(names) * cells * samples, SHARE * memory()
        if needed > allowed:
            raise SimulationError(
                f"{needed / 1e9:.3g} GB of samples are more than a quarter of this machine's memory "
                f"({allowed / 1e9:.3g} GB); stream them to a file with out='sweep.nc', or choose fewer "
                "variables=, a larger sample= or a later record_from="
            )
        self.names = names
        self.arrays = [np.empty((cells, samples), dtype=np.float32) for _ in names]

    def keep(self, cell: int, traces: NDArray[np.float64]) -> None:
        for j, array in enumerate(self.arrays):
            array[cell] = traces[:, j]

    def dataset(self, rest: xr.Dataset, units: Mapping[str, str]) -> xr.Dataset:
        """The samples and the `rest` of the Dataset."""
        traces = {
            name: (("cell", "time"), array, {"units": units[name]})
            for name, array in zip(self.names, self.arrays, strict=True)
        }
        return xr.Dataset(traces | dict(rest.data_vars), rest.coords, rest.attrs)

    def discard(self) -> None:
        """There is nothing to clean up."""


class InFile:
    """Samples as variables (cell, time) of a netCDF file; it has its name only once it is whole."""

    def __init__(self, path: Path, names: Sequence[str], cells: int, samples: int) -> None:
        if not path.parent.is_dir():
            raise SimulationError(f"out={path}: there is no folder {path.parent}")
        if path.is_dir():
            raise SimulationError(f"out={path} is a folder; give the name of a file in it, such as sweep.nc")
        self.path, self.part = path, path.with_name(f"{path.name}.{os.getpid()}.part")
        self.names = names
        try:
            self.file = h5netcdf.File(self.part, "w")
        except OSError as error:
            raise SimulationError(f"out={path} cannot be written: {error}") from error
        self.file.dimensions = {"cell": cells, "time": samples}
        self.variables = [
            self.file.create_variable(
                name, ("cell", "time"), np.float32, fillvalue=np.float32(np.nan), chunks=(1, samples)
            )
            for name in (names if samples else ())
        ]

    def keep(self, cell: int, traces: NDArray[np.float64]) -> None:
        for j, variable in enumerate(self.variables):
            variable[cell] = traces[:, j].astype(np.float32)

    def dataset(self, rest: xr.Dataset, units: Mapping[str, str]) -> xr.Dataset:
        """The Dataset as it stands in the file, opened lazily."""
        for name, variable in zip(self.names, self.variables, strict=False):
            variable.attrs["units"] = units[name]
        self.file.close()
        rest.to_netcdf(self.part, mode="a", engine="h5netcdf")
        self.part.replace(self.path)
        return xr.open_dataset(self.path, engine="h5netcdf")

    def discard(self) -> None:
        """Leave no half-written file."""
        self.file.close()
        self.part.unlink(missing_ok=True)


def memory() -> float:
    """Bytes of memory of this machine."""
    try:
        return float(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))
    except (AttributeError, ValueError, OSError):
        return _UNKNOWN_MEMORY
