"""The verdict: changed, unchanged or unexplained; and for every single change how much it explains alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from ionwidgets.discovery.beat_apd90 import beat_apd90
from ionwidgets.discovery.change import PULSE, Change, candidates
from ionwidgets.discovery.gauss_newton import Fitted
from ionwidgets.discovery.objective import Objective
from ionwidgets.discovery.propose import only
from ionwidgets.discovery.search import Found, left_over, significant

EFFECT = 1.0  # mV: a change that moves V by less, wherever in the beat, is none, however well it fits
UNEXPLAINED = 1.0  # mV RMS of V beyond noise that the best of the model leaves: more than counts as a change
FAR_OFF = 10.0  # ms by which it misses APD90 at any recorded cycle length


@dataclass(frozen=True)
class Judged:
    """verdict; best: the fit that it rests on; values, errors: of every change, those found and those beside
    them; importance: what a change of that value explains when it is put alone into the ODE; alone: what a
    change of this kind, of whatever value, could explain alone; order: changes, the first explains most;
    rivals: changes that explain the recording as well as what was found; left: V unexplained [mV]; stranger:
    the model cannot produce the control recording either, whatever its conductances."""

    verdict: str
    best: Fitted
    values: dict[Change, float]
    errors: dict[Change, float]
    importance: dict[Change, float]
    alone: dict[Change, float]
    order: list[Change]
    rivals: list[Change]
    left: float
    stranger: bool = False

    @property
    def changes(self) -> dict[Change, float]:
        """What is to be written into the model; nothing unless something changed."""
        if self.verdict != "changed":
            return {}
        return {change: value for change, value in self.best.values.items() if change != PULSE}

    def stimulus(self, supposed: tuple[float, float]) -> tuple[float, float]:
        """(amplitude [A/F], duration [ms]) that the recording fits, where it fits another than `supposed`."""
        ratio = float(np.exp(self.best.values.get(PULSE, 0.0)))
        return supposed if self.verdict == "unexplained" else (ratio * supposed[0], supposed[1])


def judge(
    objective: Objective,
    none: Fitted,
    screened: list[Fitted],
    found: Found,
    known: Mapping[Change, float] | None = None,
    stranger: bool = False,
) -> Judged:
    """Weigh what was found. Shares are of the cost (see `objective`) of "no change".

    `known`: standard errors that know more than this fit does, such as how well the cell itself is known;
    `stranger`: the cell was none of the model's before the change, so that of no change anything is known.
    """
    best = found.best
    left = left_over(objective, best)
    if stranger or left > UNEXPLAINED + objective.discrepancy[0] or not near(objective, best):
        verdict = "unexplained"
    elif not _of_the_cell(best) or not _clear(objective, found.none, best):
        verdict = "unchanged"
    else:
        verdict = "changed"
    values = best.values | {change: other.value for change, other in found.others.items()}
    errors = best.standard_errors(objective) | {change: other.error for change, other in found.others.items()}
    errors |= {
        change: max(error, errors[change]) for change, error in (known or {}).items() if change in errors
    }
    alone = {only(f): _share(f.cost, none.cost) for f in screened}
    alone |= {only(f): _share(f.cost, found.none.cost) for f in found.singles}
    importance = _importance(objective, best, values, errors)
    order = sorted(candidates(objective.model), key=lambda c: -alone.get(c, 0.0))
    if verdict != "unexplained":  # of which nothing found stands
        order.sort(key=lambda c: (c not in best.values, -importance.get(c, 0.0)))
    rivals = []
    if verdict == "changed" and len(best.values) == 1 and PULSE not in best.values:
        rivals = [
            only(f)
            for f in found.singles
            if only(f) not in best.values and not significant(objective, f, best)
        ]
    return Judged(verdict, best, values, errors, importance, alone, order, rivals, left, stranger)


def _clear(objective: Objective, none: Fitted, best: Fitted) -> bool:
    return significant(objective, none, best) and effect(objective, best) >= EFFECT


def _of_the_cell(fitted: Fitted) -> list[Change]:
    return [change for change in fitted.values if change != PULSE]


def near(objective: Objective, fitted: Fitted) -> bool:
    """Whether APD90 is near that of the recording in every cell that has one."""
    off = [
        beat_apd90(run.traces[: beat.time.size, 0], beat.time) - beat_apd90(beat.V, beat.time)
        for run, beat in zip(fitted.runs, objective.beats, strict=True)
    ]
    return not any(abs(error) > FAR_OFF for error in off)  # nor where there is none: V tells


def _importance(
    objective: Objective, best: Fitted, values: dict[Change, float], errors: dict[Change, float]
) -> dict[Change, float]:
    """Share of the cost that each change alone takes away in the ODE; 0 if its interval holds no change."""
    cells = list(range(len(objective.beats)))
    asked = [change for change, value in values.items() if abs(value) > 1.96 * errors[change]]
    points = [replace(best.point, values={change: values[change]}) for change in asked]
    control = replace(best.point, values={})
    runs = objective.run([control, *points], cells)
    costs = [objective.cost(p, r, cells) for p, r in zip([control, *points], runs, strict=True)]
    shares = {change: _share(cost, costs[0]) for change, cost in zip(asked, costs[1:], strict=True)}
    return dict.fromkeys(values, 0.0) | shares


def effect(objective: Objective, fitted: Fitted) -> float:
    """How far the changes move V from control, anywhere in a beat but the upstroke, in any cell [mV]."""
    cells = list(range(len(objective.beats)))
    changed, control = objective.run([objective.origin(fitted.values), objective.origin({})], cells)
    differences = zip(objective.errors_V(changed), objective.errors_V(control), strict=True)
    return max(float(np.abs(a - b).max()) for a, b in differences)


def _share(cost: float, of: float) -> float:
    return float(np.clip(1 - cost / of, 0, 1)) if of > 0 else 0.0
