"""A reader that crashes, runs on or takes all memory ends in one error, in its own process."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pytest
from format_examples import EXAMPLES, VOLTAGE

from ionwidgets.errors import RecordingError
from ionwidgets.recordings.formats import apart, hdf5

READERS = {
    "crashing": "import os, signal\n\ndef read(path):\n    os.kill(os.getpid(), signal.SIGSEGV)\n",
    "endless": "def read(path):\n    while True:\n        pass\n",
    "greedy": "def read(path):\n    return bytearray(4_000_000_000)\n",
    "faulty": "def read(path):\n    return 1 / 0\n",
}


@pytest.mark.parametrize("reader", READERS)
def test_end_of_a_reader_is_one_error(reader: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / f"{reader}.py").write_text(READERS[reader])
    monkeypatch.setenv("PYTHONPATH", str(tmp_path), prepend=":")
    path = tmp_path / "cell.nc"
    path.write_bytes(b"\x89HDF\r\n\x1a\n")
    began = time.process_time()
    with pytest.raises(
        RecordingError, match=r"^cell.nc: cannot be read as HDF5 \(its structure is damaged\)"
    ):
        apart.read(reader, path, "HDF5")
    assert time.process_time() - began < 1


def test_table_and_error_come_through_as_they_are(tmp_path: Path) -> None:
    path = EXAMPLES["netcdf 4"](tmp_path)
    here, there = hdf5.read(path), apart.read("ionwidgets.recordings.formats.hdf5", path, "HDF5")
    assert (here.header, here.units, here.sweeps, here.facts) == (
        there.header,
        there.units,
        there.sweeps,
        there.facts,
    )
    assert all(np.array_equal(a, b) for a, b in zip(here.columns, there.columns, strict=True))
    assert np.array_equal(there.columns[1], VOLTAGE.reshape(-1))
    path.write_bytes(path.read_bytes()[:3000])
    with pytest.raises(RecordingError) as direct:
        hdf5.read(path)
    with pytest.raises(RecordingError) as apart_:
        apart.read("ionwidgets.recordings.formats.hdf5", path, "HDF5")
    assert str(direct.value) == str(apart_.value) and "truncated" in str(apart_.value)
