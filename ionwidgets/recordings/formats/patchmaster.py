"""HEKA PatchMaster's bundle (.dat), by Myokit, the one kept reader of its stimuli too.

Source: HEKA's "DataFile_v9", "PulsedFile_v9" and "StimFile_v9": a bundle of trees, .pul of groups, series,
sweeps and traces, .pgf of stimuli; a tree gives the length of the record of every level, then node by node
the record and how many children follow. Offsets below are bytes within a record.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ionwidgets.errors import RecordingError, unknown_name
from ionwidgets.recordings.formats.guard import clean, finished, malformed, reading, room, titled, unit_of
from ionwidgets.recordings.table import ArrayTable

KIND: Final = "HEKA PatchMaster"
ITEMS, ITEM = 64, 16
TREES: Final = {".pul": 5, ".pgf": 4, ".amp": 3}
MOST_NODES: Final = 1_000_000
MOST_SWEEPS: Final = 100_000
STIMULUS_SWEEPS: Final = 144
TRACE_DATA: Final = 40
LONGEST_RECORD: Final = 65_536


@dataclass(frozen=True)
class _Series:
    """One series: its name in the file ("1.2 ramp"), whether it was run to its end, its channels in volts."""

    name: str
    complete: bool
    channels: list[str]
    series: Any


def read(path: Path, series: str | None = None) -> ArrayTable:
    """The sweeps of one current-clamp series; the first that was run to its end, unless `series` names one.

    A series is called by its group's number, its own and its label, "1.2 ramp"; either part is enough.
    """
    _check(path)
    with reading(path, KIND):
        from myokit.formats.heka import PatchMasterFile

        # Made before it is filled: where that fails the file it has opened is still at hand to be closed.
        file = PatchMasterFile.__new__(PatchMasterFile)
        try:
            file.__init__(str(path))
            found = [
                _Series(
                    f"{g}.{s} {clean(one.label())}".strip(),
                    one.is_complete(),
                    _volts(one.channel_units()),
                    one,
                )
                for g, group in enumerate(file, start=1)
                for s, one in enumerate(group, start=1)
                if len(one) and one.channel_count() and _current_clamp(one)
            ]
            found = [one for one in found if one.channels]
            taken = _choose(path, found, series)
            columns, lengths, step, command = _sweeps(taken.series, room(path))
            facts = {
                "series": taken.name,
                "series in the file": ", ".join(one.name for one in found),
                "date": taken.series.time(),
                "written by": f"PatchMaster {file.version()}",
            }
        finally:
            if handle := getattr(file, "_handle", None):
                handle.close()
    notes = []
    others = [one.name for one in found if one is not taken]
    if others and series is None:
        shown = ", ".join(others[:8]) + (", ..." if len(others) > 8 else "")
        notes.append(f"series {taken.name!r} was taken; the file also holds {shown}")
    if not taken.complete:
        notes.append(f"series {taken.name!r} was stopped before its end")
    if command is not None:
        columns["command"] = command
    return finished(
        path,
        KIND,
        columns,
        sweeps=lengths if len(lengths) > 1 else None,
        step=step,
        facts=facts,
        notes=tuple(notes),
    )


def _volts(units: list[Any]) -> list[str]:
    return [text for text in (str(unit).strip("[]") for unit in units) if text in ("V", "mV")]


def _current_clamp(series: Any) -> bool:
    """The stimulus says which clamp it was; where no output does, a recorded voltage says it."""
    modes = {channel.amplifier_mode().name for channel in series.stimulus()}
    return "CC" in modes or "VC" not in modes


def _choose(path: Path, found: list[_Series], wanted: str | None) -> _Series:
    if not found:
        raise RecordingError("no current-clamp series with a recorded voltage in it", file=path.name)
    if wanted is None:
        return next((one for one in found if one.complete), found[0])
    for one in found:
        number, _, label = one.name.partition(" ")
        if wanted.strip() in (one.name, number, label):
            return one
    raise RecordingError(unknown_name("series", wanted, [one.name for one in found]), file=path.name)


def _sweeps(
    series: Any, most: int
) -> tuple[
    dict[str, tuple[NDArray, str | None]],
    tuple[int, ...],
    float,
    tuple[NDArray, str | None] | None,
]:
    """Columns of every channel, samples of the sweeps, ms between them, the command where it is known."""
    columns: dict[str, tuple[NDArray, str | None]] = {}
    names, units = series.channel_names(), series.channel_units()
    for index, (name, unit) in enumerate(zip(names, units, strict=True)):
        values = np.concatenate([sweep[index].values().astype(np.float32) for sweep in series])
        columns[titled(columns, name, "channel")] = (values, unit_of(str(unit).strip("[]")))
    lengths = tuple(len(sweep[0]) for sweep in series)
    # Not from the times, which Myokit would make for every sample.
    steps = {round(trace.duration() / len(trace), 12) for sweep in series for trace in sweep if len(trace)}
    if len(steps) != 1:
        raise ValueError(f"channels sampled every {sorted(steps)[:4]} s; expected one sampling")
    step = steps.pop()
    command = None
    # Myokit builds it in double precision and its times beside it.
    if series.da_count() and step > 0 and 16 * sum(lengths) <= most:
        durations = np.asarray(series.stimulus().sweep_durations(), dtype=float)
        # Rebuilt in full by Myokit, so only where it is as long as what was recorded.
        if len(durations) >= len(lengths) and all(
            round(d / step) == n for d, n in zip(durations, lengths, strict=False)
        ):
            parts = series.da()[1][: len(lengths)]
            if tuple(len(part) for part in parts) == lengths:
                command = (np.concatenate(parts), unit_of(str(series.da_units(0)).strip("[]")))
    return columns, lengths, 1000 * step, command


def _check(path: Path) -> None:
    """Walk the trees: their counts and the places of their data must lie in the file."""
    with path.open("rb") as file:
        content = np.memmap(file, np.uint8, "r") if path.stat().st_size else np.empty(0, np.uint8)
        head = bytes(content[:256])
        if len(head) < 256:
            raise malformed(path, KIND, "its header is cut short")
        order = "<" if head[52] else ">"
        trees = set()
        for index in range(12):
            start, length = struct.unpack_from(f"{order}ii", head, ITEMS + ITEM * index)
            name = head[ITEMS + ITEM * index + 8 :][:8].split(b"\x00")[0].decode("latin-1")
            if length and name in TREES:
                if not 0 < start < len(content):
                    raise malformed(path, KIND, f"{name} begins at byte {start}")
                _walk(path, content, start, name)
                trees.add(name)
        if not {".pul", ".pgf"} <= trees:
            raise malformed(path, KIND, "no .pul and .pgf in it")


def _walk(path: Path, content: NDArray[np.uint8], start: int, name: str) -> None:
    order = "<" if bytes(content[start : start + 4]) == b"eerT" else ">"

    def number(position: int) -> int:
        if not 0 <= position <= len(content) - 4:
            raise malformed(path, KIND, f"{name} goes on after the end of the file: it is cut short")
        return int(struct.unpack(f"{order}i", bytes(content[position : position + 4]))[0])

    levels = number(start + 4)
    if levels != TREES[name]:
        raise malformed(path, KIND, f"{levels} levels in {name} where there are {TREES[name]}")
    lengths = [number(start + 8 + 4 * level) for level in range(levels)]
    if not all(16 <= length <= LONGEST_RECORD for length in lengths):
        raise malformed(path, KIND, f"records of {lengths} bytes in {name}")
    position, nodes = start + 8 + 4 * levels, 0
    ahead = [1]  # nodes still to come on every level
    while ahead:
        if not ahead[-1]:
            ahead.pop()
            continue
        ahead[-1] -= 1
        level, nodes = len(ahead) - 1, nodes + 1
        if name == ".pgf" and level == 1 and not 0 <= number(position + STIMULUS_SWEEPS) <= MOST_SWEEPS:
            raise malformed(path, KIND, f"a stimulus of {number(position + STIMULUS_SWEEPS)} sweeps")
        if name == ".pul" and level == 4:
            at, samples = number(position + TRACE_DATA), number(position + TRACE_DATA + 4)
            if at < 0 or samples < 0 or at + 2 * samples > len(content):
                raise malformed(path, KIND, f"{samples} samples from byte {at} in a file of {len(content)}")
        position += lengths[level]
        children = number(position)
        position += 4
        if not 0 <= children <= MOST_NODES or nodes > MOST_NODES or (children and level + 1 >= levels):
            raise malformed(path, KIND, f"{children} records under one in {name}")
        ahead.append(children)
