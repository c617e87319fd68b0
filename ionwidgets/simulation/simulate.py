"""`simulate`: paced cells as a Dataset."""

from __future__ import annotations

import json
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike, NDArray

from ionwidgets._version import __version__
from ionwidgets.errors import SimulationError, SimulationWarning, unknown_name
from ionwidgets.models import IonicModel
from ionwidgets.simulation.batch import Arrival, Batch, Job, Report, onsets
from ionwidgets.simulation.drug import Drug
from ionwidgets.simulation.grid import Swept, settings
from ionwidgets.simulation.kernel import GateCurves, Kernel, kernel_for, voltage_grid
from ionwidgets.simulation.protocols import AnyProtocol, Pacing
from ionwidgets.simulation.store import InFile, InMemory
from ionwidgets.simulation.sweep import BIOMARKERS, STIMULUS_ONSET, Run

_UNITS = {
    "RMP": "mV", "peak": "mV", "dVdt_max": "mV/ms", "late_rise": "mV", "Ca_diastolic": "mM", "Ca_peak": "mM",
    "V_test": "mV", "I_test": "A/F", "concentration": "as IC50",
}  # fmt: skip


def simulate(
    model: IonicModel,
    cycle_lengths: float | Sequence[float] | None = None,
    duration: float | None = None,
    *,
    protocol: AnyProtocol | None = None,
    scale: Mapping[str, Swept] | None = None,
    drug: Drug | None = None,
    conditions: Mapping[str, Swept] | None = None,
    gates: GateCurves | None = None,
    initial: Mapping[str, float] | None = None,
    sample: float | None = None,
    record_from: float = 0.0,
    variables: Sequence[str] | None = None,
    stimulus: tuple[float, float] | None = None,
    out: str | Path | None = None,
    threads: int | None = None,
    progress: Report | None = None,
) -> xr.Dataset:
    """Run cells under a protocol, from the model's initial state.

    The stimulus starts 10 ms after each period starts. Gates that depend on V alone move by Rush and Larsen's
    exact solution, everything else by a second-order Adams-Bashforth step that is fine only where V changes
    fast.

    Lists span a grid: every combination of the protocol's values and those of `scale`, `drug` and
    `conditions` is a cell, with a coordinate along `cell` for each list (`cycle_length`, `scale_g_Kr`,
    `concentration`, `K_o`, ...); the last of them varies fastest.

    Parameters
    ----------
    cycle_lengths, duration : ms; ``protocol=Pacing(cycle_lengths, duration)`` in short, 1000 ms and 20 s
        when left out.
    protocol : `Pacing`, `S1S2`, `DynamicRestitution`, `VoltageClamp` or `CurrentClamp`.
    scale : factor by conductance (``{"g_Kr": 0.25}``) or current; 1 is control, and the whole current is
        multiplied.
    drug : pores blocked by a `Drug`, on top of `scale`.
    conditions : constants of the model that are replaced: K_o, Na_o, Ca_o [mM], T [K], whatever the file
        calls them, or any other literal constant by its name.
    gates : gates whose curves are replaced: name -> (h_inf, tau [ms]) over `simulation.voltage_grid()`.
    initial : states that begin elsewhere than in the model, by name.
    sample : ms between stored samples; 1 when left out, 0.1 under a voltage or current clamp.
    record_from : ms; samples are stored from here on (biomarkers are of all beats).
    variables : states and currents to store; all when left out.
    stimulus : (amplitude [A/F], duration [ms]) instead of the model's.
    out : netCDF file to stream the samples to, cell by cell, when they are too many for memory; the Dataset
        that is returned then reads from it.
    threads : at most so many; a processor each when left out.
    progress : told how far the work is by ``progress.report(fraction, message)``.

    Returns
    -------
    Dataset with dims cell, time (and beat): the variables in single precision (V to 4e-6 mV), coordinates
    time and cycle_length [ms], and per beat RMP, peak, dVdt_max, upstroke_time, APD30, APD50, APD90,
    Ca_diastolic, Ca_peak, Ca_time_to_peak, CaTD90, late_rise, taken from the solver's own steps (NaN where a
    beat has none; `biomarkers` defines them). Clamps have no beats and no cycle length.

    Raises
    ------
    SimulationError : a setting that makes no sense, an unknown gate, state or constant, a cell that broke
        down, or more samples than a quarter of the memory.
    ModelError : `scale` or `drug` names no conductance or current.

    Examples
    --------
    >>> import ionwidgets as iw
    >>> model = iw.load_model("tnnp2004")
    >>> data = iw.simulate(model, [500, 1000], 5000, scale={"g_Kr": [0.5, 1]}, conditions={"K_o": 4.0})
    >>> data.cycle_length.values, data.scale_g_Kr.values
    (array([ 500.,  500., 1000., 1000.]), array([0.5, 1. , 0.5, 1. ]))

    References
    ----------
    Rush and Larsen, IEEE Trans Biomed Eng 25, 389-392 (1978).
    """
    if protocol is None:
        protocol = Pacing(
            1000.0 if cycle_lengths is None else cycle_lengths, 20_000.0 if duration is None else duration
        )
    elif cycle_lengths is not None or duration is not None:
        raise SimulationError("a protocol has its own times: leave out cycle_lengths and duration")
    kernel = kernel_for(model)
    amplitude, pulse = stimulus or (model.stimulus.amplitude, model.stimulus.duration)
    if not 0 < pulse < np.inf or not np.isfinite(amplitude):
        raise SimulationError(
            f"the stimulus must be finite and last longer than 0 ms; found {amplitude:g} A/F for {pulse:g} ms"
        )
    courses = protocol.courses(amplitude, pulse)
    sample = protocol.sample if sample is None else sample
    _check_times(courses[0].duration, sample, record_from, clamped=courses[0].command is not None)
    names = tuple(variables) if variables is not None else (*model.states, *(c.name for c in model.currents))
    _check_names(kernel, names)
    _check_gates(model, gates or {})
    constants = {model.stimulus.parameter: amplitude} if stimulus is not None else {}
    altered = settings(kernel, scale or {}, drug, conditions or {}, gates or {}, constants)
    jobs = [Job(setting, course) for course in courses for setting in altered]
    n_samples = int(np.floor((courses[0].duration - record_from) / sample + 1e-9)) + 1 if names else 0
    batch = Batch(_initial(kernel, initial or {}), pulse, names, sample, record_from, threads, progress)
    store: InMemory | InFile = (
        InMemory(names, len(jobs), n_samples)
        if out is None
        else InFile(Path(out), names, len(jobs), n_samples)
    )
    try:
        runs, begins = batch.run(jobs, store.keep)
        _tell_broken(model, jobs, runs, dict(scale or {}))
        attrs = {
            "model": model.name,
            "variant": model.variant or "",
            "model_hash": model.hash,
            "scale": _json(scale or {}),
            "stimulus_onset_ms": STIMULUS_ONSET,
            "stimulus": [amplitude, pulse],
            "broken_cells": [i for i, run in enumerate(runs) if not run.finite],
            "versions": f"ionwidgets {__version__}",
            **({"drug": _json(vars(drug))} if drug is not None else {}),
            **({"conditions": _json(conditions)} if conditions else {}),
            **protocol.attributes(),
        }
        time = record_from + sample * np.arange(n_samples)
        return store.dataset(_rest(model, jobs, runs, begins, time, attrs), model.units)
    except BaseException:
        store.discard()
        raise


