"""One blocked conductance of a drug: its IC50, its Hill coefficient, what is left of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import ipywidgets as ipw

from ionwidgets.widgets import html
from ionwidgets.widgets.panel import box, button, markup
from ionwidgets.widgets.words import number, symbol

FIRST_IC50 = 1.0  # µM


class Row:
    """`on_value(name, "ic50" | "hill", value)` and `on_remove(name)` are told of what a user does."""

    def __init__(
        self, name: str, on_value: Callable[[str, str, float], None], on_remove: Callable[[str], None]
    ) -> None:
        self.name, self._on_value = name, on_value
        self._showing = False
        self.ic50 = ipw.FloatText(description=f"IC50 of {name}")
        self.hill = ipw.FloatText(description=f"Hill coefficient of {name}", step=0.1)
        self.left = markup()
        self.remove = button(f"Remove {name}", lambda: on_remove(name))
        self.ic50.observe(lambda change: self._tell("ic50", change), "value")
        self.hill.observe(lambda change: self._tell("hill", change), "value")
        self.view = box(self.ic50, self.hill, self.left, self.remove, kind="row is-drug")

    def show(self, ic50: float, hill: float, unit: str, factor: float) -> None:
        """What is set now."""
        self._showing = True
        try:
            self.ic50.description = f"IC50 of {self.name} ({unit})"
            self.ic50.value, self.hill.value = ic50, hill
            left = html.Markup(f"{symbol(self.name)} <strong>×{number(factor)}</strong>")
            self.left.value = f"<span class='ionw-left'>{left}</span>"
        finally:
            self._showing = False

    def _tell(self, what: str, change: Any) -> None:
        if not self._showing:
            self._on_value(self.name, what, float(change["new"]))
