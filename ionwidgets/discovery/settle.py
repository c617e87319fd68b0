"""From what stage 2 says to the verdict: the fits through the ODE, which decide."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from ionwidgets.discovery.before import Before, refined
from ionwidgets.discovery.change import Change
from ionwidgets.discovery.heartbeat import Stage
from ionwidgets.discovery.judge import Judged, judge
from ionwidgets.discovery.objective import Objective
from ionwidgets.discovery.other_stimulus import with_other_stimulus
from ionwidgets.discovery.propose import first_ratios, propose, screen, together
from ionwidgets.discovery.question import Asked, Question, put_to
from ionwidgets.discovery.search import Found, search
from ionwidgets.gnn.decoder import Balance
from ionwidgets.gnn.retrain import Retrained
from ionwidgets.jobs import aside
from ionwidgets.simulation.sweep import Steps

COARSE = Steps(
    low=0.01, high=0.5, dv=0.4, bend_others=1e-3
)  # APD90 within 0.05 ms: enough to choose who is fitted in full
COARSE_SETTLING = 1000.0  # ms


@dataclass(frozen=True)
class Settled:
    """The verdict, and what it rests on.

    question, before, retrained: as they were, or beside the cell that both recordings together show;
    objective: of the last fits; like_stimulus: changes that another stimulus would look like.
    """

    question: Question
    before: Before | None
    retrained: Retrained
    objective: Objective
    judged: Judged
    like_stimulus: list[Change]


def settle(
    asked: Asked,
    question: Question,
    balance: Balance,
    retrained: Retrained,
    before: Before | None,
    *,
    stimulus_known: bool,
    alive: Callable[[], None],
    progress: Stage,
) -> Settled:
    """Try every single change quickly, fit what is proposed in full, and judge.

    `question` is what was `asked`, put to the cell as it is known so far. With a control recording (`before`)
    both are fitted together then, and the change once more against what that says of the cell. Unless the
    stimulus is known, another one is held against what was found.
    """
    shares = {name: float(np.clip(share, 0, 1)) for name, share in retrained.explained.items()}

    def telling(start: float, end: float, message: str) -> Callable[[float], None]:
        stage = Stage(progress, start, end)
        return lambda part: stage.report(part, message, importance=shares)

    discrepancy = (0.0, 0.0) if before is None else before.left
    ratios = first_ratios(balance, retrained)
    coarse = question.objective(
        paced_for=None, settling=COARSE_SETTLING, discrepancy=discrepancy, steps=COARSE, alive=alive
    )
    none, screened = screen(coarse, ratios, telling(0.0, 0.4, "Trying every single change"))
    objective = question.objective(discrepancy=discrepancy, alive=alive)
    found = search(
        objective, none, propose(coarse, screened, retrained.explained),
        together(question.model, ratios, retrained.moved),
        telling(0.4, 1.0 if before is None else 0.7, "Fitting the proposed changes"),
    )  # fmt: skip
    known: dict[Change, float] = {}
    stranger = before is not None and before.stranger
    if before is not None and found.best.values:
        before, retrained, known = _with_both(
            before, question, retrained, found, telling(0.7, 0.85, "Fitting both recordings")
        )
        own = before.model
        question = aside(alive, lambda: put_to(own, asked))
        objective = question.objective(discrepancy=before.left, alive=alive)
        found = search(
            objective, none, [found.best, *found.singles], [], telling(0.85, 1.0, "Fitting the changes again")
        )
    like_stimulus: list[Change] = []
    if not stimulus_known and before is None and all(beat.I_inj is None for beat in question.beats):
        found, like_stimulus = with_other_stimulus(objective, found)
    judged = judge(objective, none, screened, found, known, stranger)
    return Settled(question, before, retrained, objective, judged, like_stimulus)


def _with_both(
    before: Before,
    question: Question,
    retrained: Retrained,
    found: Found,
    report: Callable[[float], None],
) -> tuple[Before, Retrained, dict[Change, float]]:
    """The cell before the change as both recordings have it; the network's scales beside that cell."""
    both, known = refined(before, question, found, report)
    moved = {change.target: value - before.own[change] for change, value in both.own.items()}
    log_scales = {name: value - moved[name] for name, value in retrained.log_scales.items()}
    return both, replace(retrained, log_scales=log_scales), known
