"""What `simulate` was given: read where it makes sense, refused in one sentence where it does not.

Each raises a SimulationError.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from os import PathLike
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ionwidgets.errors import SimulationError, unknown_name
from ionwidgets.models import IonicModel
from ionwidgets.simulation.drug import Drug
from ionwidgets.simulation.gate_table import GateCurves, Range
from ionwidgets.simulation.given import number, numbers, shown
from ionwidgets.simulation.kernel import Kernel, voltage_grid


def check_kinds(model: object, protocol: object, drug: object, variables: object) -> None:
    """Refuse what is taken for another kind of thing easily."""
    if not isinstance(model, IonicModel):
        raise SimulationError(
            f"simulate needs a model, not its name: load_model({shown(model)}) first"
            if isinstance(model, str | Path)
            else f"simulate needs a model from load_model; found {shown(model)}"
        )
    if isinstance(protocol, type) or not (protocol is None or hasattr(protocol, "courses")):
        raise SimulationError(
            "protocol must be a protocol with its values, such as Pacing([500, 1000]) or S1S2(); "
            f"found {shown(protocol)}"
        )
    if not (drug is None or isinstance(drug, Drug)):
        raise SimulationError(
            f"drug must be a Drug, such as Drug(ic50={{'g_Kr': 12.0}}, concentration=6); found {shown(drug)}"
        )
    if isinstance(variables, str):
        raise SimulationError(f"variables must be a list of names: variables=[{variables!r}]")
    if not (variables is None or isinstance(variables, Iterable)):
        raise SimulationError(f"variables must be a list of names, such as ['V']; found {shown(variables)}")


def check_surroundings(out: object, threads: object, progress: object) -> None:
    """Refuse what the work cannot be done with, before it is done."""
    if not (out is None or isinstance(out, str | PathLike)):
        raise SimulationError(
            f"out must be the name of a netCDF file, such as 'sweep.nc'; found {shown(out)}"
        )
    if threads is not None and not (isinstance(threads, int | np.integer) and threads >= 1):
        raise SimulationError(f"threads must be a whole number from 1 on; found {shown(threads)}")
    if not (progress is None or hasattr(progress, "report")):
        raise SimulationError(
            f"progress must have a method report(fraction, message); found {shown(progress)}"
        )


def check_mappings(**arguments: object) -> None:
    """Refuse what is given without the names that it belongs to."""
    for name, value in arguments.items():
        if not (value is None or isinstance(value, Mapping)):
            raise SimulationError(
                f"{name} must be values by name, such as {name}={{'name': value}}; found {shown(value)}"
            )
        for key in value or ():
            if not isinstance(key, str):
                raise SimulationError(f"{name} must have names as its keys; found {shown(key)}")


def read_stimulus(model: IonicModel, given: object) -> tuple[float, float]:
    """Amplitude [A/F] and duration [ms] of the stimulus."""
    if given is None:
        return model.stimulus.amplitude, model.stimulus.duration
    found = numbers("stimulus", given)
    if found.shape != (2,):
        raise SimulationError(
            f"stimulus must be (amplitude [A/F], duration [ms]), such as (-20, 1); found {shown(given)}"
        )
    amplitude, pulse = found.tolist()
    if not 0 < pulse < np.inf or not np.isfinite(amplitude):
        raise SimulationError(
            f"the stimulus must be finite and last longer than 0 ms; found {amplitude:g} A/F for {pulse:g} ms"
        )
    return amplitude, pulse


def check_times(duration: float, sample: float, record_from: float, *, clamped: bool) -> None:
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


def read_gates(model: IonicModel, gates: GateCurves) -> GateCurves:
    """The curves as arrays, (K,) or (K, P) each."""
    rows, read = voltage_grid().size, {}
    for name, curves in gates.items():
        if name not in model.gate_names:
            raise SimulationError(unknown_name(f"gate of {model.key}", name, list(model.gate_names)))
        try:
            h_inf, tau = (np.asarray(curve, dtype=float) for curve in curves)
        except (TypeError, ValueError):
            h_inf = tau = np.empty(0)
        if not all(_over_the_grid(curve, rows) and np.all(np.isfinite(curve)) for curve in (h_inf, tau)):
            raise SimulationError(
                f"curves of gate {name} must be (h_inf, tau [ms]), {rows} finite values each, over "
                f"voltage_grid(), or ({rows}, P) over that and P > 1 levels of Ca_i"
            )
        if np.any(tau <= 0):
            raise SimulationError(f"tau of gate {name} must be positive, in ms; found {tau.min():g}")
        read[name] = h_inf, tau
    return read


def _over_the_grid(curve: NDArray, rows: int) -> bool:
    return curve.shape == (rows,) or (curve.ndim == 2 and curve.shape[0] == rows and curve.shape[1] > 1)


def read_gates_calcium(model: IonicModel, gates: GateCurves, given: object) -> Range | None:
    """Between which Ca_i [mM] the levels of `gates` are spread; None where all are over V alone."""
    found = {name: {x.shape[1] for x in curves if x.ndim == 2} for name, curves in gates.items()}
    tables = {name: levels for name, levels in found.items() if levels}
    if not tables:
        if given is not None:
            raise SimulationError("gates_calcium= is for gates given over Ca_i, and none is: leave it out")
        return None
    if model.calcium is None:
        raise SimulationError(
            f"{model.key} has no cytosolic calcium, so gate {next(iter(tables))} cannot depend on it"
        )
    if len(set().union(*tables.values())) > 1:
        listed = ", ".join(f"{name} {', '.join(map(str, sorted(n)))}" for name, n in tables.items())
        raise SimulationError(f"gates must share their levels of Ca_i; found {listed}")
    if given is None:
        raise SimulationError(
            f"gate {next(iter(tables))} is given over Ca_i: say between which, gates_calcium=(low, high) [mM]"
        )
    ends = numbers("gates_calcium [mM]", given)
    if ends.shape != (2,) or not np.all(np.isfinite(ends)) or not ends[0] < ends[1]:
        raise SimulationError(
            f"gates_calcium must be (low, high) [mM], finite and ascending; found {shown(given)}"
        )
    low, high = ends.tolist()
    return low, high


def check_names(kernel: Kernel, names: Sequence[str]) -> None:
    known = [*kernel.layout.states, *kernel.layout.currents]
    for name in names:
        if not isinstance(name, str):
            raise SimulationError(f"variables must be a list of names, such as ['V']; found {shown(name)}")
        if name not in known:
            raise SimulationError(unknown_name(f"state or current of {kernel.model.key}", name, known))


def read_initial(kernel: Kernel, changed: Mapping[str, float]) -> NDArray:
    start = kernel.initial()
    for name, value in changed.items():
        if name not in kernel.layout.states:
            raise SimulationError(
                unknown_name(f"state of {kernel.model.key}", name, list(kernel.layout.states))
            )
        begin = number(f"initial {name}", value)
        if not np.isfinite(begin):
            raise SimulationError(f"initial {name} must be finite; found {begin:g}")
        start[kernel.layout.states.index(name)] = begin
    return start
