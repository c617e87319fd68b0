"""Files of recordings in step 2: read off the caller's thread, with other choices, mended or not."""

from __future__ import annotations

import threading
from pathlib import Path

import numpy as np
import pytest

from ionwidgets.widgets.python_lines import python_lines
from ionwidgets.widgets.recording.panel import RecordingPanel
from ionwidgets.widgets.recording.state import RecordingState
from ionwidgets.widgets.session import Session
from ionwidgets.widgets.workbench import workbench

TIME = np.arange(0.0, 2000.0)  # ms
V = -85 + 120 * np.exp(-((TIME - 40) % 500.0) / 60)


@pytest.fixture
def state(session: Session) -> RecordingState:
    return RecordingState(session)


def file(folder: Path, name: str = "cell7.csv", V: np.ndarray = V, title: str = "time [ms],V [mV]") -> Path:
    path = folder / name
    rows = (f"{t:g},{v:.4f}" for t, v in zip(TIME, V, strict=True))
    path.write_text("\n".join([title, *rows]), encoding="utf-8")
    return path


def shown(state: RecordingState, path: Path) -> None:
    state.add(path)
    assert state.worker.wait(30)


def test_a_file_becomes_the_recording_of_the_session(state: RecordingState, tmp_path: Path) -> None:
    shown(state, file(tmp_path))
    session = state.session
    assert session.recording.sizes["time"] == 2000 and session.recording_source == "cell7.csv"
    assert state.columns == ("time [ms]", "V [mV]") and state.problem == "" and session.activities == {}


def test_a_wrong_file_is_said_in_one_line_and_loses_nothing(state: RecordingState, tmp_path: Path) -> None:
    shown(state, file(tmp_path))
    kept = state.session.recording
    bad = tmp_path / "bad.csv"
    bad.write_text("time [ms],V [mV]\n0,-80\n1,oops\n", encoding="utf-8")
    shown(state, bad)
    assert "bad.csv:3" in state.problem and "\n" not in state.problem
    assert state.session.recording is kept and state.session.trouble == state.problem
    assert state.columns == ("time [ms]", "V [mV]"), "so that another column can be chosen"
    shown(state, tmp_path / "gone.csv")
    assert "no such file" in state.problem


def test_a_unit_that_cannot_be_inferred_is_asked_for_and_given(state: RecordingState, tmp_path: Path) -> None:
    shown(state, file(tmp_path, V=V / 1000, title="time,V"))
    assert "its unit is not given" in state.problem
    state.choose_of("units", "V", "V")
    assert state.worker.wait(30) and state.problem == ""
    recording = state.session.recording
    assert recording["V"].attrs["units"] == "mV" and float(recording["V"].max()) > 20
    lines = python_lines(state.session, {"eta": 1e-3})
    assert 'iw.read_recording("cell7.csv", units={"V": "V"})' in lines
    state.choose_of("units", "V", "")
    assert state.worker.wait(30) and "its unit is not given" in state.problem


def test_what_is_wrong_is_told_and_mended_when_that_is_chosen(state: RecordingState, tmp_path: Path) -> None:
    shown(state, file(tmp_path, V=-V / 1000 + 3, title="time [ms],V [a.u.]"))
    assert [fault.kind for fault in state.faults] == ["upside-down"] and state.mends == ("flip",)
    before = state.session.recording["V"].values[0]
    state.mend("flip", True)
    assert state.worker.wait(30) and state.faults == () and state.mends == ("flip",)
    after = state.session.recording["V"].values[0]
    np.testing.assert_allclose(after - after.mean(), before.mean() - before)
    state.mend("flip", False)
    assert state.worker.wait(30) and state.choices == {}


def test_uneven_samples_can_be_mended_from_the_question_itself(state: RecordingState, tmp_path: Path) -> None:
    path = file(tmp_path)
    lines = path.read_text(encoding="utf-8").split("\n")
    del lines[300:302]
    path.write_text("\n".join(lines), encoding="utf-8")
    shown(state, path)
    assert "unevenly" in state.problem and state.mends == ("even",)
    state.mend("even", True)
    assert state.worker.wait(30) and state.problem == ""
    assert state.session.recording.sizes["time"] == 2000


def test_several_files_are_kept_and_one_is_shown(state: RecordingState, tmp_path: Path) -> None:
    first, second = file(tmp_path, "a.csv"), file(tmp_path, "b.csv", V=V + 1)
    shown(state, first)
    shown(state, second)
    assert state.files == (first, second) and state.session.recording_source == "b.csv"
    state.use(first)
    assert state.worker.wait(30) and state.session.recording_source == "a.csv"
    state.session.load_example()
    assert state.file is None and state.files == (first, second) and state.faults == ()


