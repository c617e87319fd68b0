"""The two-stage story: five pages, from a cell to what changed in it, and beside the paper."""

from __future__ import annotations

from ionwidgets.discovery.reproduction.experiments import MODEL
from ionwidgets.widgets.experiment.state import ExperimentState
from ionwidgets.widgets.interpret.currents import CurrentExplorer
from ionwidgets.widgets.interpret.findings import FindingsTable, Headline
from ionwidgets.widgets.interpret.gates import GateExplorer
from ionwidgets.widgets.interpret.neural_ode import NeuralODEView
from ionwidgets.widgets.interpret.state import InterpretState
from ionwidgets.widgets.learn.panel import TrainingPanel
from ionwidgets.widgets.learn.state import LearnState
from ionwidgets.widgets.panel import box, markup
from ionwidgets.widgets.paper.panel import PaperPanel
from ionwidgets.widgets.paper.state import PaperState
from ionwidgets.widgets.retrain.panel import RetrainPanel
from ionwidgets.widgets.retrain.state import RetrainState
from ionwidgets.widgets.retrain.sweep import EtaSweep
from ionwidgets.widgets.session import Session
from ionwidgets.widgets.stepped import Stepped
from ionwidgets.widgets.story import chapters
from ionwidgets.widgets.story.cell import ChangedCell
from ionwidgets.widgets.story.state import StoryState

STEPS = ("1 Question", "2 Stage one", "3 Stage two", "4 Change", "5 Paper")
STAGE_2, CHANGE = 2, 3


class TwoStageStory(Stepped):
    """The paper's three experiments, told in five steps with stored runs, any of which can be made anew.

    >>> import ionwidgets as iw
    >>> story = iw.widgets.TwoStageStory()
    >>> story.story.choose("short_qt")
    >>> story
    """

    def __init__(self) -> None:
        session = Session()
        session.open_model(MODEL)
        self.experiment = ExperimentState(session)
        self.learn = LearnState(session)
        self.retrain = RetrainState(session, self.learn)
        self.eta_sweep = EtaSweep(session, self.retrain)
        self.paper = PaperState(session)
        self.story = StoryState(session, self.experiment)
        interpret = InterpretState(session)
        pages = (
            box(ChangedCell(session, self.experiment, self.story), kind="sheet"),
            box(markup(chapters.STAGE_1), TrainingPanel(session, self.learn), kind="sheet"),
            box(markup(chapters.STAGE_2), RetrainPanel(session, self.retrain, self.eta_sweep), kind="sheet"),
            box(
                markup(chapters.CHANGE),
                Headline(session, self.retrain),
                box(NeuralODEView(session, interpret), FindingsTable(session), kind="columns is-even"),
                GateExplorer(session, runs=self.retrain),
                CurrentExplorer(session),
                kind="sheet",
            ),
            box(markup(chapters.PAPER), PaperPanel(session, self.paper), kind="sheet"),
        )
        super().__init__(session, STEPS, pages, tasks=(self.learn, self.retrain, self.eta_sweep, self.paper))
        session.observe(self._on_result, "result")
        self.retrain.observe(self._on_retrain, "busy")
        self.experiment.refresh()

    def _on_result(self, change: dict[str, object]) -> None:
        if change["new"] is not None and self.steps.current == STAGE_2:
            self.go_to(CHANGE)

    def _on_retrain(self, change: dict[str, object]) -> None:
        if change["new"] and self.steps.current == CHANGE:
            self.go_to(STAGE_2)
