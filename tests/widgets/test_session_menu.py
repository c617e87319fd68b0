"""Saving and opening from the header, in the kernel."""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Iterator
from io import BytesIO
from typing import Any

import pytest
import xarray as xr

from ionwidgets.widgets import Session, Workbench
from ionwidgets.widgets.workbench import EXPERIMENT, RETRAIN

HandIn = Callable[[Any, str, bytes], None]


@pytest.fixture
def bench(session: Session, recording: xr.Dataset) -> Iterator[Workbench]:
    session.use_recording(recording, "cell7.csv")
    made = Workbench(session)
    yield made
    assert made.experiment.worker.wait(120) and made.menu.worker.wait(60)
    made.close()


def test_what_is_saved_is_opened_again(bench: Workbench, hand_in: HandIn) -> None:
    menu, before = bench.menu, bench.session.recording
    bench.experiment.use_settings({"scale": {"g_Kr": 0.5}})
    bench.go_to(EXPERIMENT)
    content = menu._make()
    assert menu.download.filename == "cell7.ionw" and bench.status.text == "cell7.ionw is saved."
    assert bench.session.activities == {} and zipfile.is_zipfile(BytesIO(content))
    bench.experiment.reset()
    bench.session.load_example()
    bench.go_to(RETRAIN)
    menu.button.expanded = True
    hand_in(menu.upload, "cell7.ionw", content)
    assert menu.worker.wait(60) and menu.upload.problem == ""
    assert bench.experiment.scale == {"g_Kr": 0.5} and bench.steps.current == EXPERIMENT
    assert bench.session.recording_source == "cell7.csv" and not menu.button.expanded
    xr.testing.assert_identical(bench.session.recording, before)
    assert bench.status.text == "The session is open."


def test_what_cannot_be_opened_is_told_and_changes_nothing(bench: Workbench, hand_in: HandIn) -> None:
    menu, before = bench.menu, dict(bench.session.trait_values())
    menu.button.expanded = True
    hand_in(menu.upload, "broken.ionw", b"PK\x03\x04")
    assert menu.worker.wait(60)
    assert menu.upload.problem.startswith("broken.ionw: no session of ionwidgets, or a damaged one")
    assert bench.status.text == menu.upload.problem and bench.status.tone == "problem"
    assert menu.button.expanded
    for name in ("model", "recording", "control", "network", "result"):
        assert getattr(bench.session, name) is before[name]


def test_work_under_way_is_stopped_when_a_session_is_opened(
    bench: Workbench, hand_in: HandIn, gate: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = bench.menu._make()
    monkeypatch.setattr(bench.retrain, "work", gate.work)
    bench.retrain.start()
    assert gate.reported.wait(30) and bench.retrain.busy
    hand_in(bench.menu.upload, "cell7.ionw", content)
    assert bench.menu.worker.wait(60) and not bench.retrain.busy
    assert bench.session.activities == {} and bench.session.trouble == ""
