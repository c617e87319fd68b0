"""The typical beat of each cell of a recording: what the paced cell does every time, noise averaged away."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import xarray as xr

from ionwidgets.errors import RecordingError
from ionwidgets.recordings.beats import find_beats, follows_one_to_one, stimulus_times
from ionwidgets.recordings.drift import rest_drift
from ionwidgets.simulation.sampled_biomarkers import noise_level, sampled_biomarkers

LEAD = 5.0  # ms of rest kept before the stimulus
ARBITRARY = "a.u."
FINEST = 0.5  # ms; denser recordings are averaged down to it


@dataclass(frozen=True)
class TypicalBeat:
    """One period of one cell, from 5 ms before its stimulus.

    time (N,): ms from the (estimated) stimulus onset, evenly spaced; V (N,) mV; Ca_i (N,) mM or None; noise
    of the averages; apd90: median over the recorded beats [ms]; start_ms: when, in the recording, the first
    stimulus comes; middle_ms: the middle of what was averaged; arbitrary: which of V and Ca_i are in
    arbitrary units; drifted: by how much rest drifted in the recording [mV], which was taken out: where rest
    truly lies is known no better.
    """

    cell: int
    cycle_length: float
    time: np.ndarray
    V: np.ndarray
    Ca_i: np.ndarray | None
    noise_V: float
    noise_Ca: float
    beats: int
    apd90: float
    start_ms: float
    middle_ms: float
    arbitrary: tuple[str, ...] = ()
    drifted: float = 0.0

    @property
    def step(self) -> float:
        return float(self.time[1] - self.time[0])


def typical_beats(
    recording: xr.Dataset, pulse: float, amplitude: float | None
) -> tuple[list[TypicalBeat], list[str]]:
    """The typical beat of every cell that follows its stimuli 1:1, and a warning for each that does not.

    Parameters
    ----------
    recording : Dataset with V [mV or a.u.] and perhaps Ca_i [mM or a.u.], and a cycle length for every cell.
    pulse, amplitude : of the stimulus [ms, A/F].

    Raises
    ------
    RecordingError : a cycle length is missing, V is in other units, or no cell follows one to one.
    """
    name = str(recording.attrs.get("source", "recording"))
    unit = recording["V"].attrs.get("units")
    if unit not in ("mV", ARBITRARY):
        raise RecordingError(
            f"V is in {unit}, and a finding needs mV, or a.u. to fit to the model's range; say what the unit "
            "is (--units V=mV)",
            file=name,
            column="V",
        )
    beats, warnings = [], []
    time = recording["time"].values
    Ca = recording.get("Ca_i")
    if Ca is not None and Ca.attrs.get("units") not in ("mM", ARBITRARY):
        warnings.append(f"Ca_i is in {Ca.attrs.get('units')}, not in mM, and was left out")
        Ca = None
    arbitrary = tuple(
        str(x.name) for x in (recording["V"], Ca) if x is not None and x.attrs.get("units") == ARBITRARY
    )
    for cell, cycle_length in enumerate(recording["cycle_length"].values):
        if not np.isfinite(cycle_length):
            raise RecordingError(
                "the cycle length is not known, and a finding needs paced beats; "
                "give it in a column 'cycle_length [ms]'",
                file=name,
            )
        V = recording["V"].values[cell]
        onsets = stimulus_times(time, V, cycle_length, pulse, None if "V" in arbitrary else amplitude)
        follows = (
            follows_one_to_one(time, V, cycle_length, onsets=onsets) if len(find_beats(time, V)) else None
        )
        if follows is None or not follows:
            words = (
                "has no action potentials" if follows is None else f"does not follow 1:1 ({follows.words})"
            )
            warnings.append(f"CL {cycle_length:g} {words} and was left out")
            continue
        trace = Ca.values[cell] if Ca is not None else None
        beat = _average(cell, float(cycle_length), time, V, trace, onsets)
        if beat is None:
            warnings.append(f"CL {cycle_length:g} holds no whole beat and was left out")
        else:
            beats.append(replace(beat, arbitrary=arbitrary))
            if beat.drifted and "V" not in arbitrary:
                warnings.append(
                    f"CL {cycle_length:g}: rest drifts by {beat.drifted:.1f} mV, which was taken out; where "
                    "it truly lies counts as unknown by as much"
                )
    if not beats:
        raise RecordingError(
            "no cell with a whole beat that follows its stimuli: " + "; ".join(warnings), file=name
        )
    return beats, warnings


def _average(
    cell: int, cycle_length: float, time: np.ndarray, V: np.ndarray, Ca: np.ndarray | None, onsets: np.ndarray
) -> TypicalBeat | None:
    last = time[np.flatnonzero(np.isfinite(V))[-1]]
    whole = onsets[(onsets - LEAD >= time[0]) & (onsets + cycle_length - LEAD <= last + 1e-6)]
    if not whole.size:
        return None
    drift = rest_drift(time, V, whole, LEAD)
    V = V - drift * (time - whole.mean())
    step = float(time[1] - time[0])
    kept = max(1, round(FINEST / step))
    # On the recording's own instants wherever the period is a whole number of samples.
    first = np.ceil((whole[0] - LEAD - time[0]) / step - 1e-6) * step + time[0]
    fine = first + step * np.arange(round(cycle_length / step))

    def mean(trace: np.ndarray) -> tuple[np.ndarray, float]:
        stack = np.array([np.interp(fine + (onset - whole[0]), time, trace) for onset in whole])
        average = stack.mean(0)[: fine.size // kept * kept].reshape(-1, kept).mean(1)
        return average, noise_level(trace[np.isfinite(trace)]) / np.sqrt(len(whole) * kept)

    at = fine[: fine.size // kept * kept].reshape(-1, kept).mean(1) - whole[0]
    average_V, noise_V = mean(V)
    average_Ca, noise_Ca = mean(Ca) if Ca is not None else (None, 0.0)
    apd90 = sampled_biomarkers(time, V, whole)["APD90"]
    return TypicalBeat(
        cell, cycle_length, at, average_V, average_Ca, noise_V, noise_Ca, len(whole),
        float(np.nanmedian(apd90)), float(onsets[0]), float(whole.mean()),
        drifted=abs(drift) * float(np.ptp(whole)),
    )  # fmt: skip
