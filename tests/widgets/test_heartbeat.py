"""A kernel whose job is paused still gives signs of life, and none once the job is over."""

from __future__ import annotations

import threading

import pytest

from ionwidgets.widgets import heartbeat
from ionwidgets.widgets.heartbeat import Heartbeat
from ionwidgets.widgets.session import Session


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(heartbeat, "PERIOD", 0.01)


def beating() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "ionwidgets-heartbeat"]


def test_it_beats_while_something_is_going_on_and_its_thread_ends_with_it() -> None:
    session, beats = Session(), threading.Semaphore(0)
    Heartbeat(session, beats.release)
    assert not beats.acquire(timeout=0.05)
    session.begin("train", "Training is paused at 10 %", 0.1)
    for _ in range(3):
        assert beats.acquire(timeout=10)
    session.begin("sweep", "Sweeping")
    session.end("train")
    assert beats.acquire(timeout=10)
    session.end("sweep")
    for thread in beating():
        thread.join(10)
    assert beating() == []
    while beats.acquire(blocking=False):
        pass
    assert not beats.acquire(timeout=0.05)
    session.begin("train", "Training 0 %", 0.0)
    assert beats.acquire(timeout=10)
    session.end("train")


def test_one_thread_is_enough_however_often_something_begins_and_ends() -> None:
    session = Session()
    Heartbeat(session, lambda: None)
    for turn in range(50):
        session.begin("live", f"Simulating {turn}")
        assert 1 <= len(beating()) <= 2  # one may be about to end
        session.end("live")
    for thread in beating():
        thread.join(10)
    assert beating() == []


def test_what_stands_still_for_long_is_spared_no_more_until_it_goes_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(heartbeat, "SPARED", 0.3)
    session, beats = Session(), threading.Semaphore(0)
    Heartbeat(session, beats.release)
    session.begin("train", "Training is paused at 10 %", 0.1)
    while beats.acquire(timeout=0.5):  # the last one comes, for the job was left
        pass
    assert beating() and session.activities
    session.begin("train", "Training 11 %", 0.11)
    assert beats.acquire(timeout=10)
    session.end("train")
    for thread in beating():
        thread.join(10)
    assert beating() == []
