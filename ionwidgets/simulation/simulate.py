"""`simulate`: paced cells as a Dataset."""

from __future__ import annotations

import json
import warnings
from collections.abc import Mapping, Sequence

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike, NDArray

from ionwidgets._version import __version__
from ionwidgets.errors import SimulationError, SimulationWarning, unknown_name
from ionwidgets.models import IonicModel
from ionwidgets.simulation.kernel import GateCurves, Kernel, kernel_for, voltage_grid
from ionwidgets.simulation.sweep import BIOMARKERS, STIMULUS_ONSET, Cell, Run, run_cell, run_cells

MOST_STORED = 1e9  # values; 4 GB in single precision
_UNITS = {
    "RMP": "mV", "peak": "mV", "dVdt_max": "mV/ms", "late_rise": "mV", "Ca_diastolic": "mM", "Ca_peak": "mM",
}  # fmt: skip


def simulate(
    model: IonicModel,
    cycle_lengths: float | Sequence[float] = 1000.0,
    duration: float = 20_000.0,
    *,
    scale: Mapping[str, float] | None = None,
    gates: GateCurves | None = None,
    initial: Mapping[str, float] | None = None,
    sample: float = 1.0,
    record_from: float = 0.0,
    variables: Sequence[str] | None = None,
    stimulus: tuple[float, float] | None = None,
    threads: int | None = None,
) -> xr.Dataset:
    """Pace a cell at each cycle length, from the model's initial state.

    The stimulus starts 10 ms after each period starts. Gates that depend on V alone move by Rush and Larsen's
    exact solution, everything else by a second-order Adams-Bashforth step that is fine only where V changes
    fast.

    Parameters
    ----------
    cycle_lengths : ms; one cell each.
    duration : ms of pacing.
    scale : factor by conductance (``{"g_Kr": 0.25}``) or current; 1 is control, and the whole current is
        multiplied.
    gates : gates whose curves are replaced: name -> (h_inf, tau [ms]) over `simulation.voltage_grid()`.
    initial : states that begin elsewhere than in the model, by name.
    sample : ms between stored samples.
    record_from : ms; samples are stored from here on (biomarkers are of all beats).
    variables : states and currents to store; all when left out.
    stimulus : (amplitude [A/F], duration [ms]) instead of the model's.
    threads : at most so many; a processor each when left out.

    Returns
    -------
    Dataset with dims cell, time (and beat): the variables in single precision (V to 4e-6 mV), coordinates
    time and cycle_length [ms], and per beat RMP, peak, dVdt_max, upstroke_time, APD30, APD50, APD90,
    Ca_diastolic, Ca_peak, taken from the solver's own steps (NaN where a beat has none).

    Raises
    ------
    SimulationError : a setting that makes no sense, an unknown gate or state, or a cell that broke down.
    ModelError : `scale` names no conductance or current.

    References
    ----------
    Rush and Larsen, IEEE Trans Biomed Eng 25, 389-392 (1978).
    """
    lengths = np.atleast_1d(np.asarray(cycle_lengths, dtype=float))
    kernel = kernel_for(model)
    amplitude, pulse = stimulus or (model.stimulus.amplitude, model.stimulus.duration)
    _check(lengths, duration, sample, record_from, pulse, scale or {})
    if stimulus is not None:
        kernel = kernel.with_constants({model.stimulus.parameter: amplitude})
    names = tuple(variables) if variables is not None else (*model.states, *(c.name for c in model.currents))
    _check_names(kernel, names)
    stored = len(lengths) * len(names) * (duration - record_from) / sample
    if stored > MOST_STORED:
        raise SimulationError(
            f"{stored:.2g} values are too many to store (at most {MOST_STORED:.0e}); "
            "choose fewer variables=, a larger sample= or a later record_from="
        )
    _check_gates(model, gates or {})
    scales, table = kernel.scales(scale or {}), kernel.gate_table(gates or {})
    start = _initial(kernel, initial or {})

    def work(i: int) -> Run:
        cell = Cell(float(lengths[i]), duration, start, scales, table, record_from)
        return run_cell(kernel, cell, names, pulse, sample)

    runs = run_cells(work, len(lengths), threads)
    broken = [
        f"cell {i} (cycle length {cycle_length:g} ms) at {run.reached:.4g} ms, {_culprit(kernel, run)}"
        for i, (cycle_length, run) in enumerate(zip(lengths, runs, strict=True))
        if not run.finite
    ]
    if broken:
        message = (
            f"{model.key} broke down: {'; '.join(broken)}; are the changes {dict(scale or {})} physiological?"
        )
        if len(broken) == len(runs):
            raise SimulationError(message)
        warnings.warn(message, SimulationWarning, stacklevel=2)
    attrs = {
        "model": model.name,
        "variant": model.variant or "",
        "model_hash": model.hash,
        "scale": json.dumps(dict(scale or {})),
        "stimulus_onset_ms": STIMULUS_ONSET,
        "stimulus": [amplitude, pulse],
        "broken_cells": [i for i, run in enumerate(runs) if not run.finite],
        "versions": f"ionwidgets {__version__}",
    }
    return _dataset(
        model, lengths, runs, names, record_from + sample * np.arange(runs[0].traces.shape[0]), attrs
    )


