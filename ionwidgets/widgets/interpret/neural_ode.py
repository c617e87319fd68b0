"""One beat: the recording, the model as it was, the model as it was found."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import ipywidgets as ipw

from ionwidgets import figures
from ionwidgets.discovery.comparison import Beat, Comparison
from ionwidgets.discovery.shown import COMPARED
from ionwidgets.widgets import html
from ionwidgets.widgets.elements import FigureView
from ionwidgets.widgets.formula import formula
from ionwidgets.widgets.interpret.beat_table import beat_table, restitution_table
from ionwidgets.widgets.interpret.state import LONGEST, SHORTEST, InterpretState
from ionwidgets.widgets.panel import Panel, box, button, close_all, markup, offer, on
from ionwidgets.widgets.session import Session
from ionwidgets.widgets.trace_view import TraceView
from ionwidgets.widgets.words import number

EXPLAINED = html.explain(
    "One beat: recorded, of the control model, with the change that was found, and of the neural ODE",
    "<p>Every model is paced for 20 s from its initial state; its last beat is laid over the recorded one, "
    "upstroke on upstroke. The membrane potential follows</p>"
    + formula("{d V_m}/{d t} = - (∑ I_{ion} + I_{stim})")
    + "<p>with the gates of each current relaxing as</p>"
    + formula("{d h}/{d t} = {h_∞(V_m) - h}/{τ_h(V_m)}")
    + "<p>The <em>found change</em> has the model's own equations with what was found in them. The "
    "<em>neural ODE</em> takes h<sub>∞</sub> and τ of every gate, and the scale of every current, from the "
    "retrained network as they are: what it misses, the fit through the equations puts right.</p>",
)
EXPLAINED_RESTITUTION = html.explain(
    "How long the action potential lasts at every cycle length",
    "<p>Points: recorded beats. Lines: the mean of the last 5 s of 20 s of pacing, where the cell follows "
    "its stimuli 1:1 or with alternans; a line ends where it does not.</p>"
    + formula('APD_90 = t_{"90 % repolarised"} - t_{"upstroke"}'),
)


class NeuralODEView(Panel):
    """The recorded beat against the control's and the found cell's, at any cycle length.

    >>> import ionwidgets as iw
    >>> from ionwidgets.discovery import example_result
    >>> view = iw.widgets.NeuralODEView(result=example_result())
    >>> view.interpret.predict(500.0)
    >>> view
    """

    def __init__(
        self, session: Session | None = None, interpret: InterpretState | None = None, **shared: Any
    ) -> None:
        super().__init__(session, **shared)
        self.interpret = interpret or self.own(InterpretState(self.session))
        self.ready()

    def build(self) -> list[ipw.Widget]:
        self.caption = markup()
        self.menu = ipw.Dropdown(description="Cycle length")
        self.menu.observe(self._choose, "value")
        self.other = ipw.BoundedFloatText(
            500.0, min=SHORTEST, max=LONGEST, step=10, description="Predict at (ms)"
        )
        self.predict = button("Predict", self._predict)
        self.problem = markup()
        self.table = markup()
        name = "The recording, the control cell and the found cell"
        self.comparison = TraceView(
            _compared_traces({}), (name, name), time="Time from the upstroke (ms)", height=440, calcium=True
        )
        self.restitute = button("Show restitution", self.interpret.find_restitution)
        self.restitution = box()
        on(self.interpret, ["choices", "chosen"], self._show_choices)
        on(self.interpret, "comparison", self._show_comparison)
        on(self.interpret, ["comparison", "numbers"], self._show_numbers)
        on(self.interpret, "problem", self._show_problem)
        on(self.interpret, "restitution", self._show_restitution)
        self.interpret.measure()
        asked = box(self.other, self.predict, kind="row is-fields")
        return [
            self.caption,
            markup(EXPLAINED),
            box(self.menu, asked, kind="row is-fields"),
            self.problem,
            self.comparison,
            self.table,
            self.restitute,
            self.restitution,
        ]

    def _predict(self) -> None:
        self.problem.value = html.problem(self.interpret.predict(float(self.other.value)))

    def _show_choices(self) -> None:
        choices = self.interpret.choices
        offer(self.menu, self.interpret.named(), self.interpret.chosen, self._choose)
        self.menu.disabled = not choices
        self.other.disabled = self.predict.disabled = not self.interpret.free
        self.restitute.disabled = not choices

    def _choose(self, change: Any) -> None:
        if change["new"] is not None:
            self.interpret.choose(change["new"])

    def _show_problem(self) -> None:
        self.problem.value = html.problem(self.interpret.problem)

    def _show_comparison(self) -> None:
        comparison: Comparison | None = self.interpret.comparison
        if comparison is None:
            self.caption.value = ""
            return
        self.interpret.measure()
        beats = dict(comparison.paced)
        if comparison.v_units == "mV" and comparison.recorded is not None:  # others share no axis with it
            beats["recording"] = comparison.recorded
        self.comparison.update(_compared_traces(beats))
        self.caption.value = (
            "<h3>One beat at a cycle length of "
            f"{html.text(number(comparison.cycle_length, 'ms', 4))}, upstrokes aligned</h3>"
        )

    def _show_numbers(self) -> None:
        comparison = self.interpret.comparison
        self.table.value = "" if comparison is None else beat_table(comparison, self.interpret.numbers)

    def _show_restitution(self) -> None:
        old, table = self.restitution.children, self.interpret.restitution
        self.restitute.layout.display = None if table is None else "none"
        if table is None:
            self.restitution.children = []
        else:
            curves = [
                figures.Restitution(name, rows["cycle_length"].to_numpy(), rows["APD90"].to_numpy(), role)
                for source, name, role in COMPARED
                if not (rows := table[table["source"] == source]).empty
            ]
            self.restitution.children = [
                markup(f"<h3>Restitution</h3>{EXPLAINED_RESTITUTION}"),
                FigureView(
                    figures.restitution(curves), "APD90 against cycle length, recorded and of the models"
                ),
                markup(restitution_table(table)),
            ]
        close_all(*old)


def _compared_traces(beats: Mapping[str, Beat]) -> list[figures.Trace]:
    """The same traces whatever there is, empty where there is no beat: the figure has a line for each."""
    return [
        figures.Trace(name, *_thinned(beats[key]), role)
        if key in beats
        else figures.Trace(name, [], [], None, role)
        for key, name, role in COMPARED
    ]


def _thinned(beat: Beat) -> tuple[Any, Any, Any]:
    """No more points than a screen has columns: a beat that is measured has ten a millisecond."""
    every = max(1, beat.time.size // 1600)
    return beat.time[::every], beat.V[::every], None if beat.Ca_i is None else beat.Ca_i[::every]
