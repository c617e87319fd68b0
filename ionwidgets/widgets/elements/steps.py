"""The steps across the top."""

from __future__ import annotations

import anywidget
from traitlets import Int, List, Unicode

from ionwidgets.widgets.elements.static import joined


class Steps(anywidget.AnyWidget):
    """One button a step, named as in `names`; `current` counts from 0."""

    _esm = joined("steps.js")
    names = List(Unicode()).tag(sync=True)
    current = Int(0).tag(sync=True)
