"""The whole workbench in the kernel, without a browser."""

from __future__ import annotations

import gc
import subprocess
import sys
import threading
import weakref
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import ipywidgets as ipw
import numpy as np
import pytest
import xarray as xr
from widgets.stubs import FINDING, Network, Result

from ionwidgets.discovery.comparison import last_beat
from ionwidgets.errors import ModelError, RecordingError
from ionwidgets.models import load_model
from ionwidgets.widgets import Session, Workbench, workbench
from ionwidgets.widgets.elements import Download
from ionwidgets.widgets.python_lines import python_lines
from ionwidgets.widgets.workbench import EXPERIMENT, INTERPRET, LEARN, MODEL, RETRAIN, STEPS

Until = Callable[..., None]

HandIn = Callable[[Any, str, bytes], None]


@pytest.fixture
def bench(session: Session, recording: xr.Dataset) -> Iterator[Workbench]:
    session.network = Network(session.model)
    session.use_recording(recording, "cell7.csv")
    session.result = Result(session.model, recording)
    made = Workbench(session)
    assert made.experiment.worker.wait(120)
    yield made
    made.close()


def _visible(bench: Workbench) -> list[int]:
    return [index for index, page in enumerate(bench.pages) if page.layout.display != "none"]


def _text(widget: ipw.Widget) -> str:
    own = widget.value if isinstance(widget, ipw.HTML) else ""
    own += widget.label if isinstance(widget, Download) else ""
    return own + "".join(_text(child) for child in getattr(widget, "children", ()))


def test_it_opens_on_the_finding_and_shows_one_step_at_a_time(bench: Workbench) -> None:
    assert bench.steps.names == list(STEPS)
    assert _visible(bench) == [INTERPRET]
    assert not bench.training.built, "a hidden step has no figures yet"
    for step in (MODEL, EXPERIMENT, LEARN, RETRAIN, INTERPRET):
        bench.go_to(step)
        assert _visible(bench) == [step]


def test_a_step_is_shown_in_its_turn(bench: Workbench) -> None:
    """What another thread is at, under the session's lock, is whole before the pages change."""
    with bench.session.lock:
        thread = threading.Thread(target=bench.go_to, args=(LEARN,))
        thread.start()
        thread.join(0.5)
        assert _visible(bench) == [INTERPRET]
        bench.go_to(MODEL)
        assert _visible(bench) == [MODEL]
    thread.join(30)
    assert _visible(bench) == [bench.steps.current] == [MODEL]


def test_the_finding_stands_there_in_words_and_numbers(bench: Workbench) -> None:
    text = _text(bench.pages[INTERPRET])
    for part in (
        "I_Kr is down to 25 % of control",
        "×0.25",
        "CL 300 does not follow",
        "Download JSON",
        "Download .mmt",
    ):
        assert part in text
    assert "iw.discover" in bench.home.python.text
    lines = bench.comparison.comparison.data
    assert [line.name for line in lines[:3]] == ["recording", "control model", "found change"]
    assert all(len(line.x) > 100 for line in lines[:3])


def test_an_unchanged_cell_and_an_unexplained_one_are_shown_too(bench: Workbench) -> None:
    for verdict, words in (("unchanged", "Nothing has changed"), ("unexplained", "No change of currents")):
        entries = [entry | {"scale": None, "ci95": None} for entry in FINDING["currents"]]
        finding = FINDING | {"verdict": verdict, "currents": entries, "fit": {}, "warnings": []}
        bench.session.result = Result(bench.session.model, bench.session.recording, finding)
        assert words in _text(bench.pages[INTERPRET])


@pytest.mark.parametrize("sources", [("control", "neural ODE"), ("control", "found"), ("control",)])
@pytest.mark.parametrize("units", ["mV", "1"])
def test_what_is_missing_from_the_comparison_leaves_an_empty_line(
    bench: Workbench, sources: tuple[str, ...], units: str
) -> None:
    session = bench.session
    recording = session.recording.copy()
    recording["V"] = recording["V"].assign_attrs(units=units)
    session.result = Result(session.model, recording, sources=sources)
    lines = bench.comparison.comparison.data[:4]
    there = [units == "mV", *(name in sources for name in ("control", "found", "neural ODE"))]
    assert [len(line.x) > 100 for line in lines] == there
    assert [line.showlegend for line in lines] == there
    session.result = Result(session.model, session.recording)
    assert all(len(line.x) > 100 and line.showlegend for line in lines)


