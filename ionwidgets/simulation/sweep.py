"""Many cells at once: arrays in, arrays out, one thread a processor."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from ionwidgets.simulation.kernel import V_LOW, V_STEP, Kernel

STIMULUS_ONSET = 10.0  # ms after each period starts, as the published protocol has it
BIOMARKERS = (
    "RMP", "peak", "dVdt_max", "upstroke_time", "APD30", "APD50", "APD90", "Ca_diastolic", "Ca_peak",
)  # fmt: skip
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Steps:
    """Step sizes of the stepper [ms], between `low` and `high`; V moves no more than `dv` [mV] a step."""

    low: float = 0.005
    high: float = 0.1
    dv: float = 0.2


@dataclass(frozen=True)
class Cell:
    """One run: how it is paced, what is altered, and which span is kept.

    initial (S,): state in the kernel's order; scales: factor of every current; gates: table of h_inf and
    1/tau; samples start at `record_from` [ms]; `onset` [ms] is the first stimulus.
    """

    cycle_length: float
    duration: float
    initial: Floats
    scales: Floats
    gates: Floats
    record_from: float = 0.0
    onset: float = STIMULUS_ONSET


@dataclass(frozen=True)
class Run:
    """What came out of a `Cell`.

    traces (samples, picks); beats (beats, 9): biomarkers; final (S,): the state at the end; finite: False
    when it broke down.
    """

    traces: Floats
    beats: Floats
    final: Floats
    finite: bool


def run_cell(
    kernel: Kernel,
    cell: Cell,
    picks: Sequence[str],
    pulse: float,
    sample: float = 1.0,
    steps: Steps | None = None,
) -> Run:
    """Integrate one cell; `pulse` [ms]: the stimulus' duration, `sample` [ms]: the kept samples' distance."""
    steps = steps or Steps()
    calcium = kernel.model.calcium
    n_samples = int(np.floor((cell.duration - cell.record_from) / sample + 1e-9)) + 1 if picks else 0
    n_beats = max(0, int(np.ceil((cell.duration - cell.onset) / cell.cycle_length)))
    final = np.array(cell.initial, dtype=float)
    traces = np.full((n_samples, len(picks)), np.nan)
    beats = np.full((n_beats, len(BIOMARKERS)), np.nan)
    finite = kernel.module.run_cell(
        final, kernel.constants, cell.scales, cell.gates, kernel.columns, V_LOW, 1.0 / V_STEP,
        kernel.index(kernel.model.voltage), kernel.index(calcium) if calcium else -1,
        cell.onset, float(pulse), float(cell.cycle_length), float(cell.duration), float(cell.record_from),
        float(sample), steps.low, steps.high, steps.dv, picked(kernel, picks), traces, beats,
    )  # fmt: skip
    return Run(traces, beats, final, finite)


def picked(kernel: Kernel, names: Sequence[str]) -> NDArray[np.int64]:
    """Places of states and currents among what a kernel can record."""
    return np.array([kernel.index(name) for name in names], dtype=np.int64)


T = TypeVar("T")


def run_cells(work: Callable[[int], T], count: int, threads: int | None = None) -> list[T]:
    """``[work(0), work(1), ...]``, spread over threads: the kernels run without Python's lock."""
    threads = min(threads or os.cpu_count() or 1, count)
    if threads <= 1:
        return [work(i) for i in range(count)]
    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(work, range(count)))
