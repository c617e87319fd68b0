"""A cell's recorded beats against the ODE with some changes: runs, and residuals.

What nobody knows of a recorded cell is free beside the changes: when the stimulus came (`shift`), and the
concentrations that remember seconds to minutes of pacing (Na_i, K_i, Ca_SR), as offsets of their logarithms
from the control's.
The residuals are those of V and Ca_i over one typical beat of each cell, upstroke left out, divided by

    sigma_V = sqrt(noise^2 + (0.2 mV)^2 + discrepancy^2 + (0.05 ms dV/dt)^2),
    sigma_Ca = sqrt(noise^2 + (1.5 % of the transient)^2 + discrepancy^2).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from ionwidgets.discovery.calibration import Loose
from ionwidgets.discovery.change import OF_CURVES, PULSE, Change, Changes, gate_curves, scales
from ionwidgets.models import IonicModel
from ionwidgets.recordings.typical_beat import TypicalBeat
from ionwidgets.simulation.gate_table import GateTable
from ionwidgets.simulation.kernel import kernel_for, voltage_grid
from ionwidgets.simulation.sweep import STIMULUS_ONSET, Cell, Run, Steps, pulses, run_cell, run_cells

FLOOR_V, FLOOR_CA = 0.2, 0.015  # mV; share of the transient: solver, sampling, averaging over a drift
JITTER = 0.05  # ms by which a sample may be off
UPSTROKE = (-1.5, 2.5)  # ms around the stimulus that are not compared
SETTLING = 2000.0  # ms run before the beat that is compared, so that gates and Ca_i forget where they began;
# near the edge of 1:1 a beat depends most on the one before, and these leave 0.1 mV: there up to three times
EDGE, LONGER = (
    (0.16, 0.3),
    (3.0, 1.0),
)  # as long, as diastole falls from the one share of the period to the other
STORE_SHARE = 0.01  # a concentration that moves by more within a beat is a store that fills and empties
SLOW_PRIOR, STORE_PRIOR = 0.08, 0.7  # standard deviation of what is believed of their logarithms beforehand
SHIFT_PRIOR = 0.3  # ms
SLOW_DIFFERENCE = 0.0025


@dataclass(frozen=True)
class Point:
    """Values of the changes, and of what else is free: shift (cells,) ms, slow (cells, slow states)."""

    values: dict[Change, float]
    shift: NDArray
    slow: NDArray


class Objective:
    """The recorded beats of some cells, and how the changed model compares.

    Parameters
    ----------
    model : control.
    beats : typical beats, one a cell.
    control : `control_run` of the model for these beats; its last samples are where runs start.
    stimulus : (amplitude [A/F], duration [ms]).
    paced_for : ms that each cell had been paced from the model's initial state before its recording began, if
        known; then every run is that history, and nothing slow is free.
    settling : ms that a run lasts before its compared beat.
    discrepancy : RMS [mV, mM] by which the model is known to be off in this cell before anything changed.
    before : so many of the first cells were recorded before the change: they have but "own" scales.
    steps : of the stepper.
    alive : called before every run, from the runs' threads; what it raises ends the sweep.
    """

    def __init__(
        self,
        model: IonicModel,
        beats: Sequence[TypicalBeat],
        control: xr.Dataset,
        stimulus: tuple[float, float],
        paced_for: float | None = None,
        *,
        settling: float = SETTLING,
        discrepancy: tuple[float, float] = (0.0, 0.0),
        before: int = 0,
        steps: Steps | None = None,
        alive: Callable[[], None] = lambda: None,
    ) -> None:
        self.model, self.beats, self.paced_for = model, list(beats), paced_for
        self.settling, self.steps, self.alive = settling, steps, alive
        self.discrepancy, self.before = discrepancy, before
        self.cell_runs = 0  # that were asked for so far
        self.stimulus, self.pulse = stimulus, stimulus[1]
        # What is injected is counted in the stimulus' amplitude, which must not be 0 then.
        injects = any(beat.I_inj is not None for beat in beats)
        self.amplitude = -1.0 if injects and stimulus[0] == 0 else stimulus[0]
        self.kernel = kernel_for(model).with_constants({model.stimulus.parameter: self.amplitude})
        with_calcium = model.calcium is not None and all(beat.Ca_i is not None for beat in beats)
        self.names = [name for name in model.observables if name == model.voltage or with_calcium]
        slow: tuple[list[str], NDArray] = ([], np.empty(0)) if paced_for else _slow_states(model, control)
        self.slow_states, self.slow_prior = slow
        self.start = np.array(
            [
                [float(control[name].values[i, -1]) for name in self.kernel.layout.states]
                for i in range(len(beats))
            ]
        )
        self.own_curves = model.gate_curves(voltage_grid())
        self.weights = [self._weights(beat) for beat in self.beats]
        self.measured = [self._measured(beat) for beat in self.beats]
        self.loose = [
            Loose.of(beat, self.names, x, w)
            for beat, x, w in zip(self.beats, self.measured, self.weights, strict=True)
        ]

    def origin(self, values: Changes) -> Point:
        """A point with nothing known of the cells."""
        cells = len(self.beats)
        return Point(dict(values), np.zeros(cells), np.zeros((cells, len(self.slow_states))))

    # ---- runs ----

    def run(self, points: Sequence[Point], cells: Sequence[int]) -> list[list[Run]]:
        """Runs[point][cell] of every point on these cells, over all processors."""
        tables: dict[tuple, GateTable] = {}
        jobs: dict[tuple, tuple[Cell, float]] = {}
        places = []
        for point in points:
            for i in cells:
                values = {c: v for c, v in point.values.items() if i >= self.before or c.kind == "own"}
                gates = tuple(sorted((c, v) for c, v in values.items() if c.kind in OF_CURVES))
                if gates not in tables:
                    curves = gate_curves(self.own_curves, dict(gates), voltage_grid())
                    tables[gates] = self.kernel.gate_table(curves)
                factors = self.kernel.scales(scales(values))
                # Most points differ in what some cells do not see.
                level = float(np.exp(values.get(PULSE, 0.0)))
                key = (i, gates, factors.tobytes(), level, float(point.shift[i]), point.slow[i].tobytes())
                if key not in jobs:
                    jobs[key] = self._cell(point, i, factors, tables[gates], level), self.beats[i].step
                places.append(key)
        each = list(jobs.values())
        self.cell_runs += len(each)

        def work(k: int) -> Run:
            self.alive()
            return run_cell(self.kernel, each[k][0], self.names, self.pulse, each[k][1], self.steps)

        found = dict(zip(jobs, run_cells(work, len(each)), strict=True))
        runs = [found[key] for key in places]
        return [runs[n : n + len(cells)] for n in range(0, len(runs), len(cells))]

    def _cell(self, point: Point, i: int, factors: NDArray, table: GateTable, level: float) -> Cell:
        beat = self.beats[i]
        first = float(beat.time[0] - point.shift[i])  # of the first sample, after the stimulus
        if self.paced_for is not None:
            # The model's own history; the stimulus meant is the one nearest the middle of what was averaged.
            n = round((self.paced_for + beat.middle_ms - STIMULUS_ONSET) / beat.cycle_length)
            begin = STIMULUS_ONSET + n * beat.cycle_length + first
            start, onset = self.kernel.initial(), STIMULUS_ONSET
        else:
            diastole = 1 - beat.apd90 / beat.cycle_length
            settling = self.settling * float(np.interp(diastole, EDGE, LONGER))
            begin, onset = np.ceil(settling / beat.cycle_length) * beat.cycle_length, -first
            start = self.start[i].copy()
            for j, name in enumerate(self.slow_states):
                start[self.kernel.index(name)] *= np.exp(point.slow[i, j])
        end = begin + (beat.time.size - 1) * beat.step
        changes = beat.injection(self.stimulus, end, onset)
        if changes is not None:
            changes[:, 1] /= self.amplitude
        elif self.amplitude != self.stimulus[0]:
            changes = np.empty((0, 2))
        elif level != 1.0:
            changes = pulses(beat.cycle_length, end, self.pulse, onset) * [1.0, level]
        return Cell(beat.cycle_length, end, start, factors, table, begin, onset, changes)

    # ---- residuals ----

    def residual(self, run: Run, i: int) -> NDArray:
        """(model - recording) / sigma of cell i, (N observables,)."""
        return self.loose[i].whitened(self._off(run, i))

    def _off(self, run: Run, i: int) -> NDArray:
        n = self.beats[i].time.size
        return ((run.traces[:n] - self.measured[i]) * self.weights[i]).ravel()

    def cost(self, point: Point, runs: Sequence[Run], cells: Sequence[int]) -> float:
        """Sum of squared residuals, and of what is free over its prior width; inf where a run broke down."""
        if not all(run.finite for run in runs):
            return float("inf")
        squares = sum(
            float(np.square(self.residual(run, i)).sum()) for run, i in zip(runs, cells, strict=True)
        )
        prior = np.square(point.shift[cells] / SHIFT_PRIOR).sum()
        prior += np.square(point.slow[cells] / self.slow_prior).sum()
        prior += sum(change.precision * value**2 for change, value in point.values.items())
        return squares + float(prior)

    def _weights(self, beat: TypicalBeat) -> NDArray:
        """1/sigma (N, observables), 0 in the upstroke and where nothing was recorded."""
        slope = np.gradient(beat.V, beat.step)
        sigma = [np.sqrt(beat.noise_V**2 + FLOOR_V**2 + self.discrepancy[0] ** 2 + (JITTER * slope) ** 2)]
        if len(self.names) > 1 and beat.Ca_i is not None:
            of_Ca = np.hypot(np.hypot(beat.noise_Ca, FLOOR_CA * np.ptp(beat.Ca_i)), self.discrepancy[1])
            sigma.append(np.full(beat.time.size, of_Ca))
        asked = (beat.time < UPSTROKE[0]) | (beat.time > UPSTROKE[1])
        if beat.recorded is not None:
            asked &= beat.recorded
        # Points closer together than 1 ms say nothing more: what is left is no white noise.
        return asked[:, None] / np.column_stack(sigma) * np.sqrt(min(1.0, beat.step))

    def _measured(self, beat: TypicalBeat) -> NDArray:
        return np.column_stack(
            [beat.V] + ([beat.Ca_i] if len(self.names) > 1 and beat.Ca_i is not None else [])
        )

    def errors_V(self, runs: Sequence[Run]) -> list[NDArray]:
        """V, model minus recording, of every cell, outside the upstroke [mV]."""
        return self.errors(runs, 0)

    def errors(self, runs: Sequence[Run], place: int) -> list[NDArray]:
        """The same of the observable in that place, in its unit."""
        errors = []
        for i, (run, weights) in enumerate(zip(runs, self.weights, strict=True)):
            off = self.loose[i].at_best(self._off(run, i)).reshape(weights.shape)[:, place]
            asked = weights[:, place] > 0
            errors.append(off[asked] / weights[asked, place])
        return errors


def _slow_states(model: IonicModel, control: xr.Dataset) -> tuple[list[str], NDArray]:
    """The concentrations that are not observed, and how widely each may differ from the control's."""
    names = [name for name in model.states if model.units[name] == "mM" and name not in model.observables]
    moves = [
        np.ptp(control[name].values, axis=1) / np.abs(control[name].values).max(axis=1) for name in names
    ]
    return names, np.array([STORE_PRIOR if np.any(move > STORE_SHARE) else SLOW_PRIOR for move in moves])
