"""Restitution as a figure and a table."""

from __future__ import annotations

import ipywidgets as ipw
import numpy as np

from ionwidgets import figures
from ionwidgets.widgets import html
from ionwidgets.widgets.elements import FigureView
from ionwidgets.widgets.experiment.s1s2 import Curve, Restitutions
from ionwidgets.widgets.panel import box, markup
from ionwidgets.widgets.words import number, tenths

EQUATION = (
    "<p>A train of S1 is followed by one S2, earlier and earlier. The diastolic interval is the time from "
    "90 % repolarisation of the last S1 to the upstroke of S2, and <i>f</i> the restitution: "
    "<math><msub><mi>APD</mi><mn>90</mn></msub><mo>=</mo><mi>f</mi><mo>(</mo><mi>DI</mi><mo>)</mo></math>. "
    "Where the slope <math><mi>d</mi><mi>f</mi><mo>/</mo><mi>d</mi><mi>DI</mi></math> exceeds 1, alternans "
    "may follow (Nolasco and Dahl, J Appl Physiol 25, 191, 1968). Each S2 goes on from the same train, as a "
    "cell of its own.</p>"
)


class RestitutionView(ipw.VBox):
    """APD90 against the diastolic interval, control and altered."""

    def __init__(self) -> None:
        empty = Curve(*(np.zeros(0),) * 3)
        self.figure = FigureView(
            figures.diastolic_restitution([_line(role, empty) for role in ("control", "altered")]),
            "APD90 against the diastolic interval, of the altered cell and of control",
        )
        self.table = markup("<p class='ionw-soft'>Simulating …</p>")
        super().__init__(
            [
                markup(
                    html.explain("What am I looking at? How a beat depends on the rest before it", EQUATION)
                ),
                box(box(self.figure), box(self.table, kind="stack is-tall"), kind="columns is-even"),
            ]
        )
        self.add_class("ionw-stack")

    def update(self, answer: Restitutions) -> None:
        """Draw other values."""
        figures.update_diastolic_restitution(
            self.figure, [_line("control", answer.control), _line("altered", answer.altered)]
        )
        self.table.value = restitution_table(answer)


def restitution_table(answer: Restitutions) -> str:
    """APD90 by S2, and the steepest slope."""
    one, other = answer.control, answer.altered
    rows = [
        (
            number(float(s2), digits=4),
            number(float(one.DI[i])),
            number(float(one.APD90[i]), digits=4),
            number(float(other.DI[i])),
            number(float(other.APD90[i]), digits=4),
            _change(float(one.APD90[i]), float(other.APD90[i])),
        )
        for i, s2 in enumerate(answer.s2)
    ]
    header = ["S2", "DI, control", "APD90, control", "DI, altered", "APD90, altered", "APD90, change"]
    every = number(answer.cycle_length, "ms", 4)
    caption = f"Restitution in ms after {answer.beats} S1 of {every}; a dash where S2 came too early"
    slopes = f"Steepest slope: {number(one.slope)} (control), {number(other.slope)} (altered)."
    return html.table(caption, header, rows, numbers=range(1, 6)) + f"<p>{html.text(slopes)}</p>"


def _change(before: float, after: float) -> str:
    if not (np.isfinite(before) and np.isfinite(after)) or before == 0:
        return "–"
    return tenths(100 * (after - before) / before, "%")


def _line(role: str, curve: Curve) -> figures.Diastolic:
    return figures.Diastolic(role, curve.interval, curve.DI, curve.APD90, role)
