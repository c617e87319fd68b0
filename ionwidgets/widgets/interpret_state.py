"""Step 5: the finding's traces, cut for drawing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from traitlets import HasTraits

from ionwidgets.widgets.beats import Beat, last_beat
from ionwidgets.widgets.reference import Reference
from ionwidgets.widgets.session import Session


@dataclass(frozen=True)
class Comparison:
    """One beat at one cycle length in ms: recorded, and of the model.

    `paced` is by source: "control", "found" (with the changes), "neural ODE" (the retrained network's gates).
    """

    cycle_length: float
    v_units: str
    recorded: Beat
    paced: dict[str, Beat]


class InterpretState(HasTraits):
    """`comparison` follows the session's result."""

    comparison = Reference(None, allow_none=True)

    def __init__(self, session: Session, **traits: Any) -> None:
        super().__init__(**traits)
        self.session = session
        session.observe(self._on_result, "result")
        self._on_result()

    def _on_result(self, _: Any = None) -> None:
        result = self.session.result
        self.comparison = None if result is None else compared(result)


def compared(result: Any) -> Comparison:
    """The longest recorded cycle length beside the model."""
    paced = result.paced
    cycle_length = float(paced["cycle_length"][0])
    lengths = np.asarray(result.recording["cycle_length"], float)
    recorded = last_beat(result.recording, int(np.nanargmin(np.abs(lengths - cycle_length))))
    if "Ca_i" in result.recording and result.recording["Ca_i"].attrs.get("units", "mM") != "mM":
        recorded = recorded._replace(Ca_i=None)  # a dye's arbitrary units share no axis with the model's
    return Comparison(
        cycle_length,
        str(result.recording["V"].attrs.get("units", "mV")),
        recorded,
        {str(source): last_beat(paced, cell) for cell, source in enumerate(paced["source"].values)},
    )
