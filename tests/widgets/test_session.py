"""What the steps share, and files that users hand in."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import xarray as xr

from ionwidgets.models import IonicModel, load_model
from ionwidgets.widgets.python_lines import python_lines
from ionwidgets.widgets.recording.summary import recording_facts
from ionwidgets.widgets.session import Session


def test_another_model_takes_network_and_finding_with_it(session: Session) -> None:
    session.network = session.result = object()
    session.use_model(load_model("tnnp2004:M"), "tnnp2004:M")
    assert session.network is not None, "the same equations: nothing is lost"
    session.use_model(load_model("tnnp2004:epi"), "tnnp2004:epi")
    assert session.network is None and session.result is None


def test_another_recording_takes_the_finding_with_it(session: Session, recording: xr.Dataset) -> None:
    session.network = session.result = object()
    session.use_recording(recording, "cell7.csv")
    assert session.result is None and session.network is not None
    assert session.notice == "cell7.csv is loaded."


def test_the_example_leaves_an_open_model_as_it_is(session: Session) -> None:
    before, fired = session.model, []
    session.observe(lambda change: fired.append(change), "model")
    session.load_example()
    assert session.model is before and fired == []
    assert session.result is not None and session.result.model.hash == before.hash
    session.use_model(load_model("tnnp2004:epi"), "tnnp2004:epi")
    session.load_example()
    assert session.model.variant == "epi" and session.result is None
    empty = Session()
    empty.load_example()
    assert empty.model is empty.result.model


def test_a_model_file_is_parsed_and_never_run(session: Session, tmp_path: Path, tnnp: IonicModel) -> None:
    file = tmp_path / "mine.mmt"
    tnnp.save(file)
    marker = tmp_path / "ran"
    script = f"\n[[script]]\nopen({str(marker)!r}, 'w').write('x')\n"
    assert session.open_model_file("mine.mmt", file.read_bytes() + script.encode()) == ""
    assert session.model.name == "mine"
    assert not marker.exists()


def test_a_wrong_model_file_gives_one_line_and_changes_nothing(session: Session) -> None:
    before = session.model
    for content in (b"[[model]]\nthis is no model", b"\xff\xfe\x00", b""):
        problem = session.open_model_file("../../bad.mmt", content)
        assert problem and "\n" not in problem and "bad.mmt" in problem
    assert session.model is before


def test_activities_come_and_go(session: Session) -> None:
    session.begin("a", "Working", 0.5)
    session.begin("b", "Waiting")
    assert list(session.activities) == ["a", "b"]
    session.end("a", notice="Done.")
    session.end("b")
    assert session.activities == {}
    assert session.notice == "Done."


def test_the_python_lines_are_python_and_name_what_was_used(session: Session, recording: xr.Dataset) -> None:
    assert "example" not in python_lines(session, {"eta": 1e-3})
    session.use_recording(recording, 'ce"ll\\7.csv')
    text = python_lines(session, {"eta": 2e-3})
    compile(text, "session", "exec")
    assert 'iw.load_model("tnnp2004", variant="M")' in text and "eta=0.002" in text
    session.use_recording(recording, "")
    assert "example_recording()" in python_lines(session, {"eta": 1e-3})


def test_a_recording_is_summed_up_with_units(recording: xr.Dataset) -> None:
    facts = recording_facts(recording)
    assert facts["Cycle lengths"] == "500, 500 ms"
    assert facts["Sampling"] == "every 1 ms"
    assert facts["Recorded"] == "V in mV"
    assert facts["Beats found"] == "3, 3"
    assert facts["Notes"] == "made by hand"


def test_observers_see_a_consistent_session_from_any_thread(session: Session, recording: xr.Dataset) -> None:
    import threading

    seen: list[Any] = []
    session.observe(lambda change: seen.append((change["new"], session.result)), "recording")
    session.result = object()
    thread = threading.Thread(target=session.use_recording, args=(recording, "a.csv"))
    thread.start()
    thread.join(10)
    assert seen[0][1] is None
