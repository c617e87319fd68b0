"""Networks on another device: refused in one sentence where there is none, wholly there where one is.

"meta" tensors have no values, but mixing them with the CPU's is the same mistake as mixing a GPU's.
"""

from __future__ import annotations

import pytest
import torch
from gnn.test_retrain import DATA, balance_of

from ionwidgets.discovery import discover
from ionwidgets.errors import TrainingError
from ionwidgets.gnn import learn
from ionwidgets.gnn.along_beats import Layers
from ionwidgets.gnn.clamp_grid import lessons
from ionwidgets.gnn.descent import Stage1
from ionwidgets.gnn.device import device_named
from ionwidgets.gnn.emulate import EmulatedBeats
from ionwidgets.gnn.learn import gate_loss
from ionwidgets.gnn.network import GatingNetwork
from ionwidgets.gnn.paper import learn_as_published
from ionwidgets.gnn.retrain import Stage2, retrain_network
from ionwidgets.models import load_model
from ionwidgets.recordings import read_recording

META = torch.device("meta")


@pytest.mark.parametrize("name", ["gpu", "mps", "cuda:99", 3])
def test_a_device_that_is_not_there_is_named(name: object) -> None:
    with pytest.raises(TrainingError, match="device"):
        device_named(name)  # type: ignore[arg-type]
    with pytest.raises(TrainingError, match="device"):
        learn(load_model("tnnp2004:M"), device=name)  # type: ignore[arg-type]
    with pytest.raises(TrainingError, match="device"):
        discover(load_model("tnnp2004:M"), read_recording(DATA / "longqt.csv"), device=name)  # type: ignore[arg-type]


def test_stage_2_leaves_nothing_behind() -> None:
    network, balance = learn_as_published(load_model("tnnp2004:M")), balance_of("longqt").on(META)
    network = network.on(META)
    layers = Layers(network, balance, 2)
    layers.weights = [w.clone().requires_grad_() for w in layers.weights]
    log_scales = torch.zeros(2, len(balance.model.currents), dtype=torch.float64, device=META)
    h = layers.gates()
    for decoder in (balance, EmulatedBeats(network, balance)):
        loss = decoder.misfit(h, log_scales)
        assert loss.device == META and loss.shape == (2,)
        slopes = torch.autograd.grad(loss.sum(), layers.weights, retain_graph=True)
        assert all(slope.device == META for slope in slopes)


def test_stage_1_leaves_nothing_behind() -> None:
    model, settings = load_model("tnnp2004:M"), Stage1()
    taught = lessons(model, ("V", "Ca_i"), settings).on(META)
    module = GatingNetwork(len(model.gate_names), taught.shape, taught.clamp).double().to(META)
    loss = gate_loss(module, taught, settings)()
    loss.backward()
    assert all(w.grad is not None and w.grad.device == META for w in module.parameters())


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_both_stages_on_cuda_end_where_the_cpu_does() -> None:
    model, balance = load_model("tnnp2004:M"), balance_of("longqt")
    brief = Stage1(adam_updates=20, lbfgs_updates=0)
    both = [learn(model, fresh=True, settings=brief, device=device) for device in ("cpu", "cuda")]
    for own, theirs in zip(*(network.module.parameters() for network in both), strict=True):
        torch.testing.assert_close(own, theirs, rtol=1e-4, atol=1e-5)
    network = learn(model)
    own, theirs = (
        retrain_network(network, balance, settings=Stage2(updates=5), device=device)
        for device in ("cpu", "cuda")
    )
    torch.testing.assert_close(own.gates_after, theirs.gates_after, rtol=1e-4, atol=1e-6)
