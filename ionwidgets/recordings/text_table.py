"""A text file of numbers as a table: delimiter, header, and the line of every row.

Numbers go through pandas' C parser, a block of the file at a time; the offending line and column are looked
for only in a block where it has failed.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple, NoReturn

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ionwidgets.errors import RecordingError
from ionwidgets.recordings.text_file import TextFile
from ionwidgets.recordings.units import QUANTITIES, canonical_unit

_MISSING: Final = {"", "nan", "na", "n/a", "null", "none", "#n/a", "-nan", "+nan", "<na>"}
_INFINITE: Final = re.compile(r"[+-]?inf(inity)?", re.IGNORECASE)
_NUMBER: Final = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)
_BLANK: Final = " \t\x0b\x0c"  # what pandas passes over around a number; no other space
LOOKED_AT: Final = 200  # lines that tell how the table is made up
LEAST_ROWS: Final = 10  # without which a preamble is not told from a table
_EMPTY: Final = ' \t,;"'  # all that a spreadsheet's empty rows hold


class Rows(NamedTuple):
    """Data rows of one block, a newline after each, and for each its line in the file."""

    text: bytes
    lines: Sequence[int]


@dataclass(frozen=True)
class TextTable:
    """A `Table` in a text file; its rows are not yet numbers.

    unit_row : the units, where a second row under the titles holds nothing but units.
    start : the line of the first data row.
    delimiter : "," ";" tab or " " (any white space).   decimal : "." or ",".
    """

    source: TextFile
    header: tuple[str, ...] | None
    header_line: int
    unit_row: tuple[str, ...] | None
    start: int
    delimiter: str
    decimal: str
    width: int

    kind: str = "text"
    sweeps: None = None
    step: None = None
    facts: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    @property
    def file(self) -> str:
        return self.source.path.name

    def label(self, index: int) -> str | int:
        return self.header[index] if self.header is not None and self.header[index] else index

    def unit(self, index: int) -> str | None:
        return self.unit_row[index].strip("[]() ") if self.unit_row is not None else None

    def numbers(self, indices: Iterable[int]) -> dict[int, NDArray[np.float64]]:
        wanted = sorted(set(indices))
        room, count = 0, 0
        columns: dict[int, NDArray[np.float64]] = {index: np.empty(0) for index in wanted}
        for rows in self._rows():
            frame, end = self._parsed(rows, wanted), count + len(rows.lines)
            if end > room:
                # Memory that nothing is written to is not taken; a gzipped file is longer than it looks.
                share = self.source.path.stat().st_size / len(rows.text)
                room = int(max(2.0, 1.05 * share if not count else 0.0) * end)
                for index in wanted:
                    columns[index] = _moved(columns[index], count, room)
            for index in wanted:
                columns[index][count:end] = frame[index]
            count = end
        return {index: column[:count] for index, column in columns.items()}

    def line(self, row: int) -> int:
        for rows in self._rows():
            if row < len(rows.lines):
                return rows.lines[row]
            row -= len(rows.lines)
        raise IndexError(row)

    def _rows(self) -> Iterator[Rows]:
        against = "the header" if self.header else "the first row"
        for text, line, last in self.source.blocks():
            if line < self.start:  # the first block, unless the titles fill it
                skipped = min(self.start - line, text.count(b"\n"))
                text = text.split(b"\n", skipped)[skipped]
                line += skipped
            if last:
                kept = text.rstrip(_EMPTY.encode() + b"\n")
                text = text[: text.find(b"\n", len(kept)) + 1] if kept else b""
            if not text:
                continue
            count = _regular(text, self.delimiter, self.width)
            if count is not None:
                yield Rows(text, range(line, line + count))
                continue
            numbered = data_lines(text.decode(self.source.block_encoding, "replace").split("\n"), line)
            check_width(numbered, self.delimiter, self.width, self.file, against)
            if numbered:
                joined = "".join(f"{row}\n" for _, row in numbered).encode("utf-8", "surrogatepass")
                yield Rows(joined, [number for number, _ in numbered])

    def _parsed(self, rows: Rows, wanted: list[int]) -> pd.DataFrame:
        try:
            frame = pd.read_csv(
                io.BytesIO(rows.text),
                header=None,
                names=list(range(self.width)),
                index_col=False,
                usecols=wanted,
                sep=r"\s+" if self.delimiter == " " else self.delimiter,
                decimal=self.decimal,
                dtype="float64",
                engine="c",
                encoding="latin-1",  # of which every byte is one: numbers are ASCII, and nothing else is read
                skipinitialspace=True,
            )
        except (ValueError, OverflowError) as error:
            self._explain(rows, wanted, str(error))
        if len(frame) != len(rows.lines) or not np.isfinite(frame.to_numpy()).all():
            self._explain(rows, wanted, "a number is missing or infinite")
        return frame

    def _explain(self, rows: Rows, wanted: list[int], otherwise: str) -> NoReturn:
        texts = rows.text.decode(self.source.block_encoding, "replace").split("\n")
        for line, row in zip(rows.lines, texts, strict=False):  # the last newline ends the last row
            if row.count('"') % 2:
                raise RecordingError("a quotation mark is not closed", file=self.file, line=line)
            fields = split_row(row, self.delimiter)
            for index in wanted:
                fault = _fault(fields[index].strip(_BLANK), self.decimal)
                if fault:
                    raise RecordingError(fault, file=self.file, line=line, column=self.label(index))
        raise RecordingError(f"cannot be read as numbers: {otherwise}", file=self.file)


def _moved(column: NDArray, count: int, room: int) -> NDArray:
    longer = np.empty(room)
    longer[:count] = column[:count]
    return longer


def _fault(field: str, decimal: str) -> str | None:
    """What is wrong with one field, or None."""
    if decimal == ",":
        if "." in field and _NUMBER.fullmatch(field):
            return f"{field!r} has a decimal point where the rows before have a decimal comma"
        field = field.replace(",", ".")
    if not field:
        return "the field is empty; every sample needs a number"
    if field.lower() in _MISSING:
        return f"{field!r} is not a number; leave such samples out at the ends, fill gaps before reading"
    if _INFINITE.fullmatch(field):
        return f"{field!r} is infinite; every sample needs a finite number"
    if not _NUMBER.fullmatch(field):
        return f"{_shortened(field)} is text where a number was expected"
    return None if np.isfinite(float(field)) else f"{field!r} is too large, infinite as a number"


def _shortened(field: str) -> str:
    return repr(field if len(field) <= 40 else field[:37] + "...")


def split_row(row: str, delimiter: str) -> list[str]:
    """The fields of one row, quotes taken off."""
    if delimiter == " ":
        return row.split()
    if '"' in row:
        try:
            return next(csv.reader([row], delimiter=delimiter, skipinitialspace=True))
        except csv.Error:  # a field longer than any number or title
            return row.split(delimiter)
    return row.split(delimiter)


def read_text(source: TextFile) -> TextTable:
    """How a text file is made up; RecordingError if it is no table of numbers."""
    file, lines = source.path.name, source.head
    numbered = data_lines(lines, 1)
    if source.whole:
        while numbered and not numbered[-1][1].strip(_EMPTY):
            numbered.pop()
    if not numbered:
        raise RecordingError("the file is empty; expected columns for time and V", file=file)
    delimiter = _delimiter(numbered)
    numbered, notes = _without_preamble(numbered, delimiter)
    first = _titles(numbered[0][1], delimiter)
    if first is None and numbered[0][0] > 1:  # numpy.savetxt writes its titles as a comment
        number = numbered[0][0] - 1
        commented = _titles(lines[number - 1].lstrip().removeprefix("#"), delimiter)
        if commented is not None and len(commented) == len(split_row(numbered[0][1], delimiter)):
            first, numbered = commented, [(number, lines[number - 1]), *numbered]
    header = first
    body = numbered if header is None else numbered[1:]
    rows = [split_row(line, delimiter) for _, line in body[:LOOKED_AT]]
    if header is not None and {len(row) for row in rows} == {len(header) + 1}:
        # A delimiter at the end of every row, or R, whose first column, the names of the rows, has no title.
        ended = not any(row[-1].strip() for row in rows)
        header = (*header, "") if ended else ("", *header)
    unit_row = _titles(body[0][1], delimiter) if header is not None and body else None
    if unit_row is not None and all(map(_is_unit, unit_row)):
        body = body[1:]
    else:
        unit_row = None
    width = len(header if header is not None else split_row(numbered[0][1], delimiter))
    if not body:
        raise RecordingError("there is a header but not one sample", file=file, line=numbered[0][0])
    check_width(body, delimiter, width, file, "the header" if header else "the first row")
    return TextTable(
        source=source,
        header=header,
        header_line=numbered[0][0],
        unit_row=unit_row,
        start=body[0][0],
        delimiter=delimiter,
        decimal=_decimal(source, body, delimiter),
        width=width,
        notes=notes,
    )


def _without_preamble(
    numbered: list[tuple[int, str]], delimiter: str
) -> tuple[list[tuple[int, str]], tuple[str, ...]]:
    """What begins with the table's titles, or its first row; an instrument may say this and that before."""
    widths = [len(split_row(line, delimiter)) for _, line in numbered[:LOOKED_AT]]
    usual = max(set(widths), key=widths.count)
    if len(widths) < LEAST_ROWS or usual < 2 or widths[0] in (usual, usual - 1):
        return numbered, ()
    first = next(i for i in range(len(widths)) if widths[i : i + 2] == [usual] * 2)
    if any(map(_looks_numeric, split_row(numbered[0][1], delimiter))):
        return numbered, ()  # a row of another length than the others is no preamble
    said = f"{first} line{'s' if first != 1 else ''} before the table left out"
    return numbered[first:], (said,)


