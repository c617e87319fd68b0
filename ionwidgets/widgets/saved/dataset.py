"""A recording that came as a Dataset, and from no file, as safetensors: every value and attribute as it was.

netCDF would say the same, but what reads it (HDF5) is no thing to let loose in this process on a file that
anyone may have made, and `read_recording`, which does so in another one, reads the quantities that it knows.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any, Final

import numpy as np
import xarray as xr
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from ionwidgets.errors import IonWidgetsError

KINDS: Final = "fiub"  # of numbers that safetensors knows
COMPARED: Final = ("time", "cycle_length", "V", "Ca_i", "I_inj")


def save_dataset(dataset: xr.Dataset, path: Path) -> None:
    """Write its numbers and what is said of them; what is no number is left out."""
    kept = {
        str(name): variable for name, variable in dataset.variables.items() if variable.dtype.kind in KINDS
    }
    about = {
        "attrs": _plain(dataset.attrs),
        "coords": [name for name in kept if name in dataset.coords],
        "variables": {
            name: {"dims": list(variable.dims), "attrs": _plain(variable.attrs)}
            for name, variable in kept.items()
        },
    }
    arrays = {name: np.array(variable.values, order="C") for name, variable in kept.items()}
    path.write_bytes(save(arrays, metadata={"about": json.dumps(about, default=str)}))


def load_dataset(path: Path) -> xr.Dataset:
    """The Dataset back.

    Raises
    ------
    IonWidgetsError : it is none, or has no V of cells in time.
    """
    try:
        with safe_open(str(path), framework="numpy") as file:
            about = json.loads(file.metadata()["about"])
            arrays = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118 (no mapping)
        told = about["variables"]
        variables = {name: (tuple(told[name]["dims"]), arrays[name], told[name]["attrs"]) for name in told}
        coords = {name: variables.pop(name) for name in about["coords"]}
        dataset = xr.Dataset(variables, coords, about["attrs"])
        V, lengths, time = (dataset[name] for name in ("V", "cycle_length", "time"))
        sound = (V.dims, lengths.dims, time.dims) == (("cell", "time"), ("cell",), ("time",))
        if not sound or V.size == 0 or np.any(np.diff(time.values) <= 0):
            raise ValueError("no V of cells in time")
    except (SafetensorError, LookupError, ValueError, TypeError, AttributeError) as error:
        why = " ".join(str(error).split())[:160]
        raise IonWidgetsError(f"{path.name}: cannot be read as a recording ({why})") from None
    return dataset


def fingerprint(dataset: xr.Dataset) -> str:
    """The same for two recordings with the same values."""
    digest = hashlib.sha256()
    for name in COMPARED:
        if name in dataset.variables:
            values = np.asarray(dataset[name].values, float)
            digest.update(f"{name}{values.shape}".encode())
            digest.update(np.ascontiguousarray(values).tobytes())
    return digest.hexdigest()[:32]


def _plain(attrs: Any) -> Any:
    """Attributes as JSON has them."""
    return {str(name): _value(value) for name, value in attrs.items()}


def _value(value: Any) -> Any:
    return value.tolist() if isinstance(value, np.ndarray | np.generic) else value
