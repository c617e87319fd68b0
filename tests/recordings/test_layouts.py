"""Tables as programs lay them out: sweeps side by side, words before the titles, R's own titles."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from recording_files import made

from ionwidgets.errors import RecordingError
from ionwidgets.recordings import parse_columns, read_recording

TIME = np.arange(40.0)  # ms
SWEEPS = np.stack([-80 + 10 * k + TIME / 8 for k in range(3)])  # mV


def beside(title: str, unit: float = 1.0, time: float = 1.0, separator: str = ",") -> str:
    rows = (
        separator.join([f"{t * time:g}", *(f"{v * unit:.7g}" for v in sweeps)])
        for t, sweeps in zip(TIME, SWEEPS.T, strict=True)
    )
    return "\n".join([title, *rows])


@pytest.mark.parametrize(
    ("title", "unit", "time"),
    [
        ("Time (ms),Trace #1 (mV),Trace #2 (mV),Trace #3 (mV)", 1.0, 1.0),
        ("t [s],sweep_1,sweep_2,sweep_3", 1.0, 1e-3),
        ("time_ms,V1,V2,V3", 1.0, 1.0),
        ("X (ms),Vm 1 [V],Vm 2 [V],Vm 3 [V]", 1e-3, 1.0),
        ("Time (ms),cell1 (mV),cell2 (mV),cell3 (mV)", 1.0, 1.0),
    ],
)
def test_sweeps_side_by_side_are_cells(tmp_path: Path, title: str, unit: float, time: float) -> None:
    recording = read_recording(made(tmp_path, beside(title, unit, time)))
    np.testing.assert_allclose(recording["V"].values, SWEEPS, rtol=1e-6)
    np.testing.assert_allclose(recording["time"].values, TIME)
    assert "3 columns, " in recording.attrs["notes"] and "taken as sweeps of V" in recording.attrs["notes"]


def test_without_titles_they_are_told_by_their_numbers(tmp_path: Path) -> None:
    path = made(tmp_path, beside("").strip())
    with pytest.raises(RecordingError, match="no column for time; there are: 4 without titles"):
        read_recording(path)
    recording = read_recording(path, columns=parse_columns("time=0,V=1:3"), units={"time": "ms"})
    np.testing.assert_allclose(recording["V"].values, SWEEPS)
    one = read_recording(path, columns={"time": 0, "V": [2]}, units={"time": "ms"})
    np.testing.assert_allclose(one["V"].values, SWEEPS[1:2])


def test_a_fault_among_them_is_told_by_its_line(tmp_path: Path) -> None:
    lines = beside("Time (ms),Trace 1 (mV),Trace 2 (mV),Trace 3 (mV)").split("\n")
    lines[20] = "19,-77,oops,-60"
    with pytest.raises(RecordingError, match=r"^cell\.csv:21: column 'Trace 2 \(mV\)': 'oops' is text"):
        read_recording(made(tmp_path, "\n".join(lines)))
    path = made(tmp_path, "\n".join(lines[:20]))
    with pytest.raises(RecordingError, match="Ca_i cannot be read beside sweeps that stand side by side"):
        read_recording(path, columns={"V": [1, 2], "Ca_i": 3})


def test_two_different_signals_are_no_sweeps(tmp_path: Path) -> None:
    text = beside("Time (ms),V (mV),Stim 1 (mV),Stim 2 (mV)")
    recording = read_recording(made(tmp_path, text))
    assert recording.sizes["cell"] == 1 and recording["V"].attrs["column"] == "V (mV)"


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_what_an_instrument_says_before_the_table_is_left_out(tmp_path: Path, separator: str) -> None:
    preamble = ["Amplifier 2400", "Date: 2026-03-01, 12:00", "Filter; 2 kHz", ""]
    table = beside(separator.join(["Time (ms)", "V (mV)", "a", "b"]), separator=separator)
    recording = read_recording(made(tmp_path, "\n".join([*preamble, table])))
    np.testing.assert_allclose(recording["V"].values[0], SWEEPS[0])
    assert "3 lines before the table left out" in recording.attrs["notes"]


def test_titles_as_r_writes_them(tmp_path: Path) -> None:
    rows = (f'"{i + 1}",{t:g},{v:g}' for i, (t, v) in enumerate(zip(TIME, SWEEPS[0], strict=True)))
    recording = read_recording(made(tmp_path, "\n".join(['"time_ms","V_mV"', *rows])))
    np.testing.assert_allclose(recording["V"].values[0], SWEEPS[0])


def test_a_row_that_is_too_short_is_no_preamble(tmp_path: Path) -> None:
    lines = beside("Time (ms),V (mV),a,b").split("\n")
    lines[1] = "0,-80"
    with pytest.raises(RecordingError, match=r"^cell\.csv:2: has 2 fields where the header has 4"):
        read_recording(made(tmp_path, "\n".join(lines)))
