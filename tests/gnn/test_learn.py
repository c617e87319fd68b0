"""Stage 1: training itself, what ends it early, networks that see Ca_i too, and the file of a network."""

from __future__ import annotations

import json
import math
from copy import deepcopy
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from handwritten_models import one_gate_model
from safetensors.torch import save_file

from ionwidgets.errors import TrainingError
from ionwidgets.gnn import Network, Stage1, learn
from ionwidgets.gnn.learn import SHIPPED
from ionwidgets.jobs import Cancelled
from ionwidgets.models import IonicModel, load_model
from ionwidgets.models.edit import edited
from ionwidgets.simulation import VoltageClamp, simulate

SHORT = Stage1(step_mV=2.0, adam_updates=60, lbfgs_updates=40)


class Listener:
    """A control that keeps the losses it is told, and stops the work after so many reports."""

    def __init__(self, stop_after: int | None = None) -> None:
        self.losses: list[float] = []
        self.fractions: list[float] = []
        self.stop_after = stop_after

    def report(self, fraction: float, message: str, **facts: Any) -> None:
        if facts.get("loss") in (None, *self.losses[-1:]):  # it only says that it is alive
            return
        self.fractions.append(fraction)
        self.losses.append(facts["loss"])
        if len(self.losses) == self.stop_after:
            raise Cancelled


@pytest.fixture(scope="module")
def model() -> IonicModel:
    return load_model("tnnp2004:M")


@pytest.fixture(scope="module")
def trained(model: IonicModel) -> tuple[Network, Listener]:
    listener = Listener()
    return learn(model, fresh=True, settings=SHORT, progress=listener), listener


def equal(a: Network, b: Network) -> bool:
    weights = zip(a.module.state_dict().values(), b.module.state_dict().values(), strict=True)
    return all(torch.equal(x, y) for x, y in weights)


def refused(path: Path) -> str:
    with pytest.raises(TrainingError) as caught:
        Network.load(path)
    assert "\n" not in str(caught.value) and path.name in str(caught.value)
    return str(caught.value)


# ---- training ----


def test_a_short_training_lowers_the_loss(trained: tuple[Network, Listener]) -> None:
    network, listener = trained
    assert len(listener.losses) >= 4
    assert listener.losses[-1] < 0.05 * listener.losses[0]
    assert listener.fractions == sorted(listener.fractions) and listener.fractions[-1] <= 1
    assert network.card["settings"]["adam_updates"] == SHORT.adam_updates
    assert set(network.card["figures"]) == {"cycle_length_ms", "apd90_error_ms", "v_rmse_mV"}


def test_the_seed_decides_and_nothing_else(model: IonicModel, trained: tuple[Network, Listener]) -> None:
    state = torch.random.get_rng_state()
    torch.manual_seed(99)
    again = learn(model, fresh=True, settings=SHORT)
    assert torch.equal(torch.rand(3), torch.rand(3, generator=torch.Generator().manual_seed(99)))
    torch.random.set_rng_state(state)
    assert equal(again, trained[0])
    other = learn(model, fresh=True, seed=1, settings=SHORT)
    assert not equal(other, trained[0]) and other.card["seed"] == 1


def test_stop_ends_training(model: IonicModel) -> None:
    listener = Listener(stop_after=2)
    with pytest.raises(Cancelled):
        learn(model, fresh=True, settings=SHORT, progress=listener)
    assert len(listener.losses) == 2


@pytest.mark.parametrize("rate", [1e6, 1e200])
def test_training_that_diverges_says_so(model: IonicModel, rate: float) -> None:
    before = {path: path.read_bytes() for path in SHIPPED.iterdir()}
    with pytest.raises(
        TrainingError, match=r"stage 1 of tnnp2004:M .*stays as it was; try another seed"
    ) as caught:
        learn(model, fresh=True, settings=replace(SHORT, adam_updates=20, lbfgs_updates=20, adam_rate=rate))
    assert "\n" not in str(caught.value)
    assert {path: path.read_bytes() for path in SHIPPED.iterdir()} == before
    assert learn(model).model_hash == model.hash


def test_a_model_without_gates_has_nothing_to_learn(tmp_path: Path) -> None:
    path = tmp_path / "passive.mmt"
    path.write_text(one_gate_model("-x * Ca_i"), encoding="utf-8")
    with pytest.raises(TrainingError, match="no gate that depends on V alone"):
        learn(load_model(path))


def test_a_shipped_network_is_not_for_other_equations(model: IonicModel) -> None:
    other = edited(model, {}, {"f": -6.0}, {})
    assert other.key == model.key and other.hash != model.hash
    network = learn(other, settings=SHORT)
    assert network.model_hash == other.hash
    V = np.linspace(-60, 20, 81)
    off = network.gate_curves(V)["f"][0] - other.gate_curves(V)["f"][0]
    assert np.abs(off).max() < 0.1


# ---- networks that see Ca_i ----


@pytest.fixture(scope="module")
def sees_calcium() -> tuple[IonicModel, Network]:
    model = load_model("br1977")
    settings = Stage1(step_mV=4.0, adam_updates=300, lbfgs_updates=700, clamp_step_mV=10.0)
    return model, learn(model, observables=("V", "Ca_i"), settings=settings)


