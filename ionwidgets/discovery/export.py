"""The altered model as a file for other programs, which says in its own description what was changed.

A changed gate's equations are the model's own, with V shifted and stretched about V_half in the steady state
and the time constant multiplied: nothing is fitted.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import myokit

from ionwidgets.discovery.listed import Listed, interval_in_words, listed
from ionwidgets.discovery.sentences import setup
from ionwidgets.models import IonicModel

if TYPE_CHECKING:
    from ionwidgets.discovery.result import Result

EXACT = (
    "Equations of a changed gate are the model's own, with V shifted in the steady state, stretched about "
    "V_half where the slope is another, and the time constant multiplied: exact, no fitted curve."
)

INJECTED = ", where the recorded cell was given what was injected (I_inj), which is not in this file"


def described_model(result: Result) -> IonicModel:
    """The altered model, its stimulus that of the recording, with the change in its description.

    Raises
    ------
    IonWidgetsError : nothing was found, because the model does not explain the recording.
    """
    found = listed(result.model, result.changes, result.finding)
    exact = [EXACT] if any(one.change.kind != "scale" for one in found) else []
    off = result.finding["fit"]["v_rmse_mV"]
    return with_description(result.altered_model(), result, [_changes(found), *exact, v_off(off)])


def with_description(model: IonicModel, result: Result, told: Iterable[str]) -> IonicModel:
    """A copy of `model` paced as the recorded cell was, whose description begins with what `told` says."""
    equations = model.equations.clone()
    if result.stimulus is not None:
        for label, value in zip(("stimulus_amplitude", "stimulus_duration"), result.stimulus, strict=True):
            held = equations.label(label)
            held.set_rhs(myokit.Number(value, held.unit()))
    # A file is one cell: the library's recipes for the others would be of no use in it.
    of_the_library = {key for key in equations.meta if key == "variants" or key.startswith("variant_")}
    meta = {key: value for key, value in equations.meta.items() if key not in of_the_library}
    lines = [f"{model.key}, altered.", *told, _origin(result), meta.get("desc", "")]
    meta["desc"] = "\n".join(plain(line) for line in lines if line)
    equations.meta = meta
    return IonicModel(equations, model.name, model.variant)


def v_off(rmse: float | None) -> str:
    """How far V is from the recording [mV]; "" where that is not known."""
    return "" if rmse is None else f"V is off the recording by {rmse:.3g} mV RMS."


def plain(text: str) -> str:
    """The text in one line that can stand in quotation marks in any of the formats."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split()).replace('"', "'")


def _changes(found: list[Listed]) -> str:
    if not found:
        return "Changes: none; the recording shows no change beyond what noise gives."
    return f"Changes: {'; '.join(one.words + _interval(one) for one in found)}."


def _interval(one: Listed) -> str:
    return "" if one.interval is None else f" ({interval_in_words(one.change.kind, one.interval)})"


def _origin(result: Result) -> str:
    finding = result.finding
    recording, versions = finding["recording"], finding["versions"]
    lengths = ", ".join(f"{length:g}" for length in recording["cycle_lengths_ms"])
    under = setup(finding)
    against = f"the published model{f' under {under}' if under else ''} (hash {finding['model_hash']})"
    if control := finding.get("control"):
        against = f"the same cell before the change ({control['file'] or 'a recording'}): {_own(control)}"
        against += f", under {under}" if under else ""
    amplitude, duration = result.stimulus or (result.model.stimulus.amplitude, result.model.stimulus.duration)
    return (
        f"Found in {recording['file'] or 'a recording'} ({' and '.join(recording['observables'])} at cycle "
        f"lengths {lengths} ms), against {against}; stimulus {amplitude:g} A/F for {duration:g} ms"
        f"{INJECTED if 'I_inj' in result.recording else ''}. "
        f"Made with {', '.join(f'{name} {version}' for name, version in versions.items())}."
    )


def _own(control: Mapping[str, Any]) -> str:
    """The cell's own conductances, by how much they differ from the published ones."""
    entries = sorted(control["currents"], key=lambda entry: -abs(math.log(entry["scale"])))
    return ", ".join(f"{entry['parameter'] or entry['current']} x{entry['scale']:.3g}" for entry in entries)
