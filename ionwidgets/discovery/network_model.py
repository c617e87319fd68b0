"""The neural ODE, the model with the retrained network's gates and scales, as equations for any program."""

from __future__ import annotations

from typing import TYPE_CHECKING

import myokit
import numpy as np

from ionwidgets.discovery.closed_form import steady_form, tau_form
from ionwidgets.discovery.export import v_off, with_description
from ionwidgets.models import IonicModel
from ionwidgets.models.edit import edited
from ionwidgets.models.rewriting import relax
from ionwidgets.models.structure import Dependencies, gate_form
from ionwidgets.models.surroundings import without_leak
from ionwidgets.simulation import voltage_grid

if TYPE_CHECKING:
    from ionwidgets.discovery.result import Result

BESIDE = 15.0  # mV on either side of what the recording visited
STEP = 5  # of the grid's points to one that is fitted


def network_model(result: Result) -> IonicModel:
    """`Result.neural_ode` in closed form, with each curve's formula and error in the description."""
    model = edited(without_leak(result.model), result.scales, {}, {})
    equations = model.equations.clone()
    voltage = myokit.Name(equations.get(model.variables[model.voltage].qname()))
    ms = equations.time().unit()
    V, visited = voltage_grid(), result.gates()["visited"].values
    reached = V[visited]
    chosen = np.flatnonzero(np.abs(V - reached.mean()) <= 0.5 * np.ptp(reached) + BESIDE)[::STEP]
    own, told = model.gate_curves(V[chosen]), []
    states = {gate: equations.get(model.variables[gate].qname()) for gate in model.gate_names}
    dependencies = Dependencies()
    forms = [gate_form(state, voltage.var(), dependencies) for state in states.values()]
    own_tau = [form[1].clone() for form in forms if form is not None]  # all are gates
    for j, (gate, state) in enumerate(states.items()):
        steady = steady_form(V[chosen], result.h_inf[1, j, chosen], voltage)
        tau = tau_form(V[chosen], result.tau[1, j, chosen], own[gate][1], voltage, ms, own_tau[j])
        relax(state, steady.expression, tau.expression)
        told.append(
            f"{gate}: h_inf {steady.name}, within {steady.error:.2g}, "
            f"tau {tau.name}, within {100 * tau.error:.2g} %"
        )
    scaled = ", ".join(f"{name} x{factor:.4g}" for name, factor in result.scales.items())
    lines = [
        "Gates and scales of currents are those of the retrained network (stage 2), not of the fits through "
        f"the ODE. Scales: {scaled}.",
        f"Curves of the gates as formulae, fitted from {V[chosen[0]]:.0f} to {V[chosen[-1]]:.0f} mV, beyond "
        f"which the recording says nothing: {'; '.join(told)}.",
        v_off(result.finding["neural_ode"]["v_rmse_mV"]),
    ]
    return with_description(IonicModel(equations, model.name, model.variant), result, lines)
