"""Damaged files through the readers: what comes of each, and in a process of its own, where a crash is seen.

Files of HDF5 go to its reader itself here, which `open_table` starts in a process of its own for every file.

python damaged_files.py FOLDER EXAMPLE FIRST COUNT     one line of JSON; FOLDER/at holds the seed under way
"""

from __future__ import annotations

import faulthandler
import json
import os
import resource
import signal
import subprocess
import sys
import time
import warnings
from collections import Counter
from pathlib import Path

from format_examples import EXAMPLES
from recordings.mutations import mutate

from ionwidgets.errors import RecordingError
from ionwidgets.recordings.formats import hdf5, open_table
from ionwidgets.recordings.table import ArrayTable

HDF5 = ("mat 7.3", "netcdf 4", "hdf5", "nwb")
LONGEST = 10  # s a file
MEMORY = 1_000_000_000  # bytes beside what the undamaged file took


def outcome(path: Path, *, directly: bool = False) -> str:
    """ "table", "error" or "text"; any other exception is the caller's to see."""
    try:
        table = hdf5.read(path) if directly else open_table(path)
        if table is None:
            return "text"
        assert isinstance(table, ArrayTable)
        assert len(table.header) == len(table.units) == len(table.columns)
        assert len({len(column) for column in table.columns}) == 1
        assert table.sweeps is None or sum(table.sweeps) == len(table.columns[0])
        table.numbers(range(table.width))
    except RecordingError as error:
        assert "\n" not in str(error) and len(str(error)) < 600
        return "error"
    return "table"


def tried(folder: Path, example: str, seeds: range) -> tuple[Counter[str], float]:
    """How often each outcome came of the damaged copies of one example, and the longest time [s]."""
    path = EXAMPLES[example](folder)
    sound = path.read_bytes()
    found: Counter[str] = Counter()
    longest = 0.0
    for seed in seeds:
        (folder / "at").write_text(str(seed))
        path.write_bytes(mutate(sound, seed))
        began = time.monotonic()
        signal.alarm(LONGEST)  # ends the process, where nothing else is set
        found[outcome(path, directly=example in HDF5)] += 1
        signal.alarm(0)
        longest = max(longest, time.monotonic() - began)
    return found, longest


def tried_apart(folder: Path, example: str, seeds: range) -> tuple[Counter[str], dict[int, str]]:
    """As `tried`, in another process; also the seeds that ended it, and how. It goes on with the next."""
    found: Counter[str] = Counter()
    ends: dict[int, str] = {}
    first = seeds.start
    while first < seeds.stop:
        command = [sys.executable, __file__, str(folder), example, str(first), str(seeds.stop - first)]
        ended = subprocess.run(
            command,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
            capture_output=True,
            text=True,
            timeout=3000,
        )
        if ended.returncode == 0:
            found.update(json.loads(ended.stdout))
            break
        at = int((folder / "at").read_text())
        found.update(["ended"])
        found["before an end"] += at - first
        ends[at], first = f"{ended.returncode}: {ended.stderr[-1500:]}", at + 1
    return found, ends


def main() -> None:
    faulthandler.enable()
    warnings.simplefilter("error")
    folder, example, first, count = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
    assert outcome(EXAMPLES[example](folder), directly=example in HDF5) == "table"
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    limit = pages * resource.getpagesize() + MEMORY
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    found, _ = tried(folder, example, range(first, first + count))
    print(json.dumps(found))


if __name__ == "__main__":
    main()
