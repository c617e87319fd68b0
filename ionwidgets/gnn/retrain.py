"""Stage 2: the network is retrained on a recording, and what its gates change tells what changed in the cell.

The features are frozen; the gating layer h' and a scale s_X for every current train, the stage-1 layer h
stays as the reference. With the misfit of a decoder (`decoder`: the ODE's current balance; `emulate`: m2),

    L = misfit(h', s) + eta <c |h - h'|> + eta_scale sum_X |ln s_X| + 1e-5 <weights^2>

eta (Iravanian's eta) prices a change of a gate, c (`prior`) where the recording says little of it, eta_scale
a change of a scale, so that what the recording does not ask for does not move. Runs that differ in eta or
seed train as one batch: N layers over the same features, each with its own loss, so that a run comes out the
same whatever it is batched with, but for the order of sums.
"""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray

from ionwidgets.errors import TrainingError
from ionwidgets.gnn.decoder import Balance
from ionwidgets.gnn.network import Network
from ionwidgets.gnn.prior import price
from ionwidgets.gnn.scan import gating_scan
from ionwidgets.gnn.threads import one_thread
from ionwidgets.jobs import Control

FIRST_SCALE = 1e-3  # spread of the first ln s: where it begins must not decide


class Decoder(Protocol):
    """What tells how well gates explain a recording."""

    def misfit(self, gates: torch.Tensor, log_scales: torch.Tensor) -> torch.Tensor:
        """How far N sets of gates (N, T, B, G) with scales (N, currents) are from the recording: (N,)."""


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
    takes away; residual_before, residual_after: the ODE's sum r^2 / sum (dV/dt)^2.
    """

    network: Network
    gates_before: torch.Tensor
    gates_after: torch.Tensor
    log_scales: dict[str, float]
    explained: dict[str, float]
    residual_before: float
    residual_after: float
    losses: NDArray


def retrain_network(
    network: Network,
    balance: Balance,
    *,
    seed: int = 0,
    decoder: Decoder | None = None,
    progress: Control | None = None,
    settings: Stage2 | None = None,
) -> Retrained:
    """Retrain the gating layer of `network` on a recording; arguments and errors as for `retrain_batch`."""
    settings = settings or Stage2()
    runs = [(settings.eta, seed)]
    return retrain_batch(network, balance, runs, decoder=decoder, progress=progress, settings=settings)[0]


@one_thread()
def retrain_batch(
    network: Network,
    balance: Balance,
    runs: Sequence[tuple[float, int]],
    *,
    decoder: Decoder | None = None,
    progress: Control | None = None,
    settings: Stage2 | None = None,
) -> list[Retrained]:
    """Retrain the gating layer of `network` once for every (eta, seed) of `runs`, all in one batch.

    `balance`: the recording, which currents and shares are read from; `decoder`: what the gates are held
    against, the balance itself when left out. `settings.eta` is not used.

    Raises
    ------
    TrainingError : a loss has left all bounds; the network that was handed in is as it was.
    """
    settings = settings or Stage2()
    decoder = decoder or balance
    names = [current.name for current in balance.model.currents]
    layers = _Layers(network, balance, len(runs))
    with torch.no_grad():
        # A reference of its own for every run: from another column, the last bit can differ, and the price of
        # a change has a kink at none.
        references = layers.gates()
        h = references[0]
        before = balance.currents(h)
    first_scales = [
        FIRST_SCALE
        * torch.randn(len(names), generator=torch.Generator().manual_seed(seed), dtype=balance.V.dtype)
        for _, seed in runs
    ]
    log_scales = torch.stack(first_scales).requires_grad_()
    eta = balance.V.new_tensor([eta for eta, _ in runs])
    optimizer = torch.optim.Adam([*layers.weights, log_scales], lr=settings.rate)
    costs = price(balance, h)
    samples = (costs > 0).sum()
    losses = np.full((settings.updates, len(runs)), np.nan)
    for update in range(settings.updates):
        optimizer.zero_grad()
        altered = layers.gates()
        misfit = decoder.misfit(altered, log_scales)
        moved = ((altered - references).abs() * costs).sum((1, 2, 3)) / samples
        size = torch.stack([w.square().flatten(1).mean(1) for w in layers.weights]).sum(0)
        loss = (
            misfit + eta * moved + settings.eta_scale * log_scales.abs().sum(1) + settings.weight_decay * size
        )
        losses[update] = loss.detach().numpy()
        if not np.isfinite(losses[update]).all():
            which, seed = runs[int(np.argmin(np.isfinite(losses[update])))]
            raise TrainingError(
                f"stage 2 diverged after {update} updates (eta {which:g}, seed {seed}): the loss is not "
                "finite; the network before it stays as it was; try a larger eta"
            )
        loss.sum().backward()
        optimizer.step()
        if progress is not None and update % 10 == 0:
            progress.report(
                update / settings.updates,
                "Retraining on the recording",
                loss=float(losses[update].mean()),
                misfit=float(misfit.detach().mean()),
                update=update,
            )
    with torch.no_grad():
        altered = layers.gates()
        zero = torch.zeros_like(log_scales)
        first, last = balance.misfit(h[None], zero[:1]), balance.misfit(altered, log_scales)
    found = []
    for i in range(len(runs)):
        scales = log_scales.detach()[i]
        found.append(
            Retrained(
                layers.network(i),
                h,
                altered[i],
                dict(zip(names, scales.tolist(), strict=True)),
                _explained(balance, before, h, altered[i], scales),
                first.item(),
                last[i].item(),
                losses[:, i],
            )
        )
    return found


@one_thread()
@torch.no_grad()
def gates_along(network: Network, balance: Balance) -> torch.Tensor:
    """The network's gates (T, B, G) along recorded beats that repeat for ever."""
    return _Layers(network, balance, 1).gates()[0]


