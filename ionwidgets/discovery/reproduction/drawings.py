"""Figures 2 to 7 of the paper from a reproduction's own runs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike

from ionwidgets.discovery.reproduction.experiments import CONTROL, CURRENTS, EXPERIMENTS
from ionwidgets.discovery.reproduction.figure_files import write_figure
from ionwidgets.discovery.reproduction.folder import TrainedRun
from ionwidgets.discovery.reproduction.measure import currents_along, neural_ode
from ionwidgets.discovery.reproduction.settings import Reproduction
from ionwidgets.discovery.reproduction.train import nearest, recorded_beats
from ionwidgets.figures.paper import (
    DECODERS,
    base_figure,
    currents_figure,
    experiments_figure,
    neural_ode_figure,
)
from ionwidgets.models import IonicModel
from ionwidgets.simulation import simulate

Runs = Mapping[tuple[str, str], list[TrainedRun]]
SHOWN = 1500.0  # ms of a neural ODE


def draw(
    folder: Path,
    model: IonicModel,
    settings: Reproduction,
    data: Mapping[str, xr.Dataset],
    runs: Runs,
    results: Mapping[str, Any],
    alive: Callable[[], None] = lambda: None,
) -> None:
    """Write every figure below `folder`; `alive` is called between them, and may end it."""
    write_figure(folder, "figure_2", base_figure(_cells(data[CONTROL], *settings.base_shown)))
    alive()
    altered = {e.full_title: _cells(data[e.key], settings.shown) for e in EXPERIMENTS}
    write_figure(folder, "figure_3", experiments_figure(_cells(data[CONTROL], settings.shown), altered))
    alive()
    write_figure(folder, "figure_4", neural_ode_figure(_neural_odes(model, settings, data, runs, results)))
    for number, e in enumerate(EXPERIMENTS, start=5):
        for decoder in dict.fromkeys(decoder for decoder, _ in runs):
            alive()
            mp, mq = (_at(runs[decoder, name], e.eta_of_currents) for name in (CONTROL, e.key))
            time, currents = _currents(model, settings, data, mp, mq)
            title = f"{e.full_title}, {DECODERS[decoder]} (η {mq.eta:g}), CL {settings.currents_shown:g} ms"
            figure = currents_figure(title, time, currents, decoder=decoder)
            write_figure(folder, f"figure_{number}_{decoder}", figure)


def _cells(data: xr.Dataset, *cycle_lengths: float) -> xr.Dataset:
    """The cells paced at these cycle lengths, or nearest to them."""
    return data[["V", "Ca_i"]].isel(cell=nearest(data, cycle_lengths))


def _at(runs: list[TrainedRun], eta: float) -> TrainedRun:
    return min(runs, key=lambda run: abs(run.eta - eta))


def _neural_odes(
    model: IonicModel,
    settings: Reproduction,
    data: Mapping[str, xr.Dataset],
    runs: Runs,
    results: Mapping[str, Any],
) -> dict[str, dict[str, tuple[ArrayLike, ArrayLike]]]:
    """By experiment and source: time from 0, and V; at the published eta, or where ours is best."""
    end = settings.paper.used[1]
    panels = {}
    for e in EXPERIMENTS:
        traces = {"control": data[CONTROL], "altered cell": data[e.key]}
        shown = {name: _last(_cells(cells, settings.shown), end) for name, cells in traces.items()}
        etas = []
        for decoder in dict.fromkeys(decoder for decoder, _ in runs):
            best = results["experiments"][e.key]["best"][decoder]["eta"]
            run = _at(runs[decoder, e.key], e.eta_of_ode if decoder == "emulator" else best)
            paced = neural_ode(model, run, [settings.shown], end, variables=["V"], record_from=end - SHOWN)
            if paced is not None:
                # eta stands in the title: the legend would have lines that look the same, one an eta.
                shown[f"neural ODE, {DECODERS[decoder]}"] = _last(paced, end)
                etas.append(f"η\u00a0{run.eta:g} ({DECODERS[decoder]})")
        panels[", ".join([e.full_title, f"CL {settings.shown:g} ms", *etas])] = shown
    return panels


def _last(data: xr.Dataset, end: float) -> tuple[ArrayLike, ArrayLike]:
    last = data.sel(time=slice(end - SHOWN, end))
    return last["time"].values - (end - SHOWN), last["V"].values[0]


def _currents(
    model: IonicModel,
    settings: Reproduction,
    data: Mapping[str, xr.Dataset],
    mp: TrainedRun,
    mq: TrainedRun,
) -> tuple[ArrayLike, dict[str, dict[str, ArrayLike]]]:
    """By current and source, over one period at the cycle length shown, from its stimulus on."""
    scale = next(e.scale for e in EXPERIMENTS if e.key == mq.dataset)
    networks = {
        "network on the control (mp)": (mp, data[CONTROL]),
        "network on the altered (mq)": (mq, data[mq.dataset]),
    }
    found: dict[str, dict[str, ArrayLike]] = {name: {} for name in CURRENTS}
    length, end = settings.currents_shown, settings.paper.used[1]
    time = np.arange(0.0, length, settings.paper.sample)
    for source, scales in (("control cell", {}), ("altered cell", scale)):
        beats = int(end / length)
        first = beats * length - length + 10.0
        run = simulate(
            model, [length], first + length, scale=scales, variables=list(CURRENTS), record_from=first
        )
        for name in CURRENTS:
            found[name][source] = np.interp(time, run["time"].values - first, run[name].values[0])
    for source, (trained, cells) in networks.items():
        balance = recorded_beats(model, cells, [length], settings)
        at = balance.beats[0].time
        for name, values in currents_along(trained, balance).items():
            # Beats begin 5 ms before their stimulus and repeat.
            order = np.argsort(at % length)
            found[name][source] = np.interp(time, (at % length)[order], values[: at.size, 0].numpy()[order])
    return time, found
