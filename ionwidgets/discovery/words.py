"""A finding in words, for the command line."""

from __future__ import annotations

from collections.abc import Mapping
from math import log
from typing import Any

from ionwidgets.discovery.sentences import ranked, setup

_VERDICTS = {
    "changed": "Something changed in this cell.",
    "unchanged": "No change beyond what noise gives.",
    "unexplained": "The model cannot produce this recording.",
}


def in_words(finding: dict[str, Any]) -> str:
    """The verdict, the five that explain most, predictions and warnings."""
    model = ":".join(filter(None, (finding["model"], finding["variant"])))
    recording = finding["recording"]["file"] or "the recording"
    lines = [f"{model} against {recording}: {_VERDICTS[finding['verdict']]}"]
    if told := setup(finding):
        lines.append(f"  under {told}")
    if finding.get("control"):
        lines.append(_before(finding["control"]))
    for entry in ranked(finding)[:5]:
        share = f"alone it explains {100 * (entry['importance'] or 0.0):.1f} % of the difference"
        lines.append(f"  {entry['rank']}. {_change(entry)}; {share}")
    lines.append(f"  fit: V RMSE {finding['fit']['v_rmse_mV']:.2f} mV")
    for cycle_length, prediction in finding["predictions"].items():
        apd90 = prediction["apd90_ms"]
        lines.append(
            f"  predicted at CL {cycle_length} ms: APD90 {'none' if apd90 is None else f'{apd90:.1f} ms'}"
        )
    lines += [f"  warning: {warning}" for warning in finding["warnings"]]
    return "\n".join(lines)


def _before(control: dict[str, Any]) -> str:
    """How the cell differed from the model before the change: the three currents that differ most."""
    entries = sorted(control["currents"], key=lambda entry: -abs(log(entry["scale"])))[:3]
    own = ", ".join(f"{entry['current']} x{entry['scale']:.2f}" for entry in entries)
    return (
        f"  against the cell before the change, {control['file'] or 'its recording'}: {own}, ...; "
        f"V off by {control['v_left_mV']:.2f} mV"
    )


def _change(entry: Mapping[str, Any]) -> str:
    if "gate" in entry:
        shift, ratio = entry["v_half_shift_mV"], entry["tau_ratio"]
        known = (
            f"V_half {shift:+.1f} mV, tau x{ratio:.2f}"
            if shift is not None and ratio is not None
            else "not estimated"
        )
        return f"gate {entry['gate']} of {entry['current']}: {known}"
    if entry["scale"] is None:
        return f"{entry['current']}: not estimated"
    low, high = entry["ci95"]
    scale = f"x{entry['scale']:.3f}, 95 % interval {low:.3f} to {high:.3f}"
    name = f"{entry['current']} ({entry['parameter']})" if entry["parameter"] else entry["current"]
    return f"{name} {scale}"
