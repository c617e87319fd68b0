"""The state of a panel that runs a job: its buttons, what is in their way, and how the job goes."""

from __future__ import annotations

import logging
import time
from typing import Any

from traitlets import Bool, Unicode
from traitlets import Tuple as TupleTrait

from ionwidgets.errors import IonWidgetsError
from ionwidgets.jobs import Control, Job, Snapshot
from ionwidgets.jobs.job import FINAL
from ionwidgets.widgets.listening import Listening
from ionwidgets.widgets.reference import Reference
from ionwidgets.widgets.session import Session
from ionwidgets.widgets.words import duration

TOLD_EVERY = 0.2  # s

log = logging.getLogger(__name__)


class TaskState(Listening):
    """One job at a time, told in traits; subclasses say what the work is and what its value is for.

    `phase` is the state of the last job ("idle" before the first); `blockers` are the reasons why none can
    start, in words; `outcome` says how the last one ended.
    """

    phase = Unicode("idle")
    busy = Bool(False)
    blockers = TupleTrait()
    outcome = Unicode("")
    facts = Reference({})

    key = "task"  # of the session's activities
    doing = "Working"  # "Training", for the status line
    subject = "The work"  # "The training", for the outcome

    def __init__(self, session: Session, **traits: Any) -> None:
        super().__init__(**traits)
        self.session = session
        self._job: Job[Any] | None = None
        self._told, self._told_at = ("", ""), float("-inf")

    def work(self, control: Control) -> Any:
        """What the job does, off the main thread."""
        raise NotImplementedError

    def accept(self, value: Any) -> str:
        """Take what the job returned, under the lock; how it ended, in words."""
        raise NotImplementedError

    def begin(self) -> float:
        """How much is done when the job starts."""
        return 0.0

    def kept(self) -> str:
        """What remains in use after a job that was stopped or failed."""
        return ""

    def start(self) -> None:
        """Start the job, unless something is in the way."""
        with self.session.lock:
            if self.blockers or self.busy:
                return
            job: Job[Any] = Job(
                self.work, on_change=lambda snapshot: self._follow(job, snapshot), begin=self.begin()
            )
            self._job = job
            try:
                self.outcome, self.facts, self._told = "", {}, ("", "")
                self.busy = True
                job.start()
            except Exception as error:  # of an observer, or of the system, which may refuse a thread
                self._job = None
                outcome = self._failed(error)
                self._end("failed", outcome, outcome)

    def toggle_pause(self) -> None:
        """Pause a running job, resume a paused one."""
        job = self._job
        if job is not None:
            (job.resume if job.snapshot.state == "paused" else job.pause)()

    def stop(self) -> None:
        """Stop the job; any number of times."""
        job = self._job
        if job is not None:
            job.stop()

    def abandon(self) -> None:
        """Stop the job and want nothing more of it: the model or the recording that it worked on is gone."""
        with self.session.lock:
            job, self._job = self._job, None
            self.phase, self.busy, self.outcome, self.facts = "idle", False, "", {}
            self.session.end(self.key)
        if job is not None:
            job.stop()

    def close(self) -> None:
        """Hear of nothing any more, and so want nothing of work under way either."""
        super().close()
        if self.busy:
            self.abandon()

    def wait(self, timeout: float | None = None) -> bool:
        """Wait for the job's end; True if there is none under way."""
        job = self._job
        return job is None or job.wait(timeout)

    def _follow(self, job: Job[Any], snapshot: Snapshot[Any]) -> None:
        with self.session.lock:
            if job is not self._job:
                return
            if snapshot.state in FINAL:
                self._finish(snapshot)
            else:
                self.facts = snapshot.facts
                # A page that is told more often than it can draw answers no button any more.
                what = snapshot.state, snapshot.message
                if what != self._told or time.monotonic() - self._told_at >= TOLD_EVERY:
                    self._told, self._told_at = what, time.monotonic()
                    self.session.begin(self.key, self._progress(snapshot), snapshot.fraction)
                self.phase = snapshot.state

    def _progress(self, snapshot: Snapshot[Any]) -> str:
        if snapshot.state == "stopping":
            return "Stopping…"
        parts = [f"{self.doing} {100 * snapshot.fraction:.0f} %"]
        if snapshot.state == "paused":
            parts = [f"{self.doing} is paused at {100 * snapshot.fraction:.0f} %"]
        elif snapshot.remaining_s is not None:
            parts.append(f"about {duration(snapshot.remaining_s)} left")
        if snapshot.message:
            parts.append(snapshot.message)
        return " · ".join(parts)

    def _finish(self, snapshot: Snapshot[Any]) -> None:
        state, outcome, trouble = str(snapshot.state), "", ""
        try:
            self.facts = snapshot.facts
            if state == "stopped" and snapshot.value is not None:
                state = "done"  # the stop came too late
            if state == "done":
                outcome = self.accept(snapshot.value)
            elif state == "stopped":
                after = duration(snapshot.elapsed_s)
                outcome = f"{self.subject} was stopped after {after}. {self.kept()}".strip()
            else:
                outcome = trouble = self._failed(snapshot.exception)
        except Exception as error:  # of whoever observes what was accepted; the panel must not stay busy
            state, outcome = "failed", self._failed(error)
            trouble = outcome
        finally:
            self._end(state, outcome, trouble)

    def _end(self, state: str, outcome: str, trouble: str) -> None:
        try:
            self.session.end(self.key, notice=outcome, trouble=trouble)
        finally:
            with self.hold_trait_notifications():
                self.outcome, self.busy, self.phase = outcome, False, state

    def _failed(self, error: BaseException | None) -> str:
        return f"{self.subject} failed: {reason(error)}. {self.kept()}".strip()


def reason(error: BaseException | None) -> str:
    """Why something failed, as the end of a sentence; what is no fault of the user's is logged too."""
    if isinstance(error, IonWidgetsError):
        return str(error).rstrip(".")
    log.error("a job failed", exc_info=error)
    if isinstance(error, MemoryError):
        return "the memory is full; close other work in this kernel, or ask for less at once"
    told = f"{type(error).__name__}: {error}".rstrip(".")
    return f"an error of ours ({told}); start again, and report it if it comes back"
