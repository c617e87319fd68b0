"""The neural ODE beside the recording: how far the network's gates and scales alone carry."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ionwidgets.discovery.beat_apd90 import beat_apd90
from ionwidgets.discovery.objective import UPSTROKE
from ionwidgets.errors import SimulationError
from ionwidgets.recordings.typical_beat import TypicalBeat
from ionwidgets.simulation.sweep import STIMULUS_ONSET

if TYPE_CHECKING:
    from ionwidgets.discovery.result import Result

DURATION = 20_000.0  # ms of pacing


def neural_check(result: Result, beats: Sequence[TypicalBeat]) -> dict[str, Any]:
    """APD90 [ms], neural ODE minus recording, by cycle length, and the RMS of V's difference [mV].

    After 20 s of pacing, over one beat but its upstroke; None where the cell does not run, V is in arbitrary
    units, or a current was injected.
    """
    nothing = {"v_rmse_mV": None, "apd90_error_ms": {f"{b.cycle_length:g}": None for b in beats}}
    if any(beat.I_inj is not None for beat in beats):
        return nothing
    V = result.model.voltage
    errors: dict[str, float | None] = {}
    off = []
    for beat in beats:
        n = np.floor((DURATION - STIMULUS_ONSET - beat.time[-1]) / beat.cycle_length)
        onset = STIMULUS_ONSET + n * beat.cycle_length
        try:
            run = result.neural_ode(
                beat.cycle_length, DURATION, sample=min(beat.step, 0.5), variables=[V],
                record_from=onset - beat.cycle_length,
            )  # fmt: skip
        except SimulationError:
            return nothing
        found = np.interp(onset + beat.time, run["time"].values, run[V].values[0])
        error = beat_apd90(found, beat.time) - beat_apd90(beat.V, beat.time)
        errors[f"{beat.cycle_length:g}"] = round(error, 3) if np.isfinite(error) else None
        if "V" not in beat.arbitrary:
            late = (beat.time < UPSTROKE[0]) | (beat.time > UPSTROKE[1])
            seen = late if beat.recorded is None else late & beat.recorded
            off.append((found - beat.V)[seen])
    rmse = round(float(np.sqrt(np.square(np.concatenate(off)).mean())), 4) if off else None
    return {"v_rmse_mV": rmse, "apd90_error_ms": errors}
