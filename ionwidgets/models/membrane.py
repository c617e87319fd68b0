"""The membrane equation: from however a file writes it to dV/dt = -(I_1 + I_2 + ... + I_stim), each I in A/F.

A file may divide by a capacitance, count currents in pA or uA/cm^2, give them either sign, add them up in
sums of sums, or write them out within dV/dt. All of that is dV/dt = sum_k c_k I_k with constants c_k. Here
every current takes its own factor, I_k := -c_k I_k, and every other equation that uses it takes the inverse:
nothing that the model computes changes, and what is called a current is one in A/F wherever it is used.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

import myokit

A_PER_F = myokit.parse_unit("A/F")
_ONE = myokit.Quantity(1)
_CURRENT = re.compile(r"^[iI]|current", re.ASCII)
_CONDUCTANCE = re.compile(r"^[gG]_?(\w+)$", re.ASCII)
_EXACT = 1e-13  # factors of unit conversions multiply to one but for rounding


@dataclass(frozen=True)
class Factor:
    """The constant number * times / over."""

    number: myokit.Quantity = _ONE
    times: tuple[myokit.Expression, ...] = ()
    over: tuple[myokit.Expression, ...] = ()

    def negative(self) -> Factor:
        return replace(self, number=-1 * self.number)

    def multiplied(self, e: myokit.Expression) -> Factor:
        if isinstance(e, myokit.Multiply):
            return self.multiplied(e[0]).multiplied(e[1])
        if isinstance(e, myokit.Divide):
            return self.multiplied(e[0]).divided(e[1])
        if isinstance(e, myokit.PrefixMinus):
            return self.negative().multiplied(e[0])
        if isinstance(e, myokit.Number):
            return replace(self, number=self.number * myokit.Quantity(e))
        return replace(self, times=(*self.times, e))

    def divided(self, e: myokit.Expression) -> Factor:
        turned = Factor().multiplied(e)
        return Factor(self.number / turned.number, (*self.times, *turned.over), (*self.over, *turned.times))

    def plus(self, other: Factor) -> Factor:
        if (self.times, self.over) == (other.times, other.over):
            return replace(self, number=self.number + other.number)
        one = myokit.Number(1)
        return Factor(times=(myokit.Plus(self.on(one), other.on(one)),))

    @property
    def is_one(self) -> bool:
        return not self.times and not self.over and abs(self.number.value() - 1) < _EXACT

    def value(self) -> float:
        value = float(self.number.value())
        for e in self.times:
            value *= e.eval()
        for e in self.over:
            value /= e.eval()
        return value

    def on(self, e: myokit.Expression) -> myokit.Expression:
        """e times this factor, as an expression."""
        return _scaled(e, self.times, self.over, self.number.value(), self.number.unit(), myokit.Multiply)

    def off(self, e: myokit.Expression) -> myokit.Expression:
        """e divided by this factor, as an expression."""
        return _scaled(e, self.over, self.times, self.number.value(), self.number.unit(), myokit.Divide)


def _scaled(
    e: myokit.Expression,
    times: Sequence[myokit.Expression],
    over: Sequence[myokit.Expression],
    number: float,
    unit: myokit.Unit,
    by_number: type,
) -> myokit.Expression:
    if number == -1:
        e = myokit.PrefixMinus(e)
    elif abs(number - 1) > _EXACT:
        e = by_number(e, myokit.Number(number, unit))
    for factor in times:
        e = myokit.Multiply(e, factor)
    for factor in over:
        e = myokit.Divide(e, factor)
    return e


@dataclass(frozen=True)
class Term:
    """factor * what, one of the terms that dV/dt is the sum of; `path`: the sums that were opened to it."""

    what: myokit.Expression
    factor: Factor
    path: tuple[myokit.Variable, ...] = ()

    @property
    def variable(self) -> myokit.Variable | None:
        """The variable that holds the term, when it is a variable's name and that variable no state."""
        is_own = isinstance(self.what, myokit.Name) and not self.what.var().is_state()
        return self.what.var() if is_own else None

    @property
    def is_current(self) -> bool:
        variable = self.variable
        return variable is not None and not variable.is_constant() and bool(_CURRENT.search(variable.name()))

    @property
    def is_inline(self) -> bool:
        """Written out where it is used, and more than a state or a constant with a factor."""
        return self.variable is None and not self.what.is_constant() and not _is_state(self.what)


