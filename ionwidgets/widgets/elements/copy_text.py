"""Read-only lines with a button that copies them."""

from __future__ import annotations

import anywidget
from traitlets import Unicode

from ionwidgets.widgets.elements.static import joined


class CopyText(anywidget.AnyWidget):
    """A labelled, read-only text area and a button `action` that puts `text` on the clipboard."""

    _esm = joined("copy.js")
    label = Unicode().tag(sync=True)
    action = Unicode("Copy").tag(sync=True)
    text = Unicode().tag(sync=True)
