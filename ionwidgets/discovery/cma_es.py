"""CMA-ES (Hansen & Ostermeier 2001, Evol. Comput. 9, 159; the library pycma) on the fits' own cost.

Unknown is all that least squares has as unknowns: ln of every scale, and of every cell its shift and slow
offsets. A model that keeps the control's concentrations under another conductance would be no fair peer, nor
one that is paced to a steady state for every guess. Each is counted in standard deviations of what is
believed of it beforehand, which is where the search begins, at the published values. A whole population is
run at once.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import cma
import numpy as np
from numpy.typing import NDArray

from ionwidgets.discovery.change import OWN_SPREAD, Change
from ionwidgets.discovery.objective import SHIFT_PRIOR, Objective, Point

BEGIN = 0.5  # first step, in standard deviations
CANDIDATES = 3000  # points that are tried at most
ENOUGH = 0.1  # of the cost: the search ends where a generation differs by less
WORST = 1e12  # the cost of a point at which the model does not run


def cma_es(
    objective: Objective, changes: Sequence[Change], seed: int, report: Callable[[float], None]
) -> Point:
    """The best point that was tried; `report` is told the share of the budget that is spent."""
    cells = list(range(len(objective.beats)))
    n, per_cell = len(changes), 1 + len(objective.slow_states)
    widths = np.array([OWN_SPREAD] * n + [SHIFT_PRIOR, *objective.slow_prior] * len(cells))
    rng = np.random.default_rng(seed)

    def point(x: NDArray) -> Point:
        own = {c: c.bounded(float(v), float(v)) for c, v in zip(changes, x[:n] * widths[:n], strict=True)}
        free = (x[n:] * widths[n:]).reshape(len(cells), per_cell)
        return Point(own, free[:, 0], free[:, 1:])

    options = {
        # It writes no file, says nothing, and leaves the seed of numpy's own generator alone.
        "verbose": -9, "verb_log": 0, "verb_disp": 0, "seed": np.nan,
        "randn": lambda *shape: rng.standard_normal(shape),
        "maxfevals": CANDIDATES, "tolfun": ENOUGH, "tolfunhist": ENOUGH,
    }  # fmt: skip
    search = cma.CMAEvolutionStrategy(np.zeros(widths.size), BEGIN, options)
    best, least = objective.origin(dict.fromkeys(changes, 0.0)), np.inf
    while not search.stop():
        report(min(1.0, search.countevals / CANDIDATES))
        population = search.ask()
        points = [point(x) for x in population]
        runs = objective.run(points, cells)
        costs = [min(objective.cost(p, r, cells), WORST) for p, r in zip(points, runs, strict=True)]
        search.tell(population, costs)
        first = int(np.argmin(costs))
        if costs[first] < least:
            best, least = points[first], costs[first]
    return best
