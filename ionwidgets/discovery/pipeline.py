"""`discover` and `retrain`: from a recording to what changed in the cell.

The recording's typical beats go to stage 2 (the network), whose gates and scales say which currents changed;
its proposals and those of a short look through the ODE are fitted through the ODE, which decides, with
intervals.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
import xarray as xr

from ionwidgets.discovery.finding import write_finding
from ionwidgets.discovery.heartbeat import Heartbeat, Stage
from ionwidgets.discovery.judge import Judged, judge
from ionwidgets.discovery.late_apd90 import late_apd90
from ionwidgets.discovery.objective import Objective
from ionwidgets.discovery.prepare import control_run
from ionwidgets.discovery.propose import pairs, propose, screen
from ionwidgets.discovery.result import Result, current_traces, paced_traces
from ionwidgets.discovery.search import search
from ionwidgets.errors import IonWidgetsError, SimulationError
from ionwidgets.gnn import Network, learn
from ionwidgets.gnn.decoder import HIDDEN, Balance, current_balance, hidden_states
from ionwidgets.gnn.emulate import EmulatedBeats
from ionwidgets.gnn.paper import learn_as_published
from ionwidgets.gnn.retrain import Retrained, Stage2, retrain_network
from ionwidgets.jobs import Control
from ionwidgets.models import IonicModel, load_model
from ionwidgets.recordings.typical_beat import TypicalBeat, typical_beats
from ionwidgets.simulation import voltage_grid
from ionwidgets.simulation.sweep import Steps

COARSE = Steps(
    low=0.01, high=0.5, dv=0.4, bend_others=1e-3
)  # APD90 within 0.05 ms: enough to choose who is fitted in full
COARSE_SETTLING = 1000.0  # ms
DECODERS = ("ode", "emulator")
EMULATOR_UPDATES = 100  # each costs thirty of the ODE's
MOST_HISTORY = 600_000.0  # ms of pacing before a recording
SHOWN_AFTER, SHOWN_PERIODS = 20_000.0, 3  # ms of pacing, and the periods of it that are kept to be shown


@dataclass(frozen=True)
class Question:
    """What is asked: the recording's beats, the control paced like them, and how they were paced."""

    model: IonicModel
    recording: xr.Dataset
    beats: list[TypicalBeat]
    warnings: list[str]
    control: xr.Dataset
    stimulus: tuple[float, float]
    paced_for: float | None


def retrain(
    network: Network,
    recording: xr.Dataset,
    *,
    model: IonicModel | None = None,
    eta: float = 1e-3,
    decoder: str = "ode",
    hidden: str = "clamp",
    seed: int = 0,
    stimulus: tuple[float, float] | None = None,
    paced_for: float | None = None,
    progress: Control | None = None,
) -> Result:
    """Stage 2 and the fits that settle it, for a network that has learnt a library model.

    Parameters and errors as for `discover`; `model` is needed where the network's is not in the library.
    """
    if model is None:
        model = load_model(network.model_name, network.variant)
    return discover(
        model, recording, network=network, eta=eta, decoder=decoder, hidden=hidden, seed=seed,
        stimulus=stimulus, paced_for=paced_for, progress=progress,
    )  # fmt: skip


