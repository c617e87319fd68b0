"""From screened candidates to what was found: full fits, then further changes as long as they pay."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from ionwidgets.discovery.beside import Beside, beside
from ionwidgets.discovery.change import Change, Changes, current_of
from ionwidgets.discovery.gauss_newton import Fitted, fit
from ionwidgets.discovery.long_run import long_run_variance
from ionwidgets.discovery.objective import Objective, Point
from ionwidgets.discovery.propose import only
from ionwidgets.errors import TrainingError

ITERATIONS, POLISH = 12, 30
POLISHED = 2  # of the fits with a further change
SETTLED = 6  # iterations of the changes alone, before the offsets of the cells are free
MOST_CHANGES = 3
GOOD = 0.05  # mV; what is left of V below this is no reason to look for another change
WORTH = 0.5  # of the cost that another change must take away
TRIED = 3  # further changes that are fitted in full
INFORMATION = 10.0  # independent pieces of information that a change must be worth to count


@dataclass(frozen=True)
class Found:
    """none: no change, fitted; best: what was found; singles: single changes fitted in full, the best first;
    others: every change that is not in `best`, beside it."""

    none: Fitted
    best: Fitted
    singles: tuple[Fitted, ...]
    others: dict[Change, Beside]


def search(
    objective: Objective,
    none: Fitted,
    proposals: list[Fitted],
    together: list[dict[Change, float]],
    report: Callable[[float], None],
) -> Found:
    """Fit the proposals through the ODE on every cell; add further changes where one leaves much over.

    `together`: changes that are tried as a set, and their first values, where no single change is enough.

    Raises
    ------
    TrainingError : the model does not run under any of them.
    """
    # Their values only: the screening frees nothing slow, and here there may be nothing slow to free.
    starts = [none.values, *(proposal.values for proposal in proposals)]
    first, *rest = fit(objective, starts, iterations=ITERATIONS, report=lambda part: report(0.7 * part))
    if first is None:
        raise TrainingError(
            f"{objective.model.key} does not run at these cycle lengths, so nothing can be fitted"
        )
    tried = sorted((f for f in rest if f is not None), key=lambda f: f.cost)
    singles = [f for f in tried if len(f.values) == 1]
    best = first
    if tried and significant(objective, first, tried[0]):
        best = _plainest(objective, singles) if len(tried[0].values) == 1 else needed(objective, tried[0])
    best = settled(objective, best)
    others = beside(objective, best)
    while 0 < len(best.values) < MOST_CHANGES and left_over(objective, best) > GOOD:
        report(0.7 + 0.1 * len(best.values))
        more = _further(objective, best, others, together if len(best.values) == 1 else [])
        if more is None:
            break
        best = settled(objective, needed(objective, more))
        others = beside(objective, best)
    return Found(first, best, tuple(singles), others)


def settled(objective: Objective, fitted: Fitted) -> Fitted:
    """The fit at its very best: where it may end is else a part of how sure it is."""
    (finest,) = fit(objective, [fitted.point], iterations=ITERATIONS, fine=True)
    return finest or fitted


def significant(objective: Objective, less: Fitted, more: Fitted) -> bool:
    """Whether the fit with more changes is better by more than what is left over could do by chance."""
    return less.cost - more.cost > INFORMATION * more.unit(objective)


def _plainest(objective: Objective, singles: list[Fitted]) -> Fitted:
    """The best single change; the scale of its current where that does as well but for noise.

    What a cautious reader could not tell it from is named beside it all the same (`Judged.rivals`).
    """
    best = singles[0]
    scale = Change("scale", current_of(objective.model, only(best)))
    as_good = best.cost + INFORMATION * long_run_variance(objective, best.runs)
    return next((f for f in singles if only(f) == scale and f.cost < as_good), best)


def needed(objective: Objective, fitted: Fitted) -> Fitted:
    """The fit without those of its changes that it does as well without."""
    for change, error in fitted.cautious_errors(objective).items():
        if len(fitted.values) > 1 and abs(fitted.values[change]) < 3 * error:
            fewer = {c: v for c, v in fitted.values.items() if c != change}
            (again,) = fit(objective, [replace(fitted.point, values=fewer)], iterations=ITERATIONS)
            if again is not None and not significant(objective, again, fitted):
                return needed(objective, again)
    return fitted


def left_over(objective: Objective, fitted: Fitted) -> float:
    """RMS of V that the fit leaves beyond the noise of the averaged beats [mV]."""
    noise = float(np.mean([beat.noise_V**2 for beat in objective.beats]))
    return float(np.sqrt(max(0.0, fitted.rmse(objective) ** 2 - noise)))


def _further(
    objective: Objective, best: Fitted, others: dict[Change, Beside], together: list[dict[Change, float]]
) -> Fitted | None:
    """The best of `best` with one change more and of the sets `together`; None where that is not worth it."""
    ranked = sorted(others, key=lambda change: -others[change].gain)[:TRIED]
    # From no further change on, so that no step is accepted that does worse than `best`.
    points = [replace(best.point, values={**best.values, change: 0.0}) for change in ranked]
    alone = fit(objective, together, iterations=SETTLED, free=False)
    starts: list[Point | Changes] = [*points, *(f.values for f in alone if f is not None)]
    fitted = sorted(_run(objective, starts, ITERATIONS), key=lambda f: f.cost)
    # Two changes and the slow concentrations trade against each other along a narrow valley: time to go down.
    polished = _run(objective, [f.point for f in fitted[:POLISHED]], POLISH)
    winner = min(polished, key=lambda f: f.cost, default=None)
    if winner is None or winner.cost > (1 - WORTH) * best.cost or not significant(objective, best, winner):
        return None
    return winner


def _run(objective: Objective, starts: Sequence[Point | Changes], iterations: int) -> list[Fitted]:
    return [f for f in fit(objective, starts, iterations=iterations) if f is not None]
