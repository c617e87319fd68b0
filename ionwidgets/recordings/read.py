"""``read_recording``: a file of a cell's voltage as the Dataset of the simulations."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from ionwidgets.errors import RecordingError, unknown_name
from ionwidgets.recordings import formats
from ionwidgets.recordings.assemble import File, cells_of, convert, dataset_of, even_samples
from ionwidgets.recordings.columns import check_given, choose_columns
from ionwidgets.recordings.mend import KINDS
from ionwidgets.recordings.mend import mend as mended
from ionwidgets.recordings.side_by_side import side_by_side
from ionwidgets.recordings.table import Table
from ionwidgets.recordings.text_file import open_text
from ionwidgets.recordings.text_table import read_text
from ionwidgets.simulation.given import number, shown

EVEN = "even"
MENDS = (EVEN, *KINDS)


def read_recording(
    path: str | Path,
    *,
    columns: Mapping[str, int | str | Sequence[int | str]] | None = None,
    units: Mapping[str, str] | None = None,
    cycle_length: float | None = None,
    capacitance: float | None = None,
    mend: str | Sequence[str] | None = (),
    series: str | None = None,
    sampling_ms: float | None = None,
) -> xr.Dataset:
    """Read a recording from a file.

    Text: CSV, TSV and the like (gzip too), Axon's ATF. Others: Axon ABF 1 and 2, WinWCP, HEKA PatchMaster,
    NWB 2 (with ``pip install 'ionwidgets[nwb]'``), MATLAB to 7.3, NumPy's .npz and .npy, netCDF (that of a
    Dataset as this returns it, too), logs of Myokit. Of several sweeps each is a cell. Nothing in a file is
    ever run.

    The tidy form has the header ``cycle_length [ms],time [ms],V [mV],Ca_i [mM]``; Ca_i may be absent, `sweep`
    may stand for the cycle length, either observable may be in ``[a.u.]``. Titles such as ``Voltage (V)``,
    ``time_ms`` or ``Current (pA/pF)`` are understood, other columns passed over. Units come from `units`,
    else from the file, else from the numbers where only one unit makes sense (said in ``attrs["notes"]``),
    else this asks for them.

    Parameters
    ----------
    path : the file.
    columns : where the quantities time, V, Ca_i, I_inj, cycle_length and sweep stand, each by its title or
        its number from 0, as in ``{"time": 0, "V": "Voltage (V)"}``; the others go by their titles. Several
        for V, ``{"V": [1, 2, 3]}``, are sweeps that stand side by side, as are columns whose titles differ by
        their number alone.
    units : their units, as in ``{"time": "s", "V": "a.u."}``; they overrule the file's. I_inj in ``"-A/F"``
        or ``"-pA/pF"`` has its sign turned.
    cycle_length : ms at which every cell was paced, where the file does not say.
    capacitance : pF of the cell, which makes A/F of an injected current in pA or nA.
    mend : what is to be put right, as `faults` names it: "even", samples that do not come evenly (jitter, or
        gaps of up to 5 ms) are put on an even grid by straight lines; "flip", "blank", "smooth", "detrend" as
        `mend` does them.
    series : which of the series that a HEKA file holds, as its ``file_series`` lists them; the first that is
        complete and in current clamp when left out.
    sampling_ms : ms between samples, for a file without times, or with times of too few digits, which then
        are not read.

    Returns
    -------
    Dataset with dims ``cell, time``; coordinates ``time`` [ms] from 0 and, along ``cell``, ``cycle_length``
    [ms] (and ``sweep`` where the file has it); float64 variables ``V`` [mV or a.u.] and, where recorded,
    ``Ca_i`` [mM or a.u.] and ``I_inj`` [A/F], the current that the amplifier injected, with the sign of a
    membrane current: what depolarises is negative. Shorter cells are padded with NaN at the end. Where
    neither file nor `cycle_length` gives a cycle length it is the median interval between upstrokes, NaN with
    fewer than three, and the coordinate's ``origin`` attribute says "beats", not "file" or "given". The
    Dataset's attrs: ``source`` (file name), ``format``, ``sampling_ms``, ``notes`` (joined by "; "),
    ``choices`` (what the caller chose, as JSON), ``mended``, ``file_...`` (what else the file says); each
    variable's: ``column``, ``file_units``, ``units_from`` ("file", "given", or inferred from the "numbers").

    Raises
    ------
    RecordingError : one line with file, line and column, for anything that is not a clean recording.

    Examples
    --------
    The recordings of Lei et al. 2017 (no header), current clamp and a dye's, and of Clark et al. 2022
    (titles) need no word: ``read_recording("Well01.csv")["V"].attrs["units"]`` is "a.u.".
    """
    check_choices(cycle_length, capacitance, sampling_ms, mend)  # before a long file is read
    return read_table(
        open_table(Path(path), series), columns=columns, units=units, cycle_length=cycle_length,
        capacitance=capacitance, mend=mend, series=series, sampling_ms=sampling_ms,
    )  # fmt: skip


def check_choices(
    cycle_length: float | None,
    capacitance: float | None,
    sampling_ms: float | None,
    mend: str | Sequence[str] | None,
) -> list[str]:
    """Refuse what no file could be read with; the mends by name."""
    numbers = {"cycle_length": cycle_length, "capacitance": capacitance, "sampling_ms": sampling_ms}
    for name, value in numbers.items():
        if value is not None and not 0 < number(name, value) < np.inf:
            unit = "pF" if name == "capacitance" else "ms"
            raise RecordingError(f"{name} must be positive and finite, in {unit}; found {value}")
    names = [mend] if isinstance(mend, str) else [] if mend is None else mend
    if not isinstance(names, Sequence):
        raise RecordingError(f'mends are names, as in ["even"]; found {shown(mend)}')
    if unknown := [name for name in names if name not in MENDS]:
        raise RecordingError(unknown_name("mend", str(unknown[0]), list(MENDS)))
    return list(names)


def read_table(
    table: Table,
    *,
    columns: Mapping[str, int | str | Sequence[int | str]] | None = None,
    units: Mapping[str, str] | None = None,
    cycle_length: float | None = None,
    capacitance: float | None = None,
    mend: str | Sequence[str] | None = (),
    series: str | None = None,
    sampling_ms: float | None = None,
) -> xr.Dataset:
    """`read_recording` of a file that is open: with other choices it need not be opened again; `series`
    was chosen when it was."""
    mends = check_choices(cycle_length, capacitance, sampling_ms, mend)
    check_given(columns or {}, units or {})
    step = table.step if sampling_ms is None else float(sampling_ms)
    table, chosen_columns = side_by_side(table, columns or {}, step)
    chosen, notes = choose_columns(table, chosen_columns, units or {}, capacitance, step)
    raw = table.numbers(column.index for column in chosen.values())
    values = {name: raw[column.index] for name, column in chosen.items()}
    del raw
    file = File(table, chosen, values, step, frozenset(units or {}), notes=[*table.notes, *notes])
    convert(file, capacitance)
    cells = cells_of(file)
    step, traces = even_samples(file, cells, EVEN in mends)
    dataset = dataset_of(file, cells, step, traces, cycle_length)
    choices = {
        "columns": dict(columns or {}), "units": dict(units or {}), "cycle_length": cycle_length,
        "capacitance": capacitance, "mend": mends, "series": series, "sampling_ms": sampling_ms,
    }  # fmt: skip
    dataset = dataset.assign_attrs(
        source=table.file,
        format=table.kind,
        notes="; ".join(file.notes),
        choices=json.dumps({name: choice for name, choice in choices.items() if choice}, default=_plain),
        **{f"file_{name.replace(' ', '_')}": str(fact) for name, fact in table.facts.items()},
    )
    others = [name for name in mends if name != EVEN]
    return mended(dataset, others) if others else dataset


def _plain(value: Any) -> Any:
    """A number of NumPy's as Python's own."""
    return value.item()


def open_table(path: Path, series: str | None = None) -> Table:
    """The columns of a file, by the format that it is in."""
    return formats.open_table(path, series=series) or read_text(open_text(path))
