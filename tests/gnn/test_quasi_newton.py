"""Many descents at once: each finds its own minimum, whatever it is batched with."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.optimize import minimize

from ionwidgets.gnn.quasi_newton import Descents, Evaluate

RUNS, SIZE = 4, 30


def valleys(runs: slice = slice(None)) -> Evaluate:
    """0.5 x A x - b x + |x|, rounded: badly conditioned, with a kink at 0, as a price of changes has it."""
    generator = torch.Generator().manual_seed(0)
    root = torch.randn(RUNS, SIZE, SIZE, generator=generator, dtype=torch.float64)
    A = (root @ root.mT + 1e-3 * torch.eye(SIZE, dtype=torch.float64))[runs]
    b = torch.randn(RUNS, SIZE, generator=generator, dtype=torch.float64)[runs]

    def evaluate(x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        Ax = (A @ x.unsqueeze(-1)).squeeze(-1)
        kink = (x.square() + 1e-8).sqrt()
        return (0.5 * x * Ax - b * x + kink).sum(1), Ax - b + x / kink

    return evaluate


def descend(evaluate: Evaluate, runs: int, most: int = 1000) -> Descents:
    descents = Descents(torch.zeros(runs, SIZE, dtype=torch.float64), evaluate)
    for _ in range(most):
        if descents.settled:
            break
        descents.step()
    return descents


def test_every_run_finds_its_minimum() -> None:
    descents = descend(valleys(), RUNS)
    assert descents.settled
    for i in range(RUNS):
        one = valleys(slice(i, i + 1))

        def numpy(x: np.ndarray, one: Evaluate = one) -> tuple[float, np.ndarray]:
            loss, slope = one(torch.as_tensor(x)[None])
            return loss.item(), slope[0].numpy()

        peer = minimize(numpy, np.zeros(SIZE), jac=True, method="L-BFGS-B", options={"ftol": 1e-15})
        assert descents.loss[i].item() == pytest.approx(peer.fun, rel=1e-5)


def test_no_run_sees_what_it_is_batched_with() -> None:
    together = descend(valleys(), RUNS, most=60)
    alone = descend(valleys(slice(2, 3)), 1, most=60)
    torch.testing.assert_close(together.x[2], alone.x[0], rtol=1e-9, atol=1e-12)


def test_a_step_where_the_loss_is_no_number_is_taken_back() -> None:
    def walled(x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        loss = -torch.log(1 - x).sum(1) - 2 * x.sum(1)  # no number beyond 1, least at 0.5
        return loss, 1 / (1 - x) - 2

    descents = Descents(torch.full((3, 2), -20.0, dtype=torch.float64), walled)
    seen = [descents.loss]
    for _ in range(200):
        descents.step()
        seen.append(descents.loss)
    torch.testing.assert_close(descents.x, torch.full_like(descents.x, 0.5), rtol=0, atol=1e-4)
    assert bool((torch.stack(seen).diff(dim=0) <= 0).all()) and descents.settled
