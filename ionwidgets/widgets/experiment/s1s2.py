"""Restitution by S1S2 of control and altered cell."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ionwidgets.widgets.experiment.state import Question


@dataclass(frozen=True)
class Curve:
    """S2 [ms], diastolic interval [ms] and APD90 [ms], (N,) each; NaN where S2 has not caught."""

    interval: NDArray[np.float64]
    DI: NDArray[np.float64]
    APD90: NDArray[np.float64]

    @property
    def slope(self) -> float:
        """The steepest rise of APD90 over DI; above 1, alternans may follow (Nolasco and Dahl 1968)."""
        known = np.isfinite(self.DI) & np.isfinite(self.APD90)
        order = np.argsort(self.DI[known])
        DI, APD90 = self.DI[known][order], self.APD90[known][order]
        apart = np.diff(DI) > 0
        return float(np.max(np.diff(APD90)[apart] / np.diff(DI)[apart])) if np.any(apart) else np.nan


@dataclass(frozen=True)
class Restitutions:
    """Of the two cells, after `beats` S1 of `cycle_length` ms."""

    cycle_length: float
    beats: int
    s2: tuple[float, ...]
    control: Curve
    altered: Curve


def is_s1s2(question: Question) -> bool:
    """Whether this is asked for."""
    return bool(question.protocol["kind"] == "S1S2")


def restitutions(question: Question, before: Restitutions | None) -> Restitutions:
    """Simulate both cells; the control of `before` where it is the same."""
    protocol = question.protocol
    place = question.cycle_length, int(protocol["beats"]), tuple(sorted(set(protocol["s2"])))
    same = before is not None and (before.cycle_length, before.beats, before.s2) == place
    control = before.control if same and before else _curve(question, place, {})
    altered = _curve(question, place, question.factors) if question.factors else control
    return Restitutions(*place, control, altered)


def _curve(
    question: Question, place: tuple[float, int, tuple[float, ...]], factors: dict[str, float]
) -> Curve:
    from ionwidgets.simulation import S1S2, restitution, simulate

    cycle_length, beats, s2 = place
    table = restitution(
        simulate(
            question.model,
            protocol=S1S2(s1=cycle_length, beats=beats, s2=list(s2)),
            scale=factors or None,
            variables=[],
        )
    )
    return Curve(*(table[name].to_numpy(dtype=float) for name in ("interval", "DI", "APD90")))
