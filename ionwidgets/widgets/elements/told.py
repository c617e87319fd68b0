"""What controls have in common whose value is moved in the page and set in the kernel, at any rate."""

from __future__ import annotations

import logging
import threading
from typing import Any, ClassVar

import anywidget
from traitlets import Dict, TraitError

log = logging.getLogger(__name__)


class Told(anywidget.AnyWidget):
    """The trait `of` is not synchronised by ipywidgets but told and heard, each in its turn (static/told.js).

    ipywidgets sends a trait's last value when the kernel is idle: a button that was pressed after a drag is
    heard before the drag's end, and page and kernel end with different values. Here the page's moves are
    messages in order with all others; every word of the kernel has a number, and a move that was made before
    the page had heard it is passed over.

    Parameters
    ----------
    lock : held while a move is taken; a session's, where observers take that.
    """

    of: ClassVar[str] = "value"
    _told = Dict().tag(sync=True)

    def __init__(self, lock: threading.RLock | None = None, **traits: Any) -> None:
        super().__init__(**traits)
        self._lock: Any = lock or threading.RLock()
        self._told = {"number": 0, "value": getattr(self, self.of)}
        self.observe(self._tell, self.of)
        self.on_msg(self._hear)

    def _tell(self, change: Any) -> None:
        with self._lock:
            if change["new"] != self._told["value"]:
                self._told = {"number": self._told["number"] + 1, "value": change["new"]}

    def _hear(self, _: Any, content: dict[str, Any], __: Any) -> None:
        with self._lock:
            # Else a word is on its way to the page, which then knows that this was not heard.
            if content.get("kind") == "moved" and content.get("number") == self._told["number"]:
                self._told = {name: content.get(name) for name in ("number", "value", "view", "place")}
                try:
                    setattr(self, self.of, content.get("value"))
                except TraitError:
                    log.warning("%s: the page sent no value", type(self).__name__)
