"""What a user gave, as numbers, or one sentence that says what was expected."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ionwidgets.errors import SimulationError

_LONGEST = 100  # characters of a value in an error


def shown(value: object) -> str:
    """The value in one line, cut where it is long."""
    text = " ".join(repr(value).split())
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 3]}..."


def numbers(what: str, values: object) -> NDArray[np.float64]:
    """`values` as an array.

    Raises
    ------
    SimulationError : they are no numbers; `what` they are begins the sentence.
    """
    try:
        return np.asarray(values, dtype=float)
    except (TypeError, ValueError):
        raise SimulationError(f"{what} must be given as numbers; found {shown(values)}") from None


def number(what: str, value: object) -> float:
    """`value` as one number.

    Raises
    ------
    SimulationError : it is none, or several; `what` it is begins the sentence.
    """
    found = numbers(what, value)
    if found.ndim:
        raise SimulationError(f"{what} must be one number; found {shown(value)}")
    return float(found)
