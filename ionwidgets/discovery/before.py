"""The cell before the drug: the model is fitted to the control recording, and the change sought against it.

Every conductance is fitted at once (`plain_fit`): cells of one kind differ in all of them. Gates stay the
model's. What the fit leaves of V is known to be no change, and widens sigma when the change is sought. Once
candidates for the change are found, both recordings are fitted together, as what is said of the cell before
the change must hold after it too: the intervals carry how well the cell itself is known.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ionwidgets.discovery.change import WIDEST, Change, scales
from ionwidgets.discovery.gauss_newton import Fitted, fit
from ionwidgets.discovery.heartbeat import Stage
from ionwidgets.discovery.judge import UNEXPLAINED, near
from ionwidgets.discovery.objective import Objective, Point
from ionwidgets.discovery.plain_fit import plain_fit
from ionwidgets.discovery.prepare import aligned
from ionwidgets.discovery.propose import first_ratios
from ionwidgets.discovery.question import Asked, Question, put_to
from ionwidgets.discovery.search import Found
from ionwidgets.gnn import Network
from ionwidgets.gnn.decoder import current_balance
from ionwidgets.gnn.retrain import Stage2, retrain_network
from ionwidgets.jobs import aside
from ionwidgets.models import IonicModel
from ionwidgets.models.edit import edited

LEAST = 0.05  # mV; a fit that leaves less is as good as the solver
ITERATIONS = 10
NEAR, MOST_RIVALS = 10.0, 2  # times the cost of the best: rivals that both recordings decide on


@dataclass(frozen=True)
class Before:
    """The cell before the change.

    question: its recording, put to the published model; objective, fitted: every conductance fitted to it,
    and perhaps to the recording after the change too; network: of the published model's gates.
    """

    question: Question
    objective: Objective
    fitted: Fitted
    network: Network

    @property
    def own(self) -> dict[Change, float]:
        return {change: value for change, value in self.fitted.values.items() if change.kind == "own"}

    @property
    def scales(self) -> dict[str, float]:
        return scales(self.own)

    @property
    def model(self) -> IonicModel:
        """The published model with this cell's conductances."""
        return edited(self.question.model, self.scales, {}, {})

    @property
    def stranger(self) -> bool:
        """Whether the model cannot produce the recording before the change, by the measure of the verdict."""
        return self.left[0] > UNEXPLAINED or not near(self.objective, self.fitted)

    @property
    def warnings(self) -> list[str]:
        return [f"control recording: {warning}" for warning in self.question.warnings]

    @property
    def left(self) -> tuple[float, float]:
        """RMS of V [mV] and Ca_i [mM] that stays unexplained before the change, beyond noise.

        0 of V where that is little, and of Ca_i where it was not recorded.
        """
        beats = self.question.beats
        noise = ([beat.noise_V for beat in beats], [beat.noise_Ca for beat in beats])
        left = [0.0, 0.0]
        for j in range(len(self.objective.names)):
            errors = np.concatenate(self.objective.errors(self.fitted.runs, j)[: len(beats)])
            left[j] = float(np.sqrt(max(0.0, np.square(errors).mean() - np.mean(np.square(noise[j])))))
        return (left[0] if left[0] > LEAST else 0.0, left[1])

    def about(self) -> dict[str, Any]:
        """What the finding says of it."""
        # A dozen scales lie along valleys so flat that a fit ends before their floor.
        errors = self.fitted.cautious_errors(self.objective)
        entries = []
        for current in self.question.model.currents:
            change = Change("own", current.name)
            value, half = self.own[change], 1.96 * errors[change]
            entries.append(
                {
                    "current": current.name,
                    "parameter": current.conductance,
                    "scale": round(float(np.exp(value)), 4),
                    "ci95": [
                        round(float(np.exp(np.clip(x, -WIDEST, WIDEST))), 4)
                        for x in (value - half, value + half)
                    ],
                }
            )
        return {
            "file": self.question.recording.attrs.get("source"),
            "cycle_lengths_ms": [beat.cycle_length for beat in self.question.beats],
            "v_left_mV": round(self.left[0], 4),
            "currents": entries,
        }


def fitted_before(
    model: IonicModel,
    asked: Asked,
    network: Network,
    *,
    eta: float,
    seed: int,
    device: str,
    alive: Callable[[], None],
    progress: Stage,
) -> Before:
    """Fit every conductance of `model` to the control recording, whose network is held against the ODE.

    Raises
    ------
    TrainingError : stage 2 diverged, or the model does not run.
    """
    words = "Fitting the control recording"
    progress.report(0.0, words)
    question = aside(alive, lambda: put_to(model, asked))
    balance = aside(
        alive, lambda: current_balance(model, question.beats, question.control, question.stimulus)
    )
    retrained = retrain_network(
        network, balance, seed=seed, device=device, settings=Stage2(eta=eta),
        progress=Stage(progress, 0.0, 0.4),
    )  # fmt: skip
    objective = question.objective(alive=alive)
    ratios = first_ratios(balance, retrained)
    fitted = plain_fit(objective, ratios, lambda part: progress.report(0.4 + 0.6 * part, words))
    return Before(question, objective, fitted, network)


def refined(
    before: Before, after: Question, found: Found, report: Callable[[float], None]
) -> tuple[Before, dict[Change, float]]:
    """The cell before the change as both recordings have it, fitted together with what was found.

    `after`: the recording after the change, put to `before.model`. Single changes that do nearly as well are
    tried too. Returns the standard errors of the change besides, which know how well the cell is known.
    """
    rivals = [f for f in found.singles if f.values.keys() != found.best.values.keys()]
    near = [f for f in rivals if f.cost < NEAR * found.best.cost][:MOST_RIVALS]
    known, published, n = before.fitted.point, before.question, len(before.question.beats)
    objective = Objective(
        published.model,
        [*published.beats, *after.beats],
        aligned([published.control, after.control]),
        published.stimulus,
        published.paced_for,
        before=n,
        alive=before.objective.alive,
    )
    starts = [
        Point(
            {**before.own, **candidate.values},
            np.concatenate([known.shift[:n], candidate.point.shift]),
            np.concatenate([known.slow[:n], candidate.point.slow]),
        )
        for candidate in (found.best, *near)
    ]
    fits = [f for f in fit(objective, starts, iterations=ITERATIONS, report=report) if f is not None]
    if not fits:
        return before, {}
    best = min(fits, key=lambda f: f.cost)
    errors = best.cautious_errors(objective)
    return (
        replace(before, objective=objective, fitted=best),
        {change: error for change, error in errors.items() if change.kind != "own"},
    )
