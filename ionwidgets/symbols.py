"""Scientific names as they are printed, in the markup that HTML and plotly share: I_Kr with Kr lowered."""

from __future__ import annotations

import re
from html import escape

V_M = "V<sub>m</sub>"
H_INF = "h<sub>∞</sub>"
CA_I = "[Ca<sup>2+</sup>]<sub>i</sub>"

_IONS = {
    "Ca": "Ca<sup>2+</sup>",
    "Na": "Na<sup>+</sup>",
    "K": "K<sup>+</sup>",
    "Cl": "Cl<sup>−</sup>",
    "Mg": "Mg<sup>2+</sup>",
}
_NAME = re.compile(r"(\b[A-Za-z]\w*_\w+\b)")
_PLACES = {"i", "o", "ss", "SR", "JSR", "NSR", "jsr", "nsr", "sl", "j", "cl", "myo", "sub", "up", "rel", "d"}


def symbol(name: str) -> str:
    """A name as HTML, escaped: what follows the underscore lowered, concentrations in brackets, V as V_m."""
    if name == "V":
        return V_M
    head, separator, tail = name.partition("_")
    if head in _IONS and tail in _PLACES:
        return f"[{_IONS[head]}]<sub>{tail}</sub>"
    return f"{escape(head)}<sub>{escape(tail)}</sub>" if separator else escape(head)


def marked(text: str) -> str:
    """Plain text as HTML, escaped, with the names in it as `symbol` has them: "Xr1 of I_Kr"."""
    return "".join(symbol(part) if _NAME.fullmatch(part) else escape(part) for part in _NAME.split(text))
