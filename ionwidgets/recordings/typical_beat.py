"""The typical beat of each cell of a recording: what the paced cell does every time, noise averaged away."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import xarray as xr

from ionwidgets.errors import RecordingError
from ionwidgets.recordings.drift import rest_drift
from ionwidgets.recordings.injected_pulse import pulse_times
from ionwidgets.recordings.units import ARBITRARY
from ionwidgets.recordings.upstrokes import find_beats, follows_one_to_one, stimulus_times
from ionwidgets.simulation.injected import in_steps, repeated, with_pulse
from ionwidgets.simulation.sampled_biomarkers import noise_level, sampled_biomarkers

LEAD = 5.0  # ms of rest kept before the stimulus
FINEST = 0.5  # ms; denser recordings are averaged down to it


@dataclass(frozen=True)
class TypicalBeat:
    """One period of one cell, from 5 ms before its stimulus.

    time (N,): ms from the (estimated) stimulus onset, evenly spaced; V (N,) mV; Ca_i (N,) mM or None; noise
    of the averages; apd90: median over the recorded beats [ms]; start_ms: when, in the recording, the first
    stimulus comes; middle_ms: the middle of what was averaged; arbitrary: which of V and Ca_i are in
    arbitrary units. drifted: by how much rest drifted in the recording [mV], which was taken out: where rest
    truly lies is known no better. recorded (N,): which samples are from the recording, where that is shorter
    than the period; the others lie straight between. I_inj (N,): current injected by the amplifier [A/F],
    with the sign of a membrane current: what is negative depolarises; pulsed: the pacing pulse is in it.
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
    recorded: np.ndarray | None = None
    I_inj: np.ndarray | None = None
    pulsed: bool = False

    @property
    def step(self) -> float:
        return float(self.time[1] - self.time[0])

    def injection(self, stimulus: tuple[float, float], duration: float, onset: float) -> np.ndarray | None:
        """(time [ms], level [A/F]) (N, 2) of all that the cell is given from 0 to `duration` [ms].

        That is the injected current and, where the pulse is not in it, `stimulus` (amplitude [A/F], duration
        [ms]) at `onset` [ms] and every period; None where nothing was injected.
        """
        return (
            None
            if self.I_inj is None
            else repeated(self._given(stimulus), self.cycle_length, duration, onset)
        )

    def _given(self, stimulus: tuple[float, float]) -> tuple[np.ndarray, np.ndarray]:
        return self._steps if self.pulsed else with_pulse(self._steps, *stimulus)

    @cached_property
    def _steps(self) -> tuple[np.ndarray, np.ndarray]:
        assert self.I_inj is not None
        return in_steps(self.time, self.I_inj)


