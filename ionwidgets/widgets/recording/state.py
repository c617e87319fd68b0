"""Step 2: files of recordings, and how the one that is shown is read."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from traitlets import Dict, Tuple, Unicode

from ionwidgets.errors import IonWidgetsError, RecordingError
from ionwidgets.widgets.coalesce import Latest
from ionwidgets.widgets.listening import Listening
from ionwidgets.widgets.reference import Reference
from ionwidgets.widgets.session import Session
from ionwidgets.widgets.task_state import reason

MENDS = {
    "flip": "Turn it over",
    "blank": "Blank the stimulus artefacts",
    "smooth": "Smooth it",
    "detrend": "Take the drift off",
    "even": "Put it on an even grid",
}  # in words, by the name that `read_recording` knows


@dataclass(frozen=True)
class _Question:
    path: Path
    choices: dict[str, Any]
    read: Any = None  # the recording, where it was read before


class RecordingState(Listening):
    """`add` a file, or `use` one that was added, and the session's follows, read as `choices` say.

    `role`: which of the session's it is, "recording" or "control".

    files : the paths that were added.   file : the one that is shown, None for the bundled example.
    choices : of `read_recording`, by name.   columns : what the file calls its columns.
    faults : what is wrong with the recording (`recordings.Fault`).   mends : names of those that would help,
    and of those that are chosen.   problem : why the file cannot be read, in one line.
    """

    files = Tuple()
    file = Reference(None, allow_none=True)
    choices = Dict()
    columns = Tuple()
    faults = Tuple()
    mends = Tuple()
    problem = Unicode("")

    def __init__(self, session: Session, role: str = "recording", **traits: Any) -> None:
        super().__init__(**traits)
        self.session, self.role = session, role
        self._activity = "read" if role == "recording" else f"read the {role}"
        self.worker = Latest(self._read)
        self._last: tuple[Any, Path | None] = None, None  # recording that was read here last, and its file
        self._open: tuple[Any, Any] | None = None  # the file that was read last, as it was, and its table
        self.hear(session, self._on_recording, role)

    @property
    def recording(self) -> Any:
        """That of the session."""
        return getattr(self.session, self.role)

    @property
    def source(self) -> str:
        """The file name of `recording`."""
        return str(getattr(self.session, f"{self.role}_source"))

    def _use(self, recording: Any, source: str) -> None:
        use = self.session.use_recording if self.role == "recording" else self.session.use_control
        use(recording, source)

    def remove(self) -> None:
        """Have no control recording any more."""
        with self.session.lock:
            self._forget()
            self.files = ()
            self.session.use_control(None)

    def add(self, path: Path) -> None:
        """Take one more file, and show it."""
        with self.session.lock:
            self.files = (*self.files, path)
        self.use(path)

    def use(self, path: Path) -> None:
        """Show a file that was added, read as it says itself."""
        with self.session.lock:
            with self.hold_trait_notifications():
                self.file, self.choices = path, {}
                self.columns, self.faults, self.mends, self.problem = (), (), (), ""
            self._ask()

    @property
    def origin(self) -> Path | None:
        """The file that the session's recording was read from here, None for one that came otherwise."""
        recording, path = self._last  # `file` may be one that was refused since
        return path if self.recording is recording else None

    def reopen(self, path: Path, choices: dict[str, Any], recording: Any) -> None:
        """Show a file, which was read with these choices before, in the place of all others."""
        with self.session.lock:
            with self.hold_trait_notifications():
                self.files, self.file, self.choices = (path,), path, dict(choices)
                self.columns, self.faults, self.mends, self.problem = (), (), (), ""
            self._last = recording, path
            self._use(recording, path.name)
            self.worker.submit(_Question(path, dict(choices), recording))

    def choose(self, name: str, value: Any) -> None:
        """Read the file with another choice; None or "" takes it back."""
        with self.session.lock:
            if self.file is None:
                return
            others = {key: kept for key, kept in self.choices.items() if key != name}
            self.choices = others | ({name: value} if value not in (None, "", {}, []) else {})
            self._ask()

    def choose_of(self, name: str, quantity: str, value: Any) -> None:
        """The same of one quantity's column or unit: `name` is "columns" or "units"."""
        with self.session.lock:
            known = {key: kept for key, kept in self.choices.get(name, {}).items() if key != quantity}
            self.choose(name, known | ({quantity: value} if value not in (None, "") else {}))

    def mend(self, name: str, wanted: bool) -> None:
        """Mend what is wrong, or leave it as it was recorded."""
        with self.session.lock:
            kept = [mend for mend in self.choices.get("mend", ()) if mend != name]
            self.choose("mend", [*kept, name] if wanted else kept)

    def _ask(self) -> None:
        self.session.begin(self._activity, f"Reading {self.file.name}")
        self.worker.submit(_Question(self.file, dict(self.choices)))

    def _table(self, question: _Question) -> Any:
        from ionwidgets.recordings.read import open_table

        path, series = question.path, question.choices.get("series")
        at = path.stat() if path.exists() else None
        key = path, series, at and (at.st_mtime_ns, at.st_size)
        if self._open is None or self._open[0] != key:
            self._open = None  # two long files need not be there at once
            self._open = key, open_table(path, series)
        return self._open[1]

    def _read(self, question: _Question) -> None:
        from ionwidgets.recordings import faults
        from ionwidgets.recordings.read import read_table

        columns: tuple[Any, ...] = ()
        try:
            table = self._table(question)
            columns = tuple(table.label(index) for index in range(table.width))
            recording = question.read
            if recording is None:
                recording = read_table(table, **question.choices)
            # Shown at once: what is wrong with a long one takes longer to see than to read it.
            if self._tell(question, columns, None if question.read is recording else recording):
                self._tell(question, columns, None, tuple(faults(recording)))
        except IonWidgetsError as error:
            mend = error.mend if isinstance(error, RecordingError) else None
            self._tell(question, columns, None, (), str(error), (mend,) if mend else ())
        except Exception as error:  # or the panel would say "Reading" for ever
            self._tell(question, columns, None, (), f"The file cannot be read: {reason(error)}.")

    def _tell(
        self,
        question: _Question,
        columns: tuple[Any, ...],
        recording: Any,
        found: tuple[Any, ...] = (),
        problem: str = "",
        helps: tuple[str, ...] = (),
    ) -> bool:
        """Take an answer; False where it is not to what is asked now, whose answer is on its way."""
        with self.session.lock:
            if (question.path, question.choices) != (self.file, self.choices):
                return False
            helps += tuple(fault.mend for fault in found if fault.mend)
            chosen = question.choices.get("mend", ())
            with self.hold_trait_notifications():
                self.columns, self.faults, self.problem = columns, found, problem
                self.mends = tuple(name for name in MENDS if name in helps or name in chosen)
            if recording is not None:
                self._last = recording, question.path
                self._use(recording, question.path.name)
                self.session.begin(self._activity, f"Looking at {question.path.name}")
            else:
                self.session.end(self._activity, trouble=problem)
            return True

    def _on_recording(self, _: Any) -> None:
        """The bundled example, or a recording from Python, is of no file that was added here."""
        if self.file is not None and self.source != self.file.name:
            self._forget()

    def _forget(self) -> None:
        with self.hold_trait_notifications():
            self.file, self.choices = None, {}
            self.columns, self.faults, self.mends, self.problem = (), (), (), ""
        self.session.end(self._activity)


def choices_of(recording: Any) -> dict[str, Any]:
    """What `read_recording` was told, as the recording's attrs keep it."""
    try:
        told = json.loads(recording.attrs.get("choices", "{}"))
    except (TypeError, ValueError):
        return {}
    return told if isinstance(told, dict) else {}
