"""A session saved, opened, damaged: what was open is there again, or one line says why not."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st
from widgets.two_compartments import TWO_COMPARTMENTS

import ionwidgets as iw
from ionwidgets.errors import IonWidgetsError
from ionwidgets.gnn import Network, shipped_network
from ionwidgets.widgets import Workbench, open_session, save_session, workbench
from ionwidgets.widgets.retrain.made import Learnt, Made, made_as_json, read_made
from ionwidgets.widgets.retrain.settings import DEFAULTS
from ionwidgets.widgets.saved.dataset import fingerprint
from ionwidgets.widgets.saved.names import safe_name
from ionwidgets.widgets.session_file import MANIFEST, SCHEMA
from ionwidgets.widgets.workbench import EXPERIMENT, LEARN, RETRAIN

HandIn = Callable[[Any, str, bytes], None]
VERSION_1 = Path(__file__).parents[1] / "data" / "session_1.ionw"


@pytest.fixture(scope="module")
def example_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The bundled example with a slider moved and another eta."""
    bench, path = workbench(), tmp_path_factory.mktemp("session") / "mine.ionw"
    bench.experiment.use_settings({"scale": {"g_Kr": 0.25, "g_Ks": 2.0}, "cycle_length": 600.0})
    bench.retrain.use_settings({"eta": 5e-4})
    bench.go_to(EXPERIMENT)
    bench.save(path)
    assert bench.experiment.worker.wait(120)
    bench.close()
    return path


def _same(one: Workbench, other: Workbench) -> None:
    a, b = one.session, other.session
    assert (a.model.hash, a.model.key) == (b.model.hash, b.model.key)
    assert (a.model_source, a.model_answers) == (b.model_source, b.model_answers)
    assert fingerprint(a.recording) == fingerprint(b.recording)
    assert a.recording_source == b.recording_source
    assert one.recordings.choices == other.recordings.choices
    assert one.experiment.settings() == other.experiment.settings()
    assert one.retrain.settings() == other.retrain.settings()
    assert one.steps.current == other.steps.current
    assert (a.result is None) == (b.result is None)
    if a.result is not None:
        assert a.result.finding == b.result.finding
        xr.testing.assert_identical(a.result.gates(), b.result.gates())
    assert one.python == other.python


def test_the_example_comes_back_as_it_was(opened: Callable[..., Workbench], example_file: Path) -> None:
    bench = opened(session=example_file)
    assert bench.experiment.scale == {"g_Kr": 0.25, "g_Ks": 2.0} and bench.experiment.cycle_length == 600
    assert bench.retrain.eta == 5e-4 and bench.steps.current == EXPERIMENT
    assert bench.sliders.sliders.scale == {"g_Kr": 0.25, "g_Ks": 2.0}
    assert bench.session.result.finding == workbench_finding()
    again = example_file.with_name("again.ionw")
    bench.save(again)
    assert again.read_bytes() == example_file.read_bytes()


def workbench_finding() -> dict[str, Any]:
    from ionwidgets.discovery import example_result

    return example_result().finding


def test_an_uploaded_recording_comes_back_with_its_choices(
    opened: Callable[..., Workbench], tmp_path: Path, hand_in: HandIn
) -> None:
    bench = opened(model="lr1991")
    bench.go_to(EXPERIMENT)
    rows = "".join(f"{t / 1000},{-0.08 + 0.1 * (50 <= t % 600 < 250)},9\n" for t in range(1800))
    content = ("a,b,c\n" + rows).encode()
    hand_in(bench.recording.upload, "cell 7 (ä).csv", content)
    assert bench.recordings.worker.wait(30)
    for quantity, column, unit in (("time", 0, "s"), ("V", 1, "V")):
        bench.recordings.choose_of("columns", quantity, column)
        bench.recordings.choose_of("units", quantity, unit)
    bench.recordings.choose("cycle_length", 600.0)
    bench.recordings.mend("even", True)
    assert bench.recordings.worker.wait(30) and bench.session.recording_source == "cell 7 (ä).csv"
    before = tmp_path / "before.csv"
    before.write_bytes(content)
    bench.control_recordings.add(before)
    assert bench.control_recordings.worker.wait(30)
    for name in ("columns", "units"):
        bench.control_recordings.choose(name, bench.recordings.choices[name])
    assert bench.control_recordings.worker.wait(30) and bench.session.control is not None
    path = tmp_path / "mine.ionw"
    bench.save(path)
    with zipfile.ZipFile(path) as archive:
        assert archive.read("recording/cell 7 (ä).csv") == content == archive.read("control/before.csv")
    again = opened(session=path)
    _same(bench, again)
    assert again.recordings.choices == bench.recordings.choices != {}
    assert again.control_recordings.choices == bench.control_recordings.choices != {}
    assert fingerprint(again.session.control) == fingerprint(bench.session.control)
    assert again.recordings.worker.wait(30) and again.recordings.columns == ("a", "b", "c")
    assert again.recordings.faults == bench.recordings.faults and again.session.activities == {}
    twice = opened(session=example(tmp_path, again))
    _same(bench, twice)


