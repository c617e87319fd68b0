"""The three experiments of Iravanian (arXiv 2011.07388)."""

from __future__ import annotations

from dataclasses import dataclass

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
