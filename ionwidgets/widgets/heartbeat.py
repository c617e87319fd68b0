"""A sign of life while work is under way, so that whoever ends idle kernels sees that this one is not.

A kernel whose job runs in a thread is idle to a Jupyter server, and one whose job is paused says nothing.
Messages to the page count as activity. They have an end: a job that was paused and whose page is gone would
keep its kernel, and so its memory, for as long as the server runs. Its checkpoint is on the disk.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any, Final

from ionwidgets.widgets.session import Session

PERIOD: Final = 5.0  # s; servers wait for longer before they end a kernel

SPARED: Final = 8 * 3600.0  # s in which nothing goes on with what is under way: it is paused, and left


class Heartbeat:
    """Calls `beat` every `PERIOD` s while the session has activities, from a thread that ends with them; not
    any more once they have stood still for `SPARED` s, until they move again.
    """

    def __init__(self, session: Session, beat: Callable[[], None]) -> None:
        self._session, self._beat = session, beat
        self._wake = threading.Event()
        self._thread: threading.Thread | None = None
        self._moved = time.monotonic()
        session.observe(self._follow, "activities")

    def _follow(self, _: Any) -> None:
        with self._session.lock:
            self._moved = time.monotonic()
            if not self._session.activities:
                self._wake.set()
            elif self._thread is None:
                self._wake.clear()
                self._thread = threading.Thread(target=self._run, name="ionwidgets-heartbeat", daemon=True)
                self._thread.start()

    def _run(self) -> None:
        while True:
            self._wake.wait(PERIOD)
            with self._session.lock:
                if not self._session.activities:
                    self._thread = None
                    return
                self._wake.clear()
                still = time.monotonic() - self._moved
            if still < SPARED:
                self._beat()
