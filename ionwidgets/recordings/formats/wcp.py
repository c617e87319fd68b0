"""WinWCP (.wcp, version 9), by Myokit, whose reader follows the format's author.

Source: J. Dempster, "WinWCP data file format"; header lines NAME=value, then the records: an analysis block
that begins with the record's status, and a data block of 16-bit integers.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ionwidgets.recordings.formats.guard import finished, malformed, reading, titled, unit_of
from ionwidgets.recordings.table import ArrayTable

KIND: Final = "WinWCP"
SECTOR: Final = 512


def read(path: Path) -> ArrayTable:
    """Every channel of the accepted records, a record being a sweep."""
    accepted, total, facts = _check(path)
    with reading(path, KIND):
        from myokit.formats.wcp import WcpFile

        wcp = WcpFile(str(path))
        names, units, samples = wcp.channel_names(), wcp.channel_units(), wcp.sample_count()
        traces = [[wcp.values(record, index) for record in accepted] for index in range(len(names))]
        step = 1000 * float(wcp.times()[1] - wcp.times()[0]) if samples > 1 else None
    columns: dict[str, tuple[NDArray, str | None]] = {}
    for name, unit, sweeps in zip(names, units, traces, strict=True):
        values = np.concatenate(sweeps) if sweeps else np.empty(0)
        columns[titled(columns, name, "channel")] = (values, unit_of(str(unit).strip("[]")))
    count = len(accepted)
    left = total - count
    return finished(
        path,
        KIND,
        columns,
        sweeps=(samples,) * count if count > 1 else None,
        step=step,
        facts=facts,
        notes=(f"{left} of {total} records, marked as rejected, were left out",) if left else (),
    )


def _check(path: Path) -> tuple[list[int], int, dict[str, object]]:
    """The records not rejected, how many there are, what the header says, once its sizes fit the file."""
    size = path.stat().st_size
    with path.open("rb") as file:
        header = _fields(file.read(1024))
        try:
            channels, records = int(header["nc"]), int(header["nr"])
            start = int(header.get("nbh", 1024 * ((channels - 1) // 8 + 1)))
            analysis = SECTOR * int(header["nba"]) if "nba" in header else start
            data = SECTOR * int(header["nbd"]) if "nbd" in header else 2 * channels * int(header["np"])
            samples = int(header.get("np", data // (2 * max(channels, 1))))
        except (KeyError, ValueError) as error:
            raise malformed(path, KIND, f"its header lacks {error}") from None
        if not (0 < channels <= 128 and records >= 0 and samples > 0 and 0 < start <= size and analysis > 0):
            raise malformed(path, KIND, f"{channels} channels, {records} records of {samples} samples")
        end = start + records * (analysis + data)
        if 2 * channels * samples > data or end > size:
            raise malformed(path, KIND, f"its records end at byte {end}, the file at {size}: it is cut short")
        accepted = []
        for record in range(records):
            file.seek(start + record * (analysis + data))
            if file.read(8).upper() != b"REJECTED":
                accepted.append(record)
    facts: dict[str, object] = {
        "date": header.get("rtime") or header.get("ctime"),
        "comment": header.get("id"),
    }
    return accepted, records, facts


def _fields(head: bytes) -> dict[str, str]:
    pairs = (line.split("=", 1) for line in head.decode("latin-1").splitlines() if "=" in line)
    return {name.strip().lower(): value.strip(" \x00\r\n") for name, value in pairs}
