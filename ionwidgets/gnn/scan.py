"""The gating recurrence as one hand-differentiated kernel (on other devices than the CPU: `doubling`).

Iravanian, arXiv 2011.07388, moves every Hodgkin-Huxley gate one sample of dt (ms) ahead by::

    h[t] = rho[t] * h[t-1] + (1 - rho[t]) * h_inf[t],    t = 0 ... T-1,    h[-1] = h0

Neither rho nor h_inf depends on h, so the whole sequence is a linear scan.  For a loss L with upstream
gradient g[t] = dL/dh[t], the adjoint a[t] is the same recurrence run backwards::

    a[t]     = g[t] + rho[t+1] * a[t+1],    a[T] = 0
    dL/drho[t]   = a[t] * (h[t-1] - h_inf[t])
    dL/dh_inf[t] = a[t] * (1 - rho[t])
    dL/dh0       = rho[0] * a[0]

Symbols: T samples in time, B cells in the batch, G gates; rho = exp(-dt/tau), h_inf and h lie in [0, 1] (no
unit).  Arithmetic stays linear: scans in log space lose three digits for fast gates.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numba
import numpy as np
import torch
from torch.autograd.function import once_differentiable

from ionwidgets.gnn import doubling
from ionwidgets.gnn.threads import in_shares

FLOATS = (torch.float32, torch.float64)
SMALLEST_SHARE = 1 << 15  # elements a thread; below this, waking one costs more than its work
CACHE_LINE = 64  # bytes; threads that share no line of h do not slow each other down


def gating_scan(rho: torch.Tensor, h_inf: torch.Tensor, h0: torch.Tensor) -> torch.Tensor:
    """Run ``h[t] = rho[t] * h[t-1] + (1 - rho[t]) * h_inf[t]`` from ``h[-1] = h0``.

    Parameters
    ----------
    rho : Tensor, shape (T, B, G)
        What remains of the old value after one sample, exp(-dt/tau), in [0, 1].
    h_inf : Tensor, shape (T, B, G)
        Steady state, in [0, 1].
    h0 : Tensor, shape (B, G)
        The gates before the first sample; not part of the result.

    Returns
    -------
    Tensor, shape (T, B, G)
        The gates after each sample; in [0, 1] where the arguments are.  Differentiable once, in all three
        arguments.  The same bits whatever the number of threads (``torch.get_num_threads()`` at most).

    Raises
    ------
    ValueError
        The shapes, or the devices, do not belong together.
    TypeError
        The arguments are not all float32 or all float64.
    """
    if rho.ndim != 3 or h_inf.shape != rho.shape or h0.shape != rho.shape[1:]:
        raise ValueError(
            "gating_scan needs rho (T, B, G), h_inf (T, B, G) and h0 (B, G); found "
            f"rho {tuple(rho.shape)}, h_inf {tuple(h_inf.shape)}, h0 {tuple(h0.shape)}"
        )
    if rho.dtype not in FLOATS or h_inf.dtype != rho.dtype or h0.dtype != rho.dtype:
        raise TypeError(
            "gating_scan needs rho, h_inf and h0 all of float32 or all of float64; found "
            f"rho {rho.dtype}, h_inf {h_inf.dtype}, h0 {h0.dtype} for shape {tuple(rho.shape)}"
        )
    if h_inf.device != rho.device or h0.device != rho.device:
        raise ValueError(
            "gating_scan needs rho, h_inf and h0 on one device; found "
            f"rho on {rho.device}, h_inf on {h_inf.device}, h0 on {h0.device}"
        )
    h: torch.Tensor = GatingScan.apply(rho, h_inf, h0, KERNEL if rho.device.type == "cpu" else DOUBLING)
    return h


class Way(NamedTuple):
    """How the recurrence is run: h of (rho, h_inf, h0); their gradients of (rho, h_inf, h0, h, grad_h)."""

    forward: Callable[..., torch.Tensor]
    backward: Callable[..., tuple[torch.Tensor, torch.Tensor, torch.Tensor]]


class GatingScan(torch.autograd.Function):
    """``apply(rho, h_inf, h0, way) -> h``."""

    @staticmethod
    def forward(ctx: Any, rho: torch.Tensor, h_inf: torch.Tensor, h0: torch.Tensor, way: Way) -> torch.Tensor:
        h = way.forward(rho, h_inf, h0)
        ctx.save_for_backward(rho, h_inf, h0, h)
        ctx.way = way
        return h

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad_h: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        return (*ctx.way.backward(*ctx.saved_tensors, grad_h), None)


def _by_kernel(rho: torch.Tensor, h_inf: torch.Tensor, h0: torch.Tensor) -> torch.Tensor:
    h = new_like(rho)
    _over_columns(_forward, rho.contiguous(), h_inf.contiguous(), h0.contiguous(), h)
    return h


def _back_by_kernel(
    rho: torch.Tensor, h_inf: torch.Tensor, h0: torch.Tensor, h: torch.Tensor, grad_h: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    grad_rho, grad_h_inf = new_like(rho), new_like(rho)
    grad_h0 = torch.zeros_like(h0, memory_format=torch.contiguous_format)
    # A sum's gradient arrives as one number of stride 0: the kernel needs it written out.
    known = (x.contiguous() for x in (rho, h_inf, h0, h, grad_h))
    _over_columns(_backward, *known, grad_rho, grad_h_inf, grad_h0)
    return grad_rho, grad_h_inf, grad_h0


KERNEL, DOUBLING = Way(_by_kernel, _back_by_kernel), Way(doubling.forward, doubling.backward)


def new_like(x: torch.Tensor) -> torch.Tensor:
    """An unfilled contiguous tensor of x's shape and dtype, in memory from numpy.

    numpy asks the system for huge pages and torch does not: the first touch of 40 MB takes 5 ms, not 17.
    """
    return torch.from_numpy(np.empty(x.shape, np.float32 if x.dtype == torch.float32 else np.float64))


@numba.njit(cache=True, nogil=True)
def _forward(
    rho: np.ndarray, h_inf: np.ndarray, h0: np.ndarray, h: np.ndarray, first: int, last: int
) -> None:  # pragma: no cover (compiled)
    """Fill the columns ``first:last`` of h (T, N) from rho, h_inf (T, N) and h0 (1, N)."""
    one = rho.dtype.type(1)  # 1 - rho would be of float64, and half as fast
    before = h0[0, first:last]
    for t in range(rho.shape[0]):
        rho_t, h_inf_t, h_t = rho[t, first:last], h_inf[t, first:last], h[t, first:last]
        for i in range(h_t.size):
            h_t[i] = rho_t[i] * before[i] + (one - rho_t[i]) * h_inf_t[i]
        before = h_t


@numba.njit(cache=True, nogil=True)
def _backward(
    rho: np.ndarray,
    h_inf: np.ndarray,
    h0: np.ndarray,
    h: np.ndarray,
    grad_h: np.ndarray,
    grad_rho: np.ndarray,
    grad_h_inf: np.ndarray,
    grad_h0: np.ndarray,
    first: int,
    last: int,
) -> None:  # pragma: no cover (compiled)
    """Fill the columns ``first:last`` of the gradients; grad_h0 (1, N) starts at zero and carries rho * a."""
    one = rho.dtype.type(1)
    carry = grad_h0[0, first:last]
    for t in range(rho.shape[0] - 1, -1, -1):
        rho_t, h_inf_t, grad_t = rho[t, first:last], h_inf[t, first:last], grad_h[t, first:last]
        to_rho, to_h_inf = grad_rho[t, first:last], grad_h_inf[t, first:last]
        before = h[t - 1, first:last] if t > 0 else h0[0, first:last]
        for i in range(carry.size):
            adjoint = grad_t[i] + carry[i]
            to_rho[i] = adjoint * (before[i] - h_inf_t[i])
            to_h_inf[i] = adjoint * (one - rho_t[i])
            carry[i] = adjoint * rho_t[i]


def _over_columns(kernel: Callable[..., None], *tensors: torch.Tensor) -> None:
    """Call ``kernel(*rows, first, last)`` on shares of the B*G columns, which know nothing of each other."""
    n_columns = tensors[0].shape[1] * tensors[0].shape[2]
    # On the same memory: (T, B, G) as (T, B*G), and (B, G) as (1, B*G).
    rows = [x.detach().reshape(x.shape[0] if x.ndim == 3 else 1, n_columns).numpy() for x in tensors]
    line = CACHE_LINE // tensors[0].element_size()
    in_shares(
        lambda first, last: kernel(*rows, first, last), n_columns, tensors[0].numel() // SMALLEST_SHARE, line
    )
