"""The last value is always computed; those between may be skipped."""

from __future__ import annotations

import logging
import threading

import pytest

from ionwidgets.widgets.coalesce import Latest


def test_a_flood_ends_with_its_last_value_and_few_calls() -> None:
    done: list[int] = []
    first, go_on = threading.Event(), threading.Event()

    def work(value: int) -> None:
        done.append(value)
        first.set()
        assert go_on.wait(10)

    latest = Latest(work)
    latest.submit(0)
    assert first.wait(10)
    for value in range(1, 101):
        latest.submit(value)
    go_on.set()
    assert latest.wait(10)
    assert done == [0, 100]


def test_it_never_runs_twice_at_once_and_leaves_no_thread() -> None:
    running, most = 0, 0
    lock, two = threading.Lock(), threading.Event()

    def work(_: int) -> None:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
            if running > 1:
                two.set()
        two.wait(0.02)  # so that a second one, if there were any, would come meanwhile
        with lock:
            running -= 1

    latest = Latest(work)
    threads = [threading.Thread(target=lambda: [latest.submit(i) for i in range(200)]) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert latest.wait(10)
    assert most == 1
    for thread in threading.enumerate():
        if thread.name == "ionwidgets-latest":
            thread.join(10)
            assert not thread.is_alive()


def test_a_fault_is_logged_and_the_next_value_is_still_computed(caplog: pytest.LogCaptureFixture) -> None:
    done: list[int] = []

    def work(value: int) -> None:
        if value == 1:
            raise ValueError("broken")
        done.append(value)

    latest = Latest(work)
    with caplog.at_level(logging.ERROR):
        latest.submit(1)
        assert latest.wait(10)
    latest.submit(2)
    assert latest.wait(10)
    assert done == [2]
    assert "live update failed" in caplog.text


def test_a_system_that_refuses_a_thread_does_not_end_it_for_good(monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[int] = []
    latest = Latest(done.append)

    def refuse(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", refuse)
        with pytest.raises(RuntimeError, match="new thread"):
            latest.submit(1)
    assert latest.wait(0)
    latest.submit(2)
    assert latest.wait(10)
    assert done == [2]
