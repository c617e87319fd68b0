"""Machine code on disk: the user's cache, in a folder that nobody else can write.

What lies there is run as it is. So a folder or file that others could have written is not read, and one that
is damaged is thrown away. Nothing here fails: where the disk is of no help, a kernel serves one process.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
import warnings
from contextlib import suppress
from functools import cache
from pathlib import Path

import platformdirs

from ionwidgets.errors import SimulationWarning
from ionwidgets.places import is_ours_alone

_DIGEST = hashlib.sha256().digest_size


def folder() -> Path:
    return Path(platformdirs.user_cache_dir("ionwidgets")) / "kernels"


def read(name: str) -> bytes | None:
    """What `write` left under `name`, or None where there is nothing whole that is ours alone."""
    path = folder() / name
    try:
        if not is_ours_alone(folder().stat()):
            return None
        with path.open("rb") as file:
            if not is_ours_alone(os.fstat(file.fileno())):
                return None
            content = file.read()
    except OSError:
        return None
    if content[:_DIGEST] == _digest(content[_DIGEST:]):
        return content[_DIGEST:]
    with suppress(OSError):
        path.unlink()
    return None


def write(name: str, content: bytes) -> None:
    """Keep `content`; where that cannot be, say so once."""
    place = folder()
    try:
        place.mkdir(parents=True, exist_ok=True, mode=0o700)
        if not is_ours_alone(place.stat()):
            _tell(f"compiled kernels are not kept: others can write {place}; make it private (chmod 700)")
            return
        # Put there whole, so that another process never reads half a file.
        with tempfile.NamedTemporaryFile(dir=place, suffix=".part", delete=False) as file:
            part = Path(file.name)
            try:
                file.write(_digest(content) + content)
                file.flush()
                part.replace(place / name)
            except BaseException:
                part.unlink(missing_ok=True)
                raise
    except OSError as error:
        _tell(f"compiled kernels are not kept: {place}: {error.strerror or error}")


@cache
def _tell(what: str) -> None:
    warnings.warn(what, SimulationWarning, stacklevel=3)


def _digest(content: bytes) -> bytes:
    return hashlib.sha256(content).digest()