def example(folder: Path, bench: Workbench) -> Path:
    path = folder / "twice.ionw"
    save_session(bench, path)
    return path


def test_a_recording_stays_with_its_own_file_while_another_one_is_refused(
    opened: Callable[..., Workbench], tmp_path: Path
) -> None:
    bench, path = opened(model="lr1991"), tmp_path / "mine.ionw"
    good, bad = tmp_path / "a.csv", tmp_path / "bad.csv"
    rows = "".join(f"{t},{-80 + 100 * (50 <= t % 600 < 250)}\n" for t in range(1800))
    good.write_text("time [ms],V [mV]\n" + rows, encoding="utf-8")
    bad.write_text("time [ms],V [mV]\n0,-80\n1,oops\n", encoding="utf-8")
    for file in (good, bad):
        bench.recordings.add(file)
        assert bench.recordings.worker.wait(30)
    assert bench.recordings.problem and bench.session.recording_source == "a.csv"
    bench.save(path)
    with zipfile.ZipFile(path) as archive:
        assert archive.read("recording/a.csv") == good.read_bytes()
    again = opened(session=path)
    assert fingerprint(again.session.recording) == fingerprint(bench.session.recording)


def test_a_dataset_from_python_comes_back_to_the_last_bit(
    opened: Callable[..., Workbench], tmp_path: Path
) -> None:
    model = iw.load_model("lr1991")
    recording = iw.simulate(model, cycle_lengths=[500, 600], duration=1500, scale={"g_K1": 0.9})
    bench = opened(model=model, recording=recording)
    bench.session.control, bench.session.control_source = recording * 1.0, "before.nc"
    path = tmp_path / "mine.ionw"
    bench.save(path)
    again = opened(session=path)
    _same(bench, again)
    back = again.session.recording
    for name in ("V", "Ca_i", "time", "cycle_length", "APD90"):
        np.testing.assert_array_equal(back[name].values, recording[name].values)
        assert back[name].attrs == recording[name].attrs and back[name].dtype == recording[name].dtype
    assert back.attrs == {key: back.attrs[key] for key in recording.attrs}
    assert fingerprint(again.session.control) == fingerprint(recording)
    assert again.session.control_source == "before.nc"


def test_a_file_that_changed_on_the_disk_is_not_taken_for_what_was_read(
    opened: Callable[..., Workbench], tmp_path: Path
) -> None:
    source = Path(__file__).parents[1] / "data" / "longqt.csv"
    file, path = tmp_path / "cell.csv", tmp_path / "mine.ionw"
    lines = source.read_text().splitlines(keepends=True)
    file.write_text("".join(lines[:5001]))
    bench = opened(recording=file)
    bench.save(path)
    with zipfile.ZipFile(path) as archive:
        assert archive.read("recording/cell.csv") == file.read_bytes()
    file.write_text("".join(lines[:4001]))
    bench.save(path)
    again = opened(session=path)
    assert fingerprint(again.session.recording) == fingerprint(bench.session.recording)


