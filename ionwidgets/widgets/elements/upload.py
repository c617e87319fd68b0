"""A labelled file input."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import anywidget
from traitlets import Int, Unicode

from ionwidgets.widgets.elements.static import STATIC


class Upload(anywidget.AnyWidget):
    """A native file input; a file arrives in pieces and goes, whole, to `on_file(name, content)`."""

    _esm = STATIC / "upload.js"
    label = Unicode().tag(sync=True)
    accept = Unicode().tag(sync=True)
    limit = Int(64 * 2**20).tag(sync=True)  # bytes
    problem = Unicode().tag(sync=True)

    def __init__(self, on_file: Callable[[str, bytes], None], **traits: Any) -> None:
        super().__init__(**traits)
        self._on_file = on_file
        self._pieces: list[bytes] = []
        self._size = 0
        self.on_msg(self._receive)

    def _receive(self, _: Any, content: dict[str, Any], buffers: list[Any]) -> None:
        if content.get("kind") == "too-large":
            self._refuse(content)
        elif content.get("kind") == "piece":
            self._take(content, bytes(buffers[0]))

    def _take(self, content: dict[str, Any], piece: bytes) -> None:
        if content["index"] == 0:
            self._pieces, self._size = [], 0
        if content["index"] != len(self._pieces):
            return  # the rest of a file that was refused, or that another has replaced
        self._pieces.append(piece)
        self._size += len(piece)
        if self._size > self.limit:
            self._pieces = []
            self._refuse({"name": content["name"], "size": self._size})
        elif len(self._pieces) == content["pieces"]:
            whole, self._pieces = b"".join(self._pieces), []
            self.problem = ""
            self._on_file(str(content["name"]), whole)

    def _refuse(self, content: dict[str, Any]) -> None:
        size, limit = int(content["size"]) / 2**20, self.limit / 2**20
        self.problem = f"{content['name']}: {size:.0f} MiB is too large (at most {limit:.0f} MiB)"