def discover(
    model: IonicModel,
    recording: xr.Dataset,
    *,
    network: Network | None = None,
    eta: float = 1e-3,
    decoder: str = "ode",
    hidden: str = "clamp",
    seed: int = 0,
    stimulus: tuple[float, float] | None = None,
    paced_for: float | None = None,
    predict_cl: Sequence[float] = (),
    duration: float = 20_000.0,
    progress: Control | None = None,
) -> Result:
    """Which currents and gates differ between `model` and the cell that was recorded.

    Parameters
    ----------
    recording : Dataset with V [mV], perhaps Ca_i [mM], and the cycle length of every cell.
    network : that has learnt the model (stage 1); learnt or loaded when left out.
    eta : price of a change of a gate in stage 2.
    decoder : what stage 2 holds the gates against: "ode", the model's own equations, or "emulator", the
        network m2 of the paper, which needs Ca_i in the recording (and a network learnt with
        ``preset="paper"``, which is learnt when left out).
    hidden : where stage 2 has the states from that no experiment sees (fCa, Na_i, K_i): "clamp", the model
        under the recorded V and Ca_i; "true", the recording, which then is a simulation that holds them (the
        paper's shortcut). The fits after stage 2 never look at them.
    stimulus : (amplitude [A/F], duration [ms]) where it is not the model's.
    paced_for : ms that each cell had been paced from the model's initial state before its recording begins;
        without it the slow concentrations of every cell are free.
    predict_cl : cycle lengths [ms] at which the found model is paced for `duration` [ms] to predict APD90.
    progress : is told how far the work is, and may end it.

    Raises
    ------
    RecordingError : no beats to work with, a cycle length is missing, units are not mV.
    TrainingError : stage 2 diverged, or the model does not run.
    IonWidgetsError : the network has learnt another model; an unknown decoder or source of hidden states, or
        one that the recording or the network does not suit.
    """
    started = time.perf_counter()
    heartbeat = Heartbeat(progress)
    # What is wrong with the input is said before any progress is.
    if decoder not in DECODERS:
        raise IonWidgetsError(f"unknown decoder {decoder!r}; there are: {', '.join(DECODERS)}")
    if decoder == "emulator":
        _check_emulated(model, recording, network)
    _check_hidden(hidden, model, recording)
    if not 0 < eta < 1:
        raise IonWidgetsError(f"eta must lie between 0 and 1; found {eta:g}")
    if network is not None and network.model_hash != model.hash:
        raise IonWidgetsError(
            f"the network has learnt {network.model_name}:{network.variant} with other equations than "
            f"{model.key}; train one on this model (ionwidgets learn)"
        )
    pulse = stimulus[1] if stimulus else model.stimulus.duration
    if not all(pulse < length < np.inf for length in predict_cl) or not 0 < duration < np.inf:
        raise IonWidgetsError(
            f"predictions are made at cycle lengths longer than the stimulus ({pulse:g} ms), over a positive "
            f"duration, in ms; found {', '.join(f'{length:g}' for length in predict_cl)} and {duration:g}"
        )
    model.check_balance()
    question = _question(model, recording, stimulus, paced_for, heartbeat)
    learning = learn_as_published if decoder == "emulator" else learn
    network = network or learning(model, seed=seed, progress=Stage(heartbeat, 0.0, 0.05))
    heartbeat.report(0.05, "Retraining on the recording")
    true = recording if hidden == "true" else None
    balance = current_balance(model, question.beats, question.control, question.stimulus, true)
    emulated = decoder == "emulator"
    retrained = retrain_network(
        network, balance, seed=seed, progress=Stage(heartbeat, 0.05, 0.35),
        decoder=EmulatedBeats(network, balance) if emulated else None,
        settings=Stage2(eta=eta, updates=EMULATOR_UPDATES) if emulated else Stage2(eta=eta),
    )  # fmt: skip
    ratios = _current_ratios(balance, network, retrained)
    objective = Objective(
        model, question.beats, question.control, question.stimulus, paced_for, alive=heartbeat.alive
    )
    shares = {c.name: float(np.clip(retrained.explained[c.name], 0, 1)) for c in model.currents}
    coarse = Objective(
        model, question.beats, question.control, question.stimulus, None,
        settling=COARSE_SETTLING, steps=COARSE, alive=heartbeat.alive,
    )  # fmt: skip
    tell = Stage(heartbeat, 0.35, 0.6)
    none, screened = screen(
        coarse, ratios, lambda part: tell.report(part, "Trying every single change", importance=shares)
    )
    tell = Stage(heartbeat, 0.6, 0.9)
    found = search(
        objective, none, propose(coarse, screened, retrained.explained),
        pairs(model, ratios, retrained.explained),
        lambda part: tell.report(part, "Fitting the proposed changes", importance=shares),
    )  # fmt: skip
    heartbeat.report(0.9, "Predicting")
    judged = judge(objective, none, screened, found)
    result = _result(question, network, retrained, balance, judged)
    predictions = _predictions(result, predict_cl, duration)
    elapsed = round(time.perf_counter() - started, 2)
    about = {
        "seed": seed, "eta": eta, "decoder": decoder, "hidden": hidden, "elapsed_s": elapsed,
        "predictions": predictions,
    }  # fmt: skip
    finding = write_finding(objective, recording, question.warnings, judged, retrained, about)
    heartbeat.report(1.0, "Done")
    return replace(result, finding=finding)


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


def _check_hidden(hidden: str, model: IonicModel, recording: xr.Dataset) -> None:
    if hidden not in HIDDEN:
        raise IonWidgetsError(f"hidden states come from {' or '.join(HIDDEN)}; found {hidden!r}")
    missing = [name for name in hidden_states(model) if name not in recording]
    if hidden == "true" and missing:
        raise IonWidgetsError(
            f'hidden="true" reads {", ".join(hidden_states(model))} from the recording, as only a simulation '
            f'has them; there is no {", ".join(missing)}; use hidden="clamp"'
        )


