"""One line, with file, line and column, for every wrong file."""

from __future__ import annotations

import gzip
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from recording_files import TIDY, made, rows, tidy

from ionwidgets.errors import RecordingError
from ionwidgets.recordings import read_recording


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
        (tidy(change={4: "400,2,\u0661,1e-4"}), "cell.csv:4: column 'V [mV]': ", "is text where a number"),
        (tidy(change={4: "400,2,\xa0-80,1e-4"}), "cell.csv:4: column 'V [mV]': ", "is text where a number"),
        (tidy(change={21: '400,19,"-80,1e-4'}), "cell.csv:21: ", "fields where the header has 4"),
        (tidy(change={21: '400,19,-80,"1e-4'}), "cell.csv:21: ", "a quotation mark is not closed"),
        (tidy(change={4: f'400,2,"{"9" * 200_000}",1e-4'}), "cell.csv:4: column 'V [mV]': ", "is text"),
        (
            "\n".join(["time [ms];V [mV]", "0;-80,5", *(f"{i};-80.5" for i in range(1, 20))]),
            "cell.csv:3: column 'V [mV]': ",
            "'-80.5' has a decimal point where the rows before have a decimal comma",
        ),
        (
            "\n".join(["time [min],V [mV]", *(f"{i}e305,-80" for i in range(20))]),
            "cell.csv:3: column 'time [min]': ",
            "1e+305 is no number that was measured",
        ),
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
    with pytest.raises(RecordingError, match="a file's name holds no NUL"):
        read_recording("cell\0.csv")


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


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_a_fuzzer_finds_nothing_in_ten_thousand_files(tmp_path: Path) -> None:
    """From reading to `inspect`: no exception but ours, none over 10 s or 1.5 GB (atheris, libFuzzer)."""
    command = [sys.executable, str(Path(__file__).with_name("fuzz.py")), str(tmp_path), "10000"]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    ended = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert ended.returncode == 0 and "Done 10000 runs" in ended.stderr, ended.stderr[-3000:]


@pytest.mark.parametrize(
    ("title", "line", "words"),
    [
        ("time [s],V [mV]", "{i}e-40,-80", "sampled every 1e-37 ms, a recording every 0.001 to 1000 ms"),
        ("time [s],V [mV]", "{i}000,-80", "give the unit of time"),
        ("time [ms],V [a.u.]", "{i},{i}e305", "1e+305 is no number that was measured"),
    ],
)
def test_absurd_numbers_are_refused(tmp_path: Path, title: str, line: str, words: str) -> None:
    body = "\n".join(line.format(i=i) for i in range(20))
    with pytest.raises(RecordingError, match=re.escape(words)):
        read_recording(made(tmp_path, f"{title}\n{body}\n"))
