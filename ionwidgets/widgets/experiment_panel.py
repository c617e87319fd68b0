"""Step 2: alter the model by hand."""

from __future__ import annotations

from typing import Any

import ipywidgets as ipw

from ionwidgets import figures
from ionwidgets.widgets import html
from ionwidgets.widgets.elements import ConductanceSliders
from ionwidgets.widgets.experiment_state import ExperimentState, Response
from ionwidgets.widgets.measures import BIOMARKERS, Biomarker
from ionwidgets.widgets.model_tables import value_of
from ionwidgets.widgets.panel import Panel, box, button, markup, on
from ionwidgets.widgets.rhythm import FASTEST, LONGEST, rhythm_of
from ionwidgets.widgets.session import Session
from ionwidgets.widgets.trace_view import TraceView
from ionwidgets.widgets.wave import BEATS
from ionwidgets.widgets.words import number, tenths


class ChannelSliders(Panel):
    """A slider a conductance, `Cycle length`, and the cell's answer against control."""

    def __init__(self, session: Session, experiment: ExperimentState) -> None:
        super().__init__(session)
        self.experiment = experiment

    def build(self) -> list[ipw.Widget]:
        state = self.experiment
        self.sliders = ConductanceSliders()
        self.cycle_length = ipw.BoundedFloatText(
            description="Cycle length (ms)", value=state.cycle_length, min=FASTEST, max=LONGEST, step=50
        )
        self.reset = button("Reset", state.reset)
        self.unpaced = markup(
            "<p class='ionw-soft'>This cell beats by itself: it is given no stimulus, and has no cycle "
            "length.</p>"
        )
        self.problem = markup()
        self.biomarkers = markup()
        self.figure = TraceView(
            [figures.Trace(role, [], [], None, role) for role in ("control", "altered")],
            (
                "V of the altered cell against control",
                "V and intracellular calcium of the altered cell against control",
            ),
            calcium=self.session.model is not None and self.session.model.calcium is not None,
        )
        on(self.session, "model", self._show_model)
        on(state, "cycle_length", self._show_cycle_length)
        on(state, ["response", "scale", "problem"], self._show_response)
        self.sliders.observe(self._on_scale, "scale")
        self.cycle_length.observe(self._on_cycle_length, "value")
        return [
            markup("<h2>Alter the model by hand</h2>"),
            box(
                box(
                    self.sliders,
                    box(self.cycle_length, self.reset, kind="row"),
                    self.unpaced,
                    self.problem,
                ),
                box(self.figure, self.biomarkers),
                kind="columns",
            ),
        ]

    def _on_scale(self, change: Any) -> None:
        with self.session.lock:
            model = self.session.model  # a slider of the model before may have been on its way
            if model is not None:
                moved = change["new"].items()
                self.experiment.scale = {name: float(x) for name, x in moved if name in model.scalable}

    def _on_cycle_length(self, change: Any) -> None:
        with self.session.lock:
            self.experiment.cycle_length = float(change["new"])

    def _show_cycle_length(self) -> None:
        self.cycle_length.value = self.experiment.cycle_length

    def _show_model(self) -> None:
        model = self.session.model
        if model is None:
            return
        self.sliders.conductances = [{"name": name, "note": value_of(model, name)} for name in model.scalable]
        rhythm = rhythm_of(model)
        self.cycle_length.step = rhythm.cycle_length / 20
        self.cycle_length.layout.display = "none" if rhythm.kind == "spontaneous" else None
        self.unpaced.layout.display = None if rhythm.kind == "spontaneous" else "none"

    def _show_response(self) -> None:
        if self.sliders.scale != self.experiment.scale:
            self.sliders.scale = dict(self.experiment.scale)
        self.problem.value = html.problem(self.experiment.problem)
        response: Response | None = self.experiment.response
        if response is None:  # of the model that is open now
            self.figure.blank()
            self.biomarkers.value = "<p class='ionw-soft'>Simulating …</p>" * (not self.experiment.problem)
            return
        waves = (("control", response.control), ("altered", response.altered))
        self.figure.update([figures.Trace(role, wave.time, wave.V, wave.Ca_i, role) for role, wave in waves])
        self.biomarkers.value = response_table(self.session.model, response)


def response_table(model: Any, response: Response) -> str:
    """Biomarkers of control and altered cell, and the change."""
    control, altered = response.control.biomarkers, response.altered.biomarkers
    rows = [
        (
            name,
            number(control.get(name), marker.unit),
            number(altered.get(name), marker.unit),
            _change(control.get(name), altered.get(name), marker),
        )
        for name, marker in BIOMARKERS.items()
        if name in control or name in altered
    ]
    every = number(response.cycle_length, "ms", 4)
    caption = {
        "paced": f"Biomarkers of beat {BEATS} at a cycle length of {every}",
        "spontaneous": "Biomarkers of the last beat",
        "step": f"Spikes under step {BEATS}, one every {every}",
    }[rhythm_of(model).kind]
    return html.table(caption, ["", "Control", "Altered", "Change"], rows, numbers=[1, 2, 3])


def _change(before: float | None, after: float | None, marker: Biomarker) -> str:
    if before is None or after is None:
        return "–"
    if marker.change == "count":
        return f"{after - before:+.0f}".replace("-", "−") if after != before else "0"
    if marker.change == "difference":
        return tenths(after - before, marker.unit)
    return tenths(100 * (after - before) / before, "%") if before else "–"
