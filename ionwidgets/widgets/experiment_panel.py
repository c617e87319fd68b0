"""Step 2: alter the model by hand, or bring a recording."""

from __future__ import annotations

from typing import Any

import ipywidgets as ipw
import numpy as np

from ionwidgets import figures
from ionwidgets.widgets import html
from ionwidgets.widgets.elements import ConductanceSliders, FigureView, Upload
from ionwidgets.widgets.experiment_state import BIOMARKERS, LONGEST, SHORTEST, ExperimentState, Response
from ionwidgets.widgets.panel import Panel, box, button, markup, on
from ionwidgets.widgets.recording_summary import recording_facts
from ionwidgets.widgets.session import Session
from ionwidgets.widgets.words import number, tenths

PREVIEW = 3000.0  # ms


class ChannelSliders(Panel):
    """A slider a conductance, `Cycle length`, and the cell's answer against control."""

    def __init__(self, session: Session, experiment: ExperimentState) -> None:
        super().__init__(session)
        self.experiment = experiment

    def build(self) -> list[ipw.Widget]:
        state = self.experiment
        self.sliders = ConductanceSliders()
        self.cycle_length = ipw.BoundedFloatText(
            description="Cycle length (ms)", value=state.cycle_length, min=SHORTEST, max=LONGEST, step=50
        )
        self.reset = button("Reset", state.reset)
        self.problem = markup()
        self.biomarkers = markup()
        empty = [figures.Trace(role, [], [], [], role) for role in ("control", "altered")]
        self.figure = FigureView(
            figures.action_potential(empty, calcium=True),
            "V and intracellular calcium of the altered cell against control",
        )
        on(self.session, "model", self._show_model)
        on(state, ["response", "scale"], self._show_response)
        on(state, "problem", self._show_problem)
        self.sliders.observe(self._on_scale, "scale")
        self.cycle_length.observe(self._on_cycle_length, "value")
        return [
            markup("<h2>Alter the model by hand</h2>"),
            box(
                box(self.sliders, box(self.cycle_length, self.reset, kind="row"), self.problem),
                box(self.figure, self.biomarkers),
                kind="columns",
            ),
        ]

    def _on_scale(self, change: Any) -> None:
        with self.session.lock:
            self.experiment.scale = {name: float(value) for name, value in change["new"].items()}

    def _on_cycle_length(self, change: Any) -> None:
        with self.session.lock:
            self.experiment.cycle_length = float(change["new"])

    def _show_model(self) -> None:
        model = self.session.model
        if model is not None:
            self.sliders.conductances = [
                {"name": name, "note": _value(model, name)} for name in model.scalable
            ]

    def _show_problem(self) -> None:
        self.problem.value = html.problem(self.experiment.problem)

    def _show_response(self) -> None:
        if self.sliders.scale != self.experiment.scale:
            self.sliders.scale = dict(self.experiment.scale)
        response: Response | None = self.experiment.response
        if response is None:
            return
        waves = (("control", response.control), ("altered", response.altered))
        figures.update_action_potential(
            self.figure, [figures.Trace(role, wave.time, wave.V, wave.Ca_i, role) for role, wave in waves]
        )
        self.biomarkers.value = response_table(response)


class RecordingPicker(Panel):
    """`Recording`: upload, preview, units, beats and notes; or the bundled example."""

    def build(self) -> list[ipw.Widget]:
        self.file = Upload(self._open, label="Recording", accept=".csv,.tsv,.txt,.gz", limit=256 * 2**20)
        self.example = button("Use the bundled example", self._use_example)
        self.facts = markup()
        self.figure = FigureView(
            figures.action_potential([figures.Trace("recording", [], [], None, "preview")]),
            "The recording's first seconds",
        )
        on(self.session, "recording", self._show)
        return [
            markup(
                "<h2>Or bring a recording</h2><p class='ionw-soft'>A CSV file with the columns "
                "cycle_length [ms], time [ms], V [mV] and, if it was measured, Ca_i [mM].</p>"
            ),
            box(box(self.file, self.example, self.facts), self.figure, kind="columns"),
        ]

    def _open(self, name: str, content: bytes) -> None:
        self.file.problem = self.session.open_recording_file(name, content)

    def _use_example(self) -> None:
        self.file.problem = ""
        self.session.load_example()

    def _show(self) -> None:
        recording = self.session.recording
        if recording is None:
            self.facts.value = "<p class='ionw-soft'>No recording is loaded.</p>"
            return
        source = self.session.recording_source or "bundled example"
        self.facts.value = html.facts({"File": source, **recording_facts(recording)})
        time = np.asarray(recording["time"], float)
        early = time <= time[0] + PREVIEW
        V = np.asarray(recording["V"].isel(cell=0), float)[early]
        figures.update_action_potential(
            self.figure, [figures.Trace("recording", time[early], V, None, "preview")]
        )
        self.figure.update_yaxes(title_text=f"V ({recording['V'].attrs.get('units', 'mV')})")


def _value(model: Any, name: str) -> str:
    """The constant that a slider scales, or that it scales the whole current."""
    variable = model.variables[name]
    return number(variable.eval(), model.units.get(name, "")) if variable.is_literal() else "whole current"


def response_table(response: Response) -> str:
    """Biomarkers of control and altered cell, and the change."""
    rows = []
    for name, (_, unit, _, relative) in BIOMARKERS.items():
        before, after = response.control.biomarkers.get(name), response.altered.biomarkers.get(name)
        if before is None and after is None:
            continue
        change = "–"
        if before is not None and after is not None:
            difference = after - before
            if not relative:
                change = tenths(difference, unit)
            elif before:
                change = tenths(100 * difference / before, "%")
        rows.append((name, number(before, unit), number(after, unit), change))
    caption = f"Biomarkers of beat 5 at a cycle length of {number(response.cycle_length, 'ms', 4)}"
    return html.table(caption, ["", "Control", "Altered", "Change"], rows, numbers=[1, 2, 3])
