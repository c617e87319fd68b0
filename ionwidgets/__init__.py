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
    "Pacing": "simulation",
    "S1S2": "simulation",
    "DynamicRestitution": "simulation",
    "VoltageClamp": "simulation",
    "CurrentClamp": "simulation",
    "Drug": "simulation",
    "iv_curve": "simulation",
    "boltzmann": "simulation",
    "restitution": "simulation",
    "fi_curve": "simulation",
    "spikes": "simulation",
    "biomarkers": "recordings",
    "capture": "recordings",
    "read_recording": "recordings",
    "write_recording": "recordings",
    "learn": "gnn",
    "retrain": "discovery",
    "discover": "discovery",
    "workbench": "widgets",
    "_jupyter_server_extension_points": "server",  # Jupyter knows the extension by the package's name
}
_ROOMS = ("models", "simulation", "recordings", "jobs", "gnn", "figures", "discovery", "widgets")

__all__ = [
    "__version__",
    "IonWidgetsError",
    "load_model",
    "list_models",
    "simulate",
    "Pacing",
    "S1S2",
    "DynamicRestitution",
    "VoltageClamp",
    "CurrentClamp",
    "Drug",
    "iv_curve",
    "boltzmann",
    "restitution",
    "fi_curve",
    "spikes",
    "biomarkers",
    "capture",
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
    from ionwidgets.recordings import biomarkers, capture, read_recording, write_recording
    from ionwidgets.simulation import (
        S1S2,
        CurrentClamp,
        Drug,
        DynamicRestitution,
        Pacing,
        VoltageClamp,
        boltzmann,
        fi_curve,
        iv_curve,
        restitution,
        simulate,
        spikes,
    )
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
