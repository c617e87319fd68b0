"""The workbench: the five steps in one widget."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import ipywidgets as ipw
import xarray as xr

from ionwidgets.models import IonicModel, list_models, load_model
from ionwidgets.recordings import read_recording
from ionwidgets.widgets.elements import StatusLine, Steps
from ionwidgets.widgets.experiment_panel import ChannelSliders
from ionwidgets.widgets.experiment_state import ExperimentState
from ionwidgets.widgets.findings_panel import Findings
from ionwidgets.widgets.interpret_state import InterpretState
from ionwidgets.widgets.learn_panel import Trainer
from ionwidgets.widgets.learn_state import LearnState
from ionwidgets.widgets.model_panel import ModelPicker
from ionwidgets.widgets.panel import Panel, on
from ionwidgets.widgets.recording_panel import RecordingPicker
from ionwidgets.widgets.recording_state import RecordingState
from ionwidgets.widgets.retrain_panel import Retrainer
from ionwidgets.widgets.retrain_state import RetrainState
from ionwidgets.widgets.session import FIRST_MODEL, Session

STEPS = ("1 Model", "2 Experiment", "3 Learn", "4 Retrain", "5 Interpret")
MODEL, EXPERIMENT, LEARN, RETRAIN, INTERPRET = range(5)


class Workbench(ipw.VBox):
    """From an ionic model to a finding.

    `session` is what the steps share; `experiment`, `recordings`, `learn`, `retrain` and `interpret` are the
    states of the panels, all free of widgets, and may be set from Python too.
    """

    def __init__(self, session: Session) -> None:
        self.session = session
        self.experiment = ExperimentState(session)
        self.recordings = RecordingState(session)
        self.learn = LearnState(session)
        self.retrain = RetrainState(session, self.learn)
        self.interpret = InterpretState(session)
        self.steps = Steps(names=list(STEPS))
        self.status = StatusLine()
        self.panels: tuple[tuple[Panel, ...], ...] = (
            (ModelPicker(session, self.experiment),),
            (ChannelSliders(session, self.experiment), RecordingPicker(session, self.recordings)),
            (Trainer(session, self.learn),),
            (Retrainer(session, self.retrain),),
            (Findings(session, self.interpret, self.retrain),),
        )
        header = ipw.VBox([self.steps, self.status])
        header.add_class("ionw-header")
        super().__init__([header, *(panel for step in self.panels for panel in step)])
        self.add_class("ionw")
        on(session, ["activities", "notice", "trouble"], self._show_status)
        session.observe(self._on_result, "result")
        self.retrain.observe(self._on_retrain, "busy")
        self.steps.current = INTERPRET if session.result is not None else MODEL
        if session.question is not None:
            self.steps.current = MODEL
        elif session.recording is not None and session.result is None:
            self.steps.current = RETRAIN
        self.steps.observe(lambda _: self._show_step(), "current")
        self._show_step()
        self.experiment.refresh()

    def go_to(self, step: int) -> None:
        """Show a step, counted from 0."""
        self.steps.current = step

    def _show_step(self) -> None:
        for index, panels in enumerate(self.panels):
            for panel in panels:
                (panel.show if index == self.steps.current else panel.hide)()

    def _show_status(self) -> None:
        session = self.session
        if session.activities:
            self.status.tone = "busy"
            self.status.text = " · ".join(words for words, _ in session.activities.values())
            known = [fraction for _, fraction in session.activities.values() if fraction is not None]
            self.status.fraction = known[-1] if known else None
        else:
            self.status.tone = "problem" if session.trouble else "idle"
            self.status.text = session.trouble or session.notice or "Ready."
            self.status.fraction = None

    def _on_result(self, change: Any) -> None:
        # A finding that was asked for is shown when it comes; one that is being watched for is not missed.
        if change["new"] is not None and self.steps.current == RETRAIN:
            self.go_to(INTERPRET)

    def _on_retrain(self, change: Any) -> None:
        if change["new"] and self.steps.current == INTERPRET:
            self.go_to(RETRAIN)


def workbench(
    model: str | Path | IonicModel | None = None, recording: str | Path | xr.Dataset | None = None
) -> Workbench:
    """The workbench as a widget, for any notebook.

    Parameters
    ----------
    model : library name (``"tnnp2004:epi"``), path of an .mmt or .cellml file, or a model; TNNP 2004 (M) if
        left out. Where a file can be read in more than one way, step 1 asks.
    recording : path of a recording, or a Dataset. With neither given, the workbench opens on the bundled
        example and the finding that was made on it.

    Raises
    ------
    IonWidgetsError : a model or a recording that cannot be read.
    """
    session = Session()
    if model is None and recording is None:
        session.load_example()
    else:
        # First the recording: what has to be asked of the model is what the status line says last.
        if isinstance(recording, xr.Dataset):
            session.use_recording(recording, str(recording.attrs.get("source", "recording.csv")))
        elif recording is not None:
            session.use_recording(read_recording(recording), str(recording))
        if isinstance(model, IonicModel):
            session.use_model(model, _source_of(model))
        else:
            session.open_model(model or FIRST_MODEL)
    return Workbench(session)


def _source_of(model: IonicModel) -> str:
    """The library's name of the model; the name of a file where the library has none with these equations."""
    listed = any(model.key in card.keys for card in list_models())
    return model.key if listed and load_model(model.key).hash == model.hash else f"{model.name}.mmt"
