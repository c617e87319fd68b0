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
from ionwidgets.errors import SimulationError, SimulationWarning
from ionwidgets.models import IonicModel
from ionwidgets.simulation.batch import Arrival, Batch, CellTask, Report, onsets
from ionwidgets.simulation.checks import (
    check_kinds,
    check_mappings,
    check_names,
    check_surroundings,
    check_times,
    read_gates,
    read_gates_calcium,
    read_initial,
    read_stimulus,
)
from ionwidgets.simulation.drug import Drug
from ionwidgets.simulation.gate_table import GateCurves, Range
from ionwidgets.simulation.given import number, shown
from ionwidgets.simulation.grid import Swept, condition_unit, settings
from ionwidgets.simulation.kernel import V_HIGH, V_LOW, Kernel, kernel_for
from ionwidgets.simulation.protocols import AnyProtocol, Held, Pacing
from ionwidgets.simulation.store import InFile, InMemory
from ionwidgets.simulation.sweep import BIOMARKERS, STIMULUS_ONSET, Run

_UNITS = {
    "RMP": "mV", "peak": "mV", "dVdt_max": "mV/ms", "late_rise": "mV", "Ca_diastolic": "mM", "Ca_peak": "mM",
    "V_test": "mV", "I_test": "A/F", "concentration": "as IC50",
}  # fmt: skip
_MOST_TOLD = 3  # cells that broke down, one by one


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
    gates_calcium: Range | None = None,
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
    exact solution, stiff states (buffers, Markov chains) together by a semi-implicit BDF2, everything else by
    an Adams-Bashforth step; all of second order, fine only where V or a concentration changes fast.

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
        calls them and in whatever unit it has them, or any other literal constant by its name and in its own
        unit.
    gates : gates whose curves are replaced: name -> (h_inf, tau [ms]) over `simulation.voltage_grid()`, (K,)
        each; or (K, P), over P levels of Ca_i as well: the gate then moves by
        h' = (h_inf(V, Ca_i) - h) / tau(V, Ca_i) with the cell's own Ca_i, h_inf and 1/tau bilinear between
        the table's points and held beyond its ends. Both kinds may be mixed; P is one for all.
    gates_calcium : (low, high) [mM], the first and the last of the P levels, which are evenly spaced; only
        with `gates` over Ca_i.
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
    beat has none; `biomarkers` defines them). Clamps have no beats and no cycle length. A cell without a
    stimulus (amplitude 0) beats when it likes, not by these periods: read its beats with `biomarkers`.

    Raises
    ------
    SimulationError : a setting that makes no sense, gates over Ca_i without their range, over different
        numbers of levels or in a model without Ca_i, an unknown gate, state or constant, more samples than a
        quarter of the memory, or every cell broke down. Where others went on, a `SimulationWarning` names
        those that did (cell, time, state), and the rest is kept.
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
    check_kinds(model, protocol, drug, variables)
    check_surroundings(out, threads, progress)
    check_mappings(scale=scale, conditions=conditions, gates=gates, initial=initial)
    if protocol is None:
        protocol = Pacing(
            1000.0 if cycle_lengths is None else cycle_lengths, 20_000.0 if duration is None else duration
        )
    elif cycle_lengths is not None or duration is not None:
        raise SimulationError("a protocol has its own times: leave out cycle_lengths and duration")
    amplitude, pulse = read_stimulus(model, stimulus)
    courses = protocol.courses(amplitude, pulse)
    kernel = kernel_for(model)
    length, record_from = courses[0].duration, number("record_from [ms]", record_from)
    if sample is None and protocol.sample > length:
        raise SimulationError(
            f"a run of {length:g} ms is shorter than the {protocol.sample:g} ms between samples; "
            "let it last longer, or give sample= [ms]"
        )
    sample = number("sample [ms]", protocol.sample if sample is None else sample)
    check_times(length, sample, record_from, clamped=courses[0].command is not None)
    names = tuple(variables) if variables is not None else (*model.states, *(c.name for c in model.currents))
    check_names(kernel, names)
    names = tuple(dict.fromkeys(names))
    curves = read_gates(model, gates or {})
    levels = read_gates_calcium(model, curves, gates_calcium)
    constants = {model.stimulus.parameter: amplitude} if stimulus is not None else {}
    altered = settings(kernel, scale or {}, drug, conditions or {}, curves, levels, constants)
    jobs = [CellTask(setting, course) for course in courses for setting in altered]
    n_samples = int(np.floor((length - record_from) / sample + 1e-9)) + 1 if names else 0
    batch = Batch(read_initial(kernel, initial or {}), pulse, names, sample, record_from, threads, progress)
    store: InMemory | InFile = (
        InMemory(names, len(jobs), n_samples)
        if out is None
        else InFile(Path(out), names, len(jobs), n_samples)
    )
    try:
        runs, begins = batch.run(jobs, store.keep)
        changes = {
            "scale": scale or None,
            "drug": drug,
            "conditions": conditions or None,
            "gates": list(gates or {}) or None,
            "initial": initial or None,
            "stimulus": None if stimulus is None else (amplitude, pulse),
        }
        _tell_broken(model, jobs, runs, begins, changes)
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
        units = {name: condition_unit(model, name) for name in conditions or {}}
        return store.dataset(_rest(jobs, runs, begins, time, attrs, {**_UNITS, **units}), model.units)
    except BaseException:
        store.discard()
        raise


