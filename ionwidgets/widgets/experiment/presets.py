"""Presets: known changes of currents, each with its source, for the models that have these currents."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from ionwidgets.models import IonicModel

TABLE = Path(__file__).with_name("presets.toml")
# Older models have one slow inward current in the place of I_CaL.
OTHER_NAMES = {"I_CaL": ("I_si", "I_s")}


@dataclass(frozen=True)
class Preset:
    """`factors` by current; where they come from, and what of them is not said there."""

    name: str
    factors: dict[str, float]
    source: str
    note: str


@cache
def presets() -> tuple[Preset, ...]:
    """The table."""
    return tuple(Preset(**row) for row in tomllib.loads(TABLE.read_text("utf-8"))["preset"])


def offered(model: IonicModel) -> dict[str, dict[str, float]]:
    """Name of each preset that this model can express -> factor by conductance."""
    found = {}
    for preset in presets():
        scale = {_conductance(model, current): factor for current, factor in preset.factors.items()}
        if None not in scale:
            found[preset.name] = {str(name): factor for name, factor in scale.items()}
    return found


def missing(model: IonicModel) -> dict[str, list[str]]:
    """Name of each preset that it cannot express -> the currents that have no conductance of their own."""
    lacks = {
        preset.name: [current for current in preset.factors if _conductance(model, current) is None]
        for preset in presets()
    }
    return {name: currents for name, currents in lacks.items() if currents}


def _conductance(model: IonicModel, current: str) -> str | None:
    """What scales this current."""
    for known in (current, *OTHER_NAMES.get(current, ())):
        for name, currents in model.scalable.items():
            if known in currents:
                return name
    return None
