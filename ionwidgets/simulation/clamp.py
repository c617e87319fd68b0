"""Action potential clamp: the states that nobody measures, driven by those that somebody did."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from ionwidgets.models import IonicModel
from ionwidgets.simulation.gate_table import GateTable
from ionwidgets.simulation.kernel import V_LOW, V_STEP, Kernel, kernel_for
from ionwidgets.simulation.sweep import picked

LONGEST_STEP = 0.1  # ms; calcium's release and inactivation take about 2 ms


def clamp(
    model: IonicModel,
    observed: Mapping[str, NDArray],
    sample: float,
    initial: Mapping[str, float],
    *,
    beats: int = 3,
) -> dict[str, NDArray]:
    """States and currents of `model` while its observables follow one recorded period, `beats` times over.

    Parameters
    ----------
    observed : V and perhaps Ca_i over one period, (N,) each, straight between samples.
    sample : ms between samples.
    initial : every state at the period's start.
    beats : how often the period is run, so that the gates have forgotten `initial` by the last.

    Returns
    -------
    Every state and current over the last period, (N,) each; the stimulus is not in it.
    """
    kernel = kernel_for(model)
    names = (*kernel.layout.states, *kernel.layout.currents)
    driven = [name for name in model.observables if name in observed]
    drive = np.column_stack([np.tile(observed[name], beats) for name in driven]).astype(float)
    state = np.array([initial[name] for name in kernel.layout.states], dtype=float)
    steps = int(np.ceil(sample / LONGEST_STEP))
    out = follow(kernel, kernel.scales({}), kernel.gates, state, driven, drive, sample, steps)
    last = out[-len(observed[model.voltage]) :]
    return {name: last[:, j] for j, name in enumerate(names)}


def follow(
    kernel: Kernel,
    scales: NDArray,
    gates: GateTable,
    state: NDArray,
    driven: Sequence[str],
    drive: NDArray,
    sample: float,
    steps: int,
) -> NDArray:
    """Every state and current, in the kernel's order, while the states `driven` follow `drive`.

    drive (N, driven): samples, `sample` [ms] apart, each reached in so many `steps`; `state` (S,) is where
    the others begin, and is not changed.
    """
    names = (*kernel.layout.states, *kernel.layout.currents)
    out = np.full((drive.shape[0], len(names)), np.nan)
    kernel.module.clamp_cell(
        np.array(state, dtype=float), kernel.constants, scales, gates.values, kernel.columns,
        V_LOW, 1.0 / V_STEP, gates.ca_low, gates.per_mM, kernel.calcium(), picked(kernel, driven), drive,
        float(sample), steps, picked(kernel, names), out, *kernel.room(),
    )  # fmt: skip
    return out
