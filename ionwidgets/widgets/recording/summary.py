"""What is in a recording, for people."""

from __future__ import annotations

import numpy as np
import xarray as xr

from ionwidgets.recordings.upstrokes import beats_of
from ionwidgets.widgets.words import number


def recording_facts(recording: xr.Dataset) -> dict[str, str]:
    """Names and values: cells, cycle lengths, duration, sampling, units, beats, notes."""
    time = np.asarray(recording["time"], float)
    lengths = np.asarray(recording["cycle_length"], float)
    quantities = [
        f"{name} in {recording[name].attrs.get('units', 'unknown units')}"
        for name in ("V", "Ca_i", "I_inj")
        if name in recording
    ]
    beats = [len(beats_of(recording, cell)) for cell in range(recording.sizes["cell"])]
    facts = {
        "Cycle lengths": ", ".join(number(value, digits=4) for value in lengths) + " ms"
        if np.isfinite(lengths).all()
        else "not known",
        "Duration": number(float(time[-1] - time[0]) / 1000, "s each" if lengths.size > 1 else "s", 4),
        "Sampling": f"every {number(float(np.median(np.diff(time))), 'ms')}",
        "Recorded": " and ".join(quantities),
        "Beats found": ", ".join(str(count) for count in beats),
    }
    if recording.attrs.get("notes"):
        facts["Notes"] = str(recording.attrs["notes"])
    return facts
