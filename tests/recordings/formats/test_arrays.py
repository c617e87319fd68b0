"""NumPy, MATLAB, netCDF, HDF5 and DataLog files give back the numbers that were written."""

from __future__ import annotations

from pathlib import Path

import format_examples as examples
import numpy as np
import pytest
import scipy.io
import xarray as xr
from format_examples import SAMPLES, SWEEPS, TIME, VOLTAGE

import ionwidgets as iw
from ionwidgets.errors import RecordingError
from ionwidgets.recordings.formats import datalog, hdf5, mat, netcdf, npz, open_table
from ionwidgets.recordings.table import ArrayTable

MATRICES = ("npz", "npz packed", "mat 5", "mat 5 plain", "mat 4", "mat 7.3", "netcdf 4", "netcdf 3", "hdf5")


def read(example: str, folder: Path) -> ArrayTable:
    path = examples.EXAMPLES[example](folder)
    found = hdf5.read(path) if example in ("netcdf 4", "hdf5", "mat 7.3") else open_table(path)
    assert isinstance(found, ArrayTable)
    return found


def column(table: ArrayTable, end: str) -> np.ndarray:
    (index,) = [index for index, title in enumerate(table.header) if title.split(".")[-1] == end]
    return table.numbers([index])[index]


@pytest.mark.parametrize("example", MATRICES)
def test_sweeps_of_a_matrix_come_one_after_another(example: str, tmp_path: Path) -> None:
    table = read(example, tmp_path)
    voltage, time = ("Vm" if example == "hdf5" else "V"), table.header[0].split(".")[-1]
    assert np.array_equal(column(table, voltage), VOLTAGE.reshape(-1))
    assert time in ("t", "time") and np.array_equal(column(table, time), np.tile(TIME, SWEEPS))
    assert table.sweeps == (SAMPLES,) * SWEEPS and table.step is None


def test_units_and_cycle_lengths_of_netcdf(tmp_path: Path) -> None:
    for example in ("netcdf 4", "netcdf 3"):
        table = read(example, tmp_path)
        assert dict(zip(table.header, table.units, strict=True)) == {
            "time": "ms",
            "V": "mV",
            "cycle_length": "ms",
        }
        assert np.array_equal(column(table, "cycle_length"), np.repeat([400.0, 800.0], SAMPLES))
        assert table.facts["source"] == "cell.csv"


def test_simulation_saved_and_read_again(tmp_path: Path) -> None:
    saved = iw.simulate(iw.load_model("hh1952"), protocol=iw.CurrentClamp([([2, 10], 20)]), sample=0.5)
    saved.to_netcdf(tmp_path / "simulation.nc", engine="h5netcdf")
    table = hdf5.read(tmp_path / "simulation.nc")
    assert np.array_equal(column(table, "V"), saved["V"].values.reshape(-1))
    assert np.array_equal(column(table, "time"), np.tile(saved["time"].values, saved.sizes["cell"]))
    assert table.unit(table.header.index("V")) == "mV"


def test_nan_that_fill_up_shorter_sweeps_are_taken_off(tmp_path: Path) -> None:
    voltage = VOLTAGE.copy()
    voltage[1, 200:] = np.nan
    data = examples.dataset().assign(V=(("cell", "time"), voltage, {"units": "mV"}))
    for engine, format in (("h5netcdf", "NETCDF4"), ("scipy", "NETCDF3_64BIT")):
        path = tmp_path / f"{engine}.nc"
        data.to_netcdf(path, engine=engine, format=format)
        table = netcdf.read(path)
        assert table.sweeps == (SAMPLES, 200)
        assert np.array_equal(column(table, "V"), np.concatenate([voltage[0], voltage[1, :200]]))
        assert np.array_equal(column(table, "time"), np.concatenate([TIME, TIME[:200]]))
    np.savez(tmp_path / "cell.npz", t=TIME, V=voltage)
    assert npz.read(tmp_path / "cell.npz").sweeps == (SAMPLES, 200)


def test_cycle_lengths_not_known_of_every_cell_are_left_out(tmp_path: Path) -> None:
    data = examples.dataset().assign_coords(cycle_length=("cell", [400.0, np.nan]))
    data.to_netcdf(tmp_path / "cell.nc", engine="h5netcdf")
    table = netcdf.read(tmp_path / "cell.nc")
    assert table.header == ("time", "V") and "cycle_length was left out" in table.notes[0]


