"""What is asked of a recording; what cannot be asked is refused in one sentence."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import xarray as xr

from ionwidgets.discovery.calibration import calibrated
from ionwidgets.discovery.checks import DECODERS
from ionwidgets.discovery.objective import Objective
from ionwidgets.discovery.prepare import control_run
from ionwidgets.errors import IonWidgetsError
from ionwidgets.gnn import Network
from ionwidgets.gnn.decoder import HIDDEN, hidden_states
from ionwidgets.models import IonicModel
from ionwidgets.recordings.typical_beat import TypicalBeat, typical_beats


@dataclass(frozen=True)
class Asked:
    """A recording's typical beats, one a cell; what was odd about them; how they were paced."""

    recording: xr.Dataset
    beats: list[TypicalBeat]
    warnings: list[str]
    stimulus: tuple[float, float]
    paced_for: float | None


@dataclass(frozen=True)
class Question(Asked):
    """And the unchanged model, paced like them."""

    model: IonicModel
    control: xr.Dataset

    def objective(self, **options: Any) -> Objective:
        """The fits through the ODE; options as for `Objective`."""
        options = {"paced_for": self.paced_for, **options}
        return Objective(self.model, self.beats, self.control, self.stimulus, **options)


def ask(
    model: IonicModel, recording: xr.Dataset, stimulus: tuple[float, float] | None, paced_for: float | None
) -> Asked:
    """Find the beats.

    Raises
    ------
    RecordingError : no beats to work with, a cycle length is missing, units are neither mV nor a.u.
    """
    stimulus = stimulus or (model.stimulus.amplitude, model.stimulus.duration)
    beats, warnings = typical_beats(recording, stimulus[1], stimulus[0])
    if mapped := [name for name in beats[0].arbitrary if name in model.observables]:
        warnings.append(
            f"{' and '.join(mapped)} in arbitrary units: every beat was mapped to the model's "
            "range, and what a change of gain or offset could undo is not seen"
        )
    return Asked(recording, beats, warnings, stimulus, paced_for)


def put_to(model: IonicModel, asked: Asked) -> Question:
    """Pace the unchanged model as the recorded cells were."""
    pacing = {} if asked.paced_for is None else {"pacing": asked.paced_for}
    control = control_run(model, asked.beats, asked.stimulus, **pacing)
    beats = [calibrated(beat, control, i) for i, beat in enumerate(asked.beats)]
    return Question(asked.recording, beats, asked.warnings, asked.stimulus, asked.paced_for, model, control)


def check_network(
    model: IonicModel,
    recording: xr.Dataset,
    control: xr.Dataset | None,
    network: Network | None,
    decoder: str,
    hidden: str,
) -> None:
    """Refuse a decoder, a source of hidden states or a network that does not suit model and recording."""
    if decoder not in DECODERS:
        raise IonWidgetsError(f"unknown decoder {decoder!r}; there are: {', '.join(DECODERS)}")
    if decoder == "emulator":
        _check_emulated(model, recording, network)
        if control is not None:
            raise IonWidgetsError(
                "decoder emulator has learnt the published cell, not the one of the control recording; leave "
                "control out, or use decoder ode"
            )
    if hidden not in HIDDEN:
        raise IonWidgetsError(f"hidden states come from {' or '.join(HIDDEN)}; found {hidden!r}")
    missing = [name for name in hidden_states(model) if name not in recording]
    if hidden == "true" and missing:
        raise IonWidgetsError(
            f'hidden="true" reads {", ".join(hidden_states(model))} from the recording, as only a simulation '
            f'has them; there is no {", ".join(missing)}; use hidden="clamp"'
        )
    if network is not None and network.model_hash != model.hash:
        raise IonWidgetsError(
            f"the network has learnt {network.model_name}:{network.variant} with other equations than "
            f"{model.key}; train one on this model (ionwidgets learn)"
        )


def check_emulated_setup(recording: xr.Dataset, elsewhere: bool) -> None:
    """Refuse what the emulator has not learnt: other conditions, injected currents."""
    if elsewhere or "I_inj" in recording:
        raise IonWidgetsError(
            "decoder emulator has learnt the published cell as its own stimulus paces it: it knows no "
            f"{'other conditions' if elsewhere else 'injected current (I_inj)'}; use decoder ode"
        )


def _check_emulated(model: IonicModel, recording: xr.Dataset, network: Network | None) -> None:
    missing = [name for name in ("V", "Ca_i") if name not in recording or name not in model.observables]
    if missing:
        raise IonWidgetsError(
            f"decoder emulator needs V and Ca_i, in the model and in the recording; there is no "
            f"{' and no '.join(missing)}; use decoder ode"
        )
    if network is not None and network.emulator is None:
        raise IonWidgetsError(
            "decoder emulator needs a network with an emulator (ionwidgets learn --preset paper); this one "
            "has none; leave it out, or use decoder ode"
        )