def test_a_model_file_comes_back_with_its_answers(
    opened: Callable[..., Workbench], tmp_path: Path, hand_in: HandIn
) -> None:
    bench = opened(model="lr1991")
    bench.go_to(0)
    session = bench.session
    hand_in(bench.picker.file, "two.mmt", TWO_COMPARTMENTS.encode())
    while session.question is not None:
        choice = {"voltage": "Vs", "stimulus": "I_near"}.get(session.question.argument)
        assert session.answer(choice or session.question.candidates[0]) == ""
    assert session.model_answers
    path = tmp_path / "mine.ionw"
    session.use_recording(workbench_recording(), "")
    bench.save(path)
    again = opened(session=path)
    _same(bench, again)
    assert again.session.from_file and again.session.model_content == TWO_COMPARTMENTS.encode()


def workbench_recording() -> xr.Dataset:
    from ionwidgets.discovery import example_recording

    return example_recording()


def test_a_finding_and_a_network_on_a_model_file_come_back(
    opened: Callable[..., Workbench], tmp_path: Path
) -> None:
    file, path = tmp_path / "mine.mmt", tmp_path / "mine.ionw"
    iw.load_model("tnnp2004:M").save(file)
    model = iw.load_model(file)
    bench = opened()
    result, session = bench.session.result, bench.session
    session.use_model(model, "mine.mmt")
    session.result = replace(result, model=model)
    network = shipped_network(iw.load_model("tnnp2004:M"))
    assert network is not None
    session.network = replace(network, card=network.card | {"model": "mine", "variant": None, "seed": 7})
    bench.go_to(LEARN)
    bench.save(path)
    again = opened(session=path)
    _same(bench, again)
    assert again.session.network.card == session.network.card
    weights, back = (one.network.module.state_dict() for one in (session, again.session))
    assert weights.keys() == back.keys()
    for name, values in weights.items():
        np.testing.assert_array_equal(values.numpy(), back[name].numpy())
    assert bench.learn.check.wait(60) and again.learn.check.wait(60)


def test_a_network_that_comes_with_the_package_is_not_carried(
    opened: Callable[..., Workbench], tmp_path: Path
) -> None:
    bench = opened(model="lr1991")
    bench.session.network = shipped_network(bench.session.model)
    bench.go_to(RETRAIN)
    bench.save(tmp_path / "mine.ionw")
    assert bench.learn.check.wait(60)
    with zipfile.ZipFile(tmp_path / "mine.ionw") as archive:
        assert archive.namelist() == [MANIFEST]


