"""Every run of the paper: what is shown, and the long work of making it again."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from traitlets import Bool, Enum, Int

from ionwidgets.discovery.reproduction import Reproduced, read_reproduction, shipped_reproduction
from ionwidgets.discovery.reproduction.verdicts import best_run, finds_the_change
from ionwidgets.errors import IonWidgetsError
from ionwidgets.jobs import Control, aside
from ionwidgets.places import private_folder
from ionwidgets.widgets.reference import Reference
from ionwidgets.widgets.session import Session
from ionwidgets.widgets.task_state import TaskState

DECODERS: Final = {"both": ("emulator", "ode"), "ode": ("ode",), "emulator": ("emulator",)}


class PaperState(TaskState):
    """`reproduced` is what is shown: as shipped at first, then as it was made here.

    `decoders` ("both", "ode" or "emulator") and `seed` are what the next reproduction is made with. Its runs
    land in the user's own data, one folder a seed, a file a run, so that one that was stopped goes on where
    it was. `own` says whether what is shown was made here.
    """

    decoders = Enum(tuple(DECODERS), "ode")
    seed = Int(0, min=0)
    reproduced = Reference(None, allow_none=True)
    own = Bool(False)

    key, doing, subject = "paper", "Reproducing the paper", "The reproduction"

    def __init__(self, session: Session, **traits: Any) -> None:
        super().__init__(session, **traits)
        self.show_shipped()

    def show_shipped(self) -> None:
        """Look at the reproduction that comes with the package."""
        with self.session.lock:
            self.own, self.reproduced = False, shipped_reproduction()

    def work(self, control: Control) -> Reproduced:
        folder, decoders, seed = self.folder(), DECODERS[self.decoders], self.seed
        reproduce = aside(lambda: control.report(0.0, "Loading PyTorch"), _load)
        reproduce(folder, decoders=decoders, seed=seed, progress=control)
        return read_reproduction(folder)

    def folder(self) -> Path:
        """Where the runs land.

        Raises
        ------
        IonWidgetsError : the user has no folder of their own to write to.
        """
        place = private_folder("paper")
        if place is None:
            raise IonWidgetsError(
                "there is no folder of your own to keep the runs in; ionwidgets reproduce --out FOLDER makes "
                "them where you say"
            )
        return place / f"seed-{self.seed}"

    def accept(self, value: Reproduced) -> str:
        self.own, self.reproduced = True, value
        experiments = value.results["experiments"].values()
        said = []
        for decoder in DECODERS[self.decoders]:
            best = [(one, best_run(one, decoder)) for one in experiments]
            found = sum(run is not None and finds_the_change(run, one) for one, run in best)
            said.append(f"{found} of {len(best)} changes were found by the {decoder}")
        took = value.results["elapsed_s"]["total"]
        return f"It took {took:.0f} s: {', '.join(said)}. The runs are in {value.folder}."

    def kept(self) -> str:
        return "The runs that were made are kept, and the next reproduction goes on with them."


def _load() -> Any:
    from ionwidgets.discovery.reproduction.every_run import reproduce

    return reproduce
