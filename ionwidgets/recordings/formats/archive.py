"""What a zip archive declares, held against its size before anything in it is unpacked."""

from __future__ import annotations

import zipfile
from pathlib import Path

from ionwidgets.recordings.formats.guard import malformed, reading, require_room

MOST_MEMBERS = 10_000


def members(path: Path, kind: str) -> dict[str, zipfile.ZipInfo]:
    """The members of an archive by name; RecordingError where they unpack to more than the file may hold.

    zipfile stops at the length that a member declares, so the sum of those is what can come out.
    """
    with reading(path, kind), zipfile.ZipFile(path) as archive:
        found = archive.infolist()
    if len(found) > MOST_MEMBERS:
        raise malformed(path, kind, f"{len(found)} members")
    require_room(path, kind, sum(member.file_size for member in found))
    return {member.filename: member for member in found}
