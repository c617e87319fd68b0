"""The checkpoint of a training that was interrupted: one a model, in the user's own data.

It is read here without torch (2 s) and only as far as a sentence needs it; `ionwidgets.gnn.checkpoint` reads
all of it, and unpickles nothing either.
"""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from safetensors import SafetensorError, safe_open

from ionwidgets.models import IonicModel
from ionwidgets.places import private_folder

SCHEMA = "ionwidgets/checkpoint/1"
SET_ASIDE = ".damaged"


@dataclass(frozen=True)
class Interrupted:
    """A training that can go on: how far it was, 0 to 1, and the seed that it began with."""

    fraction: float
    seed: int


@dataclass(frozen=True)
class Kept:
    """A place for the checkpoint of `model`; `path` is None where the user has none that is private."""

    path: Path | None

    @staticmethod
    def of(model: IonicModel) -> Kept:
        folder = private_folder("trainings")
        return Kept(None if folder is None else folder / f"{model.hash}.safetensors")

    def look(self) -> Interrupted | None:
        """What was interrupted, if anything was.

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
            return Interrupted(min(0.99, max(0.0, float(numbers["done"]) / most)), int(about["seed"]))
        except (SafetensorError, OSError, KeyError, TypeError, ValueError, ZeroDivisionError) as error:
            raise ValueError(" ".join(str(error).split()) or type(error).__name__) from None

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
