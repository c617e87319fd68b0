"""Discovery: what changed in the cell that was recorded, how much, how surely, and what happens next."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ionwidgets.discovery.example import example_recording, example_result
from ionwidgets.discovery.result import Result
from ionwidgets.discovery.result_file import load_result
from ionwidgets.discovery.results import Results

if TYPE_CHECKING:
    from ionwidgets.discovery.pipeline import discover, retrain

__all__ = ["Result", "Results", "discover", "example_recording", "example_result", "load_result", "retrain"]


def __getattr__(name: str) -> Any:
    # These bring torch, and a stored finding is shown without it.
    if name in ("discover", "retrain"):
        from ionwidgets.discovery import pipeline

        return getattr(pipeline, name)
    raise AttributeError(f"module 'ionwidgets.discovery' has no attribute {name!r}")
