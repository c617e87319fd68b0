"""Step 2: the cell's answer to scaled conductances, at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from traitlets import Dict, Float, HasTraits, Unicode, observe

from ionwidgets.errors import IonWidgetsError
from ionwidgets.widgets.coalesce import Latest
from ionwidgets.widgets.reference import Reference
from ionwidgets.widgets.session import Session

BEATS = 5
SHOWN = 2  # the last so many are drawn
SHORTEST, LONGEST = 100.0, 5000.0  # cycle lengths in ms

# name -> (variable, unit, factor from the dataset's unit, whether a change is told in percent: a potential's
# zero is a convention, so its change is told in mV)
BIOMARKERS: dict[str, tuple[str, str, float, bool]] = {
    "APD90": ("APD90", "ms", 1.0, True),
    "APD50": ("APD50", "ms", 1.0, True),
    "Resting potential": ("RMP", "mV", 1.0, False),
    "Peak": ("peak", "mV", 1.0, False),
    "dV/dt max": ("dVdt_max", "V/s", 1.0, True),
    "Ca_i diastolic": ("Ca_diastolic", "µM", 1000.0, True),
    "Ca_i peak": ("Ca_peak", "µM", 1000.0, True),
}


@dataclass(frozen=True)
class Wave:
    """The last beats of one cell: time in ms, V in mV, Ca_i in mM or None; biomarkers in their units."""

    time: NDArray[np.float32]
    V: NDArray[np.float32]
    Ca_i: NDArray[np.float32] | None
    biomarkers: dict[str, float]


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
    """Set `scale` or `cycle_length`; `response` follows, for the last values always."""

    scale = Dict()
    cycle_length = Float(1000.0)
    response = Reference(None, allow_none=True)
    problem = Unicode("")

    def __init__(self, session: Session, **traits: Any) -> None:
        super().__init__(**traits)
        self.session = session
        self.worker = Latest(self._simulate)
        self._controls: dict[tuple[str, float], Wave] = {}
        self._warm: set[str] = set()
        session.observe(self._on_model, "model")

    def refresh(self) -> None:
        """Simulate what is set now."""
        with self.session.lock:
            if self.session.model is None:
                return
            if not SHORTEST <= self.cycle_length <= LONGEST:
                self.problem = f"The cycle length must lie between {SHORTEST:.0f} and {LONGEST:.0f} ms."
                return
            self.worker.submit(_Question(self.session.model, self.cycle_length, dict(self.scale)))

    def reset(self) -> None:
        """All conductances back to control."""
        with self.session.lock:
            self.scale = {}

    def _on_model(self, _: Any) -> None:
        with self.session.lock:
            self.response = None
            self.scale = {}
            self._controls.clear()
        self.refresh()

    @observe("scale", "cycle_length")
    def _on_setting(self, _: Any) -> None:
        self.refresh()

    def _simulate(self, question: _Question) -> None:
        model = question.model
        if model.hash not in self._warm:
            self.session.begin("compile", f"Compiling {model.title} (the first time only)")
        try:
            key = (model.hash, question.cycle_length)
            control = self._controls.get(key) or simulate_wave(model, question.cycle_length, {})
            altered = (
                simulate_wave(model, question.cycle_length, question.scale) if question.scale else control
            )
        except IonWidgetsError as error:
            self._tell(question, None, str(error))
            return
        finally:
            if model.hash not in self._warm:
                self._warm.add(model.hash)
                self.session.end("compile")
        self._controls[key] = control
        self._tell(question, Response(question.cycle_length, question.scale, control, altered), "")

    def _tell(self, question: _Question, response: Response | None, problem: str) -> None:
        with self.session.lock:
            if question.model is self.session.model:
                self.problem = problem
                if response is not None:
                    self.response = response


def simulate_wave(model: Any, cycle_length: float, scale: dict[str, float]) -> Wave:
    """`BEATS` beats from the model's initial state, the last `SHOWN` of them kept."""
    from ionwidgets.simulation import simulate

    start = (BEATS - SHOWN) * cycle_length
    dataset = simulate(
        model,
        cycle_length,
        BEATS * cycle_length,
        scale=scale or None,
        record_from=start,
        variables=list(model.observables),
    )
    calcium = model.calcium
    return Wave(
        (np.asarray(dataset["time"]) - start).astype(np.float32),
        np.asarray(dataset[model.voltage])[0],
        None if calcium is None else np.asarray(dataset[calcium])[0],
        _last_biomarkers(dataset),
    )


def _last_biomarkers(dataset: xr.Dataset) -> dict[str, float]:
    values = {}
    for name, (variable, _, factor, _) in BIOMARKERS.items():
        if variable in dataset:
            known = np.asarray(dataset[variable], float)[0]
            known = known[np.isfinite(known)]
            if known.size:
                values[name] = float(known[-1]) * factor
    return values
