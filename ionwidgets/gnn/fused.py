"""The gating layer and its scan in one pass, for speed.

The same mathematics as `ionwidgets.gnn.layer`, with the two linear maps stacked::

    [x_rho[t], x_inf[t]] = W p[t] + b        W (2G, F), b (2G), the rows of rho first
    rho = sigmoid(x_rho),  h_inf = sigmoid(x_inf)
    h[t] = rho[t] * h[t-1] + (1 - rho[t]) * h_inf[t],  h[-1] = h0

Written out in torch operations, the time goes into arrays of (T, B, G) on their way to memory and back.  Here
a block of samples passes through every operation while it is in the cache, and only h is kept: rho and h_inf
are computed again on the way back, which costs less than to store them.  Cells know nothing of each other, so
that every thread takes a share of them through everything.  With a[t] the adjoint of `ionwidgets.gnn.scan`::

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
from ionwidgets.gnn.threads import in_shares

BLOCK = 1 << 20  # bytes of rho and h_inf at a time; fits a core's second-level cache
SMALLEST_SHARE = 1 << 18  # elements of h a thread; below this, two are no faster than one
LANES = 16  # matrix products take three times as long where the columns do not fill the vector registers


class FusedGating(torch.autograd.Function):
    """``apply(p, weight, bias, h0) -> h``, on the CPU: p (T, B, F), h0 (B, G), h (T, B, G)."""

    @staticmethod
    def forward(
        ctx: Any, p: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor, h0: torch.Tensor
    ) -> torch.Tensor:
        p, h0 = p.contiguous(), h0.contiguous()
        h = new_like(h0.expand(p.shape[0], *h0.shape))
        start, gates = h0.detach().numpy(), h.numpy()

        def run(begin: int, end: int) -> None:
            buffer = _buffer(p, end - begin, h0.shape[1])
            for first, last in _blocks(p, buffer):
                x = _sigmoids(p[first:last, begin:end], weight, bias, buffer)
                _forward(x.numpy(), start, gates, first, begin)

        in_shares(run, h0.shape[0], h.numel() // SMALLEST_SHARE)
        ctx.save_for_backward(p, weight, bias, h0, h)
        return h

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad_h: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        p, weight, bias, h0, h = ctx.saved_tensors
        n_features = weight.shape[1]
        grad_p = new_like(p) if ctx.needs_input_grad[0] else None
        padded = torch.nn.functional.pad(weight, (0, -n_features % LANES))
        grad_h0 = torch.zeros_like(h0)
        start, gates, upstream, carry = (x.detach().numpy() for x in (h0, h, grad_h.contiguous(), grad_h0))
        sums: dict[int, tuple[torch.Tensor, torch.Tensor]] = {}

        def run(begin: int, end: int) -> None:
            buffer = _buffer(p, end - begin, h0.shape[1])
            # Transposed, and the bias as a product with ones: several times faster for so narrow a matrix.
            of_weight, of_bias = torch.zeros_like(weight.t()), torch.zeros_like(bias)[None]
            for first, last in reversed(list(_blocks(p, buffer))):
                own = p[first:last, begin:end]
                x = _sigmoids(own, weight, bias, buffer)
                _backward(x.numpy(), start, gates, upstream, carry, first, begin)
                grad_x = x.flatten(0, 1)
                of_weight.addmm_(own.flatten(0, 1).t(), grad_x)
                of_bias.addmm_(grad_x.new_ones(1, len(grad_x)), grad_x)
                if grad_p is not None:
                    product = torch.mm(grad_x, padded)[:, :n_features]
                    grad_p[first:last, begin:end] = product.unflatten(0, own.shape[:2])
            sums[begin] = of_weight, of_bias

        in_shares(run, h0.shape[0], h.numel() // SMALLEST_SHARE)
        # In the order of the cells, whichever thread ended first.
        of_weight, of_bias = (
            sum(parts) for parts in zip(*(sums[begin] for begin in sorted(sums)), strict=True)
        )
        return grad_p, of_weight.t(), of_bias[0], grad_h0


def _buffer(p: torch.Tensor, n_cells: int, n_gates: int) -> torch.Tensor:
    """Room for rho and h_inf of one block: (samples, n_cells, 2G)."""
    samples = BLOCK // max(1, n_cells * 2 * n_gates * p.element_size())
    return p.new_empty(min(max(1, samples), p.shape[0]), n_cells, 2 * n_gates)


def _blocks(p: torch.Tensor, buffer: torch.Tensor) -> Iterator[tuple[int, int]]:
    for first in range(0, p.shape[0], max(1, buffer.shape[0])):
        yield first, min(first + buffer.shape[0], p.shape[0])


def _sigmoids(
    p: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor, buffer: torch.Tensor
) -> torch.Tensor:
    """The block's rho and h_inf side by side, (t, cells, 2G), in the buffer."""
    x = buffer[: p.shape[0]]
    torch.addmm(bias, p.flatten(0, 1), weight.t(), out=x.flatten(0, 1)).sigmoid_()
    return x


@numba.njit(cache=True, nogil=True)
def _forward(
    x: np.ndarray, h0: np.ndarray, h: np.ndarray, first: int, begin: int
) -> None:  # pragma: no cover (compiled)
    """Fill h (T, B, G) at ``[first:, begin:]`` from h0 (B, G) and a block x = [rho, h_inf] (t, b, 2G)."""
    n_samples, n_cells, _ = x.shape
    n_gates = h.shape[2]
    one = x.dtype.type(1)  # 1 - rho would be of float64, and half as fast
    for t in range(n_samples):
        before = h[first + t - 1] if first + t > 0 else h0
        for b in range(n_cells):
            rho, h_inf, before_b, h_b = (
                x[t, b, :n_gates],
                x[t, b, n_gates:],
                before[begin + b],
                h[first + t, begin + b],
            )
            for g in range(n_gates):
                h_b[g] = rho[g] * before_b[g] + (one - rho[g]) * h_inf[g]


@numba.njit(cache=True, nogil=True)
def _backward(
    x: np.ndarray,
    h0: np.ndarray,
    h: np.ndarray,
    grad_h: np.ndarray,
    carry: np.ndarray,
    first: int,
    begin: int,
) -> None:  # pragma: no cover (compiled)
    """Turn x = [rho, h_inf] into [dL/dx_rho, dL/dx_inf] in place; carry (B, G) is rho * a of t + 1."""
    n_samples, n_cells, _ = x.shape
    n_gates = h.shape[2]
    one = x.dtype.type(1)
    for t in range(n_samples - 1, -1, -1):
        before = h[first + t - 1] if first + t > 0 else h0
        for b in range(n_cells):
            x_b, before_b, grad_b, carry_b = (
                x[t, b],
                before[begin + b],
                grad_h[first + t, begin + b],
                carry[begin + b],
            )
            for g in range(n_gates):
                rho, h_inf = x_b[g], x_b[n_gates + g]
                adjoint = grad_b[g] + carry_b[g]
                carry_b[g] = adjoint * rho
                from_steady = adjoint * (one - rho)
                x_b[g] = from_steady * (before_b[g] - h_inf) * rho
                x_b[n_gates + g] = from_steady * h_inf * (one - h_inf)
