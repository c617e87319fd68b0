"""Step 3: train the network on the model."""

from __future__ import annotations

import ipywidgets as ipw
import numpy as np

from ionwidgets import figures
from ionwidgets.widgets import html
from ionwidgets.widgets.elements import FigureView
from ionwidgets.widgets.learn_state import TAU_FLOOR, GateFit, LearnState
from ionwidgets.widgets.panel import Panel, box, button, markup, on, set_reasons
from ionwidgets.widgets.session import Session
from ionwidgets.widgets.shipped import has_shipped_network, without_network
from ionwidgets.widgets.task_state import TaskState
from ionwidgets.widgets.words import number


class Trainer(Panel):
    """`Train`, `Pause` or `Resume`, `Stop`; the loss while it runs; how well the gates are learnt."""

    def __init__(self, session: Session, learn: LearnState) -> None:
        super().__init__(session)
        self.learn = learn

    def build(self) -> list[ipw.Widget]:
        state = self.learn
        self.buttons = TaskButtons("Train", state, pausable=True)
        self.outcome = markup()
        self.loss = FigureView(figures.loss_curve(), "Loss of the training against update number")
        self.fits: list[FigureView] = []
        self._drawn: list[list[str]] = []
        self.curves = box(kind="columns is-even")
        self.errors = markup()
        self.loss_box = box(markup("<h3>Loss</h3>"), self.loss)
        on(state, ["outcome", "busy"], self._show_outcome)
        on(self.session, ["model", "network"], self._show_outcome)
        on(state, "history", self._show_loss)
        on(state, "fit", self._show_fit)
        on(self.session, "model", state.prepare)
        return [
            markup(
                "<h2>Teach a network the model's gates</h2><p class='ionw-soft'>It learns every gate's "
                "steady state h∞ and time constant τ from the equations. A network that is shipped with the "
                "model is used unless you train one.</p>"
            ),
            box(
                box(self.buttons, self.outcome, self.errors), box(self.loss_box, self.curves), kind="columns"
            ),
        ]

    def _show_outcome(self) -> None:
        state = self.learn
        if state.busy:
            words = ""
        elif state.outcome:
            words = state.outcome
        elif self.session.network is not None:
            shipped = has_shipped_network(self.session.model)
            words = f"The {'shipped network' if shipped else 'network that has learnt the model'} is in use."
        elif self.session.model is None or has_shipped_network(self.session.model) or state.blockers:
            words = ""
        else:
            words = without_network(self.session.model, "press Train, or Retrain in step 4 trains one")
        self.outcome.value = f"<p>{html.text(words)}</p>" if words else ""

    def _show_loss(self) -> None:
        steps, losses = self.learn.history
        self.loss_box.layout.display = None if steps else "none"
        figures.update_loss_curve(self.loss, steps, losses)

    def _show_fit(self) -> None:
        fit: GateFit | None = self.learn.fit
        self._show_outcome()
        if fit is None:
            self.errors.value = ""
            return
        self.errors.value = html.table(
            "How well the network knows the gates: RMS error",
            ["Gate", "h∞", "τ"],
            [
                (gate, number(h_error, digits=2), number(100 * tau_error, "%", 2))
                for gate, (h_error, tau_error) in fit.errors().items()
            ],
            numbers=[1, 2],
        )
        if any(float(np.min(tau)) < TAU_FLOOR for _, tau in fit.model.values()):
            floor = number(TAU_FLOOR, "ms")
            self.errors.value += (
                f"<p class='ionw-soft'>A τ below {floor} counts as {floor}, and is learnt as that: no solver "
                "can tell them apart.</p>"
            )
        gates = list(fit.model)
        half = -(-len(gates) // 2)
        groups = [gates[:half], gates[half:]] if len(gates) > 1 else [gates]
        if self._drawn == groups:
            for view, group in zip(self.fits, groups, strict=True):
                figures.update_gate_curves(view, fit.model, fit.network, group)
            return
        old, self._drawn = self.fits, groups
        self.fits = [
            FigureView(
                figures.gate_curves(
                    fit.V, fit.model, fit.network, gates=group, names=("model", "network"), role="learnt"
                ),
                f"Gate curves of the model and of the network: {', '.join(group)}",
            )
            for group in groups
        ]
        self.curves.children = self.fits
        for view in old:
            view.close()


class TaskButtons(ipw.VBox):
    """Start, pause and stop of a `TaskState`, and the reasons why it cannot start."""

    def __init__(self, name: str, state: TaskState, *, pausable: bool = False) -> None:
        self.state = state
        self.go = button(name, state.start, primary=True)
        self.pause = button("Pause", state.toggle_pause, disabled=True)
        self.halt = button("Stop", state.stop, disabled=True)
        self.reasons = markup()
        row = [self.go, self.pause, self.halt] if pausable else [self.go, self.halt]
        super().__init__([box(*row, kind="row"), self.reasons])
        self.add_class("ionw-stack")
        on(state, ["phase", "busy", "blockers"], self._show)

    def _show(self) -> None:
        state = self.state
        stopping = state.busy and state.phase == "stopping"
        self.go.disabled = state.busy or bool(state.blockers)
        self.pause.disabled = not state.busy or stopping
        self.pause.description = "Resume" if state.busy and state.phase == "paused" else "Pause"
        self.halt.disabled = not state.busy or stopping
        self.halt.description = "Stopping…" if stopping else "Stop"
        set_reasons(self.reasons, () if state.busy else state.blockers)
