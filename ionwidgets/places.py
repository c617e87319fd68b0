"""Places that files will be written to, looked at before the work, not after it; the user's own data."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import platformdirs

from ionwidgets.errors import IonWidgetsError


def private_folder(name: str) -> Path | None:
    """A folder of this name among the user's own data, made where there is none.

    None where it cannot be made, or where others could write into it.
    """
    folder = data_folder() / name
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        return folder if is_ours_alone(folder.stat()) and os.access(folder, os.W_OK) else None
    except OSError:
        return None


def data_folder() -> Path:
    """Where the user's own data of this package are."""
    return Path(platformdirs.user_data_dir("ionwidgets"))


def is_ours_alone(status: os.stat_result) -> bool:
    """Whether only the user can write there."""
    if os.name != "posix":  # there the user's folders are private
        return True
    return status.st_uid == os.getuid() and not status.st_mode & (stat.S_IWGRP | stat.S_IWOTH)


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
