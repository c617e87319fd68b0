"""The bundled example: a recording of a cell with less I_Kr, and what was found in it, stored.

`ionwidgets.discovery.example.make()` finds it again and stores it; a test does so and compares.
"""

from __future__ import annotations

from pathlib import Path

import xarray as xr

from ionwidgets.discovery.result import Result
from ionwidgets.discovery.result_file import load_result
from ionwidgets.models import load_model
from ionwidgets.recordings import read_recording

EXAMPLE = "drug.csv"
MODEL = "tnnp2004:M"
PREDICTED = (450.0, 700.0)  # ms
STORED = Path(__file__).with_name("examples") / "drug.safetensors"


def example_recording() -> xr.Dataset:
    """The bundled recording: three cycle lengths, V and Ca_i."""
    return read_recording(Path(__file__).parents[1] / "recordings" / "examples" / EXAMPLE)


def example_result() -> Result:
    """The stored finding of the bundled recording; nothing is trained."""
    return load_result(STORED, example_recording())


def make(path: Path = STORED) -> Result:
    """Find the change in the bundled recording anew, and store it at `path`."""
    from ionwidgets.discovery.pipeline import discover  # torch, which showing the stored finding does without

    result = discover(load_model(MODEL), example_recording(), predict_cl=PREDICTED)
    path.parent.mkdir(exist_ok=True)
    result.save(path)
    return result
