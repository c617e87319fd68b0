"""Stage 2: on recordings made by an independent solver, the changed current explains most."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from ionwidgets.discovery.prepare import control_run
from ionwidgets.errors import TrainingError
from ionwidgets.gnn import Network, learn
from ionwidgets.gnn.along_beats import gates_along
from ionwidgets.gnn.decoder import Balance, current_balance
from ionwidgets.gnn.retrain import Retrained, Stage2, retrain_network
from ionwidgets.jobs import Cancelled
from ionwidgets.models import load_model
from ionwidgets.recordings import read_recording
from ionwidgets.recordings.typical_beat import typical_beats
from ionwidgets.simulation import simulate

DATA = Path(__file__).resolve().parents[1] / "data"
SHORT = Stage2(updates=30)


@cache
def balance_of(name: str) -> Balance:
    """Of the first three cells; whoever takes it does not change it."""
    model = load_model("tnnp2004:M")
    stimulus = (model.stimulus.amplitude, model.stimulus.duration)
    recording = read_recording(DATA / f"{name}.csv").isel(cell=slice(3))
    beats, _ = typical_beats(recording, stimulus[1], stimulus[0])
    return current_balance(model, beats, control_run(model, beats, stimulus), stimulus)


@pytest.fixture(scope="module")
def network() -> Network:
    return learn(load_model("tnnp2004:M"))


def explained_by_currents(retrained: Retrained) -> list[str]:
    """Currents, the one that explains most first."""
    currents = [current.name for current in load_model("tnnp2004:M").currents]
    return sorted(currents, key=lambda name: -retrained.explained[name])


@pytest.mark.parametrize(("name", "current"), [("longqt", "I_Kr"), ("shortqt", "I_CaL"), ("ito", "I_to")])
def test_the_changed_current_explains_most(network: Network, name: str, current: str) -> None:
    settings = Stage2(updates=150)
    retrained = retrain_network(network, balance_of(name), settings=settings)
    first, second, *_ = explained_by_currents(retrained)
    assert first == current
    assert retrained.explained[first] > 0.8 > retrained.explained[second]
    assert retrained.residual_after < 0.01 * retrained.residual_before
    assert retrained.losses.size <= settings.updates + 1 and np.isfinite(retrained.losses).all()
    assert (np.diff(retrained.losses) <= 0).all(), "no step that makes it worse is kept"


@pytest.mark.parametrize(
    ("name", "current", "truth"),
    [("longqt", "I_Kr", 0.25), ("shortqt", "I_CaL", 0.25), ("ito", "I_to", 3.0), ("control", "I_Kr", 1.0)],
)
def test_a_changed_conductance_shows_as_its_scale(
    network: Network, name: str, current: str, truth: float
) -> None:
    scales = {k: np.exp(v) for k, v in retrain_network(network, balance_of(name)).log_scales.items()}
    assert abs(np.log(scales.pop(current) / truth)) < 0.2
    assert max(scales, key=lambda other: abs(np.log(scales[other]))) and all(
        abs(np.log(scale)) < 0.3 for scale in scales.values()
    )


def test_a_control_is_explained_from_the_start(network: Network) -> None:
    retrained = retrain_network(network, balance_of("control"), settings=SHORT)
    altered = retrain_network(network, balance_of("longqt"), settings=SHORT)
    assert retrained.residual_before < 0.02 * altered.residual_before
    assert max(abs(value) for value in retrained.log_scales.values()) < 0.5


def test_only_the_gating_layer_is_new(network: Network) -> None:
    before = {key: value.clone() for key, value in network.module.state_dict().items()}
    balance = balance_of("longqt")
    retrained = retrain_network(network, balance, settings=SHORT)
    after = retrained.network.module.state_dict()
    for key, value in network.module.state_dict().items():
        assert torch.equal(value, before[key]), "the network that was handed in stays as it was"
        assert torch.equal(after[key], value) == key.startswith("features"), key
    shape = (*balance.V.shape, len(network.gate_names))
    assert retrained.gates_before.shape == retrained.gates_after.shape == shape
    for gates in (retrained.gates_before, retrained.gates_after):
        assert not gates.requires_grad and bool(((gates >= 0) & (gates <= 1)).all())


def test_the_seed_decides_and_nothing_else(network: Network) -> None:
    balance = balance_of("longqt")
    first, again = (retrain_network(network, balance, seed=3, settings=SHORT) for _ in range(2))
    other = retrain_network(network, balance, seed=4, settings=SHORT)
    np.testing.assert_array_equal(first.losses, again.losses)
    assert torch.equal(first.gates_after, again.gates_after) and first.log_scales == again.log_scales
    assert first.log_scales != other.log_scales


def test_a_dear_change_is_a_small_one(network: Network) -> None:
    balance = balance_of("longqt")
    cheap, dear = (retrain_network(network, balance, settings=replace(SHORT, eta=eta)) for eta in (1e-5, 0.5))
    moved = [float((r.gates_after - r.gates_before).abs().mean()) for r in (cheap, dear)]
    assert moved[1] < 0.5 * moved[0]


def test_a_loss_that_is_no_number_is_refused(network: Network) -> None:
    before = {key: value.clone() for key, value in network.module.state_dict().items()}
    balance = balance_of("longqt")
    gap = balance.dVdt.clone()
    gap[100, 0] = float("nan")
    with pytest.raises(TrainingError, match=r"stage 2 cannot begin: .* stays as it was") as caught:
        retrain_network(network, replace(balance, dVdt=gap), settings=SHORT)
    assert "\n" not in str(caught.value)
    assert all(torch.equal(value, before[key]) for key, value in network.module.state_dict().items())


def test_stop_ends_it_and_progress_is_told(network: Network) -> None:
    told: list[dict[str, Any]] = []

    class Control:
        def report(self, fraction: float, message: str, **facts: Any) -> None:
            if facts.get("update") in (None, *[last["update"] for last in told[-1:]]):
                return  # it only says that it is alive
            told.append({"fraction": fraction, "message": message, **facts})
            if len(told) == 3:
                raise Cancelled

    with pytest.raises(Cancelled):
        retrain_network(network, balance_of("longqt"), progress=Control())
    assert len(told) == 3
    assert {"fraction", "message", "loss", "misfit", "update"} <= told[0].keys()
    assert told[2]["loss"] < told[0]["loss"]


@pytest.mark.parametrize("sample", [0.1, 0.5, 2.0])
def test_gates_move_at_the_samples_own_pace(network: Network, sample: float) -> None:
    """tau is in ms whatever the recording's samples are apart; denser ones than 0.5 ms are averaged to it."""
    model = load_model("tnnp2004:M")
    stimulus = (model.stimulus.amplitude, model.stimulus.duration)
    paced = simulate(model, [500.0], 18_000.0, record_from=15_000.0, variables=["V", "Ca_i"], sample=sample)
    beats, _ = typical_beats(paced, stimulus[1], stimulus[0])
    assert beats[0].step == pytest.approx(max(sample, 0.5))
    balance = current_balance(model, beats, control_run(model, beats, stimulus), stimulus)
    h = gates_along(network, balance)
    none = torch.zeros(1, len(model.currents), dtype=h.dtype)
    assert balance.misfit(h[None], none).item() < 3e-4
    xs = h[..., model.gate_names.index("Xs")].numpy()
    np.testing.assert_allclose(xs, balance.hidden["Xs"], atol=3e-3)
