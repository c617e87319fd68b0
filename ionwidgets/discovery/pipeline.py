"""`discover` and `retrain`: from a recording to what changed in the cell.

The recording's typical beats go to stage 2 (the network), whose gates and scales say which currents changed;
its proposals and those of a short look through the ODE are fitted through the ODE, which decides, with
intervals.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial

import xarray as xr

from ionwidgets.discovery.baseline_names import NAMES
from ionwidgets.discovery.baselines import check_baselines, run_baseline
from ionwidgets.discovery.before import fitted_before
from ionwidgets.discovery.checks import check_numbers
from ionwidgets.discovery.conditions import read_conditions, taught_model
from ionwidgets.discovery.finding import write_finding
from ionwidgets.discovery.heartbeat import Heartbeat, Stage
from ionwidgets.discovery.neural_check import neural_check
from ionwidgets.discovery.outcome import outcome, predict
from ionwidgets.discovery.question import (
    Question,
    ask,
    check_emulated_setup,
    check_network,
    put_to,
)
from ionwidgets.discovery.result import Result
from ionwidgets.discovery.settle import settle
from ionwidgets.discovery.several import network_for, of_one_or_several
from ionwidgets.gnn import Network
from ionwidgets.gnn.decoder import Balance, current_balance
from ionwidgets.gnn.device import device_named
from ionwidgets.gnn.emulate import EmulatedBeats
from ionwidgets.gnn.retrain import Stage2, retrain_network
from ionwidgets.jobs import Control, aside
from ionwidgets.models import IonicModel, load_model

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
    conditions: Mapping[str, float] | None = None,
    junction_potential: float | None = None,
    leak: tuple[float, float] | None = None,
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
        stimulus=stimulus, paced_for=paced_for, conditions=conditions, junction_potential=junction_potential,
        leak=leak, device=device, progress=progress,
    )  # fmt: skip


@of_one_or_several
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
    conditions: Mapping[str, float] | None = None,
    junction_potential: float | None = None,
    leak: tuple[float, float] | None = None,
    predict_cl: Sequence[float] = (),
    duration: float = 20_000.0,
    baselines: Sequence[str] = (),
    device: str = "cpu",
    progress: Control | None = None,
) -> Result:
    """Which currents and gates differ between `model` and the cell that was recorded.

    Parameters
    ----------
    recording : Dataset with V [mV], perhaps Ca_i [mM], and the cycle length of every cell. Where it has
        I_inj [A/F], what an amplifier injected (negative depolarises, as in a stimulus), the model is given
        the same, every period; where the pulse is in it, instead of the stimulus. A beat that is shorter
        than its cycle is compared as far as it goes. Of several biological cells a list of such recordings:
        they are worked on one after another, with one network, and come as `Results`, a table over cells;
        one that fails says why there and loses none of the others.
    control : a recording of the same cell before the change (before the drug). Every conductance of the model
        is fitted to it first, and the change is sought against that; without it, against the published model.
        With a list of recordings, a list as long.
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
    conditions : what was in the bath, {"K_o": 4.0, "T": 310} [mM, K] or any constant of the model, as for
        `simulate`: the published model is put there, and nothing of it is blamed on a current. It holds for
        `control` too, as do the next two.
    junction_potential : liquid junction potential [mV] that is in V as it was measured and is taken off:
        V = V_measured - junction_potential.
    leak : (g [nS/pF, that is A/F per mV], E [mV]) of the seal, I_leak = g (V - E): the model has it in dV/dt
        as long as it is compared and shown; no change is sought in it, and it is not exported.
    predict_cl : cycle lengths [ms] at which the found model is paced for `duration` [ms] to predict APD90;
        with the leak, without what was injected.
    baselines : plain fits of all conductances at once to hold the finding against, each with its time and
        its error: "least-squares", "cma-es" (a minute or so). They begin where the search begins, know
        nothing of the network, and come when the finding is made.
    device : where stage 2 trains, "cpu" or "cuda".
    progress : is told how far the work is, and may end it.

    Raises
    ------
    RecordingError : no beats to work with, a cycle length is missing, units are neither mV nor a.u.
    TrainingError : stage 2 diverged, the model does not run, or there is no such device.
    SimulationError : `conditions` names what is no constant of the model, or is out of range.
    IonWidgetsError : the network has learnt another model, or the conditions change the gates that it has
        learnt (without a network one learns them anew); an unknown decoder or source of hidden states, or
        one that the recording or the network does not suit; lists of unequal length; no cell of a list came
        out.
    """
    started = time.perf_counter()
    heartbeat = Heartbeat(progress)
    # Nearly all that can be wrong with the input is said before any progress is.
    where = read_conditions(conditions, junction_potential, leak)
    published, model = model, where.model(model)
    taught = taught_model(published, model, network)
    check_network(taught, recording, control, network, decoder, hidden)
    if decoder == "emulator":
        check_emulated_setup(recording, model is not published)
    recording = where.recording(recording)
    control = None if control is None else where.recording(control)
    device_named(device)
    check_baselines(baselines)
    check_numbers(model, eta, stimulus, paced_for, predict_cl, duration)
    model.check_balance()
    during = partial(aside, heartbeat.alive)  # what takes long and says nothing meanwhile
    asked = during(lambda: ask(model, recording, stimulus, paced_for))
    asked_before = None if control is None else during(lambda: ask(model, control, stimulus, paced_for))
    network = network or network_for(taught, decoder, seed, Stage(heartbeat, 0.0, 0.05))
    network = network.of(model)
    before = None
    if asked_before is not None:
        before = fitted_before(
            model, asked_before, network, eta=eta, seed=seed, device=device, alive=heartbeat.alive,
            progress=Stage(heartbeat, 0.05, CONTROL_SHARE),
        )  # fmt: skip
        model, network = before.model, network.of(before.model)
    whole = Stage(heartbeat, 0.05 if before is None else CONTROL_SHARE, 1.0)
    whole.report(0.0, "Pacing the control")
    question = during(lambda: put_to(model, asked))

    def balanced(question: Question) -> Balance:
        true = recording if hidden == "true" else None
        return current_balance(question.model, question.beats, question.control, question.stimulus, true)

    balance = during(lambda: balanced(question))
    emulated = decoder == "emulator"
    retrained = retrain_network(
        network, balance, seed=seed, progress=Stage(whole, 0.0, 0.3), device=device,
        decoder=EmulatedBeats if emulated else None,
        settings=Stage2(eta=eta, updates=EMULATOR_UPDATES) if emulated else Stage2(eta=eta),
    )  # fmt: skip
    settled = settle(
        asked, question, balance, retrained, before, stimulus_known=stimulus is not None,
        alive=heartbeat.alive, progress=Stage(whole, 0.3, 0.9),
    )  # fmt: skip
    judged, before = settled.judged, settled.before
    if settled.question is not question:  # the network's currents, too, are told beside this cell
        balance = during(lambda: balanced(settled.question))
    whole.report(0.9, "Predicting")
    question = replace(settled.question, stimulus=judged.stimulus(settled.question.stimulus))
    result = during(lambda: outcome(question, network, settled.retrained, balance, judged))
    predictions = during(lambda: predict(result, predict_cl, duration))
    elapsed = round(time.perf_counter() - started, 2)
    last = Stage(whole, 0.92, 1.0)
    beside = [
        run_baseline(
            name, question, discrepancy=settled.objective.discrepancy, seed=seed, predict_cl=predict_cl,
            duration=duration, alive=heartbeat.alive,
            report=partial(last.report, message=f"Fitting all conductances, {NAMES[name]}"),
        )
        for name in dict.fromkeys(baselines)
    ]  # fmt: skip
    about = {
        "seed": seed, "eta": eta, "decoder": decoder, "hidden": hidden, "elapsed_s": elapsed,
        "against": "published" if before is None else "control",
        "control": None if before is None else before.about(), "conditions": where.about(),
        "predictions": predictions, "baselines": beside,
        "neural_ode": during(lambda: neural_check(result, question.beats)),
    }  # fmt: skip
    warnings = question.warnings if before is None else [*before.warnings, *question.warnings]
    finding = write_finding(settled, recording, warnings, about)
    whole.report(1.0, "Done")
    return replace(result, finding=finding, baseline={} if before is None else before.scales)
