"""Packaged dashboards, served by Voila on this machine alone."""

from ionwidgets.dashboards.catalogue import DASHBOARDS, dashboard_path
from ionwidgets.dashboards.launch import serve

__all__ = ["DASHBOARDS", "dashboard_path", "serve"]
