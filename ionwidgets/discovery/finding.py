"""The finding as a document, ``ionwidgets/finding/1``: fields may be added, unknown is null, never NaN."""

from __future__ import annotations

from typing import Any

import myokit
import numba
import numpy as np
import torch
import xarray as xr
from numpy.typing import NDArray

from ionwidgets._version import __version__
from ionwidgets.discovery.beat_apd90 import beat_apd90
from ionwidgets.discovery.change import OF_CURVES, PULSE, WIDEST, Change
from ionwidgets.discovery.judge import FAR_OFF, Judged
from ionwidgets.discovery.listed import FIELDS
from ionwidgets.discovery.objective import Objective
from ionwidgets.discovery.sentences import INSEPARABLE
from ionwidgets.discovery.settle import Settled
from ionwidgets.models import IonicModel
from ionwidgets.recordings.typical_beat import TypicalBeat

SCHEMA = "ionwidgets/finding/1"
INTERVALS = "95 %, Gauss-Newton: from the curvature of the fit through the ODE and what it leaves over"
OF_CURVE = {"v_half": "V_half", "slope": "slope", "tau": "tau"}
HINT = 0.3  # mV RMS of V beyond noise: a finding that leaves more is a hint


def write_finding(
    settled: Settled, recording: xr.Dataset, warnings: list[str], about: dict[str, Any]
) -> dict[str, Any]:
    """The document; intervals are Gauss-Newton's, 1.96 standard errors, given the found changes."""
    objective, judged, retrained = settled.objective, settled.judged, settled.retrained
    model = objective.model
    # One place for a current's scale and one for a gate, whichever of its changes explains more.
    entries = dict.fromkeys((change.kind == "scale", change.target) for change in judged.order)
    rank = {entry: place for place, entry in enumerate(entries, start=1)}
    fitted = [
        (run.traces[: beat.time.size, 0], beat)
        for run, beat in zip(judged.best.runs, objective.beats, strict=True)
    ]
    return {
        "schema": SCHEMA,
        "model": model.name,
        "variant": model.variant,
        "model_hash": model.hash,
        **about,
        "versions": {
            "ionwidgets": __version__,
            "torch": torch.__version__.partition("+")[0],
            "numba": numba.__version__,
            "myokit": myokit.__version__,
        },
        "recording": {
            "file": recording.attrs.get("source"),
            "cycle_lengths_ms": [beat.cycle_length for beat in objective.beats],
            "observables": objective.names,
        },
        "verdict": judged.verdict,
        "intervals": INTERVALS,
        "currents": _currents(model, judged, rank),
        "gates": _gates(model, judged, rank),
        "confounded": [
            *([_name(model, c), rival] for c in judged.changes for rival in _rivals(model, judged)),
            *([_name(model, c), PULSE.target] for c in judged.changes if c in settled.like_stimulus),
        ],
        "fit": {
            "v_rmse_mV": round(judged.best.rmse(objective), 4),
            "apd90_error_ms": {
                f"{b.cycle_length:g}": _number(beat_apd90(V, b.time) - beat_apd90(b.V, b.time), 3)
                for V, b in fitted
            },
        },
        "network": {
            "explained": {name: _number(share, 4) for name, share in retrained.explained.items()},
            "residual_before": _number(retrained.residual_before, 8),
            "residual_after": _number(retrained.residual_after, 8),
        },
        "warnings": [
            *warnings,
            *_remarks(objective, judged, fitted),
            *_of_stimulus(objective, judged, settled.like_stimulus),
        ],
    }


def _currents(model: IonicModel, judged: Judged, rank: dict[tuple[bool, str], int]) -> list[dict[str, Any]]:
    entries = []
    for current in model.currents:
        change = Change("scale", current.name)
        scale, interval = _ratio(judged, change)
        entries.append(
            {
                "current": current.name,
                "parameter": current.conductance,
                "scale": scale,
                "ci95": interval,
                "importance": _number(judged.importance.get(change), 4),
                "alone": _number(judged.alone.get(change), 4),
                "found": change in judged.changes,
                "rank": rank[True, current.name],
            }
        )
    return _ranked(entries)


def _gates(model: IonicModel, judged: Judged, rank: dict[tuple[bool, str], int]) -> list[dict[str, Any]]:
    entries = []
    for gate in model.gates:
        kinds = tuple(Change(kind, gate.name) for kind in OF_CURVES)
        (moved, moved_interval), (steeper, steeper_interval), (slowed, slowed_interval) = (
            _shift(judged, kinds[0]), _ratio(judged, kinds[1]), _ratio(judged, kinds[2])
        )  # fmt: skip
        entries.append(
            {
                "gate": gate.name,
                "current": gate.current,
                "v_half_shift_mV": moved,
                "v_half_shift_ci95": moved_interval,
                "slope_ratio": steeper,
                "slope_ratio_ci95": steeper_interval,
                "tau_ratio": slowed,
                "tau_ratio_ci95": slowed_interval,
                "importance": _largest(judged.importance, kinds),
                "alone": _largest(judged.alone, kinds),
                "found": any(change in judged.changes for change in kinds),
                "found_in": [FIELDS[c.kind][0] for c in kinds if c in judged.changes],
                "rank": rank.get((False, gate.name)),
            }
        )
    return _ranked(entries)


