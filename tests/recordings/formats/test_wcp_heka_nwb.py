"""WinWCP against its published layout; PatchMaster and NWB against what was written."""

from __future__ import annotations

import struct
import sys
from datetime import UTC, datetime
from pathlib import Path

import format_examples as examples
import heka_bundle
import numpy as np
import pytest
from format_examples import CURRENT, SAMPLES, SWEEPS, VOLTAGE

from ionwidgets.errors import RecordingError
from ionwidgets.recordings.formats import hdf5, nwb, open_table, patchmaster, wcp

RAMP = np.arange(30, dtype="i2")


def test_wcp_is_as_its_layout_says() -> None:
    path = examples.real_file("wcp-file.wcp")
    data = path.read_bytes()
    fields = dict(line.split("=", 1) for line in data[:1024].decode().splitlines() if "=" in line)
    channels, records = int(fields["NC"]), int(fields["NR"])
    analysis, block = 512 * int(fields["NBA"]), 512 * int(fields["NBD"])
    samples = block // (2 * channels)
    expected = []
    for record in range(records):
        at = 1024 + record * (analysis + block)
        highest = np.array(struct.unpack_from(f"<{channels}f", data, at + 24))
        raw = np.frombuffer(data, "<i2", channels * samples, at + analysis).reshape(samples, channels)
        gains = [float(fields[f"YG{channel}"]) for channel in range(channels)]
        order = [int(fields[f"YO{channel}"]) for channel in range(channels)]
        expected.append(raw[:, order] * highest / (int(fields["ADCMAX"]) * np.array(gains)))
    table = wcp.read(path)
    assert table.header == ("Im", "Vm") and table.units == ("pA", "mV")
    assert table.sweeps == (samples,) * records and table.step == 1000 * float(fields["DT"])
    assert np.allclose(np.stack(table.columns, axis=1), np.concatenate(expected), rtol=1e-6)


def test_rejected_records_are_left_out(tmp_path: Path) -> None:
    path = examples.real("wcp-file.wcp")(tmp_path)
    whole = wcp.read(path)
    data = bytearray(path.read_bytes())
    data[1024:1032] = b"REJECTED"
    path.write_bytes(data)
    table = wcp.read(path)
    assert table.notes == ("1 of 11 records, marked as rejected, were left out",)
    assert np.array_equal(table.columns[1], whole.columns[1][256:])
    with pytest.raises(RecordingError, match="WinWCP without a sample in it"):
        wcp.read(examples.real_file("wcp-file-empty.wcp"))


def test_current_clamp_series_of_a_bundle(tmp_path: Path) -> None:
    path = examples.write_patchmaster(tmp_path)
    table = open_table(path)
    assert table is not None and table.header == ("Vmon", "command")
    assert (table.unit(0), table.unit(1), table.step) == ("V", "nA", 0.1)
    assert table.sweeps == (SAMPLES,) * SWEEPS
    found = table.numbers([0, 1])
    assert np.abs(1000 * found[0] - VOLTAGE.reshape(-1)).max() <= 0.01  # mV: steps of 10 uV, and float32
    third = SAMPLES // 3
    assert np.array_equal(found[1], np.tile(np.repeat([0.0, 0.5, 0.0], third), SWEEPS))
    assert table.facts["series in the file"] == "1.2 ramp, 2.1 steps"
    assert table.notes == ("series '1.2 ramp' was taken; the file also holds 2.1 steps",)


@pytest.mark.parametrize("name", ["2.1", "steps", "2.1 steps"])
def test_series_is_chosen_by_number_or_label(name: str, tmp_path: Path) -> None:
    table = open_table(examples.write_patchmaster(tmp_path), series=name)
    assert table is not None and table.facts["series"] == "2.1 steps" and table.notes == ()


def test_series_that_is_not_there_names_those_that_are(tmp_path: Path) -> None:
    with pytest.raises(RecordingError, match=r"^cell.dat: unknown series 'stps'; did you mean 2.1 steps"):
        patchmaster.read(examples.write_patchmaster(tmp_path), "stps")


