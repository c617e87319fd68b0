"""`discover` and `retrain`: from a recording to what changed in the cell.

The recording's typical beats go to stage 2 (the network), whose gates and scales say which currents changed;
its proposals and those of a short look through the ODE are fitted through the ODE, which decides, with
intervals.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import xarray as xr

from ionwidgets.discovery.before import fitted_before
from ionwidgets.discovery.finding import write_finding
from ionwidgets.discovery.heartbeat import Heartbeat, Stage
from ionwidgets.discovery.judge import judge
from ionwidgets.discovery.objective import Objective
from ionwidgets.discovery.outcome import outcome, predict
from ionwidgets.discovery.propose import first_ratios, propose, screen, together
from ionwidgets.discovery.question import ask, check_network, check_numbers, put_to
from ionwidgets.discovery.result import Result
from ionwidgets.discovery.search import search
from ionwidgets.gnn import Network, learn
from ionwidgets.gnn.decoder import current_balance
from ionwidgets.gnn.device import device_named
from ionwidgets.gnn.emulate import EmulatedBeats
from ionwidgets.gnn.paper import learn_as_published
from ionwidgets.gnn.retrain import Stage2, retrain_network
from ionwidgets.jobs import Control
from ionwidgets.models import IonicModel, load_model
from ionwidgets.simulation.sweep import Steps

COARSE = Steps(
    low=0.01, high=0.5, dv=0.4, bend_others=1e-3
)  # APD90 within 0.05 ms: enough to choose who is fitted in full
COARSE_SETTLING = 1000.0  # ms
EMULATOR_UPDATES = 100  # each costs thirty of the ODE's
CONTROL_SHARE = 0.4  # of the work, where there is a control recording


def retrain(
    network: Network,
    recording: xr.Dataset,
    *,
    model: IonicModel | None = None,
    control: xr.Dataset | None = None,
    eta: float = 1e-3,
    decoder: str = "ode",
    hidden: str = "clamp",
    seed: int = 0,
    stimulus: tuple[float, float] | None = None,
    paced_for: float | None = None,
    device: str = "cpu",
    progress: Control | None = None,
) -> Result:
    """Stage 2 and the fits that settle it, for a network that has learnt a library model.

    Parameters and errors as for `discover`; `model` is needed where the network's is not in the library.
    """
    if model is None:
        model = load_model(network.model_name, network.variant)
    return discover(
        model, recording, control, network=network, eta=eta, decoder=decoder, hidden=hidden, seed=seed,
        stimulus=stimulus, paced_for=paced_for, device=device, progress=progress,
    )  # fmt: skip


def discover(
    model: IonicModel,
    recording: xr.Dataset,
    control: xr.Dataset | None = None,
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
    device: str = "cpu",
    progress: Control | None = None,
) -> Result:
    """Which currents and gates differ between `model` and the cell that was recorded.

    Parameters
    ----------
    recording : Dataset with V [mV], perhaps Ca_i [mM], and the cycle length of every cell.
    control : a recording of the same cell before the change (before the drug). Every conductance of the model
        is fitted to it first, and the change is sought against that; without it, against the published model.
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
    device : where stage 2 trains, "cpu" or "cuda".
    progress : is told how far the work is, and may end it.

    Raises
    ------
    RecordingError : no beats to work with, a cycle length is missing, units are not mV.
    TrainingError : stage 2 diverged, the model does not run, or there is no such device.
    IonWidgetsError : the network has learnt another model; an unknown decoder or source of hidden states, or
        one that the recording or the network does not suit.
    """
    started = time.perf_counter()
    heartbeat = Heartbeat(progress)
    # What is wrong with the input is said before any progress is.
    check_network(model, recording, network, decoder, hidden)
    device_named(device)
    check_numbers(model, eta, stimulus, paced_for, predict_cl, duration)
    model.check_balance()
    asked = ask(model, recording, stimulus, paced_for)
    asked_before = None if control is None else ask(model, control, stimulus, paced_for)
    learning = learn_as_published if decoder == "emulator" else learn
    whole = Stage(heartbeat, 0.0, 1.0)
    before, discrepancy = None, 0.0
    if asked_before is not None:
        network = network or learning(model, seed=seed, progress=Stage(heartbeat, 0.0, 0.05))
        before = fitted_before(
            model, asked_before, network, seed=seed,
            alive=heartbeat.alive, progress=Stage(heartbeat, 0.05, CONTROL_SHARE),
        )  # fmt: skip
        model, network, discrepancy = before.model, before.network, before.discrepancy
        whole = Stage(heartbeat, CONTROL_SHARE, 1.0)
    whole.report(0.0, "Pacing the control")
    question = put_to(model, asked)
    network = network or learning(model, seed=seed, progress=Stage(whole, 0.0, 0.05))
    whole.report(0.05, "Retraining on the recording")
    true = recording if hidden == "true" else None
    balance = current_balance(model, question.beats, question.control, question.stimulus, true)
    emulated = decoder == "emulator"
    retrained = retrain_network(
        network, balance, seed=seed, progress=Stage(whole, 0.05, 0.35),
        decoder=EmulatedBeats if emulated else None, device=device,
        settings=Stage2(eta=eta, updates=EMULATOR_UPDATES) if emulated else Stage2(eta=eta),
    )  # fmt: skip
    ratios = first_ratios(balance, retrained)
    objective = Objective(
        model, question.beats, question.control, question.stimulus, paced_for,
        discrepancy=discrepancy, alive=heartbeat.alive,
    )  # fmt: skip
    shares = {c.name: float(np.clip(retrained.explained[c.name], 0, 1)) for c in model.currents}
    coarse = Objective(
        model, question.beats, question.control, question.stimulus, None,
        settling=COARSE_SETTLING, discrepancy=discrepancy, steps=COARSE, alive=heartbeat.alive,
    )  # fmt: skip
    tell = Stage(whole, 0.35, 0.6)
    none, screened = screen(
        coarse, ratios, lambda part: tell.report(part, "Trying every single change", importance=shares)
    )
    tell = Stage(whole, 0.6, 0.9)
    found = search(
        objective, none, propose(coarse, screened, retrained.explained),
        together(model, ratios, retrained.moved),
        lambda part: tell.report(part, "Fitting the proposed changes", importance=shares),
    )  # fmt: skip
    whole.report(0.9, "Predicting")
    judged = judge(objective, none, screened, found)
    result = outcome(question, network, retrained, balance, judged)
    predictions = predict(result, predict_cl, duration)
    elapsed = round(time.perf_counter() - started, 2)
    about = {
        "seed": seed, "eta": eta, "decoder": decoder, "hidden": hidden, "elapsed_s": elapsed,
        "against": "published" if before is None else "control",
        "control": None if before is None else before.about, "predictions": predictions,
    }  # fmt: skip
    warnings = question.warnings if before is None else [*before.warnings, *question.warnings]
    finding = write_finding(objective, recording, warnings, judged, retrained, about)
    whole.report(1.0, "Done")
    return replace(result, finding=finding, baseline={} if before is None else before.baseline.scale)
