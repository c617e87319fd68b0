"""Packaged dashboards, served by Voila on this machine alone, and the Jupyter server extension."""

from __future__ import annotations

from ionwidgets.server.catalogue import DASHBOARDS, dashboard_path
from ionwidgets.server.launch import serve

__all__ = ["DASHBOARDS", "dashboard_path", "serve"]


def _jupyter_server_extension_points() -> list[dict[str, str]]:
    """Where Jupyter finds the extension."""
    return [{"module": "ionwidgets.server.extension"}]
