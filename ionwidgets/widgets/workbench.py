"""The workbench: the five steps in one widget."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import ipywidgets as ipw
import xarray as xr

from ionwidgets.errors import IonWidgetsError
from ionwidgets.models import IonicModel
from ionwidgets.widgets.elements import Steps
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
from ionwidgets.widgets.panel import Panel, SessionStatus, box, close_all
from ionwidgets.widgets.recording.panel import RecordingPanel
from ionwidgets.widgets.recording.state import RecordingState
from ionwidgets.widgets.reopen import reopen
from ionwidgets.widgets.retrain.panel import RetrainPanel
from ionwidgets.widgets.retrain.state import RetrainState
from ionwidgets.widgets.retrain.sweep import EtaSweep
from ionwidgets.widgets.session import FIRST_MODEL, Session
from ionwidgets.widgets.session_file import SavedSession, open_session, save_session
from ionwidgets.widgets.session_menu import SessionMenu

STEPS = ("1 Model", "2 Experiment", "3 Learn", "4 Retrain", "5 Interpret")
MODEL, EXPERIMENT, LEARN, RETRAIN, INTERPRET = range(5)


class Workbench(ipw.VBox):
    """From an ionic model to a finding.

    `session` is what the steps share; `experiment`, `recordings`, `learn`, `retrain` and `interpret` are the
    states of the panels, all free of widgets, and may be set from Python too.
    """

    def __init__(self, session: Session) -> None:
        self.session = session
        self._opened: SavedSession | None = None
        self.experiment = ExperimentState(session)
        self.recordings = RecordingState(session)
        self.control_recordings = RecordingState(session, "control")
        self.learn = LearnState(session)
        self.retrain = RetrainState(session, self.learn)
        self.eta_sweep = EtaSweep(session, self.retrain)
        self.interpret = InterpretState(session)
        self.tasks = (self.learn, self.retrain, self.eta_sweep)
        self.steps = Steps(names=list(STEPS))
        self.status = SessionStatus(session)
        self.pages = self._pages()
        self.menu = SessionMenu(session, self.save, self.use, self._link)
        header = ipw.VBox([self.steps, box(self.status, self.menu, kind="beside")])
        header.add_class("ionw-header")
        super().__init__([header, *self.pages])
        self.add_class("ionw")
        session.observe(self._on_result, "result")
        self.retrain.observe(self._on_retrain, "busy")
        self.steps.current = INTERPRET if session.result is not None else MODEL
        if session.question is not None:
            self.steps.current = MODEL
        elif session.recording is not None and session.result is None:
            self.steps.current = RETRAIN
        self.steps.observe(lambda _: self._show_step(), "current")
        self._show_step()
        self.menu.link.observe(lambda change: self.use_link(change["new"] or ""), "arrived")
        self.experiment.refresh()

    def go_to(self, step: int) -> None:
        """Show a step, counted from 0."""
        self.steps.current = step

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
        for task in self.tasks:
            task.abandon()
        with self.session.lock:
            close_all(*tuple(self.children), self.layout)
        if self._opened is not None:
            self._opened.folder.close()
        super().close()

    def _pages(self) -> tuple[ipw.VBox, ...]:
        """A page a step."""
        session = self.session
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
        for index, page in enumerate(self.pages):
            shown = index == self.steps.current
            page.layout.display = None if shown else "none"
            if shown:
                for panel in panels_of(page):
                    panel.show()
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


def panels_of(widget: ipw.Widget) -> list[Panel]:
    """The panels in a page, in reading order."""
    if isinstance(widget, Panel):
        return [widget]
    return [panel for child in getattr(widget, "children", ()) for panel in panels_of(child)]


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
