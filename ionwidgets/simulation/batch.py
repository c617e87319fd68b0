"""The cells of one `simulate`: what comes before time 0, then every cell, spread over threads."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from ionwidgets.simulation.grid import Setting
from ionwidgets.simulation.protocols import Course, Held, Prelude
from ionwidgets.simulation.sweep import BIOMARKERS, Cell, Run, run_cell, run_cells
from ionwidgets.simulation.voltage_clamp import hold, run_clamped

APD90_STEADY = 0.01  # ms over two beats
STATE_STEADY = 1e-5  # relative, over two beats
_APD90 = BIOMARKERS.index("APD90")
Floats = NDArray[np.float64]


class Report(Protocol):
    """Anything that can be told how far the work is, such as the control of an `ionwidgets.jobs.Job`."""

    def report(self, fraction: float, message: str, **facts: Any) -> None: ...


@dataclass(frozen=True)
class CellTask:
    """One cell of the batch."""

    setting: Setting
    course: Course


@dataclass(frozen=True)
class Arrival:
    """Where a course begins: the state, whether it is steady, after how many beats, and whether the cell has
    come so far without breaking down."""

    state: Floats
    steady: bool = False
    beats: int = 0
    finite: bool = True


@dataclass(frozen=True)
class Batch:
    """What all cells share: start (S,), stimulus `pulse` [ms], the variables to keep, where and how often."""

    start: Floats
    pulse: float
    names: Sequence[str]
    sample: float
    record_from: float
    threads: int | None = None
    progress: Report | None = None

    def run(
        self, jobs: Sequence[CellTask], keep: Callable[[int, Floats], None]
    ) -> tuple[list[Run], list[Arrival]]:
        """Run every job; `keep` takes each cell's number and traces, in any order but one at a time.

        Returns the runs without their traces, and where each began.
        """
        befores = list(dict.fromkeys(_key(job) for job in jobs if job.course.before is not None))
        settings = {id(job.setting): job.setting for job in jobs}
        lock = threading.Lock()
        done = np.zeros(max(len(befores), 1))

        def prepare(i: int) -> Arrival:
            key, before = befores[i]

            def tell(part: float) -> None:
                done[i] = part
                if self.progress is not None:
                    with lock:
                        self.progress.report(0.5 * float(done.mean()), "pre-pacing")

            return self._before(settings[key], before, tell)

        arrivals = dict(zip(befores, run_cells(prepare, len(befores), self.threads), strict=True))
        at_once = Arrival(self.start)
        begun = 0.5 if befores else 0.0
        finished = 0

        def work(i: int) -> Run:
            nonlocal finished
            job = jobs[i]
            run = self._cell(job, arrivals.get(_key(job), at_once).state)
            with lock:
                keep(i, run.traces)
                finished += 1
                if self.progress is not None:
                    self.progress.report(begun + (1 - begun) * finished / len(jobs), "simulating")
            return replace(run, traces=np.empty((0, 0)))  # a slice would keep the whole alive

        runs = run_cells(work, len(jobs), self.threads)
        return runs, [arrivals.get(_key(job), at_once) for job in jobs]

    def _cell(self, job: CellTask, start: Floats) -> Run:
        setting, course = job.setting, job.course
        if course.command is not None:
            return run_clamped(setting, course, start, self.names, self.sample)
        cell = Cell(
            np.nan, course.duration, start, setting.scales, setting.gates, self.record_from,
            changes=course.changes,
        )  # fmt: skip
        return run_cell(setting.kernel, cell, self.names, self.pulse, self.sample)

    def _before(
        self, setting: Setting, before: Prelude | Held | None, tell: Callable[[float], None]
    ) -> Arrival:
        if isinstance(before, Held):
            run = hold(setting, before, self.start)
            return Arrival(run.final, finite=run.finite)
        assert before is not None
        if before.until_steady:
            return self._until_steady(setting, before, tell)
        run = self._pace(setting, before.cycle_length, before.beats, self.start)
        return Arrival(run.final, finite=run.finite)

    def _pace(self, setting: Setting, cycle_length: float, beats: int, start: Floats) -> Run:
        cell = Cell(cycle_length, beats * cycle_length, start, setting.scales, setting.gates)
        return run_cell(setting.kernel, cell, (), self.pulse)

    def _until_steady(self, setting: Setting, before: Prelude, tell: Callable[[float], None]) -> Arrival:
        """Pace until two beats change APD90 and the slow states by less than the constants above."""
        layout = setting.kernel.layout
        V = layout.states.index(setting.kernel.model.voltage)
        slow = [j for j in range(len(setting.kernel.model.gate_names), len(layout.states)) if j != V]
        states, APD90 = [self.start], [np.nan]
        for beat in range(1, before.beats + 1):
            run = self._pace(setting, before.cycle_length, 1, states[-1])
            states, APD90 = [*states[-2:], run.final], [*APD90[-2:], float(run.beats[0, _APD90])]
            if not run.finite:
                return Arrival(run.final, False, beat, finite=False)
            moved = np.abs(states[-1] - states[0])[slow]
            same = abs(APD90[-1] - APD90[0]) < APD90_STEADY or (np.isnan(APD90[-1]) and np.isnan(APD90[0]))
            if beat > 2 and same and np.all(moved <= STATE_STEADY * np.abs(states[-1][slow]) + 1e-9):
                return Arrival(run.final, True, beat)
            if beat % 50 == 0:
                tell(beat / before.beats)
        return Arrival(states[-1], False, before.beats)


def _key(job: CellTask) -> tuple[int, Prelude | Held | None]:
    """What is run once before several cells is known by its setting and what it is."""
    return id(job.setting), job.course.before


def onsets(course: Course) -> Floats:
    """Times [ms] at which the stimulus comes on."""
    on = course.changes[:, 1] != 0.0
    return course.changes[on & ~np.concatenate([[False], on[:-1]]), 0]
