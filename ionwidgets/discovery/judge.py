"""The verdict: changed, unchanged or unexplained; and for every single change how much it explains alone."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ionwidgets.discovery.beside import Beside
from ionwidgets.discovery.change import Change
from ionwidgets.discovery.gauss_newton import Fitted
from ionwidgets.discovery.objective import Objective
from ionwidgets.discovery.search import INFORMATION, Found, left_over, significant

EFFECT = 0.3  # mV RMS of V over a beat: a change that does less is none, however well it fits
UNEXPLAINED = 2.0  # mV RMS of V beyond noise that the best of the model leaves


@dataclass(frozen=True)
class Judged:
    """verdict; best: the fit that it rests on; values, errors: of every change, those found and those beside
    them; importance: what a change explains when it is put alone into the ODE; order: changes, the first
    explains most; rivals: changes that explain the recording alone as well as what was found; left: V
    unexplained [mV]."""

    verdict: str
    best: Fitted
    values: dict[Change, float]
    errors: dict[Change, float]
    importance: dict[Change, float]
    order: list[Change]
    rivals: list[Change]
    left: float

    @property
    def changes(self) -> dict[Change, float]:
        """What is to be written into the model; nothing unless something changed."""
        return dict(self.best.values) if self.verdict == "changed" else {}


def judge(objective: Objective, none: Fitted, screened: list[Fitted], found: Found) -> Judged:
    """Weigh what was found.

    `importance` is the share of the cost of "no change" that the change takes away when fitted alone: in full
    where it was fitted in full, else in the screening. (Cost: see `objective`; offsets of the slow
    concentrations are free in both.)
    """
    best = found.best
    left = left_over(objective, best)
    if left > UNEXPLAINED:
        verdict = "unexplained"
    elif not best.values or not significant(objective, found.none, best) or effect(objective, best) < EFFECT:
        verdict = "unchanged"
    else:
        verdict = "changed"
    importance = {_only(f): _share(f.cost, none.cost) for f in screened}
    full = {_only(f): _share(f.cost, found.none.cost) for f in found.singles}
    importance |= full
    order = sorted(importance, key=lambda c: (c not in best.values, c not in full, -importance[c]))
    errors = best.standard_errors(objective)
    rivals = []
    if verdict == "changed" and len(best.values) == 1:
        near = best.cost + INFORMATION * best.unit(objective)
        rivals = [_only(f) for f in found.singles if f.cost < near and _only(f) not in best.values]
    beside: dict[Change, Beside] = found.others
    return Judged(
        verdict=verdict,
        best=best,
        values=best.values | {change: other.value for change, other in beside.items()},
        errors=errors | {change: other.error for change, other in beside.items()},
        importance=importance,
        order=order,
        rivals=rivals,
        left=left,
    )


def effect(objective: Objective, fitted: Fitted) -> float:
    """What the changes do to V: RMS against control over a beat, the largest of the cells [mV]."""
    cells = list(range(len(objective.beats)))
    changed, control = objective.run([objective.origin(fitted.values), objective.origin({})], cells)
    differences = zip(objective.errors_V(changed), objective.errors_V(control), strict=True)
    return max(float(np.sqrt(np.square(a - b).mean())) for a, b in differences)


def _only(fitted: Fitted) -> Change:
    return next(iter(fitted.values))


def _share(cost: float, of: float) -> float:
    return float(np.clip(1 - cost / of, 0, 1)) if of > 0 else 0.0
