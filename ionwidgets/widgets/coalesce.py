"""Work on the last value, and let those that came while it ran be skipped."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import Generic, TypeVar

A = TypeVar("A")

log = logging.getLogger(__name__)


class Latest(Generic[A]):
    """Call ``work(value)`` off the caller's thread, for the last value submitted; one call at a time.

    A slider sends values faster than a cell can be simulated: those between may be skipped, the last one
    never is. The thread ends when there is nothing left to do, so a closed panel holds none.
    """

    def __init__(self, work: Callable[[A], None]) -> None:
        self._work = work
        # Guards the fields below; notified when the thread has nothing left to do.
        self._idle = threading.Condition()
        self._waiting: list[A] = []
        self._running = False

    def submit(self, value: A) -> None:
        """Work on `value` as soon as the work under way is done; a value that waits is replaced."""
        with self._idle:
            self._waiting = [value]
            if self._running:
                return
            self._running = True
        try:
            threading.Thread(target=self._run, name="ionwidgets-latest", daemon=True).start()
        except RuntimeError:  # the system refuses a thread: the next value may find one
            with self._idle:
                self._waiting, self._running = [], False
                self._idle.notify_all()
            raise

    @property
    def waits(self) -> bool:
        """Whether a value waits for the work under way to be done."""
        with self._idle:
            return bool(self._waiting)

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until all is done, `timeout` s at most; True if it is."""
        with self._idle:
            return self._idle.wait_for(lambda: not self._running, timeout)

    def _run(self) -> None:
        while True:
            with self._idle:
                if not self._waiting:
                    self._running = False
                    self._idle.notify_all()
                    return
                value = self._waiting.pop()
            try:
                self._work(value)
            except Exception:
                # The work reports what a user can cause; what is left is a fault of ours, and must not end
                # the thread with a value still waiting.
                log.exception("live update failed")
