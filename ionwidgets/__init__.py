"""ionwidgets: which currents changed in this cell?

The public names are loaded when first used, so that ``import ionwidgets`` stays fast: neither torch, numba,
plotly nor ipywidgets is imported before something needs it.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from ionwidgets._version import __version__

_HOME = {
    "IonWidgetsError": "errors",
    "load_model": "models",
    "list_models": "models",
    "simulate": "simulation",
    "biomarkers": "recordings",
    "read_recording": "recordings",
    "write_recording": "recordings",
    "learn": "gnn",
    "retrain": "discovery",
    "discover": "discovery",
    "workbench": "widgets",
}
_ROOMS = ("models", "simulation", "recordings", "jobs", "gnn", "figures", "discovery", "widgets")

__all__ = [
    "__version__",
    "IonWidgetsError",
    "load_model",
    "list_models",
    "simulate",
    "biomarkers",
    "read_recording",
    "write_recording",
    "learn",
    "retrain",
    "discover",
    "workbench",
    "widgets",
]

if TYPE_CHECKING:
    from ionwidgets import widgets
    from ionwidgets.discovery import discover, retrain
    from ionwidgets.errors import IonWidgetsError
    from ionwidgets.gnn import learn
    from ionwidgets.models import list_models, load_model
    from ionwidgets.recordings import biomarkers, read_recording, write_recording
    from ionwidgets.simulation import simulate
    from ionwidgets.widgets import workbench


def __getattr__(name: str) -> Any:
    if name in _HOME:
        value = getattr(import_module(f"ionwidgets.{_HOME[name]}"), name)
    elif name in _ROOMS:
        value = import_module(f"ionwidgets.{name}")
    else:
        raise AttributeError(f"module 'ionwidgets' has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
