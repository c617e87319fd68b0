"""L-BFGS down many losses at once, a history and a step length each (Nocedal and Wright 2006, chapter 7.2).

One evaluation gives all losses and all gradients. Where a step brings no sufficient decrease (Armijo), that
run goes back and tries a shorter one with the next evaluation, while the others go on: no run waits for
another's line search, and none sees what it is batched with.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

import torch

HISTORY = 20
DECREASE = 1e-4  # of what the slope promises
SHORTER = 0.3
FIRST = 1e-2  # length of the first step of a run, when nothing is known of its curvature
SETTLED = 1e-6  # of the loss, gained over `LOOK` evaluations
LOOK = 20

Evaluate = Callable[[torch.Tensor], tuple[torch.Tensor, torch.Tensor]]


class Descents:
    """N descents over P numbers each, in one tensor x (N, P).

    `evaluate(x)` gives losses (N,) and gradients (N, P). After every `step`, `x` and `loss` are the best
    points so far; `settled` tells that no run gains any more.
    """

    def __init__(self, x: torch.Tensor, evaluate: Evaluate) -> None:
        self.x, self._evaluate = x.clone(), evaluate
        self.loss, self._slope = evaluate(self.x)
        self._pairs: deque[tuple[torch.Tensor, torch.Tensor, torch.Tensor]] = deque(maxlen=HISTORY)
        self._length = torch.ones_like(self.loss)
        self._direction = self._downhill()
        self._losses: deque[torch.Tensor] = deque([self.loss], maxlen=LOOK + 1)

    @property
    def settled(self) -> bool:
        if len(self._losses) <= LOOK:
            return False
        return bool((self._losses[0] - self.loss <= SETTLED * self.loss.abs()).all())

    def step(self) -> None:
        """One evaluation: a step for the runs that it helps, a shorter try for the others."""
        moved = self._length[:, None] * self._direction
        loss, slope = self._evaluate(self.x + moved)
        promised = (moved * self._slope).sum(1)
        better = loss <= self.loss + DECREASE * promised  # not where the loss is no number
        taken = better[:, None]
        s = torch.where(taken, moved, 0.0)
        y = torch.where(taken, slope - self._slope, 0.0)
        curvature = (s * y).sum(1)
        convex = curvature > 1e-10 * s.norm(dim=1) * y.norm(dim=1)
        self._pairs.append((s, y, torch.where(convex, 1.0 / curvature, 0.0)))
        self.x = torch.where(taken, self.x + moved, self.x)
        self.loss = torch.where(better, loss, self.loss)
        self._slope = torch.where(taken, slope, self._slope)
        self._direction = torch.where(taken, self._downhill(), self._direction)
        self._length = torch.where(better, 1.0, SHORTER * self._length)
        self._losses.append(self.loss)

    def _downhill(self) -> torch.Tensor:
        """-H g by the two-loop recursion; a pair of weight 0 (no step, or not convex) leaves it as it is."""
        q, factors = self._slope, []
        for s, y, weight in reversed(self._pairs):
            a = weight * (s * q).sum(1)
            q = q - a[:, None] * y
            factors.append(a)
        scale = FIRST / self._slope.norm(dim=1).clamp_min(1e-30)
        for _, y, weight in self._pairs:  # the newest that counts
            scale = torch.where(weight > 0, 1.0 / (weight * y.square().sum(1)).clamp_min(1e-30), scale)
        q = scale[:, None] * q
        for (s, y, weight), a in zip(self._pairs, reversed(factors), strict=True):
            q = q + (a - weight * (y * q).sum(1))[:, None] * s
        return -q
