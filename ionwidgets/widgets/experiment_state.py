"""Step 2: the cell's answer to scaled conductances, at once."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any

from traitlets import Dict, Float, HasTraits, Unicode, observe

from ionwidgets.errors import IonWidgetsError
from ionwidgets.widgets.baselines import stored_baseline
from ionwidgets.widgets.coalesce import Latest
from ionwidgets.widgets.reference import Reference
from ionwidgets.widgets.rhythm import LONGEST, USUAL, rhythm_of
from ionwidgets.widgets.session import Session
from ionwidgets.widgets.task_state import reason
from ionwidgets.widgets.wave import Wave, simulate_wave
from ionwidgets.widgets.words import brief

SLOW = 0.5  # s; a kernel that was compiled before is loaded in less


@dataclass(frozen=True)
class Response:
    """Control and altered cell at one cycle length (ms); `scale` as it was simulated."""

    cycle_length: float
    scale: dict[str, float]
    control: Wave
    altered: Wave


@dataclass(frozen=True)
class _Question:
    model: Any
    cycle_length: float
    scale: dict[str, float]


class ExperimentState(HasTraits):
    """Set `scale` or `cycle_length`; `response` follows, for the last values always.

    `response` is None from the moment that another model is taken until that one has answered.
    """

    scale = Dict()
    cycle_length = Float(USUAL)
    response = Reference(None, allow_none=True)
    problem = Unicode("")

    def __init__(self, session: Session, **traits: Any) -> None:
        super().__init__(**traits)
        self.session = session
        self.worker = Latest(self._simulate)
        self._controls: dict[tuple[str, float], Wave] = {}
        self._warm: set[str] = set()
        self._refused = False  # what is set now: an answer that was on its way would seem to be to it
        session.observe(self._on_model, "model")
        if "cycle_length" not in traits and session.model is not None:
            self.cycle_length = rhythm_of(session.model).cycle_length

    def refresh(self) -> None:
        """Simulate what is set now."""
        with self.session.lock:
            if self.session.model is None:
                return
            shortest = rhythm_of(self.session.model).shortest
            self._refused = not shortest <= self.cycle_length <= LONGEST
            if self._refused:
                self.problem = f"The cycle length must lie between {shortest:.0f} and {LONGEST:.0f} ms."
                return
            self.worker.submit(_Question(self.session.model, self.cycle_length, dict(self.scale)))

    def reset(self) -> None:
        """All conductances back to control."""
        with self.session.lock:
            self.scale = {}

    def _on_model(self, change: Any) -> None:
        old, new = (
            USUAL if model is None else rhythm_of(model).cycle_length
            for model in (change["old"], change["new"])
        )
        # Told together: nothing is ever asked of the new model with a setting of the old one.
        with self.session.lock, self.hold_trait_notifications():
            self.response, self.problem, self.scale = None, "", {}
            self._controls.clear()
            if old != new:  # an axon's cycle length says nothing of a heart; another heart keeps the last one
                self.cycle_length = new
        self.refresh()

    @observe("scale", "cycle_length")
    def _on_setting(self, _: Any) -> None:
        self.refresh()

    def _simulate(self, question: _Question) -> None:
        model = question.model
        key = (model.hash, question.cycle_length)
        control = self._controls.get(key) or stored_baseline(model, question.cycle_length)
        at_once = control is not None and not question.scale
        try:
            with nullcontext() if at_once else self._patience(model):
                control = control or simulate_wave(model, question.cycle_length, {})
                altered = (
                    simulate_wave(model, question.cycle_length, question.scale) if question.scale else control
                )
        except IonWidgetsError as error:
            self._tell(question, None, str(error))
            return
        except Exception as error:  # or the panel would say "Simulating" for ever
            self._tell(question, None, f"The simulation failed: {reason(error)}.")
            return
        self._controls[key] = control
        self._tell(question, Response(question.cycle_length, question.scale, control, altered), "")

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

    def _tell(self, question: _Question, response: Response | None, problem: str) -> None:
        with self.session.lock:
            if question.model is self.session.model and not self._refused:
                self.problem = problem
                if response is not None:
                    self.response = response
