"""Reading and writing recordings: forms, units, and one error with line and column for every wrong file."""

from __future__ import annotations

import gzip
import subprocess
import sys
import time
from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from ionwidgets.errors import IonWidgetsError, RecordingError
from ionwidgets.recordings import parse_columns, parse_units, read_recording, write_recording
from ionwidgets.recordings.columns import split_title

TIDY = "cycle_length [ms],time [ms],V [mV],Ca_i [mM]"
DATA = Path(__file__).resolve().parents[1] / "data"


def made(folder: Path, text: str | bytes, name: str = "cell.csv") -> Path:
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def rows(count: int = 20, line: str = "400,{i},-80.5,1e-4") -> list[str]:
    return [line.format(i=i) for i in range(count)]


def tidy(*, count: int = 20, change: dict[int, str] | None = None, header: str = TIDY) -> str:
    """A tidy file whose line numbers (from 1, the header) are replaced as `change` says."""
    lines = [header, *rows(count)]
    for number, line in (change or {}).items():
        lines[number - 1] = line
    return "\n".join(lines) + "\n"


# Forms


def test_tidy_file_becomes_the_dataset_of_the_simulations() -> None:
    dataset = read_recording(DATA / "longqt.csv")
    assert dict(dataset.sizes) == {"cell": 6, "time": 5000}
    assert dataset["cycle_length"].values.tolist() == [400, 500, 600, 650, 750, 800]
    assert dataset["time"].values[:3].tolist() == [0, 1, 2]
    assert {name: dataset[name].attrs["units"] for name in ("V", "Ca_i", "time", "cycle_length")} == {
        "V": "mV",
        "Ca_i": "mM",
        "time": "ms",
        "cycle_length": "ms",
    }
    assert dataset["V"].dims == ("cell", "time") and dataset["V"].dtype == np.float64
    assert dataset.attrs == {"source": "longqt.csv", "sampling_ms": 1.0, "notes": ""}


def test_bundled_example_reads() -> None:
    dataset = read_recording(Path(str(files("ionwidgets.recordings"))) / "examples" / "drug.csv")
    assert dataset["cycle_length"].values.tolist() == [400, 600, 800]
    assert dataset.sizes["time"] == 3000


def test_dataset_survives_netcdf(tmp_path: Path) -> None:
    dataset = read_recording(DATA / "control.csv")
    dataset.to_netcdf(tmp_path / "cell.nc", engine="h5netcdf")
    with xr.open_dataset(tmp_path / "cell.nc", engine="h5netcdf") as again:
        xr.testing.assert_identical(again.load(), dataset)


def test_a_megabyte_reads_in_a_third_of_a_second() -> None:
    took = []
    for _ in range(4):
        begin = time.perf_counter()
        read_recording(DATA / "longqt.csv")
        took.append(time.perf_counter() - begin)
    assert min(took) < 0.3  # the best of some: the machine may be busy


@pytest.mark.parametrize(
    ("title", "line", "V"),
    [
        ("Time (s),Voltage (V)", "{s:.4f},-0.08", -80.0),
        (",Time (s),Voltage (V),Current (pA/pF)", "17,{s:.4f},-0.08,0.5", -80.0),
        ("time_ms\tV_mV", "{i}\t-80", -80.0),
        ("t;Vm [mV]", "{i};-80,5", -80.5),
        ("Time / msec,V/uV", "{i},-80000", -80.0),
        ('"Time (ms)","Membrane potential (mV)"', '"{i}","-80"', -80.0),
        ("time V", "{i} -80", -80.0),
        ("time,V\n(s),(mV)", "{s:.4f},-80", -80.0),
        ("# time [ms],V [mV]", "{i},-80", -80.0),
        ("# exported by hand\ntime [ms],V [mV]", "{i},-80", -80.0),
    ],
)
def test_real_life_headers(tmp_path: Path, title: str, line: str, V: float) -> None:
    body = "\n".join(line.format(i=i, s=i / 1000) for i in range(40))
    dataset = read_recording(made(tmp_path, f"{title}\n{body}\n"))
    assert dataset.attrs["sampling_ms"] == 1.0
    assert dataset.sizes["time"] == 40
    np.testing.assert_allclose(dataset["V"].values, V, rtol=1e-12)
    assert np.isnan(dataset["cycle_length"].values).all()


