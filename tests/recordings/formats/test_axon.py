"""Axon's files: against Myokit's reader, which shares nothing with ours, and against what was written."""

from __future__ import annotations

import struct
from pathlib import Path

import format_examples as examples
import numpy as np
import pytest
from format_examples import CURRENT, SAMPLES, SWEEPS, TIME, VOLTAGE
from myokit.formats.axon import AbfFile, AtfFile

from ionwidgets.recordings.formats import atf, axon, open_table
from ionwidgets.recordings.table import ArrayTable

PROTOCOL, OUTPUTS, SYNCH = 0, 2, 15  # sections of ABF 2


def section(data: bytes | bytearray, index: int) -> int:
    """First byte of a section of ABF 2."""
    return 512 * int(struct.unpack_from("<I", data, 76 + 16 * index)[0])


def changed(folder: Path, name: str, *changes: tuple[int, str, object]) -> Path:
    """A real file with numbers changed: byte, form, value."""
    path = examples.real(name)(folder)
    data = bytearray(path.read_bytes())
    for at, form, value in changes:
        struct.pack_into("<" + form, data, at, value)
    path.write_bytes(data)
    return path


@pytest.mark.parametrize("name", ["abf-v1.abf", "abf-v2.abf"])
def test_real_files_are_read_as_myokit_reads_them(name: str) -> None:
    path = examples.real_file(name)
    table, peer = axon.read(path), AbfFile(str(path))
    recorded, command = peer.channel(0)[1], peer.da(0)[1]
    assert table.sweeps == tuple(len(sweep) for sweep in recorded)
    assert table.header == (peer.channel_names(0), f"command {peer.da_names(0)}")
    assert table.units == (str(peer.channel_units(0)).strip("[]"), str(peer.da_units(0)).strip("[]"))
    scale = np.abs(np.concatenate(recorded)).max()
    assert np.abs(table.columns[0] - np.concatenate(recorded)).max() < 1e-6 * scale
    assert np.array_equal(table.columns[1], np.concatenate(command).astype(np.float32))
    times = peer.channel(0)[0][0]
    assert table.step == pytest.approx(1000 * (times[1] - times[0]), rel=1e-9)


def test_what_a_real_file_says_of_itself() -> None:
    facts = axon.read(examples.real_file("abf-v2.abf")).facts
    assert facts["protocol"] == "IV_INapeak_9" and facts["date"] == "2016-01-07T10:51:55.345"
    assert facts["mode"] == "episodic stimulation" and facts["sampling"] == "20000 Hz"


def test_written_file_comes_back_to_the_resolution_of_its_converter(tmp_path: Path) -> None:
    table = axon.read(examples.write_abf1(tmp_path))
    assert (table.sweeps, table.step, table.units) == ((SAMPLES,) * SWEEPS, 0.1, ("mV",))
    step = 10 / 2**15 / 0.1  # mV: the range over the converter's numbers, by the gain that the writer takes
    assert np.abs(table.columns[0] - VOLTAGE.reshape(-1)).max() <= step


