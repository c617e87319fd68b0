"""Step 3: the network learns the model (stage 1)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from traitlets import observe

from ionwidgets.jobs import Control
from ionwidgets.models import IonicModel
from ionwidgets.widgets.coalesce import Latest
from ionwidgets.widgets.reference import Reference
from ionwidgets.widgets.session import Session
from ionwidgets.widgets.shipped import has_shipped_network
from ionwidgets.widgets.task_state import TaskState

CLAMP = np.arange(-100.0, 50.5, 1.0)  # mV
TAU_FLOOR = 0.02  # ms; below it no solver can tell, and the network is not asked to

Curves = dict[str, tuple[NDArray[np.float64], NDArray[np.float64]]]


@dataclass(frozen=True)
class GateFit:
    """The model's and the network's gate curves over `V` mV."""

    V: NDArray[np.float64]
    model: Curves
    network: Curves

    def errors(self) -> dict[str, tuple[float, float]]:
        """Gate -> RMS error of h_inf (unitless) and of ln tau (relative)."""
        return {
            gate: (_rms(self.network[gate][0] - h_inf), _rms(_log_tau(self.network[gate][1]) - _log_tau(tau)))
            for gate, (h_inf, tau) in self.model.items()
        }


def _log_tau(tau: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.log(np.maximum(tau, TAU_FLOOR))


def _rms(values: NDArray[np.float64]) -> float:
    return float(np.sqrt(np.mean(values**2)))


def untrainable(model: IonicModel) -> str:
    """Why no network can learn this model, or ""."""
    if not model.gates:
        return f"{model.name} has no gate that depends on V alone: there is nothing to learn."
    return ""


class LearnState(TaskState):
    """`history`: (updates, losses) so far; `fit`: the last good network's `GateFit`."""

    history = Reference(((), ()))
    fit = Reference(None, allow_none=True)

    key, doing, subject = "learn", "Training", "The training"

    def __init__(self, session: Session, **traits: Any) -> None:
        super().__init__(session, **traits)
        self.check = Latest(self._compare)
        self._other: TaskState | None = None
        session.observe(self._on_model, "model")
        session.observe(self._on_network, "network")
        self._on_model()

    def take_turns(self, other: TaskState) -> None:
        """Stay blocked while `other`, which is made after this, works on the network."""
        self._other = other
        other.observe(self._find_blockers, "busy")
        self._find_blockers()

    def work(self, control: Control) -> Any:
        from ionwidgets.gnn import learn  # brings torch, 2 s: not before it is needed

        return learn(self.session.model, fresh=True, progress=control)

    def accept(self, value: Any) -> str:
        self.session.network = value
        return "The network has learnt the model and is in use."

    def kept(self) -> str:
        return "The last good network stays in use." if self.session.network is not None else ""

    def prepare(self) -> None:
        """Load the shipped network, where there is one, in the background."""
        model = self.session.model
        if (
            self.session.network is None
            and model is not None
            and has_shipped_network(model)
            and not self.busy
        ):
            self.check.submit(None)

    @observe("facts")
    def _on_facts(self, _: Any) -> None:
        loss = self.facts.get("loss")
        if loss is None:
            return
        steps, losses = self.history
        step = self.facts.get("update", len(steps) + 1)
        if not steps or step > steps[-1]:
            self.history = ((*steps, step), (*losses, float(loss)))

    @observe("busy")
    def _on_busy(self, change: Any) -> None:
        if change["new"]:
            self.history = ((), ())

    def _on_model(self, _: Any = None) -> None:
        self.abandon()
        self.fit, self.history = None, ((), ())
        self._find_blockers()

    def _find_blockers(self, _: Any = None) -> None:
        with self.session.lock:
            why, model = [], self.session.model
            if model is None:
                why.append("Choose a model in step 1.")
            elif cannot := untrainable(model):
                why.append(cannot)
            if self._other is not None and self._other.busy:
                why.append("The retraining in step 4 is running: wait for it, or stop it.")
            self.blockers = tuple(why)

    def _on_network(self, change: Any) -> None:
        if change["new"] is None:
            self.fit = None
        else:
            self.check.submit(change["new"])

    def _compare(self, network: Any) -> None:
        model = self.session.model
        if network is None:
            self._load_shipped(model)
            return
        fit = GateFit(CLAMP, model.gate_curves(CLAMP), network.gate_curves(CLAMP))
        with self.session.lock:
            if self.session.network is network:
                self.fit = fit

    def _load_shipped(self, model: Any) -> None:
        from ionwidgets.gnn import shipped_network  # brings torch, 2 s: not before it is needed

        self.session.begin("network", "Loading the shipped network")
        network = None
        try:
            network = shipped_network(model)
        finally:
            with self.session.lock:
                self.session.end("network")
                if network is not None and self.session.model is model and self.session.network is None:
                    self.session.network = network
