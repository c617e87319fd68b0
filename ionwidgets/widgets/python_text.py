"""Values and calls as Python text, laid out as a formatter would (88 columns)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

WIDTH: Final = 88
INDENT: Final = "    "


@dataclass(frozen=True)
class Call:
    """``name(arguments, named=...)`` as a value: what stands in its place in the text."""

    name: str
    arguments: Sequence[Any] = ()
    named: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Name:
    """A variable, or any text that is Python already."""

    text: str


def assignment(target: str, value: Any) -> str:
    """``target = value``, over as many lines as it takes; a value without a target where that is ""."""
    before = f"{target} = " if target else ""
    return before + _laid_out(value, len(before), 0)


def _laid_out(value: Any, used: int, depth: int, after: int = 0) -> str:
    """`value` on the line on which `used` columns are taken and `after` will be, or over several."""
    flat = _flat(value)
    if used + len(flat) + after <= WIDTH or not isinstance(value, Call | Mapping | list | tuple):
        return flat
    opening, parts, closing = _parts(value)
    if not parts:
        return flat
    inner = INDENT * (depth + 1)
    if isinstance(value, Call) and len(inner) + len(", ".join(_flat_parts(parts))) <= WIDTH:
        return f"{opening}\n{inner}{', '.join(_flat_parts(parts))}\n{INDENT * depth}{closing}"
    lines = "".join(
        f"{inner}{head}{_laid_out(part, len(inner) + len(head), depth + 1, 1)},\n" for head, part in parts
    )
    return f"{opening}\n{lines}{INDENT * depth}{closing}"


def _parts(value: Any) -> tuple[str, list[tuple[str, Any]], str]:
    """How it opens, what is in it (each with what stands before it), how it closes."""
    if isinstance(value, Call):
        named = [(f"{name}=", part) for name, part in value.named.items()]
        return f"{value.name}(", [("", part) for part in value.arguments] + named, ")"
    if isinstance(value, Mapping):
        return "{", [(f"{_flat(name)}: ", part) for name, part in value.items()], "}"
    opening, closing = "[]" if isinstance(value, list) else "()"
    return opening, [("", part) for part in value], closing


def _flat_parts(parts: list[tuple[str, Any]]) -> list[str]:
    return [f"{head}{_flat(part)}" for head, part in parts]


def _flat(value: Any) -> str:
    """On one line."""
    if isinstance(value, Name):
        return value.text
    if isinstance(value, str):
        return quoted(value)
    if isinstance(value, float):
        return number_text(value)
    if isinstance(value, Call | Mapping | list | tuple):
        opening, parts, closing = _parts(value)
        comma = "," if isinstance(value, tuple) and len(parts) == 1 else ""
        return f"{opening}{', '.join(_flat_parts(parts))}{comma}{closing}"
    return repr(value)


def number_text(value: float) -> str:
    """To the last digit, whole numbers without a point: 600, 0.25."""
    return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)


def quoted(text: str) -> str:
    """Between double quotes, unless there are more of these in it than single ones."""
    plain = repr(text)
    if plain.startswith('"') or ('"' in text and text.count('"') > text.count("'")):
        return plain
    return '"' + plain[1:-1].replace("\\'", "'").replace('"', '\\"') + '"'
