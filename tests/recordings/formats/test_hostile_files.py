"""Files made to exhaust memory, to run on without end, or to reach out of themselves."""

from __future__ import annotations

import io
import struct
import tracemalloc
import zipfile
import zlib
from pathlib import Path

import format_examples as examples
import h5py
import heka_bundle
import numpy as np
import pytest
import scipy.io
from recording_files import made

from ionwidgets.errors import RecordingError
from ionwidgets.recordings.formats import open_table

MB = 1_000_000


def assert_refused(path: Path, words: str) -> None:
    """The file ends in one RecordingError that says so, without 100 MB taken."""
    tracemalloc.start()
    try:
        with pytest.raises(RecordingError, match=words) as caught:
            open_table(path)
        assert tracemalloc.get_traced_memory()[1] < 100 * MB
    finally:
        tracemalloc.stop()
    assert str(caught.value).startswith(path.name) and "\n" not in str(caught.value)


def npy(header: str, data: bytes = b"") -> bytes:
    text = header.encode().ljust(117) + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text + data


def archive(path: Path, **members: bytes) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for name, data in members.items():
            file.writestr(f"{name}.npy", data)
    return path


def test_objects_are_never_unpickled(tmp_path: Path) -> None:
    path = tmp_path / "cell.npz"
    np.savez(path, V=np.array([{"a": 1}], dtype=object))
    assert_refused(path, "without an array of numbers")
    data = io.BytesIO()
    np.save(data, np.array([{"a": 1}], dtype=object), allow_pickle=True)
    assert_refused(made(tmp_path, data.getvalue(), "cell.npy"), "objects")
    np.savez(path, t=np.arange(5.0), V=np.arange(5.0), more=np.array([None, "a"], dtype=object))
    table = open_table(path)
    assert table is not None and table.header == ("t", "V") and table.notes == ("left out, no numbers: more",)


def test_zip_that_unpacks_to_a_thousand_times_its_size(tmp_path: Path) -> None:
    path = archive(
        tmp_path / "cell.npz", V=npy("{'descr': '<f8', 'fortran_order': False, 'shape': (25000000,)}")
    )
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as file:
        file.writestr("t.npy", bytes(200 * MB))
    assert path.stat().st_size < MB
    assert_refused(path, "declares 200 MB")


def test_array_that_declares_more_than_its_member_holds(tmp_path: Path) -> None:
    header = "{'descr': '<f8', 'fortran_order': False, 'shape': (1000000000000, 3)}"
    assert_refused(archive(tmp_path / "cell.npz", V=npy(header, bytes(800))), "shape")
    assert_refused(made(tmp_path, npy(header, bytes(800)), "cell.npy"), "shape")
    header = "{'descr': '<f8', 'fortran_order': False, 'shape': (-1, 100)}"
    assert_refused(made(tmp_path, npy(header, bytes(800)), "cell.npy"), "NumPy")


def test_zip_of_something_else(tmp_path: Path) -> None:
    path = tmp_path / "cell.zip"
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("sheet1.xml", "<a/>")
    assert_refused(path, "neither NumPy's .npz nor a DataLog")


