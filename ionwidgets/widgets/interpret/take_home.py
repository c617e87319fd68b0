"""What one takes home: files, and the lines of Python that redo the session."""

from __future__ import annotations

import ipywidgets as ipw

from ionwidgets.widgets.elements import CopyText
from ionwidgets.widgets.experiment.setting import NAMES
from ionwidgets.widgets.experiment.state import ExperimentState
from ionwidgets.widgets.interpret.downloads import Downloads
from ionwidgets.widgets.panel import Panel, box, markup, on
from ionwidgets.widgets.python_lines import python_lines
from ionwidgets.widgets.retrain.settings import DEFAULTS
from ionwidgets.widgets.retrain.state import RetrainState
from ionwidgets.widgets.session import Session


class TakeHome(Panel):
    """`Download` of every artefact, `Copy Python`."""

    def __init__(self, session: Session, retrain: RetrainState, experiment: ExperimentState) -> None:
        super().__init__(session)
        self.retrain, self.experiment = retrain, experiment

    def build(self) -> list[ipw.Widget]:
        self.downloads = Downloads(self.session)
        self.python = CopyText(label="Python that redoes this session", action="Copy Python")
        self.files = box(markup("<h2>Take it home</h2>"), self.downloads)
        on(self.session, ["model", "recording", "control", "network", "result"], self._show)
        # By all names, not by those of `settings`, which leaves out what is not valid at the moment.
        on(self.retrain, [*DEFAULTS, "runs"], self._show_python)
        on(self.experiment, list(NAMES), self._show_python)
        return [self.files, self.python]

    def _show(self) -> None:
        self.files.layout.display = "none" if self.session.result is None else None
        self._show_python()

    def _show_python(self) -> None:
        self.python.text = self.lines()

    def lines(self) -> str:
        """The lines of Python that redo the session from scratch."""
        settings = self.retrain.settings(), self.experiment.settings()
        return python_lines(self.session, *settings, made=self.retrain.made)
