"""How the experiments are recorded, trained on, measured and drawn."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from ionwidgets.gnn.paper import Paper
from ionwidgets.gnn.retrain import Stage2
from ionwidgets.models import IonicModel


@dataclass(frozen=True)
class Reproduction:
    """The settings of a reproduction; cycle lengths [ms].

    paper: the published numbers; stage2: those of the decoder `ode`, whose beats are recorded at
    `recorded`; `measured`: where every run's neural ODE is measured; base_shown, shown, currents_shown: what
    figures 2, 3 and 4, and 5 to 7 show. hidden: where currents have fCa, Na_i and K_i of a cell from:
    "clamp", the model under its recorded V and Ca_i, as an experiment allows; "true", the cell itself, as
    published.
    """

    paper: Paper = field(default_factory=Paper)
    stage2: Stage2 = field(default_factory=Stage2)
    recorded: tuple[float, ...] = (400.0, 450.0, 500.0, 600.0, 700.0, 800.0)
    measured: tuple[float, ...] = (400.0, 550.0, 800.0)
    base_shown: tuple[float, ...] = (800.0, 550.0, 320.0)
    shown: float = 350.0
    currents_shown: float = 445.0
    hidden: str = "clamp"

    def seen(self, model: IonicModel) -> Sequence[str]:
        """What of an altered cell the runs may look at."""
        return model.states if self.hidden == "true" else model.observables
