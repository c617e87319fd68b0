"""Retrainings that differ in the seed alone: what they agree on, and which finding is in use."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ionwidgets.discovery.sentences import headline
from ionwidgets.widgets.retrain.made import Made


@dataclass(frozen=True)
class SeedRun:
    """A seed and what came of it: a `Result` and what it was made with, or the reason why there is none."""

    seed: int
    result: Any
    reason: str = ""
    made: Made | None = None

    @property
    def found(self) -> frozenset[str]:
        """The currents and gates that were found to have changed."""
        return frozenset() if self.result is None else frozenset(_found(self.result.finding))

    @property
    def words(self) -> str:
        return self.reason if self.result is None else headline(self.result.finding)

    @property
    def misfit(self) -> float:
        """RMS of V that is left, mV."""
        fit = {} if self.result is None else self.result.finding.get("fit") or {}
        value = fit.get("v_rmse_mV")
        return float("inf") if value is None else float(value)


@dataclass(frozen=True)
class Agreement:
    """A change over the seeds: how many found it, and its scale in them, or its importance for a gate."""

    name: str
    seeds: tuple[int, ...]
    low: float | None
    high: float | None


def best_of(runs: Sequence[SeedRun]) -> SeedRun | None:
    """Of those that found what most found, the one that leaves least of V."""
    done = [run for run in runs if run.result is not None]
    if not done:
        return None
    votes = [sum(other.found == run.found for other in done) for run in done]
    agreeing = [run for run, count in zip(done, votes, strict=True) if count == max(votes)]
    return min(agreeing, key=lambda run: run.misfit)


def agreement(runs: Sequence[SeedRun]) -> list[Agreement]:
    """Every change that some seed found, the most often found first."""
    done = [run for run in runs if run.result is not None]
    names = dict.fromkeys(name for run in done for name in sorted(run.found))
    listed = []
    for name in names:
        having = [run for run in done if name in run.found]
        entries = [_found(run.result.finding)[name] for run in having]
        values = [entry["scale"] for entry in entries if entry.get("scale") is not None]
        seeds = tuple(run.seed for run in having)
        listed.append(Agreement(name, seeds, min(values, default=None), max(values, default=None)))
    return sorted(listed, key=lambda one: -len(one.seeds))


def _found(finding: Any) -> dict[str, Any]:
    """The entries of the changes that were found, by their names."""
    named = [(entry["current"], entry) for entry in finding["currents"]]
    named += [(f"gate {entry['gate']}", entry) for entry in finding["gates"]]
    if finding.get("verdict") != "changed":
        return {}
    return {name: entry for name, entry in named if entry.get("found")}
