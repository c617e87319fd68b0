"""What a model is, in a comment at the head of a CellML file.

CellML 2.0 has no place for a title or a publication: no element or attribute of another language than MathML
may stand in it, and Myokit writes none. A comment may, every reader passes it over, and people see it first.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final
from xml.parsers import expat

_MARK: Final = "Written by ionwidgets"
_KEYS: Final = ("title", "species", "tissue", "publication", "doi", "desc")


def with_header(xml: bytes, meta: Mapping[str, str]) -> bytes:
    """A CellML document with what `meta` says of the model in a comment before its first element."""
    known = [f"{key}: {_in_one_line(meta[key])}" for key in _KEYS if meta.get(key, "").strip()]
    if not known:
        return xml
    comment = "\n".join([f"<!-- {_MARK}", *known, "-->\n"]).encode()
    declaration, end, rest = xml.partition(b"?>\n")
    return declaration + end + comment + rest if end else comment + xml


def read_header(xml: bytes) -> dict[str, str]:
    """What `with_header` wrote, by the names in `meta`; nothing for a file that is not ours."""
    found: dict[str, str] = {}

    def read(comment: str) -> None:
        first, *lines = comment.strip().splitlines()
        if first.strip() == _MARK:
            pairs = (line.partition(": ") for line in lines)
            found.update({key: value.strip() for key, _, value in pairs if key in _KEYS})

    parser = expat.ParserCreate()
    parser.CommentHandler = lambda comment: read(comment) if comment.strip() else None
    parser.Parse(xml, True)
    return found


def _in_one_line(text: str) -> str:
    """The text without what a comment cannot hold: "--" and control characters."""
    printable = "".join(c if c.isprintable() else " " for c in text)
    return re.sub("-(?=-)", "- ", " ".join(printable.split()))