def _culprit(kernel: Kernel, run: Run) -> str:
    """Which state left all bounds, as far as a cell that broke down tells."""
    lost = [name for name, y in zip(kernel.layout.states, run.final, strict=True) if not np.isfinite(y)]
    return f"{lost[0] if lost else 'dV/dt'} is not finite"


def _check(
    lengths: NDArray,
    duration: float,
    sample: float,
    record_from: float,
    pulse: float,
    scale: Mapping[str, float],
) -> None:
    longer = lengths.size > 0 and bool(np.all((lengths > pulse) & np.isfinite(lengths)))
    rules = [
        (longer, f"cycle lengths must be finite and longer than the stimulus ({pulse:g} ms)"),
        (0 < duration < 1e8, f"duration must be positive, in ms; found {duration:g}"),
        (
            0 < sample <= duration,
            f"sample must be positive and no longer than the duration, in ms; found {sample:g}",
        ),
        (
            0 <= record_from < duration,
            f"record_from must lie within the duration ({duration:g} ms); found {record_from:g}",
        ),
        (pulse > 0, f"the stimulus must last longer than 0 ms; found {pulse:g}"),
        *(
            (0 <= factor < 1e3, f"scale of {name} must be a factor from 0 on; found {factor:g}")
            for name, factor in scale.items()
        ),
    ]
    for holds, message in rules:
        if not holds:
            raise SimulationError(message)


def _check_gates(model: IonicModel, gates: GateCurves) -> None:
    rows = voltage_grid().size
    for name, curves in gates.items():
        if name not in model.gate_names:
            raise SimulationError(unknown_name(f"gate of {model.key}", name, list(model.gate_names)))
        h_inf, tau = (np.asarray(curve, dtype=float) for curve in curves)
        if not all(curve.shape == (rows,) and np.all(np.isfinite(curve)) for curve in (h_inf, tau)):
            raise SimulationError(
                f"curves of gate {name} must be (h_inf, tau [ms]), {rows} finite values each, "
                "over voltage_grid()"
            )
        if np.any(tau <= 0):
            raise SimulationError(f"tau of gate {name} must be positive, in ms; found {tau.min():g}")


def _check_names(kernel: Kernel, names: Sequence[str]) -> None:
    known = [*kernel.layout.states, *kernel.layout.currents]
    for name in names:
        if name not in known:
            raise SimulationError(unknown_name(f"state or current of {kernel.model.key}", name, known))


def _initial(kernel: Kernel, changed: Mapping[str, float]) -> NDArray:
    start = kernel.initial()
    for name, value in changed.items():
        if name not in kernel.layout.states:
            raise SimulationError(
                unknown_name(f"state of {kernel.model.key}", name, list(kernel.layout.states))
            )
        start[kernel.layout.states.index(name)] = value
    return start


def _dataset(
    model: IonicModel, lengths: NDArray, runs: list[Run], names: Sequence[str], time: NDArray, attrs: dict
) -> xr.Dataset:
    def variable(dims: tuple[str, ...], values: ArrayLike, unit: str) -> tuple:
        return dims, values, {"units": unit}

    traces = {
        name: variable(
            ("cell", "time"), np.array([r.traces[:, j] for r in runs], dtype=np.float32), model.units[name]
        )
        for j, name in enumerate(names)
    }
    n_beats = max(r.beats.shape[0] for r in runs)
    beats = np.full((len(runs), n_beats, len(BIOMARKERS)), np.nan)
    for beats_of_cell, run in zip(beats, runs, strict=True):
        beats_of_cell[: run.beats.shape[0]] = run.beats
    marks = {
        name: variable(("cell", "beat"), beats[:, :, j], _UNITS.get(name, "ms"))
        for j, name in enumerate(BIOMARKERS)
    }
    coords = {
        "time": variable(("time",), time, "ms"),
        "cycle_length": variable(("cell",), lengths, "ms"),
        "beat": np.arange(n_beats),
    }
    return xr.Dataset(traces | marks, coords, attrs)
