"""Step 5: the finding's beats at any cycle length, and its restitution."""

from __future__ import annotations

import math
from collections import Counter
from typing import Any, NamedTuple

import numpy as np
from traitlets import Dict, Tuple, Unicode

from ionwidgets.discovery.comparison import compared, compared_at, is_paced_anywhere
from ionwidgets.discovery.shown_numbers import beat_numbers
from ionwidgets.errors import IonWidgetsError
from ionwidgets.widgets.coalesce import Latest
from ionwidgets.widgets.listening import Listening
from ionwidgets.widgets.reference import Reference
from ionwidgets.widgets.session import Session
from ionwidgets.widgets.task_state import reason
from ionwidgets.widgets.words import number

SHORTEST, LONGEST = 100.0, 10_000.0  # ms of a cycle that may be asked for


class Choice(NamedTuple):
    """What can be looked at: a recorded cell, by its number from 0, or a cycle length [ms] that was not."""

    cycle_length: float
    cell: int | None

    @property
    def words(self) -> str:
        """ "600 ms, recorded"."""
        how = "predicted" if self.cell is None else "recorded"
        return f"{number(self.cycle_length, 'ms', 4)}, {how}"


class InterpretState(Listening):
    """What is looked at of the session's result.

    `choices` are the recorded cells and what was predicted, `chosen` one of them; `comparison` is its beat,
    of the recording and of the models, `numbers` what is measured of it by source (empty until it is known);
    `restitution` is APD90 against cycle length, once it was asked for; `problem` why there is none.
    """

    choices = Tuple()
    chosen = Reference(None, allow_none=True)
    comparison = Reference(None, allow_none=True)
    numbers = Dict()
    restitution = Reference(None, allow_none=True)
    problem = Unicode("")

    def __init__(self, session: Session, **traits: Any) -> None:
        super().__init__(**traits)
        self.session = session
        self.worker: Latest[tuple[Any, Choice]] = Latest(self._pace)
        self.restitution_worker: Latest[Any] = Latest(self._restitute)
        self.hear(session, self._on_result, "result")
        self._on_result()

    @property
    def free(self) -> bool:
        """Whether any cycle length can be asked for."""
        return self.session.result is not None and is_paced_anywhere(self.session.result)

    def named(self) -> list[tuple[str, Choice]]:
        """The choices with their names; cells that were paced alike are told apart by their number."""
        alike = Counter(choice.words for choice in self.choices)
        return [
            (f"{choice.words}, cell {choice.cell + 1}", choice)
            if choice.cell is not None and alike[choice.words] > 1
            else (choice.words, choice)
            for choice in self.choices
        ]

    def choose(self, choice: Choice) -> None:
        """Look at one of the choices; its beat comes from a thread of its own."""
        with self.session.lock:
            if choice == self.chosen or choice not in self.choices:
                return
            self.chosen, self.numbers = choice, {}
        self.measure()

    def predict(self, cycle_length: float) -> str:
        """Look at a cycle length [ms] that need not have been recorded; what is wrong with it, or ""."""
        with self.session.lock:
            if self.session.result is None:
                return "There is no finding to predict with."
            if not self.free:
                return (
                    "This cell is not paced by the model's stimulus, so no other cycle length is predicted."
                )
            if not (math.isfinite(cycle_length) and SHORTEST <= cycle_length <= LONGEST):
                return f"A cycle length is {SHORTEST:g} to {LONGEST:g} ms."
            same = [choice for choice in self.choices if choice.cycle_length == cycle_length]
            choice = same[0] if same else Choice(float(cycle_length), None)
            if not same:
                self.choices = (*self.choices, choice)
        self.choose(choice)
        return ""

    def measure(self) -> None:
        """Pace the models at the chosen cycle length, and measure them beside the recording."""
        with self.session.lock:
            result, chosen = self.session.result, self.chosen
            if result is None or chosen is None or self.numbers:
                return
            if not self.free:
                self.numbers = beat_numbers(self.comparison)
                return
            # Told and submitted in one: what ends meanwhile sees that this waits, and leaves what is told.
            self.session.begin("compare", f"Pacing the cell at {number(chosen.cycle_length, 'ms', 4)}")
            self.worker.submit((result, chosen))

    def find_restitution(self) -> None:
        """Work out APD90 against cycle length, on a thread of its own."""
        with self.session.lock:
            result = self.session.result
            if result is None or self.restitution is not None:
                return
            self.session.begin("restitution", "Pacing the cell at many cycle lengths")
            self.restitution_worker.submit(result)

    def _on_result(self, _: Any = None) -> None:
        with self.hold_trait_notifications():  # who hears of one finds the others
            self._take(self.session.result)

    def _take(self, result: Any) -> None:
        self.restitution, self.problem, self.numbers = None, "", {}
        self.choices, self.chosen, self.comparison = (), None, None
        if result is None:
            return
        comparison = compared(result)
        self.choices = choices_of(result, comparison.cycle_length)
        self.chosen = min(self.choices, key=lambda one: abs(one.cycle_length - comparison.cycle_length))
        self.comparison = comparison

    def _pace(self, asked: tuple[Any, Choice]) -> None:
        result, choice = asked
        problem, comparison, numbers = "", None, {}
        try:
            comparison = compared_at(result, choice.cycle_length, choice.cell)
            numbers = beat_numbers(comparison)
        except Exception as error:
            problem, comparison = _told(error), None
        with self.session.lock:
            if not self.worker.waits:
                self.session.end("compare")
            if self.session.result is result and self.chosen == choice:
                self.problem = problem
                if comparison is not None:
                    with self.hold_trait_notifications():  # who hears of one finds the other
                        self.comparison, self.numbers = comparison, numbers

    def _restitute(self, result: Any) -> None:
        problem, table = "", None
        try:
            table = result.restitution()
        except Exception as error:
            problem = _told(error)
        with self.session.lock:
            if not self.restitution_worker.waits:
                self.session.end("restitution")
            if self.session.result is result:
                self.restitution, self.problem = table, problem


def _told(error: Exception) -> str:
    """Why there is no answer; of an error of ours too, or the panel would wait for ever."""
    return str(error) if isinstance(error, IonWidgetsError) else f"The simulation failed: {reason(error)}."


def choices_of(result: Any, shown: float) -> tuple[Choice, ...]:
    """The recorded cells by cycle length; that at `shown` [ms] alone where the model is not paced freely."""
    lengths = np.asarray(result.recording["cycle_length"], float)
    known = [Choice(float(length), cell) for cell, length in enumerate(lengths) if np.isfinite(length)]
    if not known or not is_paced_anywhere(result):
        nearest = int(np.nanargmin(np.abs(lengths - shown))) if known else 0
        return (Choice(shown, nearest),)
    return tuple(sorted(known))