def _largest(shares: dict[Change, float], kinds: tuple[Change, ...]) -> float | None:
    return _number(max((shares[change] for change in kinds if change in shares), default=None), 4)


def _ranked(entries: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return sorted(entries, key=lambda entry: (entry["rank"] is None, entry["rank"]))


def _ratio(judged: Judged, change: Change) -> tuple[float | None, list[float] | None]:
    if change not in judged.values or judged.verdict == "unexplained":
        return None, None
    low, value, high = _interval(judged, change)
    limits = [float(np.exp(np.clip(x, -WIDEST, WIDEST))) for x in (low, value, high)]
    return round(limits[1], 4), [round(limits[0], 4), round(limits[2], 4)]


def _shift(judged: Judged, change: Change) -> tuple[float | None, list[float] | None]:
    if change not in judged.values or judged.verdict == "unexplained":
        return None, None
    low, value, high = _interval(judged, change)
    return round(value, 3), [round(low, 3), round(high, 3)]


def _interval(judged: Judged, change: Change) -> tuple[float, float, float]:
    value, half = judged.values[change], 1.96 * judged.errors[change]
    return value - half, value, value + half


def _name(model: IonicModel, change: Change) -> str:
    """As the confounded pairs name it: the conductance, or the gate."""
    if change.kind != "scale":
        return f"gate:{change.target}"
    conductances = {current.name: current.conductance for current in model.currents}
    return conductances[change.target] or change.target


def _rivals(model: IonicModel, judged: Judged) -> list[str]:
    found = {_name(model, change) for change in judged.changes}
    names = []
    for rival in judged.rivals:
        name = _name(model, rival)
        names.append(f"{name} {OF_CURVE[rival.kind]}" if name in found else name)
    return list(dict.fromkeys(names))


def _apd90_words(V: NDArray, time: NDArray) -> str:
    length = beat_apd90(V, time)
    return (
        f"APD90 {length:.0f} ms" if np.isfinite(length) else "no action potential that ends within the beat"
    )


def _remarks(objective: Objective, judged: Judged, fitted: list[tuple[NDArray, TypicalBeat]]) -> list[str]:
    remarks = []
    if judged.stranger:
        remarks.append(
            "the model cannot produce the control recording, whatever its conductances: "
            f"{objective.discrepancy[0]:.1f} mV RMS of V stay unexplained before anything has changed, or "
            f"APD90 is off by more than {FAR_OFF:g} ms; choose a model of this kind of cell"
        )
    elif judged.verdict == "unexplained":
        V, beat = max(fitted, key=lambda pair: float(np.abs(pair[0] - pair[1].V).max()))
        remarks.append(
            f"the model cannot produce this recording: {judged.left:.1f} mV RMS of V stay unexplained; "
            f"at CL {beat.cycle_length:g} the recording rests at {beat.V.min():.1f} mV, peaks at "
            f"{beat.V.max():.1f} mV and has {_apd90_words(beat.V, beat.time)}, the model at its best "
            f"{V.min():.1f} mV, {V.max():.1f} mV and {_apd90_words(V, beat.time)}; "
            "choose a model of this kind of cell"
        )
    for rival in _rivals(objective.model, judged):
        names = ", ".join(_name(objective.model, change) for change in judged.changes)
        remarks.append(f"{names} and {rival} {INSEPARABLE}; a voltage clamp would")
    if judged.changes and judged.left > HINT:
        remarks.append(
            f"{judged.left:.1f} mV RMS of V stay unexplained by what was found; "
            "take it as a hint, not as the answer"
        )
    if len(judged.changes) > 1:
        remarks.append("no single change explains the recording; the changes found together are ranked first")
    return remarks


def _of_stimulus(objective: Objective, judged: Judged, like_stimulus: list[Change]) -> list[str]:
    """What another stimulus than the supposed one does, or would do."""
    give = "give its amplitude and duration (--stimulus)"
    if PULSE in judged.best.values and judged.verdict != "unexplained":
        amplitude, duration = judged.stimulus(objective.stimulus)
        return [
            f"the recording fits a stimulus of {amplitude:.3g} A/F for {duration:g} ms, not the model's "
            f"{objective.stimulus[0]:g} A/F; {give}"
        ]
    names = [_name(objective.model, change) for change in judged.changes if change in like_stimulus]
    return [f"{name} and another stimulus {INSEPARABLE}; {give}" for name in names]


def _number(value: float | None, digits: int) -> float | None:
    return None if value is None or not np.isfinite(value) else round(float(value), digits)
