"""Stage 2: the network is retrained on a recording, and what its gates change tells what changed in the cell.

The features are frozen; the gating layer h' and a scale s_X for every current train, the stage-1 layer h
stays as the reference. With the misfit of a decoder (`decoder`: the ODE's current balance; `emulate`: m2),

    L = q misfit(h', s) + eta <c |h - h'|> + eta_scale sum_X |ln s_X| + 1e-5 <weights^2>

q is 1 for a clean recording and falls with its noise, which a misfit in dV/dt is mostly made of:
q = eta_scale / (eta_scale + 10 x what one free number takes off the misfit by following noise).
eta (Iravanian's eta) prices a change of a gate, c (`prior`) where the recording says little of it, eta_scale
a change of a scale, so that what the recording does not ask for does not move. Runs that differ in eta or
seed train as one batch: N layers over the same features, each with its own loss, so that a run comes out the
same whatever it is batched with, but for the order of sums.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from numpy.typing import NDArray

from ionwidgets.errors import TrainingError
from ionwidgets.gnn.along_beats import Layers, gates_along
from ionwidgets.gnn.decoder import Balance
from ionwidgets.gnn.device import device_named
from ionwidgets.gnn.network import Network
from ionwidgets.gnn.prior import price
from ionwidgets.gnn.quasi_newton import Descents
from ionwidgets.gnn.threads import one_thread
from ionwidgets.jobs import Control, aside

FIRST_SCALE = 1e-3  # spread of the first ln s: where it begins must not decide
MARGIN = 10.0  # by which a change must explain more than a change that follows noise does
TELL = 4  # updates between two words of progress
ALIVE = 0.05  # s, after which the last is said again
ROUND_GATE, ROUND_SCALE = 1e-4, 1e-3  # changes that cost their square


class Decoder(Protocol):
    """What tells how well gates explain a recording."""

    def misfit(self, gates: torch.Tensor, log_scales: torch.Tensor) -> torch.Tensor:
        """How far N sets of gates (N, T, B, G) with scales (N, currents) are from the recording: (N,)."""


MakeDecoder = Callable[[Network, Balance], Decoder]


@dataclass(frozen=True)
class Stage2:
    """The settings of stage 2."""

    eta: float = 1e-3
    eta_scale: float = 3e-5
    weight_decay: float = 1e-5
    updates: int = 200


@dataclass(frozen=True)
class Retrained:
    """A network after stage 2.

    gates_before, gates_after (T, B, G): along the recorded beats; log_scales: ln s of every current;
    explained: by current and by gate, the share of the squared residual of the control that this change alone
    takes away; moved: by current, sum (s_X I_X' - I_X)^2 / sum (dV/dt)^2, how far its change goes whatever
    the others do; residual_before, residual_after: the ODE's sum r^2 / sum (dV/dt)^2.
    """

    network: Network
    gates_before: torch.Tensor
    gates_after: torch.Tensor
    log_scales: dict[str, float]
    explained: dict[str, float]
    moved: dict[str, float]
    residual_before: float
    residual_after: float
    losses: NDArray


def retrain_network(
    network: Network,
    balance: Balance,
    *,
    seed: int = 0,
    decoder: MakeDecoder | None = None,
    progress: Control | None = None,
    settings: Stage2 | None = None,
    device: str = "cpu",
) -> Retrained:
    """Retrain the gating layer of `network` on a recording; arguments and errors as for `retrain_batch`."""
    settings = settings or Stage2()
    runs = [(settings.eta, seed)]
    (retrained,) = retrain_batch(
        network, balance, runs, decoder=decoder, progress=progress, settings=settings, device=device
    )
    return retrained


@one_thread()
def retrain_batch(
    network: Network,
    balance: Balance,
    runs: Sequence[tuple[float, int]],
    *,
    decoder: MakeDecoder | None = None,
    progress: Control | None = None,
    settings: Stage2 | None = None,
    device: str = "cpu",
) -> list[Retrained]:
    """Retrain the gating layer of `network` once for every (eta, seed) of `runs`, all in one batch.

    `balance`: the recording, which currents and shares are read from; `decoder`: makes what the gates are
    held against (`EmulatedBeats`), the balance itself when left out; `device`: "cpu" or "cuda", what comes
    back is on the CPU. `settings.eta` is not used.

    Raises
    ------
    TrainingError : the loss is no finite number; the network that was handed in is as it was. There is no
        such device.
    """
    settings, place = settings or Stage2(), device_named(device)
    network, balance = network.on(place), balance.on(place)
    judge = balance if decoder is None else decoder(network, balance)
    names = [current.name for current in balance.model.currents]
    # Two starts a run: no scale changed, and those scales that explain most while the gates stay.
    starts = [_first_scales(balance, runs)]
    alive = None if progress is None else _Alive(progress)
    if decoder is None:
        # What comes first may have to be compiled.
        starts.append(starts[0] + aside(alive, lambda: _scales_alone(network, balance, settings)))
    layers = Layers(network, balance, len(starts) * len(runs))
    objective = _Objective(layers, balance, judge, settings, [eta for eta, _ in runs] * len(starts))
    descents = aside(alive, lambda: _first(objective, torch.cat(starts)))
    # Where a step takes long, as the emulator's does, a stop does not wait for it.
    wait = None if decoder is None else alive
    losses = [descents.loss]
    if not descents.loss.isfinite().all():
        raise TrainingError(
            "stage 2 cannot begin: its loss on this recording is no finite number; the network stays as it "
            "was; look for gaps or wrong units in the recording"
        )
    for update in range(settings.updates):
        if alive is not None and update % TELL == 0:
            alive.tell(
                update / settings.updates,
                loss=float(descents.loss.mean()),
                misfit=float(objective.misfit.mean()),
                update=update,
            )
        elif alive is not None:
            alive()
        if descents.settled:
            break
        aside(wait, one_thread()(descents.step))
        losses.append(descents.loss)
    first_or_second = descents.loss.unflatten(0, (len(starts), -1)).argmin(0)
    best = first_or_second * len(runs) + torch.arange(len(runs), device=place)
    with torch.no_grad():
        log_scales = objective.unpack(descents.x)[best]
        h, altered = objective.references[0], layers.gates()[best]
        before = balance.currents(h)
        first = balance.misfit(h[None], torch.zeros_like(log_scales[:1]))
        last = balance.misfit(altered, log_scales)
    return [
        Retrained(
            layers.network(int(best[i])).on(torch.device("cpu")),
            h.cpu(),
            altered[i].cpu(),
            dict(zip(names, log_scales[i].tolist(), strict=True)),
            _explained(balance, before, h, altered[i], log_scales[i]),
            _moved(balance, before, altered[i], log_scales[i]),
            first.item(),
            last[i].item(),
            torch.stack(losses)[:, best[i]].cpu().numpy(),
        )
        for i in range(len(runs))
    ]


@one_thread()
def _first(objective: _Objective, log_scales: torch.Tensor) -> Descents:
    return Descents(objective.packed(log_scales), objective)


class _Alive:
    """Tells a `Control` of stage 2, and again after a while, so that a stop is heard."""

    def __init__(self, progress: Control) -> None:
        self._progress, self._fraction, self._at = progress, 0.0, float("-inf")
        self._facts: dict[str, Any] = {}

    def tell(self, fraction: float, **facts: Any) -> None:
        self._fraction, self._facts, self._at = fraction, facts, time.monotonic()
        self._progress.report(fraction, "Retraining on the recording", **facts)

    def __call__(self) -> None:
        if time.monotonic() - self._at >= ALIVE:
            self.tell(self._fraction, **self._facts)


class _Objective:
    """The losses of N runs and their gradients at x (N, P): the weights of the layers, then ln s."""

    def __init__(
        self, layers: Layers, balance: Balance, decoder: Decoder, settings: Stage2, etas: Sequence[float]
    ) -> None:
        self._layers, self._decoder, self._settings = layers, decoder, settings
        with torch.no_grad():
            # One for every run: from another column, the last bit can differ.
            self.references = layers.gates()
        self._eta = balance.V.new_tensor(etas)
        self._costs = price(balance, self.references[0])
        self._samples = (self._costs > 0).sum()
        self._sizes = [w[0].numel() for w in layers.weights] + [len(balance.model.currents)]
        self._trust = _trust(balance, settings)
        self._decay = torch.cat(
            [torch.full((size,), settings.weight_decay / size) for size in self._sizes[:-1]]
        ).to(balance.V)

    def packed(self, log_scales: torch.Tensor) -> torch.Tensor:
        return torch.cat([*(w.detach().flatten(1) for w in self._layers.weights), log_scales], dim=1)

    def unpack(self, x: torch.Tensor) -> torch.Tensor:
        """Give the layers the weights of x; ln s (N, currents)."""
        *weights, log_scales = x.split(self._sizes, dim=1)
        self._layers.weights = [
            new.reshape(w.shape) for new, w in zip(weights, self._layers.weights, strict=True)
        ]
        return log_scales

    def __call__(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        x = x.detach().requires_grad_()
        log_scales = self.unpack(x)
        altered = self._layers.gates()
        misfit = self._decoder.misfit(altered, log_scales)
        moved = (_absolute(altered - self.references, ROUND_GATE) * self._costs).sum(
            (1, 2, 3)
        ) / self._samples
        scaled = _absolute(log_scales, ROUND_SCALE).sum(1)
        size = (x[:, : -log_scales.shape[1]].square() * self._decay).sum(1)
        loss = self._trust * misfit + self._eta * moved + self._settings.eta_scale * scaled + size
        (slope,) = torch.autograd.grad(loss.sum(), x)
        self.misfit = misfit.detach()
        return loss.detach(), slope


def _absolute(x: torch.Tensor, radius: float) -> torch.Tensor:
    """|x|, round within `radius` of 0, so that its slope has no jump."""
    return (x.square() + radius**2).sqrt() - radius


def _trust(balance: Balance, settings: Stage2) -> float:
    """q, what the misfit counts: so much that following noise with a scale does not pay its price."""
    return settings.eta_scale / (settings.eta_scale + MARGIN * balance.noise)


def _first_scales(balance: Balance, runs: Sequence[tuple[float, int]]) -> torch.Tensor:
    shape = len(balance.model.currents)
    noise = [torch.randn(shape, generator=torch.Generator().manual_seed(seed)) for _, seed in runs]
    return FIRST_SCALE * torch.stack(noise).to(balance.V)


@one_thread()
def _scales_alone(network: Network, balance: Balance, settings: Stage2) -> torch.Tensor:
    """ln s (currents,) that explain most of the recording with the gates of stage 1."""
    currents = balance.currents(gates_along(network, balance))
    total, trust = (balance.dVdt * balance.weight).square().sum(), _trust(balance, settings)

    def evaluate(x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        x = x.detach().requires_grad_()
        misfit = balance.residual(currents, x[0]).square().sum() / total
        loss = trust * misfit + settings.eta_scale * _absolute(x, ROUND_SCALE).sum()
        (slope,) = torch.autograd.grad(loss, x)
        return loss.detach()[None], slope

    descents = Descents(torch.zeros(1, len(balance.model.currents)).to(balance.V), evaluate)
    for _ in range(settings.updates):
        if descents.settled:
            break
        descents.step()
    return descents.x[0]


def _moved(
    balance: Balance, before: dict[str, torch.Tensor], altered: torch.Tensor, log_scales: torch.Tensor
) -> dict[str, float]:
    after, total = balance.currents(altered), (balance.dVdt * balance.weight).square().sum()
    return {
        name: float(((s * after[name] - before[name]) * balance.weight).square().sum() / total)
        for name, s in zip(before, log_scales.exp(), strict=True)
    }


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
