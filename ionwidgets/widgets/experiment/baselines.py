"""Every library cell at control, stored, so that choosing one shows it before its kernel is compiled.

`make()` simulates them again and stores them; a test simulates them too, and compares.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ionwidgets.models import IonicModel, list_models, load_model
from ionwidgets.widgets.experiment.rhythm import rhythm_of
from ionwidgets.widgets.experiment.wave import Wave, simulate_wave

STORED = Path(__file__).with_name("baselines.npz")
_TRACES = ("time", "V", "Ca_i")


def stored_baseline(model: IonicModel, cycle_length: float) -> Wave | None:
    """The control of exactly these equations at this cycle length [ms], if it is stored."""
    arrays = _stored()
    name = f"{model.hash}/{cycle_length:g}"
    if f"{name}/V" not in arrays:
        return None
    time, V, Ca_i = arrays[f"{name}/time"], arrays[f"{name}/V"], arrays.get(f"{name}/Ca_i")
    return Wave(time, V, Ca_i, json.loads(str(arrays[f"{name}/biomarkers"])))


@cache
def _stored() -> dict[str, NDArray]:
    if not STORED.exists():
        return {}
    with np.load(STORED, allow_pickle=False) as file:
        return {name: file[name] for name in file.files}


def make(path: Path = STORED) -> None:
    """Simulate every baseline and store them at `path`."""
    arrays: dict[str, Any] = {}
    for key in (key for card in list_models() for key in card.keys):
        model = load_model(key)
        cycle_length = rhythm_of(model).cycle_length
        wave, name = simulate_wave(model, cycle_length, {}), f"{model.hash}/{cycle_length:g}"
        for trace, values in zip(_TRACES, (wave.time, wave.V, wave.Ca_i), strict=True):
            if values is not None:
                arrays[f"{name}/{trace}"] = np.asarray(values, dtype=np.float32)
        arrays[f"{name}/biomarkers"] = np.array(json.dumps(wave.biomarkers))
    np.savez_compressed(path, **arrays)
