"""A model as it stands in an experiment: the bath's constants, and a leak of the seal beside its currents."""

from __future__ import annotations

from collections.abc import Mapping

import myokit

from ionwidgets.models.ionic_model import LEAK, IonicModel
from ionwidgets.models.membrane import A_PER_F
from ionwidgets.models.rewriting import free_name

_PER_MV = myokit.parse_unit("A/F/mV")


def surrounded(
    model: IonicModel, constants: Mapping[str, float], leak: tuple[float, float] | None = None
) -> IonicModel:
    """A copy of `model` with literal `constants` (by public name, in the model's own units) replaced.

    `leak`: (g [A/F per mV], E [mV]) of I_leak = g (V - E), which dV/dt then has beside the cell's currents;
    it is none of `IonicModel.currents`, so that nothing scales it.
    """
    equations = model.equations.clone()
    for name, value in constants.items():
        constant = equations.get(model.variables[name].qname())
        constant.set_rhs(myokit.Number(value, constant.unit()))
    if leak is not None:
        voltage = equations.get(model.variables[model.voltage].qname())
        component = voltage.parent(myokit.Component)
        current = component.add_variable(free_name(component, "I_leak"))
        g, E = (
            myokit.Number(value, unit) for value, unit in zip(leak, (_PER_MV, voltage.unit()), strict=True)
        )
        current.set_rhs(myokit.Multiply(g, myokit.Minus(myokit.Name(voltage), E)))
        current.set_unit(A_PER_F)
        current.set_label(LEAK)
        voltage.set_rhs(myokit.Minus(voltage.rhs(), myokit.Name(current)))
    equations.validate()
    return IonicModel(equations, model.name, model.variant)


def without_leak(model: IonicModel) -> IonicModel:
    """A copy of `model` without the leak that `surrounded` gave it: the cell alone."""
    if model.leak is None:
        return model
    equations = model.equations.clone()
    voltage, current = (equations.get(v.qname()) for v in (model.variables[model.voltage], model.leak))
    voltage.set_rhs(voltage.rhs()[0])
    current.parent().remove_variable(current)
    equations.validate()
    return IonicModel(equations, model.name, model.variant)
