"""Step 5: the finding, worked up for drawing, off the main thread."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from traitlets import HasTraits

from ionwidgets.errors import IonWidgetsError
from ionwidgets.widgets.beats import Beat, last_beat
from ionwidgets.widgets.coalesce import Latest
from ionwidgets.widgets.reference import Reference
from ionwidgets.widgets.session import Session

PACED_FOR = 20_000.0  # ms, as the predictions of a finding are


@dataclass(frozen=True)
class Comparison:
    """One beat at one cycle length in ms: recorded, of the control model, of the model with the change found.

    `neural` is of the neural ODE, the model with the retrained network's gates.
    """

    cycle_length: float
    v_units: str
    recorded: Beat
    control: Beat
    found: Beat
    neural: Beat


class InterpretState(HasTraits):
    """`comparison` follows the session's result; None until it is computed."""

    comparison = Reference(None, allow_none=True)

    def __init__(self, session: Session, **traits: Any) -> None:
        super().__init__(**traits)
        self.session = session
        self.worker = Latest(self._compare)
        session.observe(self._on_result, "result")
        self._on_result()

    def _on_result(self, _: Any = None) -> None:
        self.comparison = None
        if self.session.result is not None:
            self.worker.submit(self.session.result)

    def _compare(self, result: Any) -> None:
        from ionwidgets.simulation import simulate

        self.session.begin("compare", "Simulating the finding")
        trouble = ""
        comparison = None
        try:
            cell = int(np.nanargmax(np.asarray(result.recording["cycle_length"], float)))
            cycle_length = float(result.recording["cycle_length"][cell])
            stored: dict[str, Any] = {
                "record_from": PACED_FOR - 3 * cycle_length,
                "variables": list(result.model.observables),
            }
            control = simulate(result.model, cycle_length, PACED_FOR, **stored)
            found = result.simulate(cycle_length, PACED_FOR, **stored)
            neural = result.neural_ode(cycle_length, PACED_FOR, **stored)
            comparison = Comparison(
                cycle_length,
                str(result.recording["V"].attrs.get("units", "mV")),
                last_beat(result.recording, cell),
                last_beat(control),
                last_beat(found),
                last_beat(neural),
            )
        except IonWidgetsError as error:
            trouble = f"The finding cannot be simulated: {error}"
        with self.session.lock:
            self.session.end("compare", trouble=trouble, notice=trouble)
            if self.session.result is result:
                self.comparison = comparison
