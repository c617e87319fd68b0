"""The value of a Myokit expression in mpmath's precision, as printed: a guard's formula, never its series."""

from __future__ import annotations

import myokit
from mpmath import mp, mpf

_TWO = {
    myokit.Plus: lambda a, b: a + b,
    myokit.Minus: lambda a, b: a - b,
    myokit.Multiply: lambda a, b: a * b,
    myokit.Divide: lambda a, b: a / b,
    myokit.Power: lambda a, b: a**b,
    myokit.Less: lambda a, b: a < b,
    myokit.LessEqual: lambda a, b: a <= b,
    myokit.More: lambda a, b: a > b,
    myokit.MoreEqual: lambda a, b: a >= b,
    myokit.And: lambda a, b: bool(a) and bool(b),
}
_ONE = {
    myokit.PrefixMinus: lambda a: -a,
    myokit.PrefixPlus: lambda a: a,
    myokit.Exp: mp.exp,
    myokit.Log: mp.log,
    myokit.Log10: mp.log10,
    myokit.Sqrt: mp.sqrt,
    myokit.Abs: abs,
}


def is_guard(e: myokit.Expression) -> bool:
    """``if(abs(u) < number, series, formula)``: how the library writes what is 0/0 at u = 0."""
    if not isinstance(e, myokit.If) or not isinstance(e[0], myokit.Less):
        return False
    return isinstance(e[0][0], myokit.Abs) and isinstance(e[0][1], myokit.Number)


def exact(e: myokit.Expression, known: dict[myokit.Variable, mpf]) -> mpf:
    """Value of `e`; variables that are not in `known` come from their own equations."""
    if isinstance(e, myokit.Number):
        return mpf(e.eval())
    if isinstance(e, myokit.Name):
        if e.var() not in known:
            known[e.var()] = exact(e.var().rhs(), known)
        return known[e.var()]
    if isinstance(e, myokit.If):
        return exact(e[2] if is_guard(e) or not exact(e[0], known) else e[1], known)
    operands = [exact(operand, known) for operand in e]
    return _ONE[type(e)](*operands) if len(operands) == 1 else _TWO[type(e)](*operands)
