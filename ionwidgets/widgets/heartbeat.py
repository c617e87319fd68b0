"""A sign of life while work is under way, so that whoever ends idle kernels sees that this one is not.

A kernel whose job runs in a thread is idle to a Jupyter server, and one whose job is paused says nothing.
Messages to the page count as activity.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any, Final

from ionwidgets.widgets.session import Session

PERIOD: Final = 5.0  # s; servers wait for longer before they end a kernel


class Heartbeat:
    """Calls `beat` every `PERIOD` s while the session has activities, from a thread that ends with them."""

    def __init__(self, session: Session, beat: Callable[[], None]) -> None:
        self._session, self._beat = session, beat
        self._wake = threading.Event()
        self._thread: threading.Thread | None = None
        session.observe(self._follow, "activities")

    def _follow(self, _: Any) -> None:
        with self._session.lock:
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
            self._beat()
