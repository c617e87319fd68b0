"""Train and Retrain: start, pause, stop, failure, and what is in their way."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest
import xarray as xr
from widgets.stubs import Network, Result

from ionwidgets.errors import TrainingError
from ionwidgets.models import load_model
from ionwidgets.widgets.learn.state import LearnState
from ionwidgets.widgets.retrain.seeds import SeedRun
from ionwidgets.widgets.retrain.state import LEARNING, RetrainState
from ionwidgets.widgets.session import Session

Until = Callable[..., None]


@pytest.fixture
def learn(session: Session) -> LearnState:
    return LearnState(session)


def _training(monkeypatch: pytest.MonkeyPatch, gate: Any, **how: Any) -> None:
    def work(self: LearnState, control: Any) -> Any:
        return gate.work(control, **how)

    monkeypatch.setattr(LearnState, "work", work)


def test_a_training_that_ends_puts_its_network_in_use(
    monkeypatch: pytest.MonkeyPatch, learn: LearnState, gate: Any, until: Until
) -> None:
    network = Network(learn.session.model)
    _training(monkeypatch, gate, value=network)
    learn.start()
    assert gate.reported.wait(10)
    until(lambda: "learn" in learn.session.activities)
    words, fraction = learn.session.activities["learn"]
    assert words.startswith("Training") and 0 < fraction < 1
    gate.go_on.set()
    until(lambda: learn.phase == "done")
    assert learn.session.network is network
    assert learn.session.activities == {}
    assert "in use" in learn.outcome
    assert len(learn.history[0]) >= 1
    until(lambda: learn.fit is not None)
    assert set(learn.fit.errors()) == set(learn.session.model.gate_names)


def test_stop_answers_at_once_ends_and_keeps_the_last_good_network(
    monkeypatch: pytest.MonkeyPatch, learn: LearnState, gate: Any, until: Until
) -> None:
    good = Network(learn.session.model)
    learn.session.network = good
    _training(monkeypatch, gate)
    learn.start()
    assert gate.reported.wait(10)
    learn.stop()
    assert learn.phase in ("stopping", "stopped")
    learn.stop()
    until(lambda: learn.phase == "stopped")
    assert not learn.busy
    assert learn.session.network is good
    assert "was stopped" in learn.outcome and "last good network stays" in learn.outcome


def test_pause_holds_and_resume_goes_on(
    monkeypatch: pytest.MonkeyPatch, learn: LearnState, gate: Any, until: Until
) -> None:
    _training(monkeypatch, gate, value=Network(learn.session.model))
    learn.start()
    assert gate.reported.wait(10)
    learn.toggle_pause()
    until(lambda: learn.phase == "paused")
    assert "paused" in learn.session.activities["learn"][0]
    learn.toggle_pause()
    until(lambda: learn.phase == "running")
    gate.go_on.set()
    until(lambda: learn.phase == "done")


def test_a_training_that_diverges_says_so_and_keeps_the_last_good_network(
    monkeypatch: pytest.MonkeyPatch, learn: LearnState, gate: Any, until: Until
) -> None:
    good = Network(learn.session.model)
    learn.session.network = good
    _training(monkeypatch, gate, error=TrainingError("the loss is nan after 40 updates; try another seed"))
    learn.start()
    gate.go_on.set()
    until(lambda: learn.phase == "failed")
    assert learn.session.network is good
    assert "the loss is nan after 40 updates" in learn.outcome and "stays in use" in learn.outcome
    assert learn.session.trouble == learn.outcome


def test_a_fault_of_ours_is_told_too(
    monkeypatch: pytest.MonkeyPatch, learn: LearnState, gate: Any, until: Until
) -> None:
    _training(monkeypatch, gate, error=ZeroDivisionError("1/0"))
    learn.start()
    gate.go_on.set()
    until(lambda: learn.phase == "failed")
    assert "ZeroDivisionError" in learn.outcome


def test_an_observer_that_fails_does_not_leave_the_panel_busy(
    monkeypatch: pytest.MonkeyPatch, learn: LearnState, gate: Any, until: Until
) -> None:
    def draw(_: Any) -> None:
        raise ValueError("4 lines cannot take 3 traces")

    learn.session.observe(draw, "network")
    _training(monkeypatch, gate, value=Network(learn.session.model))
    learn.start()
    gate.go_on.set()
    until(lambda: learn.phase == "failed")
    assert not learn.busy and learn.session.activities == {}
    assert "4 lines cannot take 3 traces" in learn.outcome
    assert learn.session.trouble == learn.outcome


def test_another_model_abandons_the_training(
    monkeypatch: pytest.MonkeyPatch, learn: LearnState, gate: Any, until: Until
) -> None:
    _training(monkeypatch, gate, value=Network(learn.session.model))
    learn.start()
    assert gate.reported.wait(10)
    job = learn._job
    learn.session.use_model(load_model("tnnp2004:epi"), "tnnp2004:epi")
    assert not learn.busy and learn.phase == "idle" and learn.session.activities == {}
    assert job is not None and job.wait(10)
    until(lambda: learn.session.network is None)


def test_the_loss_is_kept_in_order(learn: LearnState) -> None:
    for update, loss in ((20, 3.0), (40, 2.0), (40, 2.0), (60, 1.0)):
        learn.facts = {"update": update, "loss": loss}
    assert learn.history == ((20, 40, 60), (3.0, 2.0, 1.0))


def test_a_model_without_gates_cannot_be_learnt(learn: LearnState, monkeypatch: pytest.MonkeyPatch) -> None:
    class Bare:
        name, hash, gates = "bare", "0", ()

    learn.session.model = Bare()
    assert "no gate" in learn.blockers[0]
    learn.start()
    assert not learn.busy


def test_what_is_in_the_way_of_a_retraining_is_said_in_words(
    learn: LearnState, recording: xr.Dataset, monkeypatch: pytest.MonkeyPatch, gate: Any, until: Until
) -> None:
    retrain = RetrainState(learn.session, learn)
    assert retrain.blockers == ("Load a recording in step 2, or the bundled example.",)
    retrain.start()
    assert not retrain.busy
    learn.session.use_recording(recording, "cell7.csv")
    assert retrain.blockers == ()
    for eta in (0.0, -1.0, 1.0, 2.0, float("nan")):
        retrain.eta = eta
        assert retrain.blockers == ("eta must be greater than 0 and less than 1.",)
    retrain.eta = 1e-3
    _training(monkeypatch, gate, value=Network(learn.session.model))
    learn.start()
    assert "step 3 is running" in retrain.blockers[0]
    learn.stop()
    until(lambda: retrain.blockers == ())


def test_without_a_network_the_retraining_learns_the_model_first_and_keeps_what_it_learnt(
    learn: LearnState, recording: xr.Dataset, monkeypatch: pytest.MonkeyPatch, gate: Any, until: Until
) -> None:
    """And when the retraining then fails, the next one goes on from there."""
    monkeypatch.setattr("ionwidgets.widgets.learn.shipped._learnt", dict)
    session, asked = learn.session, []
    session.use_model(load_model("lr1991"), "lr1991")
    session.use_recording(recording, "cell7.csv")
    network = Network(session.model)

    def discover(model: Any, recording: Any, *, network: Any, eta: float, progress: Any) -> Any:
        asked.append((model.key, network))
        progress.report(0.5, "Fitting the proposed changes")
        raise TrainingError("stage 2 diverged")

    monkeypatch.setattr(
        "ionwidgets.gnn.learn", lambda model, progress, **_: gate.work(progress, value=network)
    )
    monkeypatch.setattr("ionwidgets.discovery.discover", discover)
    retrain, fractions = RetrainState(session, learn), []
    session.observe(lambda change: fractions.extend(f for _, f in change["new"].values()), "activities")
    assert retrain.blockers == ()
    retrain.start()
    assert gate.reported.wait(10)
    until(lambda: "Learning the model first" in session.activities.get("retrain", ("",))[0])
    assert "step 4 is running" in learn.blockers[0]
    gate.go_on.set()
    until(lambda: retrain.phase == "failed")
    assert asked == [("lr1991", network)] and session.network is network
    assert fractions == sorted(fractions) and fractions[-1] == pytest.approx(LEARNING + (1 - LEARNING) / 2)
    retrain.start()
    until(lambda: len(asked) == 2 and not retrain.busy)
    assert asked[1] == ("lr1991", network)


def test_a_network_learnt_for_a_model_that_is_gone_is_not_kept(
    learn: LearnState, recording: xr.Dataset, monkeypatch: pytest.MonkeyPatch, until: Until
) -> None:
    monkeypatch.setattr("ionwidgets.widgets.learn.shipped._learnt", dict)
    session, ended = learn.session, threading.Event()
    session.use_model(load_model("lr1991"), "lr1991")
    session.use_recording(recording, "cell7.csv")

    def other_model_meanwhile(model: Any, progress: Any, **_: Any) -> Any:
        session.use_model(load_model("br1977"), "br1977")
        return Network(model)

    def discover(*_: Any, **__: Any) -> None:
        ended.set()

    monkeypatch.setattr("ionwidgets.gnn.learn", other_model_meanwhile)
    monkeypatch.setattr("ionwidgets.discovery.discover", discover)
    RetrainState(session, learn).start()
    assert ended.wait(10)
    assert session.model.name == "br1977" and session.network is None


def test_training_waits_for_the_retraining(
    learn: LearnState, recording: xr.Dataset, monkeypatch: pytest.MonkeyPatch, gate: Any, until: Until
) -> None:
    learn.session.use_recording(recording, "cell7.csv")
    retrain = RetrainState(learn.session, learn)
    assert learn.blockers == ()
    monkeypatch.setattr(RetrainState, "work", lambda self, control: gate.work(control))
    retrain.start()
    assert "step 4 is running" in learn.blockers[0]
    learn.start()
    assert not learn.busy
    learn.session.use_model(load_model("tnnp2004:epi"), "tnnp2004:epi")
    assert not retrain.busy and learn.blockers == ()


def test_a_retraining_hands_over_its_finding_and_shows_what_explains_it_meanwhile(
    learn: LearnState, recording: xr.Dataset, monkeypatch: pytest.MonkeyPatch, gate: Any, until: Until
) -> None:
    learn.session.use_recording(recording, "cell7.csv")
    retrain = RetrainState(learn.session, learn)
    result = Result(learn.session.model, recording)
    runs = (SeedRun(0, result),)
    monkeypatch.setattr(RetrainState, "work", lambda self, control: gate.work(control, value=runs))
    retrain.start()
    assert gate.reported.wait(10)
    until(lambda: retrain.importance == {"I_Kr": 0.4})
    gate.go_on.set()
    until(lambda: retrain.phase == "done")
    assert learn.session.result is result
    assert retrain.outcome.startswith("I_Kr is down to 25 %")
    assert retrain.importance == {"I_Ks": 0.2, "I_Kr": 0.93, "gate Xr2": 0.1}


def test_an_observer_of_the_last_report_that_fails_does_not_leave_the_panel_busy(
    monkeypatch: pytest.MonkeyPatch, learn: LearnState, gate: Any, until: Until
) -> None:
    def draw(_: Any) -> None:
        raise ValueError("the figure is closed")

    _training(monkeypatch, gate, value=Network(learn.session.model))
    learn.start()
    assert gate.reported.wait(10)
    learn.observe(draw, "facts")
    gate.go_on.set()
    until(lambda: learn.phase == "failed")
    assert not learn.busy and learn.session.activities == {}
    assert "the figure is closed" in learn.outcome


def test_a_system_that_refuses_a_thread_is_told_and_the_next_start_works(
    monkeypatch: pytest.MonkeyPatch, learn: LearnState, gate: Any, until: Until
) -> None:
    def refuse(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    _training(monkeypatch, gate, value=Network(learn.session.model))
    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", refuse)
        learn.start()
    assert learn.phase == "failed" and not learn.busy and "can't start new thread" in learn.outcome
    assert learn.wait(0) and learn.session.trouble == learn.outcome
    gate.go_on.set()
    learn.start()
    until(lambda: learn.phase == "done")


def test_the_loss_and_the_fit_of_a_model_go_with_it(learn: LearnState, until: Until) -> None:
    learn.history = ((20, 40), (3.0, 2.0))
    learn.session.network = Network(learn.session.model)
    until(lambda: learn.fit is not None)
    learn.session.network = None
    assert learn.fit is None
    learn.session.use_model(load_model("tnnp2004:epi"), "tnnp2004:epi")
    assert learn.history == ((), ()) and learn.fit is None


def test_what_a_retraining_saw_of_another_recording_is_forgotten(
    learn: LearnState, recording: xr.Dataset, monkeypatch: pytest.MonkeyPatch, gate: Any, until: Until
) -> None:
    learn.session.use_recording(recording, "cell7.csv")
    retrain = RetrainState(learn.session, learn)
    monkeypatch.setattr(RetrainState, "work", lambda self, control: gate.work(control))
    retrain.start()
    until(lambda: retrain.importance == {"I_Kr": 0.4})
    learn.session.use_recording(recording.copy(), "cell8.csv")
    assert retrain.importance == {} and not retrain.busy


def test_a_retraining_that_is_stopped_shows_the_finding_that_stays_in_use(
    learn: LearnState, recording: xr.Dataset, monkeypatch: pytest.MonkeyPatch, gate: Any, until: Until
) -> None:
    session = learn.session
    session.use_recording(recording, "cell7.csv")
    session.result = Result(session.model, recording)
    retrain = RetrainState(session, learn)
    found = retrain.importance
    monkeypatch.setattr(RetrainState, "work", lambda self, control: gate.work(control))
    retrain.start()
    until(lambda: retrain.importance == {"I_Kr": 0.4})
    retrain.stop()
    until(lambda: retrain.phase == "stopped")
    assert retrain.importance == found and "finding before it stays in use" in retrain.outcome


def test_an_error_of_ours_is_told_of_a_network_too(
    learn: LearnState, monkeypatch: pytest.MonkeyPatch, until: Until
) -> None:
    def fail(*_: Any) -> None:
        raise ZeroDivisionError("1/0")

    monkeypatch.setattr("ionwidgets.gnn.shipped_network", fail)
    learn.prepare()
    assert learn.check.wait(60)
    assert "shipped network cannot be loaded" in learn.session.trouble and learn.session.activities == {}
    monkeypatch.setattr(Network, "gate_curves", fail)
    learn.session.network = Network(learn.session.model)
    assert learn.check.wait(60)
    assert "cannot be compared" in learn.session.trouble and "ZeroDivisionError" in learn.session.trouble
