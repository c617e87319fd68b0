"""A baseline that drifts."""

import numpy as np
import pytest

from ionwidgets.models import load_model
from ionwidgets.recordings.drift import rest_drift
from ionwidgets.recordings.typical_beat import typical_beats
from ionwidgets.simulation import simulate

TIME = np.arange(0.0, 5000.0)
ONSETS = np.arange(100.0, 4500.0, 500.0)
REST = np.where(np.isin(TIME % 500, np.arange(100, 400)), 20.0, -85.0)


def test_the_slope_of_rest_is_found() -> None:
    assert rest_drift(TIME, REST + 0.0005 * TIME, ONSETS, 5.0) == pytest.approx(0.0005, rel=1e-6)


@pytest.mark.parametrize(
    "trace", [REST, REST + 5e-5 * TIME, REST + np.random.default_rng(0).standard_normal(TIME.size)]
)
def test_what_is_small_or_not_clear_is_none(trace: np.ndarray) -> None:
    assert rest_drift(TIME, trace, ONSETS, 5.0) == 0.0


def test_three_beats_say_nothing_of_a_drift() -> None:
    assert rest_drift(TIME, REST + 0.01 * TIME, ONSETS[:3], 5.0) == 0.0


def test_a_typical_beat_is_set_back_and_knows_by_how_much() -> None:
    model = load_model("tnnp2004", "M")
    stimulus = (model.stimulus.amplitude, model.stimulus.duration)
    paced = simulate(model, 500.0, 12_000.0, record_from=7000.0, variables=["V"])
    ramp = 4e-4 * (paced["time"].values - paced["time"].values[0])
    drifting = paced.assign(V=(("cell", "time"), paced["V"].values + ramp, {"units": "mV"}))
    (own,), none = typical_beats(paced, stimulus[1], stimulus[0])
    (beat,), said = typical_beats(drifting, stimulus[1], stimulus[0])
    assert own.drifted == 0 and none == []
    assert beat.drifted == pytest.approx(4e-4 * 500 * (beat.beats - 1), rel=0.1)
    assert len(said) == 1 and "rest drifts by 1." in said[0]
    off = (beat.V - own.V)[beat.time > 5]
    assert off.std() < 0.02, "but for an offset it is the same beat"
    assert 0 < off.mean() < beat.drifted
