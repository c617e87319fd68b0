"""A session that was opened from its file, put in the place of the one that is shown."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Protocol

from ionwidgets.errors import IonWidgetsError
from ionwidgets.widgets.recording.state import RecordingState
from ionwidgets.widgets.retrain.seeds import SeedRun
from ionwidgets.widgets.session import Session
from ionwidgets.widgets.session_file import SavedSession


class States(Protocol):
    """What a workbench holds."""

    session: Session
    recordings: RecordingState
    control_recordings: RecordingState
    experiment: Any
    retrain: Any


def reopen(saved: SavedSession, states: States) -> list[str]:
    """Put all that was saved into the states, under the session's lock.

    Returns
    -------
    What there is to say: of the file, and of settings that this version does not take.
    """
    session = states.session
    session.use_model(saved.model, saved.model_source, saved.model_answers, saved.model_content)
    session.network = session.result = None
    _use_recordings(saved, states)
    session.network, session.result = saved.network, saved.result
    if saved.result is not None and saved.made is not None:
        states.retrain.runs = (SeedRun(saved.made.seed, saved.result, made=saved.made),)
    return [*saved.notes, *_use_settings(saved, states)]


def _use_recordings(saved: SavedSession, states: States) -> None:
    session = states.session
    for state, brought, use in (
        (states.recordings, saved.recording, session.use_recording),
        (states.control_recordings, saved.control, session.use_control),
    ):
        if brought is not None and brought.path is not None:
            state.reopen(brought.path, brought.choices, brought.dataset)
            continue
        state.files = ()
        if brought is not None:
            use(brought.dataset, brought.source)
    if saved.recording is None:
        session.recording_source, session.recording = "", None
    if saved.control is None:
        session.use_control(None)


def _use_settings(saved: SavedSession, states: States) -> Iterator[str]:
    for step, state, settings in (
        (2, states.experiment, saved.experiment),
        (4, states.retrain, saved.retrain),
    ):
        try:
            state.use_settings(settings)
        except IonWidgetsError as error:
            yield f"The settings of step {step} were left out: {error}."
