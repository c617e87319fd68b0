"""Step 3: the network learns the model (stage 1)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from traitlets import Bool, Int, Unicode, observe

from ionwidgets.errors import TrainingError
from ionwidgets.jobs import Control, aside
from ionwidgets.models import IonicModel
from ionwidgets.widgets.coalesce import Latest
from ionwidgets.widgets.learn.kept import Interrupted, Kept
from ionwidgets.widgets.learn.shipped import has_shipped_network
from ionwidgets.widgets.reference import Reference
from ionwidgets.widgets.session import Session
from ionwidgets.widgets.task_state import TaskState, reason

CLAMP = np.arange(-100.0, 50.5, 1.0)  # mV
WORTH = 0.005  # of a training, below which it is no loss to begin anew
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


def with_torch(control: Control, fraction: float) -> Any:
    """`ionwidgets.gnn`, which brings torch (2 s, and no stop is heard in an import)."""

    def load() -> Any:
        import ionwidgets.gnn

        return ionwidgets.gnn

    return aside(lambda: control.report(fraction, "Loading PyTorch"), load)


def untrainable(model: IonicModel) -> str:
    """Why no network can learn this model, or ""."""
    if not model.gates:
        return f"{model.name} has no gate that depends on V alone: there is nothing to learn."
    return ""


class LearnState(TaskState):
    """`start` trains anew, `go_on` from where a training of this model was `interrupted`, or ended unseen.

    `elsewhere`: whether another page trains this model; a training that starts here then is not kept, and
    what that page keeps is left alone. `history`: (updates, losses) so far; `fit`: the `GateFit` of the
    network in training, or else of the one in use; `own`: whether that was trained here; `damage`: what is
    wrong with a checkpoint, in a sentence. `seed` is of the network's first weights.
    """

    history = Reference(((), ()))
    fit = Reference(None, allow_none=True)
    interrupted = Reference(None, allow_none=True)
    elsewhere = Bool(False)
    own = Bool(False)
    damage = Unicode("")
    seed = Int(0, min=0)

    key, doing, subject = "learn", "Training", "The training"

    def __init__(self, session: Session, **traits: Any) -> None:
        super().__init__(session, **traits)
        self.check = Latest(self._compare)
        self._others: list[TaskState] = []
        self._going_on: Interrupted | None = None
        self._curves: Curves = {}  # the model's own, while a network learns them
        self.hear(session, self._on_model, "model")
        self.hear(session, self._on_network, "network")
        self._on_model()

    def take_turns(self, other: TaskState) -> None:
        """Stay blocked while `other`, which is made after this, works on the network."""
        self._others.append(other)
        self.hear(other, self._on_other, "busy")
        self._find_blockers()

    def start(self) -> None:
        with self.session.lock:
            if not self.busy:
                self._going_on = None
                super().start()

    def go_on(self) -> None:
        """Go on with the training that was interrupted; it ends as if it had not been, to the last bit."""
        with self.session.lock:
            self.look_again()  # another page may have gone on with it
            if not self.busy and self.interrupted is not None:
                self._going_on = self.interrupted
                super().start()

    def reset(self) -> None:
        """Back to the shipped network, or to none; a training that was interrupted is forgotten."""
        with self.session.lock:
            model = self.session.model
            if self.busy or model is None:
                return
            kept = Kept.of(model)
            with kept.held() as ours:
                if ours:
                    kept.forget()
            self.outcome, self.damage, self.own = "", "", False
            self.history, self.session.network = ((), ()), None
            self._look()
        self.prepare()

    def begin(self) -> float:
        return 0.0 if self._going_on is None else self._going_on.fraction

    def work(self, control: Control) -> Any:
        model, going_on, begin = self.session.model, self._going_on, self.begin()
        gnn, kept = with_torch(control, begin), Kept.of(model)
        try:
            with kept.held() as ours:
                return self._learn(gnn.learn, model, kept if ours else None, going_on, control)
        finally:
            self.look_again()  # of a job that was abandoned nobody else hears that it has let go

    def _learn(
        self, learn: Any, model: IonicModel, kept: Kept | None, going_on: Interrupted | None, control: Control
    ) -> Any:
        """A network, kept in what is held; None where another page holds it."""
        if going_on is None:
            seed = self.seed
            if kept is not None:
                kept.forget()
        elif kept is None:
            raise TrainingError("another page goes on with it; wait for it there, or stop it there")
        else:
            seed = going_on.seed
        place = kept or Kept(None)
        try:
            return place.learn(learn, model, seed=seed, fresh=True, progress=control)
        except TrainingError as error:
            if not place.is_unusable(error):
                raise
            raise TrainingError(
                f"{str(error).removesuffix('; give another file')}; it was set aside as {place.set_aside()}; "
                "press Train to begin anew"
            ) from None

    def accept(self, value: Any) -> str:
        self.session.network, self.own = value, True
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
    def _on_facts(self, change: Any) -> None:
        curves = self.facts.get("curves")
        if curves is not None and curves is not (change["old"] or {}).get("curves"):
            self._curves = self._curves or self.session.model.gate_curves(CLAMP)
            self.fit = GateFit(CLAMP, self._curves, curves)
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
            self.history, self._curves, self.damage = ((), ()), {}, ""
            self.interrupted, self.elsewhere = None, False
            return
        self._look()
        if self.session.network is None:
            self.fit = None
        else:  # what was shown last was of the one in training
            self.check.submit(self.session.network)

    def look_again(self) -> None:
        """See what was interrupted meanwhile: a kernel may have been made long before its page is opened."""
        with self.session.lock:
            if not self.busy:
                self._look()

    def _look(self) -> None:
        """See whether a training of this model was interrupted or ended, here or in another session."""
        found, elsewhere = None, False
        kept = Kept(None) if self.session.model is None else Kept.of(self.session.model)
        if kept.path is not None and kept.path.exists() and not self._others_are_busy():
            with kept.held() as ours:
                found, elsewhere = self._read(kept) if ours else None, not ours
        self.interrupted, self.elsewhere = found, elsewhere

    def _read(self, kept: Kept) -> Interrupted | None:
        """What of it is worth to go on with."""
        try:
            found = kept.look()
        except ValueError as error:
            self.damage = (
                f"The checkpoint of a training of this model cannot be read ({error}). It was set aside as "
                f"{kept.set_aside()}; Train begins anew."
            )
            return None
        if found is None or found.fraction < WORTH or (found.finished and self.own):
            return None
        return found

    def _others_are_busy(self) -> bool:
        """Whether a step works that takes turns with this one; it may hold what is kept, to learn first."""
        return any(other.busy for other in self._others)

    def _on_other(self, _: Any) -> None:
        with self.session.lock:
            self._find_blockers()
            self.look_again()

    def _on_model(self, _: Any = None) -> None:
        self.abandon()
        self.fit, self.history, self.own, self.damage = None, ((), ()), False, ""
        self._look()
        self._find_blockers()

    def _find_blockers(self, _: Any = None) -> None:
        with self.session.lock:
            why, model = [], self.session.model
            if model is None:
                why.append("Choose a model in step 1.")
            elif cannot := untrainable(model):
                why.append(cannot)
            if self._others_are_busy():
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
        try:
            fit = GateFit(CLAMP, model.gate_curves(CLAMP), network.gate_curves(CLAMP))
        except Exception as error:  # or nobody would hear of it
            self.session.end(
                "fit", trouble=f"The network cannot be compared with the model: {reason(error)}."
            )
            return
        with self.session.lock:
            if self.session.network is network and not self.busy:
                self.fit = fit

    def _load_shipped(self, model: Any) -> None:
        self.session.begin("network", "Loading the shipped network")
        network, trouble = None, ""
        try:
            from ionwidgets.gnn import shipped_network  # brings torch, 2 s: not before it is needed

            network = shipped_network(model)
        except Exception as error:  # or nobody would hear of it
            trouble = f"The shipped network cannot be loaded: {reason(error)}."
        with self.session.lock:
            self.session.end("network", trouble=trouble)
            if network is not None and self.session.model is model and self.session.network is None:
                self.session.network = network
