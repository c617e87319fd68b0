"""What a finding was made with, and so what makes it again, whatever was set or learnt since then."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from typing import Any

from ionwidgets.discovery.conditions import Conditions, taught_model
from ionwidgets.errors import IonWidgetsError
from ionwidgets.models import IonicModel
from ionwidgets.widgets.learn.shipped import has_shipped_network, is_shipped
from ionwidgets.widgets.retrain.settings import DEFAULTS, read_about, read_seeds, read_settings
from ionwidgets.widgets.session import Session


@dataclass(frozen=True)
class Learnt:
    """How a network was taught: `arguments` of `learn` beside the model, which is the one under the
    conditions of the recording where it is taught `elsewhere`.
    """

    arguments: dict[str, Any]
    elsewhere: bool = False


@dataclass(frozen=True)
class Made:
    """`settings` of the retraining, each as `DEFAULTS` has it; the `seed` of this finding; the network that
    was retrained, None where it is the one that `discover` takes by itself.
    """

    settings: dict[str, Any]
    seed: int
    network: Learnt | None


def learnt_of(network: Any, model: IonicModel | None) -> Learnt | None:
    """As the network's card has it; None of the shipped one, and of one that has no card."""
    card = getattr(network, "card", None)
    if card is None or model is None or is_shipped(network, model):
        return None
    elsewhere = card.get("model_hash", model.hash) != model.hash
    arguments: dict[str, Any] = {}
    if card.get("preset") == "paper":
        arguments["preset"] = "paper"
    elif has_shipped_network(model) and not elsewhere:
        arguments["fresh"] = True
    if card.get("seed"):
        arguments["seed"] = card["seed"]
    if "preset" not in arguments and card.get("observables", ["V"]) != ["V"]:
        arguments["observables"] = list(card["observables"])
    return Learnt(arguments, elsewhere)


def in_use(session: Session, settings: Mapping[str, Any], made: Made | None) -> Made:
    """What made the finding in use; without a finding, what the present `settings` would make one with.

    Of a finding that came from elsewhere its document is all that is known.
    """
    finding = None if session.result is None else session.result.finding
    if finding is not None and made is not None:
        return made
    whole = DEFAULTS | dict(settings) | ({} if finding is None else _told(finding))
    seed = (finding or {}).get("seed", whole["seeds"][0])
    return Made(whole, seed, _foreseen(session, whole, seed))


def _told(finding: Mapping[str, Any]) -> dict[str, Any]:
    """The settings that a finding tells of."""
    told = {name: finding[name] for name in ("eta", "decoder") if name in finding}
    if "conditions" in finding:
        where = Conditions.of(finding["conditions"])
        told |= {
            "conditions": where.constants or None,
            "junction_potential": where.junction_potential,
            "leak": where.leak,
        }
    return told


def _foreseen(session: Session, settings: Mapping[str, Any], seed: int) -> Learnt | None:
    """The network that a retraining with these settings takes (`RetrainState.network`)."""
    model, network = session.model, session.network
    if settings["decoder"] == "emulator":
        own = getattr(network, "emulator", None) is not None
        return learnt_of(network, model) if own else Learnt({"preset": "paper"} | _seeded(seed))
    if model is not None:
        with suppress(IonWidgetsError):  # a constant that the model has not: the panel says so
            there = read_about(settings).model(model)
            if there is not model and taught_model(model, there, None) is not model:
                return Learnt(_seeded(seed), elsewhere=True)
    return learnt_of(network, model)


def _seeded(seed: int) -> dict[str, Any]:
    return {"seed": seed} if seed else {}


def made_as_json(made: Made | None) -> dict[str, Any] | None:
    """For a session file."""
    return None if made is None else asdict(made)


def read_made(given: object) -> Made | None:
    """What `made_as_json` gave; None where an earlier version kept nothing, or a later one keeps more."""
    if not isinstance(given, Mapping):
        return None
    try:
        (seed,) = read_seeds([given["seed"]])
        network = given["network"]
        learnt = (
            None
            if network is None
            else Learnt(_arguments(network["arguments"]), network["elsewhere"] is True)
        )
        return Made(DEFAULTS | read_settings(given["settings"]), seed, learnt)
    except (IonWidgetsError, KeyError, TypeError):
        return None


def _arguments(given: Mapping[str, Any]) -> dict[str, Any]:
    """Those of `learn`, as `learnt_of` gives them; a KeyError or TypeError where there is another."""
    found = {name: ARGUMENTS[name](value) for name, value in dict(given).items()}
    if found != given:
        raise TypeError
    return found


ARGUMENTS = {
    "preset": lambda _: "paper", "fresh": lambda _: True, "seed": lambda value: read_seeds([value])[0],
    "observables": lambda _: ["V", "Ca_i"],
}  # fmt: skip