@pytest.mark.parametrize(
    ("title", "parts"),
    [
        ("Voltage (V)", ("Voltage", "V")),
        ("Ca_i [a.u.]", ("Ca_i", "a.u.")),
        ("time_ms", ("time", "ms")),
        ("Time / s", ("Time", "s")),
        ("Ca_i", ("Ca_i", None)),
        ("V_m", ("V_m", None)),
        ("cycle_length", ("cycle_length", None)),
    ],
)
def test_titles_split_into_name_and_unit(title: str, parts: tuple[str, str | None]) -> None:
    assert split_title(title) == parts


def test_windows_line_ends_gzip_and_byte_order_mark(tmp_path: Path) -> None:
    plain = read_recording(made(tmp_path, tidy()))
    for name, content in {
        "crlf.csv": tidy().replace("\n", "\r\n").encode(),
        "mac.csv": tidy().replace("\n", "\r").encode(),
        "bom.csv": b"\xef\xbb\xbf" + tidy().encode(),
        "wide.csv": tidy().encode("utf-16"),
        "cell.csv.gz": gzip.compress(tidy().encode()),
        "spare_rows.csv": tidy().encode() + b",,,\n\n",
    }.items():
        xr.testing.assert_equal(read_recording(made(tmp_path, content, name)), plain)


def test_current_is_kept_and_other_units_are_converted(tmp_path: Path) -> None:
    body = "\n".join(f"{i / 1000},-0.07,120,0.25,pause" for i in range(30))
    dataset = read_recording(made(tmp_path, f"Time (s),Voltage (V),Ca (nM),Current (pA/pF),remark\n{body}\n"))
    np.testing.assert_allclose(dataset["I_inj"].values, 0.25)
    np.testing.assert_allclose(dataset["Ca_i"].values, 120e-6)
    assert dataset["I_inj"].attrs["units"] == "A/F"


def test_a_current_in_another_unit_is_left_out_and_said(tmp_path: Path) -> None:
    body = "\n".join(f"{i},-70,3" for i in range(30))
    dataset = read_recording(made(tmp_path, f"time [ms],V [mV],Current (pA)\n{body}\n"))
    assert "I_inj" not in dataset
    assert "'Current (pA)' left out" in dataset.attrs["notes"]


def test_arbitrary_units_stay(tmp_path: Path) -> None:
    body = "\n".join(f"400,{i},{np.sin(i):.4f},{np.cos(i):.4f}" for i in range(30))
    dataset = read_recording(made(tmp_path, f"cycle_length [ms],time [ms],V [a.u.],Ca_i [a.u.]\n{body}\n"))
    assert dataset["V"].attrs["units"] == dataset["Ca_i"].attrs["units"] == "a.u."
    np.testing.assert_allclose(dataset["V"].values[0, 1], 0.8415)


def test_cells_of_different_length_are_padded_and_may_be_interleaved(tmp_path: Path) -> None:
    lines = ["sweep,time [ms],V [mV]"]
    for i in range(15):
        lines.append(f"7,{i},-80")
        if i < 12:
            lines.append(f"3,{100 + i},-70")
    dataset = read_recording(made(tmp_path, "\n".join(lines)))
    assert dataset["sweep"].values.tolist() == [7, 3]
    assert dataset.sizes == {"cell": 2, "time": 15}
    assert np.isfinite(dataset["V"].values[0]).all()
    assert np.isnan(dataset["V"].values[1, 12:]).all() and np.isfinite(dataset["V"].values[1, :12]).all()
    assert "time began between 0 and 100 ms" in dataset.attrs["notes"]


