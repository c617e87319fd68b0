"""Reading a zip file that anyone may have made: no more than was agreed is ever unpacked."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Final, NoReturn

from ionwidgets.errors import IonWidgetsError

MOST_MEMBERS: Final = 32
LEAST_ROOM: Final = 2**26  # bytes that a file of any size may unpack to
ROOM: Final = 100  # times a file's size that it may unpack to: text of numbers is packed to a third or so
MOST_ROOM: Final = 2**31
PIECE: Final = 2**20
KNOWN: Final = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)  # others may need memory without end


class Archive:
    """A zip file, open for reading; whatever is wrong with it is one IonWidgetsError that says `what` it is
    not. Names in it are looked up, never used as paths.

    Raises
    ------
    IonWidgetsError : no such file, no zip file, too many members, or more in them than there is room for.
    """

    def __init__(self, path: Path, what: str) -> None:
        self.name, self.what = path.name, what
        try:
            size = path.stat().st_size
            file = path.open("rb")
        except FileNotFoundError:
            raise IonWidgetsError(f"{path}: there is no such file") from None
        except OSError as error:
            raise IonWidgetsError(f"{path.name}: cannot be read here ({error.strerror})") from None
        self._file = file
        try:
            with self.reading():
                self._zip = zipfile.ZipFile(file)
            self._check(size)
        except IonWidgetsError:
            file.close()
            raise

    def __enter__(self) -> Archive:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._zip.close()
        self._file.close()

    def bytes_of(self, member: str, most: int) -> bytes:
        """What is in a member, `most` bytes at most."""
        with self.reading(), self._zip.open(self._found(member, most)) as file:
            return file.read()

    def json_of(self, member: str, most: int) -> Any:
        """The same, as JSON without NaN."""
        content = self.bytes_of(member, most)
        with self.reading():
            return json.loads(content, parse_constant=self._no_number)

    def unpack(self, member: str, to: Path, most: int) -> None:
        """Write what is in a member to a file, piece by piece."""
        with self.reading(), self._zip.open(self._found(member, most)) as file, to.open("xb") as out:
            while piece := file.read(PIECE):
                out.write(piece)

    def fail(self, why: str) -> NoReturn:
        """Raise the one error for a file that is not what it seems to be."""
        raise IonWidgetsError(f"{self.name}: no {self.what}, or a damaged one ({why})")

    @contextmanager
    def reading(self) -> Iterator[None]:
        """Whatever libraries raise over bad data in the block ends as that error."""
        try:
            yield
        except IonWidgetsError:
            raise
        except OSError as error:  # whose text holds a path
            self.fail(str(error.strerror))
        except Exception as error:  # zipfile, zlib, json and struct raise a dozen kinds
            self.fail(" ".join((str(error) or type(error).__name__).split())[:160])

    def _found(self, member: str, most: int) -> zipfile.ZipInfo:
        try:
            info = self._zip.getinfo(member)
        except KeyError:
            self.fail(f"there is no {member} in it")
        if info.file_size > most:
            self.fail(f"{member} is larger than {most} bytes")
        return info

    def _check(self, size: int) -> None:
        members = self._zip.infolist()
        if len(members) > MOST_MEMBERS or len({info.filename for info in members}) < len(members):
            self.fail("too many members, or two of one name")
        if sum(info.file_size for info in members) > min(MOST_ROOM, max(LEAST_ROOM, ROOM * size)):
            self.fail("it would unpack to more than there is room for")
        if any(info.compress_type not in KNOWN or info.flag_bits & 1 for info in members):
            self.fail("it is packed in another way, or encrypted")

    def _no_number(self, text: str) -> NoReturn:
        self.fail(f"{text} in it")