def test_what_the_finding_was_made_with_comes_back(
    opened: Callable[..., Workbench], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench, path = opened(), tmp_path / "mine.ionw"
    found = bench.session.result
    monkeypatch.setattr("ionwidgets.discovery.discover", lambda *_, **__: replace(found))
    bench.retrain.use_settings({"eta": 2e-3, "paced_for": 15000.0})
    bench.retrain.start()
    assert bench.retrain.wait(60)
    with bench.session.lock:
        assert bench.retrain.phase == "done", bench.retrain.outcome
    bench.retrain.use_settings({"eta": 0.03})
    assert "eta=0.002, paced_for=15000" in bench.python
    bench.save(path)
    again = opened(session=path)
    _same(bench, again)
    again.retrain.stop()
    twice = opened(session=example(tmp_path, again))
    _same(bench, twice)
    for made in (None, 3, {}, {"settings": {"new": 1}, "seed": 0, "network": None}):
        path.write_bytes(_changed(path, manifest={"made": made}))
        assert open_session(path).made is None, "then the finding alone tells"
    assert "eta=0.001, predict_cl" in opened(session=path).python


@pytest.mark.parametrize("network", [None, Learnt({"preset": "paper", "seed": 3}), Learnt({"seed": 1}, True)])
def test_how_the_network_was_taught_survives_json(network: Learnt | None) -> None:
    made = Made(DEFAULTS | {"leak": [0.02, 0.0], "seeds": [3, 4]}, 4, network)
    assert read_made(json.loads(json.dumps(made_as_json(made)))) == made
    wrong = {"settings": {}, "seed": 4, "network": {"arguments": {"preset": "x'"}, "elsewhere": False}}
    assert read_made(wrong) is None


# ---- what is no session, or no good one ----


def _changed(path: Path, **changes: Any) -> bytes:
    """The file with other things in its manifest, or other members."""
    content = io.BytesIO()
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as new:
        manifest = json.loads(old.read(MANIFEST)) | changes.pop("manifest", {})
        members = {name: old.read(name) for name in old.namelist()}
        members |= {MANIFEST: json.dumps(manifest).encode()} | changes.pop("members", {})
        for name, value in members.items():
            new.writestr(name, value)
    return content.getvalue()


RECORDING = {"kind": "file", "source": "a.csv", "file": "a.csv", "choices": {}, "values": ""}
MODEL = {"source": "tnnp2004:M", "answers": {}, "hash": "", "file": None}


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"manifest": {"schema": "ionwidgets/session/2", "versions": {"ionwidgets": "9.1"}}}, "newer.*9.1"),
        ({"manifest": {"schema": "ionwidgets/session/2", "versions": []}}, "written by a newer ionwidgets;"),
        ({"manifest": {"schema": "ionwidgets/finding/1"}}, "finding/1"),
        ({"manifest": {"schema": 1}}, "it says that it is '1'"),
        ({"members": {MANIFEST: b"[" * 100_000}}, "damaged"),
        ({"members": {MANIFEST: b"\xff\xfe"}}, "damaged"),
        ({"members": {MANIFEST: b'{"schema": NaN}'}}, "NaN"),
        ({"members": {MANIFEST: b"[]"}}, "it says"),
        ({"manifest": {"model": MODEL | {"source": "/etc/passwd"}}}, "no model of the library"),
        ({"manifest": {"model": MODEL | {"file": "x", "source": "../x.mmt"}}}, "no name of a model file"),
        ({"manifest": {"model": MODEL | {"file": "x", "source": "x.mmt"}}}, "no model/x.mmt"),
        ({"manifest": {"model": MODEL | {"answers": {"path": "x"}}}}, "nobody asks"),
        ({"manifest": {"model": None}}, "damaged"),
        ({"manifest": {"recording": RECORDING | {"file": "../../a.csv"}}}, "no name of a recording"),
        ({"manifest": {"recording": RECORDING | {"choices": {"path": "/etc"}}}}, "choices"),
        ({"manifest": {"recording": RECORDING | {"choices": {"units": 3}}},
          "members": {"recording/a.csv": b"time,V\n0,1\n"}}, "units|damaged"),
        ({"manifest": {"recording": RECORDING | {"kind": "url"}}}, "kind 'url'"),
        ({"manifest": {"recording": RECORDING | {"kind": "dataset"}},
          "members": {"recording/a.csv": b"\x00" * 40}}, "a recording"),
        ({"manifest": {"step": 9}}, "step 9"),
        ({"manifest": {"step": True}}, "step True"),
        ({"manifest": {"experiment": []}}, "settings"),
        ({"members": {"result.safetensors": b"\x00" * 40}}, "result"),
        ({"manifest": {"network": "network.safetensors"}, "members": {"network.safetensors": b"x"}},
         "network"),
        ({"members": {f"{i}": b"" for i in range(40)}}, "too many"),
        ({"members": {"bomb": b"\0" * 2**27}}, "more than there is room for"),
    ],
)  # fmt: skip
def test_what_is_no_session_is_refused_in_one_line(
    example_file: Path, tmp_path: Path, changes: dict[str, Any], words: str
) -> None:
    path = tmp_path / "other.ionw"
    path.write_bytes(_changed(example_file, **{key: dict(value) for key, value in changes.items()}))
    with pytest.raises(IonWidgetsError, match=words) as caught:
        open_session(path)
    told = str(caught.value)
    assert "\n" not in told and len(told) < 400 and "ionwidgets-" not in told


