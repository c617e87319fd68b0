"""The gating layer and its scan in one pass, for speed.

The same mathematics as `ionwidgets.gnn.layer`, with the two linear maps stacked::

    [x_rho[t], x_inf[t]] = W p[t] + b        W (2G, F), b (2G), the rows of rho first
    rho = sigmoid(x_rho),  h_inf = sigmoid(x_inf)
    h[t] = rho[t] * h[t-1] + (1 - rho[t]) * h_inf[t],  h[-1] = h0

Written out in torch operations, the time goes into arrays of (T, B, G) on their way to memory and back.  Here
a block of samples passes through every operation while it is in the cache, and only h is kept: rho and h_inf
are computed again on the way back, which costs less than to store them.  The threads are torch's, in the
matrix products and sigmoids; the recurrence runs in the calling thread, as torch's threads hold their cores
between operations and a second pool would have to wait for them.  With a[t] the adjoint of
`ionwidgets.gnn.scan`::

    dL/dx_rho[t] = a[t] * (h[t-1] - h_inf[t]) * rho[t] * (1 - rho[t])
    dL/dx_inf[t] = a[t] * (1 - rho[t]) * h_inf[t] * (1 - h_inf[t])
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numba
import numpy as np
import torch
from torch.autograd.function import once_differentiable

from ionwidgets.gnn.scan import new_like

BLOCK = 1 << 20  # bytes of rho and h_inf at a time; fits a core's second-level cache
LANES = 16  # matrix products take three times as long where the columns do not fill the vector registers


class FusedGating(torch.autograd.Function):
    """``apply(p, weight, bias, h0) -> h``, on the CPU: p (T, B, F), h0 (B, G), h (T, B, G)."""

    @staticmethod
    def forward(
        ctx: Any, p: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor, h0: torch.Tensor
    ) -> torch.Tensor:
        p, h0 = p.contiguous(), h0.contiguous()
        h = new_like(h0.expand(p.shape[0], *h0.shape))
        buffer = _buffer(p, h0)
        before = h0
        for first, last in _blocks(p, buffer):
            x = _sigmoids(p[first:last], weight, bias, buffer)
            _forward(x.numpy(), before.detach().numpy(), h[first:last].numpy())
            before = h[last - 1]
        ctx.save_for_backward(p, weight, bias, h0, h)
        return h

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad_h: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        p, weight, bias, h0, h = ctx.saved_tensors
        grad_h = grad_h.contiguous()
        n_features = weight.shape[1]
        grad_p = new_like(p) if ctx.needs_input_grad[0] else None
        padded = torch.nn.functional.pad(weight, (0, -n_features % LANES))
        # Transposed, and the bias as a product with ones: several times faster for so narrow a matrix.
        grad_weight, grad_bias = torch.zeros_like(weight.t()), torch.zeros_like(bias)[None]
        grad_h0 = torch.zeros_like(h0)
        buffer = _buffer(p, h0)
        for first, last in reversed(list(_blocks(p, buffer))):
            x = _sigmoids(p[first:last], weight, bias, buffer)
            before = h[first - 1] if first else h0
            _backward(*(y.detach().numpy() for y in (x, before, h[first:last], grad_h[first:last], grad_h0)))
            features, grad_x = p[first:last].flatten(0, 1), x.flatten(0, 1)
            grad_weight.addmm_(features.t(), grad_x)
            grad_bias.addmm_(grad_x.new_ones(1, len(grad_x)), grad_x)
            if grad_p is not None:
                grad_p[first:last].flatten(0, 1).copy_(torch.mm(grad_x, padded)[:, :n_features])
        return grad_p, grad_weight.t(), grad_bias[0], grad_h0


def _buffer(p: torch.Tensor, h0: torch.Tensor) -> torch.Tensor:
    """Room for rho and h_inf of one block: (samples, B, 2G)."""
    n_cells, n_gates = h0.shape
    samples = BLOCK // max(1, n_cells * 2 * n_gates * p.element_size())
    return p.new_empty(min(max(1, samples), p.shape[0]), n_cells, 2 * n_gates)


def _blocks(p: torch.Tensor, buffer: torch.Tensor) -> Iterator[tuple[int, int]]:
    for first in range(0, p.shape[0], max(1, buffer.shape[0])):
        yield first, min(first + buffer.shape[0], p.shape[0])


def _sigmoids(
    p: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor, buffer: torch.Tensor
) -> torch.Tensor:
    """The block's rho and h_inf side by side, (t, B, 2G), in the buffer."""
    x = buffer[: p.shape[0]]
    torch.addmm(bias, p.flatten(0, 1), weight.t(), out=x.flatten(0, 1)).sigmoid_()
    return x


@numba.njit(cache=True, nogil=True)
def _forward(x: np.ndarray, h0: np.ndarray, h: np.ndarray) -> None:  # pragma: no cover (compiled)
    """Fill h (t, B, G) from x = [rho, h_inf] (t, B, 2G) and h0 (B, G)."""
    n_samples, n_cells, n_gates = h.shape
    before = h0
    for t in range(n_samples):
        for b in range(n_cells):
            rho, h_inf, before_b, h_b = x[t, b, :n_gates], x[t, b, n_gates:], before[b], h[t, b]
            for g in range(n_gates):
                h_b[g] = rho[g] * before_b[g] + (1 - rho[g]) * h_inf[g]
        before = h[t]


@numba.njit(cache=True, nogil=True)
def _backward(
    x: np.ndarray, h0: np.ndarray, h: np.ndarray, grad_h: np.ndarray, carry: np.ndarray
) -> None:  # pragma: no cover (compiled)
    """Turn x = [rho, h_inf] into [dL/dx_rho, dL/dx_inf] in place; carry (B, G) is rho * a of t + 1."""
    n_samples, n_cells, n_gates = h.shape
    for t in range(n_samples - 1, -1, -1):
        before = h[t - 1] if t > 0 else h0
        for b in range(n_cells):
            for g in range(n_gates):
                rho, h_inf = x[t, b, g], x[t, b, n_gates + g]
                adjoint = grad_h[t, b, g] + carry[b, g]
                carry[b, g] = adjoint * rho
                from_steady = adjoint * (1 - rho)
                x[t, b, g] = from_steady * (before[b, g] - h_inf) * rho
                x[t, b, n_gates + g] = from_steady * h_inf * (1 - h_inf)