def test_voltage_clamp_alone_and_a_series_stopped_before_its_end(tmp_path: Path) -> None:
    clamp = heka_bundle.Series("IV", [RAMP], 1e-12, unit="A", clamp=heka_bundle.VOLTAGE_CLAMP)
    path = heka_bundle.write(tmp_path / "cell.dat", {"E-1": [clamp]})
    with pytest.raises(RecordingError, match="no current-clamp series"):
        patchmaster.read(path)
    stopped = heka_bundle.Series("first", [RAMP], 1e-5, intended=3)
    whole = heka_bundle.Series("second", [RAMP, RAMP], 1e-5)
    heka_bundle.write(path, {"E-1": [stopped, whole]})
    assert patchmaster.read(path).facts["series"] == "1.2 second"
    table = patchmaster.read(path, "first")
    assert table.notes == ("series '1.1 first' was stopped before its end",) and table.sweeps is None


def test_nwb_series_of_one_electrode_with_their_stimuli(tmp_path: Path) -> None:
    table = hdf5.read(examples.write_nwb(tmp_path))
    assert table.header == ("V", "command") and table.units == ("volts", "amperes")
    assert table.sweeps == (SAMPLES,) * SWEEPS and table.step == 0.1
    assert np.allclose(table.columns[0], VOLTAGE.reshape(-1) / 1000, atol=1e-15)
    assert np.allclose(table.columns[1], CURRENT.reshape(-1) * 1e-12, atol=1e-24)
    assert table.facts["electrode"] == "elec0" and table.facts["series"] == "sweep0, sweep1"


def written(path: Path, *series: dict[str, object]) -> Path:
    """An NWB file of current-clamp series, each with its electrode's name."""
    import pynwb
    from pynwb.icephys import CurrentClampSeries

    content = pynwb.NWBFile("a cell", "cell", datetime(2020, 1, 1, tzinfo=UTC))
    device = content.create_device("amplifier")
    electrodes: dict[object, object] = {}
    for index, given in enumerate(series):
        name = given.pop("electrode")
        if name not in electrodes:
            electrodes[name] = content.create_icephys_electrode(name=name, device=device, description="patch")
        content.add_acquisition(
            CurrentClampSeries(name=f"s{index}", electrode=electrodes[name], gain=1.0, **given)
        )
    with pynwb.NWBHDF5IO(str(path), "w") as io:
        io.write(content)
    return path


def test_nwb_of_several_electrodes_and_samplings(tmp_path: Path) -> None:
    data = VOLTAGE[0] / 1000
    table = nwb.read(
        written(
            tmp_path / "cell.nwb",
            {"electrode": "a", "data": data, "rate": 1000.0, "offset": 0.001},
            {"electrode": "b", "data": data, "rate": 1000.0},
            {"electrode": "a", "data": data * 2, "rate": 1000.0},
            {"electrode": "a", "data": data, "rate": 2000.0},
        )
    )
    assert np.allclose(table.columns[0], np.concatenate([data + 0.001, 2 * data]), atol=1e-15)
    assert table.notes == (
        "taken from electrode 'a'; the file has series of several: a (3), b (1)",
        "1 of 3 series, sampled otherwise than every 1.0 ms, were left out",
    )


def test_nwb_with_the_time_of_every_sample(tmp_path: Path) -> None:
    times = 5 + np.arange(SAMPLES) * 1e-3
    given = {"electrode": "a", "data": VOLTAGE[0] / 1000, "timestamps": times}
    table = nwb.read(written(tmp_path / "cell.nwb", given))
    assert table.header == ("time", "V") and table.units == ("s", "volts") and table.step is None
    assert np.array_equal(table.columns[0], times)


def test_nwb_without_a_membrane_potential(tmp_path: Path) -> None:
    import pynwb

    content = pynwb.NWBFile("a cell", "cell", datetime(2020, 1, 1, tzinfo=UTC))
    content.add_acquisition(pynwb.TimeSeries(name="heat", data=np.arange(9.0), unit="degC", rate=1.0))
    with pynwb.NWBHDF5IO(str(tmp_path / "cell.nwb"), "w") as io:
        io.write(content)
    with pytest.raises(RecordingError, match="no series of a membrane potential in acquisition; found heat"):
        nwb.read(tmp_path / "cell.nwb")


def test_nwb_without_its_reader_says_how_to_get_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = examples.write_nwb(tmp_path)
    monkeypatch.setitem(sys.modules, "pynwb", None)
    with pytest.raises(RecordingError, match=r"pip install 'ionwidgets\[nwb\]'$"):
        nwb.read(path)
