"""A button that shows and hides what stands beside it."""

from __future__ import annotations

import anywidget
from traitlets import Bool, Unicode

from ionwidgets.widgets.elements.static import joined


class MenuButton(anywidget.AnyWidget):
    """In a box of the class ``ionw-menu`` it shows that of the class ``ionw-menu-panel`` while `expanded`.

    Escape, a click elsewhere, or walking out of it with the keyboard closes it.
    """

    _esm = joined("menu.js")
    label = Unicode().tag(sync=True)
    expanded = Bool(False).tag(sync=True)
