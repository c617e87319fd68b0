"""Step 3: train the network on the model."""

from __future__ import annotations

import time
from typing import Any

import ipywidgets as ipw
import numpy as np

from ionwidgets import figures
from ionwidgets.widgets import html
from ionwidgets.widgets.elements import FigureView
from ionwidgets.widgets.learn.shipped import has_shipped_network, without_network
from ionwidgets.widgets.learn.state import TAU_FLOOR, GateFit, LearnState
from ionwidgets.widgets.panel import Panel, box, button, markup, on
from ionwidgets.widgets.session import Session
from ionwidgets.widgets.task_buttons import TaskButtons
from ionwidgets.widgets.words import number

DRAWN_EVERY = 0.5  # s
WHAT = (
    "What am I looking at? The loss falls as the network's gates come to be those of the model.",
    "<p>Every gate h of the model obeys</p>"
    "<math display='block'><mfrac><mrow><mi>d</mi><mi>h</mi></mrow><mrow><mi>d</mi><mi>t</mi></mrow></mfrac>"
    "<mo>=</mo><mfrac><mrow><msub><mi>h</mi><mo>∞</mo></msub><mo>(</mo><mi>V</mi><mo>)</mo><mo>−</mo><mi>h</mi>"
    "</mrow><mrow><mi>τ</mi><mo>(</mo><mi>V</mi><mo>)</mo></mrow></mfrac></math>"
    "<p>and the network learns h<sub>∞</sub> and τ of all gates at once, from V alone, by making</p>"
    "<math display='block'><mi>L</mi><mo>=</mo><mn>30</mn><mo>⟨</mo><msup><mrow><mo>(</mo><mi>Δ</mi>"
    "<msub><mi>h</mi><mo>∞</mo></msub><mo>)</mo></mrow><mn>2</mn></msup><mo>⟩</mo><mo>+</mo><mo>⟨</mo><msup>"
    "<mrow><mo>(</mo><mi>Δ</mi><mi>ln</mi><mi>τ</mi><mo>)</mo></mrow><mn>2</mn></msup><mo>⟩</mo><mo>+</mo>"
    "<mn>0.03</mn><mo>⟨</mo><msup><mrow><mo>(</mo><mi>Δ</mi><mi>logit</mi><msub><mi>h</mi><mo>∞</mo></msub>"
    "<mo>)</mo></mrow><mn>2</mn></msup><mo>⟩</mo></math>"
    "<p>small, where Δ is network minus model and ⟨ ⟩ the mean over V from −120 to 70 mV and over the gates "
    "(the logit counts up to 4, τ from 0.02 ms). The gate curves show both, the network as it is in that "
    "moment; the table has the root mean square of what is left between −100 and 50 mV.</p>",
)


class TrainingPanel(Panel):
    """`Train`, `Continue`, `Pause` or `Resume`, `Stop`, `Reset`; the loss and the gates while it runs.

    >>> import ionwidgets as iw
    >>> panel = iw.widgets.TrainingPanel(model="lr1991")
    >>> panel
    >>> panel.network  # once it is trained, or the shipped one is loaded
    """

    opens_model = True

    def __init__(
        self, session: Session | None = None, learn: LearnState | None = None, **shared: Any
    ) -> None:
        super().__init__(session, **shared)
        self.learn = learn or self.own(LearnState(self.session))
        self.ready()

    def show(self) -> None:
        super().show()
        self.learn.look_again()

    def build(self) -> list[ipw.Widget]:
        state = self.learn
        self.go_on = button("Continue", state.go_on, primary=True)
        self.reset = button("Reset", state.reset)
        self.buttons = TaskButtons("Train", state, before=[self.go_on], after=[self.reset])
        self.seed = ipw.BoundedIntText(description="Seed", value=state.seed, min=0, max=2**31 - 1)
        self.outcome = markup()
        self.loss = FigureView(figures.loss_curve(), "Loss of the training against update number")
        self.fits: list[FigureView] = []
        self._drawn: list[list[str]] = []
        self.curves = box(kind="columns is-even")
        self.errors = markup()
        self.course = markup()
        self.loss_box = box(markup("<h3>Loss</h3>"), self.loss, self.course)
        self._shown_at = 0.0
        self.seed.observe(self._on_seed, "value")
        on(state, "seed", self._show_seed)
        on(state, ["outcome", "busy", "interrupted", "elsewhere", "damage"], self._show_outcome)
        on(self.session, ["model", "network"], self._show_outcome)
        on(state, ["history", "busy"], self._show_loss)
        on(state, "fit", self._show_fit)
        on(self.session, "model", self._prepare)  # the panel's own, which ends with it
        return [
            markup(
                "<h2>Teach a network the model's gates</h2><p class='ionw-soft'>It learns every gate's "
                "steady state h∞ and time constant τ from the equations. A network that is shipped with the "
                "model is used unless you train one.</p>" + html.explain(*WHAT)
            ),
            box(
                box(self.seed, self.buttons, self.outcome, self.errors),
                box(self.loss_box, self.curves),
                kind="columns",
            ),
        ]

    def _prepare(self) -> None:
        self.learn.prepare()

    def _show_outcome(self) -> None:
        state = self.learn
        self.reset.disabled = state.busy or self.session.model is None
        self.seed.disabled = state.busy
        waits = state.interrupted is not None and not state.busy
        self.go_on.layout.display = None if waits else "none"
        self.buttons.go.button_style = "" if waits else "primary"
        lines = [] if state.busy else [self._in_use(), self._interrupted(), state.damage]
        self.outcome.value = "".join(f"<p>{html.text(words)}</p>" for words in lines if words)

    def _in_use(self) -> str:
        state, model = self.learn, self.session.model
        if state.outcome:
            return state.outcome
        if self.session.network is not None:
            shipped = has_shipped_network(model) and not state.own
            return f"The {'shipped network' if shipped else 'network that has learnt the model'} is in use."
        if model is None or has_shipped_network(model) or state.blockers:
            return ""
        return without_network(model, "press Train, or Retrain in step 4 trains one")

    def _interrupted(self) -> str:
        found = self.learn.interrupted
        if self.learn.elsewhere:
            return (
                "This model is being trained elsewhere, by another page. Train begins a training of its own "
                "here, which is not kept if it is interrupted; that of the other page goes on."
            )
        if found is None:
            return ""
        if found.finished:
            return (
                "A training of this model was finished. Continue takes its network into use; Train begins "
                "anew; Reset forgets it."
            )
        return (
            f"A training of this model was interrupted at {100 * found.fraction:.0f} %. Continue goes on "
            "from there and ends as if nothing had been; Train begins anew; Reset forgets it."
        )

    def _on_seed(self, change: Any) -> None:
        with self.session.lock:
            self.learn.seed = int(change["new"])

    def _show_seed(self) -> None:
        self.seed.value = self.learn.seed

    def _show_loss(self) -> None:
        steps, losses = self.learn.history
        self.loss_box.layout.display = None if steps else "none"
        # A page cannot draw as often as a loss is told; the last one is drawn when the training is over.
        if self.learn.busy and len(steps) > 1 and time.monotonic() - self._shown_at < DRAWN_EVERY:
            return
        self._shown_at = time.monotonic()
        figures.update_loss_curve(self.loss, steps, losses)
        if steps:
            told = {
                "Updates": number(steps[-1], digits=6),
                "Loss at the start": number(losses[0]),
                "Loss now" if self.learn.busy else "Loss at the end": number(losses[-1]),
            }
            self.course.value = html.facts(told)

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
