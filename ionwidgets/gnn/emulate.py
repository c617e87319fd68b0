"""The emulator as decoder: m2 predicts the next sample from the retrained gates, over whole beats.

The published stage 2 updates at every sample and never looks back (`ionwidgets.gnn.paper`). Here the gradient
runs through whole beats, the memory of the LSTM and the gating recurrence included::

    misfit = <(m2([x, h'])[V, Ca_i] + (scaled currents, 0) - next sample)^2>

with x and the prediction from 0 to 1 over the emulator's ranges. m2 has learnt the currents of the model as
they are. What a scale s_X adds to them moves V beside it, away from the stimulus and the upstroke::

    -dt sum_X (s_X - 1) I_X(V, Ca_i, h', ...)        (mV)
"""

from __future__ import annotations

import torch

from ionwidgets.errors import TrainingError
from ionwidgets.gnn.decoder import Balance
from ionwidgets.gnn.network import Network

STEP = 1.0  # ms


class EmulatedBeats:
    """m2 along the beats of a `Balance`, as a `Decoder`.

    Raises
    ------
    TrainingError : the network has no emulator; samples that are not 1 ms apart, as m2 has learnt them.
    """

    def __init__(self, network: Network, balance: Balance) -> None:
        if network.emulator is None:
            raise TrainingError(
                'the emulator decoder needs a network with an emulator: iw.learn(model, preset="paper"), or '
                "decoder ode"
            )
        if abs(balance.beats[0].step - STEP) > 1e-6:
            raise TrainingError(
                f"the emulator predicts V and Ca_i {STEP:g} ms on, and the recording's samples are "
                f"{balance.beats[0].step:g} ms apart; give it samples {STEP:g} ms apart, or use decoder ode"
            )
        self.emulator = network.emulator
        observed = torch.stack([balance.observed(name) for name in network.observables], dim=-1)
        self.next = self.emulator.scaled(observed)
        self.x = torch.roll(self.next, 1, 0)  # the sample before, round the beat
        self.ranges = network.module.shape.gate_range
        device = observed.device
        lengths = torch.tensor([beat.time.size for beat in balance.beats], device=device)
        # The last sample of a beat, and the padding, are followed by nothing that was recorded.
        recorded = torch.arange(len(observed), device=device)[:, None] < lengths
        self.weight = recorded.to(observed.dtype).unsqueeze(-1)
        self.weight[0] = 0
        self._balance = balance
        asked = balance.weight * torch.roll(balance.weight, 1, 0)
        low, high = self.emulator.outputs.low[0], self.emulator.outputs.high[0]
        self._push = -STEP / (high - low) * asked  # of a current [A/F] on V, from 0 to 1

    def misfit(self, gates: torch.Tensor, log_scales: torch.Tensor) -> torch.Tensor:
        n = gates.shape[0]
        h = self._scaled(gates).movedim(0, 2).flatten(1, 2)  # (T, B N, G)
        x = self.x.repeat_interleave(n, dim=1)
        with torch.no_grad():  # the memory forgets its start
            _, carried = self.emulator(x, h)
        y, _ = self.emulator(x, h, carried)
        off = y[..., : self.x.shape[-1]].unflatten(1, (-1, n)) - self.next.unsqueeze(2)
        off = torch.cat([off[..., :1] + self._added(gates, log_scales).unsqueeze(-1), off[..., 1:]], dim=-1)
        weight = self.weight.unsqueeze(2)
        return (off.square() * weight).sum((0, 1, 3)) / (weight.sum() * off.shape[-1])

    def _added(self, gates: torch.Tensor, log_scales: torch.Tensor) -> torch.Tensor:
        """What scales other than 1 add to V from one sample to the next (T, B, N), from 0 to 1."""
        currents = self._balance.currents(gates).values()
        more = torch.expm1(log_scales)
        total = torch.stack([more[:, i, None, None] * current for i, current in enumerate(currents)]).sum(0)
        return (0.5 * (total + torch.roll(total, 1, 1)) * self._push).movedim(0, 2)

    def _scaled(self, gates: torch.Tensor) -> torch.Tensor:
        if not self.ranges:
            return gates
        low, high = (gates.new_tensor(values) for values in zip(*self.ranges, strict=True))
        return (gates - low) / (high - low)
