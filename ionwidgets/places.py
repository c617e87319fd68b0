"""Places that files will be written to, looked at before the work, not after it."""

from __future__ import annotations

import os
from pathlib import Path

from ionwidgets.errors import IonWidgetsError


def check_file(path: Path) -> None:
    """Refuse, by an `IonWidgetsError`, a place where no file can be written."""
    _check_parent(path)
    if path.is_dir():
        raise IonWidgetsError(f"{path}: is a folder; give a file")
    _check_writable(path)


def check_folder(path: Path) -> None:
    """Refuse, by an `IonWidgetsError`, a place that is no folder and where none can be made."""
    _check_parent(path)
    if path.exists() and not path.is_dir():
        raise IonWidgetsError(f"{path}: is a file; give a folder, which is made where there is none")
    _check_writable(path)


def _check_parent(path: Path) -> None:
    if not path.absolute().parent.is_dir():
        raise IonWidgetsError(f"{path}: the folder {path.parent} does not exist; make it first")


def _check_writable(path: Path) -> None:
    if not os.access(path if path.exists() else path.absolute().parent, os.W_OK):
        raise IonWidgetsError(f"{path}: cannot be written here; choose another place")
