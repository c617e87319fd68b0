"""Step 5 without a browser: what is chosen, measured and told, from the main thread and from others."""

from __future__ import annotations

import io
import json
import threading
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from finding_schema import check, parsed
from safetensors import safe_open
from traitlets import HasTraits

import ionwidgets as iw
from ionwidgets.discovery import example_result
from ionwidgets.discovery.comparison import compared_at
from ionwidgets.discovery.shown_numbers import current_numbers, gate_numbers, seed_bands
from ionwidgets.errors import IonWidgetsError
from ionwidgets.widgets import CurrentExplorer, FindingsTable, GateExplorer, NeuralODEView, Session
from ionwidgets.widgets.elements import Download
from ionwidgets.widgets.elements.download import KEPT
from ionwidgets.widgets.interpret.artefacts import ARTEFACTS, Artefact
from ionwidgets.widgets.interpret.brackets import bracketed
from ionwidgets.widgets.interpret.current_state import CurrentState
from ionwidgets.widgets.interpret.downloads import Downloads
from ionwidgets.widgets.interpret.findings_rows import findings_table
from ionwidgets.widgets.interpret.gate_state import GateState
from ionwidgets.widgets.interpret.state import Choice, InterpretState
from ionwidgets.widgets.panel import Panel, close_all
from ionwidgets.widgets.reference import Reference

V = np.linspace(-100, 50, 1501)


@pytest.fixture(scope="module")
def result() -> Any:
    return example_result()


@pytest.fixture
def session(result: Any) -> Session:
    made = Session()
    made.take("result", result)
    return made


@pytest.fixture
def show() -> Iterator[Callable[..., Any]]:
    """A panel, closed at the end."""
    made: list[Panel] = []

    def one(kind: type[Panel], **given: Any) -> Any:
        made.append(kind(**given))
        return made[-1]

    yield one
    for panel in made:
        panel.close()


def elsewhere(act: Callable[[], object]) -> None:
    """Do it on a thread of its own, as ipykernel 7 does."""
    failed: list[BaseException] = []

    def run() -> None:
        try:
            act()
        except BaseException as error:
            failed.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join(60)
    assert not failed and not thread.is_alive(), failed


def test_a_gates_numbers_are_those_of_its_formula() -> None:
    h_inf, tau = 1 / (1 + np.exp((-20 - V) / 7)), 3 + 0.01 * V
    numbers = gate_numbers(V, h_inf, tau, at=-40.0)
    assert numbers.V_half == pytest.approx(-20, abs=1e-3) and numbers.k == pytest.approx(7, abs=1e-3)
    assert numbers.tau == pytest.approx(2.6)
    closing = gate_numbers(V, 1 - h_inf, tau, at=500.0)
    assert closing.k == pytest.approx(-7, abs=1e-3) and closing.tau is None
    assert gate_numbers(V, 0.1 * h_inf, tau, 0.0)[:2] == (None, None), "it never is one half"


def test_a_currents_numbers_are_peak_and_charge() -> None:
    time = np.linspace(0, 400, 4001)
    numbers = current_numbers(time, -2.0 * (time < 100))
    assert numbers.peak == -2 and numbers.time == 0 and numbers.charge == pytest.approx(-0.2, abs=1e-3)


def test_any_recorded_or_other_cycle_length_can_be_looked_at(session: Session) -> None:
    state = InterpretState(session)
    assert state.choices == (Choice(400.0, 0), Choice(600.0, 1), Choice(800.0, 2))
    assert state.chosen == Choice(800.0, 2) and state.numbers == {}
    elsewhere(state.measure)
    assert state.worker.wait(60)
    found, neural = state.numbers["found"], state.numbers["neural ODE"]
    assert found.rmse < 0.2 < neural.rmse < 2 < state.numbers["control"].rmse
    assert abs(found.APD90 - state.numbers["recording"].APD90) < 0.5
    state.choose(Choice(400.0, 0))
    assert state.worker.wait(60) and state.comparison.cycle_length == 400
    before = state.numbers["found"].APD90
    assert state.predict(500.0) == "" and state.worker.wait(60)
    assert state.choices[-1] == state.chosen == Choice(500.0, None)
    assert state.comparison.recorded is None and "recording" not in state.numbers
    assert before < state.numbers["found"].APD90 < found.APD90 and state.numbers["found"].rmse is None
    assert set(state.comparison.capture.values()) == {"1:1"}
    assert session.activities == {}


