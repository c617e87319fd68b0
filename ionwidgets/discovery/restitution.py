"""APD90 against cycle length: as recorded, and of the model before and after the change, paced."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import xarray as xr

from ionwidgets.discovery.beat_apd90 import beat_apd90
from ionwidgets.discovery.late_apd90 import late_apd90
from ionwidgets.errors import SimulationError
from ionwidgets.recordings.capture import capture

if TYPE_CHECKING:
    from ionwidgets.discovery.result import Result

BELOW, ABOVE, POINTS = 0.75, 1.25, 14  # of the shortest and the longest recorded cycle length; cycle lengths
COLUMNS = ["source", "cycle_length", "APD90", "capture"]
FOLLOWS = ("1:1", "alternans")  # where the mean of APD90 means something


def around(recorded: Sequence[float]) -> list[float]:
    """Cycle lengths [ms] a little beyond those that were recorded, in whole tens."""
    low, high = BELOW * min(recorded), ABOVE * max(recorded)
    return sorted(set(np.round(np.linspace(low, high, POINTS), -1).tolist()))


def restitution_of(result: Result, cycle_lengths: Sequence[float], duration: float) -> pd.DataFrame:
    """As `Result.restitution`."""
    tables = [_recorded(result.traces)]
    amplitude, _ = result.stimulus or (result.model.stimulus.amplitude, None)
    if not amplitude:
        return tables[0]  # a cell that is given no stimulus follows none
    runs = {"control": replace(result, changes={}), "found": result}
    for source, cell in runs.items():
        if source == "control" or result.changes:
            paced = cell.simulate(cycle_lengths, duration, variables=[])
            tables.append(_table(source, paced, duration))
    try:
        neural = result.neural_ode(cycle_lengths, duration, variables=[])
        tables.append(_table("neural ODE", neural, duration))
    except SimulationError:
        pass  # gates that no experiment held in place need not make a cell that runs
    return pd.concat(tables, ignore_index=True)


def _table(source: str, paced: xr.Dataset, duration: float) -> pd.DataFrame:
    seen = capture(paced)
    apd90 = np.where(seen["capture"].isin(FOLLOWS), late_apd90(paced, duration), np.nan)
    return seen[["cycle_length", "capture"]].assign(source=source, APD90=apd90)[COLUMNS]


def _recorded(traces: Sequence[xr.Dataset]) -> pd.DataFrame:
    """Of the typical beats, which only cells that follow 1:1 have."""
    rows = [
        {
            "source": "recording",
            "cycle_length": float(trace.attrs["cycle_length"]),
            "APD90": beat_apd90(trace["V"].values, trace["time"].values),
            "capture": "1:1",
        }
        for trace in traces
    ]
    return pd.DataFrame(rows, columns=COLUMNS)
