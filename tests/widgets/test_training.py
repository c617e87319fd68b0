"""A training that is interrupted, forgotten, damaged, gone on with; and what is seen of it meanwhile."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr

from ionwidgets.errors import TrainingError
from ionwidgets.gnn import Stage1, learn
from ionwidgets.models import IonicModel, load_model
from ionwidgets.widgets.learn.kept import Kept
from ionwidgets.widgets.learn.panel import TrainingPanel
from ionwidgets.widgets.learn.state import LearnState
from ionwidgets.widgets.retrain.state import RetrainState
from ionwidgets.widgets.session import Session

Until = Callable[..., None]
SHORT = Stage1(step_mV=4.0, adam_updates=1200, lbfgs_updates=100, lbfgs_history=10)


@pytest.fixture(scope="module")
def model() -> IonicModel:
    return load_model("hh1952")


@pytest.fixture
def state(model: IonicModel, monkeypatch: pytest.MonkeyPatch) -> LearnState:
    monkeypatch.setattr(
        "ionwidgets.gnn.learn", lambda model, **options: learn(model, **options, settings=SHORT)
    )
    session = Session()
    session.use_model(model, "hh1952")
    return LearnState(session)


def interrupt(state: LearnState, until: Until, at: int = 200) -> None:
    state.start()
    until(lambda: bool(state.history[0]) and state.history[0][-1] >= at, 60)
    state.stop()
    assert state.wait(20)
    until(lambda: not state.busy)
    with state.session.lock:  # all that follows from its end has been done
        assert state.phase == "stopped"


def beside(state: LearnState) -> LearnState:
    """Another page on the same model."""
    other = LearnState(Session())
    other.session.use_model(state.session.model, "hh1952")
    return other


def files(own_data: Path) -> list[str]:
    """What is kept, but for the empty file that one page at a time holds."""
    return sorted(file.name for file in (own_data / "trainings").iterdir() if file.suffix != ".lock")


def weights(network: Any) -> dict[str, Any]:
    return {name: w.numpy().tobytes() for name, w in network.module.state_dict().items()}


def test_one_that_was_stopped_goes_on_in_another_session_and_ends_the_same(
    state: LearnState, model: IonicModel, until: Until, own_data: Path
) -> None:
    interrupt(state, until)
    file = own_data / "trainings" / f"{model.hash}.safetensors"
    assert file.exists() and file.parent.stat().st_mode & 0o077 == 0
    other = beside(state)
    assert other.interrupted is not None and 0.1 < other.interrupted.fraction < 1
    other.go_on()
    assert other.busy
    until(lambda: other.phase == "done", 60)
    assert other.history[0][0] > 100, "it did not begin at the beginning"
    assert weights(other.session.network) == weights(learn(model, fresh=True, settings=SHORT))
    assert other.interrupted is None and other.own


def test_train_begins_anew(state: LearnState, until: Until) -> None:
    interrupt(state, until)
    state.start()
    until(lambda: state.phase == "done", 60)
    assert state.history[0][0] <= 20


def test_one_that_ended_when_its_page_was_left_is_offered_to_the_next(
    state: LearnState, until: Until, own_data: Path
) -> None:
    state.start()
    until(lambda: state.phase == "done", 60)
    assert state.interrupted is None, "its network is in use here"
    other = beside(state)
    assert other.interrupted is not None and other.interrupted.finished
    panel = TrainingPanel(other.session, other)
    panel.show()
    assert "was finished. Continue takes its network" in panel.outcome.value
    panel.go_on.click()
    until(lambda: other.phase == "done", 60)
    assert weights(other.session.network) == weights(state.session.network) and other.history[0] == ()
    assert other.interrupted is None and panel.go_on.layout.display == "none"
    panel.reset.click()
    assert files(own_data) == []
    panel.close()


def test_a_full_disk_loses_nothing_that_was_kept(
    state: LearnState, until: Until, own_data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    interrupt(state, until)
    with monkeypatch.context() as patch:
        patch.setattr("ionwidgets.gnn.checkpoint.save_tensors", full)
        state.go_on()
        until(lambda: state.phase == "failed", 60)
    assert "No space left on device" in state.outcome and "make room" in state.outcome
    assert state.interrupted is not None and len(files(own_data)) == 1
    state.go_on()
    until(lambda: state.phase == "done", 60)
    assert weights(state.session.network) == weights(learn(state.session.model, fresh=True, settings=SHORT))


def test_what_would_fail_the_same_way_again_is_forgotten(
    state: LearnState, until: Until, own_data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def diverge(model: IonicModel, **_: Any) -> None:
        raise TrainingError("stage 1 diverged")

    interrupt(state, until)
    monkeypatch.setattr("ionwidgets.gnn.learn", diverge)
    state.go_on()
    until(lambda: state.phase == "failed", 60)
    assert state.interrupted is None and files(own_data) == []


def test_two_pages_do_not_share_one_training(state: LearnState, until: Until, own_data: Path) -> None:
    interrupt(state, until)
    other = beside(state)
    panel = TrainingPanel(other.session, other)
    panel.show()
    assert other.interrupted is not None
    state.go_on()
    until(lambda: bool(state.history[0]), 60)
    state.toggle_pause()
    until(lambda: state.phase == "paused")
    panel.go_on.click()  # offered before the other page went on
    assert not other.busy and other.elsewhere and panel.go_on.layout.display == "none"
    assert "being trained elsewhere" in panel.outcome.value
    panel.reset.click()
    assert other.elsewhere and len(files(own_data)) == 1
    panel.buttons.go.click()
    until(lambda: other.phase == "done", 60)
    assert other.own and len(files(own_data)) == 1, "a training of its own, which is not kept"
    state.toggle_pause()
    until(lambda: state.phase == "done", 60)
    assert weights(state.session.network) == weights(other.session.network)
    other.session.network = None
    other.own = False
    other.look_again()
    assert not other.elsewhere and other.interrupted is not None
    panel.close()


def test_a_training_of_which_nobody_wants_to_hear_lets_go(state: LearnState, until: Until) -> None:
    state.start()
    until(lambda: bool(state.history[0]) and state.history[0][-1] >= 200, 60)
    state.abandon()
    until(lambda: not state.elsewhere and state.interrupted is not None, 20)


def test_a_kernel_that_is_killed_lets_go(model: IonicModel, own_data: Path, until: Until) -> None:
    kept = Kept.of(model)
    assert kept.path is not None
    code = (
        "import sys, time; from pathlib import Path; from ionwidgets.widgets.learn.kept import Kept\n"
        "with Kept(Path(sys.argv[1])).held() as ours: print(ours, flush=True); time.sleep(600)"
    )
    with subprocess.Popen([sys.executable, "-c", code, str(kept.path)], stdout=subprocess.PIPE) as process:
        try:
            assert process.stdout is not None and process.stdout.readline().strip() == b"True"
            with kept.held() as ours:
                assert not ours
        finally:
            process.kill()
    with kept.held() as ours:
        assert ours


def test_learning_the_model_first_in_step_4_is_kept_too(
    state: LearnState, recording: xr.Dataset, until: Until, own_data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ionwidgets.widgets.learn.shipped._learnt", dict)
    monkeypatch.setattr(import_module("ionwidgets.gnn.learn"), "shipped_network", lambda _: None)

    def diverge(*_: Any, **__: Any) -> None:
        raise TrainingError("stage 2 diverged")

    monkeypatch.setattr("ionwidgets.discovery.discover", diverge)
    state.session.use_recording(recording, "cell7.csv")
    retrain = RetrainState(state.session, state)
    retrain.start()
    until(lambda: retrain.facts.get("update", 0) >= 200, 60)
    assert not state.elsewhere, "this page trains it itself"
    retrain.stop()
    until(lambda: not retrain.busy, 20)
    assert state.interrupted is not None and len(files(own_data)) == 1
    begun: list[int] = []
    retrain.observe(lambda change: begun.append(change["new"].get("update", 0)), "facts")
    retrain.start()
    until(lambda: retrain.phase == "failed", 60)
    assert "stage 2 diverged" in retrain.outcome
    assert min(update for update in begun if update) > 100, "it did not begin at the beginning"
    assert weights(state.session.network) == weights(learn(state.session.model, fresh=True, settings=SHORT))
    assert state.own and state.interrupted is None and beside(state).interrupted is not None


def test_reset_forgets_it_and_goes_back_to_the_shipped_network(
    state: LearnState, until: Until, own_data: Path
) -> None:
    interrupt(state, until)
    state.session.network = learn(state.session.model, fresh=True, settings=SHORT)
    state.reset()
    assert state.interrupted is None and files(own_data) == []
    assert state.history == ((), ()) and state.outcome == ""
    until(lambda: state.session.network is not None, 30)
    assert (
        state.session.network.card["settings"]
        != learn(state.session.model, fresh=True, settings=SHORT).card["settings"]
    )
    until(lambda: state.fit is not None)


def test_the_seed_goes_on_with_it(state: LearnState, until: Until) -> None:
    state.seed = 3
    interrupt(state, until)
    state.seed = 0
    assert state.interrupted is not None, (state.damage, state.outcome, state.history[0])
    assert state.interrupted.seed == 3
    state.go_on()
    until(lambda: state.phase == "done", 60)
    assert state.session.network.card["seed"] == 3


@pytest.mark.parametrize("content", [b"", b"\x80\x04.", b"\x02\x00\x00\x00\x00\x00\x00\x00{}"])
def test_a_damaged_checkpoint_is_said_and_set_aside(
    model: IonicModel, own_data: Path, content: bytes
) -> None:
    path = Kept.of(model).path
    assert path is not None
    path.write_bytes(content)
    state = LearnState(Session())
    state.session.use_model(model, "hh1952")
    assert state.interrupted is None and "cannot be read" in state.damage and ".damaged" in state.damage
    assert files(own_data) == [f"{model.hash}.damaged"]


def test_one_of_another_training_is_set_aside_when_it_is_gone_on_with(
    state: LearnState, until: Until, own_data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    interrupt(state, until)
    monkeypatch.setattr("ionwidgets.gnn.learn", learn)  # with other settings, as of another version
    state.go_on()
    until(lambda: state.phase == "failed", 30)
    assert "another training" in state.outcome and "press Train to begin anew" in state.outcome
    assert "give another file" not in state.outcome
    assert state.interrupted is None
    assert files(own_data) == [f"{state.session.model.hash}.damaged"]


def test_where_nothing_private_can_be_kept_it_trains_all_the_same(
    state: LearnState, until: Until, own_data: Path
) -> None:
    (own_data / "trainings").rmdir()
    (own_data / "trainings").write_text("a file where the folder would be")
    interrupt(state, until)
    assert state.interrupted is None
    state.start()
    until(lambda: state.phase == "done", 60)


def test_the_gates_in_training_are_seen_while_it_runs(
    state: LearnState, until: Until, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(import_module("ionwidgets.gnn.learn"), "CURVES_EVERY", 0.0)
    errors: list[float] = []

    def hear(change: Any) -> None:
        if state.busy and change["new"] is not None:
            errors.append(max(h for h, _ in change["new"].errors().values()))

    state.observe(hear, "fit")
    state.start()
    until(lambda: state.phase == "done", 60)
    assert len(errors) >= 2 and errors[-1] < errors[0]
    assert state.fit is not None and np.isfinite(errors).all()


def test_the_panel_offers_to_continue(state: LearnState, until: Until) -> None:
    interrupt(state, until)
    panel = TrainingPanel(state.session, state)
    panel.show()
    assert panel.go_on.layout.display is None and panel.buttons.go.button_style == ""
    assert "was interrupted at" in panel.outcome.value
    assert "Loss at the end" in panel.course.value
    panel.reset.click()
    assert panel.go_on.layout.display == "none" and panel.buttons.go.button_style == "primary"
    assert "interrupted" not in panel.outcome.value
    panel.close()