def test_choices_from_two_threads_end_with_the_last(state: RecordingState, tmp_path: Path) -> None:
    shown(state, file(tmp_path))

    def choose(value: float) -> None:
        for _ in range(20):
            state.choose("cycle_length", value)

    threads = [threading.Thread(target=choose, args=(value,)) for value in (400.0, 500.0)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert state.worker.wait(60)
    assert float(state.session.recording["cycle_length"][0]) == state.choices["cycle_length"]
    assert state.session.activities == {}


def test_the_panel_shows_what_was_found_and_hears_what_is_chosen(session: Session, tmp_path: Path) -> None:
    panel = RecordingPanel(session)
    panel.show()
    state, reading = panel.state, panel.reading
    assert reading.layout.display == "none"
    shown(state, file(tmp_path, "a.csv"))
    shown(state, file(tmp_path, "b.csv", V=-V / 1000 + 3, title="time [ms],V [a.u.]"))
    assert reading.layout.display is None
    assert [label for label, _ in panel.file.options] == ["a.csv", "b.csv"]
    assert reading.units["V"].options[0] == ("as found: a.u.", "")
    assert reading.columns["time"].options[0] == ("as found: time [ms]", "")
    assert "action potentials point down" in reading.faults.value
    flip = reading.mends["flip"]
    assert flip.layout.display is None and reading.mends["blank"].layout.display == "none"
    flip.value = True
    assert state.worker.wait(30) and state.choices == {"mend": ["flip"]} and reading.faults.value == ""
    reading.numbers["cycle_length"].value = "500"
    assert state.worker.wait(30) and float(session.recording["cycle_length"][0]) == 500.0
    panel.file.value = state.files[0]
    assert state.worker.wait(30) and session.recording_source == "a.csv" and state.choices == {}
    line, upstrokes = panel.figure.data
    assert len(line.x) == 2000 and len(upstrokes.x) == 4


def test_a_closer_look_shows_samples_that_the_whole_left_out(session: Session, tmp_path: Path) -> None:
    panel = RecordingPanel(session)
    panel.show()
    time = np.arange(0.0, 10_000.0, 0.5)
    trace = -85 + 120 * np.exp(-((time - 40) % 500.0) / 60)
    path = tmp_path / "long.csv"
    np.savetxt(path, np.stack([time, trace], 1), delimiter=",", header="time [ms],V [mV]", fmt="%.4f")
    shown(panel.state, path)
    line = panel.figure.data[0]
    assert len(line.x) == 2000 < time.size
    assert min(line.y) == pytest.approx(trace.min(), abs=0.01)
    assert max(line.y) == pytest.approx(trace.max(), abs=0.01)
    panel.figure.layout.xaxis.range = (1000.0, 1400.0)
    line = panel.figure.data[0]
    assert len(line.x) == pytest.approx(800, abs=5) and min(line.x) >= 999 and max(line.x) <= 1401
    for _ in range(2):  # a double-click, and one more after the next look
        panel.figure.layout.xaxis.autorange = True
        assert len(panel.figure.data[0].x) == 2000 and panel.figure.layout.xaxis.range is None
        panel.figure.layout.xaxis.range = (1000.0, 1100.0)
        assert len(panel.figure.data[0].x) == pytest.approx(200, abs=5)


def test_a_workbench_with_a_file_of_its_own(tmp_path: Path) -> None:
    bench = workbench(recording=file(tmp_path))
    assert bench.session.recording.sizes["time"] == 2000
    bench.close()


def test_the_example_ends_what_was_being_looked_at(state: RecordingState, tmp_path: Path) -> None:
    state.add(file(tmp_path))
    state.session.load_example()
    assert state.worker.wait(30) and state.session.activities == {}


def test_the_only_file_can_be_shown_again_after_the_example(session: Session, tmp_path: Path) -> None:
    panel = RecordingPanel(session)
    panel.show()
    path = file(tmp_path)
    shown(panel.state, path)
    assert panel.file.layout.display == "none"
    session.load_example()
    assert panel.file.layout.display is None and panel.file.value is None
    panel.file.value = path
    assert panel.state.worker.wait(30) and session.recording_source == "cell7.csv"


def test_files_of_one_name_are_numbered(session: Session, tmp_path: Path) -> None:
    panel = RecordingPanel(session)
    panel.show()
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        shown(panel.state, file(tmp_path / name))
    assert [label for label, _ in panel.file.options] == ["cell7.csv", "cell7.csv (2)"]


def test_what_is_still_shown_after_a_bad_file_is_said(session: Session, tmp_path: Path) -> None:
    panel = RecordingPanel(session)
    panel.show()
    shown(panel.state, file(tmp_path))
    bad = tmp_path / "bad.csv"
    bad.write_text("time [ms],V [mV]\n0,-80\n1,oops\n", encoding="utf-8")
    shown(panel.state, bad)
    assert "cell7.csv, as it was read before" in panel.facts.value and "bad.csv" in panel.upload.problem
    panel.state.use(panel.state.files[0])
    assert panel.state.worker.wait(30) and "as it was read before" not in panel.facts.value


def test_what_is_looked_at_stays_when_a_file_is_read_otherwise(session: Session, tmp_path: Path) -> None:
    panel = RecordingPanel(session)
    panel.show()
    rows = (f"{cl},{t:g},{v:.4f}" for cl in (400, 500) for t, v in zip(TIME, V, strict=True))
    path = tmp_path / "two.csv"
    path.write_text("\n".join(["cycle_length [ms],time [ms],V [mV]", *rows]), encoding="utf-8")
    shown(panel.state, path)
    panel.cell.value = 1
    panel.figure.layout.xaxis.update(range=(500.0, 700.0))
    panel.state.choose("capacitance", 50.0)
    assert panel.state.worker.wait(30)
    assert panel.cell.value == 1 and len(panel.figure.data[0].x) == pytest.approx(200, abs=5)
    shown(panel.state, file(tmp_path, "other.csv"))
    assert panel.figure.layout.xaxis.range is None and len(panel.figure.data[0].x) == 2000


def test_a_file_that_was_written_anew_is_read_anew(state: RecordingState, tmp_path: Path) -> None:
    path = tmp_path / "cell.npz"
    np.savez(path, time=TIME, V=V)
    shown(state, path)
    np.savez(path, time=TIME, V=V - 10, more=np.zeros(3))
    state.use(path)
    assert state.worker.wait(30)
    np.testing.assert_allclose(state.session.recording["V"].values[0], V - 10)


def test_numbers_are_kept_to_the_last_digit(session: Session, tmp_path: Path) -> None:
    panel = RecordingPanel(session)
    panel.show()
    shown(panel.state, file(tmp_path))
    reading = panel.reading
    reading.numbers["cycle_length"].value = "333.33333"
    assert panel.state.worker.wait(30) and panel.state.choices == {"cycle_length": 333.33333}
    assert reading.numbers["cycle_length"].value == "333.33333"
    reading.numbers["cycle_length"].value = "often"
    assert "not a number" in reading.problem.value
    reading.numbers["cycle_length"].value = "333.33333"
    assert reading.problem.value == ""


def test_a_control_recording_stands_beside_the_recording_and_can_be_removed(
    session: Session, tmp_path: Path
) -> None:
    """Read by the same panel, of another role; where it is damaged, the recording stays as it was."""
    main = RecordingState(session)
    before = RecordingState(session, "control")
    panel = RecordingPanel(session, before)
    panel.show()
    assert panel.upload.label == "Control recording" and panel.seen.layout.display == "none"
    shown(main, file(tmp_path, "after.csv"))
    recording = session.recording
    shown(before, file(tmp_path, "before.csv"))
    assert session.control_source == "before.csv" and session.recording is recording
    assert session.control is not None and session.activities == {}
    assert panel.seen.layout.display is None and "before.csv" in panel.facts.value
    before.choose("cycle_length", -1)
    assert before.worker.wait(20)
    assert before.problem and main.problem == "" and session.control is not None
    panel.instead.click()
    assert session.control is None and before.files == () and session.recording is recording
    assert panel.instead.layout.display == "none" and "No control recording" in panel.facts.value
    panel.close()


def test_a_stretch_is_chosen_without_a_mouse(session: Session, tmp_path: Path) -> None:
    state = RecordingState(session)
    panel = RecordingPanel(session, state)
    panel.show()
    shown(state, file(tmp_path))
    closer, axis = panel.closer, panel.figure.layout.xaxis
    start, end = closer.whole
    assert (closer.start.value, closer.end.value) == (start, end) and closer.farther.disabled
    closer.closer.click()
    low, high = closer.window
    assert high - low == pytest.approx((end - start) / 2) and axis.range == (1000 * low, 1000 * high)
    closer.right.click()
    assert closer.window[1] == pytest.approx(end) and closer.right.disabled
    closer.left.click()
    closer.start.value = start
    assert closer.window[0] == start
    closer.farther.click()
    closer.all.click()
    assert closer.window is None and axis.range is None and closer.end.value == end
    panel.close()
