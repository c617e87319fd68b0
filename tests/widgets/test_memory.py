"""Retrainings and slider moves leave no thread, no widget and hardly any memory."""

from __future__ import annotations

import ctypes
import gc
import os
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import ipywidgets as ipw
import pytest

from ionwidgets.widgets.workbench import Workbench, workbench

MOST = 1.05  # times the memory after the warm-up
WAIT = 120  # s


def resident() -> float:
    """MB of this process, once what can be given back has been."""
    gc.collect()
    with suppress(OSError, AttributeError):  # another C library keeps what it keeps
        ctypes.CDLL("libc.so.6").malloc_trim(0)
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def retrain(bench: Workbench) -> None:
    bench.retrain.start()
    assert bench.retrain.wait(WAIT)
    with bench.session.lock:
        assert bench.retrain.phase == "done", bench.retrain.outcome


def move(bench: Workbench, number: int) -> None:
    bench.experiment.scale = {"g_Kr": 0.5 + (number % 100) / 100}


def settle(bench: Workbench) -> None:
    assert bench.experiment.worker.wait(WAIT) and bench.learn.check.wait(WAIT)


def ours() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("ionwidgets")]


def leaves_nothing(
    bench: Workbench, retrains: int, moves: int, warm: int, until: Callable[..., None]
) -> tuple[float, float]:
    for _ in range(warm):
        retrain(bench)
    for number in range(min(moves, 100)):
        move(bench, number)
    settle(bench)
    widgets, before = len(ipw.widgets.widget._instances), resident()
    for _ in range(retrains):
        retrain(bench)
    for number in range(moves):
        move(bench, number)
    settle(bench)
    until(lambda: ours() == [], 30)
    assert len(ipw.widgets.widget._instances) == widgets
    return before, resident()


@pytest.fixture
def bench() -> Workbench:
    made = workbench()
    for step in range(5):
        made.go_to(step)
    settle(made)
    return made


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="the system does not tell the memory")
@pytest.mark.parametrize(("retrains", "moves"), [(2, 50), pytest.param(100, 1000, marks=pytest.mark.slow)])
def test_they_leave_no_thread_no_widget_and_hardly_any_memory(
    bench: Workbench, retrains: int, moves: int, until: Callable[..., None]
) -> None:
    before, after = leaves_nothing(bench, retrains, moves, 1, until)
    print(f"\n{retrains} retrainings, {moves} slider moves: {before:.0f} MB before, {after:.0f} MB after")
    bench.close()
    assert after <= MOST * before
