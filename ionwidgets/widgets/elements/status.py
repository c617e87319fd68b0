"""The status line: what runs, how far, how long still."""

from __future__ import annotations

import anywidget
from traitlets import Enum, Float, Int, Unicode

from ionwidgets.widgets.elements.static import joined


class StatusLine(anywidget.AnyWidget):
    """A live region (role=status) with a progress bar; it brings the workbench's style sheet too."""

    _esm = joined("status.js")
    _css = joined("workbench.css")
    text = Unicode().tag(sync=True)
    tone = Enum(["idle", "busy", "problem"], "idle").tag(sync=True)
    fraction = Float(None, allow_none=True).tag(sync=True)
    beats = Int().tag(sync=True)

    def beat(self) -> None:
        """Send the page a sign of life."""
        self.beats += 1
