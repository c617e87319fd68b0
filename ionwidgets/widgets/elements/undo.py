"""Undo, Redo and Reset."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import anywidget
from traitlets import Bool

from ionwidgets.widgets.elements.static import joined


class UndoBar(anywidget.AnyWidget):
    """Three buttons, and Ctrl+Z and Ctrl+Shift+Z anywhere in the panel but where one writes text.

    `acts` maps "undo", "redo" and "reset" to what each does.
    """

    _esm = joined("undo.js")
    can_undo = Bool(False).tag(sync=True)
    can_redo = Bool(False).tag(sync=True)

    def __init__(self, acts: dict[str, Callable[[], None]], **traits: Any) -> None:
        super().__init__(**traits)
        self._acts = acts
        self.on_msg(self._receive)

    def _receive(self, _: Any, content: dict[str, Any], __: Any) -> None:
        act = self._acts.get(str(content.get("kind")))
        if act is not None:
            act()
