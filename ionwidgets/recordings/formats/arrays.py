"""Named arrays as one table: which of them is time, which way round a matrix of sweeps lies."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ionwidgets.errors import RecordingError
from ionwidgets.recordings.formats.guard import clean, finished, titled
from ionwidgets.recordings.table import ArrayTable

MOST_SWEEPS: Final = 100_000
MOST_COLUMNS: Final = 1_000
# The last word of a name ("engine.time", "Vm_time"), a unit after it or not ("time_ms", "t [s]").
_TIME: Final = re.compile(
    r"(?:.*[./])?(?:time|times|t|tid)(?:[ _]?[\[(].*[\])]|[_ ](?:us|ms|s|sec|min))?", re.I
)


def is_time(name: str) -> bool:
    """Whether a name is that of a time axis."""
    return _TIME.fullmatch(name.strip()) is not None


def from_arrays(
    path: Path,
    kind: str,
    arrays: Mapping[str, NDArray],
    *,
    units: Mapping[str, str | None] | None = None,
    time: str | None = None,
    step: float | None = None,
    facts: Mapping[str, object] | None = None,
    notes: tuple[str, ...] = (),
) -> ArrayTable:
    """Lay named arrays out as columns.

    arrays : (samples,), (sweeps, samples) or (samples, sweeps); a value a sweep, (sweeps,), is repeated.
    time : the name of the time axis; without it the array called time, or t.   step : ms, where no array is.
    Without a time axis the first matrix, or else the longest array, says how many samples there are; a matrix
    alone gives its columns. NaN that fill a matrix up are taken off, what fits nowhere is left out and noted.
    """
    units = units or {}
    numbers = {name: values for name, values in arrays.items() if _is_numbers(values)}
    usable = {name: np.squeeze(values) for name, values in numbers.items()}
    usable = {name: np.atleast_1d(values) for name, values in usable.items() if values.ndim <= 2}
    of_one_cell = {name for name, values in numbers.items() if values.shape == (1,)}
    if not usable:
        raise RecordingError(
            f"{kind} without an array of numbers for time and V; found {_list(arrays) or 'nothing'}",
            file=path.name,
        )
    if time is None or time not in usable:
        time = next((name for name in usable if is_time(name)), None)
    matrices = [name for name, values in usable.items() if values.ndim == 2 and name != time]
    if time is None and step is None and len(matrices) == 1:
        name = matrices[0]
        values = usable[name] if usable[name].shape[0] >= usable[name].shape[1] else usable[name].T
        if values.shape[1] <= MOST_COLUMNS:
            return finished(
                path,
                kind,
                {f"{clean(name)} {column}": (values[:, column], None) for column in range(values.shape[1])},
                facts=facts,
                notes=notes,
            )
    samples, sweeps = _shape(usable, time, matrices)
    if sweeps > MOST_SWEEPS:
        raise RecordingError(f"{sweeps} sweeps; expected up to {MOST_SWEEPS}", file=path.name)
    columns: dict[str, tuple[NDArray, str | None]] = {}
    origins: dict[str, str] = {}
    left = [clean(name) for name, values in numbers.items() if name not in usable]
    said = list(notes)
    for name in sorted(usable, key=lambda name: name != time):  # time first, the rest in the file's order
        laid = _laid(usable[name], samples, sweeps)
        if laid is None and sweeps == 1 and name in of_one_cell:
            laid = np.repeat(usable[name], samples)
        if laid is None or len(columns) >= MOST_COLUMNS:
            left.append(clean(name))
        else:
            title = titled(columns, name, "array")
            columns[title], origins[title] = (laid, units.get(name)), name
    square = [name for name in matrices if usable[name].shape == (samples, samples)]
    if square and sweeps > 1:
        said.append(f"{clean(square[0])} has as many sweeps as samples: its rows are taken as sweeps")
    if left:
        said.append(f"left out, of another shape than {samples} samples: {_list(left)}")
    lengths = (samples,) * sweeps
    padded = [title for title, name in origins.items() if usable[name].ndim == 2]
    if padded:
        columns, lengths = _trimmed(columns, padded, samples, sweeps)
    return finished(
        path,
        kind,
        columns,
        sweeps=lengths if sweeps > 1 else None,
        step=step if time is None else None,
        facts=facts,
        notes=tuple(said),
    )


def _is_numbers(values: NDArray) -> bool:
    return values.dtype.kind in "fiu" and values.size > 0


def _shape(usable: Mapping[str, NDArray], time: str | None, matrices: list[str]) -> tuple[int, int]:
    """Samples of a sweep, and how many sweeps."""
    if time is not None and usable[time].ndim == 1:
        samples = len(usable[time])
        for name in matrices:
            shape = usable[name].shape
            if samples in shape:
                return samples, int(shape[0] if shape[1] == samples else shape[1])
        return samples, 1
    first = time if time is not None else (matrices[0] if matrices else None)
    if first is None:
        return max(len(values) for values in usable.values()), 1
    shape = usable[first].shape
    return (int(max(shape)), int(min(shape)))


def _laid(values: NDArray, samples: int, sweeps: int) -> NDArray | None:
    """One array as a column, (sweeps * samples,), or None."""
    if values.ndim == 2:
        if values.shape == (sweeps, samples):
            return np.ascontiguousarray(values).reshape(-1)
        return np.ascontiguousarray(values.T).reshape(-1) if values.shape == (samples, sweeps) else None
    if len(values) == samples:
        return values if sweeps == 1 else np.tile(values, sweeps)
    return np.repeat(values, samples) if sweeps > 1 and len(values) == sweeps else None


def _trimmed(
    columns: dict[str, tuple[NDArray, str | None]], padded: list[str], samples: int, sweeps: int
) -> tuple[dict[str, tuple[NDArray, str | None]], tuple[int, ...]]:
    """Take off the NaN that fill a matrix up where its shorter sweeps have ended."""
    held = np.zeros((sweeps, samples), dtype=bool)
    for title in padded:
        held |= ~np.isnan(columns[title][0].reshape(sweeps, samples))
    lengths = np.where(held.any(axis=1), samples - np.argmax(held[:, ::-1], axis=1), 0)
    if (lengths == samples).all():
        return columns, (samples,) * sweeps
    keep = (np.arange(samples) < lengths[:, None]).reshape(-1)
    return (
        {title: (values[keep], unit) for title, (values, unit) in columns.items()},
        tuple(int(length) for length in lengths if length),
    )


def _list(names: Mapping[str, NDArray] | list[str]) -> str:
    shown = [clean(name) for name in list(names)[:6]]
    return ", ".join(shown) + (", ..." if len(names) > 6 else "")
