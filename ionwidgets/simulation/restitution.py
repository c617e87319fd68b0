"""`restitution`: APD90 against the diastolic interval, of S1S2 and dynamic protocols."""

from __future__ import annotations

import numpy as np
import pandas as pd
import xarray as xr

from ionwidgets.errors import SimulationError
from ionwidgets.simulation.captured import captured
from ionwidgets.simulation.given import check_dataset


def restitution(dataset: xr.Dataset) -> pd.DataFrame:
    """APD90 against interval and DI: of every S2, or of the last beat at each cycle length.

    interval [ms] is the time between the beat's stimulus and the one before it, DI [ms] the time from 90 %
    repolarisation of the beat before to the beat's upstroke (maximum dV/dt), APD90 [ms] as in `biomarkers`;
    NaN where the beat before had not repolarised or this one does not, and where a stimulus did not capture
    (the rule is that of `capture`), for then there is no action potential to measure.

    Returns
    -------
    DataFrame with a row a beat: cell, what is swept beside the interval, interval, DI, APD90.

    Raises
    ------
    SimulationError : the dataset is not one of `S1S2` or `DynamicRestitution`.

    Examples
    --------
    >>> import ionwidgets as iw
    >>> data = iw.simulate(iw.load_model("tnnp2004"), protocol=iw.S1S2(s2=[300, 400, 600]), variables=[])
    >>> iw.restitution(data)[["interval", "DI", "APD90"]]
    """
    check_dataset("restitution", dataset)
    if "restitution_beats" not in dataset.attrs:
        raise SimulationError(
            "restitution is read from a simulation with protocol=S1S2 or DynamicRestitution"
        )
    stimulus = dataset["stimulus_time"].values
    beats = [
        captured(RMP, peak) for RMP, peak in zip(dataset["RMP"].values, dataset["peak"].values, strict=True)
    ]
    APD90 = np.where(beats, dataset["APD90"].values, np.nan)
    upstroke = np.where(beats, stimulus + dataset["upstroke_time"].values, np.nan)
    swept = [str(name) for name in dataset.coords if dataset[name].dims == ("cell",) and name != "s2"]
    rows = [
        {
            "cell": cell,
            **{name: dataset[name].values[cell] for name in swept},
            "interval": stimulus[cell, beat] - stimulus[cell, beat - 1],
            "DI": upstroke[cell, beat] - upstroke[cell, beat - 1] - APD90[cell, beat - 1],
            "APD90": APD90[cell, beat],
        }
        for cell in range(dataset.sizes["cell"])
        for beat in np.atleast_1d(dataset.attrs["restitution_beats"])
    ]
    return pd.DataFrame(rows)
