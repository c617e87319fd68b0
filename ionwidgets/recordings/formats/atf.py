"""Axon's text format, ATF (pCLAMP), its numbers by pandas' C parser.

pyABF rounds the time to single precision, and both it and Myokit parse line by line in Python; they are
what the tests compare with. Source: Axon's "ATF File Format": a line with the version, one with the counts of
header lines and columns, the header lines, the titles.
"""

from __future__ import annotations

import csv
import io
import re
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ionwidgets.recordings.formats.guard import clean, finished, malformed, reading, titled, unit_of
from ionwidgets.recordings.table import ArrayTable

KIND: Final = "Axon ATF"
MOST_LINES: Final = 10_000
MOST_COLUMNS: Final = 10_000
_UNIT: Final = re.compile(r"^(?P<name>.*?)\s*\((?P<unit>[^()]*)\)$")
_TRACE: Final = re.compile(r"(trace|sweep|episode)\s*#?\s*\d+", re.I)


def read(path: Path) -> ArrayTable:
    """The first column, time, and every signal, the sweeps of one signal one after another."""
    with path.open("rb") as file:
        first, second = file.readline(200), file.readline(200)
        counts = [int(word) for word in re.findall(rb"\d{1,6}", second)]
        if not first.startswith(b"ATF") or len(counts) < 2:
            raise malformed(path, KIND, "its second line has no counts of lines and columns")
        lines, width = counts[:2]
        if lines > MOST_LINES or not 2 <= width <= MOST_COLUMNS:
            raise malformed(path, KIND, f"{lines} header lines, {width} columns")
        longest = 64 * width + 10_000
        header = [_decoded(file.readline(longest)) for _ in range(lines)]
        line = _decoded(file.readline(longest))
        rest = file.read()
    delimiter = "\t" if "\t" in line else ","
    with reading(path, KIND):
        titles = next(csv.reader([line], delimiter=delimiter, skipinitialspace=True), [])
    if len(titles) != width:
        raise malformed(path, KIND, f"{len(titles)} titles for {width} columns")
    numbers = _numbers(path, rest, delimiter, width)
    del rest
    time, *names = [_split(title) for title in titles]
    signals = _signals(header, names)
    count = len(next(iter(signals.values())))
    rows = len(numbers)
    if count > 1 and any(len(found) != count for found in signals.values()):
        signals, count = {f"{name} {index}": [index] for index, (name, _) in enumerate(names, start=1)}, 1
    columns: dict[str, tuple[NDArray, str | None]] = {}
    columns[titled({}, time[0], "Time")] = (np.tile(numbers[:, 0], count), time[1])
    for signal, found in signals.items():
        values = np.ascontiguousarray(numbers[:, found].T).reshape(-1)
        columns[titled(columns, signal, "signal")] = (values, names[found[0] - 1][1])
    return finished(
        path, KIND, columns, sweeps=(rows,) * count if count > 1 else None, facts=_facts(header), notes=()
    )


def _decoded(line: bytes) -> str:
    return line.decode("latin-1").strip("\r\n")  # "µ" as pCLAMP writes it


def _numbers(path: Path, text: bytes, delimiter: str, width: int) -> NDArray[np.float64]:
    """The rows, (rows, width)."""
    with reading(path, KIND):
        import pandas as pd

        frame = pd.read_csv(
            io.BytesIO(text),
            header=None,
            names=list(range(width)),
            index_col=False,
            sep=delimiter,
            dtype="float64",
            engine="c",
            encoding="latin-1",
            float_precision="round_trip",
        )
        return frame.to_numpy()


def _split(title: str) -> tuple[str, str | None]:
    found = _UNIT.match(clean(title))
    return (found["name"], unit_of(found["unit"])) if found else (clean(title), None)


def _signals(header: list[str], names: list[tuple[str, str | None]]) -> dict[str, list[int]]:
    """Column numbers of every signal, in the order of its sweeps."""
    labels = _list_of(header, "Signals")
    if len(labels) != len(names):
        # Without its list of signals a file's traces of one unit are one signal's sweeps.
        labels = [unit or "signal" if _TRACE.fullmatch(name) else name for name, unit in names]
        labels = [
            f"trace ({label})" if _TRACE.fullmatch(name) else label
            for label, (name, _) in zip(labels, names, strict=True)
        ]
    signals: dict[str, list[int]] = {}
    for index, label in enumerate(labels, start=1):
        signals.setdefault(label, []).append(index)
    return signals


def _list_of(header: list[str], key: str) -> list[str]:
    """The quoted values that a header line such as "Signals=" "IN 0" "IN 1" lists."""
    for line in header:
        words = re.findall(r'"([^"]*)"', line)
        if words and words[0].strip().startswith(f"{key}="):
            return [word for word in (words[0].split("=", 1)[1], *words[1:]) if word]
    return []


def _facts(header: list[str]) -> dict[str, object]:
    named = {"Comment": "comment", "AcquisitionMode": "mode", "SweepStartTimesMS": "sweep starts [ms]"}
    return {fact: ", ".join(_list_of(header, key)) for key, fact in named.items()}
