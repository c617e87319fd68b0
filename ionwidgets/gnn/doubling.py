"""The gating recurrence in log2(T) passes over whole arrays: for GPUs, where a pass costs less than a step.

    h[t] = rho[t] h[t-1] + x[t]

is a chain of affine maps, and maps compose: (a, b) after (a', b') is (a a', a b' + b). After the pass with
step s = 1, 2, 4, ... every sample holds the composition of its last 2s maps (Hillis and Steele 1986, Data
parallel algorithms). Products of rho stay in [0, 1], so nothing overflows; no logarithms are taken.
"""

from __future__ import annotations

import torch


def forward(rho: torch.Tensor, h_inf: torch.Tensor, h0: torch.Tensor) -> torch.Tensor:
    """h of `gating_scan`, on any device."""
    return _chain(rho, (1 - rho) * h_inf, h0)


def backward(
    rho: torch.Tensor, h_inf: torch.Tensor, h0: torch.Tensor, h: torch.Tensor, grad_h: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Gradients of rho, h_inf and h0; the adjoint is the same chain from the last sample back."""
    after = torch.cat([rho[1:], torch.zeros_like(rho[:1])])
    adjoint = _chain(after.flip(0), grad_h.flip(0), torch.zeros_like(h0)).flip(0)
    before = torch.cat([h0[None], h[:-1]])[: len(h)]
    return adjoint * (before - h_inf), adjoint * (1 - rho), (rho[:1] * adjoint[:1]).sum(0)


def _chain(a: torch.Tensor, b: torch.Tensor, h0: torch.Tensor) -> torch.Tensor:
    """h (T, B, G) of h[t] = a[t] h[t-1] + b[t] from h0 (B, G)."""
    h = torch.cat([torch.addcmul(b[:1], a[:1], h0), b[1:]])
    step = 1
    while step < len(h):
        h = torch.cat([h[:step], torch.addcmul(h[step:], a[step:], h[:-step])])
        a = torch.cat([a[:step], a[step:] * a[:-step]])
        step *= 2
    return h
