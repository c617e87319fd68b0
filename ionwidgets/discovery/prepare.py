"""What every discovery begins with: the control, paced as the recorded cells were."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import xarray as xr

from ionwidgets.models import IonicModel
from ionwidgets.recordings.typical_beat import TypicalBeat
from ionwidgets.simulation import CurrentClamp, simulate
from ionwidgets.simulation.sweep import STIMULUS_ONSET, run_cells

CONTROL_PACING = 15_000.0  # ms
COUNTED = (-1.0, 1.0)  # a stimulus to count injected currents in: some models' own is 0


def control_run(
    model: IonicModel,
    beats: Sequence[TypicalBeat],
    stimulus: tuple[float, float],
    pacing: float = CONTROL_PACING,
) -> xr.Dataset:
    """The unchanged model at each beat's cycle length: one period, ending in the phase the beat begins in."""

    def one(i: int) -> xr.Dataset:
        beat = beats[i]
        periods = max(2, int(np.ceil(pacing / beat.cycle_length)))
        end = periods * beat.cycle_length + STIMULUS_ONSET + float(beat.time[0])
        options: dict[str, Any] = {
            "record_from": end - beat.cycle_length,
            "sample": beat.cycle_length / round(beat.cycle_length),
            "threads": 1,
        }
        if (injected := injected_protocol(beat, stimulus, end)) is not None:
            return simulate(model, protocol=injected, stimulus=COUNTED, **options)
        return simulate(model, beat.cycle_length, end, stimulus=stimulus, **options)

    return aligned(run_cells(one, len(beats)))


def injected_protocol(
    beat: TypicalBeat, stimulus: tuple[float, float], duration: float
) -> CurrentClamp | None:
    """What the cell was given, period after period for `duration` [ms]; None where nothing was injected."""
    changes = beat.injection(stimulus, duration, STIMULUS_ONSET)
    if changes is None:
        return None
    lengths = np.diff(changes[:, 0], append=duration)
    # There what depolarises is positive.
    return CurrentClamp(list(zip((-changes[:, 1]).tolist(), lengths.tolist(), strict=True)))


def aligned(runs: Sequence[xr.Dataset]) -> xr.Dataset:
    """Runs of some cells each as one Dataset, aligned at the end.

    The last sample of every cell is its state at the beat's first sample.
    """
    longest = max(run.sizes["time"] for run in runs)
    padded = [
        run.drop_vars(["time", "beat"], errors="ignore")
        .drop_dims("beat", errors="ignore")
        .pad(time=(longest - run.sizes["time"], 0), mode="edge")
        for run in runs
    ]
    return xr.concat(padded, "cell")
