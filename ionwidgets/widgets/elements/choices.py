"""Several of several: a group of check boxes with a name."""

from __future__ import annotations

import anywidget
from traitlets import List, Unicode

from ionwidgets.widgets.elements.static import joined


class Choices(anywidget.AnyWidget):
    """Check boxes in a row that wraps, under a visible `label`; `chosen` is in the order of `options`.

    `options` are dicts of `value`, its accessible name; `html`, how it is shown, escaped; and `title`, said
    when one points at it. `presets` are dicts of `name` and `values`, a button each.
    """

    _esm = joined("choices.js")
    label = Unicode().tag(sync=True)
    options: List = List().tag(sync=True)
    presets: List = List().tag(sync=True)
    chosen: List = List().tag(sync=True)
