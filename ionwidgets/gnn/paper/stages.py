"""Stage 1 and stage 2 as published, over `updates`."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import suppress
from copy import deepcopy
from dataclasses import asdict, dataclass, replace
from functools import partial
from threading import Event
from typing import Any

import numpy as np
import torch
import xarray as xr
from numpy.typing import NDArray

from ionwidgets._version import __version__
from ionwidgets.errors import SimulationError, TrainingError
from ionwidgets.gnn.emulator import Emulator
from ionwidgets.gnn.measure import stage1_figures
from ionwidgets.gnn.network import GatingNetwork, Network
from ionwidgets.gnn.paper import updates, weights
from ionwidgets.gnn.paper.data import as_torch, non_gates, outside, paced, ranges
from ionwidgets.gnn.paper.settings import Paper
from ionwidgets.gnn.paper.weights import GATING, fill, flat, initialise
from ionwidgets.gnn.threads import one_thread
from ionwidgets.jobs import Cancelled, Control, aside
from ionwidgets.models import IonicModel

CHUNK = 500  # updates between two looks at whether to go on, 50 ms
Floats = NDArray[np.float32]


def learn_as_published(
    model: IonicModel,
    *,
    settings: Paper | None = None,
    seed: int = 0,
    control: xr.Dataset | None = None,
    progress: Control | None = None,
) -> Network:
    """Stage 1: m1 and m2 learn the model from its own paced cells, an update a time step.

    `control`: what `data.paced` gives, where it is there already. The card's `figures` hold, beside those of
    `measure`, the mean squares over the cells that did not train: `validation_gates`, `validation_others`.

    Raises
    ------
    TrainingError : no gate to learn, no Ca_i to see, or the loss has left all bounds.
    """
    settings = settings or Paper()
    if not model.gate_names:
        raise TrainingError(f"{model.key} has no gate that depends on V alone, so there is nothing to learn")
    if len(model.observables) < 2:
        raise TrainingError(
            f"{model.key} has no cytosolic calcium, and the published network needs it: it sees Ca_i beside V"
        )
    alive, telling = _alive(progress, 0.0, f"Pacing {model.key}")
    data = control if control is not None else aside(alive, lambda: paced(model, settings, progress=telling))
    limits = aside(alive, lambda: ranges(model, data, settings))
    m1 = GatingNetwork(len(model.gate_names), limits.shape(model, settings), torch.as_tensor(limits.clamp))
    m2 = Emulator(len(model.observables), len(model.gate_names), limits.outputs(model), settings.width)
    initialise(m1, m2, seed, settings.forget_bias)
    trains = training_cells(len(settings.cycle_lengths), settings)
    x, H, Y = (limits.scaled(data, names) for names in _parts(model))
    w = _stage1(
        model, flat(m1, m2), x[:-1, :, trains], H[1:, :, trains], Y[1:, :, trains], settings, progress
    )
    fill(w, m1, m2)
    alive, _ = _alive(progress, 0.99, f"Measuring {model.key}")
    tests = np.setdiff1d(np.arange(x.shape[2]), trains)
    card = {
        "model": model.name,
        "variant": model.variant,
        "model_hash": model.hash,
        "preset": "paper",
        "seed": seed,
        "data": f"{len(trains)} of {x.shape[2]} cells, {settings.used[0]:g} to {settings.used[1]:g} ms",
        "settings": asdict(settings),
        "command": f"ionwidgets learn {model.key} --preset paper --seed {seed}",
        "versions": f"ionwidgets {__version__}, torch {torch.__version__.partition('+')[0]}",
        "figures": _validation(m1, m2, x[:, :, tests], H[:, :, tests], Y[:, :, tests]),
    }
    network = Network(m1.double(), model.gate_names, json.loads(json.dumps(card)), m2.double())
    with suppress(SimulationError):  # the published recipe may well end in gates that no cell runs with
        network.card["figures"] |= aside(alive, lambda: stage1_figures(model, network))
    return network


def _alive(
    progress: Control | None, fraction: float, message: str
) -> tuple[Callable[[], None] | None, Control | None]:
    """What says so again and again, as a function and as a `Control`, while something cannot be told of."""
    if progress is None:
        return None, None
    say = partial(progress.report, fraction, message)

    class Alive:
        def report(self, *_: Any, **__: Any) -> None:
            say()

    return Alive().report, Alive()


def _parts(model: IonicModel) -> tuple[tuple[str, ...], ...]:
    return tuple(model.observables), tuple(model.gate_names), non_gates(model)


def training_cells(n: int, settings: Paper) -> NDArray[np.intp]:
    """All but `validation` of n cells, those left out evenly spread."""
    left_out = round(n * settings.validation)
    middle = (np.arange(left_out) + 0.5) * n / max(left_out, 1)
    return np.setdiff1d(np.arange(n), middle.astype(int))


def _stage1(
    model: IonicModel, w: Floats, x: Floats, H: Floats, Y: Floats, settings: Paper, progress: Control | None
) -> Floats:
    shapes = weights.tensors(x.shape[1], settings.width, H.shape[1], Y.shape[1])
    ends = weights.ends(shapes)
    x, H, Y = (np.ascontiguousarray(part) for part in (x, H, Y))
    mean, square = np.zeros_like(w), np.zeros_like(w)
    total = settings.epochs * len(x)
    for epoch in range(settings.epochs):
        carried = _start(H.shape[1], Y.shape[1], x.shape[2])
        for first in range(0, len(x), CHUNK):
            part = slice(first, first + CHUNK)
            losses = np.empty((len(x[part]), 2), np.float32)
            done = epoch * len(x) + first
            update = partial(
                updates.stage1, w, mean, square, done, ends, x[part], H[part], Y[part], *carried,
                settings.rate, settings.weight_decay, settings.adam, losses,
            )  # fmt: skip
            # The first is compiled, which takes seconds.
            alive, _ = _alive(progress, min(0.99, done / total), f"Learning {model.key} as published")
            aside(alive, update)
            _check(losses, f"stage 1 of {model.key} as published", done)
            if progress is not None:
                progress.report(
                    min(0.99, (done + len(losses)) / total), f"Learning {model.key} as published",
                    loss=float(losses.sum(1).mean()), update=done,
                )  # fmt: skip
    return w


@one_thread()
@torch.no_grad()
def _validation(m1: GatingNetwork, m2: Emulator, x: Floats, H: Floats, Y: Floats) -> dict[str, float]:
    seen = as_torch(x)[:-1]
    h = m1.gating(m1.features(seen), torch.zeros(seen.shape[1], H.shape[1]))
    y, _ = m2(seen, h)
    return {
        "validation_gates": float((h - as_torch(H)[1:]).square().mean()),
        "validation_others": float((y - as_torch(Y)[1:]).square().mean()),
    }


@dataclass(frozen=True)
class Stage2Run:
    """One network after the published stage 2: at this `eta`, with the losses of its last epoch.

    loss_gates: <|h' - h|>; loss_observables: <(y - Y)^2>; outside: the share of observed samples beyond the
    range that the network was made for.
    """

    network: Network
    eta: float
    loss_gates: float
    loss_observables: float
    outside: float


def retrain_as_published(
    network: Network,
    observed: xr.Dataset,
    *,
    etas: Sequence[float] | None = None,
    settings: Paper | None = None,
    landed: Callable[[Stage2Run], None] | None = None,
    progress: Control | None = None,
    threads: int | None = None,
) -> list[Stage2Run]:
    """Stage 2: for every eta a gating layer learns what `observed` (V, Ca_i; cell, time) shows.

    The runs share the cores, a thread each; `landed` is told of every one as it ends, from its thread. For a
    control network (mp) the samples are the control's own.

    Raises
    ------
    TrainingError : the network was not learnt as published; an eta is not between 0 and 1; an observable is
        missing; a loss has left all bounds.
    """
    settings = settings or Paper()
    etas = settings.etas if etas is None else etas
    if network.emulator is None or network.card.get("preset") != "paper":
        raise TrainingError(
            'the published stage 2 needs a network with an emulator: iw.learn(model, preset="paper")'
        )
    if not etas or not all(0 < eta < 1 for eta in etas):
        raise TrainingError(
            f"eta must lie between 0 and 1; found {', '.join(f'{eta:g}' for eta in etas) or 'none'}"
        )
    for name in network.observables:
        if name not in observed:
            raise TrainingError(f"the network sees {', '.join(network.observables)}; the data have no {name}")
    m1, m2 = deepcopy(network.module).float(), deepcopy(network.emulator).float()
    values = np.stack([observed[name].transpose("time", "cell").values for name in network.observables], 1)
    values = values[:, :, training_cells(values.shape[2], settings)]
    with torch.no_grad():
        seen = m2.scaled(torch.from_numpy(values).double().transpose(1, 2)).float()
        p = m1.features(seen[:-1])
        reference = m1.gating(p, torch.zeros(seen.shape[1], len(network.gate_names)))
    x, p, reference = (_columns(part) for part in (seen, p, reference))
    w = flat(m1, m2)
    ends = weights.ends(weights.tensors(x.shape[1], p.shape[1], reference.shape[1], len(m2.outputs.names)))
    stop, total, done = Event(), len(etas) * settings.stage2_epochs * (len(x) - 1), [0] * len(etas)

    def run(i: int) -> Stage2Run:
        def alive(updates_done: int) -> bool:
            done[i] = updates_done
            return not stop.is_set()

        found = _stage2(network, w, ends, (x, p, reference), etas[i], settings, alive)
        if landed is not None:
            landed(found)
        return found

    with ThreadPoolExecutor(threads or os.cpu_count()) as pool:
        running = [pool.submit(run, i) for i in range(len(etas))]
        try:
            while wait(running, timeout=0.1, return_when="FIRST_EXCEPTION").not_done:
                if progress is not None:
                    progress.report(min(0.99, sum(done) / total), "Retraining as published", update=sum(done))
                for future in running:
                    if future.done():
                        future.result()  # an error is told now, not once the runs before it have ended
            return [future.result() for future in running]
        finally:  # an error in one run, or Stop, ends the others within a chunk
            stop.set()
            for future in running:
                future.cancel()


def _stage2(
    network: Network,
    w: Floats,
    ends: NDArray[np.int64],
    data: tuple[Floats, Floats, Floats],
    eta: float,
    settings: Paper,
    alive: Callable[[int], bool],
) -> Stage2Run:
    x, p, reference = data
    first, last = ends[GATING.start], ends[GATING.stop]
    v = w[first:last].copy()
    mean, square = np.zeros_like(v), np.zeros_like(v)
    steps = len(x) - 1
    losses = np.full((steps, 2), np.nan, np.float32)
    N = len(network.emulator.outputs.names) if network.emulator else 0
    for epoch in range(settings.stage2_epochs):
        carried = _start(reference.shape[1], N, x.shape[2])
        for begin in range(0, steps, CHUNK):
            part = slice(begin, min(begin + CHUNK, steps))
            done = epoch * steps + begin
            if not alive(done):
                raise Cancelled
            updates.stage2(
                v, mean, square, done, w, ends, p[part], x[part], reference[part], x[1:][part], *carried, eta,
                settings.stage2_rate, settings.stage2_weight_decay, settings.adam, losses[part],
            )  # fmt: skip
            _check(losses[part], f"the published stage 2 at eta {eta:g}", done)
    alive(settings.stage2_epochs * steps)
    module = deepcopy(network.module)
    changed = w.copy()
    changed[first:last] = v
    fill(changed, module)
    off, misfit = losses.mean(0)
    return Stage2Run(replace(network, module=module), eta, float(off), float(misfit), outside(x))


def _start(gates: int, others: int, cells: int) -> tuple[Floats, Floats, Floats]:
    """Gates, c and q of the memory, at the start of an epoch."""
    return tuple(np.zeros((n, cells), np.float32) for n in (gates, others, others))  # type: ignore[return-value]


def _columns(x: torch.Tensor) -> Floats:
    """(T, B, n) to (T, n, B), as `updates` has it."""
    return np.ascontiguousarray(x.transpose(1, 2).numpy())


def _check(losses: Floats, where: str, done: int) -> None:
    if not np.isfinite(losses).all():
        at = done + int(np.argmin(np.isfinite(losses).all(1)))
        raise TrainingError(
            f"{where} diverged after {at} updates; the network before it stays as it was; try a smaller rate"
        )
