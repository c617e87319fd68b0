"""The published updates beside torch: the same losses, gradients and weights, a step at a time."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from ionwidgets.gnn import GatingNetwork
from ionwidgets.gnn.emulator import Emulator, Outputs
from ionwidgets.gnn.network import Shape
from ionwidgets.gnn.paper import Paper, updates, weights
from ionwidgets.gnn.paper.weights import GATING, M1, M2, fill, flat, initialise

STEPS, CELLS, GATES, OTHERS = 6, 5, 4, 3
SETTINGS = Paper(width=7)
ADAM = SETTINGS.adam
SHAPE = Shape(
    observables=("V", "Ca_i"), centre=(0.0, 0.0), spread=(1.0, 1.0), held=((-1e9, 1e9),) * 2, width=7,
    activation="relu", skip=False,
)  # fmt: skip
OUTPUTS = Outputs(("V", "Ca_i", "K_i"), (0.0,) * 3, (1.0,) * 3)


@pytest.fixture
def networks() -> tuple[GatingNetwork, Emulator]:
    m1, m2 = GatingNetwork(GATES, SHAPE), Emulator(2, GATES, OUTPUTS, 7)
    initialise(m1, m2, 3, SETTINGS.forget_bias)
    with torch.no_grad():  # no bias is zero, or its gradient would not be seen to be right
        for module, keys in ((m1, M1), (m2, M2)):
            for key in keys:
                module.state_dict()[key].add_(0.1)
    return m1, m2


def _random(*shape: int) -> np.ndarray:
    return np.random.default_rng(sum(shape)).random(shape).astype(np.float32)


def _torch(x: np.ndarray) -> torch.Tensor:
    """(..., n, B) in float32 to (..., B, n) in float64."""
    return torch.from_numpy(np.swapaxes(x, -1, -2).astype(float))


def _decayed(tensors: list[torch.Tensor], factor: float) -> torch.Tensor:
    return factor * torch.stack([w.square().mean() for w in tensors]).sum()


def _by_torch(
    m1: GatingNetwork, m2: Emulator, x: np.ndarray, train: list[torch.nn.Parameter], rate: float, loss: Any
) -> tuple[list[tuple[float, float]], np.ndarray]:
    """The same updates written with autograd and torch's Adam: losses, and the gradient of the first."""
    optimizer = torch.optim.Adam(train, lr=rate, betas=ADAM[:2], eps=ADAM[2])
    h = torch.zeros(CELLS, GATES, dtype=torch.float64)
    memory = (torch.zeros(1, CELLS, OTHERS, dtype=torch.float64),) * 2
    losses, first = [], None
    for t, seen in enumerate(_torch(x)):
        p = m1.features(seen)
        rho = m1.gating.rho(p)
        h = rho * h + (1 - rho) * m1.gating.h_inf(p)
        y, memory = m2(seen[None], h[None], memory)
        parts, value = loss(t, h, y[0])
        optimizer.zero_grad()
        value.backward()
        if first is None:
            first = np.concatenate([w.grad.numpy().ravel() for w in train])
        optimizer.step()
        h, memory = h.detach(), tuple(part.detach() for part in memory)
        losses.append(tuple(part.item() for part in parts))
    return losses, first


def _state() -> tuple[np.ndarray, ...]:
    return tuple(np.zeros((n, CELLS), np.float32) for n in (GATES, OTHERS, OTHERS))


