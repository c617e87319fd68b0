"""The experiments that discovery is scored on: cells with a known change, none of them made to be found.

Two sets from one recipe with different numbers. The open set may be looked at while discovery is worked on;
of the held-out set only the totals are read, and nothing is chosen by them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ionwidgets.models import load_model

CELL = "tnnp2004:M"
SETS = {"open": 101, "held-out": 202}
STRANGERS = ("lr1991", "fox2002", "ord2011:endo", "paci2013:atrial")  # cells that TNNP cannot be
OWN = 0.2  # standard deviation of ln g from cell to cell
NOISE_V, NOISE_CA = 0.5, 0.03  # mV; share of the transient
DRIFT, WINDOW = 0.5, 1000.0  # mV/s; ms, which hold one beat of the shorter periods
POOR: dict[str, dict[str, Any]] = {
    "0.1 ms": {"sample": 0.1},
    "2 ms": {"sample": 2.0},
    "one length": {"lengths": 1},
    "one beat": {"window": WINDOW},
    "drift": {"drift": DRIFT},
    "all": {
        "noise": (NOISE_V, NOISE_CA), "sample": 2.0, "lengths": 1, "window": WINDOW, "drift": DRIFT,
        "seen": ("V",),
    },
}  # fmt: skip


@dataclass(frozen=True)
class Case:
    """One recorded cell: what changed in it, and how it was recorded.

    scale: factor by conductance; shift: V_half [mV], steep: slope ratio, slow: tau ratio by gate. noise: (mV,
    share of the transient of Ca_i). seen: what the recording holds. arbitrary: whether in arbitrary units.
    sample, window: ms between samples and ms recorded, the usual where None; lengths: how many of the cycle
    lengths, the first ones; drift: of V [mV/s].
    own: factor by conductance of this cell beside the published one, before and after the change; where it
    has any, it was recorded before the change too.
    """

    kind: str
    cell: str = CELL
    scale: dict[str, float] = field(default_factory=dict)
    shift: dict[str, float] = field(default_factory=dict)
    steep: dict[str, float] = field(default_factory=dict)
    slow: dict[str, float] = field(default_factory=dict)
    noise: tuple[float, float] = (0.0, 0.0)
    seen: tuple[str, ...] = ("V", "Ca_i")
    arbitrary: bool = False
    sample: float | None = None
    window: float | None = None
    lengths: int | None = None
    drift: float = 0.0
    own: dict[str, float] = field(default_factory=dict)

    @property
    def name(self) -> str:
        parts = [f"{name} x{factor:g}" for name, factor in self.scale.items()]
        parts += [f"{gate} {moved:+g} mV" for gate, moved in self.shift.items()]
        parts += [f"slope {gate} x{ratio:g}" for gate, ratio in self.steep.items()]
        parts += [f"tau {gate} x{ratio:g}" for gate, ratio in self.slow.items()]
        what = ", ".join(parts) or ("no change" if self.cell == CELL else self.cell)
        return f"{self.kind}: {what}"


def cases(which: str) -> list[Case]:
    """The cases of a set, the same whenever they are asked for."""
    rng = np.random.default_rng(SETS[which])
    model = load_model(CELL)
    gates = [gate.name for gate in model.gates if gate.current is not None]

    def less() -> float:
        return round(float(np.exp(rng.uniform(np.log(0.25), np.log(0.7)))), 2)

    def more() -> float:
        return round(float(np.exp(rng.uniform(np.log(1.4), np.log(3.0)))), 2)

    def either() -> float:
        return less() if rng.random() < 0.5 else more()

    def pick(of: list[str], n: int) -> list[str]:
        return [str(name) for name in rng.choice(of, n, replace=False)]

    conductances = list(model.conductances)
    strong = ["g_Kr", "g_CaL", "g_Ks", "g_to", "g_K1", "K_NaCa"]
    made = [Case("scale", scale={name: factor()}) for name in conductances for factor in (less, more)]
    made += [
        Case("shift", shift={g: round(float(rng.choice([-1, 1]) * rng.uniform(5, 15)), 1)}) for g in gates
    ]
    made += [Case("slow", slow={gate: round(float(rng.uniform(1.5, 3)), 2)}) for gate in gates]
    made += [Case("pair", scale={name: either() for name in pick(strong, 2)}) for _ in range(6)]
    made += [Case("noise", scale={name: either()}, noise=(NOISE_V, NOISE_CA)) for name in pick(strong, 6)]
    made += [Case("V alone", scale={name: either()}, seen=("V",)) for name in pick(strong, 6)]
    made += [Case("a.u.", scale={name: either()}, arbitrary=True) for name in pick(strong, 3)]
    for name in pick(strong, 6):
        own = {c: round(float(np.exp(rng.normal(0, OWN))), 2) for c in conductances}
        made.append(Case("control", scale={name: either()}, own=own, noise=(0.2, 0.01)))
    made.append(Case("control, none", own=own, noise=(0.2, 0.01)))
    made += [Case("none"), Case("none, V alone", seen=("V",)), Case("none, a.u.", arbitrary=True)]
    made += [Case("none, noise", noise=(share * NOISE_V, share * NOISE_CA)) for share in (0.4, 1.0)]
    made += [Case("stranger", cell=cell) for cell in STRANGERS]
    for gate in (gate for gate in gates if gate in model.half_voltages):
        ratio = rng.uniform(1.3, 1.8)
        made.append(Case("slope", steep={gate: round(float(rng.choice([ratio, 1 / ratio])), 2)}))
    for kind, poor in POOR.items():
        made += [Case(f"poor: {kind}", scale={name: either()}, **poor) for name in pick(strong, 2)]
    made.append(Case("none, poor", noise=(NOISE_V, NOISE_CA), lengths=1, drift=DRIFT, window=WINDOW))
    return made
