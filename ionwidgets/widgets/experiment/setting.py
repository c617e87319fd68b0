"""What is done to a cell in step 2, as plain data that a file or a link can carry, and its check.

``{"scale": {"g_Kr": 0.25}, "cycle_length": 1000.0, "protocol": ..., "drug": None}``, with `protocol`
``{"kind": "pacing", "beats": 5}`` or ``{"kind": "S1S2", "beats": 8, "s2": [300.0, ...]}`` (S1 is the cycle
length), and `drug` None or
``{"ic50": {"g_Kr": 12.0}, "hill": {"g_Kr": 1.0}, "concentration": 6.0, "unit": "µM"}``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ionwidgets.errors import SimulationError, unknown_name
from ionwidgets.models import IonicModel
from ionwidgets.simulation import Drug
from ionwidgets.simulation.given import number, numbers, shown
from ionwidgets.widgets.experiment.rhythm import LONGEST, rhythm_of

BEATS = 5  # from the initial state, the last of which is looked at
MOST_BEATS = 1000
TRAIN = 8  # S1 before each S2
MOST_SCALE = 100.0
MOST_INTERVALS = 60  # of S2
INTERVALS = (0.25, 0.28, 0.3, 0.32, 0.35, 0.38, 0.42, 0.46, 0.5, 0.6, 0.7, 0.85, 1.0)  # S2 in parts of S1
UNITS = ("µM", "nM")  # of a concentration
PACING: dict[str, Any] = {"kind": "pacing", "beats": BEATS}
NAMES = ("scale", "cycle_length", "protocol", "drug")


def checked(model: IonicModel, settings: object) -> dict[str, Any]:
    """`settings` complete and copied, what is missing as it is at first.

    Raises
    ------
    SimulationError : a name that is unknown, or a value that makes no sense.
    """
    if not isinstance(settings, Mapping):
        raise SimulationError(f"settings must have names ({', '.join(NAMES)}); found {shown(settings)}")
    for name in settings:
        if name not in NAMES:
            raise SimulationError(unknown_name("setting", str(name), list(NAMES)))
    rhythm = rhythm_of(model)
    cycle_length = number("cycle_length [ms]", settings.get("cycle_length", rhythm.cycle_length))
    if not rhythm.shortest <= cycle_length <= LONGEST:
        raise SimulationError(
            f"The cycle length must lie between {rhythm.shortest:.0f} and {LONGEST:.0f} ms; "
            f"found {cycle_length:g}"
        )
    return {
        "scale": _scale(model, settings.get("scale")),
        "cycle_length": cycle_length,
        "protocol": _protocol(settings.get("protocol"), cycle_length),
        "drug": checked_drug(model, settings.get("drug")),
    }


def checked_drug(model: IonicModel, drug: object) -> dict[str, Any] | None:
    """A drug of known conductances, or None.

    Raises
    ------
    SimulationError : as `checked`.
    """
    if drug is None:
        return None
    given = _mapping("drug", drug, ("ic50", "hill", "concentration", "unit"))
    unit = given.get("unit", UNITS[0])
    if unit not in UNITS:
        raise SimulationError(f"unit of a drug must be {' or '.join(UNITS)}; found {shown(unit)}")
    ic50 = _mapping("ic50", given.get("ic50", {}))
    concentration = number("concentration", given.get("concentration", 0.0))
    hill = given.get("hill", 1.0)
    hills = {name: 1.0 for name in ic50} | (
        dict(hill) if isinstance(hill, Mapping) else dict.fromkeys(ic50, hill)
    )
    if ic50:
        Drug(ic50, concentration, hills)  # refuses what makes no sense
    elif not 0 <= concentration < np.inf:
        raise SimulationError(f"concentration must be a number from 0 on; found {concentration:g}")
    _known(model, "ic50", ic50)
    return {
        "ic50": {name: float(value) for name, value in ic50.items()},
        "hill": {name: float(value) for name, value in hills.items()},
        "concentration": concentration,
        "unit": str(unit),
    }


def drug_factors(drug: Mapping[str, Any] | None) -> dict[str, float]:
    """What a drug leaves of each current: 1 / (1 + (c / IC50)^h)."""
    if not drug or not drug["ic50"]:
        return {}
    return Drug(drug["ic50"], drug["concentration"], drug["hill"]).factors(drug["concentration"])


def acts(drug: Mapping[str, Any] | None) -> bool:
    """Whether a drug blocks anything at its concentration; it need not have been checked."""
    return bool(drug and drug.get("ic50") and drug.get("concentration"))


def whole_scale(scale: Mapping[str, float], drug: Mapping[str, Any] | None) -> dict[str, float]:
    """Factor by conductance of sliders and drug together, where it is not 1."""
    factors = dict(scale)
    for name, left in drug_factors(drug).items():
        factors[name] = factors.get(name, 1.0) * left
    return {name: factor for name, factor in factors.items() if factor != 1.0}


def usual_intervals(cycle_length: float, shortest: float) -> list[float]:
    """S2 [ms] for a train of this cycle length."""
    return sorted({round(part * cycle_length, 1) for part in INTERVALS if part * cycle_length >= shortest})


def _scale(model: IonicModel, scale: object) -> dict[str, float]:
    factors = {
        name: number(f"scale of {name}", value)
        for name, value in _mapping("scale", {} if scale is None else scale).items()
    }
    _known(model, "scale", factors)
    for name, factor in factors.items():
        if not 0 <= factor <= MOST_SCALE:
            raise SimulationError(
                f"scale of {name} must lie between 0 and {MOST_SCALE:g}, 1 being control; found {factor:g}"
            )
    return {name: factor for name, factor in factors.items() if factor != 1.0}


def _protocol(protocol: object, cycle_length: float) -> dict[str, Any]:
    if protocol is None:
        return dict(PACING)
    given = _mapping("protocol", protocol, ("kind", "beats", "s2"))
    kind = given.get("kind", "pacing")
    if kind not in ("pacing", "S1S2"):
        raise SimulationError(f"kind of protocol must be 'pacing' or 'S1S2'; found {shown(kind)}")
    train = kind == "S1S2"
    beats = number("beats", given.get("beats", TRAIN if train else BEATS))
    least = 1 if train else 2
    if not (least <= beats <= MOST_BEATS and beats == int(beats)):
        raise SimulationError(f"beats must be a whole number from {least} to {MOST_BEATS}; found {beats:g}")
    if not train:
        return {"kind": kind, "beats": int(beats)}
    s2 = np.atleast_1d(numbers("s2 [ms]", given.get("s2", usual_intervals(cycle_length, 0.0))))
    if not (s2.ndim == 1 and 0 < s2.size <= MOST_INTERVALS and np.all((s2 > 0) & (s2 <= 2 * LONGEST))):
        raise SimulationError(
            f"s2 must be 1 to {MOST_INTERVALS} intervals between 0 and {2 * LONGEST:.0f} ms; "
            f"found {shown(given.get('s2'))}"
        )
    return {"kind": kind, "beats": int(beats), "s2": [float(value) for value in s2]}


def _mapping(what: str, value: object, names: tuple[str, ...] | None = None) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise SimulationError(f"{what} must have names; found {shown(value)}")
    for name in value:
        if not isinstance(name, str) or (names and name not in names):
            raise SimulationError(unknown_name(f"part of {what}", str(name), list(names or ())))
    return value


def _known(model: IonicModel, what: str, named: Mapping[str, Any]) -> None:
    for name in named:
        if name not in model.scalable:
            raise SimulationError(unknown_name(f"conductance in {what}", name, list(model.scalable)))
