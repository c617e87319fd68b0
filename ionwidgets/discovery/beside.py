"""What every other change would be beside those that were found: a Gauss-Newton step each, in one sweep."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from ionwidgets.discovery.change import BOUND, Change, candidates
from ionwidgets.discovery.gauss_newton import Fitted, normal_equations, perturbed
from ionwidgets.discovery.long_run import long_run_variance
from ionwidgets.discovery.objective import Objective


@dataclass(frozen=True)
class Beside:
    """One more change beside the found: value after one step, standard error, and the cost it would save."""

    value: float
    error: float
    gain: float


def beside(objective: Objective, found: Fitted) -> dict[Change, Beside]:
    """For every candidate that is not in `found`."""
    cells = list(range(len(objective.beats)))
    point = found.point
    others = [change for change in candidates(objective.model) if change not in point.values]
    base = perturbed(objective, point, free=True)
    extra = [replace(point, values={**point.values, change: change.difference}) for change in others]
    runs = objective.run([*base, *extra], cells)
    n = len(point.values)
    variance = long_run_variance(objective, found.runs)
    answers = {}
    for k, change in enumerate(others):
        together = replace(point, values={**point.values, change: 0.0})
        own = [*runs[: 1 + n], runs[len(base) + k], *runs[1 + n : len(base)]]
        if not all(run.finite for run in own[1 + n]):
            continue
        matrix, right = normal_equations(objective, together, own, cells, free=True)
        inverse = np.linalg.pinv(matrix, hermitian=True)
        step = inverse @ right
        error = float(np.sqrt(max(0.0, inverse[n, n]) * variance))
        bound = BOUND[change.kind]
        answers[change] = Beside(float(np.clip(step[n], -bound, bound)), error, float(right @ step))
    return answers
