"""Gates from the form of their equations, conductances from the form of the currents.

A gate is a state x with dx/dt affine in x, dx/dt = a(V) - b(V) x, whose a and b depend on V alone; then
h_inf = a / b and tau = 1 / b. Both (h_inf - x) / tau and alpha (1 - x) - beta x are of that form.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

import myokit

# (c0, c1) of c0 + c1 x; None stands for zero
Affine = tuple[myokit.Expression | None, myokit.Expression | None]


class Dependencies:
    """The states and bound variables that expressions of a finished model depend on.

    Every expression is looked up once, so the model must not change in between.
    """

    def __init__(self) -> None:
        self._known: dict[myokit.Expression, frozenset[myokit.Variable]] = {}
        self._used: dict[myokit.Expression, frozenset[myokit.Variable]] = {}

    def __call__(self, expression: myokit.Expression) -> frozenset[myokit.Variable]:
        if expression not in self._used:
            references = (self._of(reference) for reference in expression.references())
            self._used[expression] = frozenset().union(*references)
        return self._used[expression]

    def _of(self, reference: myokit.LhsExpression) -> frozenset[myokit.Variable]:
        if reference not in self._known:
            variable = reference.var()
            is_known = variable.is_bound() or (variable.is_state() and isinstance(reference, myokit.Name))
            self._known[reference] = frozenset([variable]) if is_known else self(variable.rhs())
        return self._known[reference]


def state_dependencies(expression: myokit.Expression) -> frozenset[myokit.Variable]:
    """The states and bound variables that `expression` depends on, through any variables between."""
    return Dependencies()(expression)


def gate_form(
    state: myokit.Variable, voltage: myokit.Variable, dependencies: Dependencies
) -> tuple[myokit.Expression, myokit.Expression] | None:
    """(h_inf, tau) as expressions when `state` is a gate that depends on `voltage` alone, else None."""
    rhs = state.rhs()
    if not dependencies(rhs) <= {state, voltage}:
        return None
    direct = _steady_and_tau(rhs, state)
    if direct is None:
        form = _affine(rhs, state, dependencies)
        if form is None or form[0] is None or form[1] is None:
            return None
        rate = myokit.PrefixMinus(form[1])
        direct = myokit.Divide(form[0], rate), myokit.Divide(myokit.Number(1), rate)
    depends = dependencies(direct[0]) | dependencies(direct[1])
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


def _affine(e: myokit.Expression, x: myokit.Variable, dependencies: Dependencies) -> Affine | None:
    if isinstance(e, myokit.Name) and e.var() is x:
        return None, myokit.Number(1)
    if x not in dependencies(e):
        return e, None
    if isinstance(e, myokit.Name):
        return _affine(e.var().rhs(), x, dependencies)
    if isinstance(e, myokit.If | myokit.Piecewise):
        return _affine_by_case(e.piecewise() if isinstance(e, myokit.If) else e, x, dependencies)
    parts = [_affine(part, x, dependencies) for part in e]
    if len(parts) == 1:
        (part,) = parts
        if part is None or not isinstance(e, myokit.PrefixPlus | myokit.PrefixMinus):
            return None
        return part if isinstance(e, myokit.PrefixPlus) else (_negative(part[0]), _negative(part[1]))
    if len(parts) != 2 or parts[0] is None or parts[1] is None:
        return None
    left, right = parts[0], parts[1]
    if isinstance(e, myokit.Plus):
        return _sum(left[0], right[0]), _sum(left[1], right[1])
    if isinstance(e, myokit.Minus):
        return _sum(left[0], _negative(right[0])), _sum(left[1], _negative(right[1]))
    if isinstance(e, myokit.Multiply) and None in (left[1], right[1]):
        if left[1] is None:
            left, right = right, left
        return _product(left[0], right[0]), _product(left[1], right[0])
    if isinstance(e, myokit.Divide) and right[1] is None and right[0] is not None:
        return _ratio(left[0], right[0]), _ratio(left[1], right[0])
    return None


def _affine_by_case(e: myokit.Piecewise, x: myokit.Variable, dependencies: Dependencies) -> Affine | None:
    """A choice between affine forms whose conditions do not ask for x."""
    if any(x in dependencies(condition) for condition in e.conditions()):
        return None
    pieces = [_affine(piece, x, dependencies) for piece in e.pieces()]
    zero = myokit.Number(0)

    def chosen(k: int) -> myokit.Expression:
        values = [zero if piece is None else piece[k] or zero for piece in pieces]
        cases = [part for case in zip(e.conditions(), values[:-1], strict=True) for part in case]
        return myokit.Piecewise(*cases, values[-1])

    return None if None in pieces else (chosen(0), chosen(1))


def _negative(a: myokit.Expression | None) -> myokit.Expression | None:
    return None if a is None else myokit.PrefixMinus(a)


def _sum(a: myokit.Expression | None, b: myokit.Expression | None) -> myokit.Expression | None:
    return b if a is None else a if b is None else myokit.Plus(a, b)


def _product(a: myokit.Expression | None, b: myokit.Expression | None) -> myokit.Expression | None:
    return None if a is None or b is None else myokit.Multiply(a, b)


def _ratio(a: myokit.Expression | None, b: myokit.Expression) -> myokit.Expression | None:
    return None if a is None else myokit.Divide(a, b)


_CONDUCTANCE_NAME = re.compile(r"^([gGPpKk]|I_?max|i_?max)")


def conductance_of(parts: Sequence[myokit.Variable]) -> myokit.Variable | None:
    """The literal constant that multiplies a current, every part of it, and nothing else, if there is one."""
    candidates = [
        factor.var()
        for factor in _factors(parts[0].rhs())
        if isinstance(factor, myokit.Name)
        and factor.var().is_literal()
        and not factor.var().is_nested()
        and {*factor.var().refs_by()} == {*parts}
        and all(_scales(factor, part.rhs()) for part in parts)
    ]
    named = [c for c in candidates if _CONDUCTANCE_NAME.match(c.name())]
    return next(iter([*named, *candidates]), None)


def shared_conductances(
    currents: Mapping[str, Sequence[myokit.Variable]],
) -> dict[myokit.Variable, tuple[str, ...]]:
    """Literal constants that multiply two currents or more, whole, and nothing else, and those currents.

    P_Ca of O'Hara-Rudy is one: it scales I_CaL, and through P_CaNa and P_CaK, which are fractions of it,
    I_CaNa and I_CaK. `currents` gives every current's parts.
    """
    owner = {part: name for name, parts in currents.items() for part in parts}
    literals = dict.fromkeys(literal for part in owner for literal in _literal_factors(part.rhs()))
    found = {}
    for constant in sorted(literals, key=lambda literal: not _CONDUCTANCE_NAME.match(literal.name())):
        scaled = _scaled_whole(constant, set(owner))
        names = tuple(name for name, parts in currents.items() if scaled.intersection(parts))
        if len(names) > 1 and scaled == {part for name in names for part in currents[name]}:
            found[constant] = names
    return found


def _literal_factors(expression: myokit.Expression) -> Iterator[myokit.Variable]:
    """Literal constants among the factors, or among the factors of constants there."""
    for factor in _factors(expression):
        if isinstance(factor, myokit.Name) and factor.is_constant() and not factor.var().is_nested():
            if factor.var().is_literal():
                yield factor.var()
            else:
                yield from _literal_factors(factor.var().rhs())


def _scaled_whole(constant: myokit.Variable, parts: set[myokit.Variable]) -> set[myokit.Variable]:
    """The parts that `constant` multiplies; empty when it stands anywhere else too."""
    scaled: set[myokit.Variable] = set()
    for user in constant.refs_by():
        if not _scales(myokit.Name(constant), user.rhs()):
            return set()
        inner = {user} if user in parts else _scaled_whole(user, parts) if user.is_constant() else set()
        if not inner:
            return set()
        scaled |= inner
    return scaled


def _factors(expression: myokit.Expression) -> Iterator[myokit.Expression]:
    """Numerator factors of a product."""
    if isinstance(expression, myokit.Multiply):
        yield from _factors(expression[0])
        yield from _factors(expression[1])
    elif isinstance(expression, myokit.Divide | myokit.PrefixMinus | myokit.PrefixPlus):
        yield from _factors(expression[0])
    else:
        yield expression


def _scales(factor: myokit.Expression, expression: myokit.Expression) -> bool:
    return factor in _factors(expression) and _count(expression, factor.var()) == 1


def _count(expression: myokit.Expression, variable: myokit.Variable) -> int:
    if isinstance(expression, myokit.Name):
        return int(expression.var() is variable)
    return sum(_count(part, variable) for part in expression)
