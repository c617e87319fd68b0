"""One beat that is shorter than its cycle: what was recorded counts, what was not does not."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from ionwidgets.discovery import discover
from ionwidgets.errors import RecordingError
from ionwidgets.models import load_model
from ionwidgets.recordings import read_recording, write_recording
from ionwidgets.recordings.typical_beat import LEAD, typical_beats
from ionwidgets.simulation import simulate

MODEL = load_model("tnnp2004:M")


def beat_of(scale: dict[str, float], *, before: float, after: float) -> xr.Dataset:
    """V and Ca_i at CL 1000 from so many ms before the last but one stimulus to so many after it."""
    paced = simulate(MODEL, [1000.0], 20_000.0, scale=scale, sample=0.5, variables=["V", "Ca_i"])
    time = paced["time"].values
    kept = paced[["V", "Ca_i"]].isel(time=(time >= 18_010 - before) & (time < 18_010 + after))
    return kept.assign_coords(time=kept["time"].values - kept["time"].values[0])


def test_a_change_is_found_in_part_of_a_beat() -> None:
    result = discover(MODEL, beat_of({"g_Kr": 0.5}, before=120.0, after=480.0))
    first = result.finding["currents"][0]
    assert result.verdict == "changed" and first["parameter"] == "g_Kr"
    assert first["scale"] == pytest.approx(0.5, rel=0.05)
    assert any(
        "CL 1000 is longer than what was recorded: 400 ms" in warning
        for warning in result.finding["warnings"]
    )


def test_what_came_before_the_beat_stands_for_the_end_of_its_period() -> None:
    whole, _ = typical_beats(beat_of({}, before=120.0, after=1100.0), 1.0, -52.0)
    part, _ = typical_beats(beat_of({}, before=120.0, after=480.0), 1.0, -52.0)
    own, beat = whole[0], part[0]
    assert own.recorded is None and beat.recorded is not None
    np.testing.assert_allclose(beat.time, own.time, atol=1e-4)
    np.testing.assert_allclose(beat.time[~beat.recorded][[0, -1]], [480, 880], atol=1)
    np.testing.assert_allclose(beat.V[beat.recorded], own.V[beat.recorded], atol=0.05)
    assert beat.time[0] == pytest.approx(-LEAD, abs=0.5)
    # The rest lies straight between.
    gap = beat.V[~beat.recorded]
    assert np.abs(np.diff(gap, 2)).max() < 1e-6


def test_a_beat_that_does_not_repolarise_is_no_beat() -> None:
    with pytest.raises(RecordingError, match="holds no whole beat"):
        typical_beats(beat_of({}, before=120.0, after=150.0), 1.0, -52.0)


def test_a_cycle_length_that_the_file_does_not_give(tmp_path: Path) -> None:
    file = tmp_path / "beat.csv"
    write_recording(beat_of({}, before=120.0, after=480.0).drop_vars("cycle_length"), file)
    unknown = read_recording(file)
    assert np.isnan(unknown["cycle_length"].values).all()
    with pytest.raises(RecordingError, match="cycle_length= of read_recording"):
        typical_beats(unknown, 1.0, -52.0)
    given = read_recording(file, cycle_length=1000)
    assert given["cycle_length"].values == 1000 and given["cycle_length"].attrs["origin"] == "given"
    assert len(typical_beats(given, 1.0, -52.0)[0]) == 1
    again = tmp_path / "again.csv"
    write_recording(given, again)
    with pytest.raises(RecordingError, match="leave cycle_length= out"):
        read_recording(again, cycle_length=1000)
    for wrong in (0.0, float("nan"), float("inf")):
        with pytest.raises(RecordingError, match="cycle_length must be positive and finite"):
            read_recording(file, cycle_length=wrong)
