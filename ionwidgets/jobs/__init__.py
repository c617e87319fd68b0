"""Long work off the main thread, with progress, pause and stop."""

from ionwidgets.jobs.aside import aside
from ionwidgets.jobs.job import Cancelled, Control, Job, Snapshot

__all__ = ["Cancelled", "Control", "Job", "Snapshot", "aside"]