@pytest.mark.parametrize("wrong", [50.0, 1e6, float("nan")])
def test_a_cycle_length_that_makes_no_sense_is_refused(session: Session, wrong: float) -> None:
    state = InterpretState(session)
    assert "100 to 10000 ms" in state.predict(wrong) and len(state.choices) == 3
    session.result = None
    assert "no finding" in state.predict(500.0) and state.choices == () and state.chosen is None


def test_a_cell_under_another_current_is_shown_as_it_was_found(session: Session, result: Any) -> None:
    recording = result.recording.assign(I_inj=result.recording["V"] * 0)
    session.result = replace(result, recording=recording)
    state = InterpretState(session)
    assert not state.free and [one.cycle_length for one in state.choices] == [800.0]
    state.measure()
    assert state.numbers["found"].rmse < 1, "from the stored beats, at 1 ms"
    assert "not paced" in state.predict(500.0)


def test_a_restitution_comes_when_it_is_asked_for(session: Session, show: Callable[..., Any]) -> None:
    view = show(NeuralODEView, session=session)
    view.show()
    assert view.restitution.children == ()
    view.restitute.click()
    assert view.interpret.restitution_worker.wait(120) and view.interpret.worker.wait(60)
    title, figure, table = view.restitution.children
    assert "Restitution" in title.value and len(figure.data) == 4
    assert "333.1 ms" in table.value or "333.2 ms" in table.value
    assert "371" in view.table.value and "0.8" in view.table.value and "1:1" in view.table.value


