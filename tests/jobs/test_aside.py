"""Work beside a job: its value, its error, and that a stop does not wait for it."""

from __future__ import annotations

import threading
import time

import pytest

from ionwidgets.jobs import Job, aside


def test_the_value_and_the_error_are_those_of_the_work() -> None:
    beats: list[int] = []
    assert aside(None, lambda: threading.current_thread()) is threading.current_thread()
    assert aside(lambda: beats.append(1), lambda: threading.Event().wait(0.2) or 7) == 7
    assert 2 <= len(beats) <= 4
    with pytest.raises(ZeroDivisionError):
        aside(lambda: None, lambda: 1 / 0)


def test_a_stop_does_not_wait_for_it() -> None:
    go_on, ended = threading.Event(), threading.Event()

    def long() -> None:
        go_on.wait(20)
        ended.set()

    job = Job(lambda control: aside(lambda: control.report(0.1, "importing"), long))
    job.start()
    threading.Event().wait(0.1)
    asked = time.monotonic()
    job.stop()
    assert job.wait(5) and time.monotonic() - asked < 0.2
    assert job.snapshot.state == "stopped" and not ended.is_set()
    go_on.set()
    assert ended.wait(5)
