"""A recording in words, for the command line."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import xarray as xr

from ionwidgets.recordings.biomarkers import biomarkers
from ionwidgets.recordings.faults import Fault, alike, faults
from ionwidgets.recordings.upstrokes import beats_of


def describe(recording: xr.Dataset) -> str:
    """Units, sampling, duration, beats, biomarkers, warnings with their mends, and notes of a recording."""
    time = recording["time"].values
    cells, kind = recording.sizes["cell"], recording.attrs.get("format")
    lines = [
        f"{recording.attrs.get('source', 'recording')}: {cells} cell{'s' if cells != 1 else ''}"
        + (f", {kind}" if kind else ""),
        f"  sampled every {np.diff(time).mean():g} ms",
    ]
    lines += [_of_variable(str(name), variable) for name, variable in recording.data_vars.items()]
    table = biomarkers(recording)
    for cell, length in enumerate(recording["cycle_length"].values):
        V = recording["V"].values[cell]
        last = time[np.flatnonzero(np.isfinite(V))[-1]]
        unit = recording["V"].attrs.get("units", "")
        paced = f"cycle length {length:g} ms" if np.isfinite(length) else "cycle length not known"
        beats = beats_of(recording, cell).size
        lines.append(
            f"  cell {cell}: {last - time[0]:g} ms, {paced}, {beats} beat{'s' * (beats != 1)}, "
            f"V {np.nanmin(V):.4g} to {np.nanmax(V):.4g} {unit}"
        )
        of_cell = table[table["cell"] == cell]
        if of_cell["APD90"].notna().any():
            middle = of_cell.median(numeric_only=True)
            lines.append(
                f"    median of the beats: APD90 {middle['APD90']:.1f} ms, APD50 {middle['APD50']:.1f} ms, "
                f"RMP {middle['RMP']:.4g} {unit}, peak {middle['peak']:.4g} {unit}"
            )
    found = alike(faults(recording))
    lines += [*(["  warnings:"] if found else []), *(f"    {in_words(*one)}" for one in found)]
    for name, attribute in recording.attrs.items():
        told = str(name).removeprefix("file_") if str(name).startswith("file_") else None
        lines += [f"  {told}: {attribute}"] if told else []
    for name in ("choices", "mended", "notes"):
        told = recording.attrs.get(name)
        lines += [f"  {name}: {told}"] if told and told != "{}" else []
    return "\n".join(lines)


def _of_variable(name: str, variable: xr.DataArray) -> str:
    """Its unit, and where in the file it comes from."""
    attrs = variable.attrs
    line = f"  {name} in {attrs.get('units', '?')}"
    if "column" not in attrs:
        return line
    how = {"file": "as the file says", "given": "as you gave it", "numbers": "by its numbers"}
    unit = attrs.get("given_units") or attrs["file_units"] or attrs["units"]
    return f"{line}: column {attrs['column']!r}, {unit} {how.get(attrs['units_from'], '')}"


def in_words(fault: Fault, cells: Sequence[int]) -> str:
    """A fault of some cells in one line, with the mend that helps."""
    helps = f'; mend=["{fault.mend}"] helps' if fault.mend else ""
    named = f"cell{'s' if len(cells) > 1 else ''} {', '.join(map(str, cells))}"
    return f"{named}, {fault.variable}, {fault.kind}: {fault.words}{helps}"
