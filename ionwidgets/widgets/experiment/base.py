"""What the panels on an experiment have in common."""

from __future__ import annotations

from typing import Any

from ionwidgets.widgets.experiment.live import Live
from ionwidgets.widgets.experiment.state import ExperimentState
from ionwidgets.widgets.panel import Panel
from ionwidgets.widgets.session import Session


class ExperimentPanel(Panel):
    """A panel on an `ExperimentState`, of which it has one of its own if none is given.

    `live`, where a panel `follows` the settings with more than the experiment itself simulates, works only
    while the panel is looked at.
    """

    opens_model = True

    def __init__(
        self, session: Session | None = None, experiment: ExperimentState | None = None, **shared: Any
    ) -> None:
        super().__init__(session, **shared)
        self.experiment = experiment or self.own(ExperimentState(self.session))
        self.live = self.follows()
        self.experiment.refresh()
        self.ready()

    def follows(self) -> Live[Any] | None:
        """What is to be simulated as long as somebody looks; made before anything is asked."""
        return None

    def unfolded(self) -> bool:
        """Whether a panel that is shown can be seen."""
        return True

    def show(self) -> None:
        super().show()
        self.watch(self.unfolded())

    def hide(self) -> None:
        super().hide()
        self.watch(False)

    def close(self) -> None:
        live: Live[Any] | None = getattr(self, "live", None)
        if live is not None:  # Python calls this of what was never made too
            live.leave()
        super().close()

    def watch(self, watched: bool) -> None:
        """Work, or do not, on what `live` follows."""
        if self.live is not None:
            with self.session.lock:
                self.live.watched = watched
