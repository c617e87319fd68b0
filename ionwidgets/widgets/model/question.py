"""What has to be known before a model file can be opened."""

from __future__ import annotations

from collections.abc import Callable

import ipywidgets as ipw

from ionwidgets.widgets.panel import box, button, on
from ionwidgets.widgets.session import OpenQuestion, Session


class ModelQuestionForm(ipw.VBox):
    """A choice that is called what is asked, `Continue` and `Cancel`; out of sight while nothing is asked.

    `tell` is called with what is wrong with the file and its answers, or "".
    """

    def __init__(self, session: Session, tell: Callable[[str], None]) -> None:
        self.session, self._tell = session, tell
        self.choice = ipw.Dropdown(description="Question")
        self.go_on = button("Continue", self._answer, primary=True)
        self.cancel = button("Cancel", self._cancel)
        super().__init__([self.choice, box(self.go_on, self.cancel, kind="row")])
        self.add_class("ionw-stack")
        self.add_class("ionw-question")
        self.choice.observe(lambda _: self._show_button(), "value")
        on(session, "question", self._show)

    def _show(self) -> None:
        asked: OpenQuestion | None = self.session.question
        self.layout.display = None if asked else "none"
        if asked is not None:
            self.choice.description = asked.question
            self.choice.options = [("Choose …", ""), *((name, name) for name in asked.candidates)]
            self.choice.value = ""
        self._show_button()

    def _show_button(self) -> None:
        self.go_on.disabled = not self.choice.value

    def _answer(self) -> None:
        if self.choice.value:
            self._tell(self.session.answer(self.choice.value))

    def _cancel(self) -> None:
        self.session.leave_question()
        self._tell("")
