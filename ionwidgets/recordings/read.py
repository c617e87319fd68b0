"""``read_recording``: a CSV or TSV file of a cell's voltage as the Dataset of the simulations."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import numpy as np
import xarray as xr

from ionwidgets.errors import RecordingError
from ionwidgets.recordings.beats import estimate_cycle_length
from ionwidgets.recordings.columns import Column, choose_columns
from ionwidgets.recordings.text_table import TextTable, load_table
from ionwidgets.recordings.units import ARBITRARY, FACTORS, TARGET, infer_unit
from ionwidgets.simulation.given import number

LEAST_SAMPLES: Final = 10
JITTER: Final = 0.05  # of the sampling interval
SAME_SAMPLING: Final = 1e-4  # relative difference between the cells of a file
ROUNDING: Final = 1e-7  # relative, of an interval that single precision has been through
HIGHEST_VOLTAGE: Final = 500.0  # mV; beyond it the unit is wrong
LEAST_HEIGHT: Final = {"mV": 20.0}  # of an action potential; a dye's scale says nothing
_LONG_NAME: Final = {"V": "membrane potential", "Ca_i": "cytosolic calcium", "I_inj": "injected current"}


@dataclass
class _File:
    """What is known of the file while it is read."""

    table: TextTable
    columns: dict[str, Column]
    values: dict[str, np.ndarray]  # quantity -> (rows,) in ms, mV, mM, A/F or a.u.
    units: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def error(self, message: str, quantity: str, row: int | None = None) -> RecordingError:
        line = None if row is None else int(self.table.lines[row])
        return RecordingError(message, file=self.table.file, line=line, column=self.columns[quantity].label)


def read_recording(
    path: str | Path,
    *,
    columns: Mapping[str, int | str] | None = None,
    units: Mapping[str, str] | None = None,
    cycle_length: float | None = None,
) -> xr.Dataset:
    """Read a recording from CSV or TSV text (gzip too).

    The tidy form has the header ``cycle_length [ms],time [ms],V [mV],Ca_i [mM]``; Ca_i may be absent, `sweep`
    may stand for the cycle length, either observable may be in ``[a.u.]``. Titles such as ``Voltage (V)``,
    ``time_ms`` or ``Current (pA/pF)`` are understood, other columns passed over. Units come from `units`,
    else from the file, else from the numbers where only one unit makes sense (said in ``attrs["notes"]``),
    else this asks for them.

    Parameters
    ----------
    path : the file.
    columns : where the quantities time, V, Ca_i, I_inj, cycle_length and sweep stand, each by its title or
        its number from 0, as in ``{"time": 0, "V": "Voltage (V)"}``; the others go by their titles.
    units : their units, as in ``{"time": "s", "V": "a.u."}``; they overrule the file's. I_inj in ``"-A/F"``
        or ``"-pA/pF"`` has its sign turned.
    cycle_length : ms at which every cell was paced, where the file does not say.

    Returns
    -------
    Dataset with dims ``cell, time``; coordinates ``time`` [ms] from 0 and, along ``cell``, ``cycle_length``
    [ms] (and ``sweep`` where the file has it); float64 variables ``V`` [mV or a.u.] and, where recorded,
    ``Ca_i`` [mM or a.u.] and ``I_inj`` [A/F], the current that the amplifier injected, with the sign of a
    membrane current: what depolarises is negative. Shorter cells are padded with NaN at the end. Where
    neither file nor `cycle_length` gives a cycle length it is the median interval between upstrokes, NaN with
    fewer than three, and the coordinate's ``origin`` attribute says "beats", not "file" or "given". The
    Dataset's attrs: ``source`` (file name), ``sampling_ms``, ``notes`` (sentences joined by "; ").

    Raises
    ------
    RecordingError : one line with file, line and column, for anything that is not a clean recording.

    Examples
    --------
    The recordings of Lei et al. 2017 (no header): current clamp needs nothing, the optical ones
    ``units={"time": "s", "V": "a.u."}``. Those of Clark et al. 2022 need nothing: their titles say it all.
    """
    if cycle_length is not None and not 0 < number("cycle_length", cycle_length) < np.inf:
        raise RecordingError(f"cycle_length must be positive and finite, in ms; found {cycle_length}")
    table = load_table(Path(path))
    chosen, notes = choose_columns(table, columns or {}, units or {})
    raw = table.numbers(column.index for column in chosen.values())
    file = _File(table, chosen, {name: raw[column.index] for name, column in chosen.items()}, notes=notes)
    _convert(file)
    cells = _cells(file)
    steps = [_sampling(file, rows) for rows in cells]
    for rows, step in zip(cells, steps, strict=True):
        if abs(step - steps[0]) > SAME_SAMPLING * steps[0]:
            raise file.error(
                f"this cell is sampled every {step:.6g} ms, the first every {steps[0]:.6g} ms; "
                "a file needs one sampling interval: resample, or split the file",
                "time",
                int(rows[0]),
            )
    return _dataset(file, cells, steps[0], cycle_length)


def _convert(file: _File) -> None:
    """Bring every column to ms, mV, mM and A/F; infer the units that nobody gave."""
    for quantity, column in file.columns.items():
        if quantity == "sweep":
            continue
        values, unit = file.values[quantity], column.unit
        if unit is None:
            unit = infer_unit(quantity, values)
            if unit is None:
                raise file.error(_question(quantity, values), quantity)
            file.notes.append(f"unit of {quantity} inferred from its numbers: {unit}")
        if unit != ARBITRARY:
            factor = FACTORS[quantity][unit]
            with np.errstate(over="ignore"):
                file.values[quantity] = values if factor == 1.0 else values * factor
            endless = np.flatnonzero(~np.isfinite(file.values[quantity]))
            if endless.size:
                row, target = int(endless[0]), TARGET[quantity]
                raise file.error(f"{values[row]:g} {unit} is too large, infinite in {target}", quantity, row)
        file.units[quantity] = ARBITRARY if unit == ARBITRARY else TARGET[quantity]
    if file.units["V"] == "mV":
        row = int(np.argmax(np.abs(file.values["V"])))
        if abs(file.values["V"][row]) > HIGHEST_VOLTAGE:
            found = f"{file.values['V'][row]:.4g} mV"
            raise file.error(
                f"{found} is no membrane potential; give its unit: units={{'V': 'mV'}}", "V", row
            )


def _question(quantity: str, values: np.ndarray) -> str:
    low, high = np.min(values), np.max(values)
    choices = {
        "time": ("ms", "s"),
        "cycle_length": ("ms", "s"),
        "V": ("mV", "V", ARBITRARY),
        "Ca_i": ("mM", "uM", "nM", ARBITRARY),
    }[quantity]
    return (
        f"its unit is not given and {low:.4g} to {high:.4g} could be {' or '.join(choices)}; "
        f"say which: units={{'{quantity}': '{choices[-1]}'}} (--units {quantity}={choices[-1]})"
    )


def _cells(file: _File) -> list[np.ndarray]:
    """Rows of every cell, in the order in which the cells first appear."""
    if "cycle_length" in file.values:
        wrong = np.flatnonzero(file.values["cycle_length"] <= 0)
        if wrong.size:
            value = file.values["cycle_length"][wrong[0]]
            raise file.error(
                f"a cycle length of {value:.6g} ms; it must be positive", "cycle_length", int(wrong[0])
            )
    keys = [file.values[name] for name in ("sweep", "cycle_length") if name in file.values]
    if not keys:
        return [np.arange(len(file.table.rows))]
    _, first, member = np.unique(np.stack(keys), axis=1, return_index=True, return_inverse=True)
    return [np.flatnonzero(member.ravel() == cell) for cell in np.argsort(first)]


def _sampling(file: _File, rows: np.ndarray) -> float:
    """Sampling interval [ms] of one cell, after making sure that there is one."""
    time = file.values["time"][rows]
    if len(rows) < LEAST_SAMPLES:
        samples = f"only {len(rows)} sample{'s' if len(rows) != 1 else ''}"
        raise file.error(f"{samples}; a cell needs at least {LEAST_SAMPLES}", "time", int(rows[-1]))
    steps = np.diff(time)
    back = np.flatnonzero(steps <= 0)
    if back.size:
        before, after = time[back[0]], time[back[0] + 1]
        hint = (
            ""
            if "sweep" in file.columns or "cycle_length" in file.columns
            else "; several sweeps need a sweep column"
        )
        verb = "stands still at" if before == after else f"goes back from {before:.9g} to"
        raise file.error(f"time {verb} {after:.9g} ms{hint}", "time", int(rows[back[0] + 1]))
    usual = float(np.median(steps))
    worst = int(np.argmax(np.abs(steps - usual)))
    if abs(steps[worst] - usual) > JITTER * usual:
        raise file.error(
            f"time is sampled unevenly: a step of {steps[worst]:.6g} ms where {usual:.6g} ms is usual "
            f"(more than {JITTER:.0%} off); resample it evenly or split it at the gap",
            "time",
            int(rows[worst + 1]),
        )
    mean = float(time[-1] - time[0]) / len(steps)
    tidy = float(f"{mean:.6g}")  # 0.1, not 0.10000000000000016, where the difference is rounding in the file
    return tidy if abs(tidy - mean) < ROUNDING * mean else mean


def _dataset(file: _File, cells: list[np.ndarray], step: float, given: float | None) -> xr.Dataset:
    length = max(len(rows) for rows in cells)
    starts = sorted({float(f"{file.values['time'][rows[0]]:.9g}") for rows in cells})
    if starts != [0.0]:
        began = f"at {starts[0]:g} ms" if len(starts) == 1 else f"between {starts[0]:g} and {starts[-1]:g} ms"
        file.notes.append(f"time began {began} and is counted from 0 here")
    variables = {}
    for name in ("V", "Ca_i", "I_inj"):
        if name in file.values:
            values = np.full((len(cells), length), np.nan)
            for cell, rows in enumerate(cells):
                values[cell, : len(rows)] = file.values[name][rows]
            variables[name] = (
                ("cell", "time"),
                values,
                {"units": file.units[name], "long_name": _LONG_NAME[name]},
            )
    time = np.arange(length) * step
    if given is not None:
        if "cycle_length" in file.values:
            raise file.error("the file gives the cycle length; leave cycle_length= out", "cycle_length")
        cycle_length, origin = np.full(len(cells), float(given)), "given"
    elif "cycle_length" in file.values:
        cycle_length, origin = np.array([file.values["cycle_length"][rows[0]] for rows in cells]), "file"
    else:
        least = LEAST_HEIGHT.get(file.units["V"], 0.0)
        cycle_length = np.array(
            [estimate_cycle_length(time, V, least_height=least) for V in variables["V"][1]]
        )
        origin = "beats"
        file.notes.append(_said_of(cycle_length))
    coordinates: dict[str, tuple[str, np.ndarray, dict[str, str]]] = {
        "time": ("time", time, {"units": "ms"}),
        "cycle_length": ("cell", cycle_length, {"units": "ms", "origin": origin}),
    }
    if "sweep" in file.values:
        sweep = np.array([file.values["sweep"][rows[0]] for rows in cells])
        coordinates["sweep"] = ("cell", sweep, {"units": "1"})
    attrs = {"source": file.table.file, "notes": "; ".join(file.notes), "sampling_ms": step}
    return xr.Dataset(variables, coordinates, attrs)


def _said_of(cycle_length: np.ndarray) -> str:
    known = np.isfinite(cycle_length)
    if not known.any():
        return "no cycle length given, and too few beats to estimate one"
    return f"cycle length estimated from the beats in {int(known.sum())} of {known.size} cells"
