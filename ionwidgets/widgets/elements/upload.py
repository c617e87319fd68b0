"""A labelled file input; files may be dropped on it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO, Any

import anywidget
from traitlets import Bool, Int, Unicode

from ionwidgets.widgets.elements.static import joined


class Upload(anywidget.AnyWidget):
    """A native file input. A file arrives in pieces, is written to a private folder, and goes, whole, to
    `on_file(path)`, whose name is the file's own.

    The folder is there as long as the widget. The page sends the next pieces only when those before have
    arrived, so that it stays alive with files of hundreds of megabytes.
    """

    _esm = joined("upload.js")
    label = Unicode().tag(sync=True)
    accept = Unicode().tag(sync=True)
    multiple = Bool(False).tag(sync=True)
    limit = Int(64 * 2**20).tag(sync=True)  # bytes
    problem = Unicode().tag(sync=True)

    def __init__(self, on_file: Callable[[Path], None], **traits: Any) -> None:
        super().__init__(**traits)
        self._on_file = on_file
        self._folder: TemporaryDirectory[str] | None = None
        self._count = 0
        self._file: IO[bytes] | None = None
        self._expected = ("", 0)  # the upload and the index of the next piece
        self.on_msg(self._receive)

    def close(self) -> None:
        """Close the widget; what was uploaded goes with it."""
        self._let_go()
        if self._folder is not None:
            self._folder.cleanup()
        super().close()

    def _receive(self, _: Any, content: dict[str, Any], buffers: list[Any]) -> None:
        if content.get("kind") == "too-large":
            self._refuse(content)
        elif content.get("kind") == "piece":
            self._take(content, buffers[0])

    def _take(self, content: dict[str, Any], piece: Any) -> None:
        upload, index = str(content.get("upload")), int(content["index"])
        try:
            self._write(content, upload, index, piece)
        except OSError as error:  # no room, say: the page waits for a word
            self._let_go()
            self.problem = f"{content['name']}: cannot be kept here ({error.strerror})"
            self.send({"kind": "refused", "upload": upload})

    def _write(self, content: dict[str, Any], upload: str, index: int, piece: Any) -> None:
        if index == 0:
            self._let_go()
            self._file = self._place(str(content["name"])).open("xb")
        elif self._file is None or (upload, index) != self._expected:
            return  # the rest of a file that was refused, or that another has replaced
        assert self._file is not None
        self._expected = upload, index + 1
        self._file.write(piece)
        size = self._file.tell()
        if size > self.limit:
            self._let_go()
            self._refuse({"name": content["name"], "size": size})
            self.send({"kind": "refused", "upload": upload})
            return
        whole = index + 1 == content["pieces"]
        path = Path(self._file.name)
        if whole:
            self._file.close()
            self._file = None
        self.send({"kind": "taken", "upload": upload, "index": index})
        if whole:
            self.problem = ""
            self._on_file(path)

    def _place(self, name: str) -> Path:
        """A path that no other upload has: a folder each, since names repeat."""
        if self._folder is None:
            self._folder = TemporaryDirectory(prefix="ionwidgets-")
        self._count += 1
        folder = Path(self._folder.name) / str(self._count)
        folder.mkdir()
        # A browser gives no folders, and what says it is a browser may not be one.
        own = Path(name.replace("\\", "/").replace("\0", "")).name
        # A file's name may have 255 bytes.
        short = own.encode("utf-8", "replace")[-200:].decode("utf-8", "ignore")
        return folder / ("file" if own in ("", "..") else short)

    def _let_go(self) -> None:
        """Forget a file that has not come to its end."""
        if self._file is not None:
            self._file.close()
            Path(self._file.name).unlink(missing_ok=True)
            self._file = None

    def _refuse(self, content: dict[str, Any]) -> None:
        size, limit = int(content["size"]) / 2**20, self.limit / 2**20
        self.problem = f"{content['name']}: {size:.0f} MiB is too large (at most {limit:.0f} MiB)"
