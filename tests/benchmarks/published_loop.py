"""The published loops written as they read, an update a time step, in torch: what `gnn.paper` is measured by.

The equations are those of `ionwidgets.gnn.paper.updates`: forward, loss, backward, Adam, at
every sample; the state carried over and not differentiated through.
"""

from __future__ import annotations

import torch

from ionwidgets.gnn import GatingNetwork
from ionwidgets.gnn.emulator import Emulator
from ionwidgets.gnn.paper import Paper


class PublishedLoop:
    """Stage 1 and stage 2, a sample at a time; cells in rows."""

    def __init__(self, m1: GatingNetwork, m2: Emulator, cells: int, settings: Paper) -> None:
        self.m1, self.m2, self.settings = m1, m2, settings
        self.h = torch.zeros(cells, m1.gating.steady.out_features)
        self.memory: tuple[torch.Tensor, ...] | None = None

    def _step(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        p = self.m1.features(x)
        rho, h_inf = self.m1.gating.rho(p), self.m1.gating.h_inf(p)
        h = rho * self.h + (1 - rho) * h_inf
        y, memory = self.m2(x[None], h[None], self.memory)
        self.h, self.memory = h.detach(), tuple(part.detach() for part in memory)
        return h, y[0]

    def stage1(self, x: torch.Tensor, H: torch.Tensor, Y: torch.Tensor) -> None:
        """x (T, B, observables); H (T, B, G) and Y (T, B, N) are one sample later."""
        weights = [w for w in (*self.m1.parameters(), *self.m2.parameters()) if w.requires_grad]
        adam = torch.optim.Adam(weights, lr=self.settings.rate)
        for t in range(len(x)):
            h, y = self._step(x[t])
            loss = (h - H[t]).square().mean() + (y - Y[t]).square().mean()
            loss = loss + self.settings.weight_decay * sum(w.square().mean() for w in weights)
            adam.zero_grad()
            loss.backward()
            adam.step()

    def stage2(self, x: torch.Tensor, reference: torch.Tensor, Y: torch.Tensor, eta: float) -> None:
        """reference (T, B, G): the gates of stage 1; Y (T, B, observables), one sample later."""
        weights = list(self.m1.gating.parameters())
        adam = torch.optim.Adam(weights, lr=self.settings.stage2_rate)
        for t in range(len(x)):
            h, y = self._step(x[t])
            misfit = (y[:, : Y.shape[-1]] - Y[t]).square().mean()
            loss = eta * (h - reference[t]).abs().mean() + misfit
            loss = loss + self.settings.stage2_weight_decay * sum(w.square().mean() for w in weights)
            adam.zero_grad()
            loss.backward()
            adam.step()
