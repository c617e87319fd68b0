"""NumPy's .npz and .npy, by NumPy itself, never unpickled.

Source: the format numpy.lib.format describes.
"""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import IO, Any, Final

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from ionwidgets.recordings.formats.archive import members
from ionwidgets.recordings.formats.arrays import from_arrays
from ionwidgets.recordings.formats.guard import clean, malformed, reading, require_room
from ionwidgets.recordings.table import ArrayTable

KIND: Final = "NumPy archive"


def read(path: Path) -> ArrayTable:
    """The arrays of an .npz by name, or the columns of an .npy, laid out as `from_arrays` says."""
    if not _is_zip(path):
        with reading(path, KIND), path.open("rb") as file:
            array = _array(path, file, path.stat().st_size)
        if array is None:
            raise malformed(path, KIND, "it holds objects, not numbers")
        return from_arrays(path, KIND, {"column": array})
    arrays: dict[str, NDArray] = {}
    refused = []
    found = members(path, KIND)
    with reading(path, KIND), zipfile.ZipFile(path) as archive:
        for name, member in found.items():
            if name.endswith(".npy"):
                with archive.open(member) as file:
                    array = _array(path, file, member.file_size)
                if array is None:
                    refused.append(clean(name[:-4]))
                else:
                    arrays[name[:-4]] = array
    notes = (f"left out, no numbers: {', '.join(refused[:6])}",) if refused else ()
    return from_arrays(path, KIND, arrays, notes=notes)


def _is_zip(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(2) == b"PK"


def _array(path: Path, file: IO[bytes], held: int) -> NDArray | None:
    """One array, after its header's shape has been held against its `held` bytes; None for one of objects."""
    version = npy.read_magic(file)
    headers: dict[tuple[int, int], Any] = {
        (1, 0): npy.read_array_header_1_0,
        (2, 0): npy.read_array_header_2_0,
    }
    # Version 3 differs from 2 by UTF-8 names of fields, and numbers have none.
    shape, fortran, dtype = headers.get(version, npy.read_array_header_2_0)(file)
    if dtype.hasobject or dtype.kind not in "fiu":
        return None
    count = 1
    for length in shape:
        count *= int(length)
    if count < 0 or count * dtype.itemsize > held:
        raise malformed(path, KIND, f"an array of shape {shape} in {held} bytes")
    require_room(path, KIND, 8 * count)
    values = np.frombuffer(file.read(count * dtype.itemsize), dtype=dtype, count=count)
    return values.reshape(shape, order="F" if fortran else "C")
