"""The same beats in every format: no hint is needed, and V, units, sampling and upstrokes are the same."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import myokit
import numpy as np
import pytest
import xarray as xr
from pyabf.abfWriter import writeABF1
from scipy.io import savemat

from ionwidgets.errors import RecordingError
from ionwidgets.recordings import describe, find_beats, read_recording, write_recording

TIME = np.arange(0.0, 2000.0, 0.5)  # ms
V = np.round(-85 + 120 * np.exp(-((TIME - 40) % 500.0) / 80), 3)
EXACT, INT16 = 1e-9, 0.02  # mV


def csv(path: Path) -> None:
    np.savetxt(path, np.stack([TIME, V], 1), "%.3f", ",", header="time [ms],V [mV]", comments="")


def german(path: Path) -> None:
    rows = (f"{t / 1000:.4f};{v / 1000:.6f}".replace(".", ",") for t, v in zip(TIME, V, strict=True))
    path.write_text("Zeit (s);V (V)\n".replace("Zeit", "time") + "\n".join(rows), encoding="utf-16")


def numpy(path: Path) -> None:
    np.savez(path, time=TIME / 1000, V=V)


def matlab(path: Path) -> None:
    savemat(path, {"t": TIME, "Vm": V})


def netcdf(path: Path) -> None:
    units = {"V": {"units": "mV"}, "time": {"units": "ms"}}
    xr.Dataset({"V": ("time", V, units["V"])}, {"time": ("time", TIME, units["time"])}).to_netcdf(
        path, engine="h5netcdf"
    )


def datalog(path: Path) -> None:
    log = myokit.DataLog(time="engine.time")
    log["engine.time"], log["membrane.V"] = TIME, V
    log.save(str(path))


def axon(path: Path) -> None:
    writeABF1(V[np.newaxis].astype(np.float32), str(path), 2000.0, units="mV")


FORMATS: list[tuple[str, Callable[[Path], None], float]] = [
    ("cell.csv", csv, EXACT), ("zelle.txt", german, EXACT), ("cell.npz", numpy, EXACT),
    ("cell.mat", matlab, EXACT), ("cell.nc", netcdf, EXACT), ("cell.zip", datalog, EXACT),
    ("cell.abf", axon, INT16),
]  # fmt: skip


@pytest.mark.parametrize(("name", "write", "within"), FORMATS, ids=[name for name, *_ in FORMATS])
def test_the_same_recording(tmp_path: Path, name: str, write: Callable[[Path], None], within: float) -> None:
    write(tmp_path / name)
    recording = read_recording(tmp_path / name)
    np.testing.assert_allclose(recording["V"].values[0], V, atol=within)
    np.testing.assert_allclose(recording["time"].values, TIME, atol=1e-6)
    assert recording["V"].attrs["units"] == "mV" and recording.attrs["sampling_ms"] == 0.5
    assert recording.attrs["source"] == name and recording.attrs["format"]
    np.testing.assert_allclose(find_beats(TIME, recording["V"].values[0]), [40, 540, 1040, 1540], atol=0.6)
    assert recording["cycle_length"].values[0] == pytest.approx(500, abs=0.5)
    told = describe.describe(recording)
    assert name in told and "4 beats" in told and "warnings" not in told


def test_a_dataset_s_own_netcdf_is_a_recording(tmp_path: Path) -> None:
    csv(tmp_path / "cell.csv")
    one = read_recording(tmp_path / "cell.csv", cycle_length=500.0)
    two = xr.concat([one, one.isel(time=slice(0, 3000))], "cell", join="outer")
    two.to_netcdf(tmp_path / "two.nc", engine="h5netcdf")
    again = read_recording(tmp_path / "two.nc")
    np.testing.assert_array_equal(again["V"].values, two["V"].values)
    assert again["cycle_length"].values.tolist() == [500, 500]
    write_recording(again, tmp_path / "two.csv")
    np.testing.assert_allclose(read_recording(tmp_path / "two.csv")["V"].values, two["V"].values)


def test_of_a_voltage_clamp_it_is_said_what_there_is() -> None:
    file = Path(myokit.__file__).parent / "tests" / "data" / "formats" / "abf-v2.abf"
    with pytest.raises(RecordingError, match=r"a voltage clamp.*: 'IN 0' \(pA\), 'command Cmd 0'"):
        read_recording(file)
