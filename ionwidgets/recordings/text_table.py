"""A text file of numbers as a table: decoding, delimiter, header, and the line of every row.

Numbers go through pandas' C parser; the offending line and column are looked for only after it has failed.
"""

from __future__ import annotations

import csv
import gzip
import io
import re
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Final, NoReturn

import numpy as np
import pandas as pd

from ionwidgets.errors import RecordingError
from ionwidgets.recordings.units import QUANTITIES, canonical_unit

_CONTROL: Final = re.compile(rb"[\x00-\x08\x0e-\x1f\x7f]")
_MISSING: Final = {"", "nan", "na", "n/a", "null", "none", "#n/a", "-nan", "+nan", "<na>"}
_INFINITE: Final = re.compile(r"[+-]?inf(inity)?", re.IGNORECASE)
_NUMBER: Final = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)
_BLANK: Final = " \t\x0b\x0c"  # what pandas passes over around a number; no other space


@dataclass(frozen=True)
class TextTable:
    """Rows of a text file, not yet numbers.

    Attributes
    ----------
    file : name for messages.
    header : the column titles, or None where the first row holds numbers already.
    header_line : its line in the file, counted from 1 (the first row's where there is no header).
    unit_row : the units, where a second row under the titles holds nothing but units.
    rows, lines : the data rows as text, and for each its line in the file.
    delimiter : "," ";" tab or " " (any white space).   decimal : "." or ",".
    """

    file: str
    header: tuple[str, ...] | None
    header_line: int
    unit_row: tuple[str, ...] | None
    rows: list[str]
    lines: np.ndarray
    delimiter: str
    decimal: str
    width: int

    def label(self, index: int) -> str | int:
        """How a column is called in messages: its title, or its number where it has none."""
        return self.header[index] if self.header is not None and self.header[index] else index

    def numbers(self, indices: Iterable[int]) -> dict[int, np.ndarray]:
        """The columns asked for, float64 (rows,); RecordingError at the first that is no finite number."""
        wanted = sorted(set(indices))
        try:
            frame = pd.read_csv(
                io.StringIO("\n".join(self.rows)),
                header=None,
                names=list(range(self.width)),
                index_col=False,
                usecols=wanted,
                sep=r"\s+" if self.delimiter == " " else self.delimiter,
                decimal=self.decimal,
                dtype="float64",
                engine="c",
                skipinitialspace=True,
            )
        except (ValueError, OverflowError) as error:
            self._explain(wanted, str(error))
        columns = {index: frame[index].to_numpy(dtype=np.float64, copy=True) for index in wanted}
        if len(frame) != len(self.rows) or not all(np.isfinite(column).all() for column in columns.values()):
            self._explain(wanted, "a number is missing or infinite")
        return columns

    def _explain(self, wanted: list[int], otherwise: str) -> NoReturn:
        for line, row in zip(self.lines, self.rows, strict=True):
            if row.count('"') % 2:
                raise RecordingError("a quotation mark is not closed", file=self.file, line=int(line))
            fields = split_row(row, self.delimiter)
            for index in wanted:
                fault = _fault(fields[index].strip(_BLANK), self.decimal)
                if fault:
                    raise RecordingError(fault, file=self.file, line=int(line), column=self.label(index))
        raise RecordingError(f"cannot be read as numbers: {otherwise}", file=self.file)


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