def test_cycle_length_of_an_unpaced_cell_is_the_median_interval(tmp_path: Path) -> None:
    t = np.arange(0, 3000.0)
    V = -80 + 110 * ((t % 700 > 100) & (t % 700 < 350))
    body = "\n".join(f"{a:g},{b:g}" for a, b in zip(t, V, strict=True))
    dataset = read_recording(made(tmp_path, f"time [ms],V [mV]\n{body}\n"))
    np.testing.assert_allclose(dataset["cycle_length"].values, 700, atol=0.5)
    assert dataset["cycle_length"].attrs["origin"] == "beats"
    assert "estimated from the beats in 1 of 1 cells" in dataset.attrs["notes"]


# Units that nobody gave


@pytest.mark.parametrize(("factor", "unit"), [(1.0, "ms"), (1e-3, "s")])
def test_time_and_voltage_units_inferred_where_unambiguous(tmp_path: Path, factor: float, unit: str) -> None:
    body = "\n".join(f"{i * 0.1 * factor:.7g},{-80 + i % 7}" for i in range(3000))
    dataset = read_recording(made(tmp_path, body))
    assert dataset.attrs["sampling_ms"] == 0.1
    assert f"unit of time inferred from its numbers: {unit}" in dataset.attrs["notes"]
    assert "unit of V inferred from its numbers: mV" in dataset.attrs["notes"]
    assert "no header: column 0 taken as time, column 1 as V" in dataset.attrs["notes"]


@pytest.mark.parametrize(
    ("text", "column", "words"),
    [
        ("\n".join(f"{i},{-0.08 + 0.001 * i:.4f}" for i in range(100)), "1", "could be mV or V or a.u."),
        ("\n".join(f"{i * 0.02:.2f},-80" for i in range(2_000)), "0", "could be ms or s"),
        ("time [ms],V [mV],Ca\n" + "\n".join(f"{i},-80,0.2" for i in range(20)), "'Ca'", "nM or a.u."),
    ],
)
def test_ambiguous_units_are_asked_for(tmp_path: Path, text: str, column: str, words: str) -> None:
    with pytest.raises(RecordingError, match="units=") as caught:
        read_recording(made(tmp_path, text))
    assert str(caught.value).startswith(f"cell.csv: column {column}: its unit is not given")
    assert words in str(caught.value)


def test_units_given_overrule_the_files(tmp_path: Path) -> None:
    text = "time [ms],V [V]\n" + "\n".join(f"{i},-80" for i in range(20))
    with pytest.raises(RecordingError, match=r"cell.csv:2: column 'V \[V\]': -8e\+04 mV is no membrane"):
        read_recording(made(tmp_path, text))
    assert read_recording(made(tmp_path, text), units={"V": "mV"})["V"].values[0, 0] == -80


# Explicit columns


def test_columns_by_number_title_and_name(tmp_path: Path) -> None:
    path = made(
        tmp_path, "n,Time (s),V1 (V),V2 (V)\n" + "\n".join(f"0,{i / 1000},-0.08,-0.07" for i in range(20))
    )
    for wanted, V in ((2, -80), ("V2 (V)", -70), ("v2 (v)", -70), ("V1", -80)):
        np.testing.assert_allclose(read_recording(path, columns={"V": wanted})["V"].values, V)


@pytest.mark.parametrize(
    ("columns", "units", "words"),
    [
        ({"V": 9}, None, "cell.csv:1: no column 9 for V; there are: 'cycle_length [ms]', 'time [ms]'"),
        ({"V": "Vm"}, None, "cell.csv:1: no column 'Vm' for V; there are: "),
        ({"voltage": 2}, None, "columns: unknown quantity 'voltage'"),
        ({"V": 1, "time": 1}, None, "two meanings"),
        (None, {"V": "kV"}, "unknown unit 'kV' for V; there are: uV, mV, V, a.u."),
        (None, {"I_inj": "A/F"}, "units names I_inj, of which the file has no column"),
        (None, {"Vm": "mV"}, "units: unknown quantity 'Vm'"),
    ],
)
def test_wrong_mapping(tmp_path: Path, columns: dict | None, units: dict | None, words: str) -> None:
    with pytest.raises(RecordingError) as caught:
        read_recording(made(tmp_path, tidy()), columns=columns, units=units)
    assert words in str(caught.value)