def test_calcium_in_arbitrary_units_is_not_drawn_beside_the_models(bench: Workbench) -> None:
    session = bench.session
    for units, drawn in (("mM", True), ("a.u.", False)):
        calcium = (session.recording["V"] * 0 + 1e-4).assign_attrs(units=units)
        session.result = Result(session.model, session.recording.assign(Ca_i=calcium))
        lines = bench.comparison.comparison.data
        assert np.isfinite(np.asarray(lines[4].y, float)).any() == drawn
        assert np.isfinite(np.asarray(lines[5].y, float)).all()


def test_a_preview_in_arbitrary_units_says_so(bench: Workbench) -> None:
    bench.go_to(EXPERIMENT)
    figure = bench.recording.figure
    assert figure.layout.yaxis.title.text == "V<sub>m</sub> (mV)" and " mV" in figure.data[0].hovertemplate
    V = bench.session.recording["V"].assign_attrs(units="a.u.")
    bench.session.use_recording(bench.session.recording.assign(V=V), "dye.csv")
    assert (
        figure.layout.yaxis.title.text == "V<sub>m</sub> (a.u.)" and " a.u." in figure.data[0].hovertemplate
    )


def test_without_a_finding_the_page_says_what_to_do(bench: Workbench) -> None:
    bench.session.result = None
    text = _text(bench.pages[INTERPRET])
    assert "No finding yet" in text and "press Retrain in step 4" in text
    assert bench.findings.layout.display == "none"


def test_the_sliders_move_the_altered_line(bench: Workbench) -> None:
    bench.go_to(EXPERIMENT)
    panel = bench.sliders
    control = np.array(panel.figure.data[0].y)
    panel.sliders.scale = {"g_Kr": 0.25}
    assert bench.experiment.worker.wait(60)
    assert not np.array_equal(panel.figure.data[1].y, control)
    assert "+" in panel.biomarkers.value
    panel.undo._receive(None, {"kind": "reset"}, [])
    assert bench.experiment.worker.wait(60)
    assert panel.sliders.scale == {}
    np.testing.assert_array_equal(panel.figure.data[1].y, control)


def test_the_pickers_choose_a_variant_once(bench: Workbench) -> None:
    bench.go_to(MODEL)
    panel = bench.picker
    assert panel.variant_menu.value == "M"
    panel.variant_menu.value = "epi"
    assert bench.session.model.variant == "epi"
    assert bench.session.result is None, "a finding on another cell is no finding on this one"
    assert panel.variant_menu.value == "epi" and panel.model_menu.value == "tnnp2004"
    for part in ("I<sub>Kr</sub>", "nS/pF", "10.1152/ajpheart"):
        assert part in _text(panel)


def test_step_3_loads_the_shipped_network_of_a_model_chosen_later(
    bench: Workbench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ionwidgets.gnn.shipped_network", Network)
    session = bench.session
    session.use_model(load_model("tnnp2004:epi"), "tnnp2004:epi")
    assert bench.learn.check.wait(60) and session.network is None, "not before step 3 is shown"
    bench.go_to(LEARN)
    assert bench.learn.check.wait(60) and session.network is not None
    session.use_model(load_model("tnnp2004:endo"), "tnnp2004:endo")
    assert bench.learn.check.wait(60) and session.network is not None
    assert set(bench.learn.fit.errors()) == set(session.model.gate_names)
    assert "A τ below 0.02 ms counts as 0.02 ms" in _text(bench.training)


def test_an_opened_model_file_appears_in_the_picker(
    bench: Workbench, tmp_path: Path, hand_in: HandIn
) -> None:
    bench.go_to(MODEL)
    panel = bench.picker
    file = tmp_path / "mine.mmt"
    bench.session.model.save(file)
    hand_in(panel.file, "mine.mmt", file.read_bytes())
    assert bench.session.model.name == "mine"
    assert panel.model_menu.value == "mine" and panel.variant_menu.layout.display == "none"
    hand_in(panel.file, "bad.mmt", b"nonsense")
    assert "bad.mmt" in panel.file.problem
    panel.model_menu.value = "tnnp2004"
    assert bench.session.model.key == "tnnp2004:M" and panel.file.problem == ""


def test_the_status_line_always_says_what_is_going_on(bench: Workbench, until: Callable[..., None]) -> None:
    session = bench.session
    until(lambda: session.activities == {})  # the finding's beat is paced at first
    session.begin("x", "Training 40 % · about 3 s left", 0.4)
    assert bench.status.tone == "busy" and bench.status.fraction == 0.4
    assert bench.status.text == "Training 40 % · about 3 s left"
    session.end("x", trouble="The training failed.", notice="The training failed.")
    assert bench.status.tone == "problem" and bench.status.text == "The training failed."
    session.end("y", notice="Done.")
    assert bench.status.tone == "idle" and bench.status.text == "Done."


def test_callbacks_from_many_threads_leave_a_consistent_page(bench: Workbench) -> None:
    bench.go_to(EXPERIMENT)
    bench.go_to(MODEL)
    panel = bench.sliders
    errors: list[BaseException] = []

    def flood(name: str) -> None:
        try:
            for value in (0.25, 0.5, 2.0) * 10:
                panel.sliders.scale = {name: value}
                bench.session.begin(name, "flooding", value / 4)
                bench.session.end(name)
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=flood, args=(name,)) for name in ("g_Kr", "g_Ks", "g_CaL")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
        assert not thread.is_alive(), "a deadlock"
    assert bench.experiment.worker.wait(60) and bench.interpret.worker.wait(60)
    assert errors == []
    assert bench.experiment.response.scale == bench.experiment.scale == panel.sliders.scale
    assert bench.session.activities == {}


