"""From the columns of a file to the Dataset of the simulations: units, cells, even samples, cycle lengths."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Final

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from ionwidgets.errors import RecordingError
from ionwidgets.recordings.columns import Column
from ionwidgets.recordings.sampling import LEAST_SAMPLES, LONGEST_GAP, on_grid, sampling
from ionwidgets.recordings.table import Table
from ionwidgets.recordings.units import ARBITRARY, FACTORS, PER_CELL, TARGET, infer_unit, possible_units
from ionwidgets.recordings.upstrokes import LEAST_HEIGHT, estimate_cycle_length

SAME_SAMPLING: Final = 1e-4  # relative difference between the cells of a file
SHORTEST, LONGEST = 1e-3, 1e3  # ms between samples
LARGEST = 1e15  # of any number in a file
HIGHEST_VOLTAGE: Final = 500.0  # mV; beyond it the unit is wrong
RECORDED: Final = ("V", "Ca_i", "I_inj")
_LONG_NAME: Final = {"V": "membrane potential", "Ca_i": "cytosolic calcium", "I_inj": "injected current"}
Rows = slice | NDArray[np.intp]


@dataclass
class File:
    """What is known of a file while it is read.

    step : ms between samples, where no column holds the time.
    values : (rows,) by quantity, in ms, mV, mM, A/F or a.u. once `convert` has been; units : in which;
    inferred : units of the file that nobody gave; origin : whether a unit came from the "file", was "given"
    or was inferred from the "numbers".
    """

    table: Table
    columns: dict[str, Column]
    values: dict[str, NDArray]
    step: float | None = None
    given: frozenset[str] = frozenset()
    units: dict[str, str] = field(default_factory=dict)
    inferred: dict[str, str] = field(default_factory=dict)
    origin: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def error(
        self, message: str, quantity: str, row: int | None = None, mend: str | None = None
    ) -> RecordingError:
        column = self.columns.get(quantity)
        line = None if row is None else self.table.line(row)
        label = column.label if column else None
        return RecordingError(message, file=self.table.file, line=line, column=label, mend=mend)


def convert(file: File, capacitance: float | None) -> None:
    """Bring every column to ms, mV, mM and A/F; infer the units that nobody gave."""
    for quantity, column in file.columns.items():
        if quantity == "sweep":
            continue
        values, unit = file.values[quantity], column.unit
        absurd = np.abs(values) > LARGEST
        if absurd.any():
            row = int(np.argmax(absurd))
            raise file.error(f"{values[row]:g} is no number that was measured", quantity, row)
        file.origin[quantity] = "given" if quantity in file.given else "file"
        if unit is None:
            unit = infer_unit(quantity, values)
            if unit is None:
                raise file.error(_question(quantity, values), quantity)
            file.origin[quantity], file.inferred[quantity] = "numbers", unit
            file.notes.append(f"unit of {quantity} inferred from its numbers: {unit}")
        if unit != ARBITRARY:
            factor = FACTORS[quantity][unit]
            if unit in PER_CELL and capacitance is not None:
                factor /= capacitance
            file.values[quantity] = values if factor == 1.0 else values * factor
        file.units[quantity] = ARBITRARY if unit == ARBITRARY else TARGET[quantity]
    if file.units["V"] == "mV":
        V = file.values["V"]
        row = int(np.argmax(V)) if V.max() > -V.min() else int(np.argmin(V))
        if abs(V[row]) > HIGHEST_VOLTAGE:
            raise file.error(
                f"{V[row]:.4g} mV is no membrane potential; V may stand in another column (--columns), or in "
                "another unit (--units)",
                "V",
                row,
            )


def _question(quantity: str, values: NDArray) -> str:
    low, high = np.min(values), np.max(values)
    choices = possible_units(quantity, values)
    return (
        f"its unit is not given and {low:.4g} to {high:.4g} could be {' or '.join(choices)}; "
        f"say which: units={{'{quantity}': '{choices[0]}'}} (--units {quantity}={choices[0]})"
    )


def cells_of(file: File) -> Sequence[Rows]:
    """Rows of every cell, in the order in which the cells first appear."""
    if "cycle_length" in file.values:
        wrong = np.flatnonzero(file.values["cycle_length"] <= 0)
        if wrong.size:
            value = file.values["cycle_length"][wrong[0]]
            raise file.error(
                f"a cycle length of {value:.6g} ms; it must be positive", "cycle_length", int(wrong[0])
            )
    count = len(file.values["V"])
    if file.table.sweeps is not None:
        ends = np.cumsum(file.table.sweeps)
        return [slice(int(end - n), int(end)) for n, end in zip(file.table.sweeps, ends, strict=True)]
    keys = [file.values[name] for name in ("sweep", "cycle_length") if name in file.values]
    if not keys:
        return [slice(0, count)]
    changes = np.zeros(count - 1, dtype=bool)
    for key in keys:
        changes |= key[1:] != key[:-1]
    starts = np.concatenate([[0], np.flatnonzero(changes) + 1])
    _, first, member = np.unique(
        np.stack([key[starts] for key in keys]), axis=1, return_index=True, return_inverse=True
    )
    if first.size == starts.size:  # every cell's rows stand together
        return [slice(int(i), int(j)) for i, j in pairwise([*starts, count])]
    of_row = np.repeat(np.argsort(np.argsort(first))[member.ravel()], np.diff([*starts, count]))
    order = np.argsort(of_row, kind="stable")
    return np.split(order, np.cumsum(np.bincount(of_row))[:-1])


def even_samples(file: File, cells: Sequence[Rows], mend: bool) -> tuple[float, list[dict[str, NDArray]]]:
    """The sampling interval [ms] that all cells have, and of every cell V and what else was recorded, (N,).

    Where the steps differ: put on an even grid by straight lines if that is to be mended, else refused.
    """
    traces: list[dict[str, NDArray]] = []
    intervals: list[float] = []
    for rows in cells:
        interval, trace = _of_cell(file, rows, mend)
        if intervals and abs(interval - intervals[0]) > SAME_SAMPLING * intervals[0]:
            raise file.error(
                f"this cell is sampled every {interval:.6g} ms, the first every {intervals[0]:.6g} ms; "
                "a file needs one sampling interval: resample, or split the file",
                "time",
                _first(rows),
            )
        if not SHORTEST <= interval <= LONGEST:
            raise file.error(
                f"this is sampled every {interval:.6g} ms, a recording every {SHORTEST:g} to {LONGEST:g} ms; "
                "give the unit of time: units={'time': 's'} (--units time=s)",
                "time",
                _first(rows),
            )
        intervals.append(interval)
        traces.append(trace)
    return intervals[0], traces


def _of_cell(file: File, rows: Rows, mend: bool) -> tuple[float, dict[str, NDArray]]:
    trace: dict[str, NDArray] = {name: file.values[name][rows] for name in RECORDED if name in file.values}
    count = len(trace["V"])
    if count < LEAST_SAMPLES:
        samples = f"only {count} sample{'s' if count != 1 else ''}"
        last = _first(rows) + count - 1 if isinstance(rows, slice) else int(rows[-1])
        raise file.error(f"{samples}; a cell needs at least {LEAST_SAMPLES}", "time", last if count else None)
    if "time" not in file.values:
        assert file.step is not None  # else the columns had been refused
        return file.step, trace
    time = file.values["time"][rows]
    seen = sampling(time)
    if seen.back is not None:
        before, after = time[seen.back - 1], time[seen.back]
        apart = {"sweep", "cycle_length"} & file.columns.keys() or file.table.sweeps is not None
        hint = "" if apart else "; several sweeps need a sweep column"
        interval = (time[-1] - time[0]) / (count - 1)
        if before == after and interval > 0 and (np.diff(time) >= 0).all():
            hint = (
                f"; times of so few digits are better left out: sampling_ms={interval:.4g} "
                f"(--sampling {interval:.4g})"
            )
        verb = "stands still at" if before == after else f"goes back from {before:.9g} to"
        raise file.error(f"time {verb} {after:.9g} ms{hint}", "time", _row(rows, seen.back))
    if seen.even:
        return seen.interval, trace
    if not (mend and seen.mendable):
        remedy = (
            "mend=['even'] (--mend even) puts it on an even grid"
            if seen.mendable
            else f"the longest gap is {seen.longest:.6g} ms, and no more than {LONGEST_GAP:g} can be filled: "
            "split it there"
        )
        raise file.error(
            f"time is sampled unevenly: a step of {seen.worst_step:.6g} ms where {seen.usual:.6g} ms is "
            f"usual (more than 5% off); {remedy}",
            "time",
            _row(rows, seen.worst + 1),
            "even" if seen.mendable else None,
        )
    file.notes.append(
        f"uneven samples put on a grid of {seen.usual:.6g} ms by straight lines; {seen.missing} were "
        f"missing, the longest gap was {seen.longest:.6g} ms"
    )
    return seen.usual, {name: on_grid(time, values, seen.usual) for name, values in trace.items()}


def _first(rows: Rows) -> int:
    return rows.start if isinstance(rows, slice) else int(rows[0])


def _row(rows: Rows, place: int) -> int:
    return rows.start + place if isinstance(rows, slice) else int(rows[place])


def dataset_of(
    file: File, cells: Sequence[Rows], step: float, traces: list[dict[str, NDArray]], given: float | None
) -> xr.Dataset:
    """The Dataset; `given`: the cycle length [ms] of all cells, where the file does not say."""
    length = max(len(trace["V"]) for trace in traces)
    _tell_start(file, cells)
    variables = {}
    for name in RECORDED:
        if name in file.values:
            attrs = {"units": file.units[name], "long_name": _LONG_NAME[name]} | _provenance(file, name)
            variables[name] = (("cell", "time"), _stacked([trace[name] for trace in traces], length), attrs)
    time = np.arange(length, dtype=np.float64)
    time *= step
    cycle_length, origin = _cycle_lengths(file, cells, time, variables["V"][1], given)
    coordinates: dict[str, tuple[str, NDArray, dict[str, str]]] = {
        "time": ("time", time, {"units": "ms"} | _provenance(file, "time")),
        "cycle_length": ("cell", cycle_length, {"units": "ms", "origin": origin}),
    }
    if "sweep" in file.values:
        sweep = np.array([file.values["sweep"][_first(rows)] for rows in cells])
        coordinates["sweep"] = ("cell", sweep, {"units": "1"})
    return xr.Dataset(variables, coordinates, {"sampling_ms": step})


def _provenance(file: File, name: str) -> dict[str, str]:
    """Column, its unit, and who says so; of what came without a column, nothing."""
    column = file.columns.get(name)
    if column is None:
        return {}
    own = column.own_unit or file.inferred.get(name, "")
    told = {"column": str(column.label), "file_units": own, "units_from": file.origin[name]}
    return told | ({"given_units": column.unit} if file.origin[name] == "given" and column.unit else {})


def _stacked(traces: list[NDArray], length: int) -> NDArray:
    if len(traces) == 1:
        return traces[0][np.newaxis]
    values = np.full((len(traces), length), np.nan)
    for cell, trace in enumerate(traces):
        values[cell, : len(trace)] = trace
    return values


def _tell_start(file: File, cells: Sequence[Rows]) -> None:
    if "time" not in file.values:
        return
    starts = sorted({float(f"{file.values['time'][_first(rows)]:.9g}") for rows in cells})
    if starts != [0.0]:
        began = f"at {starts[0]:g} ms" if len(starts) == 1 else f"between {starts[0]:g} and {starts[-1]:g} ms"
        file.notes.append(f"time began {began} and is counted from 0 here")


def _cycle_lengths(
    file: File, cells: Sequence[Rows], time: NDArray, V: NDArray, given: float | None
) -> tuple[NDArray, str]:
    if given is not None:
        if "cycle_length" in file.values:
            raise file.error("the file gives the cycle length; leave cycle_length= out", "cycle_length")
        return np.full(len(cells), float(given)), "given"
    if "cycle_length" in file.values:
        return np.array([file.values["cycle_length"][_first(rows)] for rows in cells]), "file"
    least = LEAST_HEIGHT.get(file.units["V"], 0.0)
    estimated = np.array([estimate_cycle_length(time, trace, least_height=least) for trace in V])
    known = np.isfinite(estimated)
    file.notes.append(
        f"cycle length estimated from the beats in {int(known.sum())} of {known.size} cells"
        if known.any()
        else "no cycle length given, and too few beats to estimate one"
    )
    return estimated, "beats"
