"""What a worker does: one run, from the altered cell to its numbers.

A task is one run, so that a worker that dies loses no other, and a run comes out the same to the last bit
whatever it is swept with. Five in one batch of `retrain_batch` would take 2 s each instead of 4; what runs
share (a cell's beats, the network of stage 1) a worker process makes once and keeps.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from functools import lru_cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch
import xarray as xr

from ionwidgets.discovery.late_apd90 import late_apd90
from ionwidgets.discovery.reproduction.experiments import Reproduction
from ionwidgets.discovery.reproduction.folder import TrainedRun
from ionwidgets.discovery.reproduction.measure import neural_ode, rounded
from ionwidgets.discovery.reproduction.train import nearest, recorded_beats
from ionwidgets.discovery.sweep.plan import Source, Task, titled
from ionwidgets.errors import IonWidgetsError
from ionwidgets.gnn import Network, learn
from ionwidgets.gnn.decoder import Balance
from ionwidgets.gnn.paper import Paper, learn_as_published, retrain_as_published
from ionwidgets.gnn.retrain import gates_along, retrain_batch
from ionwidgets.models import IonicModel, load_model
from ionwidgets.simulation import simulate


@dataclass(frozen=True)
class Landed:
    """The end of a run: its file, whole, or in one line why there is none."""

    file: bytes = b""
    failed: str = ""


def work(task: Task) -> Landed:
    """Make one run; an error that its settings cause is an answer too, and is not tried again."""
    started = time.perf_counter()
    try:
        model = read(task.source)
        network = _stage1(task.source, task.decoder, task.seed, task.settings.paper)
        cell = _cell(task.source, task.scale, task.decoder, task.settings)
        run = _trained(task, network, *cell)
        numbers = {**run.losses, **_measured(model, task.settings, run, network, *cell)}
    except IonWidgetsError as error:
        return Landed(failed=" ".join(str(error).split()))
    took = round(time.perf_counter() - started, 2)
    about = {**task.about, "scales": run.scales, **numbers, "elapsed_s": took}
    card = {**run.network.card, "run": about, "run_settings": asdict(task.settings)}
    return Landed(file=_as_file(replace(run.network, card=card, emulator=None)))


@lru_cache(maxsize=8)
def read(source: Source) -> IonicModel:
    """The model that a source stands for."""
    if source.file is None:
        return load_model(source.key)
    name, content = source.file
    with TemporaryDirectory() as folder:
        path = Path(folder, name)
        path.write_bytes(content)
        return load_model(path)


@lru_cache(maxsize=8)
def _stage1(source: Source, decoder: str, seed: int, settings: Paper) -> Network:
    model = read(source)
    if decoder == "ode":
        return learn(model, seed=seed)
    control = _paced(model, settings.cycle_lengths, {}, model.states, settings)
    return learn_as_published(model, settings=settings, seed=seed, control=control)


@lru_cache(maxsize=3)
def _cell(
    source: Source, scale: tuple[tuple[str, float], ...], decoder: str, settings: Reproduction
) -> tuple[xr.Dataset, Balance]:
    """The altered cell that a run is to explain, and its beats."""
    model = read(source)
    lengths = {*settings.recorded, *settings.measured}
    if decoder == "emulator":
        lengths |= {*settings.paper.cycle_lengths}
    data = _paced(model, sorted(lengths), dict(scale), settings.seen(model), settings.paper)
    return data, recorded_beats(model, data, settings.recorded, settings)


def _paced(
    model: IonicModel,
    lengths: Sequence[float],
    scale: dict[str, float],
    variables: Sequence[str],
    paper: Paper,
) -> xr.Dataset:
    """As `gnn.paper.data.paced` does, on one thread: the other cores are other workers'."""
    first, last = paper.used
    return simulate(
        model, list(lengths), last, scale=scale, variables=list(variables), sample=paper.sample,
        record_from=first, threads=1,
    )  # fmt: skip


def _trained(task: Task, network: Network, data: xr.Dataset, balance: Balance) -> TrainedRun:
    settings, name = task.settings, titled(task.scale)
    if task.decoder == "emulator":
        seen = data.isel(cell=nearest(data, settings.paper.cycle_lengths))
        (run,) = retrain_as_published(network, seen, etas=[task.eta], settings=settings.paper, threads=1)
        losses: dict[str, float | None] = {
            "loss_gates": run.loss_gates, "loss_observables": run.loss_observables, "outside": run.outside
        }  # fmt: skip
        return TrainedRun("emulator", name, task.eta, run.network, {}, losses)
    (found,) = retrain_batch(network, balance, [(task.eta, task.seed)], settings=settings.stage2)
    moved = float((found.gates_after - found.gates_before).abs().mean())
    losses = {"loss_gates": moved, "loss_observables": found.residual_after, "outside": None}
    scales = {current: float(np.exp(value)) for current, value in found.log_scales.items()}
    return TrainedRun("ode", name, task.eta, found.network, scales, losses)


def _measured(
    model: IonicModel,
    settings: Reproduction,
    run: TrainedRun,
    before: Network,
    data: xr.Dataset,
    balance: Balance,
) -> dict[str, Any]:
    """APD90 of the neural ODE minus the cell's [ms], and every current beside that of stage 1."""
    truth = data.isel(cell=nearest(data, settings.measured))
    lengths, end = truth["cycle_length"].values.tolist(), settings.paper.used[1]
    paced = neural_ode(model, run, lengths, end, variables=[], threads=1)
    none: list[float | None] = [None] * len(lengths)
    errors = none if paced is None else rounded(late_apd90(paced, end) - late_apd90(truth, end))
    return {
        "apd90_error_ms": dict(zip((f"{length:g}" for length in lengths), errors, strict=True)),
        "current_ratios": _ratios(run, before, balance),
    }


@torch.no_grad()
def _ratios(run: TrainedRun, before: Network, balance: Balance) -> dict[str, float | None]:
    """How large each current is beside that of stage 1 along the same beats: a slope through the origin."""
    own, new = (balance.currents(gates_along(network, balance)) for network in (before, run.network))
    ratios = {}
    for name in own:
        x, y = own[name] * balance.weight, new[name] * balance.weight * run.scales.get(name, 1.0)
        ratios[name] = rounded(np.array([float((x * y).sum() / x.square().sum())]))[0]
    return ratios


def _as_file(network: Network) -> bytes:
    with TemporaryDirectory() as folder:
        path = Path(folder, "run.safetensors")
        network.save(path)
        return path.read_bytes()
