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

log = logging.getLogger(__name__)
_one_at_a_time = threading.Lock()  # a model's equations are read by one thread at a time


class Download(anywidget.AnyWidget):
    """A click makes the file, off the main thread, and saves it as `filename`.

    The bytes come from `make()` when they are asked for, and travel gzipped, in pieces, through the kernel's
    own connection: no server, no address. `problem` says in one line why there is no file; what `make` raises
    as an `IonWidgetsError` stands there.

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
        self._pieces: list[bytes] = []
        self.worker: Latest[str] = Latest(self._prepare)
        self.on_msg(self._answer)

    def _answer(self, _: Any, content: dict[str, Any], __: Any) -> None:
        kind, key = content.get("kind"), str(content.get("key"))
        if kind == "make" and not self.disabled:
            self.worker.submit(key)
        elif kind == "ask":
            index = int(content["index"])
            if 0 <= index < len(self._pieces):
                self.send({"kind": "piece", "key": key, "index": index}, buffers=[self._pieces[index]])
        elif kind == "done":
            self._pieces = []

    def _prepare(self, key: str) -> None:
        self.busy, self.problem = True, ""
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
            self._pieces = [packed[i : i + PIECE] for i in range(0, len(packed), PIECE)]
            self.send({"kind": "ready", "key": key, "pieces": len(self._pieces)})
        finally:
            self.busy = False
            self._told(False)

    def _refuse(self, key: str, why: str) -> None:
        self.problem = why
        self.send({"kind": "refused", "key": key})
