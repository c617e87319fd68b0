"""Step 4: retrain the network on the recording."""

from __future__ import annotations

import math
from typing import Any

import ipywidgets as ipw

from ionwidgets import figures
from ionwidgets.errors import IonWidgetsError
from ionwidgets.numbers import percent
from ionwidgets.widgets import html
from ionwidgets.widgets.elements import FigureView
from ionwidgets.widgets.learn.shipped import has_shipped_network, without_network
from ionwidgets.widgets.learn.state import LearnState
from ionwidgets.widgets.panel import Panel, box, markup, offer, on
from ionwidgets.widgets.retrain.about import AboutForm
from ionwidgets.widgets.retrain.explained import WHAT
from ionwidgets.widgets.retrain.seeds import Agreement, agreement
from ionwidgets.widgets.retrain.settings import seeds_of
from ionwidgets.widgets.retrain.state import RetrainState
from ionwidgets.widgets.retrain.sweep import EtaSweep
from ionwidgets.widgets.retrain.trade_off import TradeOffView
from ionwidgets.widgets.session import Session
from ionwidgets.widgets.task_buttons import TaskButtons
from ionwidgets.widgets.words import number

SHOWN = 10  # rows, as many as there are bars
DECODERS = {"ode": "ODE: the model's equations", "emulator": "Emulator: a network beside the gates"}


