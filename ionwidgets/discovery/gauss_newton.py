"""Gauss-Newton through the ODE, many hypotheses at once: every iteration is one sweep of all their runs.

The unknowns are the values of a hypothesis' changes and, of every cell, its shift and slow offsets;
sensitivities are finite differences. With the normal equations A x = b a step is

    (A + d diag(A)) x = b        (Marquardt 1963, SIAM J. Appl. Math. 11, 431)

whose damping d grows where a step does not lower the cost and falls where it does. Far from the answer the
offsets would take the blame for everything, so a search begins with the changes alone.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from ionwidgets.discovery.change import Change, Changes
from ionwidgets.discovery.long_run import long_run_variance
from ionwidgets.discovery.objective import SHIFT_PRIOR, SLOW_DIFFERENCE, Objective, Point
from ionwidgets.simulation.sweep import Run

TOLERANCE, LEAST_GAIN = 2e-3, 1.0  # relative and absolute gain in cost that is worth another iteration
FINEST_GAIN = 0.02  # absolute, where an interval is read off: it is a small part of a standard error
DAMPING, MORE, LESS = (
    1e-3,
    8.0,
    0.15,
)  # the first d; its factors after a step that failed, and one that did not
HELD_BACK = 0.03  # a step of more damping tells nothing of how much there is to gain
FAR, SHORTEST = 0.1, 0.2  # of the cost, promised: far from the answer; of the step that failed
CORRELATED = 20.0  # ms over which what a wrong change leaves is taken to hang together
LARGEST_SHIFT, LARGEST_OFFSET = 0.5, 0.5  # ms, and of a logarithm, in one iteration
# A search that is so many times worse than the best after so many iterations is left.
HOPELESS, TRIED = 100.0, 3


@dataclass(frozen=True)
class Fitted:
    """A hypothesis at its best: the point, its cost, the covariance of its changes, the runs of its cells."""

    point: Point
    cost: float
    covariance: NDArray
    runs: tuple[Run, ...]

    @property
    def values(self) -> dict[Change, float]:
        return self.point.values

    def rmse(self, objective: Objective) -> float:
        """Root mean square of V, model minus recording, outside the upstroke [mV]."""
        return float(np.sqrt(np.square(np.concatenate(objective.errors_V(self.runs))).mean()))

    def standard_errors(self, objective: Objective) -> dict[Change, float]:
        """Of each change's value, from the curvature at the best fit and the residuals' long-run variance."""
        return self._spread(long_run_variance(objective, self.runs))

    def cautious_errors(self, objective: Objective) -> dict[Change, float]:
        """As `standard_errors`, in the unit of a decision."""
        return self._spread(self.unit(objective))

    def _spread(self, variance: float) -> dict[Change, float]:
        spread = np.sqrt(np.clip(np.diag(self.covariance), 0, None) * variance)
        return {change: float(s) for change, s in zip(self.values, spread, strict=True)}

    def unit(self, objective: Objective) -> float:
        """How much cost one independent piece of information is worth when one fit is chosen over another.

        It is more than the residuals say: the best of some forty changes is chosen, and what a wrong one
        leaves over need not hang together for as little as noise does.
        """
        points = sum(int((w > 0).sum()) for w in objective.weights)
        return max(1.0, self.cost / points) * CORRELATED


@dataclass
class _Search:
    trial: Point
    best: Fitted | None = None
    settled: bool = False
    damping: float = DAMPING
    matrix: NDArray = field(default_factory=lambda: np.empty((0, 0)))
    right: NDArray = field(default_factory=lambda: np.empty(0))

    def step(self) -> NDArray:
        """From the best point; what has no effect at all is left where it is."""
        damped = self.matrix + self.damping * np.diag(np.diag(self.matrix))
        return np.linalg.pinv(damped, hermitian=True) @ self.right

    def promised(self) -> float:
        """How much cost the step would take away if residuals were linear."""
        step = self.step()
        return float(2 * self.right @ step - step @ self.matrix @ step)


def fit(
    objective: Objective,
    hypotheses: Sequence[Changes | Point],
    *,
    iterations: int = 8,
    cells: Sequence[int] | None = None,
    free: bool = True,
    fine: bool = False,
    report: Callable[[float], None] | None = None,
) -> list[Fitted | None]:
    """The best that each hypothesis (changes and first values, or a point) can do; None if no run survived.

    `cells` limits what is compared, and what `Fitted.runs` holds; `free`: shift and slow offsets are unknowns
    too; `fine`: goes on until nothing is gained; `report` is told the share that is done.
    """
    cells = list(range(len(objective.beats)) if cells is None else cells)
    searches = [_Search(h if isinstance(h, Point) else objective.origin(h)) for h in hypotheses]
    for iteration in range(iterations):
        if report is not None:
            report(iteration / iterations)
        live = [search for search in searches if not search.settled]
        if not live:
            break
        plans = [perturbed(objective, search.trial, free) for search in live]
        runs = objective.run([point for plan in plans for point in plan], cells)
        for search, plan in zip(live, plans, strict=True):
            _advance(objective, search, runs[: len(plan)], cells, free, fine)
            runs = runs[len(plan) :]
        if iteration + 1 >= TRIED:
            leading = min((s.best.cost for s in searches if s.best is not None), default=np.inf)
            for search in searches:
                search.settled |= search.best is not None and search.best.cost > HOPELESS * leading
    return [search.best for search in searches]


def perturbed(objective: Objective, point: Point, free: bool) -> list[Point]:
    """The point itself, then one for each difference: changes, then slow states."""
    points = [point]
    for change, value in point.values.items():
        points.append(replace(point, values={**point.values, change: value + change.difference}))
    for j in range(len(objective.slow_states) if free else 0):
        slow = point.slow.copy()
        slow[:, j] += SLOW_DIFFERENCE
        points.append(replace(point, slow=slow))
    return points


def _advance(
    objective: Objective, search: _Search, runs: list[list[Run]], cells: list[int], free: bool, fine: bool
) -> None:
    trial, best = search.trial, search.best
    cost = objective.cost(trial, runs[0], cells)
    if best is not None and not cost < best.cost:
        promised = search.promised()
        search.damping *= MORE
        if promised > FAR * best.cost:
            # The parabola through both costs and the first's slope: 8 times a little would be little again.
            least = max(SHORTEST, promised / (2 * promised + cost - best.cost))
            search.damping = max(search.damping, 1 / least - 1)
        search.trial = _stepped(best.point, search.step(), cells, free)
        search.settled = search.promised() < _worth(best.cost, fine) or _same(search.trial, best.point)
        return
    if not all(run.finite for of_point in runs for run in of_point):
        search.settled = True  # nowhere to go from here
        return
    search.matrix, search.right = normal_equations(objective, trial, runs, cells, free)
    n = len(trial.values)
    covariance = np.linalg.pinv(search.matrix, hermitian=True)[:n, :n]
    search.best = Fitted(trial, cost, covariance, tuple(runs[0]))
    little = best is not None and (best.cost - cost) < _worth(cost, fine)
    search.settled = little and search.damping <= HELD_BACK
    if best is not None:
        search.damping *= LESS
    search.trial = _stepped(trial, search.step(), cells, free)


def _worth(cost: float, fine: bool) -> float:
    """The gain in cost for which a fit goes on."""
    return FINEST_GAIN if fine else max(TOLERANCE * cost, LEAST_GAIN)


def _same(a: Point, b: Point) -> bool:
    moved = [abs(a.values[c] - b.values[c]) / c.difference for c in a.values]
    return max([*moved, float(np.abs(a.shift - b.shift).max()) / 0.01]) < 0.02


def _stepped(point: Point, step: NDArray, cells: list[int], free: bool) -> Point:
    n = len(point.values)
    values = {c: c.bounded(v, v + step[k]) for k, (c, v) in enumerate(point.values.items())}
    if not free:
        return replace(point, values=values)
    per_cell = step[n:].reshape(len(cells), -1)
    shift, slow = point.shift.copy(), point.slow.copy()
    shift[cells] += np.clip(per_cell[:, 0], -LARGEST_SHIFT, LARGEST_SHIFT)
    slow[cells] += np.clip(per_cell[:, 1:], -LARGEST_OFFSET, LARGEST_OFFSET)
    return Point(values, shift, slow)


def normal_equations(
    objective: Objective, point: Point, runs: list[list[Run]], cells: list[int], free: bool
) -> tuple[NDArray, NDArray]:
    """J^T J and -J^T r over (changes, then shift and slow offsets of each cell), priors included."""
    changes, n_slow = list(point.values), len(objective.slow_states)
    per_cell = 1 + n_slow if free else 0
    size = len(changes) + per_cell * len(cells)
    matrix, right = np.zeros((size, size)), np.zeros(size)
    steps = [change.difference for change in changes] + [SLOW_DIFFERENCE] * n_slow
    prior = np.array([SHIFT_PRIOR, *objective.slow_prior]) ** -2
    for k, (change, value) in enumerate(point.values.items()):
        matrix[k, k] += change.precision
        right[k] -= change.precision * value
    for place, i in enumerate(cells):
        residual = objective.residual(runs[0][place], i)
        moved = [objective.residual(run[place], i) for run in runs[1:]]
        columns = [(m - residual) / step for m, step in zip(moved, steps, strict=False)]
        if free:
            beat = objective.beats[i]
            # Sample j is taken at time[j] - shift after the stimulus: a larger shift is an earlier sample.
            slope = (
                -np.gradient(runs[0][place].traces[: beat.time.size], beat.step, axis=0)
                * objective.weights[i]
            )
            columns.insert(len(changes), objective.loose[i].whitened(slope.ravel()))
        jacobian = np.column_stack(columns) if columns else np.empty((residual.size, 0))
        own = len(changes) + place * per_cell + np.arange(per_cell)
        index = np.concatenate([np.arange(len(changes)), own])
        matrix[np.ix_(index, index)] += jacobian.T @ jacobian
        right[index] -= jacobian.T @ residual
        if free:
            matrix[own, own] += prior
            right[own] -= prior * np.array([point.shift[i], *point.slow[i]])
    return matrix, right
