"""Names of files that come out of a session file."""

from __future__ import annotations

from typing import Final

from ionwidgets.widgets.session import own_name

LONGEST_NAME: Final = 200  # bytes


def safe_name(name: str) -> str:
    """A file's own name, fit for any disk: no folder, nothing hidden, not too long; its suffix is kept."""
    own = "".join(letter for letter in own_name(name) if letter.isprintable() and letter not in '<>:"|?*')
    own = own.lstrip(". ").rstrip(". ")
    short = own.encode("utf-8", "replace")[-LONGEST_NAME:].decode("utf-8", "ignore").lstrip(". ")
    return short or "file"
