"""Gates from the form of their equations, currents from dV/dt, conductances from currents.

A gate is a state x with dx/dt affine in x, dx/dt = a(V) - b(V) x, whose a and b depend on V alone; then
h_inf = a / b and tau = 1 / b. Both (h_inf - x) / tau and alpha (1 - x) - beta x are of that form.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import myokit

# (c0, c1) of c0 + c1 x; None stands for zero
Affine = tuple[myokit.Expression | None, myokit.Expression | None]


def state_dependencies(expression: myokit.Expression) -> frozenset[myokit.Variable]:
    """The states and bound variables that `expression` depends on, through any variables between."""
    found: set[myokit.Variable] = set()
    seen: set[myokit.Variable] = set()
    queue = [expression]
    while queue:
        for reference in queue.pop().references():
            variable = reference.var()
            if variable in seen:
                continue
            seen.add(variable)
            if isinstance(reference, myokit.Derivative):
                queue.append(variable.rhs())
            elif variable.is_state() or variable.is_bound():
                found.add(variable)
            else:
                queue.append(variable.rhs())
    return frozenset(found)


def gate_form(
    state: myokit.Variable, voltage: myokit.Variable
) -> tuple[myokit.Expression, myokit.Expression] | None:
    """(h_inf, tau) as expressions when `state` is a gate that depends on `voltage` alone, else None."""
    rhs = state.rhs()
    direct = _steady_and_tau(rhs, state)
    if direct is None:
        form = _affine(rhs, state)
        if form is None or form[0] is None or form[1] is None:
            return None
        rate = myokit.PrefixMinus(form[1])
        direct = myokit.Divide(form[0], rate), myokit.Divide(myokit.Number(1), rate)
    depends = state_dependencies(direct[0]) | state_dependencies(direct[1])
    return direct if depends == {voltage} else None


def _steady_and_tau(
    rhs: myokit.Expression, state: myokit.Variable
) -> tuple[myokit.Expression, myokit.Expression] | None:
    """The pieces of an equation written as (h_inf - x) / tau, kept as they stand."""
    if isinstance(rhs, myokit.Divide) and isinstance(rhs[0], myokit.Minus):
        steady, x = rhs[0]
        if isinstance(x, myokit.Name) and x.var() is state:
            return steady, rhs[1]
    return None


def _affine(expression: myokit.Expression, x: myokit.Variable) -> Affine | None:
    if isinstance(expression, myokit.Name):
        variable = expression.var()
        if variable is x:
            return None, myokit.Number(1)
        if variable.is_state() or variable.is_bound() or x not in state_dependencies(expression):
            return expression, None
        return _affine(variable.rhs(), x)
    if x not in state_dependencies(expression):
        return expression, None
    if isinstance(expression, myokit.PrefixPlus):
        return _affine(expression[0], x)
    if isinstance(expression, myokit.PrefixMinus):
        part = _affine(expression[0], x)
        return None if part is None else (_negative(part[0]), _negative(part[1]))
    if not isinstance(expression, myokit.Plus | myokit.Minus | myokit.Multiply | myokit.Divide):
        return None
    left, right = _affine(expression[0], x), _affine(expression[1], x)
    if left is None or right is None:
        return None
    if isinstance(expression, myokit.Plus):
        return _sum(left[0], right[0]), _sum(left[1], right[1])
    if isinstance(expression, myokit.Minus):
        return _sum(left[0], _negative(right[0])), _sum(left[1], _negative(right[1]))
    if isinstance(expression, myokit.Multiply):
        if left[1] is not None and right[1] is not None:
            return None
        if left[1] is None:
            left, right = right, left
        return _product(left[0], right[0]), _product(left[1], right[0])
    if right[1] is not None or right[0] is None:
        return None
    return _ratio(left[0], right[0]), _ratio(left[1], right[0])


def _negative(a: myokit.Expression | None) -> myokit.Expression | None:
    return None if a is None else myokit.PrefixMinus(a)


def _sum(a: myokit.Expression | None, b: myokit.Expression | None) -> myokit.Expression | None:
    return b if a is None else a if b is None else myokit.Plus(a, b)


def _product(a: myokit.Expression | None, b: myokit.Expression | None) -> myokit.Expression | None:
    return None if a is None or b is None else myokit.Multiply(a, b)


def _ratio(a: myokit.Expression | None, b: myokit.Expression) -> myokit.Expression | None:
    return None if a is None else myokit.Divide(a, b)


def currents_of(voltage: myokit.Variable) -> list[myokit.Variable]:
    """The variables whose sum makes dV/dt, in the order of the equation; sums of sums are opened."""
    return list(dict.fromkeys(_terms(voltage.rhs())))


def _terms(expression: myokit.Expression) -> Iterator[myokit.Variable]:
    if isinstance(expression, myokit.Plus | myokit.Minus):
        yield from _terms(expression[0])
        yield from _terms(expression[1])
    elif isinstance(expression, myokit.PrefixPlus | myokit.PrefixMinus):
        yield from _terms(expression[0])
    elif isinstance(expression, myokit.Multiply | myokit.Divide):
        for part in expression:
            if not part.is_constant():
                yield from _terms(part)
    elif isinstance(expression, myokit.Name):
        variable = expression.var()
        if variable.is_state() or variable.is_constant():
            return
        inner = list(_terms(variable.rhs())) if _is_sum_of_names(variable.rhs()) else []
        if len(inner) > 1:
            yield from inner
        else:
            yield variable


def _is_sum_of_names(expression: myokit.Expression) -> bool:
    if isinstance(expression, myokit.Plus | myokit.Minus):
        return all(_is_sum_of_names(part) for part in expression)
    return isinstance(expression, myokit.Name) and not expression.is_constant()


_CONDUCTANCE_NAME = re.compile(r"^([gGPpKk]|I_?max|i_?max)")


def conductance_of(current: myokit.Variable) -> myokit.Variable | None:
    """The literal constant that multiplies the whole current and nothing else, if there is one."""
    candidates = [
        factor.var()
        for factor in _factors(current.rhs())
        if isinstance(factor, myokit.Name)
        and factor.var().is_literal()
        and not factor.var().is_nested()
        and [*factor.var().refs_by()] == [current]
        and _count(current.rhs(), factor.var()) == 1
    ]
    named = [c for c in candidates if _CONDUCTANCE_NAME.match(c.name())]
    return next(iter([*named, *candidates]), None)


def _factors(expression: myokit.Expression) -> Iterator[myokit.Expression]:
    """Numerator factors of a product."""
    if isinstance(expression, myokit.Multiply):
        yield from _factors(expression[0])
        yield from _factors(expression[1])
    elif isinstance(expression, myokit.Divide | myokit.PrefixMinus | myokit.PrefixPlus):
        yield from _factors(expression[0])
    else:
        yield expression


def _count(expression: myokit.Expression, variable: myokit.Variable) -> int:
    if isinstance(expression, myokit.Name):
        return int(expression.var() is variable)
    return sum(_count(part, variable) for part in expression)
