"""APD90 of an altered cell at cycle lengths that nobody recorded, by Myokit's CVODES."""

from __future__ import annotations

from functools import cache

import myokit
import numpy as np

from ionwidgets.models import load_model

DURATION, LAST, SAMPLE = 20_000.0, 5_000.0, 0.05  # ms
ONSET = 10.0  # ms after each period starts


@cache
def apd90_by_cvodes(key: str, parameter: str, factor: float, cycle_length: float) -> float:
    """Mean APD90 [ms] of the last 5 s of 20 s of pacing from the model's initial state.

    APD90: from the largest slope to the first later fall below peak - 0.9 (peak - V at the stimulus onset).
    """
    simulation, V, conductance = _simulation(key, parameter)
    simulation.set_constant(conductance, factor * load_model(key).conductances[parameter])
    return late_apd90(simulation, V, cycle_length)


def late_apd90(simulation: myokit.Simulation, V: str, cycle_length: float, pulse: float = 1.0) -> float:
    """The same of any simulation, whose stimulus is on for `pulse` [ms]; `V` is the variable's full name."""
    simulation.reset()
    simulation.set_protocol(myokit.pacing.blocktrain(cycle_length, pulse, ONSET))
    times = np.arange(DURATION - LAST - cycle_length, DURATION, SAMPLE)
    trace = simulation.run(DURATION, log=[V], log_times=times).npview()[V]
    durations = []
    n = np.ceil((DURATION - LAST - ONSET) / cycle_length)
    for onset in np.arange(ONSET + n * cycle_length, DURATION, cycle_length):
        beat = trace[(times >= onset - SAMPLE / 2) & (times < onset + cycle_length - SAMPLE / 2)]
        below = beat.max() - 0.9 * (beat.max() - beat[0])
        fallen = np.flatnonzero((beat < below) & (np.arange(beat.size) > beat.argmax()))
        if fallen.size:  # the last beat may be cut off
            durations.append((fallen[0] - np.diff(beat).argmax()) * SAMPLE)
    return float(np.mean(durations))


@cache
def _simulation(key: str, parameter: str) -> tuple[myokit.Simulation, str, str]:
    model = load_model(key)
    simulation = myokit.Simulation(model.equations.clone())
    simulation.set_tolerance(1e-10, 1e-8)
    return simulation, model.variables[model.voltage].qname(), model.variables[parameter].qname()
