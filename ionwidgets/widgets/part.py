"""A part of a job's progress."""

from __future__ import annotations

from typing import Any

from ionwidgets.jobs import Control


class Part:
    """A `Control` whose 0 to 1 is `start` to `end` of another's; under a `name` of its own, if it has one."""

    def __init__(self, whole: Control, start: float, end: float, name: str = "") -> None:
        self._whole, self._start, self._end, self._name = whole, start, end, name

    def report(self, fraction: float, message: str, **facts: Any) -> None:
        """As `ionwidgets.jobs.Control` has it."""
        done = self._start + (self._end - self._start) * fraction
        self._whole.report(done, self._name or message, **facts)