def _json(values: Mapping[str, object]) -> str:
    return json.dumps(dict(values), default=lambda value: np.asarray(value).tolist())


def _tell_broken(
    model: IonicModel, jobs: Sequence[Job], runs: Sequence[Run], changes: Mapping[str, object]
) -> None:
    """Warn of cells that broke down; with none left, raise."""
    broken = [
        f"cell {i} ({', '.join(f'{n} {v:g}' for n, v in _place(job).items())}) at {run.reached:.4g} ms, "
        f"{_culprit(job.setting.kernel, run)}"
        for i, (job, run) in enumerate(zip(jobs, runs, strict=True))
        if not run.finite
    ]
    if broken:
        message = f"{model.key} broke down: {'; '.join(broken)}; are the changes {changes} physiological?"
        if len(broken) == len(runs):
            raise SimulationError(message)
        warnings.warn(message, SimulationWarning, stacklevel=3)


def _place(job: Job) -> dict[str, float]:
    return {**job.course.place, **job.setting.place}


def _culprit(kernel: Kernel, run: Run) -> str:
    """Which state left all bounds, as far as a cell that broke down tells."""
    lost = [name for name, y in zip(kernel.layout.states, run.final, strict=True) if not np.isfinite(y)]
    return f"{lost[0] if lost else 'dV/dt'} is not finite"


def _check_times(duration: float, sample: float, record_from: float, *, clamped: bool) -> None:
    rules = [
        (
            0 < sample <= duration,
            f"sample must be positive and no longer than the duration, in ms; found {sample:g}",
        ),
        (
            0 <= record_from < duration,
            f"record_from must lie within the duration ({duration:g} ms); found {record_from:g}",
        ),
        (not (clamped and record_from), "a voltage clamp is recorded from its start: leave out record_from"),
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


def _rest(
    model: IonicModel,
    jobs: Sequence[Job],
    runs: Sequence[Run],
    begins: Sequence[Arrival],
    time: NDArray,
    attrs: dict,
) -> xr.Dataset:
    """The Dataset without its samples."""

    def variable(dims: tuple[str, ...], values: ArrayLike, unit: str) -> tuple:
        return dims, values, {"units": unit}

    marks: dict[str, tuple] = {}
    coords: dict[str, Any] = {"time": variable(("time",), time, "ms")}
    for name in _place(jobs[0]):
        unit = model.units.get(name, "1" if name.startswith("scale_") else _UNITS.get(name, "ms"))
        coords[name] = variable(("cell",), np.array([_place(job)[name] for job in jobs]), unit)
    first = jobs[0].course
    if first.paced:
        n_beats = max(run.beats.shape[0] for run in runs)
        beats = np.full((len(runs), n_beats, len(BIOMARKERS)), np.nan)
        stimuli = np.full((len(runs), n_beats), np.nan)
        for i, (job, run) in enumerate(zip(jobs, runs, strict=True)):
            beats[i, : run.beats.shape[0]] = run.beats
            stimuli[i, : run.beats.shape[0]] = onsets(job.course)
        for j, name in enumerate(BIOMARKERS):
            marks[name] = variable(("cell", "beat"), beats[:, :, j], _UNITS.get(name, "ms"))
        if "restitution_beats" in attrs:
            marks["stimulus_time"] = variable(("cell", "beat"), stimuli, "ms")
        coords["beat"] = np.arange(n_beats)
    if getattr(first.before, "until_steady", False):
        coords["steady"] = ("cell", np.array([begin.steady for begin in begins]))
        coords["beats_before"] = ("cell", np.array([begin.beats for begin in begins]))
    return xr.Dataset(marks, coords, attrs)
