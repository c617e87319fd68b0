"""The three experiments of Iravanian (arXiv 2011.07388), and how they are looked at."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from ionwidgets.gnn.paper import Paper
from ionwidgets.gnn.retrain import Stage2
from ionwidgets.models import IonicModel

MODEL = "tnnp2004:M"
CURRENTS = ("I_Na", "I_CaL", "I_Kr", "I_Ks", "I_to")
DECODERS = ("emulator", "ode")
CONTROL = "control"


@dataclass(frozen=True)
class Experiment:
    """What was changed: `scale`, and so `current`; figures 4 and 5 to 7 are drawn at these etas."""

    key: str
    title: str
    scale: dict[str, float]
    current: str
    eta_of_ode: float
    eta_of_currents: float

    @property
    def full_title(self) -> str:
        changed = ", ".join(f"{name} ×{value:g}" for name, value in self.scale.items())
        return f"{self.title} ({changed})"


EXPERIMENTS = (
    Experiment("long_qt", "Long QT", {"g_Kr": 0.25}, "I_Kr", 0.0016, 0.0015),
    Experiment("short_qt", "Short QT", {"g_CaL": 0.25}, "I_CaL", 0.0018, 0.0015),
    Experiment("i_to", "I_to", {"g_to": 3.0}, "I_to", 0.0015, 0.0003),
)


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
