"""What a `Result` shows over time, as datasets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from ionwidgets.models import IonicModel

SOURCES = ("control", "altered")


def paced_traces(
    model: IonicModel,
    cycle_length: float,
    sources: Sequence[str],
    time: NDArray,
    values: Mapping[str, NDArray],
) -> xr.Dataset:
    """Observables (sources, T) of `model` paced at `cycle_length` as a Dataset, a cell each by `source`."""
    variables = {
        name: (("cell", "time"), array, {"units": model.units[name]}) for name, array in values.items()
    }
    lengths = np.full(len(sources), cycle_length)
    coords = {"source": ("cell", list(sources)), "cycle_length": ("cell", lengths, {"units": "ms"})}
    return xr.Dataset(variables, {**coords, "time": ("time", time, {"units": "ms"})})


def current_traces(
    model: IonicModel, cycle_length: float, time: NDArray, V: NDArray, currents: NDArray
) -> xr.Dataset:
    """Currents (2, currents, N) along a recorded beat as a Dataset."""
    names = [current.name for current in model.currents]
    variables = {name: (("source", "time"), currents[:, j], {"units": "A/F"}) for j, name in enumerate(names)}
    return xr.Dataset(
        {"V": ("time", V, {"units": "mV"}), **variables},
        {"source": list(SOURCES), "time": ("time", time, {"units": "ms"})},
        {"cycle_length": cycle_length},
    )
