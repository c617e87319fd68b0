"""How much the residuals of a fit vary over times in which their noise has averaged out.

A least squares interval takes residuals for white noise of variance 1. What is left of a fit is neither: its
size is that of this recording's noise, and where the model is a little off it hangs together over many ms.
With gamma_k the residuals' own covariance at a lag of k samples, what counts is their long-run variance,

    gamma_0 + 2 sum_{k<K} (1 - k/K) gamma_k,    K = 100 ms

(Newey & West 1987, Econometrica 55, 703), never less than that of white noise. To it comes what a fit can
hide in its values: the solver, beats averaged over a drift, a cell that has not settled.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ionwidgets.discovery.objective import Objective
from ionwidgets.simulation.sweep import Run

LONGEST = 100.0  # ms of lag
# Of sigma, about 0.03 mV; ms over which it hangs together. Held by `make score ARGS="--coverage 240"`.
HIDDEN, TOGETHER = 0.15, 20.0


def long_run_variance(objective: Objective, runs: Sequence[Run]) -> float:
    """By which the inverse of J^T J is multiplied; `runs` at the best fit, one a cell of `objective`."""
    white, correlated, hidden, points = 0.0, 0.0, 0.0, 0
    for i, run in enumerate(runs):
        step, residual = objective.beats[i].step, objective.residual(run, i)
        residual = residual.reshape(-1, len(objective.names))
        longest = min(round(LONGEST / step), len(residual))
        white += float(np.square(residual).sum())
        correlated += sum(
            2 * (1 - k / longest) * float((residual[k:] * residual[:-k]).sum()) for k in range(1, longest)
        )
        asked = int((objective.weights[i] > 0).sum())
        hidden += asked * HIDDEN**2 * TOGETHER / max(1.0, step)
        points += asked
    return (white + max(0.0, correlated) + hidden) / points