class RetrainPanel(Panel):
    """`Decoder`, `eta`, `Seeds`, `Retrain`, `Pause`, `Stop`; what explains how much; what eta does.

    >>> import ionwidgets as iw
    >>> panel = iw.widgets.RetrainPanel(model="tnnp2004:M")
    >>> panel.recording = iw.simulate(panel.model, cycle_lengths=[600], duration=3000, scale={"g_Kr": 0.5})
    >>> panel
    >>> panel.result  # once it is retrained
    """

    opens_model = True

    def __init__(
        self,
        session: Session | None = None,
        retrain: RetrainState | None = None,
        sweep: EtaSweep | None = None,
        **shared: Any,
    ) -> None:
        super().__init__(session, **shared)
        self.retrain = retrain or self.own(RetrainState(self.session, self.own(LearnState(self.session))))
        self.sweep = sweep or self.own(EtaSweep(self.session, self.retrain))
        self.ready()

    def build(self) -> list[ipw.Widget]:
        state = self.retrain
        self.decoder = ipw.Dropdown(description="Decoder", options=[])
        self.eta = ipw.FloatText(description="eta", value=state.eta, step=1e-4)
        self.seeds = ipw.Text(description="Seeds", value="0", continuous_update=False)
        self.no_emulator, self.problem = markup(), markup()
        self.about = AboutForm(state)
        self.buttons = TaskButtons("Retrain", state)
        self.outcome, self.first, self.table, self.over_seeds = markup(), markup(), markup(), markup()
        self.in_use = ipw.Dropdown(description="Seed in use", options=[])
        self.several = box(markup("<h3>Over the seeds</h3>"), self.in_use, self.over_seeds)
        self.figure = FigureView(
            figures.attribution(state.importance), "How much of the observed difference each change explains"
        )
        self.shares = box(self.figure, self.table)
        self.trade_off = TradeOffView(self.sweep, state)
        self.eta.observe(self._on_eta, "value")
        self.decoder.observe(self._on_decoder, "value")
        self.in_use.observe(self._on_in_use, "value")
        self.seeds.observe(self._on_seeds, "value")
        on(state, "eta", self._show_eta)
        on(state, "seeds", self._show_seeds)
        on(state, ["decoder", "no_emulator"], self._show_decoder)
        on(state, "importance", self._show_importance)
        on(state, ["outcome", "busy"], self._show_outcome)
        on(state, "runs", self._show_runs)
        on(self.session, ["model", "network", "result"], self._show_first)
        on(self.session, "result", self._show_runs)
        on(state, ["blockers", "busy"], self._show_first)
        return [
            markup(
                "<h2>Find what has changed</h2><p class='ionw-soft'>The network that knows the model is "
                "retrained on the recording; the changes it proposes are then refitted through the model's "
                "equations, which decide among them. eta is the weight that keeps each gate where the theory "
                "puts it; every seed begins elsewhere.</p>" + html.explain(*WHAT)
            ),
            box(
                box(
                    self.decoder, self.no_emulator, self.eta, self.seeds, self.problem, self.about,
                    self.buttons, self.first, self.outcome,
                ),
                box(self.shares, self.several),
                kind="columns",
            ),
            self.trade_off,
        ]  # fmt: skip

    def _on_eta(self, change: Any) -> None:
        with self.session.lock:
            self.retrain.eta = float(change["new"])

    def _on_seeds(self, change: Any) -> None:
        try:
            seeds = seeds_of(change["new"])
        except IonWidgetsError as error:
            self.problem.value = html.problem(f"{error}.")
            return
        self.problem.value = ""
        with self.session.lock:
            self.retrain.seeds = tuple(seeds)

    def _on_decoder(self, change: Any) -> None:
        with self.session.lock:
            self.retrain.decoder = change["new"]

    def _on_in_use(self, change: Any) -> None:
        if change["new"] is not None:
            self.retrain.choose(change["new"])

    def _show_eta(self) -> None:
        if math.isfinite(self.retrain.eta) and self.eta.value != self.retrain.eta:  # NaN differs from itself
            self.eta.value = self.retrain.eta

    def _show_seeds(self) -> None:
        self.seeds.value = ", ".join(str(seed) for seed in self.retrain.seeds)

    def _show_decoder(self) -> None:
        state = self.retrain
        chosen = state.decoder
        known = [name for name in DECODERS if name in ("ode", chosen) or not state.no_emulator]
        offer(self.decoder, [(DECODERS[name], name) for name in known], chosen, self._on_decoder)
        self.decoder.disabled = len(known) < 2
        words = f"The emulator is not at hand: {state.no_emulator}." if state.no_emulator else ""
        self.no_emulator.value = f"<p class='ionw-soft'>{html.text(words)}</p>" if words else ""

    def _show_first(self) -> None:
        model = self.session.model
        at_hand = model is None or self.session.network is not None or has_shipped_network(model)
        quiet = at_hand or self.retrain.busy or bool(self.retrain.blockers)
        words = "" if quiet else without_network(model, "one learns the model first, which takes longer")
        self.first.value = f"<p class='ionw-soft'>{html.text(words)}</p>" if words else ""

    def _show_importance(self) -> None:
        shares = self.retrain.importance
        self.shares.layout.display = None if shares else "none"
        figures.update_attribution(self.figure, shares)
        most = sorted((item for item in shares.items() if math.isfinite(item[1])), key=lambda item: -item[1])
        self.table.value = html.table(
            "Observed difference that each change alone explains",
            ["Change", "Share"], [(html.named(name), percent(share)) for name, share in most[:SHOWN]],
            numbers=[1],
        )  # fmt: skip

    def _show_outcome(self) -> None:
        words = "" if self.retrain.busy else self.retrain.outcome
        self.outcome.value = f"<p>{html.text(words)}</p>" if words else ""

    def _show_runs(self) -> None:
        runs = self.retrain.runs
        self.several.layout.display = None if len(runs) > 1 else "none"
        if len(runs) < 2:
            return
        used = next((run.seed for run in runs if run.result is self.session.result), None)
        done = [run for run in runs if run.result is not None]
        offer(self.in_use, [(str(run.seed), run.seed) for run in done], used, self._on_in_use)
        rows = [
            (
                f"{run.seed}{', in use' if run.seed == used else ''}",
                html.named(run.words),
                number(run.misfit, "mV", 2) if math.isfinite(run.misfit) else "",
            )
            for run in runs
        ]
        self.over_seeds.value = html.table(
            f"What was found, by {len(done)} seeds",
            ["Change", "Found by", "Scale, smallest to largest"],
            [_agreed(one, len(done)) for one in agreement(runs)],
        ) + html.table("What each seed found", ["Seed", "Finding", "V is missed by (RMS)"], rows, numbers=[2])


def _agreed(one: Agreement, of: int) -> tuple[str, str, str]:
    found = f"{len(one.seeds)} of {of} (seed{'s' if len(one.seeds) > 1 else ''} "
    found += f"{', '.join(str(seed) for seed in one.seeds)})"
    if one.low is None or one.high is None:
        return html.named(one.name), found, ""
    ends = (percent(one.low), percent(one.high))
    return html.named(one.name), found, ends[0] if ends[0] == ends[1] else " – ".join(ends)
