"""Numbers as they are printed for a reader: a minus sign, few digits, the unit."""

from __future__ import annotations

import math
import re

RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def number(value: float | None, unit: str = "", digits: int = 3) -> str:
    """`value` to so many significant digits, with its unit; an en dash where there is none."""
    if value is None or not math.isfinite(value):
        return "–"
    if value != 0 and not 1e-3 <= abs(value) < 1e5:
        mantissa, _, exponent = f"{value:.{digits - 1}e}".partition("e")
        text = f"{mantissa}×10{str(int(exponent)).translate(RAISED)}"
    else:
        decimals = max(0, digits - 1 - (math.floor(math.log10(abs(value))) if value else 0))
        text = f"{value:.{decimals}f}"
        text = text.rstrip("0").rstrip(".") if "." in text else text
        text = "0" if text == "-0" else text
    return text.replace("-", "−") + (f" {unit}" if unit else "")


def signed(value: float | None, unit: str = "", digits: int = 2) -> str:
    """As `number`, with a plus sign where it is positive."""
    text = number(value, unit, digits)
    return f"+{text}" if value is not None and math.isfinite(value) and value > 0 else text


def percent(value: float | None) -> str:
    """A fraction in percent: 0.253 -> "25 %"."""
    return "–" if value is None or not math.isfinite(value) else f"{100 * value:.0f} %"


def unit_words(unit: str) -> str:
    """A unit as it is printed: uA/cm^2 -> µA/cm², and nothing for 1."""
    if unit == "1":
        return ""
    raised = re.sub(r"\^(-?\d+)", lambda power: power[1].translate(RAISED), unit).replace("*", "·")
    return re.sub(r"\bu(?=[A-Za-z])", "µ", raised)
