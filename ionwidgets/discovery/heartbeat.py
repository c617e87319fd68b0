"""Progress of work in stages, some of them in threads: said often enough to stop at once, never too often."""

from __future__ import annotations

import threading
import time
from typing import Any

from ionwidgets.jobs import Control

PERIOD = 0.05  # s


class Heartbeat:
    """Reports to a `Control`, if there is one; `alive` may be called from any thread, at any rate."""

    def __init__(self, control: Control | None) -> None:
        self._control = control
        self._lock = threading.Lock()  # `alive` comes from every thread of a sweep
        self._last = 0.0
        self._said: tuple[float, str, dict[str, Any]] = (0.0, "", {})

    def report(self, fraction: float, message: str, **facts: Any) -> None:
        """Say how far the work is; raises `Cancelled` once stop was asked."""
        with self._lock:
            self._said, self._last = (fraction, message, facts), time.monotonic()
        if self._control is not None:
            self._control.report(fraction, message, **facts)

    def alive(self) -> None:
        """Repeat what was said last, if that was a while ago: the chance to be stopped."""
        with self._lock:
            if time.monotonic() - self._last < PERIOD:
                return
            self._last = time.monotonic()
            fraction, message, facts = self._said
        if self._control is not None:
            self._control.report(fraction, message, **facts)


class Alive:
    """A `Control` for work of which only that it goes on is said: the chance to be stopped."""

    def __init__(self, heartbeat: Heartbeat) -> None:
        self._heartbeat = heartbeat

    def report(self, fraction: float, message: str, **facts: Any) -> None:
        self._heartbeat.alive()


class Stage:
    """A `Control` for one stage of the work: its 0 to 1 is from `start` to `end` of the whole."""

    def __init__(self, whole: Control, start: float, end: float) -> None:
        self._whole, self._start, self._end = whole, start, end

    def report(self, fraction: float, message: str, **facts: Any) -> None:
        self._whole.report(self._start + (self._end - self._start) * fraction, message, **facts)
