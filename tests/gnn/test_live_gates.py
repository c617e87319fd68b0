"""The gates that a network's neural ODE runs with: over V alone, or over the cell's own V and Ca_i."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from ionwidgets.gnn import Network, learn
from ionwidgets.gnn.descent import Stage1
from ionwidgets.gnn.measure import stage1_figures
from ionwidgets.gnn.paper import Paper, learn_as_published
from ionwidgets.models import load_model
from ionwidgets.simulation import simulate, voltage_grid

SHORT = Paper(
    cycle_lengths=(400.0, 500.0, 600.0, 700.0), used=(1000.0, 3000.0), duration=3000.0, rate=2e-3, epochs=8,
    held=200.0,
)  # fmt: skip


@pytest.fixture(scope="module")
def as_published() -> Network:
    return learn_as_published(load_model("tnnp2004:M"), settings=SHORT)


@pytest.fixture(scope="module")
def smooth() -> Network:
    settings = Stage1(step_mV=8.0, adam_updates=100, lbfgs_updates=100, clamp_step_mV=10.0)
    return learn(load_model("br1977"), observables=("V", "Ca_i"), settings=settings)


def off(network: Network) -> NDArray[np.float64]:
    """|h_inf between the tables' points - the network's own| (20 000, G), anywhere from -120 to 70 mV."""
    gates, ends = network.live_gates()
    assert ends is not None
    rng = np.random.default_rng(0)
    V, calcium = rng.uniform(-120.0, 70.0, 20_000), rng.uniform(*ends, 20_000)
    with torch.no_grad():
        p = network.module.inputs(torch.as_tensor(np.stack([V, calcium], axis=-1)))
        own = network.module.unscaled(network.module.gating.h_inf(p)).numpy()
    grid = voltage_grid()
    i = np.searchsorted(grid, V) - 1
    w = (V - grid[i]) / (grid[i + 1] - grid[i])
    found = []
    for h_inf, tau in gates.values():
        assert h_inf.shape == tau.shape == (grid.size, h_inf.shape[1]) and np.all(tau > 0)
        q = (calcium - ends[0]) / (ends[1] - ends[0]) * (h_inf.shape[1] - 1)
        p_low = np.minimum(q.astype(int), h_inf.shape[1] - 2)
        low, high = ((1 - w) * h_inf[i, k] + w * h_inf[i + 1, k] for k in (p_low, p_low + 1))
        found.append(low + (q - p_low) * (high - low))
    return np.abs(np.stack(found, axis=-1) - own)


def test_a_network_of_v_alone_runs_with_its_curves() -> None:
    network = learn(load_model("tnnp2004:M"))
    gates, ends = network.live_gates()
    assert ends is None
    for name, (h_inf, tau) in network.gate_curves(voltage_grid()).items():
        np.testing.assert_array_equal(gates[name], (h_inf, tau))


def test_between_its_levels_a_table_is_the_network(as_published: Network, smooth: Network) -> None:
    """relu bends at kinks, where a straight line is off by more than elsewhere, tanh nowhere."""
    kinked = off(as_published)
    assert np.quantile(kinked, 0.9) < 1e-4 and np.sqrt(np.mean(kinked**2)) < 2e-3
    assert off(smooth).max() < 1e-4


def test_its_levels_reach_as_far_as_altered_cells_go(as_published: Network, smooth: Network) -> None:
    low, high = as_published.live_gates()[1] or (0.0, 0.0)
    model = load_model("tnnp2004:M")
    altered = simulate(model, 400.0, 10_000.0, scale={"g_CaL": 1.5, "g_Kr": 0.25}, variables=["Ca_i"])
    assert low == 0.0 and high > float(altered["Ca_i"].max())
    assert smooth.live_gates()[1] == pytest.approx(smooth.module.shape.held[1])


class AtTheClampsCalcium:
    """A network whose neural ODE runs with the curves as they are drawn."""

    def __init__(self, network: Network) -> None:
        self.network = network

    def live_gates(self) -> Any:
        return self.network.gate_curves(voltage_grid()), None


@pytest.mark.slow
def test_the_published_network_is_better_where_it_sees_the_live_calcium() -> None:
    """APD90 of the neural ODE, beside that with the curves at the Ca_i of the model under clamp."""
    model = load_model("tnnp2004:M")
    network = learn_as_published(model, seed=0)
    assert np.sqrt(np.mean(off(network) ** 2)) < 1e-4
    live = np.array(network.card["figures"]["apd90_error_ms"])
    drawn: Any = AtTheClampsCalcium(network)
    clamped = np.array(stage1_figures(model, drawn)["apd90_error_ms"])
    print("live", live, "clamped", clamped)
    assert np.all(np.abs(live) < 0.65 * np.abs(clamped)) and abs(live[0]) < 40.0
