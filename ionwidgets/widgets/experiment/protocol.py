"""Step 2: how the cell is driven."""

from __future__ import annotations

from typing import Any

import ipywidgets as ipw

from ionwidgets.numbers import number
from ionwidgets.widgets import html
from ionwidgets.widgets.experiment.base import ExperimentPanel
from ionwidgets.widgets.experiment.intervals import intervals
from ionwidgets.widgets.experiment.live import Live
from ionwidgets.widgets.experiment.rhythm import FASTEST, LONGEST, rhythm_of
from ionwidgets.widgets.experiment.s1s2 import Restitutions, is_s1s2, restitutions
from ionwidgets.widgets.experiment.s1s2_view import RestitutionView
from ionwidgets.widgets.experiment.setting import BEATS, MOST_BEATS, TRAIN, usual_intervals
from ionwidgets.widgets.formula import formula
from ionwidgets.widgets.panel import box, close_all, markup, on

EXPLAINED = html.explain(
    "What am I looking at? How the cell is driven",
    "<p>Once every cycle length T the cell is given the model's stimulus, of amplitude A (A/F) for d ms:</p>"
    + formula("I_{stim}(t) = A, n T ≤ t < n T + d, n = 0, 1, 2 …")
    + "<p>It begins in the model's initial state, and what is shown is the last of these beats. A cell that "
    "beats by itself is given none. S1S2 restitution is such a train of S1 beats, and after each interval "
    "one beat S2: how long that is depends on the rest before it.</p>",
)
KINDS = (("Pacing", "pacing"), ("S1S2 restitution", "S1S2"))


class ProtocolPanel(ExperimentPanel):
    """`Cycle length` of the pacing, how many beats of it; or S1S2, with the restitution that it gives.

    >>> import ionwidgets as iw
    >>> sliders = iw.widgets.ChannelSliders(model="hh1952")
    >>> protocol = iw.widgets.ProtocolPanel(sliders.session, sliders.experiment)
    >>> protocol.show()
    """

    def follows(self) -> Live[Restitutions]:
        self.restitution = Live(self.experiment, restitutions, is_s1s2)
        return self.restitution

    def build(self) -> list[ipw.Widget]:
        self.cycle_length = ipw.BoundedFloatText(
            description="Cycle length (ms)",
            value=self.experiment.cycle_length,
            min=FASTEST,
            max=LONGEST,
            step=50,
        )
        self.kind = ipw.Dropdown(description="Protocol", options=KINDS)
        self.beats = ipw.BoundedIntText(description="Beats", value=BEATS, min=1, max=MOST_BEATS)
        self.s2 = ipw.Text(description="S2 intervals (ms)", continuous_update=False)
        self.unpaced = markup(
            "<p class='ionw-soft'>This cell beats by itself: it is given no stimulus, and has no cycle "
            "length.</p>"
        )
        self.explained = markup(EXPLAINED)
        self.problem = markup()
        self.curve = box()
        self.settings = box(self.kind, self.cycle_length, self.beats, self.s2, self.unpaced, kind="row")
        self.settings.add_class("is-fields")
        self._showing = False
        on(self.session, "model", self._show_model)
        on(self.experiment, ["cycle_length", "protocol"], self._show_protocol)
        on(self.restitution, ["answer", "problem"], self._show_restitution)
        self.cycle_length.observe(self._on_cycle_length, "value")
        for control in (self.kind, self.beats, self.s2):
            control.observe(self._on_protocol, "value")
        head = markup("<h2>Alter the model by hand</h2>")
        return [head, self.explained, self.settings, self.problem, self.curve]

    def _on_cycle_length(self, change: Any) -> None:
        with self.session.lock:
            if not self._showing:
                self.experiment.cycle_length = float(change["new"])

    def _on_protocol(self, change: Any) -> None:
        with self.session.lock:
            model = self.session.model
            if self._showing or model is None:
                return
            before, kind = self.experiment.protocol, self.kind.value
            if change["owner"] is self.kind:
                # Each kind begins with what is usual of it.
                s2 = usual_intervals(self.experiment.cycle_length, model.stimulus.duration + 1)
                self.experiment.protocol = (
                    {"kind": kind, "beats": TRAIN, "s2": s2}
                    if kind == "S1S2"
                    else {"kind": kind, "beats": BEATS}
                )
                return
            try:
                more = {"s2": intervals(self.s2.value)} if kind == "S1S2" else {}
            except ValueError as error:
                self.problem.value = html.problem(str(error))
                return
            self.problem.value = ""
            self.experiment.protocol = {**before, "beats": int(self.beats.value), **more}

    def _show_protocol(self) -> None:
        protocol = self.experiment.protocol
        s1s2 = protocol["kind"] == "S1S2"
        self._showing = True
        try:
            self.cycle_length.value = self.experiment.cycle_length
            self.kind.value, self.beats.value = protocol["kind"], protocol["beats"]
            self.cycle_length.description = "Cycle length (ms)"
            self.beats.description = "S1 beats" if s1s2 else "Beats"
            if s1s2:
                self.s2.value = ", ".join(number(value, digits=5) for value in protocol["s2"])
        finally:
            self._showing = False
        self.problem.value = ""
        self.s2.layout.display = None if s1s2 else "none"
        self.explained.layout.display = "none" if s1s2 else None  # the restitution explains itself
        self._show_restitution()

    def _show_restitution(self) -> None:
        s1s2 = self.experiment.protocol["kind"] == "S1S2"
        if not s1s2:
            old = self.curve.children
            self.curve.children = ()
            close_all(*old)
            return
        if not self.curve.children:
            self.curve.children = [RestitutionView()]
        if self.restitution.problem:
            self.problem.value = html.problem(self.restitution.problem)
        answer = self.restitution.answer
        if answer is not None:
            self.curve.children[0].update(answer)

    def _show_model(self) -> None:
        model = self.session.model
        if model is None:
            return
        rhythm = rhythm_of(model)
        self.cycle_length.step = rhythm.cycle_length / 20
        paced = rhythm.kind == "paced"
        alone = rhythm.kind == "spontaneous"
        self.cycle_length.layout.display = "none" if alone else None
        self.kind.layout.display = None if paced else "none"
        self.beats.layout.display = "none" if alone else None
        self.unpaced.layout.display = None if alone else "none"
