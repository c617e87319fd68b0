"""`make bench`: what the networks cost, beside the published loop and torch's own recurrent layers.

Machines are shared and noisy: every claim is a ratio of medians of runs that took turns.
"""

from __future__ import annotations

import resource
import time
from collections.abc import Callable
from copy import deepcopy

import numpy as np
import pytest
import torch
from benchmarks.published_loop import PublishedLoop
from gnn.test_retrain import balance_of
from torch import nn

from ionwidgets.gnn import GatingLayer, GatingNetwork, learn
from ionwidgets.gnn.emulator import Emulator, Outputs
from ionwidgets.gnn.network import Shape
from ionwidgets.gnn.paper import Paper, updates, weights
from ionwidgets.gnn.paper.weights import GATING, flat, initialise
from ionwidgets.gnn.retrain import Stage2, retrain_batch
from ionwidgets.models import load_model
from ionwidgets.simulation import simulate, voltage_grid

pytestmark = [pytest.mark.slow, pytest.mark.bench, pytest.mark.timeout(3600)]

CELLS, GATES, OTHERS, STEPS = (
    76,
    10,
    7,
    600,
)  # of the paper: cells that train, gates, states that are no gates
UPDATES = 3 * 10_000


def seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def in_turns(*works: Callable[[], object], rounds: int = 5) -> list[list[float]]:
    """The seconds of each work in every round, after one round that is not counted."""
    for work in works:
        work()
    return np.transpose([[seconds(work) for work in works] for _ in range(rounds)]).tolist()


def test_the_published_updates_beside_the_published_loop() -> None:
    settings = Paper()
    shape = Shape(
        observables=("V", "Ca_i"), centre=(0.0, 0.0), spread=(1.0, 1.0), held=((-1e9, 1e9),) * 2,
        activation="relu", skip=False,
    )  # fmt: skip
    names = tuple(f"s{i}" for i in range(OTHERS))
    m1 = GatingNetwork(GATES, shape)
    m2 = Emulator(2, GATES, Outputs(names, (0.0,) * OTHERS, (1.0,) * OTHERS))
    initialise(m1, m2, 0, settings.forget_bias)
    random = np.random.default_rng(0)
    x, H, Y = (random.random((STEPS, n, CELLS), np.float32) for n in (2, GATES, OTHERS))
    seen, gates, others = (torch.from_numpy(part.swapaxes(1, 2).copy()) for part in (x, H, Y))
    w = flat(m1, m2)
    ends = weights.ends(weights.tensors(2, settings.width, GATES, OTHERS))
    p = np.ascontiguousarray(m1.features(seen).detach().numpy().swapaxes(1, 2))
    losses = np.empty((STEPS, 2), np.float32)

    def ours1() -> None:
        own = w.copy()
        state = (np.zeros((n, CELLS), np.float32) for n in (GATES, OTHERS, OTHERS))
        updates.stage1(
            own, np.zeros_like(own), np.zeros_like(own), 0, ends, x, H, Y, *state, settings.rate,
            settings.weight_decay, settings.adam, losses,
        )  # fmt: skip

    def ours2() -> None:
        v = w[ends[GATING.start] : ends[GATING.stop]].copy()
        state = (np.zeros((n, CELLS), np.float32) for n in (GATES, OTHERS, OTHERS))
        updates.stage2(
            v, np.zeros_like(v), np.zeros_like(v), 0, w, ends, p, x, H,
            np.ascontiguousarray(Y[:, :2]), *state, 1e-3, settings.stage2_rate,
            settings.stage2_weight_decay, settings.adam, losses,
        )  # fmt: skip

    def loop() -> PublishedLoop:
        return PublishedLoop(deepcopy(m1), deepcopy(m2), CELLS, settings)

    took = in_turns(
        ours1, lambda: loop().stage1(seen, gates, others),
        ours2, lambda: loop().stage2(seen, gates, others[..., :2], 1e-3), rounds=3,
    )  # fmt: skip
    for name, own, theirs in (("stage 1", *took[:2]), ("stage 2", *took[2:])):
        ratio = np.median(np.divide(theirs, own))
        print(
            f"\n{name} as published: {1e6 * np.median(own) / STEPS:.0f} us an update on one thread, the loop "
            f"in torch {1e6 * np.median(theirs) / STEPS:.0f} us; {ratio:.0f} times as fast; {UPDATES} "
            f"updates {UPDATES * np.median(own) / STEPS:.1f} s"
        )
        assert ratio > 10


