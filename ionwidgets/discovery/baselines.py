"""The named baselines: what one gets without a network, to be held against what discovery finds.

Every conductance is fitted at once, from the published values, to the same typical beats by the same cost
(`objective`, `plain_fit`); gates are left alone. "least-squares" goes there by Gauss-Newton, damped;
"cma-es" by a population (`cma_es`). Both have the cells' shifts and slow offsets as unknowns, as discovery
has. With a control recording they too begin at the cell that was fitted to it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ionwidgets.discovery.baseline_names import NAMES
from ionwidgets.discovery.change import Changes, scales
from ionwidgets.discovery.late_apd90 import late_apd90_by_length
from ionwidgets.discovery.objective import Objective, Point
from ionwidgets.discovery.plain_fit import own_changes, plain_fit
from ionwidgets.discovery.question import Question
from ionwidgets.errors import IonWidgetsError, SimulationError
from ionwidgets.simulation import simulate

Fit = Callable[[Objective, Callable[[float], None]], Point]


def check_baselines(names: Sequence[str]) -> None:
    """Refuse a baseline that there is not."""
    asked = [names] if isinstance(names, str) else list(names)
    if isinstance(names, str) or not set(asked) <= NAMES.keys():
        raise IonWidgetsError(
            f"baselines are a list of names, out of {', '.join(NAMES)}; found {', '.join(map(repr, asked))}; "
            "leave them out for none"
        )


def run_baseline(
    name: str,
    question: Question,
    *,
    discrepancy: tuple[float, float] = (0.0, 0.0),
    seed: int,
    predict_cl: Sequence[float],
    duration: float,
    alive: Callable[[], None],
    report: Callable[[float], None],
) -> dict[str, Any]:
    """One baseline, as the finding has it; `discrepancy`: as for `Objective`.

    name; seconds of the fit alone; cell_runs: simulated beats of one cell, their settling included;
    v_rmse_mV: model minus recording, outside the upstroke; scales: by current, with its parameter;
    predictions: APD90 [ms] by cycle length, None without action potentials.

    Raises
    ------
    TrainingError : the model does not run at the recorded cycle lengths.
    """
    fit = _fit(name, seed)
    objective = question.objective(discrepancy=discrepancy, alive=alive)
    started = time.perf_counter()
    point = fit(objective, report)
    seconds = time.perf_counter() - started
    cells = list(range(len(objective.beats)))
    cell_runs = objective.cell_runs
    (runs,) = objective.run([point], cells)
    errors = np.concatenate(objective.errors_V(runs))
    factors = scales(point.values)
    return {
        "name": name,
        "seconds": round(seconds, 2),
        "cell_runs": cell_runs,
        "v_rmse_mV": round(float(np.sqrt(np.square(errors).mean())), 4),
        "scales": [
            {"current": c.name, "parameter": c.conductance, "scale": round(factors[c.name], 4)}
            for c in question.model.currents
        ],
        "predictions": _predicted(question, point.values, predict_cl, duration),
    }


def _fit(name: str, seed: int) -> Fit:
    if name == "least-squares":
        return lambda objective, report: plain_fit(objective, {}, report).point
    # Here, so that nobody else waits for the library, nor is that wait counted.
    from ionwidgets.discovery.cma_es import cma_es

    return lambda objective, report: cma_es(objective, own_changes(objective.model), seed, report)


def _predicted(
    question: Question, values: Changes, cycle_lengths: Sequence[float], duration: float
) -> dict[str, float | None]:
    nothing: dict[str, float | None] = {f"{length:g}": None for length in cycle_lengths}
    if not nothing:
        return nothing
    try:
        paced = simulate(
            question.model, list(cycle_lengths), duration, scale=scales(values), variables=[],
            stimulus=question.stimulus,
        )  # fmt: skip
    except SimulationError:
        return nothing  # a baseline that does not run predicts nothing
    return late_apd90_by_length(paced, duration)
