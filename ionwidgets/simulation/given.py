"""What a user gave, as numbers, or one sentence that says what was expected."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from ionwidgets.errors import IonWidgetsError, SimulationError

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
        if np.asarray(values).dtype.kind not in "USc":  # text that reads as a number is no number yet
            return np.asarray(values, dtype=float)
    except (TypeError, ValueError):
        pass
    raise SimulationError(f"{what} must be given as numbers; found {shown(values)}")


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


def check_dataset(
    function: str, value: object, error: Callable[[str], IonWidgetsError] = SimulationError
) -> None:
    """Refuse what `function` cannot read its cells from; `error` makes the exception."""
    if not isinstance(value, xr.Dataset):
        raise error(
            f"{function} needs a Dataset, such as simulate and read_recording return; found {shown(value)}"
        )
    if "cell" not in value.dims:
        raise error(
            f"{function} needs a Dataset with the dimension cell; choose one with isel(cell=[0]), "
            "not isel(cell=0)"
        )
