"""Both stages of every run: the published recipe with its emulator, ours with the ODE as decoder."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import xarray as xr

from ionwidgets.discovery.prepare import control_run
from ionwidgets.discovery.reproduction.folder import Folder, TrainedRun
from ionwidgets.discovery.reproduction.settings import Reproduction
from ionwidgets.gnn import Network
from ionwidgets.gnn.decoder import Balance, current_balance
from ionwidgets.gnn.paper import Stage2Run, retrain_as_published
from ionwidgets.gnn.retrain import Retrained, retrain_batch
from ionwidgets.jobs import Control
from ionwidgets.models import IonicModel
from ionwidgets.recordings.typical_beat import typical_beats

BATCH = 5  # networks at once: more no longer fit the cache


def nearest(data: xr.Dataset, cycle_lengths: Sequence[float]) -> list[int]:
    """The cells of `data` whose cycle lengths are nearest to these, one each."""
    own = data["cycle_length"].values
    return [int(abs(own - length).argmin()) for length in cycle_lengths]


def recorded_beats(
    model: IonicModel, data: xr.Dataset, cycle_lengths: Sequence[float], settings: Reproduction
) -> Balance:
    """The current balance of those cells of `data` that are paced at `cycle_lengths` and follow 1:1."""
    stimulus = (model.stimulus.amplitude, model.stimulus.duration)
    cells = data.isel(cell=sorted(set(nearest(data, cycle_lengths))))
    beats, _ = typical_beats(cells[list(model.observables)], stimulus[1], stimulus[0])
    true = cells if settings.hidden == "true" else None
    return current_balance(model, beats, control_run(model, beats, stimulus), stimulus, true)


def as_published(name: str, run: Stage2Run) -> TrainedRun:
    """A run of the published stage 2 on the dataset of that name."""
    losses = {"loss_gates": run.loss_gates, "loss_observables": run.loss_observables, "outside": run.outside}
    return TrainedRun("emulator", name, run.eta, run.network, {}, losses)


def by_ode(name: str, eta: float, run: Retrained) -> TrainedRun:
    """A run of stage 2 with the ODE as decoder on the dataset of that name."""
    moved = float((run.gates_after - run.gates_before).abs().mean())
    losses = {"loss_gates": moved, "loss_observables": run.residual_after, "outside": None}
    scales = {current: float(np.exp(value)) for current, value in run.log_scales.items()}
    return TrainedRun("ode", name, eta, run.network, scales, losses)


def train_published(
    folder: Folder, network: Network, name: str, data: xr.Dataset, settings: Reproduction, progress: Control
) -> list[TrainedRun]:
    """The published stage 2 on one dataset, at every eta; what the folder has is not trained again."""

    def train(etas: list[float]) -> None:
        retrain_as_published(
            network, data, etas=etas, settings=settings.paper,
            landed=lambda run: folder.keep(as_published(name, run)), progress=progress,
        )  # fmt: skip

    return _missing(folder, "emulator", name, settings.paper.etas, train)


def train_ode(
    folder: Folder,
    network: Network,
    name: str,
    balance: Balance,
    settings: Reproduction,
    seed: int,
    progress: Control,
) -> list[TrainedRun]:
    """Stage 2 with the ODE as decoder on one dataset, at every eta; two batches at a time."""

    def train(etas: list[float]) -> None:
        batches = [etas[i : i + BATCH] for i in range(0, len(etas), BATCH)]
        told = _Together(progress, len(batches))

        def one(i: int) -> None:
            runs = [(eta, seed) for eta in batches[i]]
            for eta, run in zip(
                batches[i],
                retrain_batch(network, balance, runs, settings=settings.stage2, progress=told.part(i)),
                strict=True,
            ):
                folder.keep(by_ode(name, eta, run))

        with ThreadPoolExecutor(2) as pool:
            list(pool.map(one, range(len(batches))))

    return _missing(folder, "ode", name, settings.paper.etas, train)


def _missing(
    folder: Folder, decoder: str, name: str, etas: Sequence[float], train: Callable[[list[float]], None]
) -> list[TrainedRun]:
    missing = [eta for eta in etas if folder.run(decoder, name, eta) is None]
    if missing:
        train(missing)
    runs = [folder.run(decoder, name, eta) for eta in etas]
    return [run for run in runs if run is not None]


class _Together:
    """The progress of several parts at once as one; Stop, raised in one part, ends the others too."""

    def __init__(self, progress: Control, parts: int) -> None:
        self._progress, self._fractions = progress, [0.0] * parts
        self._lock = threading.Lock()

    def part(self, i: int) -> Control:
        class Part:
            def report(_, fraction: float, message: str, **facts: Any) -> None:  # noqa: N805
                with self._lock:
                    self._fractions[i] = fraction
                    mean = sum(self._fractions) / len(self._fractions)
                self._progress.report(mean, message, **facts)

        return Part()