def _is_state(e: myokit.Expression) -> bool:
    if isinstance(e, myokit.Multiply | myokit.Divide):
        return any(_is_state(a) and b.is_constant() for a, b in (tuple(e), tuple(e)[::-1]))
    return isinstance(e, myokit.Name) and bool(e.var().is_state())


def terms_of(voltage: myokit.Variable) -> list[Term]:
    """The terms of dV/dt in the order of the equation, sums of sums opened."""
    return _terms(voltage.rhs(), Term(voltage.rhs(), Factor()), is_first=True)


def _terms(e: myokit.Expression, at: Term, is_first: bool = False) -> list[Term]:
    """The terms of `e`, found with the factor and path of `at`; the first sum is dV/dt's own."""
    factor = at.factor
    if isinstance(e, myokit.Plus | myokit.Minus):
        right = factor if isinstance(e, myokit.Plus) else factor.negative()
        return _terms(e[0], at) + _terms(e[1], replace(at, factor=right))
    if isinstance(e, myokit.PrefixPlus):
        return _terms(e[0], at, is_first)
    if isinstance(e, myokit.PrefixMinus):
        return _terms(e[0], replace(at, factor=factor.negative()), is_first)
    terms = None
    if isinstance(e, myokit.Multiply) and e[0].is_constant() != e[1].is_constant():
        constant, rest = (e[0], e[1]) if e[0].is_constant() else (e[1], e[0])
        terms = _split(_terms(rest, replace(at, factor=factor.multiplied(constant)), is_first), is_first)
    elif isinstance(e, myokit.Divide) and e[1].is_constant() and not e[0].is_constant():
        terms = _split(_terms(e[0], replace(at, factor=factor.divided(e[1])), is_first), is_first)
    elif isinstance(e, myokit.Name) and not (e.is_constant() or e.var().is_state() or e.var().is_bound()):
        terms = _opened(e.var(), at, is_first)
    return terms or [replace(at, what=e)]


def _split(terms: list[Term], is_first: bool) -> list[Term] | None:
    """The terms of a product with a constant, or None when it is one current, such as g (V - E)."""
    if any(term.is_current for term in terms) or all(term.is_inline for term in terms):
        return terms
    return terms if is_first and not any(_is_state(term.what) for term in terms) else None


def _opened(variable: myokit.Variable, at: Term, is_first: bool) -> list[Term] | None:
    """The terms of a variable that is a sum of currents, or None when it is a current by itself."""
    terms = _terms(variable.rhs(), replace(at, path=(*at.path, variable)), is_first)
    if len(terms) < 2 or compartments(variable):
        return None
    if sum(term.is_current for term in terms) > 1:
        return terms
    # By their names no currents: then only a sum that is by its name no current either.
    is_sum = all(term.variable is not None and not term.what.is_constant() for term in terms)
    return terms if is_sum and not _CURRENT.search(variable.name()) else None


def compartments(variable: myokit.Variable) -> list[myokit.Variable]:
    """The parts of a current that is a sum of them, each called after it: I_Na = I_Na_junc + I_Na_sl."""
    names: list[myokit.Variable] = []
    queue = [variable.rhs()]
    while queue:
        e = queue.pop(0)
        if isinstance(e, myokit.Plus):
            queue[:0] = e[0], e[1]
        elif isinstance(e, myokit.Multiply | myokit.Divide) and e[1].is_constant():
            queue[:0] = [e[0]]
        elif isinstance(e, myokit.Name) and e.var().name().startswith(f"{variable.name()}_"):
            names.append(e.var())
        else:
            return []
    return names if len(names) > 1 else []


def own_name(what: myokit.Expression) -> str:
    """A name for a current that is written out in dV/dt, after its conductance, its state or its switch."""
    if all(reference.var().is_bound() for reference in what.references() if not reference.is_constant()):
        return "I_bias" if what.is_constant() else "I_stim"
    names = sorted(reference.var().name() for reference in what.references())
    conductances = [match[1] for match in map(_CONDUCTANCE.match, names) if match]
    if conductances:
        return f"I_{conductances[0]}"
    return f"I_{names[0]}" if isinstance(what, myokit.Name) else "I_1"
