"""A training that is interrupted, forgotten, damaged, gone on with; and what is seen of it meanwhile."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ionwidgets.gnn import Stage1, learn
from ionwidgets.models import IonicModel, load_model
from ionwidgets.widgets.learn.kept import Kept
from ionwidgets.widgets.learn.panel import TrainingPanel
from ionwidgets.widgets.learn.state import LearnState
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


def weights(network: Any) -> dict[str, Any]:
    return {name: w.numpy().tobytes() for name, w in network.module.state_dict().items()}


def test_one_that_was_stopped_goes_on_in_another_session_and_ends_the_same(
    state: LearnState, model: IonicModel, until: Until, own_data: Path
) -> None:
    interrupt(state, until)
    file = own_data / "trainings" / f"{model.hash}.safetensors"
    assert file.exists() and file.parent.stat().st_mode & 0o077 == 0
    other = LearnState(Session())
    other.session.use_model(model, "hh1952")
    assert other.interrupted is not None and 0.1 < other.interrupted.fraction < 1
    other.go_on()
    assert other.busy
    until(lambda: other.phase == "done", 60)
    assert other.history[0][0] > 100, "it did not begin at the beginning"
    assert weights(other.session.network) == weights(learn(model, fresh=True, settings=SHORT))
    assert not file.exists() and other.interrupted is None and other.own


def test_train_begins_anew_and_nothing_is_kept_of_what_is_complete(
    state: LearnState, until: Until, own_data: Path
) -> None:
    interrupt(state, until)
    state.start()
    until(lambda: state.phase == "done", 60)
    assert state.history[0][0] <= 20
    assert list((own_data / "trainings").iterdir()) == []


def test_reset_forgets_it_and_goes_back_to_the_shipped_network(
    state: LearnState, until: Until, own_data: Path
) -> None:
    interrupt(state, until)
    state.session.network = learn(state.session.model, fresh=True, settings=SHORT)
    state.reset()
    assert state.interrupted is None and list((own_data / "trainings").iterdir()) == []
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
    assert [file.name for file in path.parent.iterdir()] == [f"{model.hash}.damaged"]


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
    assert [file.suffix for file in (own_data / "trainings").iterdir()] == [".damaged"]


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
    monkeypatch.setattr("ionwidgets.gnn.learn.CURVES_EVERY", 0.0, raising=False)
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
