"""The emulator m2 of Iravanian (arXiv 2011.07388): from what is seen and the gates to the next sample.

With x the observables, each from 0 to 1 over its range, and h the gates, one sample (1 ms) ahead::

    u = relu(U2 relu(U1 [x; h] + c1) + c2)           (T, B, 30)
    y = sigmoid(O LSTM(u) + o)                       (T, B, N)

y are the N states that are no gates, the observables first, each from 0 to 1 over its range.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import nn

Carried = tuple[torch.Tensor, torch.Tensor]


@dataclass(frozen=True)
class Outputs:
    """What an emulator predicts: N states, the observables first, and the range (low, high) of each."""

    names: tuple[str, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]


class Emulator(nn.Module):
    """m2, for networks that see `n_observables` and have `n_gates`."""

    def __init__(self, n_observables: int, n_gates: int, outputs: Outputs, width: int = 30) -> None:
        super().__init__()
        n = len(outputs.names)
        self.outputs, self.n_observables = outputs, n_observables
        self.features = nn.Sequential(
            nn.Linear(n_observables + n_gates, width), nn.ReLU(), nn.Linear(width, width), nn.ReLU()
        )
        self.memory = nn.LSTM(width, n)
        # The published layer has one bias, torch's two.
        self.memory.bias_hh_l0 = nn.Parameter(torch.zeros(4 * n), requires_grad=False)
        self.last = nn.Linear(n, n)

    def forward(
        self, x: torch.Tensor, h: torch.Tensor, carried: Carried | None = None
    ) -> tuple[torch.Tensor, Carried]:
        """Predict the samples after those given.

        x (T, B, observables), from 0 to 1; h (T, B, G). Returns y (T, B, N) and what the memory carries on.
        """
        y, carried = self.memory(self.features(torch.cat([x, h], dim=-1)), carried)
        return torch.sigmoid(self.last(y)), carried

    def scaled(self, observed: torch.Tensor) -> torch.Tensor:
        """Observables (..., observables) [mV, mM] from 0 to 1 over their ranges, which they may leave."""
        n = self.n_observables
        low, high = observed.new_tensor(self.outputs.low[:n]), observed.new_tensor(self.outputs.high[:n])
        return (observed - low) / (high - low)
