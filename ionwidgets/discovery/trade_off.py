"""What eta does on one recording: the misfit that is left, and how far the gates move for it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from math import exp
from typing import Any

import xarray as xr

from ionwidgets.discovery.before import fitted_before
from ionwidgets.discovery.checks import check_numbers
from ionwidgets.discovery.conditions import read_conditions, taught_model
from ionwidgets.discovery.heartbeat import Heartbeat, Stage
from ionwidgets.discovery.question import ask, check_network, put_to
from ionwidgets.discovery.several import network_for
from ionwidgets.errors import IonWidgetsError
from ionwidgets.gnn import Network
from ionwidgets.gnn.decoder import current_balance
from ionwidgets.gnn.retrain import Stage2, retrain_batch
from ionwidgets.jobs import Control, aside
from ionwidgets.models import IonicModel

BATCH = 5  # networks at once: more no longer fit the cache
FIRST_ETA = 1e-3  # of the fit of a control recording


@dataclass(frozen=True)
class Traded:
    """One run of stage 2.

    misfit: the ODE's sum r^2 / sum (dV/dt)^2 that is left; moved: mean |h - h'| along the recorded beats;
    scales: of every current.
    """

    eta: float
    seed: int
    misfit: float
    moved: float
    scales: Mapping[str, float]


def eta_trade_off(
    model: IonicModel,
    recording: xr.Dataset,
    control: xr.Dataset | None = None,
    *,
    etas: Sequence[float],
    seeds: Sequence[int] = (0,),
    network: Network | None = None,
    stimulus: tuple[float, float] | None = None,
    paced_for: float | None = None,
    conditions: Mapping[str, float] | None = None,
    junction_potential: float | None = None,
    leak: tuple[float, float] | None = None,
    progress: Control | None = None,
) -> list[Traded]:
    """Stage 2 with the ODE as decoder for every eta and seed; no fit through the ODE follows.

    A small eta lets gates follow what is not there, a large one holds them where they were. Where a current
    was scaled and no gate has changed, gates that cost little are in the way, and the misfit may grow with
    their movement.

    Parameters and errors as for `discover`; facts told meanwhile: `traded`, those that are done.
    """
    if not etas or not seeds:
        raise IonWidgetsError("an eta sweep needs one eta and one seed at least")
    heartbeat = Heartbeat(progress)
    during = partial(aside, heartbeat.alive)
    where = read_conditions(conditions, junction_potential, leak)
    published, model = model, where.model(model)
    taught = taught_model(published, model, network)
    check_network(taught, recording, control, network, "ode", "clamp")
    recording = where.recording(recording)
    for eta in etas:
        check_numbers(model, eta, stimulus, paced_for, (), 1.0)
    model.check_balance()
    heartbeat.report(0.0, "Pacing the control")
    asked = during(lambda: ask(model, recording, stimulus, paced_for))
    network = (network or network_for(taught, "ode", seeds[0], Stage(heartbeat, 0.0, 0.05))).of(model)
    begin = 0.1
    if control is not None:
        first = where.recording(control)
        asked_before = during(lambda: ask(model, first, stimulus, paced_for))
        before = fitted_before(
            model, asked_before, network, eta=FIRST_ETA, seed=seeds[0], device="cpu", alive=heartbeat.alive,
            progress=Stage(heartbeat, 0.05, 0.4),
        )  # fmt: skip
        model, network, begin = before.model, network.of(before.model), 0.4
    beside = model
    question = during(lambda: put_to(beside, asked))
    balance = during(
        lambda: current_balance(question.model, question.beats, question.control, question.stimulus)
    )
    runs = [(float(eta), int(seed)) for seed in seeds for eta in sorted(etas)]
    traded: list[Traded] = []
    for first_run in range(0, len(runs), BATCH):
        batch = runs[first_run : first_run + BATCH]
        share = (1 - begin) / len(runs)
        stage = _Telling(
            heartbeat, begin + share * first_run, begin + share * (first_run + len(batch)), traded
        )
        for (eta, seed), run in zip(
            batch,
            retrain_batch(network, balance, batch, settings=Stage2(), progress=stage),
            strict=True,
        ):
            moved = float((run.gates_after - run.gates_before).abs().mean())
            scales = {name: exp(value) for name, value in run.log_scales.items()}
            traded.append(Traded(eta, seed, run.residual_after, moved, scales))
    heartbeat.report(1.0, "Done", traded=tuple(traded))
    return traded


class _Telling(Stage):
    """A stage that tells the runs that are done besides."""

    def __init__(self, whole: Control, start: float, end: float, traded: list[Traded]) -> None:
        super().__init__(whole, start, end)
        self._traded = tuple(traded)

    def report(self, fraction: float, message: str, **facts: Any) -> None:
        super().report(fraction, message, **facts, traded=self._traded)
