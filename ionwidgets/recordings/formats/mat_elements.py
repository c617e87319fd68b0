"""The elements of a MATLAB file up to version 7, walked and checked before SciPy reads them.

SciPy looks up the type that an element declares in a table without asking whether it is in there, and calls
itself for a cell within a cell: a damaged file ends the process. What is walked here is sound.

Source: MathWorks, "MAT-File Format": an element is a type, a length and data, padded to 8 bytes; a short one
keeps up to 4 bytes of data within the tag; a matrix holds flags, dimensions and name, then its parts.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

HEADER: Final = 128
BYTES: Final = {
    1: 1,
    2: 1,
    3: 2,
    4: 2,
    5: 4,
    6: 4,
    7: 4,
    9: 8,
    12: 8,
    13: 8,
}  # of a number, by the type's code
LETTERS: Final = {1: 1, 2: 1, 3: 2, 4: 2, 16: 1, 17: 2, 18: 4}
INT8, INT32, UINT32, MATRIX, COMPRESSED = 1, 5, 6, 14, 15
CELL, STRUCT, CHAR, NUMBERS = 1, 2, 4, range(6, 16)
COMPLEX: Final = 0x800
DEEPEST: Final = 8


@dataclass(frozen=True)
class Variable:
    """One variable of a file: whether it holds numbers, by itself or in a structure, and is sound."""

    name: str
    wanted: bool


def variables(path: Path, limit: int) -> Iterator[Variable]:
    """Every variable in order; ValueError or struct.error over damage or more than `limit` bytes."""
    total = 0
    with path.open("rb") as file:
        order = "<" if file.read(HEADER)[126:128] == b"IM" else ">"
        while len(tag := file.read(8)) == 8:
            kind, length = struct.unpack(f"{order}II", tag)
            content = file.read(min(length, limit + 1))
            if len(content) < length:
                raise ValueError(
                    f"an element of {length} bytes where {len(content)} are left: it is cut short"
                )
            if kind == COMPRESSED:
                unpacked = zlib.decompressobj().decompress(content, limit - total + 1)
                if len(unpacked) < 8:
                    raise ValueError("an element that unpacks to nothing")
                kind, length = struct.unpack_from(f"{order}II", unpacked)
                content = unpacked[8:]
            total += 8 + len(content)
            if total > limit:
                raise ValueError(f"more than {limit / 1e6:.6g} MB of data, which it cannot hold")
            if kind != MATRIX or length > len(content):
                raise ValueError(
                    f"an element of type {kind} and {length} bytes where a variable was expected"
                )
            yield _variable(_Elements(content[:length], order))


class _Elements:
    """The elements within a matrix, one after another."""

    def __init__(self, content: bytes | memoryview, order: str) -> None:
        self.content, self.order, self.position = memoryview(content), order, 0

    def next(self) -> tuple[int, memoryview]:
        """Type and data of the next element."""
        kind, length = struct.unpack_from(f"{self.order}II", self.content, self.position)
        if kind >> 16:
            kind, length = kind & 0xFFFF, kind >> 16
            start, self.position = self.position + 4, self.position + 8
            if length > 4:
                raise ValueError(f"a short element of {length} bytes")
        else:
            start = self.position + 8
            self.position = start + (length + 7) // 8 * 8
        if start + length > len(self.content):
            raise ValueError("an element goes on after its matrix")
        return kind, self.content[start : start + length]

    def one_of(self, widths: dict[int, int]) -> tuple[int, memoryview]:
        """How many numbers the next element holds, and its data; ValueError where it is of another type."""
        kind, data = self.next()
        if kind not in widths or len(data) % widths[kind]:
            raise ValueError(f"an element of type {kind} and {len(data)} bytes where numbers were expected")
        return len(data) // widths[kind], data


def _head(elements: _Elements) -> tuple[int, int, str]:
    """Flags, how many elements by the dimensions, name."""
    count, flags = elements.one_of({UINT32: 4})
    if count != 2:
        raise ValueError("a matrix without its flags")
    count, dimensions = elements.one_of({INT32: 4})
    lengths = struct.unpack(f"{elements.order}{count}i", dimensions)
    if not 2 <= count <= 8 or min(lengths) < 0:
        raise ValueError(f"a matrix of dimensions {lengths[:8]}")
    _, name = elements.one_of({INT8: 1})
    size = 1
    for length in lengths:
        size *= length
    return struct.unpack_from(f"{elements.order}I", flags)[0], size, bytes(name).decode("latin-1")


def _variable(elements: _Elements) -> Variable:
    flags, size, name = _head(elements)
    wanted = flags & 0xFF in NUMBERS or flags & 0xFF == STRUCT
    return Variable(name, wanted and _parts(elements, flags, size, 1))


def _parts(elements: _Elements, flags: int, size: int, depth: int) -> bool:
    """Check what follows a matrix's head; False where it holds what is not read here."""
    kind = flags & 0xFF
    if depth > DEEPEST:
        raise ValueError(f"cells or structures nested deeper than {DEEPEST}")
    if kind in NUMBERS:
        for _ in range(2 if flags & COMPLEX else 1):
            count, _ = elements.one_of(BYTES)
            if count != size:
                raise ValueError(f"a matrix of {size} numbers with {count} in it")
        return True
    if kind == CHAR:
        count, _ = elements.one_of(LETTERS)
        return count >= 0
    if kind == STRUCT:
        count, width = elements.one_of({INT32: 4})
        length = struct.unpack(f"{elements.order}i", width)[0] if count == 1 else 0
        letters, _ = elements.one_of({INT8: 1})
        if not 0 < length <= 64 or letters % length:
            raise ValueError(f"a structure with names of {length} letters in {letters}")
        size *= letters // length
    elif kind != CELL:
        return False
    if 8 * size > len(elements.content):
        raise ValueError(f"{size} parts in {len(elements.content)} bytes")
    return all(_matrix(elements, depth) for _ in range(size))


def _matrix(elements: _Elements, depth: int) -> bool:
    kind, data = elements.next()
    if kind != MATRIX:
        raise ValueError(f"an element of type {kind} where a matrix was expected")
    if not data:
        return True
    inner = _Elements(data, elements.order)
    flags, size, _ = _head(inner)
    return _parts(inner, flags, size, depth + 1)
