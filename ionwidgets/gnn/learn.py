"""Stage 1: the network learns the gates of a model from voltage clamp.

The gates depend on V alone, so what a clamp to every potential shows is all there is to know: h_inf and tau.
The loss compares h_inf, its logit up to 4 (so that the small open fractions come out right too; 98 % is open)
and the logarithm of the rate 1/tau, tau floored at 0.02 ms, below which no solver can tell:

    L = 30 <(h_inf - h_inf*)^2> + <(ln rate - ln rate*)^2> + 0.03 <(logit h_inf - logit h_inf*)^2>

Adam brings the weights near, L-BFGS finishes (`descent`). The action potential is a strict judge (`measure`):
an error of 0.5 % in h_inf costs 10 to 20 ms of APD90.
"""

from __future__ import annotations

import shlex
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ionwidgets._version import __version__
from ionwidgets.errors import SimulationError, TrainingError
from ionwidgets.gnn.checkpoint import Checkpoint
from ionwidgets.gnn.clamp_grid import Lessons, lessons
from ionwidgets.gnn.descent import Descent, Diverged, Stage1
from ionwidgets.gnn.device import device_named
from ionwidgets.gnn.measure import stage1_figures
from ionwidgets.gnn.network import GatingNetwork, Network
from ionwidgets.gnn.threads import one_thread
from ionwidgets.jobs import Control, aside
from ionwidgets.models import IonicModel

SHIPPED = Path(__file__).with_name("networks")
TOLD_EVERY = 20  # updates
ALIVE_EVERY, CURVES_EVERY = 0.05, 1.0  # s, at most, between two reports; at least, between two sets of curves
CURVES_SHARE = 0.08  # of the updates, likewise: on a busy machine a page draws as slowly as the training runs
CLAMP = np.arange(-100.0, 50.5, 1.0)  # mV, at which the curves are told
OPEN = 4.0  # logit of an h_inf that is as good as open


def learn(
    model: IonicModel,
    *,
    seed: int = 0,
    progress: Control | None = None,
    fresh: bool = False,
    settings: Stage1 | None = None,
    observables: Sequence[str] | None = None,
    checkpoint: str | Path | None = None,
    preset: str = "default",
    device: str = "cpu",
) -> Network:
    """Teach a network the gates of `model`; a shipped network of the same equations is loaded unless `fresh`.

    Parameters
    ----------
    seed : of the network's first weights.
    progress : told how far the training is by ``progress.report(fraction, message, loss=..., update=...,
        curves=...)``, the last being the gates of the network as it is then, {gate: (h_inf, tau [ms])} at
        -100 to 50 mV, every mV.
    fresh : train even where a network is shipped.
    settings : other than the usual ones.
    observables : what the network sees, ("V",), when left out, or ("V", "Ca_i").
    checkpoint : a file that the training is kept in, every 5 s and when it is interrupted; where it exists
        already, the training goes on from there, to the last bit as if it had never been interrupted. It
        means that there is a training, whether a network is shipped or not.
    preset : "default", or "paper" for the published recipe: V and Ca_i, an emulator beside the gates
        (`ionwidgets.gnn.paper`), in seconds and without `checkpoint`, `settings` or `device`.
    device : where it trains, "cpu" or "cuda"; the network that comes back is on the CPU.

    Returns
    -------
    Network, whose card holds the data, the seed, and how the model with the network's gates compares with
    itself.

    Raises
    ------
    TrainingError : an unknown preset or device, the model has no gate to learn or no such observable, the
        loss has left all bounds, the model does not run with the gates that were learnt, or the checkpoint is
        of another training.

    Examples
    --------
    >>> import ionwidgets as iw
    >>> model = iw.load_model("tnnp2004", variant="M")
    >>> iw.learn(model).card["figures"]["apd90_error_ms"]
    >>> network = iw.learn(model, observables=("V", "Ca_i"), checkpoint="run.safetensors")
    """
    if preset == "paper":
        return _as_published(model, seed, progress, settings, observables, checkpoint, device)
    if preset != "default":
        raise TrainingError(f"unknown preset {preset!r}; there are: default, paper")
    place = device_named(device)
    seen = _seen(model, ("V",) if observables is None else observables)
    shipped = None if fresh or checkpoint is not None else shipped_network(model)
    if shipped is not None and shipped.observables == seen:
        return shipped
    if not model.gate_names:
        raise TrainingError(f"{model.key} has no gate that depends on V alone, so there is nothing to learn")
    settings = settings or Stage1()
    card = {
        "model": model.name,
        "variant": model.variant,
        "model_hash": model.hash,
        "seed": seed,
        "observables": list(seen),
        "settings": asdict(settings),
        "versions": f"ionwidgets {__version__}, torch {torch.__version__.partition('+')[0]}",
    }
    file = None if checkpoint is None else Checkpoint(checkpoint, card)
    telling = None if progress is None else _Telling(progress, model)
    alive = None if telling is None else telling.alive
    taught = aside(alive, lambda: lessons(model, seen, settings)).on(place)
    module = _fit(model, taught, seed, telling, settings, file)
    network = Network(
        module, model.gate_names, card | {"data": taught.words, "command": _command(card, model)}
    )
    try:
        network.card["figures"] = aside(alive, lambda: stage1_figures(model, network))
    except SimulationError as error:
        raise TrainingError(
            f"stage 1 of {model.key} ended in gates that the model does not run with (seed {seed}): {error}; "
            "the network before it stays as it was; try another seed"
        ) from None
    return network


