"""Which of the paper's experiments is told."""

from __future__ import annotations

from typing import Any

from traitlets import Enum, HasTraits

from ionwidgets.discovery.paper_examples import CYCLE_LENGTHS, paper_recording, paper_result, recording_path
from ionwidgets.discovery.reproduction.experiments import EXPERIMENTS
from ionwidgets.widgets.experiment.state import ExperimentState
from ionwidgets.widgets.session import Session

FIRST = EXPERIMENTS[0].key


class StoryState(HasTraits):
    """`experiment` is one of "long_qt", "short_qt", "i_to"; the session has its recording and finding."""

    experiment = Enum([e.key for e in EXPERIMENTS], FIRST)

    def __init__(self, session: Session, experiment: ExperimentState, **traits: Any) -> None:
        super().__init__(**traits)
        self.session, self._cell = session, experiment
        self.choose(self.experiment)

    def choose(self, key: str) -> None:
        """Tell of this experiment: its cell, its recording, and what was found in it when it was stored."""
        chosen = next(e for e in EXPERIMENTS if e.key == key)
        recording, result = paper_recording(key), paper_result(key)
        with self.session.lock:
            self.experiment = key
            if self.session.model is None:
                self.session.use_model(result.model, result.model.key)
            self.session.use_recording(recording, recording_path(key).name)
            self.session.result = result
            self.session.notice = f"{chosen.title}: the finding is as stored; Retrain makes it anew."
            self._cell.use_settings({"scale": dict(chosen.scale), "cycle_length": CYCLE_LENGTHS[1]})
