"""Which currents are looked at, along which recorded beat."""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray
from traitlets import Tuple

from ionwidgets.discovery.shown import shown_currents
from ionwidgets.discovery.shown_numbers import CurrentNumbers, current_numbers
from ionwidgets.widgets.listening import Listening
from ionwidgets.widgets.reference import Reference
from ionwidgets.widgets.session import Session

FIRST = 6  # currents that are chosen at first, those that explain most


class CurrentState(Listening):
    """Currents of the session's result along one recorded beat.

    `lengths` [ms] are the recorded cycle lengths, `cycle_length` the one that is looked at; `names` are all
    currents, the one that explains most first, `chosen` those that are looked at.
    """

    lengths = Tuple()
    cycle_length = Reference(None, allow_none=True)
    names = Tuple()
    chosen = Tuple()

    def __init__(self, session: Session, **traits: Any) -> None:
        super().__init__(**traits)
        self.session = session
        self.hear(session, self._on_result, "result")
        self._on_result()

    def choose(self, currents: Any) -> None:
        """Look at these currents, by name, in the order of what explains most."""
        with self.session.lock:
            self.chosen = tuple(name for name in self.names if name in set(currents))

    def take(self, cycle_length: float) -> None:
        """Look along the beat at this recorded cycle length [ms]."""
        with self.session.lock:
            if cycle_length in self.lengths:
                self.cycle_length = cycle_length

    def traces(self) -> tuple[NDArray, dict[str, NDArray], dict[str, NDArray]]:
        """Time [ms], and the chosen currents [A/F] before and after."""
        time, *both = shown_currents(self.session.result, cycle_length=self.cycle_length)
        before, after = ({name: values[name] for name in self.chosen} for values in both)
        return time, before, after

    def numbers(self) -> dict[str, tuple[CurrentNumbers, CurrentNumbers]]:
        """Peak and charge of the chosen currents, before and after."""
        time, before, after = self.traces()
        return {
            name: (current_numbers(time, before[name]), current_numbers(time, after[name]))
            for name in self.chosen
        }

    def _on_result(self, _: Any = None) -> None:
        with self.hold_trait_notifications():  # who hears of one finds the others
            self._take(self.session.result)

    def _take(self, result: Any) -> None:
        if result is None:
            self.lengths, self.names, self.chosen, self.cycle_length = (), (), (), None
            return
        self.lengths = tuple(sorted({float(trace.attrs["cycle_length"]) for trace in result.traces}))
        self.cycle_length = max(self.lengths)
        self.names = tuple(shown_currents(result)[1])
        self.chosen = self.names[:FIRST]
