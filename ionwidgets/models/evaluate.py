"""The value of a Myokit expression on arrays, by walking its tree (nothing is compiled or executed as text).

The same walk serves NumPy and torch: a `Backend` holds the functions that differ.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, MutableMapping
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any

import myokit
import numpy as np

from ionwidgets.errors import ModelError

Array = Any
Known = MutableMapping[myokit.Variable, Array]


@dataclass(frozen=True)
class Backend:
    """An array library: its one-argument functions by Myokit node, and an element-wise choice."""

    unary: Mapping[type, Callable[[Array], Array]]
    where: Callable[[Array, Array, Array], Array]


def backend_of(xp: Any, where: Callable[[Array, Array, Array], Array]) -> Backend:
    """The backend of a library `xp` that has NumPy's function names."""
    unary = {
        myokit.Exp: xp.exp,
        myokit.Sqrt: xp.sqrt,
        myokit.Abs: xp.abs,
        myokit.Log10: xp.log10,
        myokit.Sin: xp.sin,
        myokit.Cos: xp.cos,
        myokit.Tan: xp.tan,
        myokit.ASin: xp.arcsin,
        myokit.ACos: xp.arccos,
        myokit.ATan: xp.arctan,
        myokit.Floor: xp.floor,
        myokit.Ceil: xp.ceil,
        myokit.Log: xp.log,
    }
    return Backend(unary, where)


NUMPY = backend_of(np, np.where)


_COMPARISONS: dict[type, Callable[[Array, Array], Array]] = {
    myokit.Equal: lambda a, b: a == b,
    myokit.NotEqual: lambda a, b: a != b,
    myokit.More: lambda a, b: a > b,
    myokit.Less: lambda a, b: a < b,
    myokit.MoreEqual: lambda a, b: a >= b,
    myokit.LessEqual: lambda a, b: a <= b,
    myokit.And: lambda a, b: a & b,
    myokit.Or: lambda a, b: a | b,
}
_ARITHMETIC: dict[type, Callable[[Array, Array], Array]] = {
    myokit.Plus: lambda a, b: a + b,
    myokit.Minus: lambda a, b: a - b,
    myokit.Multiply: lambda a, b: a * b,
    myokit.Divide: lambda a, b: a / b,
    myokit.Power: lambda a, b: a**b,
    myokit.Quotient: lambda a, b: a // b,
    myokit.Remainder: lambda a, b: a - b * (a // b),
}


_CONDITIONS = (myokit.PrefixMinus, myokit.PrefixPlus, myokit.Not, myokit.If, myokit.Piecewise)
_SUPPORTED = {myokit.Number, myokit.Name, *_ARITHMETIC, *_COMPARISONS, *_CONDITIONS, *NUMPY.unary}


def check_supported(equations: myokit.Model) -> None:
    """Make sure that every derivative can be evaluated, given the states and the switch of the stimulus.

    Raises
    ------
    ModelError : naming the variable whose equation depends on the time or another input, or uses a function
        outside Hodgkin-Huxley-type models.
    """
    queue = list(equations.states())
    seen = set(queue)
    for variable in queue:
        for part in variable.rhs().walk():
            if type(part) not in _SUPPORTED:
                raise _unsupported(part, variable.qname())
        for used in {reference.var() for reference in variable.rhs().references()} - seen:
            if used.is_bound() and used.binding() != "pace":
                raise ModelError(
                    f"{variable.qname()} depends on {used.qname()}, which is bound to {used.binding()!r}; "
                    "only a stimulus current may change with time"
                )
            seen.add(used)
            if not used.is_bound():
                queue.append(used)


def _unsupported(expression: myokit.Expression, where: str) -> ModelError:
    kind = type(expression).__name__
    return ModelError(
        f"{where}: {kind} is not supported in {expression.code()}; rewrite it with plain functions"
    )


def evaluate(expression: myokit.Expression, known: Known, backend: Backend = NUMPY) -> Array:
    """Value of `expression`, given the values of some variables.

    A variable that is not in `known` is computed from its own equation and then kept in `known`, so that
    shared subexpressions cost once. States must be known (their equation is a derivative). Every branch of a
    condition is evaluated, as arrays need.

    Raises
    ------
    ModelError : a state without a value, or a function outside Hodgkin-Huxley-type models.
    """
    kind = type(expression)
    if kind is myokit.Number:
        return float(expression.eval())
    if kind is myokit.Name:
        return _variable(expression.var(), known, backend)
    # Arrays go through both branches of a condition; what the branch not taken does there is of no interest.
    with np.errstate(all="ignore") if kind in (myokit.If, myokit.Piecewise) else nullcontext():
        operands = [evaluate(operand, known, backend) for operand in expression]
    if kind in _ARITHMETIC:
        return _calculate(_ARITHMETIC[kind], *operands)
    if kind in _COMPARISONS:
        return _COMPARISONS[kind](*operands)
    if kind is myokit.PrefixMinus:
        return -operands[0]
    if kind is myokit.PrefixPlus:
        return operands[0]
    if kind is myokit.Not:
        return operands[0] == 0
    if kind is myokit.If:
        return backend.where(*operands)
    if kind is myokit.Piecewise:
        value = operands[-1]
        for condition, piece in reversed(list(zip(operands[:-1:2], operands[1:-1:2], strict=True))):
            value = backend.where(condition, piece, value)
        return value
    if kind in backend.unary:
        library = (
            NUMPY if isinstance(operands[0], float) else backend
        )  # constants are plain numbers everywhere
        value = library.unary[kind](operands[0])
        return value / math.log(operands[1]) if len(operands) == 2 else value
    raise _unsupported(expression, "equation")


def _calculate(operation: Callable[[Array, Array], Array], a: Array, b: Array) -> Array:
    try:
        value = operation(a, b)
    except (ZeroDivisionError, OverflowError):  # plain numbers raise where arrays give inf or nan
        return math.nan
    return math.nan if isinstance(value, complex) else value


def _variable(variable: myokit.Variable, known: Known, backend: Backend) -> Array:
    if variable not in known:
        if variable.is_state() or variable.rhs() is None:
            raise ModelError(f"{variable.qname()}: a value is needed to evaluate the equations that use it")
        known[variable] = evaluate(variable.rhs(), known, backend)
    return known[variable]
