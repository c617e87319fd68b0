"""What every discovery begins with: the control, paced as the recorded cells were."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import xarray as xr

from ionwidgets.models import IonicModel
from ionwidgets.recordings.typical_beat import TypicalBeat
from ionwidgets.simulation import simulate
from ionwidgets.simulation.sweep import STIMULUS_ONSET, run_cells

CONTROL_PACING = 15_000.0  # ms


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
        return simulate(
            model, beat.cycle_length, end, record_from=end - beat.cycle_length,
            sample=beat.cycle_length / round(beat.cycle_length), stimulus=stimulus, threads=1,
        )  # fmt: skip

    return aligned(run_cells(one, len(beats)))


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
