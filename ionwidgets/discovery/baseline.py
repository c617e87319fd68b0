"""The plain answer: every conductance of the model fitted to a recording at once, by least squares.

It points at nothing, as it moves all currents a little, and gates not at all. But it is what a cell before
the drug needs: a model of *this* cell, against which the change is sought. And a finding must beat it.

    cost = sum (model - recording)^2 / sigma^2 + sum_X (ln s_X / 0.5)^2 + priors of what is free (`objective`)

from no change and from the network's ratios, by Gauss-Newton through the ODE.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from ionwidgets.discovery.change import Change, scales
from ionwidgets.discovery.gauss_newton import Fitted, fit
from ionwidgets.discovery.objective import Objective
from ionwidgets.errors import TrainingError

BELIEVED = 0.5  # standard deviation of ln s from cell to cell
ITERATIONS, SETTLING_IN = 25, 6


@dataclass(frozen=True)
class Baseline:
    """scale and its 95 % interval by current; v_rmse_mV: what the fit leaves of V outside the upstroke."""

    scale: dict[str, float]
    ci95: dict[str, tuple[float, float]]
    v_rmse_mV: float
    fitted: Fitted


def plain_fit(
    objective: Objective, ratios: Mapping[str, float], report: Callable[[float], None] = lambda part: None
) -> Baseline:
    """Fit the scales of all currents; `objective` must believe something of them (`BELIEVED`).

    `ratios`: what the network makes of each current, one of the two starts.

    Raises
    ------
    TrainingError : the model runs from neither start.
    """
    changes = [Change("scale", current.name) for current in objective.model.currents]
    starts = [
        dict.fromkeys(changes, 0.0),
        {change: float(np.log(ratios[change.target])) for change in changes},
    ]
    # First the scales alone: far from the answer the slow concentrations would take the blame.
    near = fit(objective, starts, iterations=SETTLING_IN, free=False, report=lambda part: report(0.3 * part))
    tried = fit(
        objective, [f.values for f in near if f is not None], iterations=ITERATIONS,
        report=lambda part: report(0.3 + 0.7 * part),
    )  # fmt: skip
    best = min((f for f in tried if f is not None), key=lambda f: f.cost, default=None)
    if best is None:
        raise TrainingError(
            f"{objective.model.key} does not run at these cycle lengths, so nothing can be fitted"
        )
    errors = best.standard_errors(objective)
    interval = {
        change.target: tuple(float(x) for x in np.exp(value + 1.96 * errors[change] * np.array([-1, 1])))
        for change, value in best.values.items()
    }
    return Baseline(scales(best.values), interval, best.rmse(objective), best)  # type: ignore[arg-type]