def data_lines(lines: Iterable[str], first: int) -> list[tuple[int, str]]:
    """Those that are neither blank nor a comment, with their numbers in the file."""
    return [
        (number, line)
        for number, line in enumerate(lines, start=first)
        if line.strip() and not line.lstrip().startswith("#")
    ]


def _regular(text: bytes, delimiter: str, width: int) -> int | None:
    """Number of rows, where all are seen to have `width` fields; None where a closer look must tell."""
    if b'"' in text or b"#" in text or b"\n\n" in text or text.startswith(b"\n"):
        return None
    characters = np.frombuffer(text, dtype=np.uint8)
    ends = np.flatnonzero(characters == ord("\n"))
    if delimiter == " ":
        blank = np.isin(characters, np.frombuffer(b" \t\n\x0b\x0c", dtype=np.uint8))
        marks, each = (
            np.flatnonzero(~blank & np.concatenate([[True], blank[:-1]])),
            width,
        )  # where fields begin
    else:
        marks, each = np.flatnonzero(characters == ord(delimiter)), width - 1
    if marks.size != each * ends.size:
        return None
    if each:
        of_row = marks.reshape(ends.size, each)
        if (of_row[:, -1] > ends).any() or (of_row[1:, 0] < ends[:-1]).any():
            return None
    return int(ends.size)


