"""A model's expressions as MathML, which the browser sets as one would by hand."""

from __future__ import annotations

from collections.abc import Callable
from html import escape

import myokit

from ionwidgets.models.units import readable
from ionwidgets.numbers import unit_words

_SIGNS = {
    myokit.Plus: "+", myokit.Minus: "−", myokit.Multiply: "·", myokit.Remainder: "mod", myokit.Equal: "=",
    myokit.NotEqual: "≠", myokit.More: "&gt;", myokit.MoreEqual: "≥", myokit.Less: "&lt;",
    myokit.LessEqual: "≤", myokit.And: "and", myokit.Or: "or",
}  # fmt: skip
_LETTERS = {"tau": "τ", "inf": "∞", "alpha": "α", "beta": "β", "gamma": "γ", "lambda": "λ", "phi": "φ"}
_FENCES = {myokit.Abs: "||", myokit.Floor: "⌊⌋", myokit.Ceil: "⌈⌉"}
_FUNCTIONS = {
    myokit.Sin: "sin", myokit.Cos: "cos", myokit.Tan: "tan", myokit.ASin: "arcsin", myokit.ACos: "arccos",
    myokit.ATan: "arctan", myokit.Log10: "log₁₀",
}  # fmt: skip


def name_mathml(name: str) -> str:
    """I_Kr with Kr lowered."""
    head, _, tail = name.partition("_")
    return f"<msub>{_word(head)}{_word(tail)}</msub>" if tail else _word(head)


def equation_mathml(variable: myokit.Variable, *, conductance: bool = False) -> str:
    """`variable` = its expression; dx/dt of a state."""
    name = name_mathml(variable.name())
    if variable.is_state():
        name = f"<mfrac><mrow>{_word('d')}{name}</mrow><mrow>{_word('d')}{_word('t')}</mrow></mfrac>"
    right = expression_mathml(variable.rhs(), conductance)
    return f'<math displaystyle="true"><mrow>{name}<mo>=</mo>{right}</mrow></math>'


def expression_mathml(e: myokit.Expression, conductance: bool = False) -> str:
    """An expression; `conductance`: its numbers in nS/pF rather than 1/ms."""

    def whole(inner: myokit.Expression) -> str:
        return expression_mathml(inner, conductance)

    def operand(inner: myokit.Expression) -> str:
        return _in("()", whole(inner)) if e.bracket(inner) else whole(inner)

    kind = type(e)
    if isinstance(e, myokit.Number):
        return _number(e, conductance)
    if isinstance(e, myokit.Derivative):
        name = name_mathml(e.var().name())
        return f"<mfrac><mrow>{_word('d')}{name}</mrow><mrow>{_word('d')}{_word('t')}</mrow></mfrac>"
    if isinstance(e, myokit.Name):
        return name_mathml(e.var().name())
    if isinstance(e, myokit.Divide | myokit.Quotient):
        fraction = f"<mfrac>{_row(whole(e[0]))}{_row(whole(e[1]))}</mfrac>"
        return _in("⌊⌋", fraction) if isinstance(e, myokit.Quotient) else fraction
    if isinstance(e, myokit.Power):
        base = operand(e[0])
        if isinstance(e[0], myokit.Divide | myokit.Power | myokit.PrefixExpression) and not e.bracket(e[0]):
            base = _in("()", base)  # drawn, unlike as text, it would not say what is raised
        return f"<msup>{_row(base)}{_row(whole(e[1]))}</msup>"
    if kind in _SIGNS:
        return f"{operand(e[0])}<mo>{_SIGNS[kind]}</mo>{operand(e[1])}"
    if isinstance(e, myokit.PrefixMinus | myokit.PrefixPlus):
        return f"<mo>{'−' if isinstance(e, myokit.PrefixMinus) else '+'}</mo>{operand(e[0])}"
    if isinstance(e, myokit.Not):
        return f"<mtext>not&nbsp;</mtext>{_in('()', whole(e[0]))}"
    if isinstance(e, myokit.Sqrt):
        return f"<msqrt>{whole(e[0])}</msqrt>"
    if isinstance(e, myokit.Exp):
        return f"<msup><mi>e</mi>{_row(whole(e[0]))}</msup>"
    if isinstance(e, myokit.Log):
        base = f"<msub><mi>log</mi>{_row(whole(e[1]))}</msub>" if len(e) > 1 else "<mi>ln</mi>"
        return f"{base}{_in('()', whole(e[0]))}"
    if kind in _FENCES:
        return _in(_FENCES[kind], whole(e[0]))
    if isinstance(e, myokit.If | myokit.Piecewise):
        return _cases(e, whole)
    name = _FUNCTIONS.get(kind, kind.__name__.lower())
    return f"<mi>{name}</mi>{_in('()', '<mo>,</mo>'.join(whole(argument) for argument in e))}"


def _cases(e: myokit.Expression, whole: Callable[[myokit.Expression], str]) -> str:
    """A value for each condition, and one otherwise."""
    piecewise = e.piecewise() if isinstance(e, myokit.If) else e
    *cases, otherwise = piecewise
    rows = [(whole(cases[i + 1]), whole(cases[i])) for i in range(0, len(cases), 2)]
    told = [f"<mtd>{value}</mtd><mtd><mtext>if&nbsp;</mtext>{condition}</mtd>" for value, condition in rows]
    told.append(f"<mtd>{whole(otherwise)}</mtd><mtd><mtext>otherwise</mtext></mtd>")
    table = "".join(f"<mtr>{row}</mtr>" for row in told)
    return f'<mtable class="ionw-cases" displaystyle="true">{table}</mtable>'


def _number(e: myokit.Number, conductance: bool) -> str:
    value, _, unit = readable(e.code(), conductance=conductance).partition(" [")
    mantissa, _, exponent = value.partition("e")
    told = f"<mn>{escape(mantissa)}</mn>"
    if exponent:
        power = str(int(exponent)).replace("-", "−")
        told = f"{told}<mo>·</mo><msup><mn>10</mn><mn>{power}</mn></msup>"
    unit = unit_words(unit.strip("[] "))
    return _row(f"{told}<mtext>&nbsp;{escape(unit)}</mtext>") if unit else told


def _word(text: str) -> str:
    return f"<mi>{escape(_LETTERS.get(text, text))}</mi>"


def _row(inner: str) -> str:
    return f"<mrow>{inner}</mrow>"


def _in(fence: str, inner: str) -> str:
    return f"<mrow><mo>{fence[0]}</mo>{inner}<mo>{fence[1]}</mo></mrow>"
