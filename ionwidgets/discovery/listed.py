"""The changes that were found, in the units that people use, with their intervals."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ionwidgets.discovery.change import Change, Changes, current_of
from ionwidgets.models import IonicModel

# By kind of change: where a finding has the value and its interval.
FIELDS = {
    "scale": ("scale", "ci95"),
    "v_half": ("v_half_shift_mV", "v_half_shift_ci95"),
    "slope": ("slope_ratio", "slope_ratio_ci95"),
    "tau": ("tau_ratio", "tau_ratio_ci95"),
}
RATIOS = ("scale", "slope", "tau")


@dataclass(frozen=True)
class Listed:
    """A change; its current and parameter (the conductance, or the gate); its value, a ratio or mV; its 95 %
    interval, if there is one; what the recording cannot tell it from."""

    change: Change
    current: str
    parameter: str
    value: float
    interval: tuple[float, float] | None
    rivals: tuple[str, ...]

    @property
    def words(self) -> str:
        """``I_Kr (g_Kr) x0.249`` or ``gate f of I_CaL: V_half shifted by -6.03 mV``."""
        return in_words(self.change, self.current, self.parameter, self.value)


def in_words(change: Change, current: str, parameter: str, value: float) -> str:
    """A change of `value` in one phrase."""
    if change.kind == "scale":
        return f"{current}{f' ({parameter})' if parameter != current else ''} x{value:.3g}"
    how = {
        "v_half": f"V_half shifted by {value:+.3g} mV",
        "slope": f"slope of h_inf x{value:.3g}",
        "tau": f"tau x{value:.3g}",
    }[change.kind]
    return f"gate {change.target} of {current}: {how}"


def listed(model: IonicModel, changes: Changes, finding: Mapping[str, Any]) -> list[Listed]:
    """What was found in one cell, in the order of its finding."""
    entries = {(True, entry["current"]): entry for entry in finding["currents"]}
    entries |= {(False, entry["gate"]): entry for entry in finding["gates"]}
    conductances = {current.name: current.conductance for current in model.currents}
    found = []
    for change, value in changes.items():
        is_scale = change.kind == "scale"
        entry = entries[is_scale, change.target]
        parameter = (conductances[change.target] or change.target) if is_scale else change.target
        name = parameter if is_scale else f"gate:{parameter}"
        rivals = [other for pair in finding["confounded"] if name in pair for other in pair if other != name]
        interval = entry[FIELDS[change.kind][1]]
        found.append(
            Listed(
                change,
                current_of(model, change),
                parameter,
                math.exp(value) if change.kind in RATIOS else value,
                tuple(interval) if interval else None,
                tuple(rivals),
            )
        )
    return sorted(found, key=lambda one: entries[one.change.kind == "scale", one.change.target]["rank"])
