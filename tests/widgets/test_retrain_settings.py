"""The settings of a retraining: what can be, what is said of what cannot, and there and back through JSON."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ionwidgets.errors import IonWidgetsError
from ionwidgets.widgets.learn.state import LearnState
from ionwidgets.widgets.retrain.settings import DEFAULTS, seeds_of
from ionwidgets.widgets.retrain.state import RetrainState
from ionwidgets.widgets.session import Session

OTHERS: dict[str, Any] = {
    "decoder": "emulator", "eta": 3e-4, "seeds": [0, 4], "stimulus": [-52.0, 1.0], "paced_for": 15000.0,
    "conditions": {"K_o": 4.0}, "junction_potential": 8.0, "leak": [0.02, 0.0],
}  # fmt: skip


@pytest.fixture
def retrain(session: Session) -> RetrainState:
    return RetrainState(session, LearnState(session))


def test_there_and_back_through_json(retrain: RetrainState) -> None:
    assert retrain.settings() == DEFAULTS and retrain.arguments() == {}
    retrain.use_settings(json.loads(json.dumps(OTHERS)))
    assert json.loads(json.dumps(retrain.settings())) == OTHERS
    assert retrain.eta == 3e-4 and retrain.seeds == (0, 4) and retrain.stimulus == (-52.0, 1.0)
    assert set(retrain.arguments()) == set(OTHERS) - {"eta", "seeds"}
    retrain.use_settings({"eta": 1e-4})
    assert retrain.settings() == DEFAULTS | {"eta": 1e-4}


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ([], "by name"),
        ({"etas": 1}, "no 'etas'"),
        ({"eta": 2}, "between 0 and 1"),
        ({"eta": "small"}, "must be given as numbers"),
        ({"decoder": "rnn"}, "unknown decoder"),
        ({"seeds": 3}, "whole numbers"),
        ({"seeds": []}, "whole numbers"),
        ({"seeds": [1, 1]}, "different"),
        ({"seeds": [True]}, "whole numbers"),
        ({"stimulus": [-52]}, "amplitude"),
        ({"stimulus": [-52, 0]}, "positive duration"),
        ({"paced_for": -1}, "above 0"),
        ({"conditions": {"K_o": "four"}}, "K_o"),
        ({"junction_potential": 80}, "at most 50"),
        ({"leak": [-1, 0]}, "not negative"),
    ],
)
def test_what_cannot_be_is_refused_and_nothing_has_changed(
    retrain: RetrainState, given: Any, words: str
) -> None:
    with pytest.raises(IonWidgetsError, match=words):
        retrain.use_settings({**given, "eta": given.get("eta", 0.5)} if isinstance(given, dict) else given)
    assert retrain.settings() == DEFAULTS


def test_an_invalid_eta_is_not_kept(retrain: RetrainState) -> None:
    retrain.eta = float("nan")
    assert "eta" not in retrain.settings() and json.loads(json.dumps(retrain.settings()))


def test_seeds_as_they_are_typed() -> None:
    assert seeds_of("0") == [0] and seeds_of("0, 3;4") == [0, 3, 4] and seeds_of("0-2 7") == [0, 1, 2, 7]
    for text in ("", "one", "-1", "1.5", "3-1", "0-99", "1 1", "99999999999999"):
        with pytest.raises(IonWidgetsError, match="whole numbers"):
            seeds_of(text)
