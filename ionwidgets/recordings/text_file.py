"""A text file, plain or gzipped, in blocks of whole lines: never all of it at once."""

from __future__ import annotations

import codecs
import gzip
import re
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import IO, Final, NamedTuple

from ionwidgets.errors import RecordingError

HEAD: Final = 2**20  # bytes in which titles and the first numbers are found
BLOCK: Final = 2**23  # bytes that are parsed at a time
LONGEST_LINE: Final = 2**26  # bytes; nothing that has lines has one like it
BOMB: Final = 500  # times its packed size: a gzip that unpacks to more, past some MiB, is no recording
_CONTROL: Final = re.compile(rb"[\x00-\x08\x0e-\x1f\x7f]")
_UTF16: Final = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


class Block(NamedTuple):
    """Whole lines, each ended by a newline, as UTF-8 or Latin-1; `line`: the first one's number, from 1."""

    text: bytes
    line: int
    last: bool


@dataclass(frozen=True)
class TextFile:
    """A file that is text. `head`: its first lines; `whole`: whether that is all of it."""

    path: Path
    encoding: str
    head: tuple[str, ...]
    whole: bool

    @property
    def block_encoding(self) -> str:
        return "latin-1" if self.encoding == "latin-1" else "utf-8"

    def blocks(self) -> Iterator[Block]:
        """The file from its beginning; RecordingError where it cannot be unpacked or decoded."""
        line, left, waiting = 1, b"", b""
        for piece in self._pieces():
            joined = left + piece
            # A carriage return at the very end may be half of a line's end.
            held = joined[-1:] if joined.endswith(b"\r") else b""
            text = _newlines(joined[: len(joined) - len(held)])
            end = text.rfind(b"\n") + 1
            left = text[end:] + held
            if len(left) > LONGEST_LINE:
                raise RecordingError("a line is longer than 64 MiB; no table is", file=self.path.name)
            if not end:
                continue
            if waiting:
                yield Block(waiting, line, last=False)
                line += waiting.count(b"\n")
            waiting = text[:end]
        rest = _newlines(left)
        yield Block(waiting + rest + b"\n" * (not rest.endswith(b"\n")) * bool(rest), line, last=True)

    def _pieces(self) -> Iterator[bytes]:
        decoder = codecs.getincrementaldecoder("utf-16")() if self.encoding == "utf-16" else None
        with opened(self.path) as stream:
            first = True
            while piece := stream.read(BLOCK):
                if decoder is not None:
                    piece = _decoded(decoder, piece, self.path.name).encode("utf-8", "surrogatepass")
                elif first:
                    piece = piece.removeprefix(codecs.BOM_UTF8)
                first = False
                yield piece
            if decoder is not None:
                _decoded(decoder, b"", self.path.name, final=True)


def open_text(path: Path) -> TextFile:
    """Look at the beginning of a file.

    Raises
    ------
    RecordingError : there is no such file, or it is no text.
    """
    with opened(path) as stream:
        raw = stream.read(HEAD)
        whole = not stream.read(1)
    encoding, text = _decode(raw, path.name, whole)
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    if not whole and len(lines) > 1:
        lines.pop()  # cut off somewhere
    return TextFile(path, encoding, tuple(lines), whole)


@contextmanager
def opened(path: Path) -> Iterator[IO[bytes]]:
    """The bytes of a file, unpacked where it is gzipped; what the system says as a RecordingError."""
    try:
        if "\0" in str(path):
            raise RecordingError(f"{str(path)!r}: a file's name holds no NUL")
        with path.open("rb") as plain:
            packed = plain.read(2) == b"\x1f\x8b"
            plain.seek(0)
            yield _Unpacked(plain, path) if packed else plain  # type: ignore[misc]
    except FileNotFoundError:
        raise RecordingError(_absent(path), file=path.name) from None
    except IsADirectoryError:
        raise RecordingError("is a folder; give the file in it", file=path.name) from None
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise RecordingError(f"is damaged gzip ({error}); unpack or copy it again", file=path.name) from None
    except OSError as error:
        raise RecordingError(f"cannot be opened: {error.strerror}", file=path.name) from None


class _Unpacked:
    """A gzip file that may not unpack to more than `BOMB` times its size."""

    def __init__(self, packed: IO[bytes], path: Path) -> None:
        self._stream, self._path, self._got = gzip.GzipFile(fileobj=packed), path, 0

    def read(self, size: int) -> bytes:
        piece = self._stream.read(size)
        self._got += len(piece)
        if self._got > max(BOMB * self._path.stat().st_size, 2 * BLOCK):
            raise RecordingError(
                f"unpacks to more than {BOMB} times its size, which no recording does; unpack it yourself",
                file=self._path.name,
            )
        return piece


def _newlines(text: bytes) -> bytes:
    return text.replace(b"\r\n", b"\n").replace(b"\r", b"\n") if b"\r" in text else text


def _decoded(decoder: codecs.IncrementalDecoder, piece: bytes, file: str, final: bool = False) -> str:
    try:
        return decoder.decode(piece, final)
    except UnicodeDecodeError:
        raise not_text(file) from None


def _decode(raw: bytes, file: str, whole: bool) -> tuple[str, str]:
    """Encoding and text of the first bytes; a character may be cut off at their end."""
    if raw.startswith(_UTF16):
        decoder = codecs.getincrementaldecoder("utf-16")()
        return "utf-16", _decoded(decoder, raw, file, final=whole)
    if _CONTROL.search(raw[:65536]):
        raise not_text(file)
    try:
        return "utf-8", codecs.getincrementaldecoder("utf-8-sig")().decode(raw, final=whole)
    except UnicodeDecodeError:
        # Old exports write the micro sign in Latin-1; bytes that are foreign throughout are no text at all.
        if sum(byte >= 0x80 for byte in raw) > 0.1 * len(raw):
            raise not_text(file) from None
        return "latin-1", raw.decode("latin-1")


def not_text(file: str) -> RecordingError:
    return RecordingError("is binary, not text, and of no format that is read; export it as CSV", file=file)


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
