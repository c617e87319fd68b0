"""Numbers and findings in words: every number with its unit, every sentence fit for the screen."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from html import escape
from typing import Any

Finding = Mapping[str, Any]

_RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def number(value: float | None, unit: str = "", digits: int = 3) -> str:
    """`value` to so many significant digits, with its unit; an en dash where there is none."""
    if value is None or not math.isfinite(value):
        return "–"
    if value != 0 and not 1e-3 <= abs(value) < 1e5:
        mantissa, _, exponent = f"{value:.{digits - 1}e}".partition("e")
        text = f"{mantissa}×10{str(int(exponent)).translate(_RAISED)}"
    else:
        decimals = max(0, digits - 1 - (math.floor(math.log10(abs(value))) if value else 0))
        text = f"{value:.{decimals}f}"
        text = text.rstrip("0").rstrip(".") if "." in text else text
    return text.replace("-", "−") + (f" {unit}" if unit else "")


def signed(value: float | None, unit: str = "", digits: int = 2) -> str:
    """As `number`, with a plus sign where it is positive."""
    text = number(value, unit, digits)
    return f"+{text}" if value is not None and math.isfinite(value) and value > 0 else text


def tenths(value: float, unit: str) -> str:
    """A change, with its sign, to one decimal."""
    return (f"{value:+.1f}" if abs(value) >= 0.05 else "0").replace("-", "−") + f" {unit}"


def percent(value: float | None) -> str:
    """A fraction in percent: 0.253 -> "25 %"."""
    return "–" if value is None or not math.isfinite(value) else f"{100 * value:.0f} %"


def duration(seconds: float) -> str:
    """Seconds for a status line: "3 s", "2 min 05 s"."""
    whole = max(0, round(seconds))
    return f"{whole} s" if whole < 60 else f"{whole // 60} min {whole % 60:02d} s"


def quantity(value: float, unit: str, digits: int = 3) -> str:
    """As `number`, with the unit as a model has it."""
    return number(value, unit_words(unit), digits)


def unit_words(unit: str) -> str:
    """A unit as it is printed: uA/cm^2 -> µA/cm², and nothing for 1."""
    if unit == "1":
        return ""
    raised = re.sub(r"\^(-?\d+)", lambda power: power[1].translate(_RAISED), unit).replace("*", "·")
    return re.sub(r"\bu(?=[A-Za-z])", "µ", raised)


def brief(title: str, longest: int = 45) -> str:
    """A title that a picker has room for: many authors become "et al.", what is left over an ellipsis."""
    if len(title) > longest:
        title = re.sub(r"^([^\s-]+)-\S+(?= )", r"\1 et al.", title)
    return title if len(title) <= longest else title[: longest - 2].rstrip() + " …"


def symbol(name: str) -> str:
    """A scientific name as HTML, escaped, with what follows the underscore lowered: I_Kr, g_CaL."""
    head, separator, tail = name.partition("_")
    return f"{escape(head)}<sub>{escape(tail)}</sub>" if separator else escape(head)


def first_finding(finding: Finding) -> Mapping[str, Any] | None:
    """The entry of rank 1 among currents and gates."""
    ranked = [entry for entry in (*finding["currents"], *finding["gates"]) if entry.get("rank")]
    return min(ranked, key=lambda entry: entry["rank"], default=None)


def headline(finding: Finding) -> str:
    """The finding in one plain sentence."""
    if finding["verdict"] == "unchanged":
        return "Nothing has changed: the model explains this recording as it stands."
    if finding["verdict"] == "unexplained":
        return "No change of currents and gates of this model explains the recording."
    first = first_finding(finding)
    if first is None:
        return "The cell has changed, but no single current or gate stands out."
    entries = [entry for entry in (*finding["currents"], *finding["gates"]) if entry.get("found")]
    entries.sort(key=lambda entry: entry["rank"])
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
    shift, tau = entry.get("v_half_shift_mV"), entry.get("tau_ratio")
    if shift is not None and abs(shift) >= 0.5:
        changes.append(f"half-activation is shifted by {signed(shift, 'mV')}")
    if tau is not None and abs(math.log(tau)) >= math.log(1.05):
        changes.append(f"time constant is {number(tau, digits=3)} times control")
    return f"{gate}: {' and '.join(changes) or 'its curves have changed'}."


def _interval(ci: Any) -> str:
    if not ci or any(bound is None or not math.isfinite(bound) for bound in ci):
        return ""
    return f" (95 % interval {100 * ci[0]:.0f}–{100 * ci[1]:.0f} %)"


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
        parts.append(f"Model and recording then differ by {number(fit['v_rmse_mV'], 'mV')} (RMS).")
    errors = [abs(e) for e in (fit.get("apd90_error_ms") or {}).values() if e is not None]
    if errors:
        parts.append(f"APD90 is met within {number(max(errors), 'ms', 2)}.")
    return " ".join(parts)
