"""What is written reads back."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from recording_files import made, tidy

import ionwidgets as iw
from ionwidgets.errors import RecordingError
from ionwidgets.recordings import read_recording, write_recording

VOLTAGES = st.floats(-200, 200, allow_subnormal=False)


@given(
    V=arrays(np.float64, st.tuples(st.integers(1, 4), st.integers(12, 30)), elements=VOLTAGES),
    step=st.sampled_from([0.04, 0.1, 0.25, 1.0, 2.5, 1 / 3]),
    paced=st.booleans(),
    same=st.booleans(),
    short=st.integers(0, 2),
    units=st.sampled_from(["mV", "a.u."]),
    suffix=st.sampled_from([".csv", ".csv.gz"]),
)
def test_what_is_written_reads_back(
    tmp_path_factory: pytest.TempPathFactory,
    V: np.ndarray,
    step: float,
    paced: bool,
    same: bool,
    short: int,
    units: str,
    suffix: str,
) -> None:
    cells, length = V.shape
    if cells > 1 and short:
        V[-1, -short:] = np.nan
    cycle_length = np.full(cells, 400.0) if same else 300.0 + 50 * np.arange(cells)
    dataset = xr.Dataset(
        {"V": (("cell", "time"), V, {"units": units}), "Ca_i": (("cell", "time"), V * 1e-6, {"units": "mM"})},
        {
            "time": ("time", np.arange(length) * step, {"units": "ms"}),
            "cycle_length": ("cell", cycle_length if paced else np.full(cells, np.nan), {"units": "ms"}),
        },
    )
    path = tmp_path_factory.mktemp("round") / f"cell{suffix}"
    write_recording(dataset, path)
    first = read_recording(path)
    np.testing.assert_array_equal(first["V"].values, V)
    np.testing.assert_array_equal(first["Ca_i"].values, V * 1e-6)
    np.testing.assert_allclose(first["time"].values, dataset["time"].values, rtol=1e-8)
    assert first["V"].attrs["units"] == units
    if paced:
        np.testing.assert_array_equal(first["cycle_length"].values, cycle_length)
    write_recording(first, path)
    xr.testing.assert_identical(read_recording(path), first)


def test_writing_asks_for_whole_traces_and_a_folder(tmp_path: Path) -> None:
    dataset = read_recording(made(tmp_path, tidy()))
    with pytest.raises(RecordingError, match="no variable 'V' to write; there are: Ca_i"):
        write_recording(dataset.drop_vars("V"), tmp_path / "out.csv")
    with pytest.raises(RecordingError, match="cannot be written"):
        write_recording(dataset, tmp_path / "nowhere" / "out.csv")
    dataset["V"].values[0, 3] = np.nan
    with pytest.raises(RecordingError, match=r"cell 0 has gaps in V"):
        write_recording(dataset, tmp_path / "out.csv")


def test_a_clamp_has_no_cycle_length_to_write(tmp_path: Path) -> None:
    steps = iw.CurrentClamp([(0.0, 5.0), ([0.0, 1.0], 45.0)])
    data = iw.simulate(iw.load_model("hh1952"), protocol=steps, variables=["V"])
    write_recording(data, tmp_path / "clamp.csv")
    back = read_recording(tmp_path / "clamp.csv")
    np.testing.assert_array_equal(back["sweep"].values, [0.0, 1.0])
    np.testing.assert_array_equal(back["V"].values.astype(np.float32), data["V"].values)


def test_what_is_written_can_be_read_whatever_its_suffix(tmp_path: Path) -> None:
    dataset = read_recording(made(tmp_path, tidy()))
    for name in ("cell.zip", "cell.xz", "cell.CSV.GZ", "cell"):
        write_recording(dataset, tmp_path / name)
        np.testing.assert_array_equal(read_recording(tmp_path / name)["V"].values, dataset["V"].values)
    assert (tmp_path / "cell.CSV.GZ").read_bytes()[:2] == b"\x1f\x8b"
