"""Packaged dashboards, served by Voila on this machine alone."""

from ionwidgets.server.catalogue import DASHBOARDS, dashboard_path
from ionwidgets.server.launch import serve

__all__ = ["DASHBOARDS", "dashboard_path", "serve"]
