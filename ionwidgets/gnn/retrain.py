"""Stage 2: the network is retrained on a recording, and what its gates change tells what changed in the cell.

The features are frozen; the gating layer h' and a scale s_X for every current train, the stage-1 layer h
stays as the reference. Over the samples away from stimulus and upstroke, with r as in `decoder`,

    L = sum r^2 / sum (dV/dt)^2 + eta <|h - h'|> + eta_scale sum_X |ln s_X| + 1e-5 <weights^2>

eta (Iravanian's eta) prices a change of a gate, eta_scale a change of a scale, so that what the recording
does not ask for does not move.
"""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray

from ionwidgets.errors import TrainingError
from ionwidgets.gnn.decoder import Balance
from ionwidgets.gnn.layer import GatingLayer
from ionwidgets.gnn.network import Network
from ionwidgets.gnn.threads import one_thread
from ionwidgets.jobs import Control


@dataclass(frozen=True)
class Stage2:
    """The settings of stage 2."""

    eta: float = 1e-3
    eta_scale: float = 3e-4
    weight_decay: float = 1e-5
    updates: int = 400
    rate: float = 1e-2


@dataclass(frozen=True)
class Retrained:
    """A network after stage 2.

    gates_before, gates_after (T, B, G): along the recorded beats; log_scales: ln s of every current;
    explained: by current and by gate, the share of the squared residual of the control that this change alone
    takes away; residual_before, residual_after: sum r^2 / sum (dV/dt)^2.
    """

    network: Network
    gates_before: torch.Tensor
    gates_after: torch.Tensor
    log_scales: dict[str, float]
    explained: dict[str, float]
    residual_before: float
    residual_after: float
    losses: NDArray


@one_thread()
def retrain_network(
    network: Network,
    balance: Balance,
    *,
    seed: int = 0,
    progress: Control | None = None,
    settings: Stage2 | None = None,
) -> Retrained:
    """Retrain the gating layer of `network` on the current balance of a recording.

    Raises
    ------
    TrainingError : the loss has left all bounds; the network that was handed in is as it was.
    """
    settings = settings or Stage2()
    module = network.module
    with torch.no_grad():
        # Midway between samples, which makes the scan second order in the sample interval.
        seen = torch.stack([balance.observed(name) for name in network.observables], dim=-1)
        p = module.inputs(0.5 * (seen + torch.roll(seen, 1, 0)))
        h = _scan(module.gating, p, balance)
        before = balance.currents(h)
    changed = GatingLayer(p.shape[-1], len(network.gate_names)).to(p.dtype)
    changed.load_state_dict(module.gating.state_dict())
    generator = torch.Generator().manual_seed(seed)
    log_scales = (
        1e-3 * torch.randn(len(balance.model.currents), generator=generator, dtype=p.dtype)
    ).requires_grad_()
    optimizer = torch.optim.Adam([*changed.parameters(), log_scales], lr=settings.rate)
    weight = balance.weight.unsqueeze(-1)
    variance = (balance.dVdt * balance.weight).square().sum()
    losses = np.full(settings.updates, np.nan)
    for update in range(settings.updates):
        optimizer.zero_grad()
        altered = _scan(changed, p, balance)
        misfit = balance.residual(balance.currents(altered), log_scales).square().sum() / variance
        moved = ((altered - h).abs() * weight).sum() / (weight.sum() * h.shape[-1])
        size = torch.stack([w.square().mean() for w in changed.parameters()]).sum()
        loss = (
            misfit
            + settings.eta * moved
            + settings.eta_scale * log_scales.abs().sum()
            + settings.weight_decay * size
        )
        if not torch.isfinite(loss):
            raise TrainingError(
                f"stage 2 diverged after {update} updates (eta {settings.eta:g}): the loss is {loss.item()}; "
                "the network before it stays as it was; try a larger eta"
            )
        loss.backward()
        optimizer.step()
        losses[update] = loss.item()
        if progress is not None and update % 10 == 0:
            progress.report(
                update / settings.updates,
                "Retraining on the recording",
                loss=loss.item(),
                misfit=misfit.item(),
                update=update,
            )
    with torch.no_grad():
        altered = _scan(changed, p, balance)
        explained = _explained(balance, before, h, altered, log_scales)
        zero = torch.zeros_like(log_scales)
        first = balance.residual(before, zero).square().sum() / variance
        last = balance.residual(balance.currents(altered), log_scales).square().sum() / variance
    new = deepcopy(module)
    new.gating.load_state_dict(changed.state_dict())
    scales = {c.name: float(s) for c, s in zip(balance.model.currents, log_scales.detach(), strict=True)}
    return Retrained(
        replace(network, module=new),
        h,
        altered,
        scales,
        explained,
        float(first),
        float(last),
        losses,
    )


def _scan(layer: GatingLayer, p: torch.Tensor, balance: Balance) -> torch.Tensor:
    """Gates (T, B, G) over the second of two periods; the first lets them forget their start."""
    with torch.no_grad():  # what is left of the first period at the end of the second teaches nothing
        first = layer(p, layer.h_inf(p[0]))
    ends = torch.tensor([beat.time.size - 1 for beat in balance.beats])  # before the padding
    return layer(p, first[ends, torch.arange(len(ends))])


def _explained(
    balance: Balance,
    before: dict[str, torch.Tensor],
    h: torch.Tensor,
    altered: torch.Tensor,
    log_scales: torch.Tensor,
) -> dict[str, float]:
    """What each change alone takes off the control's squared residual, by current (scale, gates) and gate."""
    zero = torch.zeros_like(log_scales)
    base = balance.residual(before, zero).square().sum()
    after = balance.currents(altered)
    shares = {}
    for i, current in enumerate(balance.model.currents):
        alone = zero.clone()
        alone[i] = log_scales[i]
        left = balance.residual({**before, current.name: after[current.name]}, alone).square().sum()
        shares[current.name] = float(1 - left / base)
    for j, gate in enumerate(balance.model.gate_names):
        one = h.clone()
        one[..., j] = altered[..., j]
        shares[gate] = float(1 - balance.residual(balance.currents(one), zero).square().sum() / base)
    return shares
