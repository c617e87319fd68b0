"""The findings table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ionwidgets.discovery.told_changes import Told
from ionwidgets.widgets import html
from ionwidgets.widgets.interpret.brackets import Row, bracketed
from ionwidgets.widgets.words import percent, symbol

ROWS = 10
CAPTION = "Findings, the one that explains most first"


def findings_table(finding: Mapping[str, Any], rows: int | None = ROWS) -> str:
    """The first `rows` changes by rank, or all.

    What was found of each (beside those before it), how surely, and how much it would explain alone. Changes
    that the recording cannot tell apart are joined by a bracket, and said to be; a bracket is never cut.
    Where the model explains nothing there are no sizes, only what each could explain at best.
    """
    every = bracketed(finding)
    shown = len(every) if rows is None else min(rows, len(every))
    while shown < len(every) and every[shown].place in ("middle", "last"):
        shown += 1
    chosen = every[:shown]
    if finding.get("verdict") == "unexplained":
        heads, cells, numbers = ["Change", "Explains at best"], [_at_best(row) for row in chosen], [1]
    else:
        heads = ["Change", "Found", "95 % interval", "Alone explains"]
        cells, numbers = [_cells(row) for row in chosen], [3]
    kinds = [f"is-bracket is-bracket-{row.place}" if row.place else "" for row in chosen]
    table = html.table(CAPTION, heads, cells, numbers=numbers, kinds=kinds)
    if any(kinds):
        table = table.replace('class="ionw-table"', 'class="ionw-table has-brackets"', 1)
    note = (
        "<p class='ionw-soft'>A bracket joins changes that this recording cannot tell apart: any of them "
        "would do. A voltage clamp would tell.</p>"
        if any(kinds)
        else ""
    )
    return f'<div class="ionw-findings">{table}{note}</div>'


def _cells(row: Row) -> tuple[object, ...]:
    told = row.told
    return _name(row), _lines(told.found), _lines(told.intervals), _bar(told.entry.get("importance"))


def _at_best(row: Row) -> tuple[object, ...]:
    return _name(row), _bar(row.told.entry.get("alone"))


def _name(row: Row) -> html.Markup:
    told: Told = row.told
    if told.gate:
        of = f" <span class='ionw-soft'>of {symbol(told.of)}</span>" if told.of else ""
        name = f"gate {symbol(told.name)}{of}"
    else:
        conductance = f" <span class='ionw-soft'>{symbol(told.of)}</span>" if told.of else ""
        # The name as it is written in code: whoever searches the page for I_Kr finds it.
        name = f"{html.text(told.name)}{conductance}"
    if row.rivals:
        rivals = html.text(", ".join(row.rivals))
        name += f"<span class='ionw-rival'>cannot be told apart from {rivals}</span>"
    return html.Markup(name)


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
