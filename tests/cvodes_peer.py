"""The library's cells by Myokit's CVODES at 1e-8, and how far a run of ours is from it."""

from __future__ import annotations

from functools import cache

import myokit
import numpy as np
import pytest
import xarray as xr

from ionwidgets.models import list_models, load_model

V_BOUND = 0.1  # mV, RMS
KEYS = [key for card in list_models() for key in card.keys]
UNPACED = ("noble1962", "pospischil2008:RS", "pospischil2008:FS")
FIRING = (*UNPACED, "hh1952")  # spike after spike: a small shift in time is a large one in V
PACED = [key for key in KEYS if key not in UNPACED]
Jump = tuple[float, float, float]  # start [ms], duration [ms], level of the stimulus
Truth = dict[str, np.ndarray]


def cells(keys: list[str], *default: str) -> list[object]:
    """A parameter a cell, slow but for those by default."""
    assert set(default) <= set(keys)
    return [pytest.param(key, marks=() if key in default else pytest.mark.slow) for key in keys]


class Cvodes:
    """CVODES for a model, compiled once, whose V may be led along straight lines instead."""

    def __init__(self, key: str) -> None:
        self.model = load_model(key)
        equations = self.model.equations.clone()
        voltage = equations.get(self.model.variables["V"].qname())
        self.held = voltage.parent().add_variable("held_by_a_clamp", rhs=0)
        slope = voltage.parent().add_variable("slope_of_the_command", rhs=0)
        slope.set_binding("slope")
        is_held = myokit.More(myokit.Name(self.held), myokit.Number(0))
        voltage.set_rhs(myokit.If(is_held, myokit.Name(slope), voltage.rhs().clone()))
        self.voltage, self.held = voltage.index(), self.held.qname()
        self.simulation = myokit.Simulation(equations, {"pace": None, "slope": None})
        self.simulation.set_tolerance(1e-10, 1e-8)
        self.changed: dict[str, float] = {}

    def run(
        self,
        names: list[str],
        times: np.ndarray,
        stimuli: list[Jump] = [],  # noqa: B006
        constants: dict[str, float] | None = None,
        command: tuple[np.ndarray, np.ndarray] | None = None,
    ) -> Truth:
        """Variables (``dot(V)`` is dV/dt) at `times` [ms] from the initial state; a V that jumps has one time
        twice."""
        sim = self.simulation
        sim.reset()
        for name in self.changed:
            sim.set_constant(self.model.variables[name].qname(), self.model.variables[name].eval())
        self.changed = dict(constants or {})
        for name, value in self.changed.items():
            sim.set_constant(self.model.variables[name].qname(), value)
        sim.set_constant(self.held, 0 if command is None else 1)
        pace, slope = myokit.Protocol(), myokit.Protocol()
        for start, duration, height in stimuli:
            pace.schedule(height, start, duration)
        pieces: list[tuple[float, float, float | None]] = [(0.0, times[-1] + 0.1, None)]
        if command is not None:
            t, V = command
            for i in np.flatnonzero((np.diff(t) > 0) & (np.diff(V) != 0)):
                slope.schedule((V[i + 1] - V[i]) / (t[i + 1] - t[i]), t[i], t[i + 1] - t[i])
            starts = [0, *(np.flatnonzero(np.diff(t) == 0) + 1)]
            ends = [*t[starts[1:]], t[-1] + 0.1]
            pieces = [(t[i], end, V[i]) for i, end in zip(starts, ends, strict=True)]
        sim.set_protocol(pace, "pace")
        sim.set_protocol(slope, "slope")
        qnames = [self._qname(name) for name in names]
        logs = []
        for start, end, level in pieces:
            if level is not None:
                state = sim.state()
                state[self.voltage] = level
                sim.set_state(state)
            within = times[(times >= start - 1e-9) & (times < end - 1e-9)]
            if within.size == 0:
                sim.run(end - start, log=myokit.LOG_NONE)
                continue
            log = sim.run(end - start, log=qnames, log_times=np.maximum(within, start))
            logs.append(np.array([log[qname] for qname in qnames]))
        return dict(zip(names, np.concatenate(logs, axis=1), strict=True))

    def _qname(self, name: str) -> str:
        if name.startswith("dot("):
            return f"dot({self.model.variables[name[4:-1]].qname()})"
        return self.model.variables[name].qname()


@cache
def cvodes(key: str) -> Cvodes:
    return Cvodes(key)


def train(onsets: list[float], key: str) -> list[Jump]:
    return [(onset, load_model(key).stimulus.duration, 1.0) for onset in onsets]


def rms(found: xr.DataArray | np.ndarray, expected: np.ndarray) -> float:
    return float(np.sqrt(np.mean((np.asarray(found, dtype=float) - expected) ** 2)))


def apd90_error(
    data: xr.Dataset, cell: int, beat: int, times: np.ndarray, truth: Truth, onset: float
) -> float:
    """Error [ms] of APD90, or of when V falls by 90 % after the stimulus, whichever is less.

    They differ where the stimulus lifts V as fast as I_Na does: the steepest rise, from which APD90 counts,
    may then be either.
    """
    within = times >= onset - 1e-9
    t, V, rate = times[within] - onset, truth["V"][within], truth["dot(V)"][within]
    top = int(np.argmax(V))
    level = V[top] - 0.9 * (V[top] - V[0])
    i = top + int(np.flatnonzero(V[top:] < level)[0])
    fall = t[i - 1] + (V[i - 1] - level) / (V[i - 1] - V[i]) * (t[i] - t[i - 1])
    ours, rise = float(data["APD90"][cell, beat]), float(data["upstroke_time"][cell, beat])
    return float(min(ours - (fall - t[np.argmax(rate)]), ours + rise - fall, key=abs))


def crossings(time: np.ndarray, V: np.ndarray, level: float) -> np.ndarray:
    """Times [ms] at which V rises above `level`."""
    i = np.flatnonzero((V[:-1] < level) & (V[1:] >= level))
    return time[i] + (time[i + 1] - time[i]) * (level - V[i]) / (V[i + 1] - V[i])
