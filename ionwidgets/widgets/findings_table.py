"""The findings table."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from ionwidgets.widgets import html
from ionwidgets.widgets.words import number, percent, signed, symbol

ROWS = 10


def findings_table(finding: Mapping[str, Any], rows: int = ROWS) -> str:
    """The first `rows` changes by rank.

    What was found of each (beside those before it), how surely, and how much it would explain alone.
    """
    entries = [entry for entry in (*finding["currents"], *finding["gates"]) if entry.get("rank")]
    entries.sort(key=lambda entry: entry["rank"])
    table = html.table(
        "Findings, the one that explains most first",
        ["Change", "Found", "95 % interval", "Alone explains"],
        [_row(entry) for entry in entries[:rows]],
        numbers=[3],
    )
    return f'<div class="ionw-findings">{table}</div>'


def _row(entry: Mapping[str, Any]) -> tuple[object, ...]:
    if "gate" in entry:
        of = f" <span class='ionw-soft'>of {symbol(entry['current'])}</span>" if entry.get("current") else ""
        name = html.Markup(f"gate {symbol(entry['gate'])}{of}")
        found: str
        found, interval = _gate(entry)
    else:
        conductance = (
            f" <span class='ionw-soft'>{symbol(entry['parameter'])}</span>" if entry.get("parameter") else ""
        )
        # The name as it is written in code: whoever searches the page for I_Kr finds it.
        name = html.Markup(f"{html.text(entry['current'])}{conductance}")
        found, interval = (
            "–" if entry.get("scale") is None else f"×{number(entry['scale'])}",
            _range(entry.get("ci95"), "×"),
        )
    return name, found, interval, _bar(entry.get("importance"))


def _gate(entry: Mapping[str, Any]) -> tuple[html.Markup, html.Markup]:
    found: list[str] = []
    intervals: list[str] = []
    if entry.get("v_half_shift_mV") is not None:
        found.append(f"V½ {signed(entry['v_half_shift_mV'], 'mV')}")
        intervals.append(_range(entry.get("v_half_shift_ci95"), "", "mV"))
    if entry.get("tau_ratio") is not None:
        found.append(f"τ ×{number(entry['tau_ratio'])}")
        intervals.append(_range(entry.get("tau_ratio_ci95"), "×"))
    # A number and its unit stay on one line however narrow the page.
    lines = [
        f"<span class='ionw-range'>{html.text(line).replace(' mV', '&nbsp;mV')}</span>" for line in found
    ]
    known = [one for one in intervals if one != "–"]
    return html.Markup("<br>".join(lines) or "–"), html.Markup("<br>".join(known) or "–")


def _range(ci: Any, before: str, unit: str = "") -> html.Markup:
    """The bounds of an interval, or an en dash."""
    if not ci or any(bound is None or not math.isfinite(bound) for bound in ci):
        return html.Markup("–")
    low, high = (number(bound) for bound in ci)
    return html.Markup(
        f"<span class='ionw-range'>{before}{low} to {high}{f'&nbsp;{unit}' if unit else ''}</span>"
    )


def _bar(importance: float | None) -> html.Markup:
    if importance is None:
        return html.Markup("–")
    width = 100 * min(1.0, max(0.0, importance))
    return html.Markup(
        f'<span class="ionw-bar" aria-hidden="true"><i style="width:{width:.0f}%"></i></span>'
        f'<span class="ionw-percent">{percent(importance)}</span>'
    )
