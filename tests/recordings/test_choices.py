"""What a caller chooses when a file is read, what is inferred, and that both are kept."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from recording_files import made, tidy

from ionwidgets.errors import RecordingError
from ionwidgets.recordings import read_recording
from ionwidgets.recordings.units import infer_unit

TIME = np.arange(0.0, 60.0, 0.5)  # ms
V = -80 + 100 * np.exp(-(((TIME - 30) / 8) ** 2))


def uneven(tmp_path: Path, time: np.ndarray, V: np.ndarray) -> Path:
    rows = (f"{t:.4f},{v:.6f}" for t, v in zip(time, V, strict=True))
    return made(tmp_path, "\n".join(["time [ms],V [mV]", *rows]))


@pytest.mark.parametrize(
    ("low", "high", "unit"),
    [
        (-85.0, 40.0, "mV"),
        (-21.0, 5.0, "mV"),
        (0.0035, 0.158, "a.u."),
        (-0.042, 0.097, "a.u."),
        (900.0, 4095.0, "a.u."),
        (-0.08, 0.03, None),  # volts, or a dye
        (0.0, 100.0, None),  # mV with an offset, or percent
        (0.0, 0.0, None),
    ],
)
def test_a_unit_of_V_is_inferred_where_no_other_makes_sense(
    low: float, high: float, unit: str | None
) -> None:
    assert infer_unit("V", np.linspace(low, high, 50)) == unit


def test_dropped_samples_are_said_and_filled_when_that_is_asked(tmp_path: Path) -> None:
    kept = np.ones(TIME.size, dtype=bool)
    kept[[40, 41, 70]] = False
    path = uneven(tmp_path, TIME[kept], V[kept])
    with pytest.raises(RecordingError, match=r"cell.csv:42: .* unevenly: a step of 1.5 ms .*mend=\['even'\]"):
        read_recording(path)
    mended = read_recording(path, mend=["even"])
    np.testing.assert_allclose(mended["time"].values, TIME, atol=1e-9)
    np.testing.assert_allclose(mended["V"].values[0][kept], V[kept], atol=1e-5)
    np.testing.assert_allclose(mended["V"].values[0], V, atol=0.6)
    assert "3 were missing, the longest gap was 1.5 ms" in mended.attrs["notes"]
    assert json.loads(mended.attrs["choices"]) == {"mend": ["even"]}


def test_jitter_is_mended_too(tmp_path: Path) -> None:
    time = TIME + np.random.default_rng(1).uniform(-0.1, 0.1, TIME.size)
    mended = read_recording(uneven(tmp_path, time, np.interp(time, TIME, V)), mend=["even"])
    seen = np.interp(mended["time"].values + time[0], TIME, V)
    inside = mended["time"].values + time[0] < TIME[-1]
    np.testing.assert_allclose(mended["V"].values[0][inside], seen[inside], atol=0.7)


def test_a_gap_that_is_longer_than_an_upstroke_is_never_filled(tmp_path: Path) -> None:
    kept = (TIME < 20) | (TIME > 32)
    with pytest.raises(RecordingError, match="no more than 5 can be filled: split it there"):
        read_recording(uneven(tmp_path, TIME[kept], V[kept]), mend=["even"])


def test_an_unknown_mend_names_those_there_are(tmp_path: Path) -> None:
    with pytest.raises(RecordingError, match="unknown mend 'evn'; did you mean even"):
        read_recording(made(tmp_path, tidy()), mend=["evn"])


def test_a_current_of_the_whole_cell_needs_its_capacitance(tmp_path: Path) -> None:
    body = "\n".join(f"{i},-70,90" for i in range(30))
    path = made(tmp_path, f"time [ms],V [mV],Current (pA)\n{body}\n")
    with pytest.raises(RecordingError, match="pA is a current of the whole cell; give its capacitance="):
        read_recording(path, columns={"I_inj": 2})
    recording = read_recording(path, capacitance=45.0)
    np.testing.assert_allclose(recording["I_inj"].values, 2.0)
    assert recording["I_inj"].attrs["file_units"] == "pA" and recording["I_inj"].attrs["units"] == "A/F"
    with pytest.raises(RecordingError, match="capacitance must be positive and finite, in pF"):
        read_recording(path, capacitance=0.0)


def test_a_column_is_known_by_its_unit_where_its_title_says_nothing(tmp_path: Path) -> None:
    body = "\n".join(f"{i},{-70 + i},0.5" for i in range(30))
    recording = read_recording(made(tmp_path, f"Sweep time (ms),IN 0 (mV),Trigger (V)\n{body}\n"))
    assert recording["V"].values[0, 5] == -65 and recording["V"].attrs["column"] == "IN 0 (mV)"
    assert "column 'IN 0 (mV)' taken as V by its unit, mV" in recording.attrs["notes"]


def test_where_a_unit_comes_from_is_kept(tmp_path: Path) -> None:
    bare = made(tmp_path, "\n".join(f"{t},{v}" for t, v in zip(TIME, V, strict=True)))
    bare_seconds = made(tmp_path, "\n".join(f"{t / 1000},{v}" for t, v in zip(TIME, V, strict=True)), "s.csv")
    for path, unit in ((bare, "ms"), (bare_seconds, "s")):
        inferred = read_recording(path)
        assert inferred["V"].attrs["units_from"] == inferred["time"].attrs["units_from"] == "numbers"
        assert inferred["V"].attrs["file_units"] == "mV" and inferred["time"].attrs["file_units"] == unit
    assert read_recording(bare, units={"V": "mV"})["V"].attrs["units_from"] == "given"
    assert read_recording(made(tmp_path, tidy()))["V"].attrs["units_from"] == "file"


@pytest.mark.parametrize(
    "titles",
    ["Optical (a.u.),Pacing (mV)", "Fluorescence,Trigger (V)", "PMT1 (V),Ramp (mV)", "Vm raw (au),TTL (V)"],
)
def test_a_pacing_channel_beside_a_dye_is_never_taken_as_V(tmp_path: Path, titles: str) -> None:
    body = "\n".join(f"{t},{0.1 + v / 1000:.5f},{400 * (t % 20 < 2):g}" for t, v in zip(TIME, V, strict=True))
    with pytest.raises(RecordingError, match=r"say which with columns=|no recorded voltage"):
        read_recording(made(tmp_path, f"time [ms],{titles}\n{body}\n"))


def test_a_file_without_times_is_read_with_its_sampling_interval(tmp_path: Path) -> None:
    path = made(tmp_path, "\n".join(f"{v:.4f}" for v in V))
    with pytest.raises(RecordingError, match=r"sampling_ms=0\.1"):
        read_recording(path)
    recording = read_recording(path, sampling_ms=0.5)
    np.testing.assert_allclose(recording["V"].values[0], V, atol=1e-4)
    np.testing.assert_allclose(recording["time"].values, TIME)
    assert json.loads(recording.attrs["choices"]) == {"sampling_ms": 0.5}


def test_times_of_too_few_digits_can_be_left_out(tmp_path: Path) -> None:
    path = made(
        tmp_path,
        "\n".join(
            ["time [s],V [mV]", *(f"{10 + t / 1000:.5g},{v:.4f}" for t, v in zip(TIME, V, strict=True))]
        ),
    )
    with pytest.raises(RecordingError, match=r"too few|so few digits are better left out: sampling_ms=0\.4"):
        read_recording(path)
    np.testing.assert_allclose(read_recording(path, sampling_ms=0.5)["time"].values, TIME)


def test_choices_are_kept_as_they_were_made(tmp_path: Path) -> None:
    path = made(tmp_path, "\n".join(f"{t},{v}" for t, v in zip(TIME, V, strict=True)))
    recording = read_recording(path, cycle_length=np.float64(333.25), mend="even")
    assert json.loads(recording.attrs["choices"]) == {"cycle_length": 333.25, "mend": ["even"]}
    assert read_recording(path, mend=None).attrs["choices"] == "{}"
    with pytest.raises(RecordingError, match="mends are names"):
        read_recording(path, mend=7)  # type: ignore[arg-type]


def test_the_file_s_own_unit_is_kept_beside_the_one_that_was_given(tmp_path: Path) -> None:
    body = "\n".join(f"{t},{v / 1000}" for t, v in zip(TIME, V, strict=True))
    attrs = read_recording(made(tmp_path, f"time [ms],V [mV]\n{body}"), units={"V": "V"})["V"].attrs
    assert (attrs["file_units"], attrs["given_units"], attrs["units_from"]) == ("mV", "V", "given")


def test_a_calcium_in_an_unknown_unit_does_not_stop_V(tmp_path: Path) -> None:
    body = "\n".join(f"{t},{v},7" for t, v in zip(TIME, V, strict=True))
    recording = read_recording(made(tmp_path, f"time [ms],V [mV],Ca (furlong)\n{body}"))
    assert "Ca_i" not in recording and "column 'Ca (furlong)' left out" in recording.attrs["notes"]


def test_a_delimiter_at_the_end_of_every_row_is_no_column(tmp_path: Path) -> None:
    body = "\n".join(f"{t},{v}," for t, v in zip(TIME, V, strict=True))
    np.testing.assert_allclose(read_recording(made(tmp_path, f"time [ms],V [mV]\n{body}"))["V"].values[0], V)
