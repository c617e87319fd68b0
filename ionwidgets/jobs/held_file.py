"""A file that one piece of work holds; the system lets go of it when its process ends, or is killed."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

try:
    import fcntl
except ImportError:  # not a POSIX system
    CAN_HOLD = False
else:
    CAN_HOLD = True

TRIED_EVERY = 0.01  # s


@contextmanager
def held(path: Path, patience: float = 0.0) -> Iterator[bool]:
    """Hold `path`, made where there is none, while the block lasts; False where it is held by another.

    Another is any other block, of this process too, that has not let go within `patience` s. True where no
    file can be held: not on this system, or not in this place.
    """
    try:
        file = path.open("ab") if CAN_HOLD else None
    except OSError:
        file = None
    if file is None:
        yield True
        return
    with file:  # which lets go of it
        yield _take(file.fileno(), time.monotonic() + patience)


def _take(file: int, until: float) -> bool:
    tick = threading.Event()
    while True:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= until:
                return False
            tick.wait(TRIED_EVERY)
        except OSError:  # a file system that knows no locks
            return True
        else:
            return True
