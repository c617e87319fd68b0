"""Currents over one beat."""

from __future__ import annotations

from typing import Any

import ipywidgets as ipw

from ionwidgets import figures
from ionwidgets.discovery.shown_numbers import CurrentNumbers
from ionwidgets.widgets import html
from ionwidgets.widgets.elements import Choices, FigureView
from ionwidgets.widgets.formula import formula
from ionwidgets.widgets.interpret.current_state import FIRST, CurrentState
from ionwidgets.widgets.panel import Panel, box, close_all, markup, offer, on
from ionwidgets.widgets.session import Session
from ionwidgets.widgets.words import number, symbol

EXPLAINED = html.explain(
    "What flows through each kind of channel along the recorded beat",
    "<p>Each current is worked out along the recorded V<sub>m</sub>, with the network's gates and scales "
    "before and after it was retrained. It is the product of a conductance, its gates, and how far the "
    "potential is from where the current turns:</p>"
    + formula("I_X = g_X h_1 h_2 … (V_m - E_X)")
    + "<p>The charge is what flows over the whole beat; 1000 A/F·ms are 1 pC/pF. Outward currents are "
    "positive: they repolarise.</p>" + formula("Q_X = ∫ I_X d t"),
)


class CurrentExplorer(Panel):
    """Currents along a recorded beat, before and after; which ones, and along which beat, is chosen.

    >>> import ionwidgets as iw
    >>> from ionwidgets.discovery import example_result
    >>> explorer = iw.widgets.CurrentExplorer(result=example_result())
    >>> explorer.state.choose(["I_Kr", "I_CaL"])
    >>> explorer
    """

    def __init__(self, session: Session | None = None, **shared: Any) -> None:
        super().__init__(session, **shared)
        self.state = self.own(CurrentState(self.session))
        self.ready()

    def build(self) -> list[ipw.Widget]:
        self.choices = Choices(label="Currents")
        self.beat = ipw.Dropdown(description="Recorded beat")
        self.beat.observe(self._choose_beat, "value")
        self.currents = box(kind="columns is-even")
        self.table = markup()
        on(self.state, "names", self._show_options)
        on(self.state, ["lengths", "cycle_length"], self._show_lengths)
        on(self.state, ["names", "chosen", "cycle_length"], self._draw)
        self.choices.observe(lambda change: self.state.choose(change["new"]), "chosen")
        return [
            markup("<h2>Currents over one beat</h2>"),
            markup(EXPLAINED),
            self.choices,
            self.beat,
            self.currents,
            self.table,
        ]

    def _show_options(self) -> None:
        names = list(self.state.names)
        some = [{"name": "Those that explain most", "values": names[:FIRST]}] if len(names) > FIRST else []
        with self.choices.hold_sync():
            self.choices.options = [{"value": name, "html": symbol(name), "title": name} for name in names]
            self.choices.presets = [*some, {"name": "All", "values": names}]
        self.choices.layout.display = None if names else "none"

    def _show_lengths(self) -> None:
        lengths = self.state.lengths
        options = [(f"at a cycle length of {number(length, 'ms', 4)}", length) for length in lengths]
        offer(self.beat, options, self.state.cycle_length, self._choose_beat)
        self.beat.layout.display = None if len(lengths) > 1 else "none"

    def _choose_beat(self, change: Any) -> None:
        if change["new"] is not None:
            self.state.take(change["new"])

    def _draw(self) -> None:
        old, chosen = self.currents.children, list(self.state.chosen)
        self.choices.chosen = chosen
        self.currents.children = []
        self.table.value = ""
        if chosen and self.session.result is not None:
            time, before, after = self.state.traces()
            halves = [chosen[0::2], chosen[1::2]]
            self.currents.children = [
                FigureView(
                    figures.currents(time, {name: before[name] for name in half}, after),
                    f"Currents of control and altered cell: {', '.join(half)}",
                )
                for half in halves
                if half
            ]
            self.table.value = current_table(self.state.numbers())
        close_all(*old)


def current_table(numbers: dict[str, tuple[CurrentNumbers, CurrentNumbers]]) -> str:
    """Peak and charge before and after."""
    rows = [
        (
            html.Markup(symbol(name)),
            html.became(*(number(one.peak) for one in pair)),
            html.became(*(number(one.charge) for one in pair)),
            f"×{number(pair[1].charge / pair[0].charge)}" if pair[0].charge else "–",
        )
        for name, pair in numbers.items()
    ]
    heads = ["Peak (A/F)", "Charge (pC/pF)", "Charge is"]
    caption = "The same currents in numbers, control → altered"
    return html.table(caption, ["Current", *heads], rows, numbers=(1, 2, 3))
