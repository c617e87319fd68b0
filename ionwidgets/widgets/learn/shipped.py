"""Whether a network comes with the package, asked without torch (2 s)."""

from __future__ import annotations

import json
from functools import lru_cache
from importlib.resources import files
from typing import Any

from safetensors import safe_open

from ionwidgets.models import IonicModel
from ionwidgets.widgets.words import brief


def has_shipped_network(model: IonicModel) -> bool:
    """Whether there is one for exactly these equations."""
    return _learnt().get(model.key) == model.hash


def is_shipped(network: Any, model: IonicModel) -> bool:
    """Whether a network is, to the last weight, the one that comes with the package for this model."""
    if not has_shipped_network(model):
        return False
    from ionwidgets.gnn import shipped_network  # brings torch, which whoever has a network has already

    shipped = shipped_network(model)
    if shipped is None or shipped.card != network.card:
        return False
    own, other = shipped.module.state_dict(), network.module.state_dict()
    return own.keys() == other.keys() and all(own[name].equal(other[name]) for name in own)


@lru_cache(maxsize=1)
def _learnt() -> dict[str, str]:
    """Key -> hash of the models that the shipped networks have learnt."""
    found = {}
    for file in files("ionwidgets").joinpath("gnn", "networks").iterdir():
        if file.name.endswith(".safetensors"):
            with safe_open(str(file), framework="numpy") as network:
                card = json.loads(network.metadata()["card"])
            found[":".join(part for part in (card["model"], card["variant"]) if part)] = card["model_hash"]
    return found


def without_network(model: IonicModel, what_next: str) -> str:
    """That there is none for this model, and `what_next`."""
    return f"No network is shipped for {brief(model.title)}: {what_next}."
