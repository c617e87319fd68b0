"""Which gates are looked at, and their curves."""

from __future__ import annotations

from typing import Any

import numpy as np
from traitlets import Float, HasTraits, Tuple

from ionwidgets.discovery.shown import ShownGates, model_gates, shown_gates
from ionwidgets.discovery.shown_numbers import GateNumbers, gate_numbers, seed_bands
from ionwidgets.simulation import voltage_grid
from ionwidgets.widgets.listening import Listening
from ionwidgets.widgets.reference import Reference
from ionwidgets.widgets.session import Session

FIRST = 6  # gates that are chosen at first, those that explain most


class GateState(Listening):
    """Gates of the session's result, before and after; without one, of its model as published.

    `shown` are the curves, `chosen` the gates that are looked at, `at` [mV] where their tau is read, `others`
    results with other seeds, over which bands are drawn. `of_model`: the model's, even where there is a
    result. `runs`: a state with a trait of that name, whose members' results are the other seeds.
    """

    shown = Reference(None, allow_none=True)
    chosen = Tuple()
    at = Float(-40.0)
    others = Reference(())

    def __init__(
        self, session: Session, *, of_model: bool = False, runs: HasTraits | None = None, **traits: Any
    ) -> None:
        super().__init__(**traits)
        self.session = session
        self.of_model = of_model
        self._runs = runs if runs is not None and runs.has_trait("runs") else None
        if self._runs is not None:
            self.hear(self._runs, self._on_runs, "runs")
        self.hear(session, self._on_basis, ["model", "result"])
        self._on_basis()

    @property
    def result(self) -> Any:
        """The result that is looked at, None of a model alone."""
        return None if self.of_model else self.session.result

    @property
    def bands(self) -> Any:
        """Lowest and highest curves over all seeds; None of one."""
        return seed_bands((self.result, *self.others)) if self.result is not None and self.others else None

    def choose(self, gates: Any) -> None:
        """Look at these gates, by name, in the order of what explains most."""
        with self.session.lock:
            names = self.shown.names if self.shown is not None else ()
            self.chosen = tuple(name for name in names if name in set(gates))

    def numbers(self) -> dict[str, tuple[GateNumbers, GateNumbers | None]]:
        """V_half, slope factor and tau of every chosen gate, before and after, from the whole curves."""
        if self.shown is None:
            return {}
        if self.result is None:
            V = voltage_grid()
            curves = self.session.model.gate_curves(V)
            return {
                name: (gate_numbers(V, curves[name][0], curves[name][1], self.at), None)
                for name in self.chosen
            }
        gates = self.result.gates()
        V = np.asarray(gates["V"], float)

        def of(name: str, source: str) -> GateNumbers:
            one = gates.sel(gate=name, source=source)
            return gate_numbers(V, one["h_inf"], one["tau"], self.at)

        return {name: (of(name, "control"), of(name, "altered")) for name in self.chosen}

    def unvisited(self) -> str:
        """Which of the shown potentials no recording reached, in words; "" where that is not known."""
        shown: ShownGates | None = self.shown
        if shown is None or shown.visited is None:
            return ""
        low, high = (f"{limit:.0f} mV".replace("-", "−") for limit in shown.visited)
        return (
            f"The recording never went below {low} or above {high}: there, in grey, it says nothing about "
            "the gates."
        )

    def _on_runs(self, _: Any) -> None:
        self.others = self._seeds()

    def _seeds(self) -> tuple[Any, ...]:
        """What the other seeds found in the recording that is looked at."""
        result = self.result
        found = [run.result for run in getattr(self._runs, "runs", ())]
        if result is None:
            return ()
        of_it = (one for one in found if one is not None and one.recording is result.recording)
        return tuple(one for one in of_it if one is not result)

    def _on_basis(self, _: Any = None) -> None:
        result, model = self.result, self.session.model
        with self.hold_trait_notifications():  # who hears of one finds the others
            self.others = self._seeds()
            if result is not None:
                self.shown = shown_gates(result)
            else:
                self.shown = model_gates(model) if model is not None and model.gates else None
            self.chosen = tuple(self.shown.names[:FIRST]) if self.shown is not None else ()
