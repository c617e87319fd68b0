"""One small recording in every binary format, each written by that format's own library.

Two sweeps of 300 samples, 0.1 ms apart, in mV; `VOLTAGE` is what a reader is to find.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import heka_bundle
import numpy as np

SAMPLES, SWEEPS, STEP = 300, 2, 0.1
TIME = np.arange(SAMPLES) * STEP
VOLTAGE = np.round(-80 + 110 * np.exp(-(((TIME - 8) / 6) ** 2)) * np.array([[1.0], [0.9]]), 3)
CURRENT = np.where((TIME > 2) & (TIME < 4), 500.0, 0.0) * np.array([[1.0], [0.5]])


def write_npz(folder: Path) -> Path:
    path = folder / "cell.npz"
    np.savez(path, time=TIME, V=VOLTAGE)
    return path


def write_npz_packed(folder: Path) -> Path:
    path = folder / "packed.npz"
    np.savez_compressed(path, t=TIME, V=VOLTAGE.T)
    return path


def write_npy(folder: Path) -> Path:
    path = folder / "cell.npy"
    np.save(path, np.column_stack([TIME, VOLTAGE[0]]))
    return path


def write_mat5(folder: Path) -> Path:
    import scipy.io

    path = folder / "cell.mat"
    data = {"t": TIME, "V": VOLTAGE.T, "note": "a cell"}
    scipy.io.savemat(path, {"data": data}, do_compression=True)
    return path


def write_mat5_plain(folder: Path) -> Path:
    import scipy.io

    path = folder / "plain.mat"
    scipy.io.savemat(path, {"t": TIME, "V": VOLTAGE, "name": "a cell", "parts": [1, 2]})
    return path


def write_mat4(folder: Path) -> Path:
    import scipy.io

    path = folder / "four.mat"
    scipy.io.savemat(path, {"t": TIME, "V": VOLTAGE}, format="4")
    return path


def write_mat73(folder: Path) -> Path:
    import h5py

    path = folder / "seven.mat"
    with h5py.File(path, "w", userblock_size=512) as file:
        file["t"] = TIME[None, :]
        file["V"] = VOLTAGE
        for name in ("t", "V"):
            file[name].attrs["MATLAB_class"] = np.bytes_("double")
        group = file.create_group("info")
        group.attrs["MATLAB_class"] = np.bytes_("struct")
        group["cell"] = np.array([[67]], dtype="u2")
        group["cell"].attrs["MATLAB_class"] = np.bytes_("char")
    text = b"MATLAB 7.3 MAT-file, Platform: GLNXA64, Created on: Tue Nov 18 2014 HDF5 schema 1.00 ."
    with path.open("r+b") as raw:
        raw.write(text.ljust(116) + bytes(8) + b"\x00\x02IM")
    return path


def dataset():  # type: ignore[no-untyped-def] # xarray is imported where it is used
    import xarray as xr

    return xr.Dataset(
        {"V": (("cell", "time"), VOLTAGE, {"units": "mV"})},
        {"time": ("time", TIME, {"units": "ms"}), "cycle_length": ("cell", [400.0, 800.0], {"units": "ms"})},
        {"source": "cell.csv"},
    )


def write_netcdf(folder: Path) -> Path:
    path = folder / "cell.nc"
    dataset().to_netcdf(path, engine="h5netcdf", encoding={"V": {"zlib": True}})
    return path


def write_netcdf3(folder: Path) -> Path:
    path = folder / "classic.nc"
    dataset().to_netcdf(path, engine="scipy", format="NETCDF3_64BIT")
    return path


def write_hdf5(folder: Path) -> Path:
    import h5py

    path = folder / "cell.h5"
    with h5py.File(path, "w") as file:
        file["time"] = TIME
        file.create_dataset("Vm", data=VOLTAGE, chunks=(1, 100), compression="gzip", shuffle=True)
        file["time"].attrs["units"] = "ms"
    return path


def write_datalog(folder: Path) -> Path:
    import myokit

    path = folder / "log.zip"
    log = myokit.DataLog({"engine.time": TIME, "membrane.V": VOLTAGE[0]}, time="engine.time")
    log.save(str(path))
    return path


def write_abf1(folder: Path) -> Path:
    before = list(sys.path)
    import pyabf.abfWriter

    sys.path[:] = before
    path = folder / "one.abf"
    pyabf.abfWriter.writeABF1(VOLTAGE, str(path), 10_000, units="mV")
    return path


def real(name: str) -> Callable[[Path], Path]:
    """A recording that comes with Myokit."""

    def copy(folder: Path) -> Path:
        path = folder / name
        path.write_bytes(real_file(name).read_bytes())
        return path

    return copy


def real_file(name: str) -> Path:
    import myokit

    return Path(myokit.__file__).parent / "tests" / "data" / "formats" / name


def write_atf(folder: Path) -> Path:
    path = folder / "cell.atf"
    lines = [
        "ATF\t1.0",
        "4\t5",
        '"AcquisitionMode=Episodic Stimulation"',
        '"Comment=a cell, 37 °C"',
        '"SweepStartTimesMS=0.000,1000.000"',
        '"Signals="\t"10_Vm"\t"I_MTest"\t"10_Vm"\t"I_MTest"',
        '"Time (s)"\t"Trace #1 (mV)"\t"Trace #1 (pA)"\t"Trace #2 (mV)"\t"Trace #2 (pA)"',
    ]
    for i in range(SAMPLES):
        row = (TIME[i] / 1000, VOLTAGE[0, i], CURRENT[0, i], VOLTAGE[1, i], CURRENT[1, i])
        lines.append("\t".join(f"{value:.9g}" for value in row))
    path.write_bytes(("\r\n".join(lines) + "\r\n").encode("latin-1"))
    return path


def write_patchmaster(folder: Path) -> Path:
    raw = [np.round(sweep * 1e-3 / 1e-6).astype("<i4") // 10 for sweep in VOLTAGE]  # steps of 10 uV
    clamp = heka_bundle.Series("IV", [raw[0]], 1e-12, unit="A", clamp=heka_bundle.VOLTAGE_CLAMP)
    return heka_bundle.write(
        folder / "cell.dat",
        {
            "E-1": [clamp, heka_bundle.Series("ramp", raw, 1e-5)],
            "E-2": [heka_bundle.Series("steps", raw, 1e-5)],
        },
    )


def write_nwb(folder: Path) -> Path:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import pynwb
        from pynwb.icephys import CurrentClampSeries, CurrentClampStimulusSeries

        content = pynwb.NWBFile("a cell", "cell", datetime(2020, 1, 1, tzinfo=UTC))
        device = content.create_device("amplifier")
        electrode = content.create_icephys_electrode(name="elec0", device=device, description="patch")
        for sweep in range(SWEEPS):
            raw = np.round(VOLTAGE[sweep] / 1e-3).astype("i4")
            common = {"electrode": electrode, "rate": 10_000.0, "sweep_number": np.uint32(sweep)}
            content.add_acquisition(
                CurrentClampSeries(
                    name=f"sweep{sweep}",
                    data=raw,
                    conversion=1e-6,
                    gain=1.0,
                    stimulus_description="steps",
                    starting_time=float(sweep),
                    **common,
                )
            )
            content.add_stimulus(
                CurrentClampStimulusSeries(
                    name=f"stimulus{sweep}",
                    data=CURRENT[sweep],
                    conversion=1e-12,
                    gain=1.0,
                    starting_time=float(sweep),
                    **common,
                )
            )
        path = folder / "cell.nwb"
        with pynwb.NWBHDF5IO(str(path), "w") as io:
            io.write(content)
    return path


EXAMPLES: dict[str, Callable[[Path], Path]] = {
    "npz": write_npz,
    "npz packed": write_npz_packed,
    "npy": write_npy,
    "mat 5": write_mat5,
    "mat 5 plain": write_mat5_plain,
    "mat 4": write_mat4,
    "mat 7.3": write_mat73,
    "netcdf 4": write_netcdf,
    "netcdf 3": write_netcdf3,
    "hdf5": write_hdf5,
    "datalog": write_datalog,
    "abf 1": real("abf-v1.abf"),
    "abf 1 written": write_abf1,
    "abf 2": real("abf-v2.abf"),
    "atf": write_atf,
    "wcp": real("wcp-file.wcp"),
    "patchmaster": write_patchmaster,
    "nwb": write_nwb,
}
