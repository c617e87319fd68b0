"""Readers of binary formats, each a module with `read(path) -> ArrayTable`, and the choice among them."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Final

from ionwidgets.errors import RecordingError
from ionwidgets.recordings.formats.hdf5 import SIGNATURE
from ionwidgets.recordings.table import ArrayTable, Table

__all__ = ["open_table"]

_HEAD: Final = 4096
_TEXT: Final = re.compile(rb"[^\x00-\x08\x0e-\x1f\x7f]*")
_OLD_HEKA: Final = re.compile(rb"DAT[A1][ \x00]")
_MAGIC: Final = (
    (re.compile(rb"\x93NUMPY"), "npz"),
    (re.compile(rb"MATLAB [57]\.\d MAT-file"), "mat"),
    (re.compile(rb"CDF[\x01\x02\x05]"), "netcdf"),
    (re.compile(rb"ABF[ 2]"), "axon"),
    (re.compile(rb"ATF[ \t,]+\d"), "atf"),
    (re.compile(rb"(?i)VER=\s*\d+\s*\r?\n.*^(NC|NR|ADCMAX)=", re.S | re.M), "wcp"),
    (re.compile(rb"DAT2"), "patchmaster"),
)
SUFFIXES: Final = {
    ".npz": "npz",
    ".npy": "npz",
    ".mat": "mat",
    ".nc": "netcdf",
    ".cdf": "netcdf",
    ".h5": "netcdf",
    ".hdf5": "netcdf",
    ".nwb": "nwb",
    ".abf": "axon",
    ".atf": "atf",
    ".wcp": "wcp",
}


def open_table(path: Path, *, series: str | None = None) -> Table | None:
    """The table in a file of one of the formats here; None where it is none of them, and may be text.

    What the file begins with decides, then its suffix. `series` names one of several recordings that a HEKA
    file holds. RecordingError where the file is of a format here and cannot be read.
    """
    name = _format(path)
    if name is None:
        return None
    if name == "patchmaster":
        from ionwidgets.recordings.formats import patchmaster

        return patchmaster.read(path, series)
    if name == "hdf5":
        from ionwidgets.recordings.formats import apart

        return apart.read(f"{__name__}.hdf5", path, "HDF5")
    # A reader's libraries are loaded when a file needs them.
    read: Callable[[Path], ArrayTable] = import_module(f"{__name__}.{name}").read
    return read(path)


def _format(path: Path) -> str | None:
    """The module that reads a file."""
    try:
        with path.open("rb") as file:
            head = file.read(_HEAD)
    except (OSError, ValueError):  # no such file, or no such name
        return None  # who reads text says why
    if head.startswith(b"PK\x03\x04") or head.startswith(b"PK\x05\x06"):
        return _in_zip(path)
    if any(head[start:].startswith(SIGNATURE) for start in (0, 512, 1024, 2048)):
        return "hdf5"
    for pattern, name in _MAGIC:
        if pattern.match(head):
            return name
    if _OLD_HEKA.match(head) and b"\x00" in head:
        raise RecordingError(
            "a HEKA file from before PatchMaster's bundles; save it again in PatchMaster or export it as CSV",
            file=path.name,
        )
    if _TEXT.fullmatch(head):
        return None
    return SUFFIXES.get(path.suffix.lower())


def _in_zip(path: Path) -> str:
    from ionwidgets.recordings.formats import datalog

    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
    except (zipfile.BadZipFile, ValueError, OSError, NotImplementedError):
        return "npz" if path.suffix.lower() == ".npz" else "datalog"  # which says what is wrong with it
    if all(name in names for name in datalog.MEMBERS):
        return "datalog"
    if any(name.endswith(".npy") for name in names):
        return "npz"
    raise RecordingError(
        "a zip archive that is neither NumPy's .npz nor a DataLog of Myokit; "
        "unpack it, or save a spreadsheet as CSV",
        file=path.name,
    )