def _titles(row: str, delimiter: str) -> tuple[str, ...] | None:
    """The fields of a row that holds words alone; None where one of them is a number, or all are empty."""
    fields = tuple(field.strip() for field in split_row(row, delimiter))
    return None if any(map(_looks_numeric, fields)) or not any(fields) else fields


def _is_unit(field: str) -> bool:
    field = field.strip("[]() ")
    return not field or any(canonical_unit(quantity, field) for quantity in QUANTITIES)


def _looks_numeric(field: str) -> bool:
    field = field.strip()
    return bool(
        _NUMBER.fullmatch(field.replace(",", "."))
        or _INFINITE.fullmatch(field)
        or field.lower() in ("nan", "-nan")
    )


def _delimiter(numbered: list[tuple[int, str]]) -> str:
    """The first of ; tab , that some rows hold (; before , for decimal commas), else white space."""
    sample = [line for _, line in numbered[:LOOKED_AT][-5:]]
    for delimiter in (";", "\t", ","):
        if all(delimiter in line for line in sample[-2:]):
            return delimiter
    return "," if any("," in line for line in sample) else " "


def _decimal(source: TextFile, body: list[tuple[int, str]], delimiter: str) -> str:
    """As the first number tells that has any; whole ones tell nothing."""
    if delimiter not in ";\t":
        return "."
    mark = _first_mark((row for _, row in body), delimiter)
    if mark is None and not source.whole:
        texts = (block.text.decode(source.block_encoding, "replace") for block in source.blocks())
        found = (_first_mark(text.split("\n"), delimiter) for text in texts)
        mark = next((mark for mark in found if mark is not None), None)
    return mark or "."


def _first_mark(rows: Iterable[str], delimiter: str) -> str | None:
    for row in rows:
        if "," in row or "." in row:
            for text in split_row(row, delimiter):
                mark = "," if "," in text else "."
                if mark in text and _NUMBER.fullmatch(text.strip().replace(",", ".")):
                    return mark
    return None


def check_width(body: list[tuple[int, str]], delimiter: str, width: int, file: str, against: str) -> None:
    """RecordingError at the first row that has more or fewer fields than `against`."""
    for number, line in body:
        if delimiter == " ":
            found = len(line.split())
        elif '"' in line:
            found = len(split_row(line, delimiter))
        else:
            found = line.count(delimiter) + 1
        if found != width:
            spaces = "; titles that hold spaces need commas or tabs between them" * (delimiter == " ")
            raise RecordingError(
                f"has {found} field{'s' if found != 1 else ''} where {against} has {width}{spaces}",
                file=file,
                line=number,
            )
