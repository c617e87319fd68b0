"""Both stages as published: what they learn, what is left out, and what they refuse."""

from __future__ import annotations

import threading
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
import xarray as xr

from ionwidgets.errors import TrainingError
from ionwidgets.gnn import Network, learn
from ionwidgets.gnn.measure import figures_in_words
from ionwidgets.gnn.paper import Paper, learn_as_published, retrain_as_published
from ionwidgets.gnn.paper.data import non_gates, paced
from ionwidgets.gnn.paper.stages import training_cells
from ionwidgets.jobs import Cancelled
from ionwidgets.models import IonicModel, load_model
from ionwidgets.simulation import simulate, voltage_grid

SHORT = Paper(
    cycle_lengths=(400.0, 500.0, 600.0, 700.0), used=(1000.0, 3000.0), duration=3000.0, rate=2e-3, epochs=2,
    held=200.0, stage2_epochs=2, stage2_rate=1e-3,
)  # fmt: skip


class Listener:
    def __init__(self, stop_after: int | None = None) -> None:
        self.seen: list[tuple[float, dict[str, Any]]] = []
        self.stop_after = stop_after

    def report(self, fraction: float, message: str, **facts: Any) -> None:
        if not facts and self.seen:  # it only says that it is alive
            return
        self.seen.append((fraction, facts))
        if len(self.seen) == self.stop_after:
            raise Cancelled


@pytest.fixture(scope="module")
def model() -> IonicModel:
    return load_model("tnnp2004:M")


@pytest.fixture(scope="module")
def control(model: IonicModel) -> xr.Dataset:
    return paced(model, SHORT)


@pytest.fixture(scope="module")
def network(model: IonicModel, control: xr.Dataset) -> Network:
    return learn_as_published(model, settings=SHORT, control=control)


def test_the_published_numbers() -> None:
    paper = Paper()
    assert len(paper.cycle_lengths) == 101 and paper.cycle_lengths[-1] == 800.0
    assert len(paper.etas) == 20 and (paper.etas[0], paper.etas[-1]) == (1e-4, 2e-3)
    trains = training_cells(101, paper)
    assert trains.size == 76 and np.all(np.diff(trains) <= 2)


def test_stage_1_sees_v_and_calcium_and_predicts_what_is_no_gate(model: IonicModel, network: Network) -> None:
    assert network.observables == ("V", "Ca_i") and network.card["preset"] == "paper"
    assert network.emulator is not None
    assert network.emulator.outputs.names == non_gates(model)
    assert set(non_gates(model)) | set(model.gate_names) == set(model.states)
    assert network.emulator.outputs.names[:2] == ("V", "Ca_i")


def test_stage_1_learns_the_cells_that_it_did_not_see(model: IonicModel, control: xr.Dataset) -> None:
    brief = replace(SHORT, epochs=1, used=(1000.0, 1100.0))
    untaught = learn_as_published(model, settings=brief).card["figures"]
    longer = learn_as_published(model, settings=replace(SHORT, epochs=8), control=control).card["figures"]
    for name in ("validation_gates", "validation_others"):
        assert longer[name] < 0.4 * untaught[name], name


def test_the_seed_decides(model: IonicModel, control: xr.Dataset, network: Network) -> None:
    def weights(seed: int) -> torch.Tensor:
        return learn_as_published(
            model, settings=SHORT, control=control, seed=seed
        ).module.gating.decay.weight

    assert torch.equal(weights(0), network.module.gating.decay.weight)
    assert not torch.equal(weights(1), network.module.gating.decay.weight)


def test_it_comes_back_from_its_file_and_runs_in_the_model(
    model: IonicModel, network: Network, tmp_path: Any
) -> None:
    network.save(tmp_path / "paper.safetensors")
    again = Network.load(tmp_path / "paper.safetensors")
    assert again.card == network.card and again.module.shape == network.module.shape
    assert again.emulator is not None and network.emulator is not None
    assert again.emulator.outputs == network.emulator.outputs
    for key, value in network.emulator.state_dict().items():
        assert torch.equal(again.emulator.state_dict()[key], value), key
    curves = again.gate_curves(voltage_grid())
    for name, (h_inf, tau) in network.gate_curves(voltage_grid()).items():
        np.testing.assert_allclose(curves[name][0], h_inf, atol=1e-6)
        assert np.all(tau > 0)
    run = simulate(model, 600.0, 600.0, gates=curves, variables=["V"])
    assert np.isfinite(run["V"].values).all()


def test_stage_2_moves_the_gating_layer_alone_and_eta_holds_it(model: IonicModel, network: Network) -> None:
    experiment = paced(model, SHORT, {"g_Kr": 0.25})
    small, large = retrain_as_published(network, experiment, etas=[1e-4, 0.5], settings=SHORT)
    assert (small.eta, large.eta) == (1e-4, 0.5)
    assert large.loss_gates < 0.5 * small.loss_gates
    for run in (small, large):
        before, after = network.module.state_dict(), run.network.module.state_dict()
        moved = {key for key, value in after.items() if not torch.equal(value.float(), before[key].float())}
        assert moved == {
            f"gating.{part}.{kind}" for part in ("steady", "decay") for kind in ("weight", "bias")
        }
        assert 0 <= run.outside < 1


