"""The baselines of a finding beside the finding itself, as rows for a screen or a page."""

from __future__ import annotations

from collections.abc import Mapping
from math import log
from typing import Any, NamedTuple

from ionwidgets.discovery.baseline_names import NAMES

MOVED = 0.1  # of a scale: a current that a fit moves by more is named as changed
NAMED = 3  # currents, those that are moved furthest


class Row(NamedTuple):
    """Who fitted; s; RMS of V [mV]; what it says has changed; predicted APD90 [ms] by cycle length."""

    name: str
    seconds: float
    v_rmse: float
    changed: str
    apd90: Mapping[str, float | None]


def told_baselines(finding: Mapping[str, Any]) -> list[Row]:
    """Discovery first, then every baseline; nothing where none was asked for."""
    baselines = finding.get("baselines") or []
    if not baselines:
        return []
    apd90 = {length: one["apd90_ms"] for length, one in finding["predictions"].items()}
    found = [entry for entry in (*finding["currents"], *finding["gates"]) if entry.get("found")]
    said = ", ".join(_named(entry) for entry in found) if finding["verdict"] == "changed" else ""
    rows = [
        Row(
            "discover",
            finding["elapsed_s"],
            finding["fit"]["v_rmse_mV"],
            said or str(finding["verdict"]),
            apd90,
        )
    ]
    for one in baselines:
        rows.append(
            Row(NAMES[one["name"]], one["seconds"], one["v_rmse_mV"], _moved(one), one["predictions"])
        )
    return rows


def moved(baseline: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The currents that a baseline moves by more than a tenth, the furthest first."""
    far = [entry for entry in baseline["scales"] if abs(entry["scale"] - 1) > MOVED]
    return sorted(far, key=lambda entry: -abs(log(max(entry["scale"], 1e-9))))


def _moved(baseline: Mapping[str, Any]) -> str:
    far = moved(baseline)
    said = ", ".join(_named(entry) for entry in far[:NAMED])
    others = len(far) - NAMED
    return said + (f" and {others} more" if others > 0 else "") if far else "nothing by more than 10 %"


def _named(entry: Mapping[str, Any]) -> str:
    return f"gate {entry['gate']}" if "gate" in entry else f"{entry['current']} x{entry['scale']:.2f}"