class _Layers:
    """N gating layers over the same features p (T, B, F) of the beats, all beginning as the network's."""

    def __init__(self, network: Network, balance: Balance, n: int) -> None:
        self._network = network
        with torch.no_grad():
            # Midway between samples, which makes the scan second order in the sample interval.
            seen = torch.stack([balance.observed(name) for name in network.observables], dim=-1)
            self._p = network.module.inputs(0.5 * (seen + torch.roll(seen, 1, 0)))
        gating = network.module.gating
        self.weights = [
            w.detach().expand(n, *w.shape).clone().requires_grad_()
            for w in (gating.steady.weight, gating.steady.bias, gating.decay.weight, gating.decay.bias)
        ]
        self._ends = torch.tensor([beat.time.size - 1 for beat in balance.beats])  # before the padding

    def gates(self) -> torch.Tensor:
        """Gates (N, T, B, G) over the second of two periods; the first lets them forget their start."""
        Ws, bs, Wt, bt = self.weights
        h_inf, rho = (self._sigmoids(W, b) for W, b in ((Ws, bs), (Wt, bt)))
        cells = torch.arange(len(self._ends))
        n = Ws.shape[0]
        with torch.no_grad():  # what is left of the first period at the end of the second teaches nothing
            first = gating_scan(rho, h_inf, h_inf[0]).unflatten(1, (-1, n))
            start = first[self._ends, cells].flatten(0, 1)
        h = gating_scan(rho, h_inf, start).unflatten(1, (-1, n))
        return self._network.module.unscaled(h.movedim(2, 0))

    def _sigmoids(self, W: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
        """sigmoid(W p + b), (T, B N, G)."""
        x = torch.addmm(b.flatten(), self._p.flatten(0, 1), W.flatten(0, 1).t())
        return torch.sigmoid(x).reshape(self._p.shape[0], -1, W.shape[1])

    def network(self, i: int) -> Network:
        module = deepcopy(self._network.module)
        Ws, bs, Wt, bt = (w.detach()[i] for w in self.weights)
        state = {"steady.weight": Ws, "steady.bias": bs, "decay.weight": Wt, "decay.bias": bt}
        module.gating.load_state_dict(state)
        return replace(self._network, module=module)


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
