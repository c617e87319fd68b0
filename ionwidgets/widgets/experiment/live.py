"""What follows the settings of step 2 only while somebody looks at it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, TypeVar

from traitlets import Bool, HasTraits, Unicode

from ionwidgets.errors import IonWidgetsError
from ionwidgets.widgets.coalesce import Latest
from ionwidgets.widgets.experiment.state import ExperimentState, Question
from ionwidgets.widgets.reference import Reference
from ionwidgets.widgets.task_state import reason

A = TypeVar("A")


class Live(HasTraits, Generic[A]):
    """`answer` follows what was asked of the experiment last, while `watched`; off the caller's thread.

    Parameters
    ----------
    experiment : whose questions are answered.
    work : ``work(question, before)`` gives the answer; `before` is the last one, of the same model, or None.
    wants : whether there is anything to answer.
    """

    watched = Bool(False)
    answer = Reference(None, allow_none=True)
    problem = Unicode("")

    def __init__(
        self,
        experiment: ExperimentState,
        work: Callable[[Question, A | None], A],
        wants: Callable[[Question], bool] = lambda _: True,
    ) -> None:
        super().__init__()
        self.session = experiment.session
        self.experiment, self._work, self._wants = experiment, work, wants
        self.worker: Latest[Question] = Latest(self._run)
        self._of: Any = None  # the model of `answer`
        self._done: Question | None = None
        self._left = False
        experiment.observe(self._follow, "question")
        self.observe(self._follow, "watched")

    def leave(self) -> None:
        """Follow no more; may be said twice."""
        with self.session.lock:
            self.watched = False
            if not self._left:
                self._left = True
                self.experiment.unobserve(self._follow, "question")

    def _follow(self, _: Any = None) -> None:
        with self.session.lock:
            question = self.experiment.question
            if question is None:
                self.answer, self.problem, self._done = None, "", None
            elif self.watched and self._wants(question) and question is not self._done:
                self.worker.submit(question)

    def _run(self, question: Question) -> None:
        before, problem, answer = self.answer if self._of is question.model else None, "", None
        try:
            answer = self._work(question, before)
        except IonWidgetsError as error:
            problem = str(error)
        except Exception as error:  # or the panel would wait for ever
            problem = f"The simulation failed: {reason(error)}."
        with self.session.lock:
            now = self.experiment.question
            if now is None or now.model is not question.model:
                return
            self.problem, self._done = problem, question
            if answer is not None:
                self._of, self.answer = question.model, answer
