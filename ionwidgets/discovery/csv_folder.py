"""A result as a folder of CSV files, units in their headers, for whatever reads tables."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
import xarray as xr

from ionwidgets.discovery.late_apd90 import LAST
from ionwidgets.errors import IonWidgetsError
from ionwidgets.jobs.whole_file import whole_file
from ionwidgets.places import check_folder
from ionwidgets.recordings import write_recording

CURVE_STEP = 0.5  # mV between the points of a gate's curves

if TYPE_CHECKING:
    from ionwidgets.discovery.result import Result


def write_csv(result: Result, folder: str | Path, duration: float) -> Result:
    """Write `result`, and give it back with the predictions' files named in its finding.

    Every file is whole, old or new. See `Result.to_csv`.
    """
    folder = checked_folder(folder)
    in_mV = {name: f"{name} [mV]" for name in ("v_half_ci_low", "v_half_ci_high")}
    findings = result.findings.rename(columns={"v_half_shift_mV": "v_half_shift [mV]", **in_mV})
    write_table(findings, folder / "findings.csv")
    gates = result.gates()
    step = round(CURVE_STEP / float(gates["V"][1] - gates["V"][0]))
    write_table(_long(gates.isel(V=slice(None, None, step))), folder / "gates.csv")
    traces = [_long(trace, {"cycle_length": trace.attrs["cycle_length"]}) for trace in result.traces]
    write_table(pd.concat(traces), folder / "currents.csv")
    write_table(_long(_by_source(result.paced)), folder / "traces.csv")
    return _with_predictions(result, folder, duration)


def checked_folder(folder: str | Path) -> Path:
    """The folder, made where it was not there.

    Raises
    ------
    IonWidgetsError : a file is in its place, or it cannot be made.
    """
    folder = Path(folder)
    check_folder(folder)
    folder.mkdir(exist_ok=True)
    return folder


def write_table(table: pd.DataFrame, path: Path) -> None:
    """A table as CSV, whole or not at all.

    Raises
    ------
    IonWidgetsError : it cannot be written.
    """
    with _said(path), whole_file(path) as part:
        table.to_csv(part, index=False)


@contextmanager
def _said(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise IonWidgetsError(f"{path}: cannot be written ({error.strerror})") from None


def _with_predictions(result: Result, folder: Path, duration: float) -> Result:
    """The found model over the beats that the predicted APD90 is the mean of, a file a cycle length."""
    predictions: dict[str, dict[str, Any]] = result.finding["predictions"]
    if not predictions or result.verdict == "unexplained":
        return result
    named = {}
    paced = result.simulate(
        [float(length) for length in predictions], duration, record_from=max(0.0, duration - LAST),
        variables=list(result.model.observables),
    )  # fmt: skip
    for i, (length, prediction) in enumerate(predictions.items()):
        path = folder / f"prediction_{length}.csv"
        with _said(path), whole_file(path) as part:
            write_recording(paced.isel(cell=[i]), part)
        named[length] = {**prediction, "trace_csv": path.as_posix()}
    return replace(result, finding={**result.finding, "predictions": named})


def _by_source(paced: xr.Dataset) -> xr.Dataset:
    """A cell each by its source, with the cycle length as a number of its own."""
    lengths = paced["cycle_length"].values
    data = paced.drop_vars("cycle_length").swap_dims(cell="source")
    return data.assign(cycle_length=("source", lengths, {"units": "ms"}))


def _long(data: xr.Dataset, more: dict[str, float] | None = None) -> pd.DataFrame:
    """A row a value of the dimensions, a column a variable, units in the headers."""
    table = data.to_dataframe().reset_index()
    units = {str(name): str(data[name].attrs.get("units", "")) for name in table if name in data.variables}
    for name, value in (more or {}).items():
        table.insert(0, name, value)
        units[name] = "ms"
    first = [name for name in table if name == "cycle_length"]
    table = table[[*first, *[name for name in table if name not in first]]]
    return table.rename(columns={name: f"{name} [{unit}]" for name, unit in units.items() if unit})
