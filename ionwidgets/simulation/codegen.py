"""A model's right-hand side as the source of one numba function.

Three things leave the inner loop when the text is written: what is constant over a run becomes an entry of
`k`; what depends on V alone and needs a transcendental function becomes a column of a table over V; and the
gates that depend on V alone get no derivative at all, the stepper moves them by their exact solution (Rush
and Larsen 1978). The text is made from Myokit's parsed expressions: numbers, indices and the operators below,
never from a file's words.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import myokit

from ionwidgets.errors import ModelError
from ionwidgets.models import IonicModel
from ionwidgets.models.structure import state_dependencies

_INFIX = {
    myokit.Plus: "+",
    myokit.Minus: "-",
    myokit.Multiply: "*",
    myokit.Divide: "/",
    myokit.Equal: "==",
    myokit.NotEqual: "!=",
    myokit.More: ">",
    myokit.Less: "<",
    myokit.MoreEqual: ">=",
    myokit.LessEqual: "<=",
    myokit.And: "and",
    myokit.Or: "or",
    myokit.Quotient: "//",
}
_FUNCTIONS = {
    myokit.Exp: "math.exp",
    myokit.Log: "math.log",
    myokit.Log10: "math.log10",
    myokit.Sqrt: "math.sqrt",
    myokit.Abs: "abs",
    myokit.Sin: "math.sin",
    myokit.Cos: "math.cos",
    myokit.Tan: "math.tan",
    myokit.ASin: "math.asin",
    myokit.ACos: "math.acos",
    myokit.ATan: "math.atan",
    myokit.Floor: "math.floor",
    myokit.Ceil: "math.ceil",
}
_COSTLY = tuple(kind for kind in _FUNCTIONS if kind is not myokit.Abs)


@dataclass
class RightHandSide:
    """The text, and what its arrays hold.

    `states`: the order of y, gates first. `constants` and `columns`: the expressions behind k and the table.
    """

    text: str
    states: tuple[str, ...]
    currents: tuple[str, ...]
    constants: list[myokit.Expression] = field(default_factory=list)
    columns: list[myokit.Expression] = field(default_factory=list)


def write_right_hand_side(model: IonicModel) -> RightHandSide:
    """Source of ``rhs(y, k, s, a, b, w, pace, dy, current)`` for `model`.

    y: states; k: constants; s: scale of each current; a, b: the table's rows either side of V, w: how far
    between them; pace: 0 or 1; dy: derivatives of the non-gates (out); current: every current (out).
    """
    return _Writer(model).write()


class _Writer:
    def __init__(self, model: IonicModel) -> None:
        self.model = model
        rest = [name for name in model.states if name not in model.gate_names]
        self.states = (*model.gate_names, *rest)
        self.currents = tuple(current.name for current in model.currents)
        self.voltage = model.variables[model.voltage]
        self.index = {model.variables[name]: i for i, name in enumerate(self.states)}
        self.scaled = {model.variables[name]: i for i, name in enumerate(self.currents)}
        self.locals: dict[myokit.Variable, str] = {}
        self.constants: dict[str, tuple[int, myokit.Expression]] = {}
        self.columns: dict[str, tuple[int, myokit.Expression]] = {}
        self.lines: list[str] = []

    def write(self) -> RightHandSide:
        for i, name in enumerate(self.currents):
            self.lines.append(f"    current[{i}] = {self.variable(self.model.variables[name])}")
        n_gates = len(self.model.gate_names)
        for i, name in enumerate(self.states[n_gates:], start=n_gates):
            self.lines.append(f"    dy[{i}] = {self.expression(self.model.variables[name].rhs())}")
        text = "\n".join(
            [
                '@njit(cache=True, nogil=True, error_model="numpy", fastmath={"contract", "nsz", "arcp"})',
                "def rhs(y, k, s, a, b, w, pace, dy, current):",
                *self.lines,
                "",
            ]
        )
        return RightHandSide(
            text,
            self.states,
            self.currents,
            [expression for _, expression in self.constants.values()],
            [expression for _, expression in self.columns.values()],
        )

    def variable(self, variable: myokit.Variable) -> str:
        if variable in self.index:
            return f"y[{self.index[variable]}]"
        if variable is self.model.pace_variable:
            return "pace"
        if variable.is_bound():
            raise ModelError(
                f"{variable.qname()}: equations that depend on '{variable.binding()}' are not supported"
            )
        if variable not in self.locals:
            text = self.expression(variable.rhs())
            if variable in self.scaled:
                text = f"s[{self.scaled[variable]}] * {text}"
            name = f"v{len(self.locals)}"
            self.locals[variable] = name
            self.lines.append(f"    {name} = {text}")
        return self.locals[variable]

    def expression(self, e: myokit.Expression) -> str:
        if isinstance(e, myokit.Number):
            return f"({e.eval()!r})"
        depends = state_dependencies(e)
        if not depends:
            return f"k[{_slot(self.constants, e)}]"
        # A scaled current must be computed where its scale is known.
        if depends == {self.voltage} and _is_costly(e) and not self._uses_current(e):
            column = _slot(self.columns, e)
            return f"(a[{column}] + w * (b[{column}] - a[{column}]))"
        if isinstance(e, myokit.Name):
            return self.variable(e.var())
        return self._operation(e)

    def _operation(self, e: myokit.Expression) -> str:
        parts = [self.expression(part) for part in e]
        kind = type(e)
        if kind in _INFIX:
            return f"({parts[0]} {_INFIX[kind]} {parts[1]})"
        if kind is myokit.Power:
            # A whole exponent is written as such: numba multiplies instead of calling pow.
            exponent = float(e[1].eval()) if e[1].is_literal() else 0.0
            whole = exponent.is_integer() and 0 < exponent <= 16
            return f"({parts[0]} ** {int(exponent) if whole else parts[1]})"
        if kind is myokit.Log and len(parts) == 2:
            return f"(math.log({parts[0]}) / math.log({parts[1]}))"
        if kind in _FUNCTIONS:
            return f"{_FUNCTIONS[kind]}({parts[0]})"
        writers: dict[type, Callable[[], str]] = {
            myokit.PrefixMinus: lambda: f"(-{parts[0]})",
            myokit.PrefixPlus: lambda: parts[0],
            myokit.Not: lambda: f"(not {parts[0]})",
            myokit.Remainder: lambda: f"({parts[0]} % {parts[1]})",
            myokit.If: lambda: f"({parts[1]} if {parts[0]} else {parts[2]})",
            myokit.Piecewise: lambda: _piecewise(parts),
        }
        if kind not in writers:
            raise ModelError(f"{e.code()}: {kind.__name__} is not supported; rewrite it with plain functions")
        return writers[kind]()

    def _uses_current(self, e: myokit.Expression) -> bool:
        names = [e] if isinstance(e, myokit.Name) else e.references()
        return any(
            name.var() in self.scaled or (not name.var().is_state() and self._uses_current(name.var().rhs()))
            for name in names
        )


def _piecewise(parts: list[str]) -> str:
    text = parts[-1]
    for condition, value in reversed(list(zip(parts[:-1:2], parts[1:-1:2], strict=True))):
        text = f"({value} if {condition} else {text})"
    return text


def _slot(slots: dict[str, tuple[int, myokit.Expression]], e: myokit.Expression) -> int:
    # Nested variables of different parents may share a name, so the text alone is no key.
    key = "|".join([e.code(), *sorted(name.var().qname() for name in e.references())])
    return slots.setdefault(key, (len(slots), e))[0]


def _is_costly(e: myokit.Expression) -> bool:
    if isinstance(e, _COSTLY):
        return True
    if isinstance(e, myokit.Name):
        return not e.var().is_state() and not e.var().is_bound() and _is_costly(e.var().rhs())
    return any(_is_costly(part) for part in e)
