"""Straight functions of floats in LLVM's language, written by computing with what stands for their numbers.

Where a text would say `dy[0] = g * (V - E)`, the same line over the values below writes it. What is written
holds numbers and the names given here, nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping

from llvmlite import ir

_FLOAT, _WHOLE, _TRUTH, _ADDRESS = ir.DoubleType(), ir.IntType(64), ir.IntType(1), ir.PointerType()
_KINDS = {"f": _FLOAT, "i": _WHOLE, "a": _ADDRESS}
# A product may be rounded with the sum that it is part of, 0 has no sign, and x / a may be x (1 / a).
_LOOSE = ("contract", "nsz", "arcp")


class Value:
    """A number, or the truth of a comparison (1 or 0 where it is computed with)."""

    def __init__(self, builder: ir.IRBuilder, value: ir.Value) -> None:
        self._builder = builder
        self._value = value

    def __add__(self, other: Value | float) -> Value:
        return self._by("fadd", self, other)

    def __sub__(self, other: Value | float) -> Value:
        return self._by("fsub", self, other)

    def __rsub__(self, other: float) -> Value:
        return self._by("fsub", other, self)

    def __mul__(self, other: Value | float) -> Value:
        return self._by("fmul", self, other)

    def __rmul__(self, other: float) -> Value:
        return self._by("fmul", other, self)

    def __truediv__(self, other: Value | float) -> Value:
        return self._by("fdiv", self, other)

    def __rtruediv__(self, other: float) -> Value:
        return self._by("fdiv", other, self)

    def __neg__(self) -> Value:
        return self._by("fneg", self)

    def __pos__(self) -> Value:
        return self

    def __pow__(self, exponent: Value | int) -> Value:
        """A whole exponent, 0 or more, is multiplied out: calling pow takes several times as long."""
        if isinstance(exponent, Value):
            return self.function("pow", exponent)
        power, square = Value(self._builder, _FLOAT(1.0)), self
        while exponent:
            power = power * square if exponent % 2 else power
            exponent //= 2
            square = square * square if exponent else square
        return power

    def __mod__(self, other: Value) -> Value:
        """What a division leaves, of the sign of what it was by, as Python has it."""
        rest = Value(self._builder, self._builder.frem(self.as_float(), other.as_float()))
        turned = rest.compared("<", 0.0) ^ other.compared("<", 0.0)
        return (rest.compared("!=", 0.0) & turned).choose(rest + other, rest)

    def __floordiv__(self, other: Value) -> Value:
        """The whole part of a division, towards minus infinity, as Python has it; by 0 that of a float."""
        whole = ((self - self % other) / other).function("rint")
        return other.compared("==", 0.0).choose(self / other, whole)

    def __and__(self, other: Value) -> Value:
        return Value(self._builder, self._builder.and_(self.as_truth(), other.as_truth()))

    def __or__(self, other: Value) -> Value:
        return Value(self._builder, self._builder.or_(self.as_truth(), other.as_truth()))

    def __xor__(self, other: Value) -> Value:
        return Value(self._builder, self._builder.xor(self.as_truth(), other.as_truth()))

    def __invert__(self) -> Value:
        return Value(self._builder, self._builder.not_(self.as_truth()))

    def compared(self, sign: str, other: Value | float) -> Value:
        """Truth of ``self sign other``, `sign` one of == != < <= > >=; nan is unequal to all."""
        compare = self._builder.fcmp_unordered if sign == "!=" else self._builder.fcmp_ordered
        return Value(self._builder, compare(sign, self.as_float(), _float(other), flags=_LOOSE))

    def choose(self, yes: Value | float, no: Value | float) -> Value:
        """`yes` where this is true, else `no`; both are computed."""
        return Value(self._builder, self._builder.select(self.as_truth(), _float(yes), _float(no)))

    def function(self, name: str, *others: Value) -> Value:
        """LLVM's own function `name` of this and `others`: exp, pow, floor, ..., fabs for |x|."""
        known = self._builder.module.declare_intrinsic(f"llvm.{name}", [_FLOAT])
        operands = [x.as_float() for x in (self, *others)]
        return Value(self._builder, self._builder.call(known, operands, fastmath=_LOOSE))

    def as_float(self) -> ir.Value:
        return self._builder.uitofp(self._value, _FLOAT) if self._value.type == _TRUTH else self._value

    def as_truth(self) -> ir.Value:
        return self._value if self._value.type == _TRUTH else self.compared("!=", 0.0)._value

    def _by(self, instruction: str, *operands: Value | float) -> Value:
        write = getattr(self._builder, instruction)
        return Value(self._builder, write(*(_float(x) for x in operands), flags=_LOOSE))


def _float(x: Value | float) -> ir.Value:
    return x.as_float() if isinstance(x, Value) else _FLOAT(x)


class Array:
    """Floats in memory from an address on; they are read and set at fixed places."""

    def __init__(self, builder: ir.IRBuilder, start: ir.Value, name: str) -> None:
        self._builder = builder
        self._start = start
        self._name = name
        self._read: dict[int, Value] = {}

    def __getitem__(self, i: int) -> Value:
        """Number i, as it was when it was first read."""
        if i not in self._read:
            number = self._builder.load(self._at(_WHOLE(i)), name=f"{self._name}{i}", typ=_FLOAT)
            self._read[i] = Value(self._builder, number)
        return self._read[i]

    def __setitem__(self, i: int, value: Value) -> None:
        self._builder.store(value.as_float(), self._at(_WHOLE(i)))

    def after(self, places: ir.Value) -> Array:
        """What lies from `places` further on."""
        return Array(self._builder, self._at(places), self._name)

    def _at(self, places: ir.Value) -> ir.Value:
        return self._builder.gep(self._start, [places], inbounds=True, source_etype=_FLOAT)


class Function:
    """A function that is put into `module` as it is written, and into its callers when they are compiled.

    `takes`: name and kind of each parameter, "f" a float, "i" an integer, "a" an array; `floats`, `integers`
    and `arrays` have what stands for them.
    """

    def __init__(self, module: ir.Module, name: str, takes: Mapping[str, str]) -> None:
        # numba takes a function without a result for one that gives an address.
        signature = ir.FunctionType(_ADDRESS, [_KINDS[kind] for kind in takes.values()])
        function = ir.Function(module, signature, name)
        function.attributes.add("alwaysinline")
        function.attributes.add("nounwind")
        self._builder = ir.IRBuilder(function.append_basic_block())
        self.floats: dict[str, Value] = {}
        self.integers: dict[str, ir.Value] = {}
        self.arrays: dict[str, Array] = {}
        for (parameter, kind), argument in zip(takes.items(), function.args, strict=True):
            argument.name = parameter
            if kind == "f":
                self.floats[parameter] = Value(self._builder, argument)
            elif kind == "i":
                self.integers[parameter] = argument
            else:
                self.arrays[parameter] = Array(self._builder, argument, parameter)

    def number(self, x: float) -> Value:
        return Value(self._builder, _FLOAT(x))

    def close(self) -> None:
        """The end of what was written."""
        self._builder.ret(_ADDRESS(None))
