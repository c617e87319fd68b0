"""The settings of a retraining, by the names that `discover` knows, as JSON holds them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ionwidgets.discovery.checks import DECODERS, check_pacing
from ionwidgets.discovery.conditions import Conditions, read_conditions
from ionwidgets.errors import IonWidgetsError
from ionwidgets.simulation.given import number, numbers, shown

DEFAULTS: dict[str, Any] = {
    "decoder": "ode", "eta": 1e-3, "seeds": [0], "stimulus": None, "paced_for": None, "conditions": None,
    "junction_potential": None, "leak": None,
}  # fmt: skip
ABOUT = ("stimulus", "paced_for", "conditions", "junction_potential", "leak")  # how the cell was recorded
MOST_SEEDS = 20


def read_settings(given: object) -> dict[str, Any]:
    """`given`, checked; each as `DEFAULTS` has it, those left out stay out.

    Raises
    ------
    IonWidgetsError : no mapping, a name that is none of `DEFAULTS`, or a value that cannot be.
    """
    if not isinstance(given, Mapping):
        raise IonWidgetsError(f"settings of a retraining are values by name; found {shown(given)}")
    unknown = [name for name in given if name not in DEFAULTS]
    if unknown:
        raise IonWidgetsError(
            f"settings of a retraining: there is no {shown(unknown[0])}; there are {', '.join(DEFAULTS)}"
        )
    return {name: READERS[name](value) for name, value in given.items()}


def read_about(given: Mapping[str, Any]) -> Conditions:
    """How the cell was recorded, checked but for the names of constants, which are the model's.

    Raises
    ------
    IonWidgetsError : as for `read_settings`.
    """
    check_pacing(given["stimulus"], given["paced_for"])
    return read_conditions(given["conditions"], given["junction_potential"], given["leak"])


def read_seeds(value: object) -> list[int]:
    """A list of different whole numbers from 0 on.

    Raises
    ------
    IonWidgetsError : it is none, or longer than `MOST_SEEDS`.
    """
    seeds = list(value) if isinstance(value, list | tuple) else None
    whole = seeds is not None and all(
        isinstance(s, int) and not isinstance(s, bool) and s >= 0 for s in seeds
    )
    if not seeds or not whole or len(set(seeds)) != len(seeds) or len(seeds) > MOST_SEEDS:
        raise IonWidgetsError(
            f"seeds are 1 to {MOST_SEEDS} different whole numbers from 0 on, such as 0, 1, 2; "
            f"found {shown(value)}"
        )
    return seeds


def seeds_of(text: str) -> list[int]:
    """What was typed: "0, 3, 4", or "0-4", which has both ends.

    Raises
    ------
    IonWidgetsError : as for `read_seeds`.
    """
    seeds: list[int] = []
    for part in text.replace(",", " ").replace(";", " ").split():
        first, dash, last = part.partition("-")
        if not first.isdecimal() or (dash and not last.isdecimal()) or len(part) > 12:
            return read_seeds(text)
        seeds += range(int(first), min(int(last), int(first) + MOST_SEEDS) + 1) if dash else [int(first)]
    return read_seeds(seeds or text)


def _decoder(value: object) -> str:
    if value not in DECODERS:
        raise IonWidgetsError(f"unknown decoder {shown(value)}; there are: {', '.join(DECODERS)}")
    return str(value)


def _eta(value: object) -> float:
    eta = number("eta", value)
    if not 0 < eta < 1:
        raise IonWidgetsError(f"eta must lie between 0 and 1; found {eta:g}")
    return eta


def _stimulus(value: object) -> list[float] | None:
    if value is None:
        return None
    given = numbers("stimulus [A/F, ms]", value)
    if given.shape != (2,):
        raise IonWidgetsError(
            f"the stimulus is amplitude [A/F] and duration [ms], such as (-52, 1); found {shown(value)}"
        )
    check_pacing((float(given[0]), float(given[1])), None)
    return given.tolist()


def _paced_for(value: object) -> float | None:
    if value is None:
        return None
    check_pacing(None, paced_for := number("paced_for [ms]", value))
    return paced_for


def _conditions(value: object) -> dict[str, float] | None:
    return read_conditions(value, None, None).constants or None


def _junction_potential(value: object) -> float | None:
    return read_conditions(None, value, None).junction_potential


def _leak(value: object) -> list[float] | None:
    leak = read_conditions(None, None, value).leak
    return None if leak is None else list(leak)


READERS = {
    "decoder": _decoder, "eta": _eta, "seeds": read_seeds, "stimulus": _stimulus, "paced_for": _paced_for,
    "conditions": _conditions, "junction_potential": _junction_potential, "leak": _leak,
}  # fmt: skip
