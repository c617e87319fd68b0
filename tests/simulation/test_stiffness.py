"""Fast states: which they are, their slopes, the linear system, and what must be conserved."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from kernel_functions import rhs, row_at, solve

from ionwidgets.models import load_model
from ionwidgets.simulation import simulate
from ionwidgets.simulation.elimination import eliminate, elimination_order
from ionwidgets.simulation.kernel import Kernel, kernel_for
from ionwidgets.simulation.stiffness import fast_states

CHAIN = ("IKr_C1", "IKr_C2", "IKr_C3", "IKr_O", "IKr_I")


def test_what_relaxes_fast_is_found_with_its_partners() -> None:
    assert fast_states(load_model("tnnp2004")) == ()
    assert set(CHAIN) <= set(fast_states(load_model("torord2019")))
    grandi = set(fast_states(load_model("grandi2010")))
    assert {"Ca_sr", "Csqn_b", "Ca_j", "SLL_j", "SLH_j", "Ca_sl", "SLL_sl", "SLH_sl"} <= grandi
    assert "K_i" not in grandi


def slopes_of(kernel: Kernel, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(slopes, y') at a state."""
    V = y[kernel.layout.states.index("V")]
    dy, slopes, _ = rhs(kernel, y, *row_at(kernel, V))
    return slopes, dy


@pytest.mark.parametrize("key", ["grandi2010", "torord2019", "ord2011"])
@pytest.mark.parametrize("V", [-80.0, 10.0])
def test_slopes_are_those_of_the_equations(key: str, V: float) -> None:
    """Each column of J from differences; an entry that is written for no slope is 0."""
    kernel = kernel_for(load_model(key))
    y = kernel.initial()
    y[kernel.layout.states.index("V")] = V
    n_gates, n_fast = len(kernel.model.gate_names), len(kernel.layout.fast)
    fast = slice(n_gates, n_gates + n_fast)
    J = np.zeros((n_fast, n_fast))
    for j in range(n_fast):
        nudge = 1e-5 * max(abs(y[n_gates + j]), 1e-6)
        high, low = y.copy(), y.copy()
        high[n_gates + j] += nudge
        low[n_gates + j] -= nudge
        J[:, j] = (slopes_of(kernel, high)[1][fast] - slopes_of(kernel, low)[1][fast]) / (2 * nudge)
    slopes, _ = slopes_of(kernel, y)
    # solve() knows the pattern: (1 - g J) x = b gives back b.
    x = np.linspace(1.0, 2.0, n_fast)
    solved = x.copy()
    solve(kernel, slopes, 0.1, solved)
    np.testing.assert_allclose((np.eye(n_fast) - 0.1 * J) @ solved, x, rtol=1e-4, atol=1e-4)


@settings(deadline=None, max_examples=50)
@given(size=st.integers(1, 8), seed=st.integers(0, 2**32 - 1), density=st.floats(0.0, 1.0))
def test_elimination_solves_any_pattern(size: int, seed: int, density: float) -> None:
    rng = np.random.default_rng(seed)
    pattern = [(i, j) for i in range(size) for j in range(size) if rng.random() < density]
    entries = dict(zip(pattern, rng.uniform(-1.0, 1.0, len(pattern)), strict=True))
    J = np.zeros((size, size))
    for entry, value in entries.items():
        J[entry] = value
    x = rng.uniform(-1.0, 1.0, size)
    expected = np.linalg.solve(np.eye(size) - 0.1 * J, x)
    np.testing.assert_allclose(eliminate(entries, 0.1, x), expected, rtol=1e-9, atol=1e-12)


def test_an_arrow_is_eliminated_without_fill() -> None:
    """Buffers that see their ion alone go first, whatever the order they are given in."""
    arrow = {(0, j) for j in range(6)} | {(i, 0) for i in range(6)} | {(i, i) for i in range(6)}
    assert elimination_order(arrow, 6)[-2:] in ([0, 5], [5, 0])


def test_the_states_of_a_markov_chain_keep_their_sum() -> None:
    data = simulate(load_model("torord2019"), 500.0, 20_000.0, variables=CHAIN)
    total = sum(data[name].values.astype(float) for name in CHAIN)
    assert np.abs(total - total[0, 0]).max() < 1e-6


def test_calcium_is_neither_made_nor_lost_by_its_buffers() -> None:
    """With every membrane current off, what the cell holds in all its pools stays.

    In this model magnesium that leaves troponin and myosin counts as calcium, so it is part of the sum.
    """
    model = load_model("grandi2010")
    off = {current.name: 0.0 for current in model.currents}
    pools = {  # volume relative to the cytosol's, of the free ion and what is bound
        "V_myo": ("Ca_i", "Tn_CL", "Tn_CHc", "Tn_CHm", "CaM", "Myo_c", "Myo_m", "SRB"),
        "V_junc": ("Ca_j", "SLL_j", "SLH_j"),
        "V_sl": ("Ca_sl", "SLL_sl", "SLH_sl"),
        "V_SR": ("Ca_sr", "Csqn_b"),
    }
    data = simulate(model, 1000.0, 2000.0, scale=off, variables=model.states, initial={"Ca_i": 5e-4})
    total = sum(
        float(model.variables[volume].eval()) * sum(data[name].values.astype(float) for name in names)
        for volume, names in pools.items()
    )
    assert np.abs(total / total[0, 0] - 1).max() < 2e-6


def test_a_store_that_empties_is_followed_at_any_sampling() -> None:
    """ToR-ORd's M cell empties its junctional store in its first beat; samples cut the steps differently."""
    model = load_model("torord2019", "M")
    runs = [simulate(model, 1000.0, 1000.0, sample=sample, variables=["V"]) for sample in (0.01, 0.1, 1.0)]
    coarse = [np.interp(runs[-1]["time"], run["time"], run["V"].values[0]) for run in runs]
    for V in coarse[:2]:
        assert np.sqrt(np.mean((V - coarse[2]) ** 2)) < 0.05
