"""The paper's three altered cells as recordings, and what was found in each, stored.

`python -m ionwidgets.discovery.paper_examples` records them and finds the changes again; a test compares.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

import xarray as xr

from ionwidgets.discovery.reproduction.experiments import EXPERIMENTS, MODEL
from ionwidgets.discovery.result import Result
from ionwidgets.discovery.result_file import load_result
from ionwidgets.errors import IonWidgetsError, unknown_name
from ionwidgets.models import load_model
from ionwidgets.recordings import read_recording, write_recording
from ionwidgets.simulation import simulate

CYCLE_LENGTHS: Final = (400.0, 600.0, 800.0)  # ms, at which all three follow 1:1
SECONDS: Final = (9000.0, 12_000.0)  # ms of pacing, as the paper uses 9 to 19 s of each cell
PREDICTED: Final = (500.0, 700.0)  # ms
_HERE: Final = Path(__file__)


def recording_path(key: str) -> Path:
    """The recording of an experiment: "long_qt", "short_qt" or "i_to"."""
    known = [e.key for e in EXPERIMENTS]
    if key not in known:
        raise IonWidgetsError(unknown_name("experiment", key, known))
    return _HERE.parents[1] / "recordings" / "examples" / f"{key}.csv"


def paper_recording(key: str) -> xr.Dataset:
    """V [mV] and Ca_i [mM] of the altered cell at three cycle lengths, 3 s each after 9 s of pacing."""
    return read_recording(recording_path(key))


def paper_result(key: str) -> Result:
    """The stored finding of that recording; nothing is trained."""
    return load_result(_stored(key), paper_recording(key))


def make(key: str) -> Result:
    """Record the altered cell anew, find its change, and store both."""
    from ionwidgets.discovery.pipeline import discover  # torch, which showing the stored finding does without

    model, (first, last) = load_model(MODEL), SECONDS
    scale = next(e.scale for e in EXPERIMENTS if e.key == key)
    cell = simulate(
        model, list(CYCLE_LENGTHS), last, scale=scale, variables=list(model.observables), sample=1.0,
        record_from=first,
    )  # fmt: skip
    write_recording(cell, recording_path(key))
    result = discover(model, paper_recording(key), predict_cl=PREDICTED)
    result.save(_stored(key))
    return result


def _stored(key: str) -> Path:
    return _HERE.with_name("examples") / f"{recording_path(key).stem}.safetensors"


if __name__ == "__main__":
    for experiment in EXPERIMENTS:
        made = make(experiment.key).finding
        print(experiment.full_title, made["verdict"], made["currents"][0])
