"""What every reader here shares: a malformed file ends in one RecordingError, and in no more than its memory.

A library trusts what a header declares. So what a file declares is held against its size before a library
allocates it (`require_room`), and whatever a library raises over bad data becomes one sentence (`reading`).
Only calls into libraries stand under `reading`; a fault of our own around them is not hidden by it.
"""

from __future__ import annotations

import traceback
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ionwidgets.errors import IonWidgetsError, RecordingError
from ionwidgets.recordings.sampling import tidy
from ionwidgets.recordings.table import ArrayTable

ROOM: Final = 4  # times a file's size: numbers that it may hold once unpacked; copies make that up to ten
LEAST_ROOM: Final = 40_000_000  # bytes that a file of any size may hold
LONGEST_TITLE: Final = 120
LONGEST_REASON: Final = 160


def malformed(path: Path, kind: str, reason: str) -> RecordingError:
    """The one error for a file that is not what it seems to be."""
    return RecordingError(f"cannot be read as {kind} ({reason}); export it again or as CSV", file=path.name)


@contextmanager
def reading(path: Path, kind: str) -> Iterator[None]:
    """Turn what a library raises over bad data into a RecordingError; its warnings are not shown.

    Libraries raise anything, bare Exception and AssertionError among it, so the class says nothing; what
    stands in the block is therefore the library's calls and no more.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            yield
        except IonWidgetsError:
            raise
        except MemoryError as error:
            traceback.clear_frames(error.__traceback__)
            raise malformed(path, kind, "it declares more data than there is memory for") from None
        except Exception as error:
            reason = clean(str(error) if str(error) and not isinstance(error, KeyError) else repr(error))
            # A reader that failed leaves its file open in a frame; closed here, its warning is not shown.
            traceback.clear_frames(error.__traceback__)
            raise malformed(path, kind, reason[:LONGEST_REASON]) from error


def room(path: Path) -> int:
    """Bytes of numbers that a file may hold once unpacked."""
    return max(LEAST_ROOM, ROOM * path.stat().st_size)


def require_room(path: Path, kind: str, declared: int) -> None:
    """RecordingError where a file declares more bytes than it may hold."""
    if declared < 0 or declared > room(path):
        raise RecordingError(
            f"cannot be read as {kind} (it declares {declared / 1e6:.6g} MB of numbers in a file of "
            f"{path.stat().st_size / 1e6:.6g} MB); save it uncompressed or in parts, or export it as CSV",
            file=path.name,
        )


def clean(text: object) -> str:
    """Text out of a file, fit for a message and a title: one line, printable, not too long."""
    found = text.decode("utf-8", "replace") if isinstance(text, bytes) else str(text)
    words = "".join(letter if letter.isprintable() else " " for letter in found[: 4 * LONGEST_TITLE]).split()
    return " ".join(words)[:LONGEST_TITLE]


def unit_of(text: object) -> str | None:
    """A unit out of a file, None where it says none."""
    found = clean(text)
    return None if found in ("", "?", "None", "unknown", "n/a", "N/A", "dimensionless") else found


def finished(
    path: Path,
    kind: str,
    columns: Mapping[str, tuple[NDArray, str | None]],
    *,
    sweeps: tuple[int, ...] | None = None,
    step: float | None = None,
    facts: Mapping[str, object] | None = None,
    notes: tuple[str, ...] = (),
) -> ArrayTable:
    """The table of columns by title, each (rows,) with its unit; RecordingError where nothing is in it."""
    lengths = {len(values) for values, _ in columns.values()}
    if not columns or lengths == {0}:
        raise RecordingError(f"{kind} without a sample in it; record or export it again", file=path.name)
    if len(lengths) > 1 or (sweeps is not None and {sum(sweeps)} != lengths):
        raise malformed(path, kind, "its channels differ in length")
    if step is not None and not (np.isfinite(step) and step > 0):
        raise malformed(path, kind, f"a sampling interval of {step:.6g} ms")
    said = {name: clean(value) for name, value in (facts or {}).items() if value is not None}
    return ArrayTable(
        file=path.name,
        kind=kind,
        header=tuple(columns),
        units=tuple(unit for _, unit in columns.values()),
        columns=tuple(values for values, _ in columns.values()),
        sweeps=sweeps,
        step=None if step is None else tidy(step),
        facts={name: value for name, value in said.items() if value},
        notes=notes,
    )


def titled(columns: Mapping[str, object], title: object, otherwise: str) -> str:
    """A title that no column has yet."""
    name = clean(title) or otherwise
    fresh, count = name, 2
    while fresh in columns:
        fresh, count = f"{name} {count}", count + 1
    return fresh
