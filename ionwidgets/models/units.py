"""How units and numbers are written for people: of several names of one unit, the one that the field uses.

Myokit calls 1/ms mS/uF, since the two are one unit to a computer. A rate is in 1/ms here, a conductance per
capacitance in nS/pF.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

import myokit

_WRITTEN: Final = (
    "1", "mV", "ms", "1/ms", "1/s", "mM", "mM/ms", "A/F", "C/mol", "K", "1/mM", "1/mM^2", "1/mM/s",
    "1/mM^2/s", "mM/mV", "pF*mol/C", "pL/ms", "fmol/s",
)  # fmt: skip
_KNOWN: Final = {myokit.parse_unit(name): name for name in _WRITTEN}
_PER_CAPACITANCE: Final = {"1/ms": "nS/pF", "1/s": "S/F"}
_UNIT_OF_NUMBER = re.compile(r"\[([^\]]+)\]")
_EVERY_DIGIT = re.compile(r" ?(?<![\w.])\d\.\d{17}(?:e[+-]?\d+)?")


def unit_name(unit: myokit.Unit | None, *, conductance: bool = False) -> str:
    """``1/ms`` for a rate, ``nS/pF`` where a `conductance` (per capacitance) is meant; 1 without a unit."""
    if unit is None:
        return "1"
    name = _KNOWN.get(unit, str(unit).strip("[]"))
    return _PER_CAPACITANCE.get(name, name) if conductance else name


def derivative_unit_name(unit: myokit.Unit | None) -> str:
    """The unit of dx/dt, `unit` being that of the state x: ``mV/ms``, ``mM/ms``, ``1/ms``."""
    return f"{unit_name(unit)}/ms"


def unit_beside(variable: myokit.Variable, *, conductance: bool = False) -> str:
    """The unit to write beside a variable's equation; "" where it has none, or is a number that tells it."""
    unit, value = variable.unit(), variable.rhs()
    if unit is None:
        return ""
    if variable.is_state():
        return derivative_unit_name(unit)
    number = value[0] if isinstance(value, myokit.PrefixMinus) else value
    return "" if number.is_number() else unit_name(unit, conductance=conductance)


def readable(code: str, *, conductance: bool = False) -> str:
    """An equation as Myokit writes it, with the units of its numbers by `unit_name` and no idle digits."""

    def renamed(unit: re.Match[str]) -> str:
        return f"[{_renamed(unit[1], conductance)}]"

    return _EVERY_DIGIT.sub(lambda digits: repr(float(digits[0])), _UNIT_OF_NUMBER.sub(renamed, code))


@lru_cache(maxsize=1024)
def _renamed(name: str, conductance: bool) -> str:
    return unit_name(myokit.parse_unit(name), conductance=conductance)
