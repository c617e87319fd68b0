"""The cell before the drug: the model is fitted to the control recording, and the change sought against it.

Every conductance is fitted at once (`baseline`): cells of one kind differ in all of them. Gates stay the
model's. What the fit leaves of V is known to be no change, and widens sigma when the change is sought.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ionwidgets.discovery.baseline import BELIEVED, Baseline, plain_fit
from ionwidgets.discovery.heartbeat import Stage
from ionwidgets.discovery.objective import Objective
from ionwidgets.discovery.propose import first_ratios
from ionwidgets.discovery.question import Asked, put_to
from ionwidgets.gnn import Network
from ionwidgets.gnn.decoder import current_balance
from ionwidgets.gnn.retrain import retrain_network
from ionwidgets.models import IonicModel
from ionwidgets.models.edit import edited

LEAST = 0.05  # mV; a fit that leaves less is as good as the solver


@dataclass(frozen=True)
class Before:
    """model: fitted to the control recording; network: the same gates, of that model; about: for the finding;
    discrepancy: mV RMS of V that the fit leaves; warnings: what was odd about the recording."""

    model: IonicModel
    network: Network
    baseline: Baseline
    about: dict[str, Any]
    discrepancy: float
    warnings: list[str]


def fitted_before(
    model: IonicModel,
    asked: Asked,
    network: Network,
    *,
    seed: int,
    alive: Callable[[], None],
    progress: Stage,
) -> Before:
    """Fit every conductance of `model` to the control recording.

    Raises
    ------
    TrainingError : stage 2 diverged, or the model does not run.
    """
    progress.report(0.0, "Fitting the control recording")
    question = put_to(model, asked)
    balance = current_balance(model, question.beats, question.control, question.stimulus)
    retrained = retrain_network(network, balance, seed=seed, progress=Stage(progress, 0.0, 0.4))
    objective = Objective(
        model,
        question.beats,
        question.control,
        question.stimulus,
        question.paced_for,
        believed=BELIEVED,
        alive=alive,
    )
    found = plain_fit(
        objective, first_ratios(balance, retrained),
        lambda part: progress.report(0.4 + 0.6 * part, "Fitting the control recording"),
    )  # fmt: skip
    noise = float(np.mean([beat.noise_V**2 for beat in question.beats]))
    left = float(np.sqrt(max(0.0, found.v_rmse_mV**2 - noise)))
    own = edited(model, found.scale, {}, {})
    about = {
        "file": question.recording.attrs.get("source"),
        "cycle_lengths_ms": [beat.cycle_length for beat in question.beats],
        "v_rmse_mV": round(found.v_rmse_mV, 4),
        "currents": [
            {
                "current": current.name,
                "parameter": current.conductance,
                "scale": round(found.scale[current.name], 4),
                "ci95": [round(x, 4) for x in found.ci95[current.name]],
            }
            for current in model.currents
        ],
    }
    return Before(
        own,
        replace(network, card={**network.card, "model_hash": own.hash}),
        found,
        about,
        left if left > LEAST else 0.0,
        [f"control recording: {warning}" for warning in question.warnings],
    )