def _json(values: Mapping[str, object]) -> str:
    return json.dumps(dict(values), default=lambda value: np.asarray(value).tolist())


def _tell_broken(
    model: IonicModel,
    jobs: Sequence[CellTask],
    runs: Sequence[Run],
    begins: Sequence[Arrival],
    changes: Mapping[str, object],
) -> None:
    """Warn of cells that broke down; with none left, raise."""
    broken = [i for i, run in enumerate(runs) if not run.finite]
    if not broken:
        return
    told = [f"cell {i}{_end(jobs[i], runs[i], begins[i])}" for i in broken[:_MOST_TOLD]]
    if len(broken) > _MOST_TOLD:
        told.append(f"and {len(broken) - _MOST_TOLD} more")
    made = ", ".join(f"{name}={shown(value)}" for name, value in changes.items() if value is not None)
    question = f"is {made} physiological?" if made else "nothing was changed, so look at its equations"
    message = f"{model.key} broke down: {'; '.join(told)}; {question}"
    if len(broken) == len(runs):
        raise SimulationError(message)
    warnings.warn(message, SimulationWarning, stacklevel=3)


def _end(job: CellTask, run: Run, begin: Arrival) -> str:
    """Which cell it was, when it broke down, and on what."""
    place = ", ".join(f"{name} {value:g}" for name, value in _place(job).items())
    before = "while it was held" if isinstance(job.course.before, Held) else "in the pacing"
    when = f"at {run.reached:.4g} ms" if begin.finite else f"{before} before time 0"
    return f"{f' ({place})' if place else ''} {when}, {_culprit(job.setting.kernel, run)}"


def _place(job: CellTask) -> dict[str, float]:
    return {**job.course.place, **job.setting.place}


def _culprit(kernel: Kernel, run: Run) -> str:
    """Which state left all bounds, as far as a cell that broke down tells."""
    final = dict(zip(kernel.layout.states, run.final, strict=True))
    lost = [name for name, y in final.items() if not np.isfinite(y)]
    V = final[kernel.model.voltage]
    if not lost and not V_LOW <= V <= V_HIGH:
        return f"V is {V:.4g} mV, beyond {V_LOW:g} to {V_HIGH:g}"
    return f"{lost[0] if lost else 'dV/dt'} is not finite"


def _rest(
    jobs: Sequence[CellTask],
    runs: Sequence[Run],
    begins: Sequence[Arrival],
    time: NDArray,
    attrs: dict,
    units: Mapping[str, str],
) -> xr.Dataset:
    """The Dataset without its samples; `units` of what is swept, where it is neither ms nor 1."""

    def variable(dims: tuple[str, ...], values: ArrayLike, unit: str) -> tuple:
        return dims, values, {"units": unit}

    marks: dict[str, tuple] = {}
    coords: dict[str, Any] = {"time": variable(("time",), time, "ms")}
    for name in _place(jobs[0]):
        unit = units.get(name, "1" if name.startswith("scale_") else "ms")
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
