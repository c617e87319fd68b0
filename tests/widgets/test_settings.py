"""What is set in step 2 as plain data, and its history."""

from __future__ import annotations

import json
import threading
from typing import Any

import pytest

from ionwidgets.errors import IonWidgetsError
from ionwidgets.models import load_model
from ionwidgets.widgets.experiment import history as history_module
from ionwidgets.widgets.experiment.history import ONE_STEP
from ionwidgets.widgets.experiment.state import ExperimentState
from ionwidgets.widgets.session import Session

DRUG = {"ic50": {"g_Kr": 12.0}, "hill": {"g_Kr": 1.0}, "concentration": 12.0, "unit": "nM"}


class Clock:
    """Time that passes when the test says so."""

    def __init__(self) -> None:
        self.now = 0.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(history_module, "time", made)
    return made


@pytest.fixture
def experiment(session: Session) -> ExperimentState:
    state = ExperimentState(session)
    state.refresh()
    return state


def test_settings_are_json_and_come_back(experiment: ExperimentState, session: Session) -> None:
    experiment.scale = {"g_Kr": 0.5}
    experiment.cycle_length = 600.0
    experiment.drug = DRUG
    experiment.protocol = {"kind": "S1S2", "beats": 4, "s2": [300.0, 400.0]}
    told = json.loads(json.dumps(experiment.settings()))
    other = ExperimentState(session)
    other.use_settings(told)
    assert other.settings() == experiment.settings() == told
    assert other.question.factors == {"g_Kr": 0.25}
    other.use_settings({})
    assert other.settings() == {
        "scale": {},
        "cycle_length": 1000.0,
        "protocol": {"kind": "pacing", "beats": 5},
        "drug": None,
    }


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"scale": {"g_Krr": 0.5}}, "g_Krr.*did you mean g_Kr"),
        ({"scale": {"g_Kr": "half"}}, "scale of g_Kr"),
        ({"scale": {"g_Kr": -1}}, "between 0 and"),
        ({"scale": {"g_Kr": float("nan")}}, "between 0 and"),
        ({"scale": 3}, "scale must have names"),
        ({"cycle_length": 1}, "between 100 and 5000 ms"),
        ({"cycle_length": float("nan")}, "between 100 and 5000 ms"),
        ({"colour": 1}, "unknown setting 'colour'"),
        ({"protocol": {"kind": "S3"}}, "'pacing' or 'S1S2'"),
        ({"protocol": {"kind": "pacing", "beats": 1e6}}, "beats"),
        ({"protocol": {"kind": "S1S2", "s2": [-3]}}, "s2"),
        ({"protocol": {"kind": "S1S2", "s2": []}}, "s2"),
        ({"drug": {"ic50": {"g_X": 1}}}, "g_X"),
        ({"drug": {"ic50": {"g_Kr": 0}}}, "IC50 of g_Kr must be positive"),
        ({"drug": {"ic50": {"g_Kr": 1}, "hill": {"g_Kr": -1}}}, "Hill"),
        ({"drug": {"concentration": -1}}, "concentration"),
        ({"drug": {"unit": "litre"}}, "µM or nM"),
        ("nonsense", "settings must have names"),
    ],
)
def test_what_makes_no_sense_is_refused_and_changes_nothing(
    experiment: ExperimentState, settings: Any, words: str
) -> None:
    before = experiment.settings()
    with pytest.raises(IonWidgetsError, match=words) as caught:
        experiment.use_settings(settings)
    assert "\n" not in str(caught.value)
    assert experiment.settings() == before and experiment.problem == ""


def test_a_drag_is_one_step_and_undo_goes_back(experiment: ExperimentState, clock: Clock) -> None:
    assert not experiment.can_undo and not experiment.can_redo
    for value in (0.9, 0.8, 0.7):
        clock.now += 0.9 * ONE_STEP
        experiment.scale = {"g_Kr": value}
    experiment.scale = {"g_Kr": 0.7, "g_Ks": 0.5}
    experiment.cycle_length = 700.0
    experiment.undo()
    assert experiment.cycle_length == 1000.0 and experiment.scale == {"g_Kr": 0.7, "g_Ks": 0.5}
    experiment.undo()
    assert experiment.scale == {"g_Kr": 0.7} and experiment.can_undo
    experiment.undo()
    assert experiment.scale == {} and not experiment.can_undo and experiment.can_redo
    experiment.undo()
    assert experiment.scale == {}
    experiment.redo()
    assert experiment.scale == {"g_Kr": 0.7}
    experiment.scale = {"g_Kr": 2.0}
    assert not experiment.can_redo
    clock.now += ONE_STEP
    experiment.scale = {"g_Kr": 2.5}
    experiment.undo()
    assert experiment.scale == {"g_Kr": 2.0}
    experiment.reset()
    assert experiment.scale == {} and experiment.drug is None
    experiment.undo()
    assert experiment.scale == {"g_Kr": 2.0}


def test_a_drag_back_to_where_it_began_leaves_nothing_to_undo(
    experiment: ExperimentState, clock: Clock
) -> None:
    experiment.scale = {"g_Kr": 0.7}
    experiment.scale = {}
    assert not experiment.can_undo


def test_what_was_refused_is_no_step(experiment: ExperimentState) -> None:
    experiment.cycle_length = 20.0
    assert "between 100 and 5000 ms" in experiment.problem
    assert not experiment.can_undo and experiment.settings()["cycle_length"] == 1000.0


def test_another_model_has_a_history_of_its_own(experiment: ExperimentState) -> None:
    experiment.use_settings({"scale": {"g_Kr": 0.5}, "drug": DRUG})
    experiment.session.use_model(load_model("tnnp2004:endo"), "tnnp2004:endo")
    assert not experiment.can_undo and experiment.drug is None and experiment.scale == {}


def test_settings_are_taken_from_any_thread(experiment: ExperimentState) -> None:
    def take(value: float) -> None:
        experiment.use_settings({"scale": {"g_Kr": value}, "cycle_length": 500 + 100 * value})

    threads = [threading.Thread(target=take, args=(value,)) for value in (0.25, 0.5, 2.0, 4.0)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    now = experiment.settings()
    assert now["cycle_length"] == 500 + 100 * now["scale"]["g_Kr"], "of one call, never of two"
    assert experiment.worker.wait(60)
    assert experiment.response.scale == now["scale"]
