"""Which single changes deserve a fit: the network says which currents, a short look through the ODE the rest.

A changed conductance shows in the network as a change of that current's most pliable gate, so the network is
asked for currents, and each of its currents is followed by that current's scale and the changes of its gates.
Changes that the network cannot resolve (a curve shifted by a few mV) come from the same ODE that will judge
them: every candidate gets a few coarse iterations on three cells.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import combinations

import numpy as np

from ionwidgets.discovery.change import Change, candidates, current_of
from ionwidgets.discovery.gauss_newton import Fitted, fit
from ionwidgets.discovery.objective import Objective
from ionwidgets.errors import TrainingError
from ionwidgets.gnn.decoder import Balance
from ionwidgets.gnn.retrain import Retrained
from ionwidgets.models import IonicModel

SCREENING = 5  # iterations
LEAST, MOST = 0.05, 20.0  # what a current is taken for where the network makes it less, or more
KEPT = 5  # candidates of the screening that are fitted in full
FROM_NETWORK = 2  # currents that the network names
SCREENED_CELLS = 3
TOGETHER = 3  # currents that the network moved furthest, tried in twos and threes


def first_ratios(balance: Balance, retrained: Retrained) -> dict[str, float]:
    """How large the network makes each current beside stage 1, gates and scale together."""
    by_gates = balance.ratios(retrained.gates_before, retrained.gates_after)
    ratios = {}
    for name, ratio in by_gates.items():
        size = ratio * np.exp(retrained.log_scales[name])
        ratios[name] = float(np.clip(size, LEAST, MOST)) if np.isfinite(size) else 1.0
    return ratios


def screen(
    objective: Objective, scales: dict[str, float], report: Callable[[float], None]
) -> tuple[Fitted, list[Fitted]]:
    """No change, then every single change, after a few iterations on three cells, the best first.

    `scales`: what the network makes of each current, as a first value.

    Raises
    ------
    TrainingError : the unchanged model does not run.
    """
    n = len(objective.beats)
    cells = sorted({0, n // 2, n - 1})[:SCREENED_CELLS]
    first = {
        c: float(np.log(scales.get(c.target, 1.0))) if c.kind == "scale" else 0.0
        for c in candidates(objective.model)
    }
    hypotheses: list[dict[Change, float]] = [{}, *({change: value} for change, value in first.items())]
    none, *singles = fit(objective, hypotheses, iterations=SCREENING, cells=cells, free=False, report=report)
    if none is None:
        raise TrainingError(
            f"{objective.model.key} does not run at these cycle lengths, so nothing can be compared"
        )
    return none, sorted((f for f in singles if f is not None), key=lambda f: f.cost)


def propose(objective: Objective, screened: list[Fitted], explained: dict[str, float]) -> list[Fitted]:
    """The candidates to fit in full: the best of the screening, the best of each current that the network
    names, and beside every gate the scale of its current, so that the two are settled against each other."""
    model = objective.model
    chosen = screened[:KEPT]
    currents = {current.name for current in model.currents}
    named = sorted(currents & explained.keys(), key=lambda name: -explained[name])[:FROM_NETWORK]
    for name in named:
        if explained[name] > 0:
            chosen += [f for f in screened if current_of(model, only(f)) == name][:1]
    scales = {Change("scale", current_of(model, only(f))) for f in chosen}
    chosen += [f for f in screened if only(f) in scales]
    return list({only(f): f for f in chosen}.values())


def together(
    model: IonicModel, ratios: dict[str, float], moved: dict[str, float]
) -> list[dict[Change, float]]:
    """Two or three currents scaled together, of those that the network moved furthest, at its own ratios.

    Where two currents have changed, the best single change may belong to a third; the network, which moves
    all currents at once, still points at the two. What each explains alone does not: one often undoes in part
    what the other does.
    """
    currents = [current.name for current in model.currents]
    named = sorted(currents, key=lambda name: -moved[name])[:TOGETHER]
    return [
        {Change("scale", name): float(np.log(ratios[name])) for name in some}
        for size in (2, 3)
        for some in combinations(named, size)
    ]


def only(fitted: Fitted) -> Change:
    """The change of a hypothesis that has a single one."""
    (change,) = fitted.values
    return change
