"""Small changes to a Myokit model that leave what it computes as it was."""

from __future__ import annotations

from collections import Counter

import myokit

from ionwidgets.errors import ModelError
from ionwidgets.models.membrane import A_PER_F, Factor


def convert(variable: myokit.Variable, unit: str) -> None:
    """Count `variable` in `unit`, here and in every equation that uses it; without a unit it is taken as is.

    Raises
    ------
    ModelError : the file's unit cannot be converted.
    """
    if variable.unit() is None:
        return
    try:
        variable.convert_unit(unit)
    except myokit.IncompatibleUnitError:
        raise ModelError(
            f"{variable.qname()} is in {variable.unit()}, which cannot be converted to {unit}; "
            "correct the unit in the file, or leave it out"
        ) from None
    if variable.is_state():
        variable.set_initial_value(variable.initial_value(True))


def label(variable: myokit.Variable, name: str) -> None:
    """Give `variable` a label, taken from whichever variable has it."""
    holder = variable.model().label(name)
    if holder is variable:
        return
    if holder is not None:
        holder.set_label(None)
    variable.set_label(name)


def lift_nested(*variables: myokit.Variable) -> None:
    """Move what is nested in variables beside them, where other equations can use it.

    A name that others have too is put behind the variable's own: a of m becomes m_a.
    """
    names = Counter(v.name() for v in variables[0].model().variables(deep=True))
    queue = list(variables)
    for variable in queue:
        component = variable.parent(myokit.Component)
        for nested in list(variable.variables()):
            name = nested.name() if names[nested.name()] == 1 else f"{variable.name()}_{nested.name()}"
            variable.move_variable(nested, component, free_name(component, name, moved=nested))
            queue.append(nested)


def free_name(component: myokit.Component, name: str, moved: myokit.Variable | None = None) -> str:
    """`name`, or with a number behind it where the component has one already."""
    tried, n = name, 1
    while not component.can_add_variable(tried, [] if moved is None else [moved]):
        tried, n = f"{name}_{n}", n + 1
    return tried


def relax(state: myokit.Variable, steady: myokit.Expression, tau: myokit.Expression) -> None:
    """Make dx/dt = (x_inf - x) / tau_x, `steady` and `tau` each in a new variable beside the state."""
    lift_nested(state)
    component, parts = state.parent(myokit.Component), []
    ms = component.parent().time().unit()
    for name, rhs, unit in (("inf", steady, None), ("tau", tau, ms)):
        variable = component.add_variable(free_name(component, f"{state.name()}_{name}"))
        variable.set_rhs(rhs.clone())
        variable.set_unit(unit)
        parts.append(myokit.Name(variable))
    state.set_rhs(myokit.Divide(myokit.Minus(parts[0], myokit.Name(state)), parts[1]))


def new_constant(
    beside: myokit.Variable, name: str, value: float, unit: myokit.Unit | None
) -> myokit.Variable:
    """A new constant in the component of `beside`; without a unit where that has none."""
    component = beside.parent(myokit.Component)
    variable = component.add_variable(free_name(component, name))
    unit = None if beside.unit() is None else unit
    variable.set_rhs(myokit.Number(value, unit))
    variable.set_unit(unit)
    return variable


def rescale(variable: myokit.Variable, factor: Factor, but: myokit.Variable) -> None:
    """Multiply a variable by a constant, which makes it A/F, and divide by it in every equation `but` one."""
    if factor.is_one:
        return
    own = myokit.Name(variable)
    for user in list(variable.refs_by()):
        if user is not but:
            user.set_rhs(user.rhs().clone(subst={own: factor.off(own)}))
    variable.set_rhs(factor.on(variable.rhs()))
    if variable.unit() is not None:
        variable.set_unit(A_PER_F)
