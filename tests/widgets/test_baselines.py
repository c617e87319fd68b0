"""The stored baselines are what a simulation gives, and are shown without one."""

from __future__ import annotations

import numpy as np
import pytest

from ionwidgets.models import list_models, load_model
from ionwidgets.widgets.experiment import state as experiment_state
from ionwidgets.widgets.experiment.baselines import stored_baseline
from ionwidgets.widgets.experiment.rhythm import rhythm_of
from ionwidgets.widgets.experiment.state import ExperimentState
from ionwidgets.widgets.experiment.wave import simulate_wave
from ionwidgets.widgets.session import Session


@pytest.mark.parametrize("key", [key for card in list_models() for key in card.keys])
def test_a_stored_baseline_is_what_is_simulated(key: str) -> None:
    model = load_model(key)
    cycle_length = rhythm_of(model).cycle_length
    stored, fresh = stored_baseline(model, cycle_length), simulate_wave(model, cycle_length, {})
    assert stored is not None, "ionwidgets.widgets.experiment.baselines.make() stores it"
    # Spikes are steep: on another machine they may come a hair earlier.
    early, late = (np.interp(stored.time + shift, fresh.time, fresh.V) for shift in (-0.05, 0.05))
    low, high = np.minimum(early, late) - 0.1, np.maximum(early, late) + 0.1
    assert np.mean((low <= stored.V) & (high >= stored.V)) > 0.99
    assert (stored.Ca_i is None) == (fresh.Ca_i is None)
    assert stored.biomarkers == pytest.approx(fresh.biomarkers, rel=0.01, abs=0.01)


def test_an_altered_model_or_another_cycle_length_is_not_stored() -> None:
    model = load_model("hh1952")
    assert stored_baseline(model, 51.0) is None
    model.hash = "0" * 16
    assert stored_baseline(model, rhythm_of(load_model("hh1952")).cycle_length) is None


def test_choosing_a_library_cell_simulates_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def forbidden(*_: object) -> None:
        raise AssertionError("simulated")

    monkeypatch.setattr(experiment_state, "simulate_wave", forbidden)
    session = Session()
    experiment = ExperimentState(session)
    session.use_model(load_model("grandi2010"), "grandi2010:epi")
    assert experiment.worker.wait(10)
    assert experiment.response is not None and experiment.problem == ""
    assert experiment.response.altered is experiment.response.control
