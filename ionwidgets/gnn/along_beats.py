"""N gating layers at once, over the same features of recorded beats: what stage 2 trains."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import replace

import numpy as np
import torch

from ionwidgets.gnn.decoder import Balance
from ionwidgets.gnn.network import Network
from ionwidgets.gnn.scan import gating_scan
from ionwidgets.gnn.threads import one_thread
from ionwidgets.gnn.upstroke import upstroke_rows


@one_thread()
@torch.no_grad()
def gates_along(network: Network, balance: Balance) -> torch.Tensor:
    """The network's gates (T, B, G) along recorded beats that repeat for ever."""
    return Layers(network, balance, 1).gates()[0]


class Layers:
    """N gating layers over the same features p (T, B, F) of the beats, all beginning as the network's."""

    def __init__(self, network: Network, balance: Balance, n: int) -> None:
        self._network = network
        with torch.no_grad():
            # Midway between samples, which makes the scan second order in the sample interval.
            seen = torch.stack([balance.observed(name) for name in network.observables], dim=-1)
            self._p = network.module.inputs(0.5 * (seen + torch.roll(seen, 1, 0)))
            device = balance.V.device
            self._rows = torch.as_tensor(upstroke_rows(balance.beats), device=device)
            finer = np.stack([balance.upstroke[name] for name in network.observables], axis=-1)
            self._p_between = network.module.inputs(torch.as_tensor(finer, device=device))
        gating = network.module.gating
        self.weights = [
            w.detach().expand(n, *w.shape)
            for w in (gating.steady.weight, gating.steady.bias, gating.decay.weight, gating.decay.bias)
        ]
        self._step = balance.beats[0].step  # ms; the network's rho is that of one
        ends = [beat.time.size - 1 for beat in balance.beats]  # before the padding
        self._ends = torch.tensor(ends, device=device)

    def gates(self) -> torch.Tensor:
        """Gates (N, T, B, G) over the second of two periods; the first lets them forget their start."""
        parts = (x.unflatten(0, self._p_between.shape[:2]) for x in self._at(self._p_between.flatten(0, 1)))
        h_inf, rho = (
            whole.index_copy(0, self._rows, part)
            for whole, part in zip(self._at(self._p), _in_one_step(*parts), strict=True)
        )
        cells = torch.arange(len(self._ends), device=self._ends.device)
        n = self.weights[0].shape[0]
        with torch.no_grad():  # what is left of the first period at the end of the second teaches nothing
            first = gating_scan(rho, h_inf, h_inf[0]).unflatten(1, (-1, n))
            start = first[self._ends, cells].flatten(0, 1)
        h = gating_scan(rho, h_inf, start).unflatten(1, (-1, n))
        return self._network.module.unscaled(h.movedim(2, 0))

    def _at(self, p: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """h_inf, and rho of one sample interval (T, B N, G), at features p (T, B, F)."""
        Ws, bs, Wt, bt = self.weights
        h_inf, rho = _sigmoids(p, Ws, bs), _sigmoids(p, Wt, bt)
        return h_inf, rho if self._step == 1.0 else rho**self._step

    def network(self, i: int) -> Network:
        module = deepcopy(self._network.module)
        Ws, bs, Wt, bt = (w.detach()[i] for w in self.weights)
        state = {"steady.weight": Ws, "steady.bias": bs, "decay.weight": Wt, "decay.bias": bt}
        module.gating.load_state_dict(state)
        return replace(self._network, module=module)


def _sigmoids(p: torch.Tensor, W: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    """sigmoid(W p + b) of N layers (N, G, F): (T, B N, G) of p (T, B, F)."""
    x = torch.addmm(b.flatten(), p.flatten(0, 1), W.flatten(0, 1).t())
    return torch.sigmoid(x).reshape(p.shape[0], -1, W.shape[1])


def _in_one_step(h_inf: torch.Tensor, rho: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """h_inf and rho of one sample interval that does what its M parts (M, T, B, G) do one after another.

    rho is that of a whole interval at the part's potential, so that a part takes its M-th root.
    """
    left, h = torch.ones_like(rho[0]), torch.zeros_like(rho[0])
    for part, root in zip(h_inf, rho ** (1 / len(rho)), strict=True):
        h = root * h + (1 - root) * part
        left = left * root
    return h / (1 - left), left
