"""The first page of the story: which experiment, and what the changed cell does."""

from __future__ import annotations

from typing import Any

import ipywidgets as ipw

from ionwidgets import figures
from ionwidgets.discovery.reproduction.experiments import EXPERIMENTS
from ionwidgets.widgets import html
from ionwidgets.widgets.experiment.base import ExperimentPanel
from ionwidgets.widgets.experiment.panel import response_table
from ionwidgets.widgets.experiment.state import ExperimentState
from ionwidgets.widgets.panel import box, markup, offer, on
from ionwidgets.widgets.session import Session
from ionwidgets.widgets.story.chapters import QUESTION
from ionwidgets.widgets.story.state import StoryState
from ionwidgets.widgets.trace_view import TraceView

NAMES = ("V and intracellular calcium of the changed cell against control",) * 2


class ChangedCell(ExperimentPanel):
    """`Experiment`, the changed cell against control, and its biomarkers."""

    def __init__(self, session: Session, experiment: ExperimentState, story: StoryState) -> None:
        self.story = story
        super().__init__(session, experiment)

    def build(self) -> list[ipw.Widget]:
        self.menu = ipw.Dropdown(description="Experiment", options=[])
        self.answer, self.biomarkers = markup(), markup()
        self.figure = TraceView(
            [figures.Trace(role, [], [], None, role) for role in ("control", "altered")], NAMES, calcium=True
        )
        self.menu.observe(self._choose, "value")
        on(self.story, "experiment", self._show_experiment)
        on(self.experiment, "response", self._show_response)
        return [
            box(
                box(markup(QUESTION), self.menu, self.answer),
                box(self.figure, self.biomarkers),
                kind="columns is-even",
            )
        ]

    def _choose(self, change: Any) -> None:
        if change["new"] is not None:
            self.story.choose(change["new"])

    def _show_experiment(self) -> None:
        # Not by what was changed: that is what the reader is to find.
        options = [(e.title.replace("I_to", "A third cell"), e.key) for e in EXPERIMENTS]
        offer(self.menu, options, self.story.experiment, self._choose)
        told = next(e.full_title for e in EXPERIMENTS if e.key == self.story.experiment)
        self.answer.value = (
            "<details class='ionw-explain'><summary>What was changed?</summary><div><p>"
            f"{html.named(told)}. Step 4 has what was found.</p></div></details>"
        )

    def _show_response(self) -> None:
        response = self.experiment.response
        if response is None:
            self.figure.blank()
            self.biomarkers.value = "<p class='ionw-soft'>Simulating …</p>"
            return
        waves = (("control", response.control), ("altered", response.altered))
        self.figure.update([figures.Trace(role, wave.time, wave.V, wave.Ca_i, role) for role, wave in waves])
        self.biomarkers.value = response_table(self.session.model, response)
