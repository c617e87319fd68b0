"""MATLAB's .mat: up to version 7 by SciPy, 7.3 (HDF5) by h5py."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ionwidgets.recordings.formats import hdf5
from ionwidgets.recordings.formats.arrays import from_arrays
from ionwidgets.recordings.formats.guard import clean, reading, require_room, room
from ionwidgets.recordings.formats.mat_elements import HEADER, variables
from ionwidgets.recordings.table import ArrayTable

KIND: Final = "MATLAB file"


def read(path: Path) -> ArrayTable:
    """Arrays of numbers at the top or in a structure there, by name ("V", "data.V")."""
    with path.open("rb") as file:
        head = file.read(HEADER)
        packed = file.read(8 + 512)
    if hdf5.SIGNATURE in head + packed:
        return from_arrays(path, KIND, _hdf5(path), facts=_facts(head))
    wanted, left = _listed(path) if head.startswith(b"MATLAB") else _listed_of_4(path)
    with reading(path, KIND):
        import scipy.io

        found = scipy.io.loadmat(str(path), variable_names=wanted, simplify_cells=True) if wanted else {}
    arrays: dict[str, NDArray] = {}
    for name in wanted:
        _collect(name, found.get(name), arrays)
    notes = (f"left out, no numbers: {', '.join(map(clean, left[:6]))}",) if left else ()
    return from_arrays(path, KIND, arrays, facts=_facts(head), notes=notes)


def _listed(path: Path) -> tuple[list[str], list[str]]:
    """The variables to read and the others, by name."""
    with reading(path, KIND):
        found = list(variables(path, room(path)))
    # Of two by one name SciPy reads both, so both must be sound.
    unsound = {variable.name for variable in found if not variable.wanted}
    return [variable.name for variable in found if variable.name not in unsound], sorted(unsound)


def _listed_of_4(path: Path) -> tuple[list[str], list[str]]:
    """As `_listed`, of version 4, whose matrices SciPy reads by their length and no further."""
    with reading(path, KIND):
        import scipy.io

        listed = scipy.io.whosmat(str(path))
    require_room(path, KIND, sum(8 * int(np.prod([float(n) for n in shape])) for _, shape, _ in listed))
    wanted = [name for name, _, kind in listed if kind in ("double", "single") or "int" in kind]
    return wanted, [name for name, _, _ in listed if name not in wanted]


def _facts(head: bytes) -> dict[str, object]:
    words = head[:116].decode("latin-1").split("Created on:")
    return {"date": words[1].split("HDF5")[0]} if len(words) > 1 else {}


def _collect(name: str, value: Any, arrays: dict[str, NDArray], deep: int = 0) -> None:
    if isinstance(value, dict) and deep == 0:
        for field, inner in value.items():
            _collect(f"{name}.{field}", inner, arrays, 1)
    elif isinstance(value, np.ndarray | np.number):
        arrays[name] = np.asarray(value)


def _hdf5(path: Path) -> dict[str, NDArray]:
    """MATLAB keeps the first index fastest, so every matrix comes transposed."""
    import h5py

    arrays: dict[str, NDArray] = {}
    total = 0
    with hdf5.opened(path, KIND) as file:
        for name in file:
            if name.startswith("#") or not isinstance(file.get(name, getlink=True), h5py.HardLink):
                continue
            value = file[name]
            inner = value.items() if isinstance(value, h5py.Group) else [("", value)]
            for field, dataset in inner:
                if (
                    not isinstance(dataset, h5py.Dataset)
                    or dataset.dtype.kind not in "fiu"
                    or len(dataset.shape) > 2
                ):
                    continue
                if "MATLAB_empty" in dataset.attrs or dataset.attrs.get("MATLAB_class") in (
                    b"char",
                    b"logical",
                ):
                    continue
                total += 8 * int(dataset.size)
                require_room(path, KIND, total)  # together, for many names may be one array's
                arrays[f"{name}.{field}" if field else name] = hdf5.load(path, KIND, dataset).T
    return arrays
