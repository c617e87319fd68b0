"""A finding in sentences for a screen: what changed, how much, and how well that explains the recording."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from ionwidgets.numbers import number, percent, signed

Finding = Mapping[str, Any]

_DIFFER = {
    "changed": "Model and recording then differ",
    "unchanged": "Model and recording differ",
    "unexplained": "At the model's best, it and the recording differ",
}

LEAST_TOLD = 0.01  # mV or ms; an error that is smaller matters to nobody
INSEPARABLE = "cannot be told apart from this recording"  # what is said of a confounded pair


def ranked(finding: Finding) -> list[Mapping[str, Any]]:
    """Currents and gates together that have a rank, the one that explains most first."""
    entries = [entry for entry in (*finding["currents"], *finding["gates"]) if entry.get("rank")]
    return sorted(entries, key=lambda entry: entry["rank"])


def first_finding(finding: Finding) -> Mapping[str, Any] | None:
    """The entry of rank 1 among currents and gates."""
    return next(iter(ranked(finding)), None)


def setup(finding: Finding) -> str:
    """How the cell was recorded, as far as it was said: "K_o=4; junction potential -4 mV"; else ""."""
    conditions = finding.get("conditions")
    if not conditions:
        return ""
    parts = [f"{name}={value:g}" for name, value in conditions["constants"].items()]
    if conditions["junction_potential_mV"] is not None:
        parts.append(f"junction potential {conditions['junction_potential_mV']:g} mV, taken off V")
    if leak := conditions["leak"]:
        parts.append(f"leak of the seal {leak['g_nS_per_pF']:g} nS/pF, reversing at {leak['E_mV']:g} mV")
    return "; ".join(parts)


def headline(finding: Finding) -> str:
    """The finding in one plain sentence."""
    if finding["verdict"] == "unchanged":
        return "Nothing has changed: the model explains this recording as it stands."
    if finding["verdict"] == "unexplained":
        return "No change of currents and gates of this model explains the recording."
    first = first_finding(finding)
    if first is None:
        return "The cell has changed, but no single current or gate stands out."
    entries = [entry for entry in ranked(finding) if entry.get("found")]
    told = [_gate_headline(e) if "gate" in e else _current_headline(e) for e in entries or [first]]
    return " ".join(told)


def _current_headline(entry: Mapping[str, Any]) -> str:
    name, scale = entry["current"], entry.get("scale")
    if scale is None:
        return f"{name} has changed."
    if scale < 0.02:
        return f"{name} is blocked."
    direction = "down to" if scale < 1 else "up to"
    return f"{name} is {direction} {percent(scale)} of control{_interval(entry.get('ci95'))}."


def _gate_headline(entry: Mapping[str, Any]) -> str:
    gate = f"Gate {entry['gate']} of {entry['current']}" if entry.get("current") else f"Gate {entry['gate']}"
    changes = []
    shift, slope, tau = (_found(entry, key) for key in ("v_half_shift_mV", "slope_ratio", "tau_ratio"))
    if shift is not None:
        changes.append(f"half-activation is shifted by {signed(shift, 'mV')}")
    if slope is not None:
        changes.append(f"slope at half-activation is {number(slope, digits=3)} times control")
    if tau is not None:
        changes.append(f"time constant is {number(tau, digits=3)} times control")
    return f"{gate}: {' and '.join(changes) or 'its curves have changed'}."


def _found(entry: Mapping[str, Any], key: str) -> float | None:
    """The value if it is one of what was found of the gate, not only what else would fit beside that."""
    return entry.get(key) if key in entry.get("found_in", ()) else None


def _interval(ci: Any) -> str:
    if not ci or any(bound is None or not math.isfinite(bound) for bound in ci):
        return ""
    # As many decimals as tell the two apart.
    told = ([f"{100 * bound:.{decimals}f}" for bound in ci] for decimals in range(3))
    low, high = next((pair for pair in told if pair[0] != pair[1]), [f"{100 * bound:.2f}" for bound in ci])
    return f" (95 % interval {low}–{high} %)"


def explanation(finding: Finding) -> str:
    """The line under the headline: how much it explains, and how well model and finding fit the recording."""
    parts = []
    first = first_finding(finding)
    if finding["verdict"] == "changed" and first is not None and first.get("importance") is not None:
        of = (
            "The first"
            if sum(bool(e.get("found")) for e in (*finding["currents"], *finding["gates"])) > 1
            else "This"
        )
        parts.append(f"{of} alone explains {percent(first['importance'])} of the observed difference.")
    fit = finding.get("fit") or {}
    if fit.get("v_rmse_mV") is not None:
        off = fit["v_rmse_mV"]
        told = number(off, "mV") if off >= LEAST_TOLD else f"less than {LEAST_TOLD} mV"
        parts.append(f"{_DIFFER[finding['verdict']]} by {told} (RMS).")
    errors = [abs(e) for e in (fit.get("apd90_error_ms") or {}).values() if e is not None]
    if errors:
        how = "off by up to" if finding["verdict"] == "unexplained" else "met within"
        parts.append(f"APD90 is {how} {number(max(*errors, LEAST_TOLD), 'ms', 2)}.")
    return " ".join(parts)
