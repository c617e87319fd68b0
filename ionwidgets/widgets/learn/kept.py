"""The checkpoint of the last training of a model: one a model, in the user's own data.

A complete one stays there too: whoever left the page before the end finds it in the next. Pages of one user
share it, and one at a time holds it. It is read here without torch (2 s) and only as far as a sentence needs
it; `ionwidgets.gnn.checkpoint` reads all of it, and unpickles nothing either.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open

from ionwidgets.errors import TrainingError
from ionwidgets.jobs.held_file import held
from ionwidgets.models import IonicModel
from ionwidgets.places import private_folder

SCHEMA = "ionwidgets/checkpoint/1"
SET_ASIDE, HELD = ".damaged", ".lock"
PATIENCE = 0.1  # s; a look of another page is over by then, and a stop is heard in time


@dataclass(frozen=True)
class Interrupted:
    """A training that can go on: how far it was, 0 to 1, the seed that it began with, and whether it was
    complete, so that its network has only to be taken.
    """

    fraction: float
    seed: int
    finished: bool


@dataclass(frozen=True)
class Kept:
    """A place for the checkpoint of `model`; `path` is None where the user has none that is private."""

    path: Path | None

    @staticmethod
    def of(model: IonicModel) -> Kept:
        folder = private_folder("trainings")
        return Kept(None if folder is None else folder / f"{model.hash}.safetensors")

    def held(self) -> AbstractContextManager[bool]:
        """Hold it while a block lasts, within which alone it may be read, written or deleted; False where
        another page holds it.
        """
        return nullcontext(True) if self.path is None else held(self.path.with_suffix(HELD), PATIENCE)

    def look(self) -> Interrupted | None:
        """What was interrupted, or ended, if anything did.

        Raises
        ------
        ValueError : what is there cannot be read.
        """
        if self.path is None or not self.path.exists():
            return None
        try:
            with safe_open(str(self.path), framework="numpy") as file:
                words = file.metadata() or {}
            if words.get("schema") != SCHEMA:
                raise ValueError("it is of another schema")
            about, numbers = json.loads(words["about"]), json.loads(words["numbers"])
            most = about["settings"]["adam_updates"] + about["settings"]["lbfgs_updates"]
            done = 1.0 if numbers["finished"] else float(numbers["done"]) / most
            return Interrupted(min(0.99, max(0.0, done)), int(about["seed"]), bool(numbers["finished"]))
        except (SafetensorError, OSError, KeyError, TypeError, ValueError, ZeroDivisionError) as error:
            raise ValueError(" ".join(str(error).split()) or type(error).__name__) from None

    def learn(self, learn: Callable[..., Any], model: IonicModel, **options: Any) -> Any:
        """``learn(model)``, kept here; where it has failed in a way that would come again, nothing is.

        Raises
        ------
        TrainingError : as `learn` does.
        """
        from ionwidgets.gnn.checkpoint import Unusable, Unwritable  # brings torch, which `learn` needs

        try:
            return learn(model, checkpoint=self.path, **options)
        except TrainingError as error:
            if not isinstance(error, Unusable | Unwritable):
                self.forget()
            raise

    @staticmethod
    def is_unusable(error: Exception) -> bool:
        """Whether it is the checkpoint that a training has failed by."""
        from ionwidgets.gnn.checkpoint import Unusable  # brings torch, which has been loaded by then

        return isinstance(error, Unusable)

    def set_aside(self) -> str:
        """Move what cannot be used out of the way; the name that it has now."""
        assert self.path is not None
        aside = self.path.with_suffix(SET_ASIDE)
        with suppress(OSError):
            self.path.replace(aside)
        return aside.name

    def forget(self) -> None:
        """Delete it."""
        if self.path is not None:
            with suppress(OSError):
                self.path.unlink(missing_ok=True)
