"""`reproduce`: every run and figure of the paper, in minutes, and what beats it beside it."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
import xarray as xr

from ionwidgets._version import __version__
from ionwidgets.discovery.heartbeat import Alive, Heartbeat, Stage
from ionwidgets.discovery.late_apd90 import late_apd90
from ionwidgets.discovery.reproduction.drawings import draw
from ionwidgets.discovery.reproduction.experiments import (
    CONTROL,
    CURRENTS,
    DECODERS,
    EXPERIMENTS,
    MODEL,
    Experiment,
)
from ionwidgets.discovery.reproduction.folder import Folder, TrainedRun, write_json
from ionwidgets.discovery.reproduction.measure import (
    apd90_errors,
    current_ratios,
    over_the_range,
    rounded,
)
from ionwidgets.discovery.reproduction.page import write_page
from ionwidgets.discovery.reproduction.reading import SCHEMA
from ionwidgets.discovery.reproduction.settings import Reproduction
from ionwidgets.discovery.reproduction.train import nearest, recorded_beats, train_ode, train_published
from ionwidgets.errors import IonWidgetsError
from ionwidgets.gnn import Network, learn
from ionwidgets.gnn.decoder import HIDDEN, Balance
from ionwidgets.gnn.paper import learn_as_published
from ionwidgets.gnn.paper.data import paced
from ionwidgets.jobs import Control, aside
from ionwidgets.models import IonicModel, load_model
from ionwidgets.recordings import capture


def reproduce(
    out: str | Path,
    *,
    decoders: Sequence[str] = DECODERS,
    seed: int = 0,
    settings: Reproduction | None = None,
    progress: Control | None = None,
) -> dict[str, Any]:
    """Make every run of Iravanian (arXiv 2011.07388), its figures 2 to 7, and a page that compares them.

    For each of three experiments (long QT, short QT, I_to) and every eta a network is retrained on the
    control (mp) and on the altered cell (mq): with the published recipe ("emulator"), and with the model's
    own equations as decoder ("ode").

    Parameters
    ----------
    out : folder for `results.json`, `index.html`, `figures/`, `runs/`. What it holds already is not trained
        again, so that an interrupted reproduction goes on where it was.
    decoders : "emulator", "ode" or both.
    seed : of the networks' first weights.
    settings : other than the published ones.
    progress : told how far the work is by ``progress.report(fraction, message)``.

    Returns
    -------
    The results, schema ``ionwidgets/paper/1``. `apd90_error_ms`: neural ODE minus altered cell, mean of the
    last 5 s of pacing; null without action potentials. `current_ratios`: see `measure.current_ratios`.
    `best`: the run with the smallest mean |APD90 error| (a cycle length without action potentials counts as
    its length), at every cycle length at which the altered cell follows 1:1.

    Raises
    ------
    IonWidgetsError : an unknown decoder or source of hidden states; a folder that cannot be used or holds
        other settings.
    TrainingError : a training has left all bounds.
    """
    unknown = [decoder for decoder in decoders if decoder not in DECODERS]
    if unknown or not decoders:
        raise IonWidgetsError(f"unknown decoder {', '.join(unknown)!r}; there are: {', '.join(DECODERS)}")
    settings = settings or Reproduction()
    if settings.hidden not in HIDDEN:
        raise IonWidgetsError(f"hidden states come from {' or '.join(HIDDEN)}; found {settings.hidden!r}")
    model = load_model(MODEL)
    about = {
        "schema": SCHEMA, "model": model.name, "variant": model.variant, "model_hash": model.hash,
        "seed": seed, "settings": asdict(settings),
    }  # fmt: skip
    folder = Folder(out, about)
    return _Reproducing(folder, model, tuple(decoders), seed, settings, Heartbeat(progress)).run(about)


class _Reproducing:
    """One reproduction at work: the data, the two networks of stage 1, and what each part took."""

    def __init__(
        self,
        folder: Folder,
        model: IonicModel,
        decoders: tuple[str, ...],
        seed: int,
        settings: Reproduction,
        heartbeat: Heartbeat,
    ) -> None:
        self.folder, self.model, self.decoders = folder, model, decoders
        self.seed, self.settings, self.heartbeat = seed, settings, heartbeat
        self.elapsed: dict[str, float] = {}

    def run(self, about: dict[str, Any]) -> dict[str, Any]:
        started = time.perf_counter()
        with self._timed("data"):
            data = self._data()
        networks = self._stage1(data[CONTROL])
        balances = {
            name: aside(
                self.heartbeat.alive,
                partial(recorded_beats, self.model, cells, self.settings.recorded, self.settings),
            )
            for name, cells in data.items()
        }
        runs = self._stage2(networks, data, balances)
        with self._timed("neural_ode"):
            self.heartbeat.report(0.85, "Measuring the neural ODEs")
            results = {
                "schema": SCHEMA, "model": about["model"], "variant": about["variant"], "seed": self.seed,
                "versions": {
                    "ionwidgets": __version__, "torch": torch.__version__.partition("+")[0]
                },
                "stage1": {
                    network.card.get("preset", "default"): self._measured_stage1(network, data[CONTROL])
                    for network in networks.values()
                },
                "experiments": {
                    e.key: self._experiment(e, data[e.key], balances[e.key], runs) for e in EXPERIMENTS
                },
                "controls": self._measured(
                    [(run, run) for decoder in self.decoders for run in runs[decoder, CONTROL]],
                    data[CONTROL], balances[CONTROL],
                ),
            }  # fmt: skip
        with self._timed("figures"):
            self.heartbeat.report(0.95, "Drawing")
            draw(self.folder.path, self.model, self.settings, data, runs, results, self.heartbeat.alive)
        self.elapsed["total"] = time.perf_counter() - started
        results["elapsed_s"] = {part: round(took, 1) for part, took in self.elapsed.items()}
        write_json(self.folder.path / "results.json", results)
        write_page(self.folder.path, results)
        self.heartbeat.report(1.0, "Done")
        return results

    @contextmanager
    def _timed(self, part: str) -> Iterator[None]:
        started = time.perf_counter()
        yield
        self.elapsed[part] = time.perf_counter() - started

    def _data(self) -> dict[str, xr.Dataset]:
        """The control with all of its states, the altered cells with what of them may be seen."""
        self.heartbeat.report(0.0, "Pacing the control")
        alive = Alive(self.heartbeat)
        data = {CONTROL: paced(self.model, self.settings.paper, progress=alive)}
        for i, e in enumerate(EXPERIMENTS):
            self.heartbeat.report(0.01 * (i + 1), f"Pacing the altered cells: {e.title}")
            seen = self.settings.seen(self.model)
            data[e.key] = paced(self.model, self.settings.paper, e.scale, seen, progress=alive)
        return data

    def _stage1(self, control: xr.Dataset) -> dict[str, Network]:
        networks = {}
        for decoder in self.decoders:
            with self._timed(f"stage1_{decoder}"):
                network = self.folder.stage1(decoder)
                if network is None:
                    tell = Stage(self.heartbeat, 0.04, 0.07)
                    network = (
                        learn_as_published(
                            self.model, settings=self.settings.paper, seed=self.seed, control=control,
                            progress=tell,
                        )
                        if decoder == "emulator"
                        else learn(self.model, seed=self.seed, progress=tell)
                    )  # fmt: skip
                    self.folder.keep_stage1(decoder, network)
                networks[decoder] = network
        return networks

    def _stage2(
        self, networks: dict[str, Network], data: dict[str, xr.Dataset], balances: dict[str, Balance]
    ) -> dict[tuple[str, str], list[TrainedRun]]:
        runs: dict[tuple[str, str], list[TrainedRun]] = {}
        parts = len(self.decoders) * len(data)
        for decoder in self.decoders:
            with self._timed(decoder):
                for name in data:
                    first = 0.07 + 0.78 * len(runs) / parts
                    tell = Stage(self.heartbeat, first, first + 0.78 / parts)
                    runs[decoder, name] = (
                        train_published(self.folder, networks[decoder], name, data[name], self.settings, tell)
                        if decoder == "emulator"
                        else train_ode(
                            self.folder,
                            networks[decoder],
                            name,
                            balances[name],
                            self.settings,
                            self.seed,
                            tell,
                        )
                    )
        return runs

    def _measured_stage1(self, network: Network, control: xr.Dataset) -> dict[str, Any]:
        run = TrainedRun("", CONTROL, 0.0, network, {}, {})
        validation = {k: v for k, v in network.card["figures"].items() if k.startswith("validation")}
        return {**validation, **self._errors(run, control)}

    def _errors(self, run: TrainedRun, recorded: xr.Dataset) -> dict[str, Any]:
        cells = nearest(recorded, self.settings.measured)
        lengths = recorded["cycle_length"].values[cells].tolist()
        truth = late_apd90(recorded.isel(cell=cells), self.settings.paper.used[1])
        errors = apd90_errors(self.model, run, truth, lengths, self.settings.paper.used[1])
        return {"apd90_error_ms": dict(zip((f"{length:g}" for length in lengths), errors, strict=True))}

    def _measured(
        self, pairs: Sequence[tuple[TrainedRun, TrainedRun]], recorded: xr.Dataset, balance: Balance
    ) -> list[dict[str, Any]]:
        """Of every (control, altered): tables of a network are computed on one thread, so several at once."""
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            return list(pool.map(lambda pair: self._run(pair[0], pair[1], recorded, balance), pairs))

    def _run(
        self, control: TrainedRun, run: TrainedRun, recorded: xr.Dataset, balance: Balance
    ) -> dict[str, Any]:
        self.heartbeat.alive()
        return {
            "decoder": run.decoder,
            "eta": run.eta,
            **run.losses,
            **self._errors(run, recorded),
            "current_ratios": current_ratios(control, run, balance),
        }

    def _experiment(
        self,
        e: Experiment,
        recorded: xr.Dataset,
        balance: Balance,
        runs: dict[tuple[str, str], list[TrainedRun]],
    ) -> dict[str, Any]:
        followed = capture(recorded)["capture"].to_numpy() == "1:1"
        lengths = recorded["cycle_length"].values
        measured, best = [], {}
        for decoder in self.decoders:
            pairs = list(zip(runs[decoder, CONTROL], runs[decoder, e.key], strict=True))
            found = self._measured(pairs, recorded, balance)
            place = int(np.argmin([_badness(one) for one in found]))
            best[decoder] = {
                "eta": found[place]["eta"],
                **over_the_range(
                    self.model, runs[decoder, e.key][place], recorded, np.flatnonzero(followed),
                    self.settings.paper.used[1],
                ),
            }  # fmt: skip
            measured += found
        return {
            "title": e.title,
            "scale": e.scale,
            "current": e.current,
            "figure_eta": e.eta_of_ode,
            "not_1_to_1_ms": rounded(lengths[~followed]),
            "true_ratios": {name: 1.0 for name in CURRENTS} | {e.current: next(iter(e.scale.values()))},
            "runs": measured,
            "best": best,
        }


def _badness(run: dict[str, Any]) -> float:
    """Mean |APD90 error| [ms]; where there is no action potential, the cycle length stands for it."""
    errors = run["apd90_error_ms"].items()
    return float(np.mean([abs(error) if error is not None else float(length) for length, error in errors]))