def test_stage_1_is_what_autograd_and_adam_do(networks: tuple[GatingNetwork, Emulator]) -> None:
    m1, m2 = networks
    x, H, Y = _random(STEPS, 2, CELLS), _random(STEPS, GATES, CELLS), _random(STEPS, OTHERS, CELLS)
    w = flat(m1, m2)
    ends = weights.ends(weights.tensors(2, 7, GATES, OTHERS))
    assert ends[-1] == w.size
    losses, rate, decay = np.empty((STEPS, 2), np.float32), 1e-2, 1e-2
    mean, square = np.zeros_like(w), np.zeros_like(w)
    state = _state()
    updates.stage1(
        w, mean, square, 0, ends, x[:1], H[:1], Y[:1], *state, rate, decay, ADAM, losses[:1]
    )  # fmt: skip
    gradient = mean / np.float32(1 - ADAM[0])
    updates.stage1(w, mean, square, 1, ends, x[1:], H[1:], Y[1:], *state, rate, decay, ADAM, losses[1:])

    m1, m2 = m1.double(), m2.double()
    named = (dict(m1.named_parameters()), dict(m2.named_parameters()))
    train = [named[0][key] for key in M1] + [named[1][key] for key in M2]

    def loss(t: int, h: torch.Tensor, y: torch.Tensor) -> tuple[Any, torch.Tensor]:
        parts = (h - _torch(H)[t]).square().mean(), (y - _torch(Y)[t]).square().mean()
        return parts, sum(parts) + _decayed(train, decay)

    expected, first = _by_torch(m1, m2, x, train, rate, loss)
    np.testing.assert_allclose(gradient, first, rtol=2e-4, atol=1e-6)
    np.testing.assert_allclose(losses, expected, rtol=1e-4)
    np.testing.assert_allclose(w, flat(m1, m2), atol=2e-4)


def test_stage_2_trains_the_gating_layer_alone(networks: tuple[GatingNetwork, Emulator]) -> None:
    m1, m2 = networks
    x, Y, reference = _random(STEPS, 2, CELLS), _random(STEPS, 2, CELLS), _random(STEPS, GATES, CELLS)
    w = flat(m1, m2)
    ends = weights.ends(weights.tensors(2, 7, GATES, OTHERS))
    before, v = w.copy(), w[ends[GATING.start] : ends[GATING.stop]].copy()
    with torch.no_grad():
        p = np.ascontiguousarray(m1.features(_torch(x).float()).transpose(1, 2).numpy())
    losses, rate, decay, eta = np.empty((STEPS, 2), np.float32), 1e-2, 1e-2, 0.3
    mean, square = np.zeros_like(v), np.zeros_like(v)
    state = _state()
    for part in (slice(0, 1), slice(1, None)):
        updates.stage2(
            v, mean, square, part.start, w, ends, p[part], x[part], reference[part], Y[part], *state, eta,
            rate, decay, ADAM, losses[part],
        )  # fmt: skip
        if part.start == 0:
            gradient = mean / np.float32(1 - ADAM[0])
    assert np.array_equal(w, before)

    m1, m2 = m1.double(), m2.double()
    named = dict(m1.named_parameters())
    train = [named[key] for key in M1[GATING]]

    def loss(t: int, h: torch.Tensor, y: torch.Tensor) -> tuple[Any, torch.Tensor]:
        parts = (h - _torch(reference)[t]).abs().mean(), (y[:, :2] - _torch(Y)[t]).square().mean()
        return parts, eta * parts[0] + parts[1] + _decayed(train, decay)

    expected, first = _by_torch(m1, m2, x, train, rate, loss)
    np.testing.assert_allclose(gradient, first, rtol=2e-4, atol=1e-6)
    np.testing.assert_allclose(losses, expected, rtol=1e-4)
    np.testing.assert_allclose(v, np.concatenate([w.detach().numpy().ravel() for w in train]), atol=2e-4)


def test_the_flat_vector_comes_back(networks: tuple[GatingNetwork, Emulator]) -> None:
    m1, m2 = networks
    w = np.arange(flat(m1, m2).size, dtype=np.float32)
    fill(w, m1, m2)
    assert np.array_equal(flat(m1, m2), w)
    assert m2.last.bias[-1].item() == w[-1] and m1.gating.steady.bias[0].item() == w[14 + 7 + 49 + 7 + 28]
