"""A part of a job's progress."""

from __future__ import annotations

from typing import Any

from ionwidgets.jobs import Control


class Part:
    """A `Control` whose 0 to 1 is `start` to `end` of another's.

    Under a `name` of its own, if it has one, or with the name of the `which` before what it says.
    """

    def __init__(self, whole: Control, start: float, end: float, name: str = "", which: str = "") -> None:
        self._whole, self._start, self._end = whole, start, end
        self._name, self._which = name, f"{which}: " if which else ""

    def report(self, fraction: float, message: str, **facts: Any) -> None:
        """As `ionwidgets.jobs.Control` has it."""
        done = self._start + (self._end - self._start) * fraction
        self._whole.report(done, self._which + (self._name or message), **facts)
