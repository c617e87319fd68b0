"""The buttons of a `TaskState`."""

from __future__ import annotations

from collections.abc import Sequence

import ipywidgets as ipw

from ionwidgets.widgets.panel import box, button, markup, on, set_reasons
from ionwidgets.widgets.task_state import TaskState


class TaskButtons(ipw.VBox):
    """Start, pause and stop of a `TaskState`, and the reasons why it cannot start."""

    def __init__(
        self,
        name: str,
        state: TaskState,
        before: Sequence[ipw.Widget] = (),
        after: Sequence[ipw.Widget] = (),
        plain: bool = False,
    ) -> None:
        self.state = state
        self.go = button(name, state.start, primary=not plain)
        self.pause = button("Pause", state.toggle_pause, disabled=True)
        self.halt = button("Stop", state.stop, disabled=True)
        self.reasons = markup()
        super().__init__([box(*before, self.go, self.pause, self.halt, *after, kind="row"), self.reasons])
        self.add_class("ionw-stack")
        on(state, ["phase", "busy", "blockers"], self._show)

    def _show(self) -> None:
        state = self.state
        stopping = state.busy and state.phase == "stopping"
        self.go.disabled = state.busy or bool(state.blockers)
        self.pause.disabled = not state.busy or stopping
        self.pause.description = "Resume" if state.busy and state.phase == "paused" else "Pause"
        self.halt.disabled = not state.busy or stopping
        self.halt.description = "Stopping…" if stopping else "Stop"
        set_reasons(self.reasons, () if state.busy else state.blockers)
