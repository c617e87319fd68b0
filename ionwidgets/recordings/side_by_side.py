"""Sweeps that stand side by side, a column each, as sweeps one after another."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ionwidgets.errors import RecordingError
from ionwidgets.recordings.columns import index_of, quantity_of, written
from ionwidgets.recordings.table import Table
from ionwidgets.recordings.units import ARBITRARY, canonical_unit

_NUMBERED: Final = re.compile(r"(?P<stem>.*?)[\s_#.-]*\d+")
_SWEEPS: Final = {"sweep", "trace", "episode", "beat", "cell"}
TIME, TRACE = 0, 1


@dataclass(frozen=True)
class SideBySide:
    """A `Table` of two columns, time and trace, made of a table with a column a sweep."""

    table: Table
    time: int | None
    traces: tuple[int, ...]
    rows: int

    @property
    def file(self) -> str:
        return self.table.file

    @property
    def kind(self) -> str:
        return self.table.kind

    @property
    def header(self) -> tuple[str, ...] | None:
        return tuple(str(self.label(index)) for index in (TIME, TRACE)) if self.table.header else None

    @property
    def header_line(self) -> int | None:
        return self.table.header_line

    @property
    def width(self) -> int:
        return 2

    @property
    def sweeps(self) -> tuple[int, ...]:
        return (self.rows,) * len(self.traces)

    @property
    def step(self) -> float | None:
        return self.table.step

    @property
    def facts(self) -> Mapping[str, str]:
        return self.table.facts

    @property
    def notes(self) -> tuple[str, ...]:
        names = [repr(self.table.label(index)) for index in (self.traces[0], self.traces[-1])]
        return (*self.table.notes, f"{len(self.traces)} columns, {' to '.join(names)}, taken as sweeps of V")

    def label(self, index: int) -> str | int:
        own = self.traces[0] if index == TRACE else self.time
        return "time" if own is None else self.table.label(own)

    def unit(self, index: int) -> str | None:
        own = self.traces[0] if index == TRACE else self.time
        return None if own is None else self.table.unit(own)

    def numbers(self, indices: Iterable[int]) -> dict[int, NDArray[np.float64]]:
        wanted = [*self.traces, *([] if self.time is None else [self.time])]
        columns = self.table.numbers(wanted)
        found = {TRACE: np.concatenate([columns[index] for index in self.traces])}
        if self.time is not None:
            found[TIME] = np.tile(columns[self.time], len(self.traces))
        return {index: found[index] for index in indices}

    def line(self, row: int) -> int | None:
        return self.table.line(row % self.rows)


def side_by_side(
    table: Table, columns: Mapping[str, Any], step: float | None
) -> tuple[Table, Mapping[str, Any]]:
    """The table whose sweeps come one after another, and the choice of its columns; or both as they are.

    Sweeps are the columns that `columns` lists for V, or those whose titles differ by a number alone.
    """
    if table.sweeps is not None:
        return table, columns
    chosen = columns.get("V")
    if isinstance(chosen, Sequence) and not isinstance(chosen, str):
        traces = [index_of(table, "V", one) for one in chosen]
    elif chosen is None:
        traces = _numbered(table, columns)
    else:
        return table, columns
    if len(traces) < 2:
        return (table, {**columns, "V": traces[0]}) if traces and chosen is not None else (table, columns)
    if others := [name for name in columns if name not in ("time", "V")]:
        raise RecordingError(
            f"{others[0]} cannot be read beside sweeps that stand side by side, a column each; "
            "give one column for V",
            file=table.file,
        )
    time = None if step is not None else _time(table, columns, traces)
    rows = len(table.numbers(traces[:1])[traces[0]])
    made = SideBySide(table, time, tuple(traces), rows)
    return made, {"V": TRACE} | ({} if time is None else {"time": TIME})


def _numbered(table: Table, columns: Mapping[str, Any]) -> list[int]:
    """Columns that are V in all but the number of their titles, where no column is V itself."""
    if table.header is None:
        return []
    groups: dict[tuple[str, str | None], list[int]] = {}
    for index in range(table.width):
        title, unit = written(table, index)
        if quantity_of(title) == "V":
            return []
        found = _NUMBERED.fullmatch(title.strip())
        stem = found["stem"] if found else ""
        known = canonical_unit("V", unit) if unit else None
        by_name = quantity_of(stem) == "V" or stem.strip().lower() in _SWEEPS
        if found and (known is not None if unit else by_name) and (by_name or known != ARBITRARY):
            groups.setdefault((stem.lower(), known), []).append(index)
    several = [indices for indices in groups.values() if len(indices) > 1]
    return several[0] if len(several) == 1 else []


def _time(table: Table, columns: Mapping[str, Any], traces: Sequence[int]) -> int:
    if "time" in columns:
        return index_of(table, "time", columns["time"])
    rest = [index for index in range(table.width) if index not in traces]
    named = [i for i in rest if table.header is not None and quantity_of(written(table, i)[0]) == "time"]
    if len(named) == 1:
        return named[0]
    if len(rest) == 1:
        return rest[0]
    raise RecordingError(
        "no column for time beside the sweeps; say which with columns={'time': 0} (--columns time=0)",
        file=table.file,
        line=table.header_line,
        column="time",
    )
