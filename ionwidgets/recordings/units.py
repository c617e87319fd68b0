"""Which quantities a recording may hold, the units they come in, and what they are turned into.

Everything becomes ms, mV, mM and A/F. Either observable may be in arbitrary units ("a.u."), as dyes are; it
stays so.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from ionwidgets.errors import RecordingError, unknown_name
from ionwidgets.recordings.sampling import PART

QUANTITIES: Final = ("cycle_length", "sweep", "time", "V", "Ca_i", "I_inj")
ARBITRARY: Final = "a.u."
_TIME: Final = {"us": 1e-3, "ms": 1.0, "s": 1e3, "min": 6e4}
PER_CELL: Final = {"pA": 1.0, "nA": 1e3, "-pA": -1.0, "-nA": -1e3}  # over pF: A/F
_PER_CAPACITANCE: Final = dict.fromkeys(("A/F", "pA/pF", "uA/uF"), 1.0)
FACTORS: Final[dict[str, dict[str, float]]] = {  # to ms, mV, mM and A/F
    "time": _TIME,
    "cycle_length": _TIME,
    "V": {"uV": 1e-3, "mV": 1.0, "V": 1e3},
    "Ca_i": {"nM": 1e-6, "uM": 1e-3, "mM": 1.0, "M": 1e3},
    # In the Dataset what depolarises is negative; a file that counts otherwise says so by its unit.
    "I_inj": _PER_CAPACITANCE | {f"-{unit}": -1.0 for unit in _PER_CAPACITANCE} | PER_CELL,
}
TARGET: Final = {"time": "ms", "cycle_length": "ms", "V": "mV", "Ca_i": "mM", "I_inj": "A/F"}
_SPOKEN: Final = {"current": "I_inj"}  # what a command line may call a quantity
_ALIASES: Final = {
    **dict.fromkeys(("sec", "secs", "second", "seconds"), "s"),
    **dict.fromkeys(("msec", "msecs", "millisecond", "milliseconds"), "ms"),
    **dict.fromkeys(("usec", "microsecond", "microseconds"), "us"),
    **dict.fromkeys(("minute", "minutes"), "min"),
    **dict.fromkeys(("volt", "volts"), "V"),
    **dict.fromkeys(("millivolt", "millivolts"), "mV"),
    **dict.fromkeys(("microvolt", "microvolts"), "uV"),
    **dict.fromkeys(("mmol/l", "mol/m^3", "mol/m3"), "mM"),
    **dict.fromkeys(("umol/l", "micromolar"), "uM"),
    **dict.fromkeys(("nmol/l", "nanomolar"), "nM"),
    **dict.fromkeys(
        ("a.u.", "a.u", "au", "arb", "arb.", "arbitrary", "f/f0", "df/f", "df/f0", "ratio", "%", "f340/f380"),
        "a.u.",
    ),
}


def known_units(quantity: str) -> tuple[str, ...]:
    """Names of the units that `quantity` may be given in."""
    known = tuple(FACTORS.get(quantity, ()))
    return (*known, ARBITRARY) if quantity in ("V", "Ca_i") else known


def canonical_unit(quantity: str, text: str) -> str | None:
    """Our name of a unit as somebody wrote it ("µM", "msec", "AU"); None if `quantity` has no such unit."""
    text = text.strip().replace("µ", "u").replace("μ", "u")
    known = known_units(quantity)
    if text in known:
        return text
    # Only after the exact spelling has failed: "M" and "m", "V" and "v" differ where both could be meant.
    folded = {name.lower(): name for name in known}
    alias = _ALIASES.get(text.lower(), text.lower())
    return alias if alias in known else folded.get(alias)


def require_unit(quantity: str, text: object) -> str:
    """`canonical_unit`, or the RecordingError that says which units there are."""
    unit = canonical_unit(quantity, text) if isinstance(text, str) else None
    if unit is None:
        known = ", ".join(known_units(quantity)) or "none, it is a plain number"
        raise RecordingError(f"unknown unit {text!r} for {quantity}; there are: {known}")
    return unit


def infer_unit(quantity: str, values: np.ndarray) -> str | None:
    """Unit of numbers that came without one, where only one unit makes physiological sense; None otherwise.

    A membrane potential of -150..100 with a minimum below -20 can only be mV. What spans less than 5 or lies
    outside -200..200 is none in mV, and what does not reach from below -30e-3 to less than 70e-3 is none in
    V: a dye. Sampling is taken to lie between 5 us and 20 ms, a recording to last between 20 ms and an hour.
    """
    low, high = float(np.min(values)), float(np.max(values))
    if quantity == "V":
        if -150 <= low <= -20 and high <= 100:
            return "mV"
        return ARBITRARY if possible_units("V", values) == (ARBITRARY,) else None
    if quantity == "Ca_i":
        return "mM" if low >= 1e-5 and high <= 5e-3 else None
    if quantity == "cycle_length":
        return "ms" if low >= 50 else "s" if low >= 0.05 and high <= 10 else None
    if quantity == "time":
        steps = np.diff(values[:PART])
        step = float(np.median(steps[steps > 0])) if np.any(steps > 0) else 0.0
        fitting = [
            unit
            for unit in ("ms", "s")
            if 5e-3 <= step * _TIME[unit] <= 20 and 20 <= (high - low) * _TIME[unit] <= 3.6e6
        ]
        return fitting[0] if len(fitting) == 1 else None
    return None


def possible_units(quantity: str, values: np.ndarray) -> tuple[str, ...]:
    """Units that numbers without one may be in, the likeliest first."""
    low, high = float(np.min(values)), float(np.max(values))
    if quantity == "V":
        in_mV = high == low or (high - low >= 5 and low >= -200 and high <= 200)
        in_V = -0.15 <= low <= -0.03 and high <= 0.07
        return (*(["V"] if in_V else []), *(["mV"] if in_mV else []), ARBITRARY)
    return ("mM", "uM", "nM", ARBITRARY) if quantity == "Ca_i" else ("ms", "s")


def _parse_pairs(text: str, option: str, example: str) -> dict[str, str]:
    pairs: dict[str, str] = {}
    for item in text.split(","):
        quantity, equals, value = (part.strip() for part in item.partition("="))
        quantity = _SPOKEN.get(quantity, quantity)
        if not equals or not quantity or not value:
            raise RecordingError(
                f"{option}: {item.strip()!r} is not quantity=value, as in {option} {example}"
            )
        check_quantity(quantity, option)
        if quantity in pairs:
            raise RecordingError(f"{option}: {quantity} is given twice")
        pairs[quantity] = value
    return pairs


def check_quantity(quantity: str, option: str) -> None:
    """Raise RecordingError unless a recording may hold `quantity`."""
    if quantity not in QUANTITIES:
        raise RecordingError(f"{option}: {unknown_name('quantity', str(quantity), list(QUANTITIES))}")


def parse_columns(text: str) -> dict[str, int | str | list[int]]:
    """``"time=0,V=Voltage (V)"`` as ``{"time": 0, "V": "Voltage (V)"}``; columns count from 0, and ``V=1:3``
    are three."""
    return {
        quantity: _columns_in(value)
        for quantity, value in _parse_pairs(text, "--columns", "time=0,V=2").items()
    }


def _columns_in(text: str) -> int | str | list[int]:
    first, colon, last = text.partition(":")
    if colon and first.isdecimal() and last.isdecimal():
        return list(range(int(first), int(last) + 1))
    return int(text) if text.isdecimal() else text


def parse_units(text: str) -> dict[str, str]:
    """``"time=s,V=mV"`` as ``{"time": "s", "V": "mV"}``, each unit checked and in our spelling."""
    return {
        quantity: require_unit(quantity, value)
        for quantity, value in _parse_pairs(text, "--units", "time=s,V=mV").items()
    }
