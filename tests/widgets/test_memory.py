"""Retrainings and slider moves leave no thread, no widget and hardly any memory."""

from __future__ import annotations

import ctypes
import gc
import os
import threading
import weakref
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import ipywidgets as ipw
import pytest
from widgets.test_panels import PANELS

from ionwidgets.models import IonicModel
from ionwidgets.widgets import FindingsTable, GateExplorer, Session, TrainingPanel
from ionwidgets.widgets.elements import FigureView
from ionwidgets.widgets.interpret.gate_state import GateState
from ionwidgets.widgets.panel import Panel
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


def alive(*kinds: type) -> int:
    gc.collect()
    return sum(issubclass(type(thing), kinds) for thing in gc.get_objects())


def test_gate_curves_that_are_put_away_are_gone(bench: Workbench) -> None:
    def turn() -> None:
        bench.picker.curves_button.click()

    kinds = (GateState, GateExplorer, FigureView)
    before = alive(*kinds)
    for _ in range(10):
        turn()
        assert alive(*kinds) > before
        turn()
    assert alive(*kinds) == before
    bench.close()


@pytest.mark.parametrize("kind", PANELS)
def test_a_panel_that_is_closed_leaves_nothing_on_a_session_that_goes_on(
    kind: type[Panel], until: Callable[..., None]
) -> None:
    session = Session()
    session.load_example()
    panel = kind(session)
    panel.show()
    made = [weakref.ref(thing) for thing in (panel, *panel._own)]
    assert len(made) > 1 or kind is FindingsTable
    until(lambda: ours() == [], WAIT)
    panel.close()
    del panel
    gc.collect()
    assert [ref() for ref in made] == [None] * len(made)
    assert session.result is not None


def test_work_of_a_panel_that_is_closed_is_stopped(
    tnnp: IonicModel, gate: Any, monkeypatch: pytest.MonkeyPatch, until: Callable[..., None]
) -> None:
    panel = TrainingPanel(model=tnnp)
    monkeypatch.setattr(panel.learn, "work", gate.work)
    panel.learn.start()
    assert gate.reported.wait(10)
    panel.close()
    assert not panel.learn.busy and "learn" not in panel.session.activities
    until(lambda: ours() == [], WAIT)


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="the system does not tell the memory")
@pytest.mark.slow
@pytest.mark.parametrize(("retrains", "moves"), [(2, 50), (100, 1000)])
def test_they_leave_no_thread_no_widget_and_hardly_any_memory(
    bench: Workbench, retrains: int, moves: int, until: Callable[..., None]
) -> None:
    before, after = leaves_nothing(bench, retrains, moves, 1, until)
    print(f"\n{retrains} retrainings, {moves} slider moves: {before:.0f} MB before, {after:.0f} MB after")
    bench.close()
    assert after <= MOST * before
