"""A model with changes written into its equations, in terms that anyone who reads the file understands."""

from __future__ import annotations

from collections.abc import Mapping

import myokit

from ionwidgets.models.ionic_model import IonicModel


def edited(
    model: IonicModel,
    scales: Mapping[str, float],
    v_half_shifts: Mapping[str, float],
    tau_ratios: Mapping[str, float],
) -> IonicModel:
    """A copy of `model` with currents scaled, steady states shifted and time constants multiplied.

    Parameters
    ----------
    scales : factor by what `IonicModel.scaled_by` takes: a constant (a conductance, or one that several
        currents share), or a current, of which its conductance is multiplied, or all of it where it has none.
    v_half_shifts : mV by gate, h_inf(V - shift).
    tau_ratios : factor of tau by gate.

    Raises
    ------
    ModelError : `scales` names no conductance or current.
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
    for gate in sorted({*v_half_shifts, *tau_ratios}):
        steady, tau = (part.clone() for part in model.gate_forms[gate])
        state = equations.get(model.variables[gate].qname())
        steady, tau = _rebound(steady, equations), _rebound(tau, equations)
        if shift := v_half_shifts.get(gate, 0.0):
            moved = myokit.Minus(myokit.Name(voltage), myokit.Number(shift, voltage.unit()))
            steady = _inlined(steady, voltage).clone(subst={myokit.Name(voltage): moved})
        if gate in tau_ratios:
            tau = myokit.Multiply(myokit.Number(tau_ratios[gate]), tau)
        state.set_rhs(myokit.Divide(myokit.Minus(steady, myokit.Name(state)), tau))
    equations.validate()
    return IonicModel(equations, model.name, model.variant)


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
