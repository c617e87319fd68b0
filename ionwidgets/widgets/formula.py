"""Equations as MathML, which browsers set by themselves, from a line that is read as one writes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import escape

from ionwidgets.widgets.html import Markup

_TOKEN = re.compile(
    r"(?P<number>\d+(?:\.\d+)?)|(?P<name>[^\W\d_][^\W_]*)|(?P<words>\"[^\"]*\")|(?P<other>\S)", re.UNICODE
)
_SIGNS = {"-": "−", "*": "·"}


def formula(line: str) -> Markup:
    """An equation on a line of its own.

    ``_`` and ``^`` lower and raise what follows, ``{a}/{b}`` is a fraction, braces hold together, "words" in
    quotes are upright:

    >>> formula('{d h}/{d t} = {h_∞(V_m) - h}/{τ_h(V_m)}')
    >>> formula('I_{Kr} = g_{Kr} Xr1 Xr2 (V_m - E_K)')
    """
    parts = list(_row(_tokens(line)))
    return Markup(f'<math display="block"><mrow>{"".join(parts)}</mrow></math>')


def _tokens(line: str) -> list[tuple[str, str]]:
    return [(str(match.lastgroup), match.group()) for match in _TOKEN.finditer(line)]


def _row(tokens: list[tuple[str, str]]) -> Iterator[str]:
    """The parts up to the brace that closes, or the end."""
    before = ""
    while tokens and tokens[0][1] != "}":
        kind = "" if tokens[0][1] == "d" else tokens[0][0]  # of a derivative
        part = _one(tokens)
        if {before, kind} <= {"name", "number"}:  # a product: Xr1 Xr2
            yield '<mspace width="0.2em"></mspace>'
        if tokens and tokens[0][1] == "/" and part.startswith("<mrow>"):
            tokens.pop(0)
            yield f"<mfrac>{part}{_one(tokens)}</mfrac>"
        else:
            yield _scripts(part, tokens)
        before = kind


def _scripts(part: str, tokens: list[tuple[str, str]]) -> str:
    under = over = ""
    while tokens and tokens[0][1] in ("_", "^"):
        if tokens.pop(0)[1] == "_":
            under = _one(tokens)
        else:
            over = _one(tokens)
    if under and over:
        return f"<msubsup>{part}{under}{over}</msubsup>"
    if under:
        return f"<msub>{part}{under}</msub>"
    return f"<msup>{part}{over}</msup>" if over else part


def _one(tokens: list[tuple[str, str]]) -> str:
    kind, text = tokens.pop(0)
    if text == "{":
        inside = "".join(_row(tokens))
        tokens.pop(0)
        return f"<mrow>{inside}</mrow>"
    if kind == "words":
        return f"<mtext>&nbsp;{escape(text[1:-1])}&nbsp;</mtext>"
    if kind == "number":
        return f"<mn>{text}</mn>"
    if kind == "name":
        return f"<mi>{escape(text)}</mi>"
    return f"<mi>{text}</mi>" if text == "∞" else f"<mo>{escape(_SIGNS.get(text, text))}</mo>"
