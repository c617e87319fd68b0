"""What a change of a gate costs, by how much the recording says of it.

The published price of a change is the same everywhere. But a recording knows nothing of a gate where its
current does not flow, and there the gate should stay where the theory has it. How much the current balance
says of gate g while V is within a bin of 10 mV, for a unit change of the gate::

    q_g(V) = sum_t w (dI/dh_g)^2 / sum_t w (dV/dt)^2

(w: 0 around the upstroke, see `decoder`), a share of the misfit: a change of 0.1 in h alters the misfit by
0.01 q. What is not informed costs up to `DEAREST` times as much::

    c_g(V) = 1 + DEAREST / (1 + q_g(V) / q0)
"""

from __future__ import annotations

import torch

from ionwidgets.gnn.decoder import Balance

BIN = 10.0  # mV
INFORMED = 1e-3  # q0: a change of 0.1 in h is seen as 1e-5 of the misfit, below what any fit leaves
DEAREST = 30.0


def information(balance: Balance, h: torch.Tensor) -> torch.Tensor:
    """q (T, B, G): at every sample, what the whole recording says of each gate around its V."""
    h = h.detach().clone().requires_grad_()
    with torch.enable_grad():
        total = torch.stack(list(balance.currents(h).values())).sum()
        (slope,) = torch.autograd.grad(total, h)  # a current depends on the gates of its own sample alone
    seen = (slope * balance.weight.unsqueeze(-1)).square() / (balance.dVdt * balance.weight).square().sum()
    where = (balance.V / BIN).floor().long()
    where = where - where.min()
    sums = seen.new_zeros(int(where.max()) + 1, h.shape[-1])
    sums.index_add_(0, where.flatten(), seen.flatten(0, 1))
    return sums[where]


def price(balance: Balance, h: torch.Tensor) -> torch.Tensor:
    """c (T, B, G) by which a change |h' - h| is weighed; 0 after the end of a beat."""
    lengths = torch.tensor([beat.time.size for beat in balance.beats], device=h.device)
    recorded = torch.arange(h.shape[0], device=h.device)[:, None] < lengths
    dear = 1 + DEAREST / (1 + information(balance, h) / INFORMED)
    return dear * recorded.unsqueeze(-1)
