"""Myokit's DataLog (.zip), by Myokit, whose format it is. It keeps no units."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import numpy as np

from ionwidgets.recordings.formats.archive import members
from ionwidgets.recordings.formats.arrays import from_arrays
from ionwidgets.recordings.formats.guard import reading, require_room
from ionwidgets.recordings.table import ArrayTable

KIND: Final = "Myokit DataLog"
MEMBERS: Final = ("data.bin", "structure.txt")


def read(path: Path) -> ArrayTable:
    """Every variable of the log by its qualified name ("membrane.V"), the log's own time first."""
    import myokit

    found = members(path, KIND)
    require_room(path, KIND, 2 * sum(member.file_size for member in found.values()))
    with reading(path, KIND):
        log = myokit.DataLog.load(str(path))
        time = log.time_key()
        arrays = {str(name): np.asarray(log[name]) for name in log.keys()}  # noqa: SIM118 - a log is no plain dict
    return from_arrays(path, KIND, arrays, time=time)
