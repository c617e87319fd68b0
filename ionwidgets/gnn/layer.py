"""The gating layer: features of what is observed in, Hodgkin-Huxley gates out.

Iravanian, arXiv 2011.07388.  With features p[t] (F of them) of the observables at sample t, dt (ms) apart::

    h_inf   = sigmoid(Ws p + bs)
    dt/tau  = softplus(-(Wt p + bt))
    rho     = exp(-dt/tau) = sigmoid(Wt p + bt)
    h[t]    = rho[t] * h[t-1] + (1 - rho[t]) * h_inf[t]

The two forms of rho are one: exp(-softplus(-x)) = sigmoid(x).  The time constant:
tau = dt * exp(-log_rate).  Shapes: T samples, B cells, F features, G gates.
"""

from __future__ import annotations

import torch
from torch import nn
from torch.nn.functional import logsigmoid

from ionwidgets.gnn.fused import FusedGating
from ionwidgets.gnn.scan import FLOATS, gating_scan

FAR = 20.0  # from here on log(log(1 + e^-x)) = -x - e^-x / 2 to the last bit of a float64


def log_softplus(x: torch.Tensor) -> torch.Tensor:
    """Log of softplus, ``log(log(1 + exp(x)))``, right where softplus itself would underflow.

    Parameters
    ----------
    x : Tensor, any shape

    Returns
    -------
    Tensor, same shape
        Tends to x towards minus infinity and to log(x) towards infinity; its gradient to 1 and to 0.
    """
    near = torch.log(-logsigmoid(-x.clamp(min=-FAR)))
    far = x.clamp(max=-FAR)
    return torch.where(x < -FAR, far - far.exp() / 2, near)


class GatingLayer(nn.Module):
    """G gates whose steady state and rate are each one linear map of F features.

    Parameters
    ----------
    in_features : int
        F, the number of features.
    n_gates : int
        G, the number of gates.

    Attributes
    ----------
    steady : nn.Linear
        Ws, bs: features to the logit of h_inf.
    decay : nn.Linear
        Wt, bt: features to the logit of rho.
    """

    def __init__(self, in_features: int, n_gates: int) -> None:
        super().__init__()
        self.steady = nn.Linear(in_features, n_gates)
        self.decay = nn.Linear(in_features, n_gates)

    def forward(self, p: torch.Tensor, h0: torch.Tensor) -> torch.Tensor:
        """Run the gates along a recording.

        Parameters
        ----------
        p : Tensor, shape (T, B, F)
            Features of each sample.
        h0 : Tensor, shape (B, G)
            The gates before the first sample.

        Returns
        -------
        Tensor, shape (T, B, G)
            ``gating_scan(self.rho(p), self.h_inf(p), h0)``, fused on the CPU; differentiable once.

        Raises
        ------
        ValueError
            The shapes of p, h0 and the layer do not belong together.
        TypeError
            p, h0 and the layer are not all float32 or all float64.
        """
        weight = self.steady.weight
        n_gates, n_features = weight.shape
        if p.ndim != 3 or p.shape[2] != n_features or h0.shape != (p.shape[1], n_gates):
            raise ValueError(
                f"GatingLayer({n_features}, {n_gates}) needs p (T, B, {n_features}) and h0 (B, {n_gates}); "
                f"found p {tuple(p.shape)}, h0 {tuple(h0.shape)}"
            )
        if weight.dtype not in FLOATS or p.dtype != weight.dtype or h0.dtype != weight.dtype:
            raise TypeError(
                "GatingLayer needs p, h0 and its weights all of float32 or all of float64; found "
                f"p {p.dtype}, h0 {h0.dtype}, weights {weight.dtype} for p {tuple(p.shape)}"
            )
        if all(x.device.type == "cpu" for x in (p, h0, weight)):
            joined = (torch.cat([self.decay.weight, weight]), torch.cat([self.decay.bias, self.steady.bias]))
            h: torch.Tensor = FusedGating.apply(p, *joined, h0)
            return h
        return gating_scan(self.rho(p), self.h_inf(p), h0)

    def h_inf(self, p: torch.Tensor) -> torch.Tensor:
        """Steady state, sigmoid(Ws p + bs): p (..., F) to (..., G) in [0, 1]."""
        return torch.sigmoid(self.steady(p))

    def rho(self, p: torch.Tensor) -> torch.Tensor:
        """What one sample leaves, exp(-dt/tau) = sigmoid(Wt p + bt): p (..., F) to (..., G) in [0, 1]."""
        return torch.sigmoid(self.decay(p))

    def log_rate(self, p: torch.Tensor) -> torch.Tensor:
        """Log of the rate dt/tau, finite for huge and tiny rates: p (..., F) to (..., G)."""
        return log_softplus(-self.decay(p))