def test_mapping_as_typed_on_the_command_line() -> None:
    assert parse_columns("time=0, V=Voltage (V)") == {"time": 0, "V": "Voltage (V)"}
    assert parse_units("time=sec,V=AU,Ca_i=µM") == {"time": "s", "V": "a.u.", "Ca_i": "uM"}


@pytest.mark.parametrize(
    ("parse", "text", "words"),
    [
        (parse_columns, "time", "--columns: 'time' is not quantity=value, as in --columns time=0,V=2"),
        (parse_columns, "", "--columns: '' is not quantity=value"),
        (parse_columns, "time=0,time=1", "--columns: time is given twice"),
        (parse_columns, "volt=1", "--columns: unknown quantity 'volt'"),
        (parse_units, "V=kV", "unknown unit 'kV' for V; there are: uV, mV, V, a.u."),
        (parse_units, "time=", "--units: 'time=' is not quantity=value, as in --units time=s,V=mV"),
    ],
)
def test_wrong_mapping_on_the_command_line(parse, text: str, words: str) -> None:
    with pytest.raises(IonWidgetsError) as caught:
        parse(text)
    assert words in str(caught.value)


# Wrong files


@pytest.mark.parametrize(
    ("text", "where", "words"),
    [
        (tidy(change={7: "400,5,nan,1e-4"}), "cell.csv:7: column 'V [mV]': ", "'nan' is not a number"),
        (tidy(change={7: "400,5,,1e-4"}), "cell.csv:7: column 'V [mV]': ", "the field is empty"),
        (tidy(change={9: "400,7,-80,inf"}), "cell.csv:9: column 'Ca_i [mM]': ", "'inf' is infinite"),
        (tidy(change={9: "400,7,1e999,1e-4"}), "cell.csv:9: column 'V [mV]': ", "too large"),
        (tidy(change={4: "400,oops,-80,1e-4"}), "cell.csv:4: column 'time [ms]': ", "'oops' is text"),
        (tidy(change={4: "400,2,0x1F,1e-4"}), "cell.csv:4: column 'V [mV]': ", "'0x1F' is text"),
        (tidy(change={4: "400,2,1_0,1e-4"}), "cell.csv:4: column 'V [mV]': ", "'1_0' is text"),
        (tidy(change={8: "400,4,-80,1e-4"}), "cell.csv:8: column 'time [ms]': ", "goes back from 5 to 4 ms"),
        (tidy(change={8: "400,5,-80,1e-4"}), "cell.csv:8: column 'time [ms]': ", "stands still at 5 ms"),
        (tidy(change={8: "400,6.2,-80,1e-4"}), "cell.csv:8: column 'time [ms]': ", "unevenly"),
        (tidy(change={8: "400,6,-80"}), "cell.csv:8: ", "has 3 fields where the header has 4"),
        (tidy(change={8: "400,6,-80,1e-4,9"}), "cell.csv:8: ", "has 5 fields where the header has 4"),
        (tidy(change={3: "0,1,-80,1e-4"}), "cell.csv:3: column 'cycle_length [ms]': ", "must be positive"),
        (tidy(change={3: "-400,1,-80,1e-4"}), "cell.csv:3: column 'cycle_length [ms]': ", "must be positive"),
        (tidy(count=2), "cell.csv:3: column 'time [ms]': ", "only 2 samples; a cell needs at least 10"),
        (tidy(count=0), "cell.csv:1: ", "a header but not one sample"),
        (tidy(change={3: "500,1,-80,1e-4"}), "cell.csv:4: column 'time [ms]': ", "sampled unevenly"),
        (
            tidy(header="cycle_length [ms],time [ms],Vx,Ca_i [mM]"),
            "cell.csv:1: column 'V': ",
            "there are: 'cycle_length [ms]', 'time [ms]', 'Vx', 'Ca_i [mM]'",
        ),
        (tidy(header=TIDY.replace("[mV]", "[kV]")), "cell.csv:1: column 'V [kV]': ", "unknown unit 'kV'"),
        (tidy(header=TIDY.replace("Ca_i [mM]", "Vm [mV]")), "cell.csv:1: column 'V': ", "could each be V"),
        ("\n".join(rows()), "cell.csv:1: column 'time': ", "no column for time; there are: 4 without titles"),
        ("\n".join(["1"] * 20), "cell.csv:1: column 'time': ", "only column 0, untitled"),
        ("0,x\n" + "\n".join(f"{i},-80" for i in range(1, 20)), "cell.csv:1: column 1: ", "'x' is text"),
        ("", "cell.csv: ", "the file is empty"),
        ("\n# nothing\n\n", "cell.csv: ", "the file is empty"),
        (bytes(range(256)) * 20, "cell.csv: ", "is binary, not text"),
        (b"\xff\xfe\x00", "cell.csv: ", "is binary, not text"),
        (bytes(range(160, 256)) * 20, "cell.csv: ", "is binary, not text"),
        (gzip.compress(tidy().encode())[:-20], "cell.csv: ", "damaged gzip"),
        (b"\x1f\x8bnonsense", "cell.csv: ", "damaged gzip"),
        (
            "\n".join(["time [ms],V [mV]", *(f"{i % 15},-80" for i in range(30))]),
            "cell.csv:17: column 'time [ms]': ",
            "several sweeps need a sweep column",
        ),
        (
            "\n".join([TIDY, *rows(), *(f"500,{2 * i},-80,1e-4" for i in range(20))]),
            "cell.csv:22: column 'time [ms]': ",
            "sampled every 2 ms, the first every 1 ms",
        ),
    ],
)
def test_a_wrong_file_gets_one_line_with_file_line_and_column(
    tmp_path: Path, text: str | bytes, where: str, words: str
) -> None:
    with pytest.raises(RecordingError) as caught:
        read_recording(made(tmp_path, text))
    message = str(caught.value)
    assert message.startswith(where) and words in message and "\n" not in message