def test_a_path_that_is_no_zip_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(IonWidgetsError, match="no such file"):
        open_session(tmp_path / "none.ionw")
    with pytest.raises(IonWidgetsError, match="cannot be read here"):
        open_session(tmp_path)
    (tmp_path / "text.ionw").write_text("time,V\n0,1\n")
    with pytest.raises(IonWidgetsError, match=r"text\.ionw: no session of ionwidgets, or a damaged one"):
        open_session(tmp_path / "text.ionw")
    with pytest.raises(IonWidgetsError, match="leave model= and recording= out"):
        workbench("lr1991", session=tmp_path / "text.ionw")


def test_a_session_cannot_be_written_where_there_is_no_folder(
    opened: Callable[..., Workbench], tmp_path: Path
) -> None:
    with pytest.raises(IonWidgetsError, match="cannot be written here"):
        opened(model="lr1991").save(tmp_path / "none" / "mine.ionw")


def test_other_equations_leave_the_finding_out_and_say_so(
    opened: Callable[..., Workbench], example_file: Path, tmp_path: Path
) -> None:
    path = tmp_path / "old.ionw"
    path.write_bytes(_changed(example_file, manifest={"model": MODEL | {"hash": "0123456789abcdef"}}))
    bench = opened(session=path)
    assert bench.session.result is None and "other equations" in bench.session.trouble
    assert bench.experiment.scale == {"g_Kr": 0.25, "g_Ks": 2.0}


def test_settings_that_this_version_does_not_know_are_named(
    opened: Callable[..., Workbench], example_file: Path, tmp_path: Path
) -> None:
    path = tmp_path / "odd.ionw"
    path.write_bytes(
        _changed(example_file, manifest={"experiment": {"scale": {"g_X": 2}}, "retrain": {"e": 1}})
    )
    bench = opened(session=path)
    assert bench.experiment.scale == {} and bench.retrain.eta == 1e-3
    assert "step 2" in bench.session.trouble and "g_X" in bench.session.trouble
    assert "step 4" in bench.session.trouble


@settings(max_examples=60)
@given(data=st.data())
def test_a_damaged_file_is_one_error_or_the_same_session(
    example_file: Path, tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    content = bytearray(example_file.read_bytes())
    kind = data.draw(st.sampled_from(["cut", "flip", "drop"]))
    # The directory at the end and the manifest at the start are small beside the finding between them.
    place = data.draw(
        st.one_of(
            st.integers(0, 1000),
            st.integers(len(content) - 400, len(content) - 1),
            st.integers(0, len(content) - 1),
        )
    )
    if kind == "cut":
        del content[place:]
    elif kind == "drop":
        del content[place : place + data.draw(st.integers(1, 50))]
    else:
        content[place] ^= data.draw(st.integers(1, 255))
    path = tmp_path_factory.getbasetemp() / "damaged.ionw"
    path.write_bytes(content)
    try:
        saved = open_session(path)
    except IonWidgetsError as error:
        assert "\n" not in str(error) and len(str(error)) < 400
    else:
        assert saved.experiment["scale"] == {"g_Kr": 0.25, "g_Ks": 2.0}
        saved.folder.close()


def test_a_session_of_version_1_opens(opened: Callable[..., Workbench]) -> None:
    """The file was saved by version 0.1 and must open for ever."""
    assert json.loads(zipfile.ZipFile(VERSION_1).read(MANIFEST))["schema"] == SCHEMA
    bench = opened(session=VERSION_1)
    session = bench.session
    assert session.trouble == "" and session.model_source == "mine.mmt" and session.model.name == "mine"
    assert session.recording_source == "cell7.csv" and bench.recordings.choices["cycle_length"] == 600
    assert session.recording.sizes == {"cell": 1, "time": 1800}
    assert bench.experiment.settings()["scale"] == {"g_K": 0.25} and bench.experiment.cycle_length == 700
    assert bench.retrain.settings()["eta"] == 5e-4 and bench.steps.current == RETRAIN
    assert session.network.card["model"] == "mine"
    assert isinstance(session.network, Network)


@given(st.text(max_size=80))
def test_names_are_fit_for_a_disk(name: str) -> None:
    safe = safe_name(name)
    assert safe == safe_name(safe) == Path(safe).name and not safe.startswith(".")
    assert safe.isprintable() and len(safe.encode()) <= 200
