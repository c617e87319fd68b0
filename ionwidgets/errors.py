"""The errors that a user can cause: one base, one line each (what is wrong, where, what to do)."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches
from pathlib import Path


class IonWidgetsError(Exception):
    """Base of every error that a user's input can cause; its text is one line fit for the screen."""


class ModelError(IonWidgetsError):
    """A model that cannot be found, read or understood."""


class ModelQuestion(ModelError):
    """A model that can be read in more than one way.

    Parameters
    ----------
    question : what has to be known, in a sentence.
    argument : the argument of `load_model` that answers it.
    candidates : the names that it may take.
    """

    def __init__(self, question: str, argument: str, candidates: Sequence[str]) -> None:
        self.question, self.argument, self.candidates = question, argument, tuple(candidates)
        names = ", ".join(self.candidates) or "the file has no candidates"
        super().__init__(f'{question} Give {argument}="name" to load_model: {names}')


class SimulationError(IonWidgetsError):
    """A simulation that was asked for with impossible settings, or that broke down."""


class SimulationWarning(UserWarning):
    """Some cells of a sweep broke down and the rest was kept, or compiled kernels cannot be kept."""


class TrainingError(IonWidgetsError):
    """Training that cannot start or has diverged."""


class RecordingError(IonWidgetsError):
    """A recording that cannot be read or used.

    Parameters
    ----------
    message : what is wrong, what was expected, what to do.
    file, line, column : where, as far as known (`line` counts from 1, `column` is a name or a number).
    mend : what `read_recording(mend=[...])` would put right.
    """

    def __init__(
        self,
        message: str,
        *,
        file: str | Path | None = None,
        line: int | None = None,
        column: str | int | None = None,
        mend: str | None = None,
    ) -> None:
        self.file, self.line, self.column, self.mend = file, line, column, mend
        where = "" if file is None else Path(file).name
        if line is not None:
            where += f":{line}" if where else f"line {line}"
        parts = [where] if where else []
        if column is not None:
            parts.append(f"column {column!r}")
        super().__init__(": ".join([*parts, message]))


def unknown_name(what: str, name: str, known: list[str]) -> str:
    """Sentence for a name that does not exist, with the nearest that do."""
    near = get_close_matches(str(name), known, n=3, cutoff=0.4)  # a number is no name either
    hint = f"did you mean {' or '.join(near)}?" if near else f"there are: {', '.join(known)}"
    return f"unknown {what} {name!r}; {hint}"
