"""Step 4: the network is retrained on the recording (stage 2), and the ODE decides among what it proposes.

Where no network has learnt the model yet, one learns it first. Of several seeds each is run.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from traitlets import Float, Tuple, Unicode, observe

from ionwidgets.discovery.sentences import headline
from ionwidgets.errors import IonWidgetsError
from ionwidgets.jobs import Cancelled, Control
from ionwidgets.widgets.learn.kept import Kept
from ionwidgets.widgets.learn.shipped import has_shipped_network
from ionwidgets.widgets.learn.state import LearnState, untrainable
from ionwidgets.widgets.part import Part
from ionwidgets.widgets.reference import Reference
from ionwidgets.widgets.retrain.emulator import no_emulator
from ionwidgets.widgets.retrain.learning import learn_first
from ionwidgets.widgets.retrain.made import Made, learnt_of
from ionwidgets.widgets.retrain.seeds import SeedRun, best_of
from ionwidgets.widgets.retrain.settings import DEFAULTS, read_about, read_settings
from ionwidgets.widgets.retrain.tools import load_tools
from ionwidgets.widgets.session import Session
from ionwidgets.widgets.task_state import TaskState

LEARNING = 0.6  # of the whole, where a network has to learn the model first
BASIS = ["model", "recording", "control"]


class RetrainState(TaskState):
    """`importance`: change -> share of the observed difference that it explains, the last known.

    `runs`: a `SeedRun` a seed, of the retraining that the finding in use comes from; `reasons`: the blockers
    by what each is about. The other traits are the
    settings: `decoder`, `eta`, `seeds`, and how the cell was recorded, each by the name and in the units of
    `ionwidgets.discover`, None where nothing is said of it.
    """

    decoder = Unicode("ode")
    eta = Float(1e-3)
    seeds = Tuple((0,))
    stimulus = Reference(None, allow_none=True)
    paced_for = Reference(None, allow_none=True)
    conditions = Reference(None, allow_none=True)
    junction_potential = Reference(None, allow_none=True)
    leak = Reference(None, allow_none=True)
    importance = Reference({})
    runs = Reference(())
    no_emulator = Unicode("")  # why the emulator cannot be the decoder

    key, doing, subject = "retrain", "Retraining", "The retraining"

    def __init__(self, session: Session, other: LearnState, **traits: Any) -> None:
        super().__init__(session, **traits)
        self._others: list[TaskState] = [other]
        self._learning = other
        self._started: tuple[int, ...] = ()  # the seeds of the run
        self.reasons: dict[str, str] = {}
        # Hash of the model and seed, and its network with m2.
        self._as_published: tuple[tuple[str, int], Any] | None = None
        self.hear(session, self._on_basis, BASIS)
        self.hear(session, self._on_result, "result")
        self.hear(session, self._find_blockers, "network")
        self.hear(other, self._find_blockers, "busy")
        other.take_turns(self)
        self.observe(self._find_blockers, list(DEFAULTS))
        self._find_blockers()
        self._on_result()

    def take_turns(self, other: TaskState) -> None:
        """Stay blocked while `other`, which is made after this, works."""
        self._others.append(other)
        self.hear(other, self._find_blockers, "busy")
        self._learning.take_turns(other)

    def settings(self) -> dict[str, Any]:
        """The settings as JSON holds them; one that is not valid now is left out."""
        kept: dict[str, Any] = {}
        with self.session.lock:
            for name in DEFAULTS:
                value = getattr(self, name)
                with suppress(IonWidgetsError):
                    kept |= read_settings({name: list(value) if name == "seeds" else value})
        return kept

    def use_settings(self, given: Mapping[str, Any]) -> None:
        """Take what `settings` gave; what is left out goes back to what it is at first.

        Raises
        ------
        IonWidgetsError : a name or a value that cannot be; nothing has changed then.
        """
        read = DEFAULTS | read_settings(given)
        with self.session.lock, self.hold_trait_notifications():
            for name, value in read.items():
                setattr(self, name, tuple(value) if isinstance(value, list) else value)

    def arguments(self) -> dict[str, Any]:
        """What of the settings `discover` is given, without eta and seed; what is as at first is left out."""
        return {
            name: tuple(value) if isinstance(value, list) else value
            for name, value in self.settings().items()
            if name not in ("seeds", "eta") and value != DEFAULTS[name]
        }

    @property
    def made(self) -> Made | None:
        """What the finding in use was made with; None where it was not made here."""
        result = self.session.result
        return next((run.made for run in self.runs if run.result is result), None)

    def choose(self, seed: int) -> None:
        """Put the finding of this seed in use."""
        with self.session.lock:
            for run in self.runs:
                if run.seed == seed and run.result is not None:
                    self.session.result = run.result

    def work(self, control: Control) -> Any:
        session, eta, seeds, arguments = self.session, self.eta, self._started, self.arguments()
        model, recording, before = session.model, session.recording, session.control
        settings = DEFAULTS | self.settings()
        tools = load_tools(control)
        network, begin = self.network(tools, model, seeds[0], arguments, control)
        learnt = learnt_of(network, model)
        if before is not None:
            arguments["control"] = before
        runs: list[SeedRun] = []
        share = (1.0 - begin) / len(seeds)
        for i, seed in enumerate(seeds):
            which = f"Seed {seed} ({i + 1} of {len(seeds)})" if len(seeds) > 1 else ""
            start = begin + i * share
            part = Part(control, start, start + share, which=which)
            if seed:
                arguments["seed"] = seed
            else:
                arguments.pop("seed", None)
            try:
                result = tools.discover(
                    model, recording, network=network, eta=eta, progress=part, **arguments
                )
                runs.append(SeedRun(seed, result, made=Made(settings, seed, learnt)))
            except IonWidgetsError as error:
                if len(seeds) == 1:
                    raise
                runs.append(SeedRun(seed, None, str(error)))
            except Cancelled:
                if not any(run.result is not None for run in runs):
                    raise
                break  # what is done by then is of use
        if all(run.result is None for run in runs):
            raise IonWidgetsError(f"no seed came out; the first: {runs[0].reason}")
        return tuple(runs)

    def network(
        self, tools: Any, model: Any, seed: int, arguments: Mapping[str, Any], control: Control
    ) -> tuple[Any, float]:
        """The network to retrain, None for the shipped one, and how much of the whole it took to learn it."""
        if arguments.get("decoder") == "emulator":
            return self._published(tools, model, seed, control)
        taught = tools.taught_model(model, self._about().model(model), None)
        if taught is not model:  # in that bath the gates have other curves
            kept = Kept.of(taught)
            part = Part(control, 0.0, LEARNING, "Learning the gates of these conditions first …")
            network = learn_first(tools.learn, taught, kept, part, seed=seed)
            with kept.held() as ours:
                if ours:
                    kept.forget()  # of a bath that may never come again; nobody looks for it
            return network, LEARNING
        if self.session.network is not None or has_shipped_network(model):
            return self.session.network, 0.0
        return self._learnt_first(tools, model, control), LEARNING

    def _published(self, tools: Any, model: Any, seed: int, control: Control) -> tuple[Any, float]:
        """A network with an emulator; it serves the retrainings that follow, too."""
        own = self.session.network
        if own is not None and own.emulator is not None:
            return own, 0.0
        if self._as_published is not None and self._as_published[0] == (model.hash, seed):
            return self._as_published[1], 0.0
        part = Part(control, 0.0, LEARNING, "Learning the model with an emulator first …")
        network = tools.learn_as_published(model, seed=seed, progress=part)
        self._as_published = (model.hash, seed), network
        return network, LEARNING

    def _learnt_first(self, tools: Any, model: Any, control: Control) -> Any:
        """A network that has learnt `model`; it stays in use, whatever becomes of the retraining."""
        part = Part(control, 0.0, LEARNING, "Learning the model first …")
        network = learn_first(tools.learn, model, Kept.of(model), part)
        with self.session.lock:
            if self.session.model is model and self.session.network is None:
                self.session.network, self._learning.own = network, True
        return network

    def accept(self, value: Any) -> str:
        self.runs = runs = value
        best = best_of(runs)
        assert best is not None  # or the work has raised
        self.session.result = best.result
        parts = [headline(best.result.finding)]
        if len(runs) < len(self._started):
            parts.append(f"It was stopped after {len(runs)} of {len(self._started)} seeds.")
        if len(runs) > 1:
            agree = sum(run.result is not None and run.found == best.found for run in runs)
            parts.append(f"{agree} of {len(runs)} seeds found this; seed {best.seed} is in use.")
        return " ".join(parts)

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
        if change["new"]:
            self._started = self.seeds  # which may be edited meanwhile
        # What a run that was stopped saw last is not what the finding that stays in use says.
        elif self.session.result is not None:
            self._on_result()

    def _on_basis(self, _: Any) -> None:
        self.abandon()
        self._on_result()
        self._find_blockers()

    def _on_result(self, _: Any = None) -> None:
        result = self.session.result
        self.importance = {} if result is None else importance_of(result.finding)
        if not any(run.result is result for run in self.runs):
            self.runs = ()

    def _about(self) -> Any:
        """How the cell was recorded; raises an `IonWidgetsError` where that cannot be."""
        return read_about({name: getattr(self, name) for name in DEFAULTS})

    def _find_blockers(self, _: Any = None) -> None:
        with self.session.lock:
            session, why, model = self.session, dict[str, str](), self.session.model
            if model is None:
                why["model"] = "Choose a model in step 1."
            elif session.network is None and (cannot := untrainable(model)):
                why["model"] = cannot
            if session.recording is None:
                why["recording"] = "Load a recording in step 2, or the bundled example."
            why |= {other.key: WAITS[other.key] for other in self._others if other.busy}
            if not 0 < self.eta < 1:
                why["one eta"] = "eta must be greater than 0 and less than 1."
            elsewhere = bool(self.conditions) or self.leak is not None
            try:
                if model is not None and elsewhere:
                    self._about().model(model)
            except IonWidgetsError as error:
                why["about"] = f"More about the recording: {str(error).rstrip('.')}."
            self.no_emulator = no_emulator(model, session.recording, session.control, elsewhere)
            if self.decoder == "emulator" and self.no_emulator:
                why["decoder"] = f"The emulator cannot be the decoder: {self.no_emulator}. Choose ODE."
            self.reasons = why
            self.blockers = tuple(why.values())


WAITS = {
    "learn": "The training in step 3 is running: wait for it, or stop it.",
    "eta": "The sweep over eta is running: wait for it, or stop it.",
}  # by the key of the task


def importance_of(finding: Any) -> dict[str, float]:
    """Change -> importance, of every current and gate that has one."""
    named = [(entry["current"], entry) for entry in finding["currents"]]
    named += [(f"gate {entry['gate']}", entry) for entry in finding["gates"]]
    return {name: entry["importance"] for name, entry in named if entry.get("importance") is not None}
