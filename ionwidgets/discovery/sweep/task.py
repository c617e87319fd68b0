"""What a worker does: one run, from the altered cell to its numbers.

A task is one run, so that a worker that dies loses no other, and a run comes out the same to the last bit
whatever it is swept with. Five in one batch of `retrain_batch` would take 2 s each instead of 4; what runs
share (a cell's beats, the network of stage 1) a worker process makes once and keeps.
"""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass, replace
from functools import lru_cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import xarray as xr

from ionwidgets.discovery.late_apd90 import late_apd90
from ionwidgets.discovery.reproduction.folder import TrainedRun
from ionwidgets.discovery.reproduction.measure import apd90_errors, current_ratios
from ionwidgets.discovery.reproduction.settings import Reproduction
from ionwidgets.discovery.reproduction.train import as_published, by_ode, nearest, recorded_beats
from ionwidgets.discovery.sweep.plan import Source, Task, titled
from ionwidgets.errors import IonWidgetsError
from ionwidgets.gnn import Network, learn
from ionwidgets.gnn.decoder import Balance
from ionwidgets.gnn.paper import Paper, learn_as_published, retrain_as_published
from ionwidgets.gnn.paper.data import paced
from ionwidgets.gnn.retrain import retrain_batch
from ionwidgets.models import IonicModel, load_model


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
    control = paced(model, settings, threads=1)
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
    asked = replace(settings.paper, cycle_lengths=tuple(sorted(lengths)))
    data = paced(model, asked, dict(scale), settings.seen(model), threads=1)
    return data, recorded_beats(model, data, settings.recorded, settings)


def _trained(task: Task, network: Network, data: xr.Dataset, balance: Balance) -> TrainedRun:
    settings, name = task.settings, titled(task.scale)
    if task.decoder == "emulator":
        seen = data.isel(cell=nearest(data, settings.paper.cycle_lengths))
        (run,) = retrain_as_published(network, seen, etas=[task.eta], settings=settings.paper, threads=1)
        return as_published(name, run)
    (found,) = retrain_batch(network, balance, [(task.eta, task.seed)], settings=settings.stage2)
    return by_ode(name, task.eta, found)


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
    errors = apd90_errors(model, run, late_apd90(truth, end), lengths, end, threads=1)
    stage1 = replace(run, network=before, scales={})
    names = [current.name for current in model.currents]
    return {
        "apd90_error_ms": dict(zip((f"{length:g}" for length in lengths), errors, strict=True)),
        "current_ratios": current_ratios(stage1, run, balance, names),
    }


def _as_file(network: Network) -> bytes:
    with TemporaryDirectory() as folder:
        path = Path(folder, "run.safetensors")
        network.save(path)
        return path.read_bytes()
