"""Long text files are read a block at a time: what is read, and what is said of a fault, is the same."""

from __future__ import annotations

import gzip
import resource
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from recording_files import made, tidy

from ionwidgets.errors import RecordingError
from ionwidgets.recordings import read_recording, text_file

DATA = Path(__file__).resolve().parents[1] / "data"


def written(ends: str, delimiter: str, comments: bool, count: int = 400) -> str:
    lines = [delimiter.join(("time [ms]", "V [mV]", "mark"))]
    for i in range(count):
        lines.append(delimiter.join((str(i), f"{-80 + i / 8:.3f}", "0")))
        if comments and i % 50 == 7:
            lines += ["# looked at the cell", ""]
    return ends.join(lines) + ends


@pytest.mark.parametrize("ends", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("comments", [False, True])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-8-sig"])
def test_blocks_of_any_size_give_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ends: str, delimiter: str, comments: bool, encoding: str
) -> None:
    path = made(tmp_path, written(ends, delimiter, comments).encode(encoding))
    whole = read_recording(path)
    assert whole.sizes["time"] == 400
    np.testing.assert_array_equal(whole["V"].values[0], -80 + np.arange(400) / 8)
    monkeypatch.setattr(text_file, "HEAD", 100)
    for block in (1, 7, 64, 1000):
        monkeypatch.setattr(text_file, "BLOCK", block)
        xr.testing.assert_identical(read_recording(path), whole)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    line=st.integers(2, 400), block=st.integers(1, 500), fault=st.sampled_from(["x,0", "1", "1,0,0", ",0"])
)
def test_a_fault_is_told_by_its_line_wherever_blocks_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, line: int, block: int, fault: str
) -> None:
    lines = written("\n", ",", comments=False).split("\n")
    lines[line - 1] = f"{line - 2},{fault}"
    path = made(tmp_path, "\n".join(lines))
    monkeypatch.setattr(text_file, "HEAD", 4096)
    monkeypatch.setattr(text_file, "BLOCK", block)
    with pytest.raises(RecordingError, match=rf"^cell\.csv:{line}: "):
        read_recording(path)


def test_rows_that_stand_on_each_other_s_fields_are_seen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One field too many in a row and one too few in the next: together as many as there should be."""
    lines = written("\n", ",", comments=False).split("\n")
    lines[300], lines[301] = "299,-40,0,0", "300,-40"
    monkeypatch.setattr(text_file, "HEAD", 1024)
    with pytest.raises(RecordingError, match=r"^cell\.csv:301: has 4 fields where the header has 3"):
        read_recording(made(tmp_path, "\n".join(lines)))


def test_a_decimal_comma_may_come_after_the_head(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [f"{i};-80" for i in range(300)] + [f"{i};-79,5" for i in range(300, 400)]
    monkeypatch.setattr(text_file, "HEAD", 512)
    V = read_recording(made(tmp_path, "\n".join(["time [ms];V [mV]", *rows])))["V"].values[0]
    assert V[0] == -80 and V[-1] == -79.5


def test_a_gzip_that_unpacks_to_far_more_than_a_recording_is_refused(tmp_path: Path) -> None:
    bomb = gzip.compress(b"time [ms],V [mV]\n" + b"0,0\n" * 2**24)
    assert len(bomb) < 2**18
    with pytest.raises(RecordingError, match="unpacks to more than 500 times its size"):
        read_recording(made(tmp_path, bomb, "bomb.csv.gz"))


def test_a_line_without_an_end_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(text_file, "LONGEST_LINE", 2**12)
    monkeypatch.setattr(text_file, "BLOCK", 2**10)
    monkeypatch.setattr(text_file, "HEAD", 2**10)
    with pytest.raises(RecordingError, match="a line is longer than"):
        read_recording(made(tmp_path, tidy() + "1" * 2**14))


MEASURE = """
import resource, sys
import ionwidgets as iw
from pathlib import Path
path = Path(sys.argv[1])
iw.read_recording(sys.argv[2])
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
recording = iw.read_recording(path, cycle_length=400.0)
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024 / path.stat().st_size)
"""


def test_memory_stays_within_four_times_the_file(tmp_path: Path) -> None:
    """Its numbers alone, time and V, are one and a bit times the file."""
    assert resource.getpagesize()  # a system that counts memory
    rows = "".join(f"{i / 10:.1f},{-80 + (i % 4000) / 40:.3f}\n" for i in range(2_000_000))
    path = made(tmp_path, "time [ms],V [mV]\n" + rows)
    told = subprocess.run(
        [sys.executable, "-c", MEASURE, path, DATA / "control.csv"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert float(told.stdout) < 4
