"""What a change of a gate costs: little where the recording tells, much where it does not."""

from __future__ import annotations

import pytest
import torch
from gnn.test_retrain import balance_of

from ionwidgets.gnn import learn, prior
from ionwidgets.gnn.along_beats import gates_along
from ionwidgets.gnn.decoder import Balance
from ionwidgets.gnn.prior import BIN, DEAREST, information, price
from ionwidgets.gnn.retrain import retrain_network


@pytest.fixture(scope="module")
def balance() -> Balance:
    return balance_of("longqt")


@pytest.fixture(scope="module")
def gates(balance: Balance) -> torch.Tensor:
    return gates_along(learn(balance.model), balance)


def test_information_is_what_a_small_change_does_to_the_misfit(balance: Balance, gates: torch.Tensor) -> None:
    """Against the change itself: one gate moved by 1e-4 within one bin of V."""
    names = balance.model.gate_names
    q = information(balance, gates)
    silent = torch.zeros(1, len(balance.model.currents), dtype=gates.dtype)
    for gate, V in (("Xr2", -15.0), ("f", -5.0), ("s", 5.0)):
        j = names.index(gate)
        inside = (balance.V / BIN).floor() == (torch.tensor(V) / BIN).floor()
        moved = gates.clone()
        moved[..., j] += 1e-4 * inside
        before, after = (balance.residual(balance.currents(h), silent[0]) for h in (gates, moved))
        share = (after - before).square().sum() / (balance.dVdt * balance.weight).square().sum()
        expected = q[..., j][inside]
        assert torch.equal(expected, expected[:1].expand_as(expected))
        assert share.item() == pytest.approx(1e-8 * expected[0].item(), rel=0.02), gate


def test_a_gate_that_nobody_sees_is_dear_and_one_that_carries_the_plateau_cheap(
    balance: Balance, gates: torch.Tensor
) -> None:
    costs = price(balance, gates)
    plateau = (balance.V > 0) & (balance.weight > 0)
    for gate, j in (
        (gate, balance.model.gate_names.index(gate)) for gate in ("m", "h", "j", "Xr2", "f", "d")
    ):
        mean = costs[..., j][plateau].mean().item()
        assert (mean > 0.9 * DEAREST) == (gate in ("m", "h", "j")), gate
    assert bool((costs[balance.weight == 0][:, 0] >= 0).all())


def test_the_upstroke_is_priced_and_the_padding_is_not(balance: Balance, gates: torch.Tensor) -> None:
    costs = price(balance, gates)
    for i, beat in enumerate(balance.beats):
        n = beat.time.size
        assert bool((costs[:n, i] >= 1).all()) and bool((costs[n:, i] == 0).all())


def test_a_gate_stays_where_the_recording_says_nothing_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Those of I_Na carry the masked upstroke; the others move less the less they are seen."""
    balance = balance_of("shortqt")
    network = learn(balance.model)

    def moved() -> dict[str, float]:
        retrained = retrain_network(network, balance)
        most = (retrained.gates_after - retrained.gates_before).abs().amax((0, 1))
        return dict(zip(balance.model.gate_names, most.tolist(), strict=True))

    priced = moved()
    monkeypatch.setattr(prior, "DEAREST", 0.0)
    flat = moved()
    assert max(priced[gate] for gate in ("m", "h", "j")) < 1e-3
    assert sum(priced.values()) < 0.5 * sum(flat.values())
