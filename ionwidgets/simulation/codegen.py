"""A model's right-hand side as a function in LLVM's language.

Three things leave the inner loop when it is written: what is constant over a run becomes an entry of `k`;
what depends on V alone and needs a transcendental function becomes a column of a table over V; and the gates
that depend on V alone get no derivative at all, the stepper moves them by their exact solution (Rush and
Larsen 1978). States that may relax faster than the longest step allows get the slopes of their equations by
one another beside it, for an implicit step. It is made from Myokit's parsed expressions: numbers, indices and
the operations below, never from a file's words.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import reduce

import myokit
from llvmlite import ir

from ionwidgets.errors import ModelError
from ionwidgets.models import IonicModel
from ionwidgets.simulation.elimination import eliminate
from ionwidgets.simulation.linking import RHS, SOLVE
from ionwidgets.simulation.llvm_ir import Function, Value
from ionwidgets.simulation.stiffness import fast_states

_FUNCTIONS = {
    myokit.Exp: "exp",
    myokit.Log: "log",
    myokit.Log10: "log10",
    myokit.Sqrt: "sqrt",
    myokit.Abs: "fabs",
    myokit.Sin: "sin",
    myokit.Cos: "cos",
    myokit.Tan: "tan",
    myokit.ASin: "asin",
    myokit.ACos: "acos",
    myokit.ATan: "atan",
    myokit.Floor: "floor",
    myokit.Ceil: "ceil",
}
_COMPARISONS = {
    myokit.Equal: "==",
    myokit.NotEqual: "!=",
    myokit.More: ">",
    myokit.Less: "<",
    myokit.MoreEqual: ">=",
    myokit.LessEqual: "<=",
}


def _piecewise(*parts: Value) -> Value:
    """Of condition, value, condition, value, ..., and the value where none holds."""
    value = parts[-1]
    for condition, piece in reversed(list(zip(parts[:-1:2], parts[1:-1:2], strict=True))):
        value = condition.choose(piece, value)
    return value


_OPERATIONS: dict[type, Callable[..., Value]] = {
    myokit.PrefixPlus: operator.pos,
    myokit.PrefixMinus: operator.neg,
    myokit.Plus: operator.add,
    myokit.Minus: operator.sub,
    myokit.Multiply: operator.mul,
    myokit.Divide: operator.truediv,
    myokit.Quotient: operator.floordiv,
    myokit.Remainder: operator.mod,
    myokit.Power: operator.pow,
    myokit.And: operator.and_,
    myokit.Or: operator.or_,
    myokit.Not: operator.invert,
    myokit.If: Value.choose,
    myokit.Piecewise: _piecewise,
}
# d/d(operand 0), d/d(operand 1) in terms of the operands
_SLOPES: dict[type, tuple[Callable[..., Value | float], ...]] = {
    myokit.PrefixPlus: (lambda x: 1.0,),
    myokit.PrefixMinus: (lambda x: -1.0,),
    myokit.Plus: (lambda x, y: 1.0, lambda x, y: 1.0),
    myokit.Minus: (lambda x, y: 1.0, lambda x, y: -1.0),
    myokit.Multiply: (lambda x, y: y, lambda x, y: x),
    myokit.Divide: (lambda x, y: 1.0 / y, lambda x, y: -x / (y * y)),
    myokit.Power: (lambda x, y: y * x ** (y - 1.0), lambda x, y: x**y * x.function("log")),
    myokit.Exp: (lambda x: x.function("exp"),),
    myokit.Log: (lambda x: 1.0 / x,),
    myokit.Log10: (lambda x: 1.0 / (math.log(10.0) * x),),
    myokit.Sqrt: (lambda x: 0.5 / x.function("sqrt"),),
    myokit.Abs: (lambda x: x.compared(">", 0.0).choose(1.0, -1.0),),
    myokit.Sin: (lambda x: x.function("cos"),),
    myokit.Cos: (lambda x: -x.function("sin"),),
    myokit.Tan: (lambda x: x.function("tan") ** 2 + 1.0,),
    myokit.ASin: (lambda x: 1.0 / (1.0 - x * x).function("sqrt"),),
    myokit.ACos: (lambda x: -1.0 / (1.0 - x * x).function("sqrt"),),
    myokit.ATan: (lambda x: 1.0 / (x * x + 1.0),),
    myokit.Remainder: (lambda x, y: 1.0, lambda x, y: -(x // y)),
}
_STEPS = (myokit.Floor, myokit.Ceil, myokit.Quotient)  # of slope 0 but for jumps
_COSTLY = tuple(kind for kind in _FUNCTIONS if kind is not myokit.Abs)


@dataclass
class RightHandSide:
    """The functions, and what their arrays hold.

    `states`: the order of y, gates first, then the `fast` ones, which have `n_slopes` slopes by one another.
    `constants` and `columns`: the expressions behind k and the table.
    """

    ir: str
    states: tuple[str, ...]
    fast: tuple[str, ...]
    n_slopes: int
    currents: tuple[str, ...]
    constants: list[myokit.Expression] = field(default_factory=list)
    columns: list[myokit.Expression] = field(default_factory=list)


def write_right_hand_side(model: IonicModel) -> RightHandSide:
    """``rhs(y, k, s, columns, row, width, w, pace, dy, slopes, current)`` and ``solve`` for `model`.

    y: states; k: constants; s: scale of each current; columns: the table, row after row of `width` numbers, V
    is w of the way from that which begins at `row` to the next; pace: the stimulus' level; out: dy,
    derivatives of the non-gates; slopes, d(x')/dy among the fast states where it is not 0; current, every
    current. ``solve(slopes, g, x)`` solves (1 - g J) x' = x.
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
        self.values: dict[myokit.Variable, Value] = {}
        self.operations: dict[int, tuple[myokit.Expression, Value]] = {}
        self.slopes: dict[tuple[myokit.Variable, myokit.Variable], Value | None] = {}
        self.constants: dict[str, tuple[int, myokit.Expression]] = {}
        self.columns: dict[str, tuple[int, myokit.Expression]] = {}
        self.interpolated: dict[int, Value] = {}
        self.module = ir.Module()
        takes = dict.fromkeys(("y", "k", "s", "columns"), "a") | {"row": "i", "width": "i"}
        takes |= {"w": "f", "pace": "f"} | dict.fromkeys(("dy", "slopes", "current"), "a")
        self.rhs = Function(self.module, RHS, takes)
        self.here = self.rhs.arrays["columns"].after(self.rhs.integers["row"])
        self.next = self.here.after(self.rhs.integers["width"])

    def write(self) -> RightHandSide:
        arrays = self.rhs.arrays
        for i, name in enumerate(self.currents):
            arrays["current"][i] = self.variable(self.model.variables[name])
        n_gates = len(self.model.gate_names)
        for i, name in enumerate(self.states[n_gates:], start=n_gates):
            arrays["dy"][i] = self.expression(self.model.variables[name].rhs())
        pattern = self._slopes_of_fast_states()
        self.rhs.close()
        self._write_solve(pattern)
        return RightHandSide(
            str(self.module),
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
                if (slope := self.slope(x.rhs(), y)) is not None:
                    self.rhs.arrays["slopes"][len(pattern)] = slope
                    pattern.append((i, j))
        return pattern

    def _write_solve(self, pattern: list[tuple[int, int]]) -> None:
        solve = Function(self.module, SOLVE, {"slopes": "a", "g": "f", "x": "a"})
        x = solve.arrays["x"]
        J = {entry: solve.arrays["slopes"][n] for n, entry in enumerate(pattern)}
        for i, value in enumerate(eliminate(J, solve.floats["g"], [x[i] for i in range(len(self.fast))])):
            x[i] = value
        solve.close()

    def variable(self, variable: myokit.Variable) -> Value:
        if variable in self.index:
            return self.rhs.arrays["y"][self.index[variable]]
        if variable is self.model.pace_variable:
            return self.rhs.floats["pace"]
        if variable.is_bound():
            raise ModelError(
                f"{variable.qname()}: equations that depend on '{variable.binding()}' are not supported"
            )
        if variable not in self.values:
            value = self.expression(variable.rhs())
            if variable in self.scaled:
                value = self.rhs.arrays["s"][self.scaled[variable]] * value
            self.values[variable] = value
        return self.values[variable]

    def expression(self, e: myokit.Expression) -> Value:
        if isinstance(e, myokit.Number):
            if not math.isfinite(e.eval()):
                raise ModelError(f"{e.code()} is too large a number")
            return self.rhs.number(e.eval())
        depends = self.model.dependencies(e)
        # A scaled current must be computed where its scale is known.
        free = depends <= {self.voltage} and not self._uses_current(e)
        if free and not depends:
            return self.rhs.arrays["k"][_slot(self.constants, e)]
        if free and _is_costly(e):
            return self._column(_slot(self.columns, e))
        if isinstance(e, myokit.Name):
            return self.variable(e.var())
        if id(e) not in self.operations:  # slopes ask again; two that are equal may mean different variables
            self.operations[id(e)] = (e, self._operation(e))  # e is held, so that its id stays its own
        return self.operations[id(e)][1]

    def _column(self, i: int) -> Value:
        if i not in self.interpolated:
            here = self.here[i]
            self.interpolated[i] = here + self.rhs.floats["w"] * (self.next[i] - here)
        return self.interpolated[i]

    def _operation(self, e: myokit.Expression) -> Value:
        if isinstance(e, myokit.Divide) and not self.model.dependencies(e[1]):
            # Dividing takes several times as long as multiplying.
            return self.expression(e[0]) * self.expression(myokit.Divide(myokit.Number(1), e[1]))
        parts = [self.expression(part) for part in e]
        kind = type(e)
        if kind is myokit.Power and e[1].is_literal():
            exponent = float(e[1].eval())
            if exponent.is_integer() and 0 < exponent <= 16:
                return parts[0] ** int(exponent)
        if kind is myokit.Log and len(parts) == 2:
            return parts[0].function("log") / parts[1].function("log")
        if kind in _COMPARISONS:
            return parts[0].compared(_COMPARISONS[kind], parts[1])
        if kind in _FUNCTIONS:
            return parts[0].function(_FUNCTIONS[kind])
        if kind not in _OPERATIONS:
            raise ModelError(f"{e.code()}: {kind.__name__} is not supported; rewrite it with plain functions")
        return _OPERATIONS[kind](*parts)

    def slope(self, e: myokit.Expression, x: myokit.Variable) -> Value | None:
        """de/dx with every other state held, or None where it is 0; conditions count as constant."""
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
            slope * rule(*parts)
            for rule, slope in zip(_SLOPES[kind], slopes, strict=False)
            if slope is not None
        ]
        return reduce(operator.add, terms) if terms else None

    def _slope_of_variable(self, variable: myokit.Variable, x: myokit.Variable) -> Value | None:
        if variable is x:
            return self.rhs.number(1.0)
        if variable.is_state() or variable.is_bound():
            return None
        if (variable, x) not in self.slopes:
            slope = self.slope(variable.rhs(), x)
            if slope is not None and variable in self.scaled:
                slope = self.rhs.arrays["s"][self.scaled[variable]] * slope
            self.slopes[variable, x] = slope
        return self.slopes[variable, x]

    def _slope_of_choice(self, e: myokit.If | myokit.Piecewise, x: myokit.Variable) -> Value | None:
        operands = list(e)
        if isinstance(e, myokit.If):  # as of a piecewise of one piece
            tests, values = operands[:1], operands[1:]
        else:
            tests, values = operands[:-1:2], [*operands[1:-1:2], operands[-1]]
        slopes = [self.slope(value, x) for value in values]
        if all(slope is None for slope in slopes):
            return None
        known = [self.rhs.number(0.0) if slope is None else slope for slope in slopes]
        conditions = [self.expression(test) for test in tests]
        pairs = zip(conditions, known[:-1], strict=True)
        return _piecewise(*(part for pair in pairs for part in pair), known[-1])

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
