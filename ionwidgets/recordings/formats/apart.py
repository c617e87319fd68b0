"""Reading a file in a process of its own, which may crash, run on or ask for all memory by itself.

For HDF5: over damaged files its library reads where it must not, or turns in circles, and no check from
outside finds every such file. It costs the start of an interpreter, one or two seconds.

    python -m ionwidgets.recordings.formats.apart MODULE FILE FOLDER    the table goes into FOLDER
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import numpy as np

from ionwidgets.errors import IonWidgetsError, RecordingError
from ionwidgets.recordings.formats.guard import malformed
from ionwidgets.recordings.table import ArrayTable

SECONDS: Final = 5.0  # of computing, and one more for every
BYTES_A_SECOND: Final = 10_000_000
LONGEST_WAIT: Final = 120.0  # s, on a machine with much else to do
MEMORY: Final = 500_000_000  # bytes beside what is loaded before the file is opened, and times its size
TIMES: Final = 10
LIBRARIES: Final = ("xarray", "h5netcdf", "h5py")


def read(module: str, path: Path, kind: str) -> ArrayTable:
    """What `module`.read(path) gives, from another process; RecordingError where that ends otherwise."""
    with TemporaryDirectory() as folder:
        beside = [str(Path(__file__).resolve().parents[3]), os.environ.get("PYTHONPATH", "")]
        command = [sys.executable, "-P", "-m", __name__, module, str(path.resolve()), folder]
        environment = {
            **os.environ,
            "PYTHONPATH": os.pathsep.join(filter(None, beside)),
            "OPENBLAS_NUM_THREADS": "1",  # each thread's stack would count as memory
        }
        try:
            subprocess.run(
                command,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                timeout=LONGEST_WAIT,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise malformed(path, kind, f"no end to it after {LONGEST_WAIT:.0f} s") from None
        return _taken(path, kind, Path(folder))


def _taken(path: Path, kind: str, folder: Path) -> ArrayTable:
    said = folder / "table.json"
    if not said.exists():  # ended by the system, or by one of the limits
        raise malformed(path, kind, "its structure is damaged")
    found = json.loads(said.read_text())
    if "error" in found:
        raise RecordingError(found["error"].removeprefix(f"{path.name}: "), file=path.name)
    return ArrayTable(
        file=path.name,
        kind=found["kind"],
        header=tuple(found["header"]),
        units=tuple(found["units"]),
        columns=tuple(np.load(folder / f"{index}.npy") for index in range(len(found["header"]))),
        sweeps=None if found["sweeps"] is None else tuple(found["sweeps"]),
        step=found["step"],
        facts=found["facts"],
        notes=tuple(found["notes"]),
    )


def main() -> None:
    """Read the file that the arguments name, within limits of time and memory."""
    module, path, folder = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])
    for name in LIBRARIES:
        import_module(name)
    size = path.stat().st_size
    told = Path("/proc/self/statm")
    if told.exists():  # elsewhere than on Linux memory is not limited
        loaded = int(told.read_text().split()[0]) * resource.getpagesize()
        _limit(resource.RLIMIT_AS, loaded + MEMORY + TIMES * size)
    used = resource.getrusage(resource.RUSAGE_SELF)
    _limit(resource.RLIMIT_CPU, int(used.ru_utime + used.ru_stime + SECONDS + size / BYTES_A_SECOND))
    _limit(resource.RLIMIT_CORE, 0)
    try:
        table = import_module(module).read(path)
    except IonWidgetsError as error:
        found: dict[str, object] = {"error": str(error)}
    else:
        for index, column in enumerate(table.columns):
            np.save(folder / f"{index}.npy", column)
        found = {
            "kind": table.kind,
            "header": table.header,
            "units": table.units,
            "sweeps": table.sweeps,
            "step": table.step,
            "facts": dict(table.facts),
            "notes": table.notes,
        }
    (folder / "writing").write_text(json.dumps(found))
    (folder / "writing").rename(folder / "table.json")


def _limit(which: int, value: int) -> None:
    _, most = resource.getrlimit(which)
    resource.setrlimit(which, (value if most == resource.RLIM_INFINITY else min(value, most), most))


if __name__ == "__main__":
    main()
