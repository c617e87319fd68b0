"""The pacing pulse in a recorded injected current: it says when the stimulus came, where there is one."""

from __future__ import annotations

import numpy as np

from ionwidgets.errors import RecordingError
from ionwidgets.recordings.upstrokes import every_period, find_beats

LEAST_PULSE = 1.0  # A/F by which a pulse stands out from what is injected before it
BEFORE, REST, AFTER = 20.0, 10.0, 2.0  # ms around an upstroke: the pulse, what it stands out from before that


def pulse_times(
    time_ms: np.ndarray, V: np.ndarray, I_inj: np.ndarray, cycle_length: float, file: str
) -> np.ndarray | None:
    """Onsets (stimuli,) [ms] of all pulses within one cell's recording; None where a beat is without one.

    A pulse begins where I_inj (T,) [A/F] has first left its level before an upstroke by half of its height.

    Raises
    ------
    RecordingError : the pulse is positive, and in I_inj what depolarises is negative.
    """
    onsets, recorded = [], np.isfinite(V)  # NaN pads a shorter cell at its end
    for upstroke in find_beats(time_ms, V):
        near = (time_ms >= upstroke - BEFORE) & (time_ms <= upstroke + AFTER)
        rest = (time_ms >= upstroke - BEFORE - REST) & (time_ms < upstroke - BEFORE)
        if not rest.any():
            continue  # cut off before its pulse
        added = I_inj[near] - np.median(I_inj[rest])
        furthest = float(added[np.abs(added).argmax()])
        if abs(furthest) < LEAST_PULSE:
            return None
        if furthest > 0:
            raise RecordingError(
                f"the injected current has a pulse of {furthest:+.3g} A/F at the stimulus, and in I_inj what "
                "depolarises is negative; turn its sign with its unit: units={'I_inj': '-A/F'} "
                "(--units I_inj=-A/F)",
                file=file,
                column="I_inj",
            )
        onsets.append(time_ms[near][int(np.argmax(added < 0.5 * furthest))])
    return every_period(np.array(onsets), time_ms[recorded], cycle_length) if onsets else None
