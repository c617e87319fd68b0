"""Numbers and names in words, as the workbench has them."""

from __future__ import annotations

import re

from ionwidgets.numbers import number, percent, signed, unit_words
from ionwidgets.symbols import symbol

__all__ = [
    "brief", "duration", "number", "percent", "quantity", "signed", "symbol", "tenths", "unit_words",
]  # fmt: skip


def tenths(value: float, unit: str) -> str:
    """A change, with its sign, to one decimal."""
    return (f"{value:+.1f}" if abs(value) >= 0.05 else "0").replace("-", "−") + f" {unit}"


def duration(seconds: float) -> str:
    """Seconds for a status line: "3 s", "2 min 05 s"."""
    whole = max(0, round(seconds))
    return f"{whole} s" if whole < 60 else f"{whole // 60} min {whole % 60:02d} s"


def quantity(value: float, unit: str, digits: int = 3) -> str:
    """As `number`, with the unit as a model has it."""
    return number(value, unit_words(unit), digits)


def brief(title: str, longest: int = 45) -> str:
    """A title that a picker has room for: many authors become "et al.", what is left over an ellipsis."""
    if len(title) > longest:
        title = re.sub(r"^([^\s-]+)-\S+(?= )", r"\1 et al.", title)
    return title if len(title) <= longest else title[: longest - 2].rstrip() + " …"
