"""What the address of a page of ours asks for, and a button that copies one that asks for what is set."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import anywidget
from traitlets import Unicode

from ionwidgets.widgets.elements.static import joined


class PageLink(anywidget.AnyWidget):
    """`arrived` is the query of the page's address, handed over once, at the first showing; None before that,
    and for ever where the page is not ours (JupyterLab's address says nothing of a model).

    The button, which only pages of ours show, asks `make() -> (query, why not)`.
    """

    _esm = joined("page_link.js")
    label = Unicode().tag(sync=True)
    arrived = Unicode(None, allow_none=True).tag(sync=True)

    def __init__(self, make: Callable[[], tuple[str, str]], **traits: Any) -> None:
        super().__init__(**traits)
        self._make = make
        self.on_msg(self._answer)

    def _answer(self, _: Any, content: dict[str, Any], __: Any) -> None:
        if content.get("kind") == "ask":
            query, why_not = self._make()
            self.send({"kind": "link", "wish": content.get("wish"), "query": query, "why_not": why_not})
