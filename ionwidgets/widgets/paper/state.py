"""Every run of the paper: what is shown, and the long work of making it again."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from traitlets import Bool, Enum, Int

from ionwidgets._version import __version__
from ionwidgets.discovery.reproduction import Reproduced, read_reproduction, shipped_reproduction
from ionwidgets.discovery.reproduction.experiments import MODEL
from ionwidgets.discovery.reproduction.verdicts import best_run, finds_the_change
from ionwidgets.errors import IonWidgetsError
from ionwidgets.jobs import Control, aside
from ionwidgets.models import load_model
from ionwidgets.places import data_folder, private_folder
from ionwidgets.widgets.reference import Reference
from ionwidgets.widgets.session import Session
from ionwidgets.widgets.task_state import TaskState

STAGE_2: Final = 0.85  # of the work, that stage 2 and what comes before it is
RUNS: Final = 80  # of a decoder: control and three experiments at twenty eta
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
        folder, decoders, seed = self.made_folder(), DECODERS[self.decoders], self.seed
        reproduce = aside(lambda: control.report(0.0, "Loading PyTorch"), _load)
        reproduce(folder, decoders=decoders, seed=seed, progress=control)
        return read_reproduction(folder)

    @property
    def folder(self) -> Path:
        """Where the runs land: another version, or another model, has a folder of its own."""
        return data_folder() / "paper" / f"{__version__}-{load_model(MODEL).hash[:12]}-seed-{self.seed}"

    def made_folder(self) -> Path:
        """`folder`, which only the user can write to.

        Raises
        ------
        IonWidgetsError : the user has no folder of their own.
        """
        if private_folder("paper") is None:
            raise IonWidgetsError(
                "there is no folder of your own to keep the runs in; ionwidgets reproduce --out FOLDER makes "
                "them where you say"
            )
        return self.folder

    def begin(self) -> float:
        """The share of the work that is on disk already."""
        wanted = DECODERS[self.decoders]
        there = sum(path.name.startswith(wanted) for path in (self.folder / "runs").glob("*.safetensors"))
        return STAGE_2 * there / (RUNS * len(wanted)) if there else 0.0

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
        made = any((self.folder / "runs").glob("*.safetensors"))
        return "The runs that were made are kept: Reproduce goes on with them." if made else ""


def _load() -> Any:
    from ionwidgets.discovery.reproduction.every_run import reproduce

    return reproduce
