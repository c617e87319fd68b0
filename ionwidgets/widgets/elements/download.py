"""A button that makes a file and hands it to the browser."""

from __future__ import annotations

import gzip
import logging
import threading
from collections.abc import Callable
from typing import Any, Final

import anywidget
from traitlets import Bool, Unicode

from ionwidgets.errors import IonWidgetsError
from ionwidgets.widgets.coalesce import Latest
from ionwidgets.widgets.elements.static import joined

PIECE: Final = 2**19  # bytes of a message; the page asks for one after the other
KEPT: Final = 4  # files for pages that have not said that they are done: one that is gone never does

log = logging.getLogger(__name__)
_one_at_a_time = threading.Lock()  # a model's equations are read by one thread at a time


class Download(anywidget.AnyWidget):
    """A click makes the file, off the main thread, and saves it as `filename`.

    The bytes come from `make()` when they are asked for, and travel gzipped, in pieces, through the kernel's
    own connection: no server, no address. A page gives what it wants a key of its own, and says so again
    until it hears something. `problem` says in one line why there is no file; what `make` raises as an
    `IonWidgetsError` stands there.

    Parameters
    ----------
    make : the file's content.
    told : called with True when it begins and False when it has ended, on the worker's thread.
    """

    _esm = joined("download.js")
    label = Unicode().tag(sync=True)
    filename = Unicode().tag(sync=True)
    media_type = Unicode("application/octet-stream").tag(sync=True)
    busy = Bool(False).tag(sync=True)
    disabled = Bool(False).tag(sync=True)
    problem = Unicode().tag(sync=True)

    def __init__(
        self, make: Callable[[], bytes], told: Callable[[bool], None] | None = None, **traits: Any
    ) -> None:
        super().__init__(**traits)
        self._make, self._told = make, told or (lambda _: None)
        self._pieces: dict[str, list[bytes]] = {}  # by key
        self._making = ""  # the key of what is being made
        self.worker: Latest[str] = Latest(self._prepare)
        self.on_msg(self._answer)

    def _answer(self, _: Any, content: dict[str, Any], __: Any) -> None:
        kind, key = content.get("kind"), str(content.get("key"))
        pieces = self._pieces.get(key)
        if kind == "make" and pieces is not None:  # said again: the answer was lost
            self.send({"kind": "ready", "key": key, "pieces": len(pieces)})
        elif kind == "make" and not self.disabled:
            self.send({"kind": "working", "key": key})
            if key != self._making:
                self.worker.submit(key)
        elif kind == "ask" and pieces is not None:
            index = int(content["index"])
            if 0 <= index < len(pieces):
                self.send({"kind": "piece", "key": key, "index": index}, buffers=[pieces[index]])
        elif kind in ("make", "ask"):
            self.send({"kind": "refused", "key": key})
        elif kind == "done":
            self._pieces.pop(key, None)

    def _prepare(self, key: str) -> None:
        if key in self._pieces:  # it was asked for again just before it was made
            return
        self._making, self.busy, self.problem = key, True, ""
        self._told(True)
        try:
            with _one_at_a_time:
                packed = gzip.compress(self._make(), 6, mtime=0)
        except IonWidgetsError as error:
            self._refuse(key, str(error))
        except Exception as error:
            log.exception("%s could not be made", self.filename)
            self._refuse(key, f"{self.filename} could not be made: {type(error).__name__}")
        else:
            pieces = [packed[i : i + PIECE] for i in range(0, len(packed), PIECE)]
            for old in list(self._pieces)[: 1 - KEPT]:
                self._pieces.pop(old, None)
            self._pieces[key] = pieces
            self.send({"kind": "ready", "key": key, "pieces": len(pieces)})
        finally:
            self._making, self.busy = "", False
            self._told(False)

    def _refuse(self, key: str, why: str) -> None:
        self.problem = why
        self.send({"kind": "refused", "key": key})