def test_threads_change_no_bit(model: IonicModel, network: Network, control: xr.Dataset) -> None:
    one, two = (
        retrain_as_published(network, control, etas=[1e-3, 2e-3, 5e-3], settings=SHORT, threads=n)
        for n in (1, 2)
    )
    for a, b in zip(one, two, strict=True):
        assert torch.equal(a.network.module.gating.steady.weight, b.network.module.gating.steady.weight)
        assert a.loss_observables == b.loss_observables


def test_samples_beyond_the_ranges_are_counted(network: Network, control: xr.Dataset) -> None:
    beyond = control.copy(deep=True)
    beyond["Ca_i"][:, :100] = 0.1
    (run,) = retrain_as_published(network, beyond, etas=[1e-3], settings=SHORT)
    assert run.outside == pytest.approx(100 / 2001 / 2, rel=1e-3)


def test_what_cannot_be_trained_is_refused(model: IonicModel, network: Network, control: xr.Dataset) -> None:
    with pytest.raises(TrainingError, match="eta must lie between 0 and 1; found 2"):
        retrain_as_published(network, control, etas=[2.0], settings=SHORT)
    with pytest.raises(TrainingError, match="found none"):
        retrain_as_published(network, control, etas=[], settings=SHORT)
    with pytest.raises(TrainingError, match="the data have no Ca_i"):
        retrain_as_published(network, control.drop_vars("Ca_i"), settings=SHORT)
    with pytest.raises(TrainingError, match='preset="paper"'):
        retrain_as_published(learn(model), control, settings=SHORT)
    with pytest.raises(TrainingError, match="must lie within the 3000 ms"):
        paced(model, replace(SHORT, used=(1000.0, 4000.0)))


def test_divergence_names_eta_and_leaves_the_network(network: Network, control: xr.Dataset) -> None:
    before = {key: value.clone() for key, value in network.module.state_dict().items()}
    beyond = control.copy(deep=True)
    beyond["V"][:] = np.nan
    with pytest.raises(TrainingError, match=r"stage 2 at eta 0\.001 diverged after 0 updates"):
        retrain_as_published(network, beyond, etas=[1e-3], settings=SHORT)
    assert all(torch.equal(value, before[key]) for key, value in network.module.state_dict().items())


def test_an_error_in_one_run_ends_those_before_it(
    network: Network, control: xr.Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    ended = threading.Event()

    def until_told(*arguments: Any) -> None:
        eta, alive = arguments[4], arguments[6]
        if eta == 2e-3:
            raise TrainingError("diverged")
        while alive(0) and not ended.wait(0.01):
            pass
        raise Cancelled

    monkeypatch.setattr("ionwidgets.gnn.paper.stages._stage2", until_told)
    rescue = threading.Timer(10.0, ended.set)
    rescue.start()
    with pytest.raises(TrainingError, match="diverged"):
        retrain_as_published(network, control, etas=[1e-3, 2e-3], settings=SHORT, threads=2)
    assert not ended.is_set()
    rescue.cancel()


def test_both_stages_tell_how_far_they_are_and_stop(
    model: IonicModel, network: Network, control: xr.Dataset
) -> None:
    listener = Listener()
    learn_as_published(model, settings=SHORT, control=control, progress=listener)
    fractions = [fraction for fraction, _ in listener.seen]
    assert fractions == sorted(fractions) and fractions[-1] > 0.9
    assert listener.seen[-1][1]["loss"] < listener.seen[1][1]["loss"]
    with pytest.raises(Cancelled):
        learn_as_published(model, settings=SHORT, control=control, progress=Listener(stop_after=3))
    with pytest.raises(Cancelled):
        retrain_as_published(
            network, control, etas=[1e-3] * 8, settings=replace(SHORT, stage2_epochs=50),
            progress=Listener(stop_after=2),
        )  # fmt: skip


def test_learn_has_it_as_a_preset(model: IonicModel) -> None:
    listener = Listener(stop_after=3)
    with pytest.raises(Cancelled):
        learn(model, preset="paper", progress=listener)
    assert len(listener.seen) == 3, "the shipped network is not this one"
    for arguments in ({"checkpoint": "run.safetensors"}, {"observables": ("V",)}):
        with pytest.raises(TrainingError, match=r'preset="paper" sees V and Ca_i'):
            learn(model, preset="paper", **arguments)
    with pytest.raises(TrainingError, match="unknown preset 'magic'; there are: default, paper"):
        learn(model, preset="magic")
    with pytest.raises(TrainingError, match="it sees Ca_i beside V"):
        learn(load_model("noble1962"), preset="paper")


def test_its_figures_are_in_words(network: Network) -> None:
    figures = network.card["figures"]
    lines = figures_in_words(figures)
    assert lines[0].startswith("cells that did not train: mean square of gates ")
    assert len(lines) == 1 + len(figures["cycle_length_ms"]) and lines[1].startswith("CL 350 ms: APD90 ")
