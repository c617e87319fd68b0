"""Many runs over Dask, on one machine or many: read plan, task, cluster, folder, sweep."""

from ionwidgets.discovery.sweep.sweep import sweep

__all__ = ["sweep"]