@pytest.mark.parametrize("cells", [1, 10, 100])
def test_the_gating_layer_beside_gru_and_lstm(cells: int) -> None:
    """Budget at 100 cells: 20 times torch's GRU of equal width, forward and backward."""
    T = 10_000 if cells == 100 else 2_000
    layer, gru, lstm = GatingLayer(GATES, GATES), nn.GRU(GATES, GATES), nn.LSTM(GATES, GATES)
    p = torch.rand(T, cells, GATES)
    h0 = torch.rand(cells, GATES)

    def run(module: nn.Module, forward: Callable[[], torch.Tensor]) -> Callable[[], None]:
        def work() -> None:
            module.zero_grad()
            forward().sum().backward()

        return work

    took = in_turns(
        run(layer, lambda: layer(p, h0)), run(gru, lambda: gru(p)[0]), run(lstm, lambda: lstm(p)[0]), rounds=3
    )
    own, by_gru, by_lstm = (np.array(times) for times in took)
    print(
        f"\nT={T}, B={cells}, G={GATES}: gating layer {1e3 * np.median(own):.1f} ms forward and backward; "
        f"GRU {np.median(by_gru / own):.0f}, LSTM {np.median(by_lstm / own):.0f} times as long"
    )
    assert np.median(by_gru / own) > (20 if cells == 100 else 5)


def test_how_cost_grows_with_time_cells_gates_and_networks() -> None:
    print("\n     T     B    G   ms a pass   ns an element   MB held by autograd")
    for T, B, G in ((1_000, 10, 10), (10_000, 10, 10), (1_000, 100, 10), (10_000, 100, 10), (1_000, 100, 40)):
        layer = GatingLayer(31, G)
        p, h0 = torch.rand(T, B, 31), torch.rand(B, G)

        def both(layer: GatingLayer = layer, p: torch.Tensor = p, h0: torch.Tensor = h0) -> None:
            layer(p, h0).sum().backward()

        both()
        took = np.median([seconds(both) for _ in range(5)])
        n = T * B * G
        print(f"{T:6d} {B:5d} {G:4d} {1e3 * took:11.1f} {1e9 * took / n:15.1f} {4e-6 * n:10.1f}")
    balance, network = balance_of("longqt"), learn(load_model("tnnp2004:M"))
    print("networks at once   ms an update   ms an update and network   peak memory [MB]")
    each = []
    for n in (1, 2, 5, 10, 20):
        runs = [(1e-3, seed) for seed in range(n)]
        brief = Stage2(updates=20)
        retrain_batch(network, balance, runs, settings=Stage2(updates=2))
        took = seconds(lambda: retrain_batch(network, balance, runs, settings=brief)) / brief.updates
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        each.append(1e3 * took / n)
        print(f"{n:16d} {1e3 * took:14.1f} {each[-1]:26.2f} {peak:18.0f}")
    assert min(each[1:]) < each[0], "a batch is cheaper than one at a time"


def test_the_neural_ode_beside_cvodes() -> None:
    """The ODE with a network's gates, 20 s a cell, against Myokit's CVODES on the ODE itself."""
    from benchmarks.test_speed import SWEEP, Cvodes

    model = load_model("tnnp2004:M")
    gates = learn(model).gate_curves(voltage_grid())
    cvodes = Cvodes(model)
    simulate(model, SWEEP[:2], 100.0, variables=("V",), gates=gates)
    ratios = []
    for part in range(3):
        cells = SWEEP[part::6]
        own = seconds(lambda: simulate(model, cells, 20_000.0, variables=("V",), gates=gates))
        ratios.append(seconds(lambda: cvodes.run(cells)) / own)
    print(f"\nneural ODE: {np.median(ratios):.1f} times as fast as CVODES at 1e-6 ({ratios})")
    assert np.median(ratios) > 5