def load_table(path: Path) -> TextTable:
    """Read and split a CSV or TSV file (gzip too); RecordingError if it is no table of numbers."""
    text = _decode(_read_bytes(path), path.name)
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    numbered = [
        (number, line)
        for number, line in enumerate(lines, start=1)
        if line.strip() and not line.lstrip().startswith("#")
    ]
    while numbered and not numbered[-1][1].strip(' \t,;"'):  # a spreadsheet's empty last rows
        numbered.pop()
    if not numbered:
        raise RecordingError("the file is empty; expected columns for time and V", file=path.name)
    delimiter = _delimiter(numbered)
    first = _titles(numbered[0][1], delimiter)
    if first is None and numbered[0][0] > 1:  # numpy.savetxt writes its titles as a comment
        number = numbered[0][0] - 1
        commented = _titles(lines[number - 1].lstrip().removeprefix("#"), delimiter)
        if commented is not None and len(commented) == len(split_row(numbered[0][1], delimiter)):
            first, numbered = commented, [(number, lines[number - 1]), *numbered]
    header = first
    body = numbered if header is None else numbered[1:]
    unit_row = _titles(body[0][1], delimiter) if header is not None and body else None
    if unit_row is not None and all(map(_is_unit, unit_row)):
        body = body[1:]
    else:
        unit_row = None
    width = len(header if header is not None else split_row(numbered[0][1], delimiter))
    if not body:
        raise RecordingError("there is a header but not one sample", file=path.name, line=numbered[0][0])
    _check_width(body, delimiter, width, path.name, against="the header" if header else "the first row")
    return TextTable(
        file=path.name,
        header=header,
        header_line=numbered[0][0],
        unit_row=unit_row,
        rows=[line for _, line in body],
        lines=np.fromiter((number for number, _ in body), dtype=np.int64, count=len(body)),
        delimiter=delimiter,
        decimal=_decimal(body, delimiter),
        width=width,
    )


def _read_bytes(path: Path) -> bytes:
    try:
        if "\0" in str(path):
            raise RecordingError(f"{str(path)!r}: a file's name holds no NUL")
        raw = path.read_bytes()
        return gzip.decompress(raw) if raw[:2] == b"\x1f\x8b" else raw
    except FileNotFoundError:
        raise RecordingError(_absent(path), file=path.name) from None
    except IsADirectoryError:
        raise RecordingError("is a folder; give the file in it", file=path.name) from None
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise RecordingError(f"is damaged gzip ({error}); unpack or copy it again", file=path.name) from None
    except OSError as error:
        raise RecordingError(f"cannot be opened: {error.strerror}", file=path.name) from None


def _absent(path: Path) -> str:
    if not path.parent.is_dir():
        return f"no such file; there is no folder {str(path.parent)!r} either"
    names = sorted(entry.name for entry in path.parent.iterdir() if entry.is_file())
    near = get_close_matches(path.name, names, n=3, cutoff=0.5)
    return (
        f"no such file; did you mean {' or '.join(near)}?"
        if near
        else "no such file, nor one with a similar name"
    )


def _decode(raw: bytes, file: str) -> str:
    if raw.startswith((b"\xff\xfe", b"\xfe\xff")):
        try:
            return raw.decode("utf-16")
        except UnicodeDecodeError:
            raise _not_text(file) from None
    head = raw[:65536]
    if _CONTROL.search(head):
        raise _not_text(file)
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        # Old exports write the micro sign in Latin-1; bytes that are foreign throughout are no text at all.
        if sum(byte >= 0x80 for byte in head) > 0.1 * len(head):
            raise _not_text(file) from None
        return raw.decode("latin-1")


def _not_text(file: str) -> RecordingError:
    return RecordingError(
        "is binary, not text; expected CSV or TSV (gzip allowed): export it as CSV", file=file
    )


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
    """The first of ; tab , that the first rows hold (; before , for decimal commas), else white space."""
    sample = [line for _, line in numbered[:5]]
    for delimiter in (";", "\t", ","):
        if all(delimiter in line for line in sample[-2:]):
            return delimiter
    return "," if any("," in line for line in sample) else " "


def _decimal(body: list[tuple[int, str]], delimiter: str) -> str:
    """As the first number tells that has any; whole ones tell nothing."""
    if delimiter not in ";\t":
        return "."
    for _, row in body:
        if "," in row or "." in row:
            for field in split_row(row, delimiter):
                mark = "," if "," in field else "."
                if mark in field and _NUMBER.fullmatch(field.strip().replace(",", ".")):
                    return mark
    return "."


def _check_width(body: list[tuple[int, str]], delimiter: str, width: int, file: str, *, against: str) -> None:
    for number, line in body:
        if delimiter == " ":
            found = len(line.split())
        elif '"' in line:
            found = len(split_row(line, delimiter))
        else:
            found = line.count(delimiter) + 1
        if found != width:
            raise RecordingError(
                f"has {found} field{'s' if found != 1 else ''} where {against} has {width}",
                file=file,
                line=number,
            )
