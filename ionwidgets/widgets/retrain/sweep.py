"""Step 4: what eta does on this recording."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from traitlets import Tuple, observe

from ionwidgets.errors import IonWidgetsError
from ionwidgets.jobs import Control
from ionwidgets.simulation.given import shown
from ionwidgets.widgets.part import Part
from ionwidgets.widgets.reference import Reference
from ionwidgets.widgets.retrain.state import RetrainState
from ionwidgets.widgets.retrain.tools import load_tools
from ionwidgets.widgets.session import Session
from ionwidgets.widgets.task_state import TaskState

ETAS = (1e-5, 3e-5, 1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 3e-2, 0.1)
MOST_ETAS = 40
NO_MATTER = (
    "eta",
    "decoder",
)  # of a retraining's reasons: this sweep, and what decodes, which it does not use


@dataclass(frozen=True)
class TradeOff:
    """Over the seeds of one eta: mean misfit and mean change of the gates, and the least and most misfit."""

    eta: float
    misfit: float
    moved: float
    low: float
    high: float
    seeds: int


class EtaSweep(TaskState):
    """Stage 2 over `etas`, with the seeds and the rest of the settings of a `RetrainState`.

    `points`: a `TradeOff` an eta, the smallest first, as far as known.
    """

    etas = Tuple(ETAS)
    points = Reference(())

    key, doing, subject = "eta", "Sweeping eta", "The sweep over eta"

    def __init__(self, session: Session, retrain: RetrainState, **traits: Any) -> None:
        super().__init__(session, **traits)
        self._retrain = retrain
        self.hear(session, self._on_basis, ["model", "recording", "control"])
        self.hear(retrain, self._find_blockers, ["blockers", "busy"])
        retrain.take_turns(self)
        self._find_blockers()

    def use(self, eta: float) -> None:
        """Retrain with this eta from now on."""
        with self.session.lock:
            self._retrain.eta = float(eta)

    def work(self, control: Control) -> Any:
        session, retrain = self.session, self._retrain
        tools, arguments = load_tools(control), retrain.arguments()
        arguments.pop("decoder", None)  # the trade is told by the ODE
        network, begin = retrain.network(tools, session.model, retrain.seeds[0], arguments, control)
        return tools.eta_trade_off(
            session.model, session.recording, session.control, etas=self.etas, seeds=retrain.seeds,
            network=network, progress=Part(control, begin, 1.0), **arguments,
        )  # fmt: skip

    def accept(self, value: Any) -> str:
        self.points = points_of(value)
        return f"{len(self.points)} values of eta were tried: choose one from the figure or the menu."

    @observe("facts")
    def _on_facts(self, _: Any) -> None:
        traded = self.facts.get("traded")
        if traded and len(traded) != sum(point.seeds for point in self.points):
            self.points = points_of(traded)

    @observe("busy")
    def _on_busy(self, change: Any) -> None:
        if change["new"]:
            self.points = ()

    def _on_basis(self, _: Any) -> None:
        self.abandon()
        self.points = ()
        self._find_blockers()

    def _find_blockers(self, _: Any = None) -> None:
        with self.session.lock:
            why = [line for name, line in self._retrain.reasons.items() if name not in NO_MATTER]
            if self._retrain.busy:
                why.append("The retraining is running: wait for it, or stop it.")
            self.blockers = tuple(why)


def points_of(traded: Any) -> tuple[TradeOff, ...]:
    """The runs of a sweep, one point an eta."""
    points = []
    for eta in sorted({run.eta for run in traded}):
        runs = [run for run in traded if run.eta == eta]
        misfits = [run.misfit for run in runs]
        moved = float(np.mean([run.moved for run in runs]))
        points.append(TradeOff(eta, float(np.mean(misfits)), moved, min(misfits), max(misfits), len(runs)))
    return tuple(points)


def etas_of(text: str) -> tuple[float, ...]:
    """What was typed: "1e-4, 1e-3 0.01".

    Raises
    ------
    IonWidgetsError : no numbers between 0 and 1, or more than `MOST_ETAS`.
    """
    try:
        etas = sorted({float(part) for part in text.replace(",", " ").replace(";", " ").split()})
    except ValueError:
        etas = []
    if not etas or len(etas) > MOST_ETAS or not all(0 < eta < 1 for eta in etas):
        raise IonWidgetsError(
            f"etas are 1 to {MOST_ETAS} numbers between 0 and 1, such as 1e-4, 1e-3; found {shown(text)}"
        )
    return tuple(etas)
