"""What is drawn of a result, in the order of what explains most: beats, gate curves, currents."""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

SHOWN_V: Final = (-100.0, 50.0)  # mV
POINTS: Final = 200  # of a gate curve
COMPARED: Final = (  # source, what the legend says, role
    ("recording", "recording", "recording"),
    ("control", "control model", "control"),
    ("found", "found change", "model"),
    ("neural ODE", "neural ODE", "neural"),
)
_LAST: Final = 10**6  # the rank of what has none

Curves = dict[str, tuple[NDArray, NDArray]]


class ShownGates(NamedTuple):
    """V [mV]; h_inf and tau [ms] by gate, before and after (None of a model alone); `names`: those that
    explain most first; titles by gate; visited: lowest and highest recorded V [mV], None where unknown."""

    V: NDArray
    before: Curves
    after: Curves | None
    names: list[str]
    titles: dict[str, str]
    visited: tuple[float, float] | None


def shown_gates(result: Any) -> ShownGates:
    """The curves over the potentials that a figure shows, not more points than it can show."""
    curves = result.gates()
    V = np.asarray(curves["V"], float)
    inside = np.flatnonzero((SHOWN_V[0] <= V) & (SHOWN_V[1] >= V))
    curves = curves.isel(V=inside[:: max(1, inside.size // POINTS)])
    before, after = (
        {
            str(gate): (np.asarray(one["h_inf"].sel(gate=gate)), np.asarray(one["tau"].sel(gate=gate)))
            for gate in np.asarray(curves["gate"])
        }
        for one in (curves.sel(source="control"), curves.sel(source="altered"))
    )
    recorded = result.recording["V"]
    in_mV = recorded.attrs.get("units", "mV") == "mV"
    visited = (float(np.nanmin(recorded)), float(np.nanmax(recorded))) if in_mV else None
    names = _most_important(result.finding, list(before))
    return ShownGates(np.asarray(curves["V"], float), before, after, names, titles_of(result.model), visited)


def model_gates(model: Any) -> ShownGates:
    """The curves of a model as published; of no recording."""
    V = np.linspace(*SHOWN_V, POINTS + 1)
    curves = model.gate_curves(V)
    return ShownGates(V, curves, None, list(curves), titles_of(model), None)


def titles_of(model: Any) -> dict[str, str]:
    """Gate -> "Xr1 of I_Kr", of those that have a current."""
    return {gate.name: f"{gate.name} of {gate.current}" for gate in model.gates if gate.current}


def shown_currents(
    result: Any, most: int | None = None, cycle_length: float | None = None
) -> tuple[NDArray, dict[str, NDArray], dict[str, NDArray]]:
    """Time [ms] along a recorded beat, the longest unless told, and currents [A/F] before and after, by rank;
    the first `most`, or all."""
    data = result.currents(cycle_length)
    ranked = [entry for entry in result.finding["currents"] if entry["current"] in data]
    ranked.sort(key=lambda entry: entry.get("rank") or _LAST)
    names = [entry["current"] for entry in ranked][:most]
    control, altered = (
        {name: np.asarray(data[name].sel(source=source)).ravel() for name in names}
        for source in ("control", "altered")
    )
    return np.asarray(data["time"], float), control, altered


def _most_important(finding: Any, gates: list[str]) -> list[str]:
    """Gates by rank, those of the current in the first place before others of equal rank."""
    current_rank = {entry["current"]: entry.get("rank") or _LAST for entry in finding["currents"]}
    best = {
        entry["gate"]: min(entry.get("rank") or _LAST, current_rank.get(entry.get("current"), _LAST))
        for entry in finding["gates"]
    }
    return sorted(gates, key=lambda gate: best.get(gate, _LAST))