def test_what_runs_is_told_until_nothing_waits(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    """600 ms is chosen while 400 ms is paced: its answer is told of, and "Ready" only after it."""
    paced, go_on = {400.0: threading.Event(), 600.0: threading.Event()}, threading.Semaphore(0)

    def pace(result: Any, cycle_length: float, cell: int | None) -> Any:
        paced[cycle_length].set()
        assert go_on.acquire(timeout=60)
        return compared_at(result, cycle_length, cell)

    monkeypatch.setattr("ionwidgets.widgets.interpret.state.compared_at", pace)
    state = InterpretState(session)
    state.choose(Choice(400.0, 0))
    assert paced[400.0].wait(60)
    state.choose(Choice(600.0, 1))
    go_on.release()
    assert paced[600.0].wait(60)
    assert session.activities["compare"][0] == "Pacing the cell at 600 ms" and state.numbers == {}
    go_on.release()
    assert state.worker.wait(60)
    assert session.activities == {} and state.numbers != {}


def test_an_error_of_ours_is_told_where_an_answer_was_expected(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any) -> None:
        raise ZeroDivisionError("1/0")

    monkeypatch.setattr("ionwidgets.widgets.interpret.state.compared_at", fail)
    state = InterpretState(session)
    state.measure()
    assert state.worker.wait(60) and "ZeroDivisionError" in state.problem
    monkeypatch.setattr(type(session.result), "restitution", fail)
    state.problem = ""
    state.find_restitution()
    assert state.restitution_worker.wait(60) and "ZeroDivisionError" in state.problem
    assert session.activities == {}


def test_gates_are_chosen_and_told(show: Callable[..., Any], result: Any) -> None:
    explorer = show(GateExplorer, result=result)
    assert [option["value"] for option in explorer.choices.options][:2] == ["Xr1", "Xr2"]
    assert len(explorer.state.chosen) == 6 and "never went below −86 mV" in explorer.grey.value
    elsewhere(lambda: explorer.state.choose(["m", "Xr2"]))
    assert explorer.choices.chosen == ["Xr2", "m"]
    assert [figure.alt for figure in explorer.gates.children] == [
        "Gate curves before and after: Xr2",
        "Gate curves before and after: m",
    ]
    assert "−48.9" in explorer.table.value and "→" in explorer.table.value
    explorer.choices.chosen = ["f"]
    assert explorer.state.chosen == ("f",) and len(explorer.gates.children) == 1
    explorer.at.value = 0.0
    assert "τ at 0 mV" in explorer.table.value
    explorer.choices.chosen = []
    assert explorer.gates.children == () and explorer.table.value == ""


def test_other_seeds_are_a_band(show: Callable[..., Any], result: Any) -> None:
    other = replace(result, h_inf=result.h_inf * 0.9)
    explorer = show(GateExplorer, result=result, others=[other])
    names = [line.name for line in explorer.gates.children[0].data]
    assert names.count("all seeds") == 6
    low, high = seed_bands([result, other])["Xr1"][0]
    np.testing.assert_allclose(low, 0.9 * high, rtol=1e-6)


class Runs(HasTraits):
    """A state that has retrained with several seeds."""

    runs = Reference(())


def test_the_seeds_of_a_retraining_are_the_band(session: Session, result: Any) -> None:
    other, elsewhere_made = replace(result), example_result()
    retraining = Runs()
    state = GateState(session, runs=retraining)
    assert state.others == () and state.bands is None
    retraining.runs = tuple(SimpleNamespace(result=one) for one in (result, None, other, elsewhere_made))
    assert state.others == (other,), "neither the one in use nor one on another recording"
    session.take("result", other)
    assert [one is result for one in state.others] == [True]
    session.result = None
    assert state.others == ()


def test_a_model_alone_has_gates_too(show: Callable[..., Any]) -> None:
    explorer = show(GateExplorer, model="hh1952")
    assert set(explorer.state.chosen) == {"m", "h", "n"} and len(explorer.gates.children) == 2
    assert "<h2>Gates</h2>" in explorer.title.value and "→" not in explorer.table.value
    assert GateState(Session()).shown is None


def test_currents_are_chosen_along_a_beat(show: Callable[..., Any], result: Any) -> None:
    explorer = show(CurrentExplorer, result=result)
    assert explorer.state.lengths == (400.0, 600.0, 800.0) and explorer.state.cycle_length == 800.0
    elsewhere(lambda: explorer.state.choose(["I_CaL", "I_Kr"]))
    assert explorer.state.chosen == ("I_Kr", "I_CaL")
    assert "I<sub>Kr</sub>" in explorer.table.value and "0.526" in explorer.table.value
    longest = CurrentState(explorer.session).numbers()["I_Kr"][0]
    explorer.beat.value = 400.0
    assert explorer.state.cycle_length == 400.0
    assert explorer.state.numbers()["I_Kr"][0].time < longest.time
    explorer.session.result = None
    assert explorer.state.names == () and explorer.currents.children == ()


SIZE = {"scale": 1.0, "importance": 0.5, "alone": 0.5}
ENTRIES = [
    SIZE | {"current": f"I_{name}", "parameter": f"g_{name}", "rank": rank}
    for rank, name in enumerate(("Kr", "Na", "Ks", "K1"), start=1)
]  # fmt: skip
XS = {"gate": "Xs", "current": "I_Ks", "tau_ratio": 1.5, "importance": 0.4, "alone": 0.4, "rank": 5}
FINDING = {"verdict": "changed", "currents": ENTRIES, "gates": [XS], "confounded": []}


def test_what_cannot_be_told_apart_stands_together_under_a_bracket() -> None:
    finding = FINDING | {"confounded": [["g_Kr", "gate:Xs"], ["g_Kr", "gate:Xs tau"], ["g_Na", "stimulus"]]}
    rows = bracketed(finding)
    assert [row.told.name for row in rows] == ["I_Kr", "Xs", "I_Na", "I_Ks", "I_K1"]
    assert [row.place for row in rows] == ["first", "last", "", "", ""]
    assert rows[0].rivals == ("gate Xs", "τ of gate Xs") and rows[2].rivals == ("another stimulus",)
    table = findings_table(finding)
    assert table.count("is-bracket-first") == table.count("is-bracket-last") == 1
    assert "cannot be told apart from gate Xs, τ of gate Xs" in table and "A bracket joins" in table
    assert "bracket" not in findings_table(FINDING)
    assert "I_Na" not in findings_table(finding, 1) and "Xs" in findings_table(finding, 1), "never cut"


def test_a_finding_that_explains_nothing_gives_no_sizes(show: Callable[..., Any], session: Session) -> None:
    table = findings_table(FINDING | {"verdict": "unexplained"})
    assert "Explains at best" in table and "50 %" in table and "interval" not in table
    panel = show(FindingsTable, session=session)
    panel.show()
    assert panel.table.value.count("<tr") == 11 and panel.all.description == "Show all"
    elsewhere(panel.all.click)
    assert panel.table.value.count("<tr") == 23 and panel.all.description == "Show fewer"


def made(name: str, session: Session) -> bytes:
    return next(one for one in ARTEFACTS if one.filename == name).make(session)


def test_every_file_is_what_it_says(session: Session, tmp_path: Any) -> None:
    for name in ("edited.mmt", "edited.cellml"):
        (tmp_path / name).write_bytes(made(name, session))
        assert iw.load_model(tmp_path / name).currents
    with zipfile.ZipFile(io.BytesIO(made("finding-csv.zip", session))) as archive:
        table = pd.read_csv(archive.open("finding/findings.csv"))
        assert archive.testzip() is None
        assert {"finding/gates.csv", "finding/traces.csv"} < set(archive.namelist())
    assert table["current"][0] == "I_Kr" and abs(table["scale"][0] - 0.25) < 0.01
    assert made("finding-csv.zip", session) == made("finding-csv.zip", session)
    (tmp_path / "network.safetensors").write_bytes(made("network.safetensors", session))
    with safe_open(str(tmp_path / "network.safetensors"), framework="numpy") as network:
        assert json.loads(network.metadata()["card"])["model_hash"] == session.model.hash
    check(parsed(made("finding.json", session).decode()), session.model)


def test_where_there_is_no_file_it_says_why(session: Session, result: Any) -> None:
    unexplained = replace(result, finding=result.finding | {"verdict": "unexplained"})
    session.result = unexplained
    buttons = Downloads(session)
    assert buttons.buttons["edited.mmt"].disabled and not buttons.buttons["finding.json"].disabled
    assert "does not explain this recording" in buttons.notes["edited.mmt"].value
    session.result = None
    assert buttons.buttons["report.html"].disabled and "no finding yet" in buttons.notes["report.html"].value
    with pytest.raises(IonWidgetsError, match="no finding"):
        made("report.html", session)
    close_all(buttons)


def asked(button: Download, sent: list[tuple[dict[str, Any], Any]]) -> None:
    """Click, as the page does, and take what comes."""
    button.send = lambda content, buffers=None: sent.append((content, buffers))  # type: ignore[method-assign]
    button._answer(None, {"kind": "make", "key": "1"}, None)
    assert button.worker.wait(30)


def test_a_file_travels_in_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    import gzip

    from ionwidgets.widgets.elements import download

    monkeypatch.setattr(download, "PIECE", 1000)
    content = np.random.default_rng(0).bytes(5000)
    told: list[bool] = []
    button = Download(lambda: content, told.append, filename="a.bin", label="Download")
    sent: list[tuple[dict[str, Any], Any]] = []
    asked(button, sent)
    assert sent.pop()[0] == {"kind": "ready", "key": "1", "pieces": 6} and told == [True, False]
    assert sent.pop()[0] == {"kind": "working", "key": "1"}
    for index in (0, 1, 1, 2, 3, 4, 5, 6):
        button._answer(None, {"kind": "ask", "key": "1", "index": index}, None)
    pieces = {content["index"]: buffers[0] for content, buffers in sent}
    assert len(sent) == 7 and gzip.decompress(b"".join(pieces[i] for i in range(6))) == content
    button._answer(None, {"kind": "done", "key": "1"}, None)
    button._answer(None, {"kind": "ask", "key": "1", "index": 0}, None)
    assert sent.pop()[0] == {"kind": "refused", "key": "1"}, "nothing is kept"
    close_all(button)


def test_two_pages_each_get_what_they_asked_for_and_lost_words_are_said_again() -> None:
    import gzip

    made = iter([b"first", b"second", *[b"more"] * 9])
    button = Download(lambda: next(made), filename="a.bin", label="Download")
    sent: list[tuple[dict[str, Any], Any]] = []
    button.send = lambda content, buffers=None: sent.append((content, buffers))  # type: ignore[method-assign]

    def say(kind: str, key: str) -> None:
        button._answer(None, {"kind": kind, "key": key, "index": 0}, None)
        assert button.worker.wait(30)

    for key in ("a", "b", "a"):
        say("make", key)
    told = [(content["kind"], content["key"]) for content, _ in sent]
    assert told == [("working", "a"), ("ready", "a"), ("working", "b"), ("ready", "b"), ("ready", "a")]
    sent.clear()
    for key in ("b", "a"):
        say("ask", key)
    assert [gzip.decompress(buffers[0]) for _, buffers in sent] == [b"second", b"first"]
    say("done", "b")
    say("ask", "a")
    assert sent[-1][0]["kind"] == "piece", "the other page is not done"
    for key in "cdefghi":  # of pages that went
        say("make", key)
    assert len(button._pieces) == KEPT
    button.disabled = True
    say("make", "z")
    assert sent[-1][0] == {"kind": "refused", "key": "z"}
    close_all(button)


def test_what_is_being_made_is_not_made_again(until: Callable[..., None]) -> None:
    go_on, calls = threading.Event(), []

    def make() -> bytes:
        calls.append(1)
        assert go_on.wait(10)
        return b"made"

    button = Download(make, filename="a.bin", label="Download")
    sent: list[dict[str, Any]] = []
    button.send = lambda content, buffers=None: sent.append(content)  # type: ignore[method-assign]
    button._answer(None, {"kind": "make", "key": "1"}, None)
    until(lambda: button.busy)
    button._answer(None, {"kind": "make", "key": "1"}, None)
    go_on.set()
    assert button.worker.wait(30)
    assert [content["kind"] for content in sent] == ["working", "working", "ready"] and calls == [1]
    close_all(button)


@pytest.mark.parametrize("error", [IonWidgetsError("no room on this disk"), ZeroDivisionError("oops")])
def test_a_file_that_cannot_be_made_says_so_in_a_line(error: Exception) -> None:
    def fail() -> bytes:
        raise error

    button = Download(fail, filename="a.bin", label="Download")
    sent: list[tuple[dict[str, Any], Any]] = []
    asked(button, sent)
    assert sent[-1][0]["kind"] == "refused" and not button.busy
    assert button.problem in ("no room on this disk", "a.bin could not be made: ZeroDivisionError")
    close_all(button)


def test_the_status_line_says_what_is_made(session: Session) -> None:
    buttons = Downloads(session)
    asked(buttons.buttons["finding.json"], [])
    assert session.notice == "finding.json is made." and session.activities == {}
    assert all(isinstance(one, Artefact) and one.label for one in ARTEFACTS)
    close_all(buttons)
