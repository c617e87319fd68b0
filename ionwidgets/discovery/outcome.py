"""What `discover` shows of a finding: curves and currents before and after, the model paced, predictions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch
import xarray as xr

from ionwidgets.discovery.judge import Judged
from ionwidgets.discovery.late_apd90 import late_apd90_by_length
from ionwidgets.discovery.prepare import COUNTED, injected_protocol
from ionwidgets.discovery.question import Question
from ionwidgets.discovery.result import Result
from ionwidgets.discovery.shown_traces import current_traces, paced_traces
from ionwidgets.errors import SimulationError
from ionwidgets.gnn import Network
from ionwidgets.gnn.decoder import Balance
from ionwidgets.gnn.retrain import Retrained
from ionwidgets.simulation import voltage_grid

SHOWN_AFTER, SHOWN_PERIODS = 20_000.0, 3  # ms of pacing, and the periods of it that are kept to be shown


def outcome(
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
        question.stimulus,
    )
    return replace(result, paced=_paced(result, question))


def _paced(result: Result, question: Question) -> xr.Dataset:
    """The model at the longest recorded cycle length, as `Result.paced` has it."""
    beat = max(question.beats, key=lambda beat: beat.cycle_length)
    longest = beat.cycle_length
    options: dict[str, Any] = {
        "record_from": max(0.0, SHOWN_AFTER - SHOWN_PERIODS * longest),
        "variables": list(question.model.observables),
    }
    duration = max(SHOWN_AFTER, SHOWN_PERIODS * longest)
    paced: tuple[float | None, float | None] = (longest, duration)
    injected = injected_protocol(beat, question.stimulus, duration)
    if injected is not None:
        paced, options = (None, None), options | {"protocol": injected, "stimulus": COUNTED, "sample": 1.0}
    runs = {}
    for source in ("control", "found", "neural ODE") if result.changes else ("control", "neural ODE"):
        try:
            if source == "neural ODE":
                runs[source] = result.neural_ode(*paced, **options)
            else:
                shown = result if source == "found" else replace(result, changes={})
                runs[source] = shown.simulate(*paced, **options)
        except SimulationError:
            if source != "neural ODE":
                raise
            # Gates that no experiment held in place need not make a cell that runs
    values = {
        name: np.stack([run[name].values[0] for run in runs.values()]) for name in question.model.observables
    }
    time = runs["control"]["time"].values  # the control has run before
    return paced_traces(question.model, longest, list(runs), time, values)


def predict(
    result: Result, cycle_lengths: Sequence[float], duration: float
) -> dict[str, dict[str, float | None]]:
    """Mean APD90 of the last 5 s of the found model, by cycle length; None without action potentials."""
    predictions: dict[str, dict[str, float | None]] = {
        f"{c:g}": {"apd90_ms": None, "trace_csv": None} for c in cycle_lengths
    }
    if result.verdict == "unexplained" or not predictions:
        return predictions
    paced = result.simulate(list(cycle_lengths), duration, variables=[])
    for length, apd90 in late_apd90_by_length(paced, duration).items():
        predictions[length]["apd90_ms"] = apd90
    return predictions
