"""The workbench: the five steps in one widget."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import ipywidgets as ipw
import xarray as xr

from ionwidgets.errors import IonWidgetsError
from ionwidgets.models import IonicModel
from ionwidgets.widgets.experiment.drug import DrugPanel
from ionwidgets.widgets.experiment.panel import ChannelSliders
from ionwidgets.widgets.experiment.protocol import ProtocolPanel
from ionwidgets.widgets.experiment.shares import CurrentShares
from ionwidgets.widgets.experiment.state import ExperimentState
from ionwidgets.widgets.interpret.currents import CurrentExplorer
from ionwidgets.widgets.interpret.findings import FindingsTable, Headline
from ionwidgets.widgets.interpret.gates import GateExplorer
from ionwidgets.widgets.interpret.neural_ode import NeuralODEView
from ionwidgets.widgets.interpret.state import InterpretState
from ionwidgets.widgets.interpret.take_home import TakeHome
from ionwidgets.widgets.learn.panel import TrainingPanel
from ionwidgets.widgets.learn.state import LearnState
from ionwidgets.widgets.link_use import query_of, use_query
from ionwidgets.widgets.model.panel import ModelPicker
from ionwidgets.widgets.panel import box
from ionwidgets.widgets.recording.panel import RecordingPanel
from ionwidgets.widgets.recording.state import RecordingState
from ionwidgets.widgets.reopen import reopen
from ionwidgets.widgets.retrain.panel import RetrainPanel
from ionwidgets.widgets.retrain.state import RetrainState
from ionwidgets.widgets.retrain.sweep import EtaSweep
from ionwidgets.widgets.session import FIRST_MODEL, Session
from ionwidgets.widgets.session_file import SavedSession, open_session, save_session
from ionwidgets.widgets.session_menu import SessionMenu
from ionwidgets.widgets.stepped import Stepped

STEPS = ("1 Model", "2 Experiment", "3 Learn", "4 Retrain", "5 Interpret")
MODEL, EXPERIMENT, LEARN, RETRAIN, INTERPRET = range(5)


class Workbench(Stepped):
    """From an ionic model to a finding.

    `session` is what the steps share; `experiment`, `recordings`, `learn`, `retrain` and `interpret` are the
    states of the panels, all free of widgets, and may be set from Python too.
    """

    def __init__(self, session: Session) -> None:
        self._opened: SavedSession | None = None
        self.experiment = ExperimentState(session)
        self.recordings = RecordingState(session)
        self.control_recordings = RecordingState(session, "control")
        self.learn = LearnState(session)
        self.retrain = RetrainState(session, self.learn)
        self.eta_sweep = EtaSweep(session, self.retrain)
        self.interpret = InterpretState(session)
        self.menu = SessionMenu(session, self.save, self.use, self._link)
        first = INTERPRET if session.result is not None else MODEL
        if session.recording is not None and session.result is None and session.question is None:
            first = RETRAIN
        super().__init__(
            session,
            STEPS,
            self._pages(session),
            first=first,
            tasks=(self.learn, self.retrain, self.eta_sweep),
            beside=[self.menu],
        )
        session.observe(self._on_result, "result")
        self.retrain.observe(self._on_retrain, "busy")
        self.menu.link.observe(lambda change: self.use_link(change["new"] or ""), "arrived")
        self.experiment.refresh()

    @property
    def python(self) -> str:
        """The lines of Python that redo the session from scratch, as `Copy Python` gives them."""
        return self.home.lines()

    def save(self, path: str | Path) -> None:
        """Write the session as one `.ionw` file, which `workbench(session=path)` opens.

        Raises
        ------
        IonWidgetsError : no model is open, or `path` cannot be written.
        """
        save_session(self, path)

    def use(self, saved: SavedSession) -> None:
        """Show a session that was opened, in the place of this one; work under way is stopped."""
        for task in self.tasks:
            task.abandon()
        with self.session.lock:
            notes = reopen(saved, self)
            before, self._opened = self._opened, saved  # whose files are in use from now on
            if before is not None and before is not saved:
                before.folder.close()
            self.go_to(saved.step - 1)
            self.session.trouble = " ".join(notes)
            self.session.notice = self.session.trouble or "The session is open."

    def use_link(self, query: str) -> None:
        """Set what the query of an address asks for (`ionwidgets.widgets.link`), and show it; the status line
        names what in it is not known.
        """
        with self.session.lock:
            problems = use_query(query, self.session, self.experiment, self.go_to)
            if problems:
                told = f"The link asks for what is not known here: {'; '.join(problems)}."
                self.session.notice = self.session.trouble = told

    def _link(self) -> tuple[str, str]:
        with self.session.lock:
            return query_of(self.session, self.experiment, self.steps.current)

    def close(self) -> None:
        """Close the workbench and everything in it; work under way is stopped."""
        super().close()
        if self._opened is not None:
            self._opened.folder.close()

    def _pages(self, session: Session) -> tuple[ipw.VBox, ...]:
        """A page a step."""
        self.picker = ModelPicker(session, self.experiment)
        self.protocol = ProtocolPanel(session, self.experiment)
        self.sliders = ChannelSliders(session, self.experiment)
        self.drug = DrugPanel(session, self.experiment)
        self.shares = CurrentShares(session, self.experiment)
        self.recording = RecordingPanel(session, self.recordings)
        self.control_recording = RecordingPanel(session, self.control_recordings)
        self.training = TrainingPanel(session, self.learn)
        self.retraining = RetrainPanel(session, self.retrain, self.eta_sweep)
        self.headline = Headline(session, self.retrain)
        self.comparison = NeuralODEView(session, self.interpret)
        self.findings = FindingsTable(session)
        self.gates = GateExplorer(session, runs=self.retrain)
        self.currents = CurrentExplorer(session)
        self.home = TakeHome(session, self.retrain, self.experiment)
        return (
            box(self.picker, kind="sheet"),
            box(
                self.protocol,
                self.sliders,
                self.drug,
                self.shares,
                self.recording,
                self.control_recording,
                kind="sheet",
            ),
            box(self.training, kind="sheet"),
            box(self.retraining, kind="sheet"),
            box(
                self.headline,
                box(self.comparison, self.findings, kind="columns is-even"),
                self.gates,
                self.currents,
                self.home,
                kind="sheet",
            ),
        )

    def _show_step(self) -> None:
        with self.session.lock:
            super()._show_step()
            self._show_finding()

    def _show_finding(self) -> None:
        """Without a finding there is nothing of it to look at."""
        for panel in (self.comparison, self.findings, self.gates, self.currents):
            panel.layout.display = "none" if self.session.result is None else None

    def _on_result(self, change: Any) -> None:
        self._show_finding()
        # A finding that was asked for is shown when it comes; one that is being watched for is not missed.
        if change["new"] is not None and self.steps.current == RETRAIN:
            self.go_to(INTERPRET)

    def _on_retrain(self, change: Any) -> None:
        if change["new"] and self.steps.current == INTERPRET:
            self.go_to(RETRAIN)


def workbench(
    model: str | Path | IonicModel | None = None,
    recording: str | Path | xr.Dataset | None = None,
    *,
    session: str | Path | None = None,
) -> Workbench:
    """The workbench as a widget, for any notebook.

    Parameters
    ----------
    model : library name (``"tnnp2004:epi"``), path of an .mmt or .cellml file, or a model; TNNP 2004 (M) if
        left out. Where a file can be read in more than one way, step 1 asks.
    recording : path of a recording, or a Dataset. With neither given, the workbench opens on the bundled
        example and the finding that was made on it.
    session : path of an `.ionw` file that `Workbench.save`, or the page, has written; it brings its own model
        and recording.

    Raises
    ------
    IonWidgetsError : a model, a recording or a session that cannot be read.
    """
    shared = Session()
    if session is not None:
        if model is not None or recording is not None:
            raise IonWidgetsError(
                "a session brings its own model and recording; leave model= and recording= out"
            )
        saved = open_session(session)
        shared.use_model(saved.model, saved.model_source, saved.model_answers, saved.model_content)
        bench = Workbench(shared)
        bench.use(saved)
        return bench
    if model is None and recording is None:
        shared.load_example()
    else:
        # First the recording: what has to be asked of the model is what the status line says last.
        shared.take("recording", recording)
        shared.take("model", model or FIRST_MODEL)
    return Workbench(shared)
