"""Many cells at once: arrays in, arrays out, one thread a processor."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from ionwidgets.simulation.gate_table import GateTable
from ionwidgets.simulation.kernel import V_LOW, V_STEP, Kernel

STIMULUS_ONSET = 10.0  # ms after each period starts, as the published protocol has it
BIOMARKERS = (
    "RMP", "peak", "dVdt_max", "upstroke_time", "APD30", "APD50", "APD90", "Ca_diastolic", "Ca_peak",
    "Ca_time_to_peak", "CaTD90", "late_rise",
)  # fmt: skip
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Steps:
    """Step sizes of the stepper [ms], between `low` and `high`.

    V moves no more than about `dv` [mV] a step, and leaves its tangent by no more than `bend` / 2 [mV];
    concentrations leave theirs by no more than `bend_others` / 2 of themselves.
    """

    low: float = 0.005
    high: float = 0.5
    dv: float = 0.2
    bend: float = 0.05
    bend_others: float = 5e-4


def pulses(cycle_length: float, duration: float, pulse: float, onset: float = STIMULUS_ONSET) -> Floats:
    """(time [ms], level) of each change of a stimulus that lasts `pulse` [ms] in every period; (N, 2)."""
    on = onset + cycle_length * np.arange(max(0, int(np.ceil((duration - onset) / cycle_length))))
    changes = np.empty((2 * on.size, 2))
    changes[0::2, 0], changes[0::2, 1] = on, 1.0
    changes[1::2, 0], changes[1::2, 1] = on + pulse, 0.0
    return changes


@dataclass(frozen=True)
class Cell:
    """One run: how it is paced, what is altered, and which span is kept.

    initial (S,): state in the kernel's order; scales: factor of every current; gates: their h_inf and
    1/tau; samples start at `record_from` [ms]; `onset` [ms] is the first stimulus. `changes` (N, 2), (time
    [ms], level) of the stimulus from each time on, stands for periodic pacing where it is given.
    """

    cycle_length: float
    duration: float
    initial: Floats
    scales: Floats
    gates: GateTable
    record_from: float = 0.0
    onset: float = STIMULUS_ONSET
    changes: Floats | None = None


@dataclass(frozen=True)
class Run:
    """What came out of a `Cell`.

    traces (samples, picks); beats (beats, 12): biomarkers; final (S,): the state at the end; reached [ms]:
    where it ended, before its duration when it broke down.
    """

    traces: Floats
    beats: Floats
    final: Floats
    reached: float
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
    n_samples = int(np.floor((cell.duration - cell.record_from) / sample + 1e-9)) + 1 if picks else 0
    changes = (
        pulses(cell.cycle_length, cell.duration, pulse, cell.onset) if cell.changes is None else cell.changes
    )
    on = changes[:, 1] != 0.0
    n_beats = int(np.count_nonzero(on & ~np.concatenate([[False], on[:-1]])))
    final = np.array(cell.initial, dtype=float)
    traces = np.full((n_samples, len(picks)), np.nan)
    beats = np.full((n_beats, len(BIOMARKERS)), np.nan)
    reached = kernel.module.run_cell(
        final, kernel.constants, cell.scales, cell.gates.values, kernel.columns, V_LOW, 1.0 / V_STEP,
        cell.gates.ca_low, cell.gates.per_mM, kernel.index(kernel.model.voltage), kernel.calcium(),
        np.ascontiguousarray(changes[:, 0]), np.ascontiguousarray(changes[:, 1]),
        float(cell.duration), float(cell.record_from), float(sample),
        steps.low, steps.high, steps.dv, steps.bend, steps.bend_others, picked(kernel, picks), traces, beats,
        np.full(len(BIOMARKERS) + 1, np.nan), *kernel.room(),
    )  # fmt: skip
    return Run(traces, beats, final, reached, reached >= cell.duration)


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
