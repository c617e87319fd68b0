"""The plain answer: every conductance of the model fitted to a recording at once, by least squares.

It points at nothing, as it moves all currents a little, and gates not at all. But it is what a cell before
the drug needs: a model of *this* cell, against which the change is sought. And a finding must beat it.

    cost = sum (model - recording)^2 / sigma^2 + sum_X (ln s_X / 0.3)^2 + priors of what is free

(`objective`; 0.3 is what is assumed of how far cells of one kind differ in a conductance). It begins at the
network's ratios, which are near.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from ionwidgets.discovery.change import Change
from ionwidgets.discovery.gauss_newton import Fitted, fit
from ionwidgets.discovery.objective import Objective
from ionwidgets.errors import TrainingError
from ionwidgets.models import IonicModel

ITERATIONS = 60  # along the valleys between currents a fit creeps


def own_changes(model: IonicModel) -> list[Change]:
    """The "own" scale of every current."""
    return [Change("own", current.name) for current in model.currents]


def plain_fit(objective: Objective, ratios: Mapping[str, float], report: Callable[[float], None]) -> Fitted:
    """Fit the "own" scales of all currents.

    `ratios`: what the network makes of each current, left out for the published value; where the model does
    not run with them, the fit begins at the published values.

    Raises
    ------
    TrainingError : the model runs with neither.
    """
    changes = own_changes(objective.model)
    for start in (
        {c: float(np.log(ratios.get(c.target, 1.0))) for c in changes},
        dict.fromkeys(changes, 0.0),
    ):
        (fitted,) = fit(objective, [start], iterations=ITERATIONS, fine=True, report=report)
        if fitted is not None:
            return fitted
    raise TrainingError(
        f"{objective.model.key} does not run at these cycle lengths, so nothing can be fitted"
    )
