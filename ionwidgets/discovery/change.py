"""A single change of a cell: one current scaled, or one gate shifted, made steeper, or slowed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ionwidgets.models import IonicModel
from ionwidgets.models.half_voltage import half_voltage
from ionwidgets.simulation.gate_table import GateCurves

# Per kind: step of a one-sided difference, furthest move of one iteration, bounds. The step is
# small because gates and concentrations trade off: with four times as much, its bias hides the way along that
# valley, and a fit creeps.
DIFFERENCE = {"scale": 0.005, "own": 0.005, "v_half": 0.05, "slope": 0.005, "tau": 0.005, "pulse": 0.005}
FURTHEST = {"scale": 1.2, "own": 1.2, "v_half": 6.0, "slope": 0.7, "tau": 0.7, "pulse": 0.7}
BOUND = {"scale": 4.6, "own": 4.6, "v_half": 40.0, "slope": 1.6, "tau": 3.0, "pulse": 1.6}
WIDEST = 4.6  # |ln| of a ratio: 0.01 to 100; an interval that is wider says nothing more
OF_CURVES = ("v_half", "slope", "tau")  # kinds that change a gate
OWN_SPREAD = 0.3  # of ln s from cell to cell of one kind


@dataclass(frozen=True, order=True)
class Change:
    """`kind` "scale": target is a current, and the value ln s; "v_half": a gate, V_half is moved by the value
    [mV]; "slope": a gate, the value is ln of the ratio of the slopes of h_inf at V_half; "tau": a gate, the
    value is ln of the ratio of its time constants, the same at every V; "own": as "scale", but no change:
    this cell had it before the change already; "pulse": no change of the cell either, the value is ln of the
    ratio of the stimulus' amplitude."""

    kind: str
    target: str

    @property
    def difference(self) -> float:
        return DIFFERENCE[self.kind]

    @property
    def precision(self) -> float:
        """1 / variance that is believed of the value beforehand: nothing is of a change."""
        return OWN_SPREAD**-2 if self.kind == "own" else 0.0

    def bounded(self, old: float, new: float) -> float:
        """`new`, no further from `old` and from zero than one iteration and physiology allow."""
        new = float(np.clip(new, old - FURTHEST[self.kind], old + FURTHEST[self.kind]))
        return float(np.clip(new, -BOUND[self.kind], BOUND[self.kind]))


Changes = Mapping[Change, float]
PULSE = Change("pulse", "stimulus")


def candidates(model: IonicModel) -> list[Change]:
    """Every single change that is considered: each current's scale, each gate's V_half, slope and tau.

    A gate whose h_inf never is 0.5 has no V_half for its slope to turn about.
    """
    scales = [Change("scale", current.name) for current in model.currents]
    # A gate of no current changes nothing that is measured.
    gates = [gate.name for gate in model.gates if gate.current is not None]
    return scales + [
        Change(kind, gate)
        for gate in gates
        for kind in OF_CURVES
        if kind != "slope" or gate in model.half_voltages
    ]


def current_of(model: IonicModel, change: Change) -> str:
    """Name of the current that a change belongs to."""
    if change.kind == "scale":
        return change.target
    return next(gate.current for gate in model.gates if gate.name == change.target and gate.current)


def scales(changes: Changes) -> dict[str, float]:
    """Factor by current, the cell's own and the change's together."""
    logs: dict[str, float] = {}
    for change, value in changes.items():
        if change.kind in ("scale", "own"):
            logs[change.target] = logs.get(change.target, 0.0) + value
    return {name: float(np.exp(value)) for name, value in logs.items()}


def gate_curves(own: GateCurves, changes: Changes, V: NDArray) -> dict[str, tuple[NDArray, NDArray]]:
    """(h_inf, tau) over `V` of every gate that `changes` touches: with the slope ratio r

        h_inf(V_half + r (V - shift - V_half)),         tau times its ratio.

    `own`: the model's curves over `V`.
    """
    curves = {}
    for name in {change.target for change in changes if change.kind in OF_CURVES}:
        h_inf, tau = own[name]
        shift = changes.get(Change("v_half", name), 0.0)
        log_slope = changes.get(Change("slope", name), 0.0)
        half = half_voltage(V, h_inf) if log_slope else None
        if half is not None:
            h_inf = np.interp(half + np.exp(log_slope) * (V - shift - half), V, h_inf)
        elif shift:
            h_inf = np.interp(V - shift, V, h_inf)
        curves[name] = h_inf, tau * np.exp(changes.get(Change("tau", name), 0.0))
    return curves