def _as_published(
    model: IonicModel,
    seed: int,
    progress: Control | None,
    settings: object,
    observables: object,
    file: object,
    device: str,
) -> Network:
    from ionwidgets.gnn.paper import learn_as_published

    seen = observables in (None, ("V", "Ca_i"), ["V", "Ca_i"])
    if not (settings is None and file is None and seen and device == "cpu"):
        raise TrainingError(
            'preset="paper" sees V and Ca_i, has its own numbers and ends in seconds on the CPU: leave out '
            "settings, observables, checkpoint and device"
        )
    return learn_as_published(model, seed=seed, progress=progress)


def shipped_network(model: IonicModel) -> Network | None:
    """The network that comes with the package for exactly these equations, if there is one."""
    path = shipped_path(model)
    network = Network.load(path) if path.exists() else None
    return network if network is not None and network.model_hash == model.hash else None


def shipped_path(model: IonicModel) -> Path:
    return SHIPPED / f"{model.key.replace(':', '-')}.safetensors"


def _seen(model: IonicModel, observables: Sequence[str]) -> tuple[str, ...]:
    seen = (observables,) if isinstance(observables, str) else tuple(observables)
    if seen == model.observables[: len(seen)] and seen:
        return seen
    if "Ca_i" in seen and model.calcium is None:
        raise TrainingError(f'{model.key} has no cytosolic calcium: a network of it sees observables=("V",)')
    raise TrainingError(f'observables must be ("V",) or ("V", "Ca_i"); found {seen!r}')


def _command(card: dict, model: IonicModel) -> str:
    seen = "" if len(card["observables"]) == 1 else f" --observables {','.join(card['observables'])}"
    out = shlex.quote(shipped_path(model).name)
    return f"ionwidgets learn {model.key} --fresh --seed {card['seed']}{seen} --out {out}"


@one_thread()
def _fit(
    model: IonicModel,
    taught: Lessons,
    seed: int,
    telling: _Telling | None,
    settings: Stage1,
    file: Checkpoint | None,
) -> GatingNetwork:
    generator = torch.random.get_rng_state()
    torch.manual_seed(seed)
    module = GatingNetwork(len(model.gate_names), taught.shape, taught.clamp).double()
    module = module.to(taught.observed.device)
    torch.random.set_rng_state(generator)  # a user's own random numbers are none of ours
    descent = Descent(module, gate_loss(module, taught, settings), settings)

    def tell(done: int, loss: float) -> None:
        if telling is not None:
            telling.hear(module, done, loss, descent.most)

    if file is not None:
        file.take_up(descent)
    try:
        while not descent.finished:
            descent.advance(tell)
            if file is not None:
                file.keep(descent.state())
    except Diverged as error:
        kept = "" if file is None else f", the last good state is in {file.path.name}"
        raise TrainingError(
            f"stage 1 of {model.key} {error} (seed {seed}); the network before it stays as it was{kept}; "
            "try another seed"
        ) from None
    finally:
        if file is not None:
            file.write()
    return module.cpu().float().double()  # as a file has it, so that its figures are those of the file


class _Telling:
    """Tells a `Control` of a training: now and then of its loss, more often that it is alive."""

    def __init__(self, progress: Control, model: IonicModel) -> None:
        self._progress, self._model = progress, model
        self._fraction, self._message = 0.0, f"Learning {model.key}"
        self._facts: dict[str, Any] = {}
        self._told = self._drawn = float("-inf")
        self._next = 0.0  # fraction from which on the curves are told again

    def hear(self, module: GatingNetwork, done: int, loss: float, most: int) -> None:
        now = time.monotonic()
        if done % TOLD_EVERY == 0:
            self._fraction = min(0.99, done / most)
            self._facts = {**self._facts, "loss": loss, "update": done}
            if now - self._drawn >= CURVES_EVERY and self._fraction >= self._next:
                network = Network(module, self._model.gate_names, {}).on(torch.device("cpu"))
                self._facts["curves"] = network.gate_curves(CLAMP)
                self._drawn, self._next = time.monotonic(), self._fraction + CURVES_SHARE
        elif now - self._told < ALIVE_EVERY:
            return
        self.alive()

    def alive(self) -> None:
        self._progress.report(self._fraction, self._message, **self._facts)
        self._told = time.monotonic()


def gate_loss(module: GatingNetwork, taught: Lessons, settings: Stage1) -> Callable[[], torch.Tensor]:
    logit = torch.logit(taught.h_inf.clamp(1e-7, 1 - 1e-7)).clamp(max=OPEN)

    def loss() -> torch.Tensor:
        p = module.inputs(taught.observed)
        steady = module.gating.steady(p)
        off_h = (torch.sigmoid(steady) - taught.h_inf).square().mean()
        off_rate = (module.gating.log_rate(p) - taught.log_rate).square().mean()
        off_logit = (steady.clamp(-16, OPEN) - logit).square().mean()
        return settings.weight_h_inf * off_h + off_rate + settings.weight_logit * off_logit

    return loss
