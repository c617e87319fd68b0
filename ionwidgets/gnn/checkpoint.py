"""The file of a training that may be interrupted: safetensors with JSON beside them, never a pickle."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open

from ionwidgets.errors import TrainingError
from ionwidgets.gnn.descent import Descent, State
from ionwidgets.gnn.tensor_file import save_tensors

SCHEMA = "ionwidgets/checkpoint/1"
EVERY = 5.0  # s between two writings


class Unusable(TrainingError):
    """A file that a training cannot go on from."""


class Unwritable(TrainingError):
    """A file that cannot be written now; what was written before is there still."""


class Checkpoint:
    """The last good state of one training, told by `about` (model hash, seed, settings, versions, ...)."""

    def __init__(self, path: str | Path, about: dict[str, Any]) -> None:
        self.path = Path(path)
        self.about: dict[str, Any] = json.loads(json.dumps(about))  # as it comes back from a file
        self._last: State | None = None
        self._written_at = float("-inf")

    def take_up(self, descent: Descent) -> None:
        """Put the file's state into `descent`; where there is no file, begin one.

        Raises
        ------
        Unusable : the file is of another training or of something else.
        Unwritable : as for `write`.
        """
        if self.path.exists():
            state = self._read()
            try:
                descent.restore(state)
            except (KeyError, ValueError, TypeError, RuntimeError) as error:
                raise self._unreadable(error) from None
        self.keep(descent.state())

    def keep(self, state: State) -> None:
        """Hold `state`, and write it if the last writing is some seconds old."""
        self._last = state
        if time.monotonic() - self._written_at >= EVERY:
            self.write()

    def write(self) -> None:
        """Write what was held last, whole or not at all.

        Raises
        ------
        Unwritable : there is no room, or no such place.
        """
        if self._last is None:
            return
        tensors, numbers = self._last
        words = {"schema": SCHEMA, "about": json.dumps(self.about), "numbers": json.dumps(numbers)}
        try:
            save_tensors(tensors, self.path, words)
        except (OSError, SafetensorError) as error:
            raise Unwritable(
                f"{self.path}: the checkpoint cannot be written ({error}); make room there"
            ) from None
        self._last, self._written_at = None, time.monotonic()

    def _read(self) -> State:
        try:
            with safe_open(str(self.path), framework="pt") as file:
                words = file.metadata() or {}
                tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118 (no mapping)
            if words.get("schema") != SCHEMA:
                raise Unusable(f"{self.path.name}: not a checkpoint of ionwidgets; give another file")
            about, numbers = dict(json.loads(words["about"])), dict(json.loads(words["numbers"]))
        except (SafetensorError, OSError, KeyError, ValueError, TypeError) as error:
            raise self._unreadable(error) from None
        if about != self.about:
            keys = [key for key in {**self.about, **about} if self.about.get(key) != about.get(key)]
            told = "; ".join(f"{key} {about.get(key)}, here {self.about.get(key)}" for key in keys)
            raise Unusable(f"{self.path.name}: a checkpoint of another training ({told}); give another file")
        return State(tensors, numbers)

    def _unreadable(self, error: Exception) -> Unusable:
        return Unusable(
            f"{self.path.name}: cannot be read as a checkpoint ({' '.join(str(error).split())}); "
            "give another file"
        )
