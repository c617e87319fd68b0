"""A heading that shows or hides what follows it."""

from __future__ import annotations

import anywidget
from traitlets import Bool, Unicode

from ionwidgets.widgets.elements.static import joined


class Disclosure(anywidget.AnyWidget):
    """A heading with the button `name` and a `note`; `unfolded` says whether what it heads is to be seen."""

    _esm = joined("disclosure.js")
    name = Unicode().tag(sync=True)
    note = Unicode().tag(sync=True)
    unfolded = Bool(False).tag(sync=True)
