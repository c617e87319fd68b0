"""How often a 95 % interval holds the truth: many recordings of the same cells, each with noise of its own.

``make score ARGS="--coverage 240"``. Every cell of the set with a change of its own (a conductance, two, a
gate shifted, made steeper or slowed) is recorded again and again; the true change is fitted as `discover`
fits what it settles on, from zero. Without noise a cell is recorded once. Three numbers a line: fits,
intervals that hold the truth, and the root mean square of (found - truth) / standard error, 1 where an
interval is as wide as it should be.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import xarray as xr
from discovery.score.cases import CELL, NOISE_CA, NOISE_V, SETS, Case, cases
from discovery.score.recorded import SAMPLE, clean, recorded

from ionwidgets.discovery.change import Change
from ionwidgets.discovery.gauss_newton import fit
from ionwidgets.discovery.question import ask, put_to
from ionwidgets.discovery.search import ITERATIONS, SETTLED, settled
from ionwidgets.models import IonicModel, load_model

KINDS = ("scale", "pair", "shift", "slope", "slow")
# Share of the noise of the noisy cases, and ms between samples.
CONDITIONS = ((1.0, SAMPLE), (0.4, SAMPLE), (0.0, SAMPLE), (1.0, 0.5), (1.0, 2.0))


@dataclass(frozen=True)
class Held:
    """One interval: (found - truth) / standard error, and of what kind of change; NaN where no fit ran."""

    kind: str
    z: float

    @property
    def inside(self) -> bool:
        return abs(self.z) <= 1.96


def coverage(which: str, folder: Path, fits: int, share: float, sample: float) -> list[Held]:
    """The intervals of so many fits, the cells in turn."""
    owed = [c for c in cases(which) if c.kind in KINDS and recorded(c, which, folder).matters]
    asked = [(case, turn) for turn in range(-(-fits // len(owed))) for case in owed][:fits]
    if not share:
        asked = asked[: len(owed)]
    return [held for case, turn in asked for held in _fitted(case, which, folder, turn, share, sample)]


def lines(which: str, folder: Path, fits: int) -> Iterator[str]:
    """A line for every condition, then one for every kind of change over all of them."""
    every: list[Held] = []
    for share, sample in CONDITIONS:
        some = coverage(which, folder, fits, share, sample)
        every += some
        yield _line(f"noise {share * NOISE_V:g} mV, a sample every {sample:g} ms", some)
    for kind in KINDS:
        yield _line(kind, [held for held in every if held.kind == kind])


def _line(name: str, some: list[Held]) -> str:
    share = np.mean([held.inside for held in some])
    spread = np.sqrt(np.mean(np.square([held.z for held in some])))
    inside = sum(held.inside for held in some)
    return f"{name:38} {inside} of {len(some)} hold the truth ({share:.1%}; goal 90-99 %), rms {spread:.2f}"


def _fitted(case: Case, which: str, folder: Path, turn: int, share: float, sample: float) -> Iterator[Held]:
    model = load_model(CELL)
    recording = _noisy(case, which, folder, turn, share, sample)
    objective = put_to(model, ask(model, recording, None, None)).objective()
    truth = true_changes(model, case)
    (near,) = fit(objective, [dict.fromkeys(truth, 0.0)], iterations=SETTLED, free=False)
    (found,) = fit(objective, [near.point], iterations=ITERATIONS) if near is not None else (None,)
    found = settled(objective, found) if found is not None else None
    errors = {} if found is None else found.standard_errors(objective)
    for change, value in truth.items():
        z = np.nan if found is None else (found.values[change] - value) / errors[change]
        yield Held(case.kind, float(z))


def true_changes(model: IonicModel, case: Case) -> dict[Change, float]:
    """What was done to the cell, in the terms of a fit."""
    current = {c.conductance: c.name for c in model.currents}
    return (
        {Change("scale", current[name]): float(np.log(factor)) for name, factor in case.scale.items()}
        | {Change("v_half", gate): moved for gate, moved in case.shift.items()}
        | {Change("slope", gate): float(np.log(ratio)) for gate, ratio in case.steep.items()}
        | {Change("tau", gate): float(np.log(ratio)) for gate, ratio in case.slow.items()}
    )


def _noisy(case: Case, which: str, folder: Path, turn: int, share: float, sample: float) -> xr.Dataset:
    rng = np.random.default_rng([SETS[which], turn, *replace(case, kind="coverage").name.encode()])
    recording = clean(case, which, folder, sample)[["V", "Ca_i"]]
    for name, size in (("V", NOISE_V), ("Ca_i", NOISE_CA * np.ptp(recording["Ca_i"].values))):
        recording[name].values += share * float(size) * rng.standard_normal(recording[name].shape)
    return recording
