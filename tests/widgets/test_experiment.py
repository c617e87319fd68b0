"""The sliders' state against the simulator itself."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from ionwidgets.models import load_model
from ionwidgets.simulation import simulate
from ionwidgets.widgets.experiment.panel import response_table
from ionwidgets.widgets.experiment.state import ExperimentState


def test_the_answer_is_the_simulators_own(experiment: ExperimentState) -> None:
    experiment.scale = {"g_Kr": 0.25}
    experiment.cycle_length = 600.0
    assert experiment.worker.wait(60)
    response = experiment.response
    direct = simulate(experiment.session.model, 600.0, 3000.0, scale={"g_Kr": 0.25}, record_from=1800.0)
    np.testing.assert_array_equal(response.altered.V, direct["V"][0])
    assert response.scale == {"g_Kr": 0.25} and response.cycle_length == 600.0
    apd = direct["APD90"].values[0]
    assert response.altered.biomarkers["APD90"] == pytest.approx(apd[np.isfinite(apd)][-1])
    assert response.altered.biomarkers["APD90"] > response.control.biomarkers["APD90"] + 20
    assert 0.2 < response.control.biomarkers["Ca_i peak"] < 5, "in µM"
    assert response.altered.time[0] == 0.0


def test_the_last_of_a_flood_is_what_is_shown(experiment: ExperimentState) -> None:
    for value in np.linspace(0.05, 0.95, 40):
        experiment.scale = {"g_Kr": float(value)}
    assert experiment.worker.wait(60)
    assert experiment.response.scale == {"g_Kr": 0.95}


def test_a_slider_is_answered_within_100_ms(experiment: ExperimentState) -> None:
    took = []
    for value in (0.3, 0.4, 0.5, 0.6, 0.7):
        began = time.perf_counter()
        experiment.scale = {"g_Kr": value}
        assert experiment.worker.wait(60)
        took.append(time.perf_counter() - began)
    assert min(took) < 0.1, took


def test_reset_goes_back_to_control(experiment: ExperimentState) -> None:
    experiment.scale = {"g_Kr": 0.0, "g_CaL": 2.0}
    experiment.reset()
    assert experiment.worker.wait(60)
    np.testing.assert_array_equal(experiment.response.altered.V, experiment.response.control.V)


def test_a_cycle_length_out_of_bounds_is_a_sentence(experiment: ExperimentState) -> None:
    before = experiment.response
    experiment.cycle_length = 20.0
    assert "between 100 and 5000 ms" in experiment.problem
    assert experiment.response is before
    experiment.cycle_length = 500.0
    assert experiment.worker.wait(60)
    assert experiment.problem == ""


def test_another_model_starts_from_its_own_control(
    experiment: ExperimentState, until: Callable[..., None]
) -> None:
    experiment.scale = {"g_Kr": 0.5}
    assert experiment.worker.wait(60)
    before = experiment.response.control
    experiment.session.use_model(load_model("tnnp2004:endo"), "tnnp2004:endo")
    assert experiment.scale == {}
    until(lambda: experiment.response is not None, 60)
    assert experiment.worker.wait(60)
    assert not np.array_equal(experiment.response.control.V, before.V)


def test_the_biomarker_table_tells_changes_in_percent_and_potentials_in_mv(
    experiment: ExperimentState,
) -> None:
    experiment.scale = {"g_Kr": 0.25}
    assert experiment.worker.wait(60)
    table = response_table(experiment.session.model, experiment.response)
    assert "APD90" in table and " ms" in table and "%" in table
    peak = table[table.index(">Peak<") :].partition("</tr>")[0]
    assert "mV" in peak and "%" not in peak


def test_a_fault_of_ours_is_told_and_the_next_setting_is_answered(
    experiment: ExperimentState, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise ZeroDivisionError("1/0")

    with monkeypatch.context() as patch:
        patch.setattr("ionwidgets.widgets.experiment.state.simulate_wave", fail)
        experiment.scale = {"g_Kr": 0.5}
        assert experiment.worker.wait(60)
    assert "ZeroDivisionError" in experiment.problem
    experiment.scale = {"g_Kr": 0.6}
    assert experiment.worker.wait(60)
    assert experiment.problem == "" and experiment.response.scale == {"g_Kr": 0.6}


def test_an_answer_on_its_way_does_not_hide_that_the_setting_is_refused(
    experiment: ExperimentState, monkeypatch: pytest.MonkeyPatch
) -> None:
    from ionwidgets.widgets.experiment import state as experiment_state

    simulate_wave, asked, go_on = experiment_state.simulate_wave, threading.Event(), threading.Event()

    def slowly(*question: Any) -> Any:
        asked.set()
        assert go_on.wait(10)
        return simulate_wave(*question)

    monkeypatch.setattr(experiment_state, "simulate_wave", slowly)
    experiment.scale = {"g_Kr": 0.5}
    assert asked.wait(10)
    experiment.cycle_length = 6000.0
    go_on.set()
    assert experiment.worker.wait(60)
    assert "cycle length must lie between" in experiment.problem
    experiment.cycle_length = 1000.0
    assert experiment.worker.wait(60)
    assert experiment.problem == "" and experiment.response.scale == {"g_Kr": 0.5}
