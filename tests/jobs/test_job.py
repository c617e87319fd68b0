"""A job's states, its answers to pause and stop, and the order in which changes are told."""

from __future__ import annotations

import dataclasses
import gc
import logging
import threading
import time
import weakref
from collections.abc import Callable

import pytest

from ionwidgets.jobs import Cancelled, Control, Job, Snapshot

DEADLINE = 20.0  # s; far more than anything here takes


class Gate:
    """Lets the work through one report at a time, so that a test knows where it stands."""

    def __init__(self) -> None:
        self.steps = threading.Semaphore(0)
        self.reported = threading.Semaphore(0)

    def work(self, control: Control) -> str:
        for i in range(1, 11):
            assert self.steps.acquire(timeout=DEADLINE)
            try:
                control.report(i / 10, f"step {i}", loss=1 / i)
            finally:
                self.reported.release()
        return "finished"

    def step(self, n: int = 1) -> None:
        for _ in range(n):
            self.steps.release()
            assert self.reported.acquire(timeout=DEADLINE)


def busy(control: Control) -> None:
    """Work that reports for ever, as fast as it can be told to stop."""
    tick = threading.Event()
    while True:
        control.report(0.5, "busy")
        tick.wait(0.001)


def eventually(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + DEADLINE
    tick = threading.Event()
    while not condition():
        assert time.monotonic() < end, "the deadline passed"
        tick.wait(0.002)


@pytest.fixture
def gate():
    return Gate()


def test_from_idle_to_done(gate):
    job = Job(gate.work)
    assert job.snapshot == Snapshot("idle", 0.0, "", {}, None, None, 0.0, None)
    job.start()
    assert job.snapshot.state == "running"
    gate.step(3)
    snapshot = job.snapshot
    assert (snapshot.fraction, snapshot.message, snapshot.facts) == (0.3, "step 3", {"loss": 1 / 3})
    gate.step(7)
    assert job.wait(DEADLINE)
    snapshot = job.snapshot
    assert (snapshot.state, snapshot.fraction, snapshot.value) == ("done", 1.0, "finished")
    assert snapshot.exception is None
    assert snapshot.remaining_s is None
    assert job.snapshot.elapsed_s == snapshot.elapsed_s


def test_a_snapshot_is_frozen_and_its_own(gate):
    job = Job(gate.work)
    job.start()
    gate.step()
    snapshot = job.snapshot
    with pytest.raises(dataclasses.FrozenInstanceError):
        snapshot.state = "done"
    snapshot.facts["loss"] = None
    assert job.snapshot.facts == {"loss": 1.0}
    job.stop()
    gate.step()


def test_pause_holds_the_work_and_resume_lets_it_go_on(gate):
    job = Job(gate.work)
    job.start()
    gate.step()
    job.pause()
    assert job.snapshot.state == "paused"
    gate.steps.release()
    eventually(lambda: job.snapshot.message == "step 2")
    assert not gate.reported.acquire(timeout=0.05)
    job.resume()
    assert gate.reported.acquire(timeout=DEADLINE)
    assert job.snapshot.state == "running"
    gate.step(8)
    assert job.wait(DEADLINE)
    assert job.snapshot.state == "done"


def test_time_held_in_a_pause_does_not_count(gate):
    job = Job(gate.work)
    job.start()
    gate.step()
    job.pause()
    gate.steps.release()
    eventually(lambda: job._clock._since is None)
    before = job.snapshot.elapsed_s
    threading.Event().wait(0.05)
    assert job.snapshot.elapsed_s == before
    job.stop()


def test_remaining_time_is_extrapolated_and_counts_down(gate):
    job = Job(gate.work)
    job.start()
    assert job.snapshot.remaining_s is None
    threading.Event().wait(0.1)
    gate.step(5)
    first = job.snapshot
    assert first.remaining_s == pytest.approx(2 * job._reported_at - first.elapsed_s, abs=1e-9)
    eventually(lambda: job.snapshot.remaining_s == 0)
    job.stop()
    gate.step()
    assert job.wait(DEADLINE)


@pytest.mark.parametrize("paused", [False, True])
def test_stop_is_answered_within_200_ms(paused):
    job = Job(busy)
    job.start()
    eventually(lambda: job.snapshot.message == "busy")
    if paused:
        job.pause()
        eventually(lambda: job._clock._since is None)
    start = time.monotonic()
    job.stop()
    assert job.wait(DEADLINE)
    assert time.monotonic() - start < 0.2
    assert job.snapshot.state == "stopped"
    assert job.snapshot.exception is None


def test_stop_any_number_of_times(gate):
    job = Job(gate.work)
    job.start()
    gate.step()
    job.stop()
    job.stop()
    assert job.snapshot.state == "stopping"
    job.pause()
    job.resume()
    assert job.snapshot.state == "stopping"
    gate.step()
    assert job.wait(DEADLINE)
    job.stop()
    job.pause()
    assert job.snapshot.state == "stopped"


def test_stop_before_start_leaves_nothing_to_do():
    calls = []
    job = Job(calls.append)
    job.stop()
    assert job.wait(0)
    job.start()
    assert job.snapshot.state == "stopped"
    assert calls == []


def test_stop_from_on_change_at_the_start_runs_no_work():
    calls = []
    job = Job(calls.append, on_change=lambda snapshot: job.stop() if snapshot.state == "running" else None)
    hold = job._changed
    with hold:  # the thread cannot get past its first look before stop has come
        job.start()
    assert job.wait(DEADLINE)
    assert job.snapshot.state == "stopped"
    assert calls == []


def test_work_may_answer_a_stop_with_what_it_has():
    def work(control: Control) -> str:
        try:
            busy(control)
        except Cancelled:
            return "so far"

    job = Job(work)
    job.start()
    job.stop()
    assert job.wait(DEADLINE)
    # Stopped before the work began, there is nothing yet; else there is.
    assert job.snapshot.state == "stopped"
    assert job.snapshot.value in (None, "so far")


def test_a_job_starts_once(gate):
    job = Job(gate.work)
    job.start()
    with pytest.raises(RuntimeError, match="this one is running"):
        job.start()
    gate.step()
    job.stop()
    gate.steps.release()
    assert job.wait(DEADLINE)


@pytest.mark.parametrize("error", [ValueError("no"), SystemExit(3), Cancelled("nobody asked")])
def test_an_exception_is_kept(error):
    def work(control: Control) -> None:
        control.report(0.25, "so far so good")
        raise error

    job = Job(work)
    job.start()
    assert job.wait(DEADLINE)
    snapshot = job.snapshot
    assert (snapshot.state, snapshot.exception, snapshot.fraction) == ("failed", error, 0.25)


def test_an_error_while_stopping_is_not_hidden():
    def work(control: Control) -> None:
        try:
            busy(control)
        except Cancelled:
            raise ValueError("could not tidy up") from None

    job = Job(work)
    job.start()
    eventually(lambda: job.snapshot.message == "busy")
    job.stop()
    assert job.wait(DEADLINE)
    assert job.snapshot.state == "failed"
    assert isinstance(job.snapshot.exception, ValueError)


def test_a_straggler_does_not_write_into_the_result():
    kept: list[Control] = []
    job = Job(kept.append)
    job.start()
    assert job.wait(DEADLINE)
    with pytest.raises(Cancelled):
        kept[0].report(0.5, "still here")
    assert job.snapshot.message == ""


@pytest.mark.parametrize(("given", "shown"), [(-1, 0), (1.5, 1), (float("nan"), 0)])
def test_fractions_are_cut_off(given, shown):
    seen = []
    job = Job(lambda control: control.report(given, "odd"), on_change=lambda s: seen.append(s))
    job.start()
    assert job.wait(DEADLINE)
    assert [s.fraction for s in seen if s.message == "odd" and s.state == "running"] in ([], [shown])
    assert all(0 <= s.fraction <= 1 for s in seen)


def test_changes_are_told_in_order_never_twice_at_once_and_without_the_lock():
    told: list[Snapshot[None]] = []
    inside = threading.Semaphore(1)

    def on_change(snapshot: Snapshot[None]) -> None:
        assert inside.acquire(blocking=False), "told twice at once"
        free = threading.Thread(target=lambda: job.snapshot)
        free.start()
        free.join(DEADLINE)
        assert not free.is_alive(), "the lock is held"
        told.append(snapshot)
        inside.release()

    job = Job(busy, on_change=on_change)
    job.start()

    def press() -> None:
        for _ in range(20):
            job.pause()
            job.resume()

    threads = [threading.Thread(target=press) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(DEADLINE)
    job.stop()
    assert job.wait(DEADLINE)
    eventually(lambda: bool(told) and told[-1].state == "stopped")
    assert [s.state for s in told].count("stopped") == 1
    elapsed = [s.elapsed_s for s in told]
    assert elapsed == sorted(elapsed)


def test_a_button_is_not_kept_while_the_work_reports_fast():
    tick = threading.Event()

    def work(control: Control) -> None:
        while True:
            control.report(0.5, "fast")

    job = Job(work, on_change=lambda _: tick.wait(0.005))
    job.start()
    for press in (job.pause, job.resume, job.stop):
        start = time.monotonic()
        press()
        assert time.monotonic() - start < 1
    assert job.wait(DEADLINE)


def test_on_change_may_press_the_buttons():
    seen = []

    def on_change(snapshot: Snapshot[None]) -> None:
        seen.append(snapshot.state)
        if snapshot.message == "busy":
            job.stop()

    job = Job(busy, on_change=on_change)
    job.start()
    assert job.wait(DEADLINE)
    eventually(lambda: seen[-1] == "stopped")
    assert "stopping" in seen


def test_a_failing_on_change_does_not_touch_the_work(caplog):
    def on_change(snapshot: Snapshot[int]) -> None:
        raise ValueError("the view is gone")

    job = Job(lambda control: 7, on_change=on_change)
    with caplog.at_level(logging.ERROR, logger="ionwidgets.jobs.job"):
        job.start()
        assert job.wait(DEADLINE)
        eventually(lambda: "the view is gone" in caplog.text)
    assert job.snapshot.value == 7


def test_an_interrupt_in_on_change_does_not_silence_the_rest(gate):
    seen = []

    def on_change(snapshot: Snapshot[str]) -> None:
        seen.append(snapshot.state)
        if snapshot.state == "paused":
            raise KeyboardInterrupt

    job = Job(gate.work, on_change=on_change)
    job.start()
    gate.step()
    with pytest.raises(KeyboardInterrupt):
        job.pause()
    job.stop()
    gate.steps.release()
    assert job.wait(DEADLINE)
    eventually(lambda: seen[-1] == "stopped")


def test_a_finished_job_can_be_forgotten():
    job = Job(lambda control: control.report(1.0, "over"))
    job.start()
    assert job.wait(DEADLINE)
    gone = weakref.ref(job)
    del job

    def collected() -> bool:
        gc.collect()
        return gone() is None

    eventually(collected)


def test_work_that_goes_on_knows_the_time_that_is_left(gate):
    job = Job(gate.work, begin=0.4)
    job.start()
    assert job.snapshot.fraction == 0.4
    threading.Event().wait(0.1)
    gate.step(7)
    first = job.snapshot
    assert first.remaining_s == pytest.approx(2 * job._reported_at - first.elapsed_s, abs=1e-9)
    job.stop()
    gate.step()
    assert job.wait(DEADLINE)