def test_a_recording_that_is_handed_in_is_previewed_with_its_units(bench: Workbench, hand_in: HandIn) -> None:
    bench.go_to(EXPERIMENT)
    panel = bench.recording
    rows = "".join(f"600,{t},{-80 + 100 * (50 <= t % 600 < 250)}\n" for t in range(1800))
    hand_in(panel.upload, "mine.csv", ("cycle_length [ms],time [ms],V [mV]\n" + rows).encode())
    assert bench.recordings.worker.wait(30) and panel.upload.problem == ""
    assert bench.session.recording_source == "mine.csv"
    assert "600 ms" in panel.facts.value and "mine.csv" in panel.facts.value
    hand_in(panel.upload, "bad.csv", b"a,b\n1,2\n")
    assert bench.recordings.worker.wait(30) and "bad.csv" in panel.upload.problem
    assert bench.session.recording_source == "mine.csv"


def test_beats_are_cut_at_the_upstroke(recording: xr.Dataset) -> None:
    beat = last_beat(recording)
    assert beat.time[np.argmax(np.diff(beat.V))] == pytest.approx(0, abs=2)
    assert beat.time[-1] - beat.time[0] == pytest.approx(500, abs=2)
    assert beat.Ca_i is None


def test_wrong_arguments_are_errors_of_the_users() -> None:
    with pytest.raises(ModelError, match="tnnp2004"):
        workbench(model="tnp2004")
    with pytest.raises(RecordingError):
        workbench(recording="no-such-file.csv")


def test_a_workbench_with_a_model_alone_opens_on_it() -> None:
    bench = workbench(model="tnnp2004:epi")
    assert _visible(bench) == [MODEL]
    assert bench.session.model.variant == "epi"
    assert bench.experiment.worker.wait(120)
    bench.close()


def test_without_arguments_it_opens_on_the_bundled_example() -> None:
    bench = workbench()
    assert _visible(bench) == [INTERPRET]
    assert "I_Kr" in _text(bench.pages[INTERPRET])
    assert bench.experiment.worker.wait(120)
    assert bench.interpret.comparison is not None
    bench.close()


def test_the_state_is_free_once_nobody_holds_it(session: Session, until: Until) -> None:
    from ionwidgets.widgets.experiment.state import ExperimentState

    state = ExperimentState(session)
    state.scale = {"g_Kr": 0.5}
    assert state.worker.wait(60)
    gone = weakref.ref(state)
    session.unobserve_all()
    del state
    until(lambda: gc.collect() >= 0 and gone() is None)  # the worker's thread may be on its way out


def test_importing_the_widgets_brings_no_torch() -> None:
    code = "import sys, ionwidgets.widgets; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-P", "-c", code], timeout=60).returncode == 0


def test_a_model_that_is_not_the_librarys_is_not_taken_for_it(tmp_path: Path) -> None:
    file = tmp_path / "tnnp2004.mmt"
    load_model("tnnp2004:epi").save(file)
    bench = workbench(model=load_model(file))
    assert bench.picker.model_menu.value == "tnnp2004.mmt"
    assert 'iw.load_model("tnnp2004.mmt")' in python_lines(bench.session, {"eta": 1e-3})
    assert bench.experiment.worker.wait(120)
    bench.close()
    bench = workbench(model=load_model("tnnp2004:epi"))
    assert 'iw.load_model("tnnp2004", variant="epi")' in python_lines(bench.session, {"eta": 1e-3})
    assert bench.experiment.worker.wait(120)
    bench.close()


def test_an_eta_set_from_python_is_shown(bench: Workbench) -> None:
    bench.go_to(RETRAIN)
    panel = bench.retraining
    bench.retrain.eta = 2e-3
    assert panel.eta.value == 2e-3
    bench.retrain.eta = float("nan")
    assert "eta must be" in panel.buttons.reasons.value
    panel.eta.value = 3e-3
    assert bench.retrain.eta == 3e-3 and panel.buttons.reasons.value == ""
