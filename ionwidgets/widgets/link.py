"""A set-up as the query of an address, to be handed to a class: ``model=tnnp2004:M&g_Kr=0.25``.

What can be in it: ``model`` (of the library), ``step`` (1 to 5), ``cycle_length`` [ms], the factor of a
conductance by its name (``g_Kr=0.25``), ``protocol`` (``pacing`` or ``S1S2``) with ``beats`` and ``s2``
(``s2=300,350,400`` [ms]), ``drug`` (``drug=g_Kr:12:1,g_CaL:80``: conductance, IC50, Hill coefficient) with
``concentration`` and ``unit``.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final
from urllib.parse import parse_qsl, quote, urlencode

from ionwidgets.widgets.python_text import number_text

STEPS: Final = 5
LONGEST: Final = 4000  # letters of a query
LONGEST_SHOWN: Final = 40
_NAME: Final = re.compile(r"[A-Za-z_]\w*", re.ASCII)
_PLAIN: Final = ":,"  # stay as they are in an address


class _Wrong(ValueError):
    """What a value is not."""


def link_of(settings: Mapping[str, Any]) -> str:
    """The query that `settings_of` reads back.

    settings : ``model`` (name), ``step`` (from 1) and ``experiment`` (as `ExperimentState.settings` gives it,
    or a part of it); what is missing is left out.
    """
    return urlencode(list(_pairs(settings)), safe=_PLAIN, quote_via=quote)


def settings_of(query: str) -> tuple[dict[str, Any], list[str]]:
    """What a query asks for, in the form of `link_of`, and what in it makes no sense, each in a few words.

    The parameters of a server's own (``token``, ``voila-...``) are passed over.
    """
    if len(query) > LONGEST:
        return {}, ["it is too long"]
    settings: dict[str, Any] = {}
    experiment: dict[str, Any] = {}
    parts: dict[str, Any] = {}  # of protocol and drug
    problems = []
    for name, text in parse_qsl(query.removeprefix("?"), keep_blank_values=True):
        if name == "token" or name.startswith("voila-"):
            continue
        try:
            if name == "model":
                settings["model"] = _text(text)
            elif name == "step":
                settings["step"] = _step(text)
            elif name == "cycle_length":
                experiment["cycle_length"] = _number(text)
            elif name in _PARTS:
                parts[name] = _PARTS[name](text)
            elif _NAME.fullmatch(name):
                experiment.setdefault("scale", {})[name] = _factor(text)
            else:
                raise _Wrong("there is no such setting")
        except _Wrong as why:
            problems.append(f"{_shown(name)}={_shown(text)} ({why})")
    experiment |= _protocol(parts, problems) | _drug(parts, problems)
    return settings | ({"experiment": experiment} if experiment else {}), problems


def _pairs(settings: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    if "model" in settings:
        yield "model", settings["model"]
    experiment = settings.get("experiment", {})
    for name, factor in experiment.get("scale", {}).items():
        yield name, number_text(float(factor))
    if "cycle_length" in experiment:
        yield "cycle_length", number_text(float(experiment["cycle_length"]))
    if protocol := experiment.get("protocol"):
        yield "protocol", protocol["kind"]
        yield "beats", str(protocol["beats"])
        if "s2" in protocol:
            yield "s2", ",".join(number_text(float(value)) for value in protocol["s2"])
    if (drug := experiment.get("drug")) and drug["ic50"]:
        yield "drug", ",".join(_targets(drug))
        yield "concentration", number_text(float(drug["concentration"]))
        if "unit" in drug:
            yield "unit", drug["unit"]
    if "step" in settings:
        yield "step", str(settings["step"])


def _targets(drug: Mapping[str, Any]) -> Iterator[str]:
    for name, ic50 in drug["ic50"].items():
        hill = drug.get("hill", {}).get(name, 1.0)
        yield f"{name}:{number_text(float(ic50))}:{number_text(float(hill))}"


def _protocol(parts: Mapping[str, Any], problems: list[str]) -> dict[str, Any]:
    protocol = {"kind": parts.get("protocol", "pacing")}
    protocol |= {name: parts[name] for name in ("beats", "s2") if name in parts}
    if "s2" in parts and protocol["kind"] != "S1S2":
        problems.append("s2 (goes with protocol=S1S2)")
        del protocol["s2"]
    return {"protocol": protocol} if {"protocol", "beats"} & set(parts) else {}


def _drug(parts: Mapping[str, Any], problems: list[str]) -> dict[str, Any]:
    if "drug" not in parts:
        problems += [f"{name} (goes with drug=)" for name in ("concentration", "unit") if name in parts]
        return {}
    ic50 = {name: value for name, (value, _) in parts["drug"].items()}
    drug = {"ic50": ic50, "hill": {name: hill for name, (_, hill) in parts["drug"].items()}}
    drug["concentration"] = parts.get("concentration", 0.0)
    return {"drug": drug | ({"unit": parts["unit"]} if "unit" in parts else {})}


def _number(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        raise _Wrong("a number was expected") from None
    if not math.isfinite(value):
        raise _Wrong("a number was expected")
    return value


def _factor(text: str) -> float:
    try:
        return _number(text)
    except _Wrong:
        raise _Wrong("neither a setting nor the factor of a conductance") from None


def _step(text: str) -> int:
    if not re.fullmatch(f"[1-{STEPS}]", text):
        raise _Wrong(f"steps are 1 to {STEPS}")
    return int(text)


def _beats(text: str) -> int:
    if not re.fullmatch(r"\d{1,6}", text, re.ASCII):
        raise _Wrong("a whole number was expected")
    return int(text)


def _numbers(text: str) -> list[float]:
    return [_number(part) for part in text.split(",")]


def _text(text: str) -> str:
    if not text or not text.isprintable():
        raise _Wrong("a name was expected")
    return text


def _blocks(text: str) -> dict[str, tuple[float, float]]:
    """Conductance -> (IC50, Hill coefficient)."""
    found = {}
    for part in text.split(","):
        name, *values = part.split(":")
        if not _NAME.fullmatch(name) or not 1 <= len(values) <= 2:
            raise _Wrong("conductance:IC50:Hill was expected")
        numbers = [_number(value) for value in values]
        found[name] = (numbers[0], numbers[1] if len(numbers) > 1 else 1.0)
    return found


def _shown(text: str) -> str:
    plain = "".join(letter if letter.isprintable() else "?" for letter in text)
    return plain if len(plain) <= LONGEST_SHOWN else f"{plain[:LONGEST_SHOWN]}…"


_PARTS: dict[str, Callable[[str], Any]] = {
    "protocol": _text, "beats": _beats, "s2": _numbers,
    "drug": _blocks, "concentration": _number, "unit": _text,
}  # fmt: skip
