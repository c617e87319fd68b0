"""Discovery: what changed in the cell that was recorded, how much, how surely, and what happens next."""

from ionwidgets.discovery.discover import discover, retrain
from ionwidgets.discovery.result import Result, load_result

__all__ = ["Result", "discover", "load_result", "retrain"]
