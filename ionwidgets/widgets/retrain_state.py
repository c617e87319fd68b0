"""Step 4: the network is retrained on the recording (stage 2), and the ODE decides among what it proposes.

Where no network has learnt the model yet, one learns it first.
"""

from __future__ import annotations

from typing import Any

from traitlets import Float, observe

from ionwidgets.discovery.sentences import headline
from ionwidgets.jobs import Control
from ionwidgets.widgets.learn_state import LearnState, untrainable
from ionwidgets.widgets.part import Part
from ionwidgets.widgets.reference import Reference
from ionwidgets.widgets.session import Session
from ionwidgets.widgets.shipped import has_shipped_network
from ionwidgets.widgets.task_state import TaskState

LEARNING = 0.6  # of the whole, where a network has to learn the model first


class RetrainState(TaskState):
    """`importance`: change -> share of the observed difference that it explains, the last known."""

    eta = Float(1e-3)
    importance = Reference({})

    key, doing, subject = "retrain", "Retraining", "The retraining"

    def __init__(self, session: Session, other: LearnState, **traits: Any) -> None:
        super().__init__(session, **traits)
        self._other = other
        session.observe(self._on_basis, ["model", "recording"])
        session.observe(self._on_result, "result")
        session.observe(self._find_blockers, "network")
        other.observe(self._find_blockers, "busy")
        other.take_turns(self)
        self.observe(self._find_blockers, "eta")
        self._find_blockers()
        self._on_result()

    def work(self, control: Control) -> Any:
        from ionwidgets.discovery import discover  # brings torch, 2 s: not before it is needed

        session, model, recording, eta = self.session, self.session.model, self.session.recording, self.eta
        network, begin = session.network, 0.0
        if network is None and not has_shipped_network(model):
            network, begin = self._learnt_first(model, control), LEARNING
        return discover(model, recording, network=network, eta=eta, progress=Part(control, begin, 1.0))

    def _learnt_first(self, model: Any, control: Control) -> Any:
        """A network that has learnt `model`; it stays in use, whatever becomes of the retraining."""
        from ionwidgets.gnn import learn

        network = learn(model, progress=Part(control, 0.0, LEARNING, "Learning the model first …"))
        with self.session.lock:
            if self.session.model is model and self.session.network is None:
                self.session.network = network
        return network

    def accept(self, value: Any) -> str:
        self.session.result = value
        return headline(value.finding)

    def kept(self) -> str:
        return "The finding before it stays in use." if self.session.result is not None else ""

    @observe("facts")
    def _on_facts(self, _: Any) -> None:
        shares = self.facts.get("importance")
        if (
            shares and shares != self.importance
        ):  # each one told draws a figure, and most reports bring the last
            self.importance = dict(shares)

    @observe("busy")
    def _on_busy(self, change: Any) -> None:
        # What a run that was stopped saw last is not what the finding that stays in use says.
        if not change["new"] and self.session.result is not None:
            self._on_result()

    def _on_basis(self, _: Any) -> None:
        self.abandon()
        self._on_result()
        self._find_blockers()

    def _on_result(self, _: Any = None) -> None:
        self.importance = {} if self.session.result is None else importance_of(self.session.result.finding)

    def _find_blockers(self, _: Any = None) -> None:
        with self.session.lock:
            why, model = [], self.session.model
            if model is None:
                why.append("Choose a model in step 1.")
            elif self.session.network is None and (cannot := untrainable(model)):
                why.append(cannot)
            if self.session.recording is None:
                why.append("Load a recording in step 2, or the bundled example.")
            if self._other.busy:
                why.append("The training in step 3 is running: wait for it, or stop it.")
            if not 0 < self.eta < 1:
                why.append("eta must be greater than 0 and less than 1.")
            self.blockers = tuple(why)


def importance_of(finding: Any) -> dict[str, float]:
    """Change -> importance, of every current and gate that has one."""
    named = [(entry["current"], entry) for entry in finding["currents"]]
    named += [(f"gate {entry['gate']}", entry) for entry in finding["gates"]]
    return {name: entry["importance"] for name, entry in named if entry.get("importance") is not None}