def typical_beats(
    recording: xr.Dataset, pulse: float, amplitude: float | None
) -> tuple[list[TypicalBeat], list[str]]:
    """The typical beat of every cell that follows its stimuli 1:1, and a warning for each that does not.

    Parameters
    ----------
    recording : Dataset with V [mV or a.u.] and perhaps Ca_i [mM or a.u.] and I_inj [A/F], and a cycle length
        for every cell. A recording that is shorter than that may be one beat, if it repolarises.
    pulse, amplitude : of the stimulus [ms, A/F].

    Raises
    ------
    RecordingError : a cycle length is missing, V is in other units, no cell follows one to one, or the
        injected pulse has the sign of one that hyperpolarises.
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
    injected = recording.get("I_inj")
    if injected is not None and not np.any(np.nan_to_num(injected.values)):
        injected = None  # an amplifier that was set to inject nothing
    arbitrary = tuple(
        str(x.name) for x in (recording["V"], Ca) if x is not None and x.attrs.get("units") == ARBITRARY
    )
    for cell, cycle_length in enumerate(recording["cycle_length"].values):
        if not np.isfinite(cycle_length):
            raise RecordingError(
                "the cycle length is not known, and a finding needs paced beats; give it in a column "
                "'cycle_length [ms]', or with cycle_length= of read_recording (--cycle-length MS); a cell "
                "that beats by itself is compared as if it were paced",
                file=name,
            )
        V = recording["V"].values[cell]
        trace, current = (None if x is None else x.values[cell] for x in (Ca, injected))
        pulses = None if current is None else pulse_times(time, V, current, cycle_length, name)
        onsets = pulses
        if onsets is None:
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
        beat = _average(cell, float(cycle_length), time, V, trace, current, onsets)
        if beat is None:
            warnings.append(f"CL {cycle_length:g} holds no whole beat and was left out")
            continue
        beats.append(replace(beat, arbitrary=arbitrary, pulsed=pulses is not None))
        if beat.recorded is not None:
            unseen = beat.step * np.count_nonzero(~beat.recorded)
            warnings.append(
                f"CL {cycle_length:g} is longer than what was recorded: {unseen:.0f} ms of its period, which "
                "are taken to be at rest, count for nothing"
            )
        if beat.drifted and "V" not in arbitrary:
            warnings.append(
                f"CL {cycle_length:g}: rest drifts by {beat.drifted:.1f} mV, which was taken out; where it "
                "truly lies counts as unknown by as much"
            )
    if not beats:
        raise RecordingError(
            "no cell with a whole beat that follows its stimuli: " + "; ".join(warnings), file=name
        )
    return beats, warnings


def _average(
    cell: int,
    cycle_length: float,
    time: np.ndarray,
    V: np.ndarray,
    Ca: np.ndarray | None,
    injected: np.ndarray | None,
    onsets: np.ndarray,
) -> TypicalBeat | None:
    last = time[np.flatnonzero(np.isfinite(V))[-1]]
    begun = onsets[onsets - LEAD >= time[0]]
    whole = begun[begun + cycle_length - LEAD <= last + 1e-6]
    is_part = not whole.size
    if is_part:
        whole = begun[:1]
    # With every stimulus, as a beat ends where the next begins.
    apd90 = sampled_biomarkers(time, V, onsets)["APD90"][np.isin(onsets, whole)]
    if is_part and not np.isfinite(apd90).any():
        return None
    drift = rest_drift(time, V, whole, LEAD)
    V = V - drift * (time - whole.mean())
    step = float(time[1] - time[0])
    kept = max(1, round(FINEST / step))
    # On the recording's own instants wherever the period is a whole number of samples.
    first = np.ceil((whole[0] - LEAD - time[0]) / step - 1e-6) * step + time[0]
    fine = first + step * np.arange(round(cycle_length / step) // kept * kept)
    # What came a period before the beat stands for what comes after the recording's end.
    asked = np.where(fine > last + 1e-6, fine - cycle_length, fine) if is_part else fine
    there = (asked >= time[0] - 1e-6) & (asked <= last + 1e-6) if is_part else np.ones(fine.size, bool)

    def mean(trace: np.ndarray) -> tuple[np.ndarray, float]:
        stack = np.array([np.interp(asked + (onset - whole[0]), time, trace) for onset in whole])
        average = stack.mean(0)
        if not there.all():
            average = np.interp(fine, fine[there], average[there], period=cycle_length)
        return _binned(average, kept), noise_level(trace[np.isfinite(trace)]) / np.sqrt(len(whole) * kept)

    average_V, noise_V = mean(V)
    average_Ca, noise_Ca = mean(Ca) if Ca is not None else (None, 0.0)
    return TypicalBeat(
        cell, cycle_length, _binned(fine, kept) - whole[0], average_V, average_Ca, noise_V, noise_Ca,
        len(whole), float(np.nanmedian(apd90)), float(onsets[0]), float(whole.mean()),
        recorded=None if there.all() else _binned(there, kept) == 1.0,
        I_inj=None if injected is None else mean(injected)[0],
        drifted=abs(drift) * float(np.ptp(whole)),
    )  # fmt: skip


def _binned(values: np.ndarray, kept: int) -> np.ndarray:
    """Means of every `kept` samples: of a current they carry the same charge."""
    means: np.ndarray = values.reshape(-1, kept).mean(1)
    return means
