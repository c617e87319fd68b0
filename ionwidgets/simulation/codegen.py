"""A model's right-hand side as the source of one numba function.

Three things leave the inner loop when the text is written: what is constant over a run becomes an entry of
`k`; what depends on V alone and needs a transcendental function becomes a column of a table over V; and the
gates that depend on V alone get no derivative at all, the stepper moves them by their exact solution (Rush
and Larsen 1978). States that may relax faster than the longest step allows get the slopes of their equations
by one another beside it, for an implicit step. The text is made from Myokit's parsed expressions: numbers,
indices and the operators below, never from a file's words.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import accumulate

import myokit

from ionwidgets.errors import ModelError
from ionwidgets.models import IonicModel
from ionwidgets.simulation.elimination import write_solve
from ionwidgets.simulation.stiffness import fast_states

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
_BRACKETS = {"(": 1, ")": -1}
_NJIT = '@njit(forceinline=True, nogil=True, error_model="numpy", fastmath={"contract", "nsz", "arcp"})'
# d/d(operand 0), d/d(operand 1) in terms of the operands
_SLOPES = {
    myokit.PrefixPlus: ("1.0",),
    myokit.PrefixMinus: ("-1.0",),
    myokit.Plus: ("1.0", "1.0"),
    myokit.Minus: ("1.0", "-1.0"),
    myokit.Multiply: ("{1}", "{0}"),
    myokit.Divide: ("(1.0 / {1})", "(-{0} / ({1} * {1}))"),
    myokit.Power: ("({1} * {0} ** ({1} - 1.0))", "({0} ** {1} * math.log({0}))"),
    myokit.Exp: ("math.exp({0})",),
    myokit.Log: ("(1.0 / {0})",),
    myokit.Log10: ("(1.0 / (math.log(10.0) * {0}))",),
    myokit.Sqrt: ("(0.5 / math.sqrt({0}))",),
    myokit.Abs: ("(1.0 if {0} > 0.0 else -1.0)",),
    myokit.Sin: ("math.cos({0})",),
    myokit.Cos: ("(-math.sin({0}))",),
    myokit.Tan: ("(1.0 + math.tan({0}) ** 2)",),
    myokit.ASin: ("(1.0 / math.sqrt(1.0 - {0} * {0}))",),
    myokit.ACos: ("(-1.0 / math.sqrt(1.0 - {0} * {0}))",),
    myokit.ATan: ("(1.0 / (1.0 + {0} * {0}))",),
    myokit.Remainder: ("1.0", "(-({0} // {1}))"),
}
_STEPS = (myokit.Floor, myokit.Ceil, myokit.Quotient)  # of slope 0 but for jumps
_DEEPEST = 40  # brackets within brackets; Python reads 200, and a line of that is for no reader
_COSTLY = tuple(kind for kind in _FUNCTIONS if kind is not myokit.Abs)


@dataclass
class RightHandSide:
    """The text, and what its arrays hold.

    `states`: the order of y, gates first, then the `fast` ones, which have `n_slopes` slopes by one another.
    `constants` and `columns`: the expressions behind k and the table.
    """

    text: str
    states: tuple[str, ...]
    fast: tuple[str, ...]
    n_slopes: int
    currents: tuple[str, ...]
    constants: list[myokit.Expression] = field(default_factory=list)
    columns: list[myokit.Expression] = field(default_factory=list)


def write_right_hand_side(model: IonicModel) -> RightHandSide:
    """Source of ``rhs(y, k, s, columns, i, w, pace, dy, slopes, current)`` and of ``solve`` for `model`.

    y: states; k: constants; s: scale of each current; columns: the table, V is w of the way from row i to
    the next; pace: the stimulus' level; out: dy, derivatives of the non-gates; slopes, d(x')/dy among the
    fast states where it is not 0; current, every current. ``solve(slopes, g, x)`` solves (1 - g J) x' = x.
    """
    return _Writer(model).write()


class _Writer:
    def __init__(self, model: IonicModel) -> None:
        self.model = model
        self.fast = fast_states(model)
        rest = [name for name in model.states if name not in (*model.gate_names, *self.fast)]
        self.states = (*model.gate_names, *self.fast, *rest)
        self.currents = tuple(current.name for current in model.currents)
        self.voltage = model.variables[model.voltage]
        self.index = {model.variables[name]: i for i, name in enumerate(self.states)}
        self.scaled = {model.variables[part]: i for i, c in enumerate(model.currents) for part in c.parts}
        self.holds_current: dict[myokit.Variable, bool] = {}
        self.locals: dict[myokit.Variable, str] = {}
        self.slopes: dict[tuple[myokit.Variable, myokit.Variable], str | None] = {}
        self.constants: dict[str, tuple[int, myokit.Expression]] = {}
        self.columns: dict[str, tuple[int, myokit.Expression]] = {}
        self.lines: list[str] = []
        self.read: set[str] = set()

    def write(self) -> RightHandSide:
        for i, name in enumerate(self.currents):
            self.lines.append(f"    current[{i}] = {self.variable(self.model.variables[name])}")
        n_gates = len(self.model.gate_names)
        for i, name in enumerate(self.states[n_gates:], start=n_gates):
            self.lines.append(f"    dy[{i}] = {self.expression(self.model.variables[name].rhs())}")
        pattern = self._slopes_of_fast_states()
        text = "\n".join(
            [
                _NJIT,
                "def rhs(y, k, s, columns, i, w, pace, dy, slopes, current):",
                *self.lines,
                "",
                _NJIT,
                "def solve(slopes, g, x):",
                *write_solve(pattern, len(self.fast)),
                "    return",
                "",
            ]
        )
        return RightHandSide(
            text,
            self.states,
            self.fast,
            len(pattern),
            self.currents,
            [expression for _, expression in self.constants.values()],
            [expression for _, expression in self.columns.values()],
        )

    def _slopes_of_fast_states(self) -> list[tuple[int, int]]:
        """Write them; the (row, column) of each."""
        pattern: list[tuple[int, int]] = []
        states = [self.model.variables[name] for name in self.fast]
        for i, x in enumerate(states):
            for j, y in enumerate(states):
                if (text := self.slope(x.rhs(), y)) is not None:
                    self.lines.append(f"    slopes[{len(pattern)}] = {text}")
                    pattern.append((i, j))
        return pattern

    def variable(self, variable: myokit.Variable) -> str:
        if variable in self.index:
            return self.once("y", self.index[variable])
        if variable is self.model.pace_variable:
            return "pace"
        if variable.is_bound():
            raise ModelError(
                f"{variable.qname()}: equations that depend on '{variable.binding()}' are not supported"
            )
        if variable not in self.locals:
            text = self.expression(variable.rhs())
            if variable in self.scaled:
                text = f"{self.once('s', self.scaled[variable])} * {text}"
            name = f"v{len(self.locals)}"
            self.locals[variable] = name
            self.lines.append(f"    {name} = {text}")
        return self.locals[variable]

    def once(self, array: str, i: int, text: str = "") -> str:
        """Local name of array[i], or of `text`: compiling is quicker by half when each is read once."""
        name = f"{array}{i}"
        if name not in self.read:
            self.read.add(name)
            self.lines.append(f"    {name} = {text or f'{array}[{i}]'}")
        return name

    def expression(self, e: myokit.Expression) -> str:
        if isinstance(e, myokit.Number):
            if not math.isfinite(e.eval()):
                raise ModelError(f"{e.code()} is too large a number")
            return f"({e.eval()!r})"
        depends = self.model.dependencies(e)
        # A scaled current must be computed where its scale is known.
        free = depends <= {self.voltage} and not self._uses_current(e)
        if free and not depends:
            return self.once("k", _slot(self.constants, e))
        if free and _is_costly(e):
            column = _slot(self.columns, e)

            def at(row: str) -> str:
                return f"columns[{row}, {column}]"

            return self.once("c", column, f"{at('i')} + w * ({at('i + 1')} - {at('i')})")
        if isinstance(e, myokit.Name):
            return self.variable(e.var())
        return self._shallow(self._operation(e))

    def _shallow(self, text: str) -> str:
        """The text, or a local name for it where its brackets go too deep."""
        if text.count("(") <= _DEEPEST or max(accumulate(_BRACKETS.get(c, 0) for c in text)) <= _DEEPEST:
            return text
        self.lines.append(f"    e{len(self.lines)} = {text}")
        return f"e{len(self.lines) - 1}"

    def _operation(self, e: myokit.Expression) -> str:
        if isinstance(e, myokit.Divide) and not self.model.dependencies(e[1]):
            # Dividing takes several times as long as multiplying.
            return f"({self.expression(e[0])} * {self.expression(myokit.Divide(myokit.Number(1), e[1]))})"
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
            myokit.Piecewise: lambda: self._piecewise(parts),
        }
        if kind not in writers:
            raise ModelError(f"{e.code()}: {kind.__name__} is not supported; rewrite it with plain functions")
        return writers[kind]()

    def _piecewise(self, parts: list[str]) -> str:
        text = parts[-1]
        for condition, value in reversed(list(zip(parts[:-1:2], parts[1:-1:2], strict=True))):
            text = self._shallow(f"({value} if {condition} else {text})")
        return text

    def slope(self, e: myokit.Expression, x: myokit.Variable) -> str | None:
        """Text of de/dx with every other state held, or None where it is 0; conditions count as constant."""
        if isinstance(e, myokit.Name):
            return self._slope_of_variable(e.var(), x)
        if x not in self.model.dependencies(e):
            return None
        if isinstance(e, _STEPS):
            return None
        if isinstance(e, myokit.If | myokit.Piecewise):
            return self._slope_of_choice(e, x)
        if isinstance(e, myokit.Log) and len(e) == 2:
            return self.slope(myokit.Divide(myokit.Log(e[0]), myokit.Log(e[1])), x)
        parts = [self.expression(part) for part in e]
        slopes = [self.slope(part, x) for part in e]
        kind = type(e)
        if kind not in _SLOPES:
            raise ModelError(f"{e.code()}: the slope of {kind.__name__} is not known")
        terms = [
            _product(rule.format(*parts), slope)
            for rule, slope in zip(_SLOPES[kind], slopes, strict=False)
            if slope is not None
        ]
        return self._shallow(f"({' + '.join(terms)})") if terms else None

    def _slope_of_variable(self, variable: myokit.Variable, x: myokit.Variable) -> str | None:
        if variable is x:
            return "1.0"
        if variable.is_state() or variable.is_bound():
            return None
        if (variable, x) not in self.slopes:
            text = self.slope(variable.rhs(), x)
            if text is not None:
                if variable in self.scaled:
                    text = f"{self.once('s', self.scaled[variable])} * {text}"
                self.lines.append(f"    d{len(self.slopes)} = {text}")
                text = f"d{len(self.slopes)}"
            self.slopes[variable, x] = text
        return self.slopes[variable, x]

    def _slope_of_choice(self, e: myokit.If | myokit.Piecewise, x: myokit.Variable) -> str | None:
        operands = list(e)
        values = operands[1:] if isinstance(e, myokit.If) else [*operands[1:-1:2], operands[-1]]
        slopes = [self.slope(value, x) for value in values]
        if not any(slopes):
            return None
        texts = [slope or "0.0" for slope in slopes]
        if isinstance(e, myokit.If):
            return f"({texts[0]} if {self.expression(operands[0])} else {texts[1]})"
        tests = [self.expression(test) for test in operands[:-1:2]]
        return self._piecewise(
            [text for pair in zip(tests, texts[:-1], strict=True) for text in pair] + texts[-1:]
        )

    def _uses_current(self, e: myokit.Expression) -> bool:
        names = [e] if isinstance(e, myokit.Name) else e.references()
        return any(self._is_scaled(name.var()) for name in names)

    def _is_scaled(self, variable: myokit.Variable) -> bool:
        """Whether it is a scaled current, or made of any."""
        if variable not in self.holds_current:
            own = variable in self.scaled
            self.holds_current[variable] = own or (
                not variable.is_state() and self._uses_current(variable.rhs())
            )
        return self.holds_current[variable]


def _product(a: str, b: str) -> str:
    return b if a == "1.0" else a if b == "1.0" else f"-{b}" if a == "-1.0" else f"{a} * {b}"


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