def test_channels_that_take_turns(tmp_path: Path) -> None:
    path = examples.write_abf1(tmp_path)
    one = axon.read(path).columns[0]
    data = bytearray(path.read_bytes())
    struct.pack_into("<h", data, 120, 2)
    struct.pack_into("<2h", data, 410, 0, 1)
    struct.pack_into("<f", data, 122, 1e6 / 60_000)  # of one conversion; a channel has every second one
    path.write_bytes(data)
    table = axon.read(path)
    assert table.header == ("channel", "channel 2") and table.sweeps == (SAMPLES // 2,) * SWEEPS
    assert np.array_equal(np.stack(table.columns, axis=1).reshape(-1), one)
    assert table.step == pytest.approx(
        1 / 30, rel=1e-6
    )  # a whole number of Hz would be 1/30 too, 3 channels not


def test_sweeps_of_unequal_length(tmp_path: Path) -> None:
    whole = examples.real_file("abf-v2.abf").read_bytes()
    synch = section(whole, SYNCH)
    path = changed(tmp_path, "abf-v2.abf", (synch + 4, "i", 500), (synch + 12, "i", 532))
    table, equal = axon.read(path), axon.read(examples.real_file("abf-v2.abf"))
    assert table.sweeps is not None and table.sweeps[:3] == (500, 532, 516)
    assert np.array_equal(table.columns[0], equal.columns[0])
    assert table.header == ("IN 0",) and "command of output 0 was left out" in table.notes[0]


def test_gap_free_recording_is_one_sweep(tmp_path: Path) -> None:
    whole = examples.real_file("abf-v2.abf").read_bytes()
    path = changed(tmp_path, "abf-v2.abf", (section(whole, PROTOCOL), "h", 3))
    table = axon.read(path)
    assert table.sweeps is None and len(table.columns[0]) == 19_092 and table.facts["mode"] == "gap-free"


def test_floating_point_abf1(tmp_path: Path) -> None:
    integers = axon.read(examples.real_file("abf-v1.abf"))
    path = examples.real("abf-v1.abf")(tmp_path)
    data = bytearray(path.read_bytes())
    data += bytes(-len(data) % 512)
    struct.pack_into("<h", data, 100, 1)
    struct.pack_into("<i", data, 40, len(data) // 512)
    path.write_bytes(bytes(data) + integers.columns[0].astype("<f4").tobytes())
    table = axon.read(path)
    assert np.array_equal(table.columns[0], integers.columns[0])
    assert (table.header[0], table.units[0], table.sweeps) == ("IN 0", "pA", integers.sweeps)
    assert table.step == 0.1


def test_samples_of_a_short_header_are_no_gains(tmp_path: Path) -> None:
    path = tmp_path / "one.abf"
    examples.write_abf1(tmp_path)
    sound = axon.read(path).columns[0]
    data = bytearray(path.read_bytes()) + bytes(8000)
    struct.pack_into("<16h", data, 4512, *[1] * 16)  # where a longer header has its telegraphs
    path.write_bytes(data)
    assert np.array_equal(axon.read(path).columns[0], sound)


def test_importing_pyabf_leaves_the_path_of_python_as_it_was(tmp_path: Path) -> None:
    import sys

    before = list(sys.path)
    axon.read(examples.real_file("abf-v1.abf"))
    assert sys.path == before


def test_atf_comes_back_exactly(tmp_path: Path) -> None:
    table = open_table(examples.write_atf(tmp_path))
    assert isinstance(table, ArrayTable)
    assert table.header == ("Time", "10_Vm", "I_MTest") and table.units == ("s", "mV", "pA")
    assert table.sweeps == (SAMPLES,) * SWEEPS
    assert np.allclose(table.columns[0], np.tile(TIME / 1000, SWEEPS), atol=1e-12)
    assert np.array_equal(table.columns[1], VOLTAGE.reshape(-1))
    assert np.array_equal(table.columns[2], CURRENT.reshape(-1))
    assert table.facts["comment"] == "a cell, 37 °C"


def test_atf_is_read_as_myokit_reads_it(tmp_path: Path) -> None:
    path = examples.write_atf(tmp_path)
    path.write_bytes(path.read_bytes().replace("°".encode("latin-1"), b""))
    table, peer = atf.read(path), AtfFile(str(path))
    assert np.array_equal(table.columns[0][:SAMPLES], peer["Time (s)"])
    assert np.array_equal(table.columns[1], [*peer["Trace #1 (mV)"], *peer["Trace #2 (mV)"]])


def test_atf_with_commas_and_without_a_list_of_signals(tmp_path: Path) -> None:
    path = tmp_path / "cell.atf"
    path.write_text('ATF,1.0\n0,3\n"Time (ms)","Trace #1 (mV)","Trace #2 (mV)"\n0,-80,-79\n0.1,-80.5,-78\n')
    table = open_table(path)
    assert isinstance(table, ArrayTable) and table.sweeps == (2, 2)
    assert [list(column) for column in table.columns] == [[0, 0.1, 0, 0.1], [-80, -80.5, -79, -78]]
    path.write_text('ATF\t1.0\n0\t3\n"t (ms)"\t"Vm (mV)"\t"Im (pA)"\n0\t-80\t5\n0.1\t-80.5\t6\n')
    table = atf.read(path)
    assert (table.header, table.units, table.sweeps) == (("t", "Vm", "Im"), ("ms", "mV", "pA"), None)
