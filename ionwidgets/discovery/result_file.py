"""A `Result` as one safetensors file, all but its recording."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import xarray as xr
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from ionwidgets.discovery.change import Change
from ionwidgets.discovery.conditions import Conditions
from ionwidgets.discovery.result import Result
from ionwidgets.discovery.shown_traces import current_traces, paced_traces
from ionwidgets.errors import IonWidgetsError
from ionwidgets.jobs.whole_file import whole_file
from ionwidgets.models import IonicModel, load_model
from ionwidgets.models.edit import edited
from ionwidgets.tensor_order import in_order

SCHEMA = "ionwidgets/result/1"


def save_result(result: Result, path: str | Path) -> None:
    """Write it, whole or not at all.

    Raises
    ------
    IonWidgetsError : `path` cannot be written.
    """
    arrays = {"h_inf": result.h_inf, "tau": result.tau}
    arrays |= {f"paced.{name}": result.paced[name].values for name in ("time", *result.paced.data_vars)}
    for i, trace in enumerate(result.traces):
        names = [name for name in trace.data_vars if name != "V"]
        arrays |= {f"{name}.{i}": trace[name].values for name in ("time", "V")}
        arrays[f"currents.{i}"] = np.stack([trace[name].values for name in names], 1)
    about = {
        "finding": result.finding,
        "model": result.model.key,
        "model_hash": result.model.hash,
        "changes": [[c.kind, c.target, value] for c, value in result.changes.items()],
        "scales": result.scales,
        "baseline": result.baseline,
        "stimulus": result.stimulus,
        "cycle_lengths": [float(trace.attrs["cycle_length"]) for trace in result.traces],
        "paced": [str(source) for source in result.paced["source"].values],
    }
    tensors = {name: np.ascontiguousarray(array, np.float32) for name, array in arrays.items()}
    try:
        with whole_file(path) as part:
            metadata = {"schema": SCHEMA, "about": json.dumps(about)}
            part.write_bytes(in_order(save(tensors, metadata=metadata)))
    except OSError as error:
        raise IonWidgetsError(f"{path}: the result cannot be written here ({error.strerror})") from None


def load_result(path: str | Path, recording: xr.Dataset, published: IonicModel | None = None) -> Result:
    """Read a saved result back, together with the recording that it was found in.

    `published` is the model that it was found with, where that is not one of the library's.

    Raises
    ------
    IonWidgetsError : no such file, no result of this package, or of other equations.
    """
    name = Path(path).name
    try:
        with safe_open(str(path), framework="numpy") as file:
            metadata = file.metadata() or {}
            tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118 (no mapping)
        if metadata.get("schema") != SCHEMA:
            raise IonWidgetsError(f"{name}: not a result of ionwidgets (schema {metadata.get('schema')!r})")
        about = json.loads(metadata["about"])
        where = Conditions.of(about["finding"].get("conditions"))
        published = published or load_model(about["model"])
        model, baseline = where.model(published), about.get("baseline", {})
        if baseline:
            model = edited(model, baseline, {}, {})
        if model.hash != about["model_hash"]:
            raise IonWidgetsError(f"{name}: was made with other equations of {model.key}; run discover again")
        traces = tuple(
            current_traces(model, length, *(tensors[f"{part}.{i}"] for part in ("time", "V", "currents")))
            for i, length in enumerate(about["cycle_lengths"])
        )
        paced = paced_traces(
            model, max(about["cycle_lengths"]), about["paced"], tensors["paced.time"],
            {name: tensors[f"paced.{name}"] for name in model.observables},
        )  # fmt: skip
        changes = {Change(kind, target): float(value) for kind, target, value in about["changes"]}
        return Result(
            model, where.recording(recording), about["finding"], changes,
            tensors["h_inf"].astype(float), tensors["tau"].astype(float), about["scales"], traces, paced,
            tuple(about["stimulus"]) if about.get("stimulus") else None, baseline,
        )  # fmt: skip
    except FileNotFoundError:
        raise IonWidgetsError(f"{path}: there is no such file") from None
    except (SafetensorError, OSError, KeyError, ValueError, TypeError) as error:
        raise IonWidgetsError(f"{name}: cannot be read as a result ({error})") from None
