"""The panel of a sweep over eta."""

from __future__ import annotations

from typing import Any

import ipywidgets as ipw

from ionwidgets import figures
from ionwidgets.errors import IonWidgetsError
from ionwidgets.widgets import html
from ionwidgets.widgets.elements import FigureView
from ionwidgets.widgets.panel import box, markup, offer, on
from ionwidgets.widgets.retrain.state import RetrainState
from ionwidgets.widgets.retrain.sweep import EtaSweep, etas_of
from ionwidgets.widgets.task_buttons import TaskButtons
from ionwidgets.widgets.words import number

WHAT = (
    "What am I looking at? What each eta leaves, and how far the gates move for it.",
    "<p>Stage 2 makes</p><math display='block'><mi>L</mi><mo>=</mo><mi>q</mi><mspace width='0.2em'/>"
    "<mtext>misfit</mtext><mo>+</mo><mi>η</mi><mo>⟨</mo><mi>c</mi><mo>|</mo><mi>h</mi><mo>−</mo>"
    "<mi>h</mi><mo>′</mo><mo>|</mo><mo>⟩</mo><mo>+</mo><mo>…</mo></math>"
    "<p>small: η is the price of moving a gate h to h′. The misfit here is the share of (dV/dt)² that the "
    "model's equations leave with gates and currents as they were changed. Where a gate has changed, a "
    "smaller η buys less misfit for more movement; where a current was scaled, gates that cost little move "
    "to no use, and the misfit may even grow. The fits through the equations that follow in a retraining "
    "decide in the end, so the choice need not be fine.</p>",
)


class TradeOffView(ipw.VBox):
    """`Sweep eta`: misfit against the change of the gates, a table beside it, and the eta to use."""

    def __init__(self, state: EtaSweep, retrain: RetrainState) -> None:
        self.state, self.retrain = state, retrain
        self.buttons = TaskButtons("Sweep eta", state, plain=True)
        self.etas = ipw.Text(description="Values of eta", continuous_update=False)
        self.etas.add_class("is-long")
        self.problem, self.outcome, self.table = markup(), markup(), markup()
        self.figure = FigureView(
            figures.eta_trade_off(), "Misfit against the mean change of the gates, a point an eta"
        )
        self.menu = ipw.Dropdown(description="eta to use", options=[])
        both = box(box(self.figure), box(self.menu, self.table), kind="columns is-even")
        self.found = box(both)  # the style sheet has columns displayed, come what may
        head = markup("<h3>What eta does</h3>" + html.explain(*WHAT))
        super().__init__([head, self.etas, self.problem, self.buttons, self.outcome, self.found])
        self.add_class("ionw-stack")
        self.etas.observe(self._on_etas, "value")
        self.menu.observe(self._on_menu, "value")
        self.figure.data[0].on_click(self._on_click)
        on(state, "etas", self._show_etas)
        on(state, ["points", "busy"], self._show)
        on(retrain, "eta", self._show)
        on(state, ["outcome", "busy"], self._show_outcome)

    def _on_etas(self, change: Any) -> None:
        try:
            etas = etas_of(change["new"])
        except IonWidgetsError as error:
            self.problem.value = html.problem(f"{error}.")
            return
        self.problem.value = ""
        with self.state.session.lock:
            self.state.etas = etas

    def _on_click(self, _: Any, points: Any, __: Any) -> None:
        known = self.state.points
        if points.point_inds and points.point_inds[0] < len(known):
            self.state.use(known[points.point_inds[0]].eta)

    def _on_menu(self, change: Any) -> None:
        if change["new"] is not None:
            self.state.use(change["new"])

    def _show_etas(self) -> None:
        self.etas.value = ", ".join(f"{eta:g}" for eta in self.state.etas)

    def _show_outcome(self) -> None:
        words = "" if self.state.busy else self.state.outcome
        self.outcome.value = f"<p>{html.text(words)}</p>" if words else ""

    def _show(self) -> None:
        points, eta = self.state.points, self.retrain.eta
        self.found.layout.display = None if points else "none"
        self.etas.disabled = self.state.busy
        if not points:
            return
        chosen = next((p.eta for p in points if abs(p.eta - eta) <= 1e-6 * p.eta), None)
        figures.update_eta_trade_off(
            self.figure,
            [p.moved for p in points],
            [p.misfit for p in points],
            [p.eta for p in points],
            chosen,
        )
        own = [] if chosen is not None else [(f"{eta:g}, as it is", None)]
        offer(self.menu, [*own, *((f"{p.eta:g}", p.eta) for p in points)], chosen, self._on_menu)
        several = any(p.seeds > 1 for p in points)
        rows = [
            [
                f"{p.eta:g}{', in use' if p.eta == chosen else ''}",
                _spread(p.low, p.high) if several else number(p.misfit, digits=3),
                number(p.moved, digits=3),
            ]
            for p in points
        ]
        misfit = "Misfit, over the seeds" if several else "Misfit"
        self.table.value = html.table(
            "What is left, and how far the gates move on average",
            ["eta", misfit, "Change of the gates"], rows, numbers=[1, 2],
        )  # fmt: skip


def _spread(low: float, high: float) -> str:
    ends = (number(low, digits=3), number(high, digits=3))
    return ends[0] if ends[0] == ends[1] else " – ".join(ends)
