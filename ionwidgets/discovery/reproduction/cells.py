"""Cells of the page's tables, and what they are called."""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape

from ionwidgets.discovery.reproduction.verdicts import CLOSE, Json, is_near
from ionwidgets.figures.paper import DECODERS


def titled(experiment: Json) -> str:
    scaled = ", ".join(f"{name} ×{scale:g}" for name, scale in experiment["scale"].items())
    return escape(f"{experiment['title']} ({scaled})")


def decoder_title(decoder: str) -> str:
    return {"emulator": "Emulator, as published"}.get(decoder, escape(DECODERS[decoder]))


def class_of(name: str) -> str:
    return f' class="{name}"' if name else ""


def number(value: float | None, form: str) -> str:
    """In the format `form`, with a true minus sign and no sign on zero; "none" where it is unknown."""
    if value is None or math.isnan(value):
        return "none"
    shown = format(value, form)
    return shown.lstrip("+-") if float(shown) == 0.0 else shown.replace("-", "−")


def value_cell(value: float | None, form: str, near: bool, more: str = "") -> str:
    name = "none" if value is None or math.isnan(value) else "near" if near else ""
    return f"<td{class_of(f'{name} {more}'.strip())}>{number(value, form)}</td>"


def error_cells(run: Json, lengths: Sequence[str]) -> str:
    """APD90 errors [ms], a cell a cycle length; those that count as matched are bold."""
    return "".join(_error_cell(run["apd90_error_ms"].get(at)) for at in lengths)


def error_heads(lengths: Sequence[str]) -> str:
    return f'<th class="group" colspan="{len(lengths)}">Error of APD90 (ms) at CL</th>'


def _error_cell(value: float | None) -> str:
    return value_cell(value, "+.1f", value is not None and abs(value) <= CLOSE)


def ratio_cell(value: float | None, truth: float, changed: bool = False) -> str:
    return value_cell(value, ".2f", is_near(value, truth), "changed" if changed else "")
