"""The changes that were found, in the units that people use, with their intervals."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
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
    return f"{place_in_words(change.kind, current, parameter)} {size_in_words(change.kind, value)}"


def place_in_words(kind: str, current: str, parameter: str | None) -> str:
    """``I_Kr (g_Kr)``, whose scale follows, or ``gate f of I_CaL:``."""
    if kind != "scale":
        return f"gate {parameter} of {current}:"
    return f"{current} ({parameter})" if parameter not in (None, current) else current


def size_in_words(kind: str, value: float) -> str:
    """``x0.249``, ``V_half shifted by -6.03 mV`` and so on."""
    return {
        "scale": f"x{value:.3g}",
        "v_half": f"V_half shifted by {value:+.3g} mV",
        "slope": f"slope of h_inf x{value:.3g}",
        "tau": f"tau x{value:.3g}",
    }[kind]


def interval_in_words(kind: str, interval: Sequence[float]) -> str:
    """``95 % interval 0.24 to 0.259``."""
    low, high = interval
    return f"95 % interval {low:.3g} to {high:.3g}{' mV' if kind == 'v_half' else ''}"


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