def test_lines_are_the_files_own_whatever_is_skipped(tmp_path: Path) -> None:
    text = "# a remark\n\n" + tidy(change={7: "400,5,bad,1e-4", 4: "400,2,-80,1e-4\n"})
    with pytest.raises(RecordingError, match=r"cell.csv:10: column 'V \[mV\]': 'bad' is text"):
        read_recording(made(tmp_path, text))


def test_an_unused_column_may_hold_anything(tmp_path: Path) -> None:
    text = "time [ms],remark,V [mV]\n" + "\n".join(f'{i},"a, b",-80' for i in range(20))
    assert read_recording(made(tmp_path, text)).sizes["time"] == 20


def test_a_path_that_is_not_there_names_its_neighbours(tmp_path: Path) -> None:
    made(tmp_path, tidy(), "cell7.csv")
    with pytest.raises(RecordingError, match=r"cell_7.csv: no such file; did you mean cell7.csv\?"):
        read_recording(tmp_path / "cell_7.csv")
    with pytest.raises(RecordingError, match="there is no folder"):
        read_recording(tmp_path / "nowhere" / "cell7.csv")
    with pytest.raises(RecordingError, match="is a folder"):
        read_recording(tmp_path)


@given(st.binary(max_size=400))
def test_junk_never_raises_anything_else(tmp_path_factory: pytest.TempPathFactory, junk: bytes) -> None:
    path = made(tmp_path_factory.mktemp("junk"), junk)
    with pytest.raises(RecordingError):
        read_recording(path)


@given(st.text(alphabet="0123456789.,;eE+-\n\t \"'#naif[]msV", max_size=300))
def test_near_numbers_never_raise_anything_else(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    path = made(tmp_path_factory.mktemp("near"), text)
    try:
        read_recording(path)
    except RecordingError as error:
        assert "\n" not in str(error)


# Round trip

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


def test_importing_recordings_loads_no_heavy_package() -> None:
    code = (
        "import sys, ionwidgets.recordings; "
        "print([name for name in ('torch', 'numba', 'plotly', 'ipywidgets') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
