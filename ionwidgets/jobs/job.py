"""A job: one function at work in a thread of its own, which can be watched, paused and stopped.

The work is a plain function that calls ``control.report(fraction, message, **facts)`` every 100 ms or so;
there it is held while paused, and there it is told to stop.  Everything else is read from `Job.snapshot`, one
frozen object.

States: idle -> running <-> paused, and from each of these by stop() -> stopping -> stopped; the work's own
end leads to done, an exception to failed.  stopped, done and failed are final: a job runs once.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, Literal, Protocol, TypeVar

T = TypeVar("T")
State = Literal["idle", "running", "paused", "stopping", "done", "stopped", "failed"]
FINAL: tuple[State, ...] = ("done", "stopped", "failed")

log = logging.getLogger(__name__)


class Cancelled(Exception):
    """Raised inside the work, by `Control.report`, once stop was asked."""


class Control(Protocol):
    """What the work holds of its job; anything with such a ``report`` will do, a printer say."""

    def report(self, fraction: float, message: str, **facts: Any) -> None:
        """Say how far the work is; return at once, after a pause, or never.

        Parameters
        ----------
        fraction : float
            How much is done, 0 to 1; values outside are cut off.
        message : str
            What is being done, for people.
        **facts
            Anything else to show (a loss, say); replaces the facts of the report before.

        Raises
        ------
        Cancelled
            Stop was asked.  Let it pass; or catch it and return what there is so far, and that is the value.
        """


@dataclass(frozen=True)
class Snapshot(Generic[T]):
    """A job at one moment.

    ``elapsed_s`` is the time at work, pauses not counted.  ``remaining_s`` extrapolates it from ``fraction``,
    and is None while nothing is known and when the job is over.  ``value`` is what the work returned: always
    when done, and when stopped if the work chose to return what it had.  ``exception`` is what the work
    raised, if failed.
    """

    state: State
    fraction: float
    message: str
    facts: dict[str, Any]
    value: T | None
    exception: BaseException | None
    elapsed_s: float
    remaining_s: float | None


class Job(Generic[T]):
    """Run ``work(control)`` in one daemon thread.

    Parameters
    ----------
    work : callable
        Takes a `Control` and returns the value.
    on_change : callable, optional
        Called with a `Snapshot` after every change: never twice at once, never out of order, with no lock
        held.  It runs in the thread that made the change.  Changes that come while it runs may be told as
        one; the last one is always told.  What it raises is logged, and does not touch the work.
    begin : float
        Where the fraction stands at the start, of work that goes on where an earlier job ended.
    """

    def __init__(
        self,
        work: Callable[[Control], T],
        *,
        on_change: Callable[[Snapshot[T]], None] | None = None,
        begin: float = 0.0,
    ) -> None:
        self._work = work
        self._on_change = on_change
        # Guards every field below; notified whenever one of them changes that a thread may be waiting for.
        self._changed = threading.Condition()
        self._state: State = "idle"
        self._begin = self._fraction = begin
        self._message = ""
        self._facts: dict[str, Any] = {}
        self._value: T | None = None
        self._exception: BaseException | None = None
        self._clock = _Clock()
        self._reported_at = 0.0
        self._telling = False
        self._untold = False

    def start(self) -> None:
        """Start the thread.  After a stop() this does nothing; otherwise RuntimeError the second time."""
        with self._changed:
            # Stop may be pressed before start gets here: then the job is over already, and all is well.
            if self._state == "stopped":
                return
            if self._state != "idle":
                raise RuntimeError(f"a job starts once, and this one is {self._state}: make a new Job")
            # First the thread, which waits for this lock: where the system refuses one, the job stays idle.
            threading.Thread(target=self._run, name="ionwidgets-job", daemon=True).start()
            self._clock.run()
            self._note("running")
        self._tell()

    def pause(self) -> None:
        """Hold the work at its next report.  Does nothing unless running: it may end as one presses."""
        self._move(("running",), "paused")

    def resume(self) -> None:
        """Let a paused job go on.  Does nothing unless paused."""
        self._move(("paused",), "running")

    def stop(self) -> None:
        """Stop at the next report, or at once if held in a pause.  Any number of times, from any thread."""
        if not self._move(("idle",), "stopped"):
            self._move(("running", "paused"), "stopping")

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until the job is over, ``timeout`` s at most; True if so.  on_change may hear of it later."""
        with self._changed:
            return self._changed.wait_for(lambda: self._state in FINAL, timeout)

    @property
    def snapshot(self) -> Snapshot[T]:
        """The job at this moment."""
        with self._changed:
            return self._take()

    def _take(self) -> Snapshot[T]:
        elapsed = self._clock.read()
        remaining = None
        if self._state in ("running", "paused") and self._fraction > self._begin:
            # Counts down between reports, rather than growing with the time since the last one.
            at_report = self._reported_at * (1 - self._fraction) / (self._fraction - self._begin)
            remaining = max(0.0, at_report - (elapsed - self._reported_at))
        return Snapshot(
            state=self._state,
            fraction=self._fraction,
            message=self._message,
            facts=dict(self._facts),
            value=self._value,
            exception=self._exception,
            elapsed_s=elapsed,
            remaining_s=remaining,
        )

    def _move(self, sources: tuple[State, ...], target: State) -> bool:
        # Looking and changing under one lock: of two threads that press at once, the second sees it done.
        with self._changed:
            if self._state not in sources:
                return False
            self._note(target)
        self._tell()
        return True

    def _note(self, state: State) -> None:
        self._state = state
        self._untold = True
        self._changed.notify_all()

    def _tell(self) -> None:
        """Call on_change, unless some thread (this one, even) is at it: then that call tells this too."""
        on_change = self._on_change
        if on_change is None:
            return
        with self._changed:
            if self._telling:
                return
            self._telling = True
        try:
            while True:
                with self._changed:
                    if not self._untold:
                        # Given up in one step with the look: the next change finds nobody telling.
                        self._telling = False
                        self._changed.notify_all()
                        return
                    self._untold = False
                    snapshot = self._take()
                try:
                    on_change(snapshot)
                except Exception:
                    log.exception("on_change of a job failed; the work goes on")
        except BaseException:
            # A keyboard interrupt in on_change ends this telling, not all that would follow.
            with self._changed:
                self._telling = False
                self._changed.notify_all()
            raise

    def _tell_in_turn(self) -> None:
        """`_tell` from the work: waits while another thread is telling.

        Or else work that reports faster than on_change can show would keep a button's thread at it.
        """
        with self._changed:
            self._changed.wait_for(lambda: not self._telling)
        self._tell()

    def _report(self, fraction: float, message: str, facts: dict[str, Any]) -> None:
        with self._changed:
            self._go_on()
            self._fraction = min(1.0, max(0.0, fraction))
            self._message = message
            self._facts = facts
            self._reported_at = self._clock.read()
            self._untold = True
        self._tell_in_turn()
        with self._changed:
            # pause or stop may have come meanwhile, even from on_change: answered now, not a report later.
            if self._state == "paused":
                self._clock.hold()
                self._changed.wait_for(lambda: self._state != "paused")
                self._clock.run()
            self._go_on()

    def _go_on(self) -> None:
        # A final state is met by a helper thread that outlived the work: it must not write into the result.
        if self._state == "stopping" or self._state in FINAL:
            raise Cancelled("the job was stopped")

    def _run(self) -> None:
        value: T | None = None
        exception: BaseException | None = None
        cancelled = False
        try:
            with self._changed:
                self._go_on()  # stop may have come before this thread did
            value = self._work(_JobControl(self))
        except Cancelled as error:
            cancelled = True
            exception = error
        except BaseException as error:  # SystemExit too: whoever waits must hear that the thread has ended
            exception = error
        with self._changed:
            # Stop asked as the work ends: whichever took the lock first counts.
            stopped = self._state == "stopping"
            if stopped and (cancelled or exception is None):
                final: State = "stopped"
                exception = None
            elif exception is not None:
                final = "failed"
            else:
                final = "done"
                self._fraction = 1.0
            self._value, self._exception = value, exception
            self._clock.hold()
            self._note(final)
        self._tell_in_turn()


class _JobControl:
    def __init__(self, job: Job[Any]) -> None:
        self._job = job

    def report(self, fraction: float, message: str, **facts: Any) -> None:
        self._job._report(fraction, message, facts)


class _Clock:
    """Seconds at work."""

    def __init__(self) -> None:
        self._before = 0.0
        self._since: float | None = None

    def run(self) -> None:
        if self._since is None:
            self._since = time.monotonic()

    def hold(self) -> None:
        self._before, self._since = self.read(), None

    def read(self) -> float:
        return self._before + (0.0 if self._since is None else time.monotonic() - self._since)
