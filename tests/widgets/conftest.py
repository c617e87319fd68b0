"""A session on TNNP 2004 (M), and stand-ins for the slow work: the panels' rules are tested in
milliseconds.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr

from ionwidgets.models import IonicModel, load_model
from ionwidgets.widgets import Workbench, workbench
from ionwidgets.widgets.experiment.state import ExperimentState
from ionwidgets.widgets.session import Session


@pytest.fixture(scope="session")
def tnnp() -> IonicModel:
    return load_model("tnnp2004:M")


@pytest.fixture
def session(tnnp: IonicModel) -> Session:
    made = Session()
    made.use_model(tnnp, tnnp.key)
    return made


@pytest.fixture
def experiment(session: Session) -> ExperimentState:
    """Step 2 on that session, once it has answered."""
    state = ExperimentState(session)
    state.refresh()
    assert state.worker.wait(120)
    return state


@pytest.fixture
def opened() -> Iterator[Callable[..., Workbench]]:
    """Workbenches that are closed at the end."""
    made: list[Workbench] = []

    def make(**given: Any) -> Workbench:
        made.append(workbench(**given))
        return made[-1]

    yield make
    for bench in made:
        for worker in (bench.experiment.worker, bench.recordings.worker, bench.learn.check):
            assert worker.wait(120)
        for worker in (bench.control_recordings.worker, bench.menu.worker):
            assert worker.wait(120)
        bench.close()


@pytest.fixture
def hand_in() -> Callable[[Any, str, bytes], None]:
    """Give an `Upload` a file, as the page does."""

    def hand_in(upload: Any, name: str, content: bytes) -> None:
        piece = {"kind": "piece", "upload": name, "name": name, "index": 0, "pieces": 1}
        upload._receive(None, piece, [memoryview(content)])

    return hand_in


@pytest.fixture
def recording() -> xr.Dataset:
    """Two cells of three beats each, made of exponentials."""
    time = np.arange(0.0, 1500.0)
    V = np.stack([-85 + 120 * np.exp(-((time - 40) % 500.0) / tau) for tau in (60.0, 80.0)])
    return xr.Dataset(
        {"V": (("cell", "time"), V, {"units": "mV"})},
        coords={"time": time, "cycle_length": ("cell", np.array([500.0, 500.0]))},
        attrs={"source": "cell7.csv", "notes": "made by hand"},
    )


class Gate:
    """Work that reports, and goes on when the test says so."""

    def __init__(self) -> None:
        self.reported = threading.Event()
        self.go_on = threading.Event()

    def work(self, control: Any, value: Any = None, error: Exception | None = None) -> Any:
        control.report(0.25, "half of a half", loss=0.5, update=1, importance={"I_Kr": 0.4})
        self.reported.set()
        while not self.go_on.wait(0.005):
            control.report(0.3, "waiting", loss=0.4, update=2)
        if error is not None:
            raise error
        return value


@pytest.fixture
def gate() -> Iterator[Gate]:
    made = Gate()
    yield made
    made.go_on.set()


@pytest.fixture
def until() -> Callable[..., None]:
    """Poll a condition with a deadline."""

    def wait(holds: Callable[[], bool], seconds: float = 10.0) -> None:
        tick = threading.Event()
        for _ in range(round(seconds / 0.005)):
            if holds():
                return
            tick.wait(0.005)
        raise AssertionError("the condition did not come to hold in time")

    return wait


@pytest.fixture(autouse=True)
def own_data(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Checkpoints go to the test's folder, not to the user's."""
    monkeypatch.setattr("ionwidgets.places.data_folder", lambda: tmp_path / "data")
    return tmp_path / "data"