@pytest.mark.parametrize("suffix", [".nc", ".mat"])
def test_hdf5_that_declares_a_petabyte(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"cell{suffix}"
    with h5py.File(path, "w", userblock_size=512) as file:
        file.create_dataset("V", shape=(10**14,), dtype="f8", chunks=(1000,), compression="gzip")
    if suffix == ".mat":
        with path.open("r+b") as raw:
            raw.write(b"MATLAB 7.3 MAT-file".ljust(124) + b"\x00\x02IM")
    assert_refused(path, "declares")


def test_hdf5_block_that_unpacks_without_end(tmp_path: Path) -> None:
    path = tmp_path / "cell.h5"
    with h5py.File(path, "w") as file:
        file["time"] = np.arange(100.0)
        blocks = file.create_dataset("V", shape=(100,), chunks=(100,), dtype="f8", compression="gzip")
        blocks.id.write_direct_chunk((0,), zlib.compress(bytes(300 * MB)))
    assert path.stat().st_size < MB
    assert_refused(path, "unpacks to more than it declares")


def test_hdf5_that_reaches_out_of_itself(tmp_path: Path) -> None:
    other = tmp_path / "secret.h5"
    with h5py.File(other, "w") as file:
        file["V"] = np.arange(10.0)
    path = tmp_path / "cell.h5"
    with h5py.File(path, "w") as file:
        file["V"] = h5py.ExternalLink(str(other), "/V")
    assert_refused(path, "links to another file")
    with h5py.File(path, "w") as file:
        file.create_dataset("V", (10,), "f8", external=[(str(tmp_path / "raw"), 0, 80)])
    assert_refused(path, "in another file")
    with h5py.File(path, "w") as file:
        layout = h5py.VirtualLayout((10,), "f8")
        layout[:] = h5py.VirtualSource(str(other), "V", (10,))
        file.create_virtual_dataset("V", layout)
    assert_refused(path, "in another file")


def test_hdf5_groups_that_hold_themselves(tmp_path: Path) -> None:
    path = tmp_path / "cell.h5"
    with h5py.File(path, "w") as file:
        file["time"], file["V"] = np.arange(10.0), np.arange(10.0)
        group = file.create_group("loop")
        group["again"], group["root"] = group, file
    assert_refused(path, "a group by two names")


def test_one_array_of_mat_under_many_names(tmp_path: Path) -> None:
    path = tmp_path / "seven.mat"
    with h5py.File(path, "w", userblock_size=512) as file:
        file["t"] = np.arange(MB, dtype="f8")
        for name in range(20):
            file[f"V{name}"] = file["t"]
    with path.open("r+b") as raw:
        raw.write(b"MATLAB 7.3 MAT-file".ljust(124) + b"\x00\x02IM")
    assert_refused(path, "declares")


def test_mat_that_unpacks_to_a_thousand_times_its_size(tmp_path: Path) -> None:
    path = tmp_path / "cell.mat"
    scipy.io.savemat(path, {"V": np.zeros(20 * MB, dtype="i1")})
    sound = path.read_bytes()
    packed = zlib.compress(sound[128:] + bytes(200 * MB))
    path.write_bytes(sound[:128] + struct.pack("<II", 15, len(packed)) + packed)
    assert_refused(path, "MB")


def test_mat_of_cells_within_cells(tmp_path: Path) -> None:
    inner = np.array([1.0])
    for _ in range(60):
        outer = np.empty(1, dtype=object)
        outer[0] = inner
        inner = outer
    path = tmp_path / "cell.mat"
    scipy.io.savemat(path, {"data": {"deep": inner}})
    assert_refused(path, "nested deeper")


def test_mat_element_of_an_unknown_type(tmp_path: Path) -> None:
    # SciPy ends the process over it.
    path = tmp_path / "cell.mat"
    scipy.io.savemat(path, {"V": np.arange(30.0)})
    data = bytearray(path.read_bytes())
    at = data.index(struct.pack("<II", 9, 240))
    struct.pack_into("<I", data, at, 20_000)
    path.write_bytes(data)
    assert_refused(path, "of type 20000")


def test_abf_that_is_cut_short(tmp_path: Path) -> None:
    for name in ("abf-v1.abf", "abf-v2.abf"):
        whole = examples.real_file(name).read_bytes()
        assert_refused(made(tmp_path, whole[: len(whole) // 2], name), "cut short")
        assert_refused(made(tmp_path, whole[:100], name), "cut short")


def test_abf_of_samples_that_take_no_room(tmp_path: Path) -> None:
    path = examples.real("abf-v2.abf")(tmp_path)
    data = bytearray(path.read_bytes())
    struct.pack_into("<Iq", data, 76 + 16 * 10 + 4, 0, 2**31 - 1)
    path.write_bytes(data)
    assert_refused(path, "cut short")


def test_abf_never_opens_the_stimulus_file_it_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = examples.real("abf-v2.abf")(tmp_path)
    data = bytearray(path.read_bytes())
    block, width, count = struct.unpack_from("<IIq", data, 76 + 16 * 2)  # the outputs
    source = data[block * 512 :].find(struct.pack("<hh", 1, 1))  # waveform enabled, from the epochs
    assert 0 < source < width * count
    struct.pack_into("<hh", data, block * 512 + source, 1, 2)
    path.write_bytes(data)
    table = open_table(path)
    assert table is not None and table.header == ("IN 0",)
    assert table.notes == ("the command of output 0 was left out: it is in a file of its own",)


def test_wcp_whose_records_never_advance(tmp_path: Path) -> None:
    whole = examples.real_file("wcp-file.wcp").read_bytes()
    head, rest = whole[:1024], whole[1024:]
    for old, new in ((b"NR=11", b"NR=999999999"), (b"NBA=2", b"NBA=0"), (b"NC=2", b"NC=-1")):
        assert old in head
        changed = head.replace(old, new)[:1024].ljust(1024, b"\x00")
        assert_refused(made(tmp_path, changed + rest, "cell.wcp"), "WinWCP")


def test_patchmaster_whose_trees_never_end(tmp_path: Path) -> None:
    path = examples.write_patchmaster(tmp_path)
    whole = path.read_bytes()
    tree = whole.index(b"eerT")
    for at, value in ((tree + 8, -4), (tree + 28 + 640, 2**31 - 1), (tree + 4, 100_000)):
        data = bytearray(whole)
        struct.pack_into("<i", data, at, value)
        assert_refused(made(tmp_path, bytes(data), "cell.dat"), "PatchMaster")
    stimulus = heka_bundle.Series("long", [np.zeros(30, "i2")], 1e-5, intended=2**31 - 1)
    assert_refused(heka_bundle.write(path, {"E": [stimulus]}), "a stimulus of 2147483647 sweeps")


@pytest.mark.parametrize("example", examples.EXAMPLES)
def test_empty_and_headless_files(example: str, tmp_path: Path) -> None:
    path = examples.EXAMPLES[example](tmp_path)
    whole = path.read_bytes()
    assert open_table(made(tmp_path, b"", path.name)) is None
    for length in (1, 4, 8, 16, 100, len(whole) - 1):
        made(tmp_path, whole[:length], path.name)
        try:
            table = open_table(path)
        except RecordingError as error:
            assert str(error).startswith(path.name)
        else:
            assert table is None or table.width
