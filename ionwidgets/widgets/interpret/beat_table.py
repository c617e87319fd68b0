"""What is measured of the beats that are drawn."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from ionwidgets.discovery.comparison import Comparison
from ionwidgets.discovery.shown import COMPARED
from ionwidgets.discovery.shown_numbers import BeatNumbers
from ionwidgets.widgets import html
from ionwidgets.widgets.words import number, signed

_LATER = html.Markup('<span class="ionw-skeleton" aria-hidden="true">000.0</span>')


def beat_table(comparison: Comparison, numbers: Mapping[str, BeatNumbers]) -> str:
    """A row a beat; places kept for what is not known yet."""
    sources = [source for source, _, _ in COMPARED if source in comparison.paced]
    if comparison.recorded is not None:
        sources.insert(0, "recording")
    names = {source: name for source, name, _ in COMPARED}
    own = numbers.get("recording")
    rows: list[tuple[object, ...]] = []
    for source in sources:
        if not numbers:
            rows.append((names[source], _LATER, _LATER, _LATER))
            continue
        one = numbers[source]
        told = html.whole(number(one.APD90, "ms", 4))
        if source == "recording":
            rows.append((names[source], told, "", ""))
            continue
        if own is not None and own.APD90 is not None and one.APD90 is not None:
            told = html.Markup(f"{told} {html.whole(f'({signed(one.APD90 - own.APD90, digits=3)})')}")
        follows = comparison.capture.get(source, "–")
        rows.append((names[source], told, number(one.rmse, "mV", 2), follows))
    beside = " (off by)" if own is not None else ""
    return html.table(
        f"The same beats in numbers, at a cycle length of {number(comparison.cycle_length, 'ms', 4)}",
        [
            "Beat",
            html.Markup(f"APD<sub>90</sub>{beside}"),
            html.Markup("V<sub>m</sub> off by, RMS"),
            "Follows",
        ],
        rows,
        numbers=[1, 2],
    )


def restitution_table(table: pd.DataFrame) -> str:
    """APD90 by cycle length, a column a source; folded away, the figure above it says the same."""
    sources = [(source, name) for source, name, _ in COMPARED if (table["source"] == source).any()]
    lengths = sorted(table["cycle_length"].unique())
    cells = {(row.source, row.cycle_length): (row.APD90, row.capture) for row in table.itertuples()}

    def told(source: str, length: float) -> str:
        if (source, length) not in cells:
            return ""
        APD90, capture = cells[source, length]
        return number(APD90, "ms", 4) if APD90 == APD90 else str(capture)

    numbers = html.table(
        "APD90 against cycle length",
        ["Cycle length", *(html.Markup(f"APD<sub>90</sub>, {name}") for _, name in sources)],
        [(number(length, "ms", 4), *(told(source, length) for source, _ in sources)) for length in lengths],
        numbers=range(1, 1 + len(sources)),
    )
    return f'<details class="ionw-fold"><summary>Restitution in numbers</summary>{numbers}</details>'
