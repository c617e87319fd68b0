"""HDF5, which MATLAB 7.3, netCDF-4 and NWB share: what it declares, held against the file before it is read.

A file of 2 kB can declare 1e15 numbers, point at other files of the machine, or unpack without end. So links
out of the file and data kept elsewhere are refused, and every block is unpacked once against its declared
length.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ionwidgets.errors import RecordingError
from ionwidgets.recordings.formats.guard import malformed, reading, require_room
from ionwidgets.recordings.table import ArrayTable

SIGNATURE: Final = b"\x89HDF\r\n\x1a\n"
MOST_OBJECTS: Final = 100_000
DEFLATE: Final = 1
FILTERS: Final = {DEFLATE, 2, 3, 32000}  # gzip, shuffle, checksum, LZF: others may unpack into anything


@contextmanager
def opened(path: Path, kind: str) -> Iterator[Any]:
    """The file as h5py.File, once nothing in it points outside."""
    import h5py

    with reading(path, kind), h5py.File(path, "r") as file:
        _check_links(path, kind, file)
        yield file


def read(path: Path) -> ArrayTable:
    """The table in a file of MATLAB 7.3, NWB or netCDF-4, by what the file says that it is."""
    import h5py

    from ionwidgets.recordings.formats import mat, netcdf, nwb

    with path.open("rb") as raw:
        if raw.read(10) == b"MATLAB 7.3":
            return mat.read(path)
    with reading(path, "HDF5"), h5py.File(path, "r") as file:
        neurodata = "nwb_version" in file.attrs
    return nwb.read(path) if neurodata else netcdf.read(path)


def load(path: Path, kind: str, dataset: Any) -> NDArray:
    """The numbers of a dataset; call it inside `opened`."""
    require(path, kind, dataset)
    return np.asarray(dataset[()])


def require(path: Path, kind: str, dataset: Any) -> None:
    """RecordingError where a dataset unpacks to more than the file may hold."""
    width = max(8, dataset.dtype.itemsize)
    require_room(path, kind, _count(dataset.shape) * width)
    if dataset.chunks is None:
        return
    chunk = _count(dataset.chunks) * dataset.dtype.itemsize
    require_room(path, kind, chunk)
    filters = dataset.id.get_create_plist()
    codes = [filters.get_filter(index)[0] for index in range(filters.get_nfilters())]
    if not set(codes) <= FILTERS:
        raise RecordingError(
            f"{dataset.name} is packed with a filter that is not read here; save it again with gzip",
            file=path.name,
        )
    if DEFLATE not in codes:
        return
    for index in range(dataset.id.get_num_chunks()):
        where = dataset.id.get_chunk_info(index)
        if where.size > path.stat().st_size:
            raise malformed(path, kind, "a block is longer than the file")
        mask, packed = dataset.id.read_direct_chunk(where.chunk_offset)
        if mask == 0 and len(zlib.decompressobj().decompress(packed, chunk + 64)) > chunk + 8:
            raise malformed(path, kind, "a block unpacks to more than it declares")


def _count(shape: tuple[int, ...]) -> int:
    count = 1
    for length in shape:
        count *= int(length)
    return count


def _check_links(path: Path, kind: str, file: Any) -> None:
    import h5py

    groups, seen, count = [file], {h5py.h5o.get_info(file["/"].id).addr}, 0
    while groups:
        group = groups.pop()
        for name in group:
            count += 1
            if count > MOST_OBJECTS:
                raise malformed(path, kind, f"more than {MOST_OBJECTS} objects")
            link = group.get(name, getlink=True)
            if isinstance(link, h5py.ExternalLink):
                raise malformed(path, kind, "it links to another file")
            if not isinstance(link, h5py.HardLink):
                continue  # a soft link ends at an object that is met by its own name
            found = group[name]
            if isinstance(found, h5py.Group):
                address = h5py.h5o.get_info(found.id).addr
                if address in seen:  # h5netcdf follows a group within itself on and on
                    raise malformed(path, kind, "a group by two names")
                seen.add(address)
                groups.append(found)
            elif isinstance(found, h5py.Dataset) and (found.is_virtual or found.external):
                raise malformed(path, kind, "its data are in another file")