def _question(
    model: IonicModel,
    recording: xr.Dataset,
    stimulus: tuple[float, float] | None,
    paced_for: float | None,
    heartbeat: Heartbeat,
) -> Question:
    stimulus = stimulus or (model.stimulus.amplitude, model.stimulus.duration)
    if not stimulus[1] > 0 or not np.isfinite(stimulus).all():
        raise IonWidgetsError(
            f"the stimulus is amplitude [A/F] and a positive duration [ms]; found {stimulus}"
        )
    if paced_for is not None and not 0 < paced_for <= MOST_HISTORY:
        raise IonWidgetsError(
            f"paced_for is ms of pacing, above 0 and up to {MOST_HISTORY:g}; found {paced_for:g}"
        )
    beats, warnings = typical_beats(recording, stimulus[1], stimulus[0])
    heartbeat.report(0.0, "Pacing the control")
    pacing = {} if paced_for is None else {"pacing": paced_for}
    control = control_run(model, beats, stimulus, **pacing)
    return Question(model, recording, beats, warnings, control, stimulus, paced_for)


def _current_ratios(balance: Balance, network: Network, retrained: Retrained) -> dict[str, float]:
    """How large the network makes each current: the slope of it on the control's, held to 0.05 ... 20."""
    with torch.no_grad():
        before, after = balance.currents(retrained.gates_before), balance.currents(retrained.gates_after)
    ratios = {}
    for current in balance.model.currents:
        own, new = before[current.name] * balance.weight, after[current.name] * balance.weight
        norm = float(own.square().sum())
        slope = float((own * new).sum()) / norm if norm > 0 else 1.0
        ratios[current.name] = float(np.clip(slope * np.exp(retrained.log_scales[current.name]), 0.05, 20.0))
    return ratios


def _result(
    question: Question, network: Network, retrained: Retrained, balance: Balance, judged: Judged
) -> Result:
    """Everything but the finding: the network's curves and currents, and the changes."""
    V = voltage_grid()
    curves = [net.gate_curves(V) for net in (network, retrained.network)]
    h_inf = np.array([[c[name][0] for name in question.model.gate_names] for c in curves])
    tau = np.array([[c[name][1] for name in question.model.gate_names] for c in curves])
    scales = {name: float(np.exp(value)) for name, value in retrained.log_scales.items()}
    names = [current.name for current in question.model.currents]
    with torch.no_grad():
        before, after = balance.currents(retrained.gates_before), balance.currents(retrained.gates_after)
    traces = []
    for i, beat in enumerate(question.beats):
        n = beat.time.size
        control = [before[name][:n, i].numpy() for name in names]
        altered = [(after[name] * scales[name])[:n, i].numpy() for name in names]
        both = [control, altered]
        traces.append(current_traces(question.model, beat.cycle_length, beat.time, beat.V, np.array(both)))
    finding = {"verdict": judged.verdict}  # the document is written when everything is known
    result = Result(
        question.model,
        question.recording,
        finding,
        judged.changes,
        h_inf,
        tau,
        scales,
        tuple(traces),
        xr.Dataset(),
    )
    return replace(result, paced=_paced(result, question))


def _paced(result: Result, question: Question) -> xr.Dataset:
    """The model at the longest recorded cycle length, as `Result.paced` has it."""
    longest = max(beat.cycle_length for beat in question.beats)
    options = {
        "record_from": max(0.0, SHOWN_AFTER - SHOWN_PERIODS * longest),
        "variables": list(question.model.observables),
    }
    duration = max(SHOWN_AFTER, SHOWN_PERIODS * longest)
    runs = {}
    for source in ("control", "found", "neural ODE") if result.changes else ("control", "neural ODE"):
        try:
            if source == "neural ODE":
                runs[source] = result.neural_ode(longest, duration, **options)
            else:
                shown = result if source == "found" else replace(result, changes={})
                runs[source] = shown.simulate(longest, duration, **options)
        except SimulationError:
            if source != "neural ODE":
                raise
            # Gates that no experiment held in place need not make a cell that runs
    values = {
        name: np.stack([run[name].values[0] for run in runs.values()]) for name in question.model.observables
    }
    time = runs["control"]["time"].values  # the control has run before
    return paced_traces(question.model, longest, list(runs), time, values)


def _predictions(
    result: Result, cycle_lengths: Sequence[float], duration: float
) -> dict[str, dict[str, float | None]]:
    """Mean APD90 of the last 5 s of the found model, by cycle length; None without action potentials."""
    predictions: dict[str, dict[str, float | None]] = {
        f"{c:g}": {"apd90_ms": None, "trace_csv": None} for c in cycle_lengths
    }
    if result.verdict == "unexplained" or not predictions:
        return predictions
    paced = result.simulate(list(cycle_lengths), duration, variables=[])
    for cycle_length, apd90 in zip(cycle_lengths, late_apd90(paced, duration), strict=True):
        if np.isfinite(apd90):
            predictions[f"{cycle_length:g}"]["apd90_ms"] = round(float(apd90), 3)
    return predictions