def test_scale_offset_and_foreign_names_of_netcdf(tmp_path: Path) -> None:
    packed = {"dtype": "i2", "scale_factor": 0.01, "add_offset": -20.0, "_FillValue": -32768}
    data = xr.Dataset(
        {"potential": ("obs", VOLTAGE[0], {"units": "mV"}), "station": ("site", np.arange(7))},
        {"seconds": ("obs", TIME / 1000, {"units": "seconds since 2020-01-01"})},
    )
    data.to_netcdf(tmp_path / "cell.nc", engine="scipy", encoding={"potential": packed})
    table = netcdf.read(tmp_path / "cell.nc")
    assert table.header == ("seconds", "potential") and table.units == ("seconds", "mV")
    assert np.abs(column(table, "potential") - VOLTAGE[0]).max() <= 0.005 + 1e-9


def test_columns_of_a_matrix_alone(tmp_path: Path) -> None:
    table = read("npy", tmp_path)
    assert table.header == ("column 0", "column 1") and table.sweeps is None
    assert np.array_equal(table.columns[0], TIME) and np.array_equal(table.columns[1], VOLTAGE[0])
    scipy.io.savemat(tmp_path / "lone.mat", {"data": np.array([TIME, VOLTAGE[0]])})
    table = mat.read(tmp_path / "lone.mat")
    assert np.array_equal(table.columns[1], VOLTAGE[0])


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("kind", ["<f8", ">f4", "<i2"])
def test_every_kind_of_number_in_npy(kind: str, order: str, tmp_path: Path) -> None:
    numbers = np.asarray(np.round(VOLTAGE.T), dtype=kind, order=order)
    np.save(tmp_path / "cell.npy", numbers)
    table = npz.read(tmp_path / "cell.npy")
    assert np.array_equal(np.stack(table.columns, axis=1), numbers)


def test_as_many_sweeps_as_samples_are_rows_and_said(tmp_path: Path) -> None:
    square = np.arange(25.0).reshape(5, 5)
    np.savez(tmp_path / "cell.npz", time=np.arange(5.0), V=square)
    table = npz.read(tmp_path / "cell.npz")
    assert (
        np.array_equal(column(table, "V"), square.reshape(-1))
        and "rows are taken as sweeps" in table.notes[0]
    )


def test_what_fits_nowhere_is_left_out_and_said(tmp_path: Path) -> None:
    np.savez(tmp_path / "cell.npz", t=TIME, V=VOLTAGE[0], other=np.arange(7.0), word=np.array("a cell"))
    table = npz.read(tmp_path / "cell.npz")
    assert table.header == ("t", "V")
    assert table.notes == (
        "left out, no numbers: word",
        f"left out, of another shape than {SAMPLES} samples: other",
    )
    np.savez(tmp_path / "cell.npz", word=np.array("a cell"))
    np.savez(tmp_path / "cube.npz", t=TIME, V=VOLTAGE[0], cube=np.zeros((2, 3, 4)))
    assert npz.read(tmp_path / "cube.npz").notes == (
        f"left out, of another shape than {SAMPLES} samples: cube",
    )
    with pytest.raises(RecordingError, match="without an array of numbers for time and V"):
        npz.read(tmp_path / "cell.npz")


def test_datalog_keeps_names_and_its_own_time(tmp_path: Path) -> None:
    import myokit

    table = datalog.read(examples.write_datalog(tmp_path))
    assert table.header == ("engine.time", "membrane.V") and table.units == (None, None)
    assert np.array_equal(table.columns[0], TIME) and np.array_equal(table.columns[1], VOLTAGE[0])
    log = myokit.DataLog({"membrane.V": VOLTAGE[0], "environment.clock": TIME}, time="environment.clock")
    log.save(str(tmp_path / "log.zip"))
    assert datalog.read(tmp_path / "log.zip").header == ("environment.clock", "membrane.V")


def test_text_and_missing_files_are_not_ours(tmp_path: Path) -> None:
    for name, text in (
        ("cell.csv", "time,V\n0,-80\n"),
        ("cell.nc", "time,V\n0,-80\n"),
        ("VER.txt", "VER=1,2\n"),
    ):
        (tmp_path / name).write_text(text)
        assert open_table(tmp_path / name) is None
    assert open_table(tmp_path / "none.abf") is None
    (tmp_path / "cell.xyz").write_bytes(bytes(range(256)))
    assert open_table(tmp_path / "cell.xyz") is None
    (tmp_path / "cell.abf").write_bytes(bytes(range(256)))
    with pytest.raises(RecordingError, match=r"^cell.abf: cannot be read as Axon ABF"):
        open_table(tmp_path / "cell.abf")


def test_suffix_does_not_matter_where_the_content_speaks(tmp_path: Path) -> None:
    for example in ("npz", "mat 5", "netcdf 3", "abf 2", "wcp", "patchmaster", "datalog", "atf"):
        path = examples.EXAMPLES[example](tmp_path)
        renamed = path.rename(tmp_path / "recording.bin")
        assert isinstance(open_table(renamed), ArrayTable)
