"""Step 4: retrain the network on the recording."""

from __future__ import annotations

import math
from typing import Any

import ipywidgets as ipw

from ionwidgets import figures
from ionwidgets.widgets import html
from ionwidgets.widgets.elements import FigureView
from ionwidgets.widgets.learn_panel import TaskButtons
from ionwidgets.widgets.panel import Panel, box, markup, on
from ionwidgets.widgets.retrain_state import RetrainState
from ionwidgets.widgets.session import Session
from ionwidgets.widgets.shipped import has_shipped_network, without_network


class Retrainer(Panel):
    """`eta`, `Retrain`, `Stop`; what explains how much, as far as it is known."""

    def __init__(self, session: Session, retrain: RetrainState) -> None:
        super().__init__(session)
        self.retrain = retrain

    def build(self) -> list[ipw.Widget]:
        state = self.retrain
        self.eta = ipw.FloatText(description="eta", value=state.eta, step=1e-4)
        self.buttons = TaskButtons("Retrain", state)
        self.outcome, self.first = markup(), markup()
        self.figure = FigureView(
            figures.attribution(state.importance), "How much of the observed difference each change explains"
        )
        self.shares = box(self.figure)
        self.eta.observe(self._on_eta, "value")
        on(state, "eta", self._show_eta)
        on(state, "importance", self._show_importance)
        on(state, ["outcome", "busy"], self._show_outcome)
        on(self.session, ["model", "network"], self._show_first)
        on(state, ["blockers", "busy"], self._show_first)
        return [
            markup(
                "<h2>Find what has changed</h2><p class='ionw-soft'>The network that knows the model is "
                "retrained on the recording; the changes it proposes are then refitted through the model's "
                "equations, which decide among them. eta is the weight that keeps each gate where the theory "
                "puts it.</p>"
            ),
            box(box(self.eta, self.buttons, self.first, self.outcome), self.shares, kind="columns"),
        ]

    def _on_eta(self, change: Any) -> None:
        with self.session.lock:
            self.retrain.eta = float(change["new"])

    def _show_eta(self) -> None:
        if math.isfinite(self.retrain.eta) and self.eta.value != self.retrain.eta:  # NaN differs from itself
            self.eta.value = self.retrain.eta

    def _show_first(self) -> None:
        model = self.session.model
        at_hand = model is None or self.session.network is not None or has_shipped_network(model)
        quiet = at_hand or self.retrain.busy or bool(self.retrain.blockers)
        words = "" if quiet else without_network(model, "one learns the model first, which takes longer")
        self.first.value = f"<p class='ionw-soft'>{html.text(words)}</p>" if words else ""

    def _show_importance(self) -> None:
        self.shares.layout.display = None if self.retrain.importance else "none"
        figures.update_attribution(self.figure, self.retrain.importance)

    def _show_outcome(self) -> None:
        words = "" if self.retrain.busy else self.retrain.outcome
        self.outcome.value = f"<p>{html.text(words)}</p>" if words else ""
