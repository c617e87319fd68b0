"""The networks that come with the package: one for every library model, each within its bounds."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import pytest

from ionwidgets.errors import ModelError
from ionwidgets.gnn import Network, Stage1, learn
from ionwidgets.gnn.learn import SHIPPED, shipped_path
from ionwidgets.gnn.measure import TEST_CYCLE_LENGTHS, stage1_figures
from ionwidgets.gnn.ship import ship
from ionwidgets.models import list_models, load_model

KEYS = [key for card in list_models() for key in card.keys]
FIRING = {"hh1952", "noble1962", "pospischil2008"}
REPORTED = {"ord2011", "torord2019", "grandi2010"}  # the largest: no bound is set for them
APD90_ERROR, RMSE, SPIKE_ERROR = 1.0, 0.5, 2.0  # ms, mV, %
BUDGET = 30.0  # s
LARGEST = 2e6  # bytes, all of them together
FAST = ["br1977", "hh1952", "pospischil2008:FS"]


def within_bounds(name: str, figures: dict[str, Any]) -> None:
    lists = [values for key, values in figures.items() if key.endswith(("_ms", "_mV", "_percent"))]
    assert lists and all(len(values) == len(lists[0]) for values in lists)
    if name in FIRING:
        assert all(own == learnt > 0 for own, learnt in figures["spikes"])
        for what in ("time", "interval", "width"):
            errors = figures[f"spike_{what}_error_percent"]
            # The axon gives one spike a pulse, so there is nothing between two.
            assert (
                errors == [None] * 3
                if (name, what) == ("hh1952", "interval")
                else max(map(abs, errors)) < SPIKE_ERROR
            )
        return
    assert figures["cycle_length_ms"] == list(TEST_CYCLE_LENGTHS)
    assert np.isfinite(lists).all()
    if name not in REPORTED:
        assert np.abs(figures["apd90_error_ms"]).max() < APD90_ERROR
        assert max(figures["v_rmse_mV"]) < RMSE


@pytest.mark.parametrize("key", KEYS)
def test_a_shipped_network_has_learnt_its_model(key: str) -> None:
    model = load_model(key)
    started = time.perf_counter()
    network = Network.load(shipped_path(model))
    assert network.model_hash == model.hash, f'the model has changed: make networks ARGS="{key}"'
    assert learn(model).card == network.card
    assert time.perf_counter() - started < 2.0, "it is loaded, not trained"
    assert (network.model_name, network.variant) == (model.name, model.variant)
    assert network.gate_names == model.gate_names and network.observables == ("V",)
    card, file = network.card, shipped_path(model).name
    assert card["seed"] == 0 and card["settings"] and "ionwidgets" in card["versions"]
    assert card["command"] == f"ionwidgets learn {key} --fresh --seed 0 --out {file}"
    assert "from -120 to 70 mV" in card["data"]
    within_bounds(model.name, card["figures"])


def test_the_package_holds_these_networks_and_no_others() -> None:
    files = sorted(SHIPPED.iterdir())
    assert files == sorted(shipped_path(load_model(key)) for key in KEYS)
    assert sum(file.stat().st_size for file in files) < LARGEST


@pytest.mark.parametrize(
    "key", FAST + [pytest.param(k, marks=pytest.mark.slow) for k in KEYS if k not in FAST]
)
def test_the_figures_on_a_card_are_measured_again(key: str) -> None:
    model = load_model(key)
    network = learn(model)
    again = stage1_figures(model, network)
    within_bounds(model.name, again)
    for name, values in network.card["figures"].items():
        if all(isinstance(value, float) for value in values):
            np.testing.assert_allclose(again[name], values, atol=0.02)
        else:
            assert again[name] == values


@pytest.mark.parametrize("key", KEYS)
def test_the_curves_of_a_shipped_network_are_those_of_the_equations(key: str) -> None:
    model = load_model(key)
    V = np.arange(-110.0, 60.5, 0.5)
    learnt, own = learn(model).gate_curves(V), model.gate_curves(V)
    reported = model.name in REPORTED
    for gate in model.gate_names:
        assert np.sqrt(np.mean((learnt[gate][0] - own[gate][0]) ** 2)) < (5e-3 if reported else 2e-3), gate
        off = np.log(learnt[gate][1]) - np.log(np.maximum(own[gate][1], Stage1().tau_floor_ms))
        assert np.sqrt(np.mean(off**2)) < (0.1 if reported else 0.05), gate


@pytest.mark.slow
def test_a_full_training_reaches_the_figures_in_time() -> None:
    model = load_model("tnnp2004:M")
    started = time.process_time()
    network = learn(model, fresh=True)
    # Processor time, so that whatever else the machine does is not counted; at most two threads work at once.
    assert time.process_time() - started < 2 * BUDGET
    within_bounds(model.name, network.card["figures"])
    # The order of summation differs between processors, so that the weights may; the curves hardly do.
    V = np.arange(-100.0, 50.5, 0.5)
    shipped = learn(model)
    assert network.card | {"figures": None} == shipped.card | {"figures": None}
    ours, theirs = network.gate_curves(V), shipped.gate_curves(V)
    for gate in model.gate_names:
        assert np.sqrt(np.mean((ours[gate][0] - theirs[gate][0]) ** 2)) < 2e-3, gate


def test_a_wrong_name_is_told_before_anything_is_trained_or_removed() -> None:
    before = sorted(SHIPPED.iterdir())
    with pytest.raises(ModelError, match="unknown model 'br1978'"):
        ship(["hh1952", "br1978"])
    assert sorted(SHIPPED.iterdir()) == before
