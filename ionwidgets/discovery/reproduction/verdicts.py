"""What the numbers of a reproduction say: what counts as reached stands in `CLOSE` and `NEAR`."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any, Final

from ionwidgets.figures.paper import DECODERS

CLOSE: Final = 5.0  # ms of APD90 that still count as matched
NEAR: Final = 0.2  # share of the true ratio by which a current may be off

Json = Mapping[str, Any]


def decoders_of(experiments: Iterable[Json]) -> list[str]:
    """Decoders that any of the runs has, in the order of `DECODERS`."""
    present = {run["decoder"] for experiment in experiments for run in experiment["runs"]}
    return [decoder for decoder in DECODERS if decoder in present]


def best_run(experiment: Json, decoder: str) -> Json | None:
    """The run of the decoder's best eta; None where the decoder has none."""
    best = experiment["best"].get(decoder)
    if not best:
        return None
    runs = (run for run in experiment["runs"] if run["decoder"] == decoder)
    return next((run for run in runs if math.isclose(run["eta"], best["eta"])), None)


def follows(run: Json) -> bool:
    """Whether the neural ODE meets the cell's APD90 wherever it was measured."""
    return all(error is not None and abs(error) <= CLOSE for error in run["apd90_error_ms"].values())


def most_changed(ratios: Mapping[str, float | None]) -> str | None:
    """The current whose ratio is furthest from 1, a half as far as a double."""

    def distance(current: str) -> float:
        ratio = ratios[current]
        if ratio is None or math.isnan(ratio):
            return -1.0
        return abs(math.log(ratio)) if ratio > 0.0 else math.inf

    current = max(ratios, key=distance, default=None)
    return current if current is not None and distance(current) > 0.0 else None


def is_near(ratio: float | None, truth: float) -> bool:
    return ratio is not None and abs(ratio - truth) <= NEAR * truth


def finds_the_change(run: Json, experiment: Json) -> bool:
    """Whether the changed current's ratio is near the true one."""
    current = experiment["current"]
    return is_near(run["current_ratios"].get(current), experiment["true_ratios"][current])