def furthest_off(model: IonicModel, network: Network) -> tuple[float, float]:
    """RMS error over V of h_inf and of ln tau: the worst gate at the worst Ca_i."""
    V, (low, high) = np.arange(-110.0, 60.5, 0.5), network.module.shape.held[1]
    assert 0 < low < 1e-3 < high < 1e-2  # mM
    worst = [0.0, 0.0]
    for calcium in np.linspace(low, high, 7):
        with torch.no_grad():
            p = network.module.inputs(torch.as_tensor(np.stack([V, np.full_like(V, calcium)], axis=-1)))
            h_inf, log_rate = network.module.gating.h_inf(p), network.module.gating.log_rate(p)
        for j, (h, tau) in enumerate(model.gate_curves(V).values()):
            errors = h_inf[:, j].numpy() - h, log_rate[:, j].numpy() + np.log(np.maximum(tau, 0.02))
            worst = [max(old, np.sqrt(np.mean(e**2))) for old, e in zip(worst, errors, strict=True)]
    return worst[0], worst[1]


def test_a_network_that_sees_calcium_has_gates_that_do_not_heed_it(
    sees_calcium: tuple[IonicModel, Network],
) -> None:
    h_inf, log_tau = furthest_off(*sees_calcium)
    assert h_inf < 5e-3 and log_tau < 0.1


@pytest.mark.slow
def test_it_is_held_to_the_bounds_of_one_that_sees_V_alone(model: IonicModel) -> None:
    network = learn(model, observables=("V", "Ca_i"))
    h_inf, log_tau = furthest_off(model, network)
    assert h_inf < 2e-3 and log_tau < 0.05
    assert np.abs(network.card["figures"]["apd90_error_ms"]).max() < 1.0
    assert np.max(network.card["figures"]["v_rmse_mV"]) < 0.5


def test_its_curves_are_drawn_at_the_calcium_of_the_model_under_clamp(
    sees_calcium: tuple[IonicModel, Network], tmp_path: Path
) -> None:
    model, network = sees_calcium
    assert network.observables == ("V", "Ca_i")
    table = network.module.clamp.numpy()
    level = VoltageClamp([(float(table[8, 0]), 2000.0)], held=0.0)
    held = simulate(model, protocol=level, variables=["Ca_i"])
    np.testing.assert_allclose(table[8, 1], held["Ca_i"].values[0, -1], rtol=1e-5)
    network.save(tmp_path / "net.safetensors")
    again = Network.load(tmp_path / "net.safetensors")
    assert again.observables == network.observables and equal(again, network)
    assert "--observables V,Ca_i" in again.card["command"] and "levels of Ca_i" in again.card["data"]


@pytest.mark.parametrize(
    ("key", "observables", "said"),
    [
        ("hh1952", ("V", "Ca_i"), "hh1952 has no cytosolic calcium"),
        ("br1977", ("Ca_i",), "observables must be"),
        ("br1977", (), "observables must be"),
        ("br1977", ("V", "Ca_i", "K_i"), "observables must be"),
    ],
)
def test_observables_that_are_not_there(key: str, observables: tuple[str, ...], said: str) -> None:
    with pytest.raises(TrainingError, match=said):
        learn(load_model(key), observables=observables, progress=Listener(stop_after=1))


# ---- files ----


def test_a_network_comes_back_from_its_file(trained: tuple[Network, Listener], tmp_path: Path) -> None:
    network, _ = trained
    network.save(tmp_path / "net.safetensors")
    again = Network.load(tmp_path / "net.safetensors")
    assert again.gate_names == network.gate_names
    assert again.card == network.card == json.loads(json.dumps(network.card))
    V = np.linspace(-100, 50, 301)
    for gate, (h_inf, tau) in network.gate_curves(V).items():
        np.testing.assert_array_equal(again.gate_curves(V)[gate][0], h_inf)
        np.testing.assert_array_equal(again.gate_curves(V)[gate][1], tau)
    assert equal(again, network)


def test_curves_are_held_beyond_the_voltages_that_were_clamped(model: IonicModel) -> None:
    curves = learn(model).gate_curves([-500.0, -120.0, 70.0, 500.0])
    for h_inf, tau in curves.values():
        np.testing.assert_allclose(h_inf[[0, 3]], h_inf[[1, 2]], rtol=1e-12)
        np.testing.assert_allclose(tau[[0, 3]], tau[[1, 2]], rtol=1e-12)
        assert all(0 <= value <= 1 for value in h_inf) and all(map(math.isfinite, tau))


def test_a_wrong_file_is_one_line(trained: tuple[Network, Listener], tmp_path: Path) -> None:
    assert "there is no such file" in refused(tmp_path / "missing.safetensors")
    assert "cannot be read" in refused(tmp_path)
    text = tmp_path / "text.safetensors"
    text.write_text("time [ms],V [mV]\n0,-80\n", encoding="utf-8")
    assert "cannot be read" in refused(text)
    trained[0].save(tmp_path / "net.safetensors")
    cut = tmp_path / "cut.safetensors"
    cut.write_bytes((tmp_path / "net.safetensors").read_bytes()[:-100])
    assert "cannot be read" in refused(cut)
    foreign = tmp_path / "foreign.safetensors"
    save_file({"w": torch.zeros(3)}, foreign)
    assert "not a network of ionwidgets" in refused(foreign)
    odd = tmp_path / "odd.safetensors"
    metadata = {"schema": "ionwidgets/network/1", "gates": '["a", "b"]', "card": "{}"}
    save_file({"gating.steady.weight": torch.zeros(7, 7)}, odd, metadata=metadata)
    assert "cannot be read as a network" in refused(odd)


def test_a_gate_that_was_trained_too_fast_for_a_number_still_has_a_rate(model: IonicModel) -> None:
    shipped = learn(model)
    module = deepcopy(shipped.module)
    with torch.no_grad():
        module.gating.decay.bias[0] = -3000.0
    tau = replace(shipped, module=module).gate_curves(np.linspace(-100, 50, 7))[model.gate_names[0]][1]
    assert (tau > 0).all() and np.isfinite(1 / tau).all()
