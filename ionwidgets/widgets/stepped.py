"""Pages of panels, one shown at a time, under a header with their names and the status line."""

from __future__ import annotations

from collections.abc import Sequence

import ipywidgets as ipw

from ionwidgets.widgets.elements import Steps
from ionwidgets.widgets.panel import Panel, SessionStatus, box, close_all
from ionwidgets.widgets.session import Session
from ionwidgets.widgets.task_state import TaskState


class Stepped(ipw.VBox):
    """What the workbench, the channel explorer and the story have in common.

    Parameters
    ----------
    session : what the panels share.
    names : of the steps, "1 Model" and so on.
    pages : the panels of each step, in reading order; they are built when their step is first shown.
    first : the step that is shown at first, counted from 0.
    tasks : stopped when it is closed.
    beside : what stands beside the status line.
    """

    def __init__(
        self,
        session: Session,
        names: Sequence[str],
        pages: Sequence[ipw.Widget],
        *,
        first: int = 0,
        tasks: Sequence[TaskState] = (),
        beside: Sequence[ipw.Widget] = (),
    ) -> None:
        self.session, self.pages, self.tasks = session, tuple(pages), tuple(tasks)
        self.steps = Steps(names=list(names), current=first)
        self.status = SessionStatus(session)
        header = ipw.VBox([self.steps, box(self.status, *beside, kind="beside")])
        header.add_class("ionw-header")
        super().__init__([header, *self.pages])
        self.add_class("ionw")
        self.steps.observe(lambda _: self._show_step(), "current")
        self._show_step()

    def go_to(self, step: int) -> None:
        """Show a step, counted from 0."""
        self.steps.current = step

    def close(self) -> None:
        """Close all of it; work under way is stopped."""
        for task in self.tasks:
            task.abandon()
        with self.session.lock:
            close_all(*tuple(self.children), self.layout)
        super().close()

    def _show_step(self) -> None:
        # Under the lock: a job that ends goes to another step in its own thread, and two would be shown.
        with self.session.lock:
            current = self.steps.current
            for index, page in enumerate(self.pages):
                page.layout.display = None if index == current else "none"
            for panel in panels_of(self.pages[current]):
                panel.show()


def panels_of(widget: ipw.Widget) -> list[Panel]:
    """The panels in a page, in reading order."""
    if isinstance(widget, Panel):
        return [widget]
    return [panel for child in getattr(widget, "children", ()) for panel in panels_of(child)]
