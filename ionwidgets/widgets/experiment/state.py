"""Step 2: the cell's answer to scaled conductances, at once."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

from traitlets import Bool, Dict, Float, Unicode

from ionwidgets.errors import IonWidgetsError, SimulationError
from ionwidgets.widgets.coalesce import Latest
from ionwidgets.widgets.experiment.baselines import stored_baseline
from ionwidgets.widgets.experiment.history import History
from ionwidgets.widgets.experiment.rhythm import USUAL, rhythm_of
from ionwidgets.widgets.experiment.setting import BEATS, NAMES, PACING, checked, whole_scale
from ionwidgets.widgets.experiment.wave import Wave, simulate_wave
from ionwidgets.widgets.listening import Listening
from ionwidgets.widgets.reference import Reference
from ionwidgets.widgets.session import Session
from ionwidgets.widgets.task_state import reason
from ionwidgets.widgets.words import brief

SLOW = 0.5  # s; a kernel that was compiled before is loaded in less


@dataclass(frozen=True)
class Response:
    """Control and altered cell at one cycle length (ms), at their beat number `beats`; `scale` of the sliders
    and `factors` of sliders and drug together, as they were simulated.
    """

    cycle_length: float
    scale: dict[str, float]
    control: Wave
    altered: Wave
    beats: int = BEATS
    factors: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Question:
    """Settings that make sense, and the model that they are for."""

    model: Any
    cycle_length: float
    scale: dict[str, float]
    protocol: dict[str, Any]
    drug: dict[str, Any] | None

    @property
    def factors(self) -> dict[str, float]:
        """Of sliders and drug together."""
        return whole_scale(self.scale, self.drug)

    @property
    def beats(self) -> int:
        """Paced from the initial state, the last of which is looked at."""
        return self.protocol["beats"] if self.protocol["kind"] == "pacing" else BEATS


class ExperimentState(Listening):
    """Set `scale`, `cycle_length`, `protocol` or `drug`; `response` follows, for the last values always.

    `setting` says what each may hold. `question` is what was accepted last; None, as `response` is, from the
    moment that another model is taken until that one has been asked. `undo` and `redo` go through what was
    set; `settings` is all of it as plain data, and `use_settings` takes it back.
    """

    scale = Dict()
    cycle_length = Float(USUAL)
    protocol = Dict(default_value=PACING)
    drug = Dict(default_value=None, allow_none=True)
    question = Reference(None, allow_none=True)
    response = Reference(None, allow_none=True)
    problem = Unicode("")
    can_undo = Bool(False)
    can_redo = Bool(False)

    def __init__(self, session: Session, **traits: Any) -> None:
        self.session = session
        self.history = History(self._set())
        super().__init__(**traits)
        self.worker = Latest(self._simulate)
        self._controls: dict[tuple[str, float, int], Wave] = {}
        self._warm: set[str] = set()
        self._refused = False  # what is set now: an answer that was on its way would seem to be to it
        self.hear(session, self._on_model, "model")
        if "cycle_length" not in traits and session.model is not None:
            self.cycle_length = rhythm_of(session.model).cycle_length
        self.history.start(self._set())
        self._tell_history()
        self._seen = self._set()
        self.observe(self._on_setting, list(NAMES))

    def settings(self) -> dict[str, Any]:
        """What is set, as plain data that JSON can hold; where that makes no sense, the last that did."""
        with self.session.lock:
            return deepcopy(self.history.now)

    def use_settings(self, settings: Mapping[str, Any]) -> None:
        """Take what `settings` gave; what is missing goes back to what it is at first.

        Raises
        ------
        IonWidgetsError : no model is open, a conductance or setting that is unknown, or a value that makes no
            sense; nothing is changed then.
        """
        with self.session.lock:
            if self.session.model is None:
                raise SimulationError("settings need a model; open one first")
            self._put(checked(self.session.model, settings))

    def undo(self) -> None:
        """One step back; a drag of one slider is one step."""
        with self.session.lock:
            self._put(self.history.undo())

    def redo(self) -> None:
        """What `undo` took back."""
        with self.session.lock:
            self._put(self.history.redo())

    def refresh(self) -> None:
        """Simulate what is set now."""
        with self.session.lock:
            model = self.session.model
            if model is None:
                return
            try:
                settings = checked(model, self._set())
            except IonWidgetsError as error:
                self._refused, self.problem = True, str(error)
                return
            self._refused = False
            self.history.record(settings)
            self._tell_history()
            self.question = Question(model, **deepcopy(settings))
            self.worker.submit(self.question)

    def reset(self) -> None:
        """Everything back to control: conductances and drug."""
        self.scale_alone({})

    def scale_alone(self, scale: Mapping[str, float]) -> None:
        """These factors and no drug, in one step."""
        with self.session.lock:
            self._put({**self._set(), "scale": dict(scale), "drug": None})

    def _set(self) -> dict[str, Any]:
        return {name: deepcopy(getattr(self, name)) for name in NAMES}

    def _put(self, settings: Mapping[str, Any]) -> None:
        """Set all at once: nothing is ever simulated half changed."""
        with self.hold_trait_notifications():
            for name in NAMES:
                setattr(self, name, deepcopy(settings[name]))
        self._tell_history()

    def _tell_history(self) -> None:
        self.can_undo, self.can_redo = self.history.can_undo, self.history.can_redo

    def _on_model(self, change: Any) -> None:
        old, new = (
            USUAL if model is None else rhythm_of(model).cycle_length
            for model in (change["old"], change["new"])
        )
        # Told together: nothing is ever asked of the new model with a setting of the old one.
        with self.session.lock, self.hold_trait_notifications():
            self.response, self.question, self.problem = None, None, ""
            self.scale, self.protocol = {}, dict(PACING)
            self.set_trait("drug", None)
            self._controls.clear()
            if old != new:  # an axon's cycle length says nothing of a heart; another heart keeps the last one
                self.cycle_length = new
            self._seen = self._set()
            self.history.start(self._seen)
        self.refresh()

    def _on_setting(self, _: Any) -> None:
        with self.session.lock:
            now = self._set()
            if now != self._seen:  # of several set at once, each is told of
                self._seen = now
                self.refresh()

    def _simulate(self, question: Question) -> None:
        model = question.model
        beats, factors = question.beats, question.factors
        key = (model.hash, question.cycle_length, beats)
        control = self._controls.get(key)
        if control is None and beats == BEATS:
            control = stored_baseline(model, question.cycle_length)
        at_once = control is not None and not factors
        try:
            with nullcontext() if at_once else self._patience(model):
                control = control or simulate_wave(model, question.cycle_length, {}, beats)
                altered = simulate_wave(model, question.cycle_length, factors, beats) if factors else control
        except IonWidgetsError as error:
            self._tell(question, None, str(error))
            return
        except Exception as error:  # or the panel would say "Simulating" for ever
            self._tell(question, None, f"The simulation failed: {reason(error)}.")
            return
        self._controls[key] = control
        answer = Response(question.cycle_length, question.scale, control, altered, beats, factors)
        self._tell(question, answer, "")

    @contextmanager
    def _patience(self, model: Any) -> Iterator[None]:
        """Say that a model is compiled once it takes longer than to load what was compiled before."""
        if model.hash in self._warm:
            yield
            return
        over, session = threading.Event(), self.session  # the timer holds no state that nobody else holds

        def tell() -> None:
            with session.lock:
                if not over.is_set():
                    session.begin("compile", f"Compiling {brief(model.title)} (the first time only)")

        timer = threading.Timer(SLOW, tell)
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()
            with session.lock:
                over.set()
                self._warm.add(model.hash)
                session.end("compile")

    def _tell(self, question: Question, response: Response | None, problem: str) -> None:
        with self.session.lock:
            if question.model is self.session.model and not self._refused:
                self.problem = problem
                if response is not None:
                    self.response = response
