"""Every change of a finding as a table prints it: what was found of it, how surely, what it explains."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

from ionwidgets.discovery.sentences import ranked
from ionwidgets.numbers import number, signed


class Told(NamedTuple):
    """`gate`: whether it is one; `of`: the gate's current, or the current's conductance, "" where unknown.

    found, intervals: a line for each thing estimated (×scale; V½, slope and τ); entry: as the finding has it.
    """

    gate: bool
    name: str
    of: str
    found: list[str]
    intervals: list[str]
    entry: Mapping[str, Any]


def told_changes(finding: Mapping[str, Any]) -> list[Told]:
    """Those that have a rank, by rank."""
    return [told_change(entry) for entry in ranked(finding)]


def told_change(entry: Mapping[str, Any]) -> Told:
    """One of them, or a current of the cell before the change."""
    found: list[str] = []
    intervals: list[str] = []

    def tell(text: str, ci: Any, before: str, unit: str = "") -> None:
        found.append(text)
        intervals.extend(_range(ci, before, unit))

    if "gate" not in entry:
        if entry.get("scale") is not None:
            tell(f"×{number(entry['scale'])}", entry.get("ci95"), "×")
        return Told(False, entry["current"], entry.get("parameter") or "", found, intervals, entry)
    if entry.get("v_half_shift_mV") is not None:
        tell(f"V½ {signed(entry['v_half_shift_mV'], 'mV')}", entry.get("v_half_shift_ci95"), "", " mV")
    if entry.get("slope_ratio") is not None:
        tell(f"slope ×{number(entry['slope_ratio'])}", entry.get("slope_ratio_ci95"), "×")
    if entry.get("tau_ratio") is not None:
        tell(f"τ ×{number(entry['tau_ratio'])}", entry.get("tau_ratio_ci95"), "×")
    return Told(True, entry["gate"], entry.get("current") or "", found, intervals, entry)


def _range(ci: Any, before: str, unit: str) -> list[str]:
    if not ci or any(bound is None or not math.isfinite(bound) for bound in ci):
        return []
    low, high = (number(bound) for bound in ci)
    return [f"{before}{low} to {high}{unit}"]
