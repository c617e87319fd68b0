"""The stretch of a recording that is looked at, by numbers and buttons: dragging needs a mouse."""

from __future__ import annotations

from collections.abc import Callable

import ipywidgets as ipw

from ionwidgets.widgets.panel import box, button

Window = tuple[float, float]  # s

CLOSER = 0.5  # of the width, by a press
ASIDE = 0.5


class LookCloser(ipw.VBox):
    """`From (s)`, `To (s)`, and buttons; `show` is called with what to look at, None for all of it."""

    def __init__(self, show: Callable[[Window | None], None]) -> None:
        self._show = show
        self.whole: Window = (0.0, 0.0)
        self.window: Window | None = None
        self.start = ipw.FloatText(description="From (s)", continuous_update=False)
        self.end = ipw.FloatText(description="To (s)", continuous_update=False)
        self.closer = button("Zoom in", lambda: self._scale(CLOSER))
        self.farther = button("Zoom out", lambda: self._scale(1 / CLOSER))
        self.left = button("Earlier", lambda: self._move(-ASIDE))
        self.right = button("Later", lambda: self._move(ASIDE))
        self.all = button("Show all", lambda: self._show(None))
        buttons = box(self.closer, self.farther, self.left, self.right, self.all, kind="row")
        super().__init__([box(self.start, self.end, kind="pair"), buttons])
        self.add_class("ionw-stack")
        for field in (self.start, self.end):
            field.observe(self._typed, "value")

    def tell(self, whole: Window, window: Window | None) -> None:
        """Take what there is and what of it is looked at, without calling `show`."""
        self.whole, self.window = whole, window
        start, end = window or whole
        for field, value in ((self.start, start), (self.end, end)):
            field.unobserve(self._typed, "value")
            field.value = round(value, 6)
            field.observe(self._typed, "value")
        self.farther.disabled = self.all.disabled = window is None
        self.left.disabled = window is None or window[0] <= whole[0]
        self.right.disabled = window is None or window[1] >= whole[1]

    def _typed(self, _: object) -> None:
        if self.start.value < self.end.value:  # or the other one is about to be typed
            self._ask(self.start.value, self.end.value)

    def _scale(self, factor: float) -> None:
        start, end = self.window or self.whole
        middle, half = 0.5 * (start + end), 0.5 * factor * (end - start)
        self._ask(middle - half, middle + half)

    def _move(self, share: float) -> None:
        start, end = self.window or self.whole
        by = share * (end - start)
        by = max(self.whole[0] - start, min(self.whole[1] - end, by))
        self._ask(start + by, end + by)

    def _ask(self, start: float, end: float) -> None:
        first, last = self.whole
        start, end = max(first, start), min(last, end)
        if start < end:
            self._show(None if (start, end) == self.whole else (start, end))
