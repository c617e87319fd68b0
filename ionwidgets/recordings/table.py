"""What a reader of a file hands on: columns of numbers, and what the file calls them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from ionwidgets.errors import RecordingError


class Table(Protocol):
    """Columns by number from 0, their rows from 0.

    Attributes
    ----------
    file : name for messages.   kind : the format, in words.
    header : the column titles, or None.   header_line : their line in the file, where it has lines.
    width : how many columns there are.
    sweeps : rows of every sweep, one after another, where the file keeps sweeps apart; else None.
    step : ms between samples, where no column holds the time; else None.
    facts : what else the file says of itself (protocol, date, ...), by name.
    notes : what the reader had to assume, a sentence each.
    """

    @property
    def file(self) -> str: ...
    @property
    def kind(self) -> str: ...
    @property
    def header(self) -> tuple[str, ...] | None: ...
    @property
    def header_line(self) -> int | None: ...
    @property
    def width(self) -> int: ...
    @property
    def sweeps(self) -> tuple[int, ...] | None: ...
    @property
    def step(self) -> float | None: ...
    @property
    def facts(self) -> Mapping[str, str]: ...
    @property
    def notes(self) -> tuple[str, ...]: ...

    def label(self, index: int) -> str | int:
        """How a column is called in messages: its title, or its number where it has none."""

    def unit(self, index: int) -> str | None:
        """The unit of a column as the file writes it, beside its title."""

    def numbers(self, indices: Iterable[int]) -> dict[int, NDArray[np.float64]]:
        """The columns asked for, (rows,); RecordingError at the first that is no finite number."""

    def line(self, row: int) -> int | None:
        """The line of a row in the file, from 1, where it has lines."""


@dataclass(frozen=True)
class ArrayTable:
    """Columns that came as numbers, from a binary file; `Table` says what its attributes are.

    columns : each (rows,), the sweeps one after another, all as long.   units : of each, as the file has it.
    """

    file: str
    kind: str
    header: tuple[str, ...]
    units: tuple[str | None, ...]
    columns: tuple[NDArray, ...]
    sweeps: tuple[int, ...] | None = None
    step: float | None = None
    facts: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    header_line: None = None

    @property
    def width(self) -> int:
        return len(self.columns)

    def label(self, index: int) -> str | int:
        return self.header[index] or index

    def unit(self, index: int) -> str | None:
        return self.units[index] or None

    def numbers(self, indices: Iterable[int]) -> dict[int, NDArray[np.float64]]:
        found = {}
        for index in sorted(set(indices)):
            values = np.asarray(self.columns[index], dtype=np.float64)
            if not np.isfinite(values).all():
                row = int(np.argmin(np.isfinite(values)))
                raise RecordingError(
                    f"sample {row} is {values[row]}; every sample needs a finite number: fill gaps first",
                    file=self.file,
                    column=self.label(index),
                )
            found[index] = values
        return found

    def line(self, row: int) -> None:
        return None
