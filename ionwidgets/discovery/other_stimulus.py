"""Whether another stimulus than the supposed one does what was blamed on the cell.

A stimulus of another strength, or a larger I_Na, both change the upstroke and what hangs on it. Where nobody
said what the stimulus was, its amplitude (the model's duration kept) is tried in the place of each change.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations

from ionwidgets.discovery.beside import beside
from ionwidgets.discovery.change import PULSE, Change
from ionwidgets.discovery.gauss_newton import Fitted, fit
from ionwidgets.discovery.long_run import long_run_variance
from ionwidgets.discovery.objective import Objective
from ionwidgets.discovery.search import INFORMATION, ITERATIONS, Found, needed, settled, significant

FIRST = 0.5  # ln of the first amplitudes that are tried, up and down
LOOK = 3  # iterations that tell whether another amplitude is asked for at all
SINGLES = 2  # of the single changes, the best, that are tried beside it


def with_other_stimulus(objective: Objective, found: Found) -> tuple[Found, list[Change]]:
    """`found`, or what is found with another amplitude, where that fits better by more than noise does; and
    the changes that cannot be told from one."""
    best = found.best
    if not best.values:
        return found, []
    fewer = [dict(some) for n in range(len(best.values)) for some in combinations(best.values.items(), n)]
    (more,) = fit(objective, [replace(best.point, values={**best.values, PULSE: 0.0})], iterations=LOOK)
    asked = more is not None and _clearly(objective, more, best)
    if asked:
        fewer += [f.values for f in found.singles[:SINGLES] if f.values.keys() != best.values.keys()]
    elif len(best.values) > 1:
        return found, []
    starts = [{**values, PULSE: first} for values in fewer for first in (FIRST, -FIRST)]
    fits = [f for f in fit(objective, starts, iterations=ITERATIONS) if f is not None]
    if asked and more is not None:
        other = min([more, *fits], key=lambda f: f.cost)
        other = settled(objective, needed(objective, other))
        return replace(found, best=other, others=beside(objective, other)), []
    return found, [change for change in best.values if _replaced(objective, change, best, fits)]


def _clearly(objective: Objective, better: Fitted, than: Fitted) -> bool:
    return than.cost - better.cost > INFORMATION * long_run_variance(objective, better.runs)


def _replaced(objective: Objective, change: Change, best: Fitted, fits: list[Fitted]) -> bool:
    """Whether another amplitude in the place of `change` fits as well."""
    without = best.values.keys() - {change} | {PULSE}
    return any(f.values.keys() == without and not significant(objective, f, best) for f in fits)
