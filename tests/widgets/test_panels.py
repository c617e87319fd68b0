"""Panels alone in a notebook, and panels joined by their traits."""

from __future__ import annotations

import inspect
import textwrap
from collections.abc import Iterator

import ipywidgets as ipw
import pytest
import xarray as xr
from traitlets import dlink
from widgets.stubs import Network, Result

import ionwidgets as iw
from ionwidgets.errors import IonWidgetsError
from ionwidgets.models import IonicModel, load_model
from ionwidgets.widgets import (
    ChannelSliders,
    CurrentExplorer,
    CurrentShares,
    DrugPanel,
    FindingsTable,
    GateExplorer,
    ModelPicker,
    NeuralODEView,
    PaperPanel,
    ProtocolPanel,
    RecordingPanel,
    RetrainPanel,
    Session,
    TrainingPanel,
    Workbench,
    together,
)
from ionwidgets.widgets.elements import StatusLine
from ionwidgets.widgets.panel import Panel, close_all
from ionwidgets.widgets.recording.state import RecordingState

PANELS = (
    ModelPicker, ChannelSliders, ProtocolPanel, RecordingPanel, TrainingPanel, RetrainPanel, GateExplorer,
    CurrentExplorer, NeuralODEView, FindingsTable, DrugPanel, CurrentShares, PaperPanel,
)  # fmt: skip


@pytest.fixture(autouse=True)
def nothing_is_left() -> Iterator[None]:
    """Whatever a test makes, it closes; a panel closes all that is in it."""
    before = set(_open_widgets())
    yield
    for widget in _open_widgets().values():
        if isinstance(widget, Panel | Workbench):
            widget.close()
    left = [widget for key, widget in _open_widgets().items() if key not in before]
    assert left == []


def _open_widgets() -> dict[str, ipw.Widget]:
    return dict(ipw.widgets.widget._instances)


@pytest.mark.parametrize("kind", PANELS)
def test_a_panel_stands_alone_with_a_status_line(kind: type[Panel]) -> None:
    panel = kind()
    assert panel.built and isinstance(panel.children[0], StatusLine)
    assert (panel.model is not None) == kind.opens_model
    assert panel.model is panel.session.model


@pytest.mark.parametrize("kind", PANELS)
def test_the_five_lines_of_its_example_run(kind: type[Panel]) -> None:
    text = inspect.getdoc(kind) or ""
    lines = [line.removeprefix(">>> ") for line in text.splitlines() if line.startswith(">>> ")]
    assert 1 <= len(lines) <= 5, kind.__name__
    names: dict[str, object] = {}
    exec(textwrap.dedent("\n".join(lines)), names)  # noqa: S102  the package's own documentation
    for made in names.values():
        if isinstance(made, ipw.Widget):
            close_all(made)


@pytest.mark.parametrize("kind", PANELS)
def test_a_panel_says_what_one_looks_at(kind: type[Panel]) -> None:
    session = Session()
    session.load_example()
    _explains(kind(session))


def test_so_does_the_control_recording() -> None:
    session = Session()
    _explains(RecordingPanel(session, RecordingState(session, "control")))


def _explains(panel: Panel) -> None:
    """A line that opens a paragraph with an equation, which is in sight."""
    panel.show()
    lines = [text for text in _texts(panel) if 'class="ionw-explain"' in text]
    assert lines and all("<math" in text.partition("ionw-explain")[2] for text in lines)


def _texts(widget: ipw.Widget) -> Iterator[str]:
    if isinstance(widget, ipw.HTML) and widget.layout.display != "none":
        yield widget.value
    for child in getattr(widget, "children", ()):
        yield from _texts(child)


def test_panels_are_joined_by_their_traits() -> None:
    picker, sliders = ModelPicker(), ChannelSliders()
    dlink((picker, "model"), (sliders, "model"))
    picker.model_menu.value = "hh1952"
    assert sliders.model is sliders.session.model is picker.model
    assert [entry["name"] for entry in sliders.sliders.conductances] == ["g_Na", "g_K", "g_L"]
    sliders.model = "lr1991"
    assert sliders.model.name == "lr1991" and picker.model.name == "hh1952"


def test_a_panel_has_what_its_session_has_whatever_it_was_given(tnnp: IonicModel) -> None:
    panel = ChannelSliders(model=tnnp)
    panel.model = tnnp.key
    assert panel.model is panel.session.model is tnnp
    for name, value in (("model", "no-such-model"), ("recording", 3), ("model", 3)):
        with pytest.raises(IonWidgetsError):
            setattr(panel, name, value)
        assert panel.model is panel.session.model is tnnp and panel.recording is None


def test_panels_with_one_session_share_everything(tnnp: IonicModel, recording: xr.Dataset) -> None:
    session = Session()
    table, recordings = FindingsTable(session), RecordingPanel(session)
    session.network = Network(tnnp)
    result = Result(tnnp, recording)
    table.result = result
    assert recordings.result is result and recordings.model is session.model
    recordings.recording = recording
    assert table.result is None, "a finding on another recording"
    assert session.recording_source == "cell7.csv"


@pytest.mark.parametrize(("name", "value"), [("model", 3), ("recording", 3), ("model", "no-such-model")])
def test_what_cannot_be_taken_is_refused(name: str, value: object) -> None:
    with pytest.raises(IonWidgetsError):
        ModelPicker(**{name: value})
    with pytest.raises(TypeError, match="nonsense"):
        ModelPicker(nonsense=1)


def test_a_workbench_closes_all_of_it() -> None:
    bench = iw.workbench()
    for step in range(5):
        bench.go_to(step)
    assert bench.experiment.worker.wait(120) and bench.learn.check.wait(120)
    assert load_model("tnnp2004:M").hash == bench.session.model.hash


def test_panels_of_a_session_are_shown_together_with_one_status_line() -> None:
    cell = Session()
    cell.open_model("lr1991")
    sliders = ChannelSliders(cell)
    drug = DrugPanel(cell, sliders.experiment)
    made = together(sliders, drug)
    assert [type(child).__name__ for child in made.children] == [
        "SessionStatus",
        "ChannelSliders",
        "DrugPanel",
    ]
    assert sliders.built and drug.built and "ionw" in made._dom_classes
    close_all(made)


def test_panels_of_several_sessions_are_not_shown_together() -> None:
    for panels in ([], [DrugPanel(model="lr1991")], [FindingsTable(Session()), FindingsTable(Session())]):
        with pytest.raises(IonWidgetsError, match="made with one session"):
            together(*panels)
