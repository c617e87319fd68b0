"""The findings table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ionwidgets.discovery.told_changes import Told, told_changes
from ionwidgets.widgets import html
from ionwidgets.widgets.words import percent, symbol

ROWS = 10


def findings_table(finding: Mapping[str, Any], rows: int = ROWS) -> str:
    """The first `rows` changes by rank.

    What was found of each (beside those before it), how surely, and how much it would explain alone.
    """
    table = html.table(
        "Findings, the one that explains most first",
        ["Change", "Found", "95 % interval", "Alone explains"],
        [_row(told) for told in told_changes(finding)[:rows]],
        numbers=[3],
    )
    return f'<div class="ionw-findings">{table}</div>'


def _row(told: Told) -> tuple[object, ...]:
    if told.gate:
        of = f" <span class='ionw-soft'>of {symbol(told.of)}</span>" if told.of else ""
        name = html.Markup(f"gate {symbol(told.name)}{of}")
    else:
        conductance = f" <span class='ionw-soft'>{symbol(told.of)}</span>" if told.of else ""
        # The name as it is written in code: whoever searches the page for I_Kr finds it.
        name = html.Markup(f"{html.text(told.name)}{conductance}")
    return name, _lines(told.found), _lines(told.intervals), _bar(told.entry.get("importance"))


def _lines(lines: Sequence[str]) -> html.Markup:
    """One below the other, or an en dash; each stays on one line however narrow the page."""
    kept = [f"<span class='ionw-range'>{html.text(line).replace(' mV', '&nbsp;mV')}</span>" for line in lines]
    return html.Markup("<br>".join(kept) or "–")


def _bar(importance: float | None) -> html.Markup:
    if importance is None:
        return html.Markup("–")
    width = 100 * min(1.0, max(0.0, importance))
    return html.Markup(
        f'<span class="ionw-bar" aria-hidden="true"><i style="width:{width:.0f}%"></i></span>'
        f'<span class="ionw-percent">{percent(importance)}</span>'
    )
