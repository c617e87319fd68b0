"""A model with changes written into its equations, in terms that anyone who reads the file understands."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import myokit

from ionwidgets.errors import ModelError, unknown_name
from ionwidgets.models.half_voltage import HALF
from ionwidgets.models.ionic_model import IonicModel


def edited(
    model: IonicModel,
    scales: Mapping[str, float],
    v_half_shifts: Mapping[str, float],
    tau_ratios: Mapping[str, float],
    slope_ratios: Mapping[str, float] = MappingProxyType({}),
) -> IonicModel:
    """A copy of `model` with currents scaled, steady states moved and time constants multiplied.

    Parameters
    ----------
    scales : factor by what `IonicModel.scaled_by` takes: a constant (a conductance, or one that several
        currents share), or a current, of which its conductance is multiplied, or all of it where it has none.
    v_half_shifts : mV by gate, h_inf(V - shift).
    tau_ratios : factor of tau by gate.
    slope_ratios : factor r by gate of the slope of h_inf at V_half, where h_inf is 0.5: with a shift as well,
        h_inf(V_half + r (V - shift - V_half)).

    Raises
    ------
    ModelError : `scales` names no conductance or current, another mapping no gate, or `slope_ratios` one
        without V_half.
    """
    equations = model.equations.clone()
    currents = {current.name: current for current in model.currents}
    for name, factor in scales.items():
        model.scaled_by(name)
        constant = currents[name].conductance if name in currents else name
        if constant is None:
            for part in currents[name].parts:
                target = equations.get(model.variables[part].qname())
                target.set_rhs(myokit.Multiply(myokit.Number(factor), target.rhs()))
        else:
            target = equations.get(model.variables[constant].qname())
            target.set_rhs(myokit.Number(factor * target.eval(), target.unit()))
    voltage = equations.get(model.variables[model.voltage].qname())
    for gate in sorted({*v_half_shifts, *tau_ratios, *slope_ratios}):
        if gate not in model.gate_forms:
            raise ModelError(unknown_name(f"gate of {model.key}", gate, list(model.gate_names)))
        steady, tau = (part.clone() for part in model.gate_forms[gate])
        state = equations.get(model.variables[gate].qname())
        steady, tau = _rebound(steady, equations), _rebound(tau, equations)
        shift, ratio = v_half_shifts.get(gate, 0.0), slope_ratios.get(gate, 1.0)
        if shift or ratio != 1.0:
            moved = _moved(model, gate, voltage, shift, ratio)
            steady = _inlined(steady, voltage).clone(subst={myokit.Name(voltage): moved})
        if gate in tau_ratios:
            tau = myokit.Multiply(myokit.Number(tau_ratios[gate]), tau)
        state.set_rhs(myokit.Divide(myokit.Minus(steady, myokit.Name(state)), tau))
    equations.validate()
    return IonicModel(equations, model.name, model.variant)


def _moved(
    model: IonicModel, gate: str, voltage: myokit.Variable, shift: float, ratio: float
) -> myokit.Expression:
    """What stands for V in h_inf."""
    name, unit = myokit.Name(voltage), voltage.unit()
    if ratio == 1.0:
        return myokit.Minus(name, myokit.Number(shift, unit))
    if gate not in model.half_voltages:
        raise ModelError(f"{gate} of {model.key} has no V_half: its steady state never is {HALF:g}")
    half = model.half_voltages[gate]
    from_half = myokit.Minus(name, myokit.Number(half + shift, unit))
    return myokit.Plus(myokit.Number(half, unit), myokit.Multiply(myokit.Number(ratio), from_half))


def _rebound(expression: myokit.Expression, equations: myokit.Model) -> myokit.Expression:
    """The expression with its variables replaced by those of the same name in `equations`."""
    own = {ref: myokit.Name(equations.get(ref.var().qname())) for ref in expression.references()}
    return expression.clone(subst=own)


def _inlined(expression: myokit.Expression, voltage: myokit.Variable) -> myokit.Expression:
    """The expression with every variable between it and V written out, so that V can be replaced in it."""
    subst = {}
    for reference in expression.references():
        variable = reference.var()
        if variable is not voltage and not variable.is_constant() and not variable.is_state():
            subst[reference] = _inlined(variable.rhs(), voltage)
    return expression.clone(subst=subst) if subst else expression
