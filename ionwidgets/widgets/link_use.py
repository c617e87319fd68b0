"""A link's set-up put into the steps, and the steps' set-up as a link."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from ionwidgets.errors import IonWidgetsError
from ionwidgets.models import list_models, load_model
from ionwidgets.widgets.experiment.rhythm import rhythm_of
from ionwidgets.widgets.experiment.setting import BEATS
from ionwidgets.widgets.experiment.state import ExperimentState
from ionwidgets.widgets.link import link_of, settings_of
from ionwidgets.widgets.session import Session

EXPERIMENT = 1  # the step that a set-up opens on, counted from 0
NO_FILE = (
    "A link can name a model of the library, not one from a file: save the session, and hand on its file."
)


def use_query(
    query: str, session: Session, experiment: ExperimentState, go_to: Callable[[int], None]
) -> list[str]:
    """Set what a link asks for; what it asks for in vain, each in a few words."""
    settings, problems = settings_of(query)
    try:
        if "model" in settings:
            _open(settings["model"], session)
    except IonWidgetsError as error:
        problems.append(str(error))
    wanted = settings.get("experiment", {})
    if not _taken(experiment, wanted, []):
        _take_what_can_be(experiment, wanted, problems)
    if settings:
        go_to(settings.get("step", EXPERIMENT + 1) - 1)
    return problems


def _taken(experiment: ExperimentState, wanted: dict[str, Any], problems: list[str]) -> bool:
    """Whether the settings could be set; why not is one more of the problems."""
    try:
        if wanted:
            experiment.use_settings(wanted)
    except IonWidgetsError as error:
        problems.append(str(error).rstrip("."))
        return False
    return True


def _take_what_can_be(experiment: ExperimentState, settings: dict[str, Any], problems: list[str]) -> None:
    taken: dict[str, Any] = {}
    for piece in _pieces(settings):
        wanted = taken | piece
        if "scale" in piece:
            wanted["scale"] = taken.get("scale", {}) | piece["scale"]
        if _taken(experiment, wanted, problems):
            taken = wanted


def query_of(session: Session, experiment: ExperimentState, step: int) -> tuple[str, str]:
    """The query of a link to what is set now, and why there is none; what is as at first is left out."""
    if session.model is None or session.from_file:
        return "", NO_FILE
    wanted = experiment.settings()
    if wanted.get("cycle_length") == rhythm_of(session.model).cycle_length:
        del wanted["cycle_length"]
    if wanted.get("protocol") == {"kind": "pacing", "beats": BEATS}:
        del wanted["protocol"]
    settings: dict[str, Any] = {"model": session.model_source, "experiment": wanted}
    return link_of(settings if step == EXPERIMENT else settings | {"step": step + 1}), ""


def _open(name: str, session: Session) -> None:
    """A model of the library: a link opens no files."""
    cards = list_models()
    if not any(name in (card.name, *card.keys) for card in cards):
        raise IonWidgetsError(f"model={name[:40]} (there are: {', '.join(card.name for card in cards)})")
    model = load_model(name)
    session.use_model(model, model.key)


def _pieces(experiment: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """One setting at a time, so that one that cannot be takes no other with it."""
    for name, value in experiment.items():
        if name == "scale":
            yield from ({"scale": {target: factor}} for target, factor in value.items())
        else:
            yield {name: value}
