"""Step 2: alter the model by hand."""

from __future__ import annotations

from typing import Any

import ipywidgets as ipw

from ionwidgets import figures
from ionwidgets.widgets import html
from ionwidgets.widgets.elements import ConductanceSliders, UndoBar
from ionwidgets.widgets.experiment.base import ExperimentPanel
from ionwidgets.widgets.experiment.measures import BIOMARKERS, Biomarker
from ionwidgets.widgets.experiment.presets import missing, offered, presets
from ionwidgets.widgets.experiment.rhythm import rhythm_of
from ionwidgets.widgets.experiment.setting import acts
from ionwidgets.widgets.experiment.state import Response
from ionwidgets.widgets.formula import formula
from ionwidgets.widgets.model.tables import value_of
from ionwidgets.widgets.panel import box, markup, offer, on
from ionwidgets.widgets.trace_view import TraceView
from ionwidgets.widgets.words import number, tenths

OWN = "Own setting"
EQUATION = (
    "<p>V<sub>m</sub> of the last beats. Its equation, with currents in A/F:</p>"
    + formula("{d V_m}/{d t} = - ∑_i x_i I_i - I_{stim}")
    + "<p>A slider is the factor <i>x</i> of its whole current: 1 is the cell as published (control, grey), "
    "0 a complete block. Both cells start from the model's initial state and are paced alike.</p>"
)


class ChannelSliders(ExperimentPanel):
    """A slider a conductance, and the cell's answer against control.

    >>> import ionwidgets as iw, ipywidgets, traitlets
    >>> picker, sliders = iw.widgets.ModelPicker(), iw.widgets.ChannelSliders()
    >>> traitlets.dlink((picker, "model"), (sliders, "model"))
    >>> both = ipywidgets.VBox([picker, sliders])
    """

    def build(self) -> list[ipw.Widget]:
        state = self.experiment
        self.sliders = ConductanceSliders(self.session.lock)
        self.preset = ipw.Dropdown(description="Preset", options=[OWN])
        self.source = markup()
        self.undo = UndoBar({"undo": state.undo, "redo": state.redo, "reset": state.reset})
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
        self._told: Response | None = None  # what figure and table show
        self.preset.observe(self._on_preset, "value")
        on(self.session, "model", self._show_model)
        on(state, ["scale", "drug"], self._show_scale)
        on(state, ["can_undo", "can_redo"], self._show_history)
        on(state, ["response", "problem"], self._show_response)
        self.sliders.observe(self._on_scale, "scale")
        return [
            box(
                box(self.preset, self.source, self.undo, self.sliders, self.problem),
                box(
                    markup(html.explain("What am I looking at? The cell against control", EQUATION)),
                    self.figure,
                    self.biomarkers,
                ),
                kind="columns",
            ),
        ]

    def _on_preset(self, change: Any) -> None:
        with self.session.lock:
            model = self.session.model
            scale = offered(model).get(change["new"]) if model is not None else None
            if scale is not None:
                self.experiment.scale_alone(scale)

    def _on_scale(self, change: Any) -> None:
        with self.session.lock:
            model = self.session.model  # a slider of the model before may have been on its way
            if model is not None:
                moved = change["new"].items()
                self.experiment.scale = {name: float(x) for name, x in moved if name in model.scalable}

    def _show_model(self) -> None:
        model = self.session.model
        if model is None:
            return
        self.sliders.conductances = [{"name": name, "note": value_of(model, name)} for name in model.scalable]
        self._show_scale()

    def _show_scale(self) -> None:
        model, scale = self.session.model, self.experiment.scale
        if model is None:
            return
        if self.sliders.scale != scale:
            self.sliders.scale = dict(scale)
        known = offered(model)
        # Under a drug the cell is none of them, whatever the sliders say.
        drugged = acts(self.experiment.drug)
        name = next((name for name, factors in known.items() if factors == scale and not drugged), OWN)
        names = [*known, *([OWN] if name == OWN else [])]
        offer(self.preset, [(name, name) for name in names], name, self._on_preset)
        told = source_of(model, name)
        if self.source.value != told:
            self.source.value = told

    def _show_history(self) -> None:
        with self.undo.hold_sync():
            self.undo.can_undo, self.undo.can_redo = self.experiment.can_undo, self.experiment.can_redo

    def _show_response(self) -> None:
        self.problem.value = html.problem(self.experiment.problem)
        response: Response | None = self.experiment.response
        if response is None:  # of the model that is open now
            self.figure.blank()
            self._told = None
            self.biomarkers.value = "<p class='ionw-soft'>Simulating …</p>" * (not self.experiment.problem)
            return
        if response is self._told:
            return
        self._told = response
        waves = (("control", response.control), ("altered", response.altered))
        self.figure.update([figures.Trace(role, wave.time, wave.V, wave.Ca_i, role) for role, wave in waves])
        self.biomarkers.value = response_table(self.session.model, response)


def source_of(model: Any, name: str) -> str:
    """Where a preset comes from; and which cannot be had of this model."""
    told = ""
    preset = next((preset for preset in presets() if preset.name == name), None)
    if preset is not None:
        told = f"<p class='ionw-soft'>{html.text(preset.note)} Source: {html.text(preset.source)}</p>"
    lacks = [f"{name.partition(' (')[0]} ({' and '.join(names)})" for name, names in missing(model).items()]
    if lacks:
        told += (
            "<details class='ionw-explain'><summary>Presets that this model cannot express</summary><div><p>"
            f"It has no conductance of its own for the current in brackets: {html.text(', '.join(lacks))}."
            "</p></div></details>"
        )
    return told


def response_table(model: Any, response: Response) -> str:
    """Biomarkers of control and altered cell, and the change."""
    control, altered = response.control.biomarkers, response.altered.biomarkers
    rows = [
        (
            html.named(name),
            number(control.get(name), marker.unit),
            number(altered.get(name), marker.unit),
            _change(control.get(name), altered.get(name), marker),
        )
        for name, marker in BIOMARKERS.items()
        if name in control or name in altered
    ]
    every = number(response.cycle_length, "ms", 4)
    caption = {
        "paced": f"Biomarkers of beat {response.beats} at a cycle length of {every}",
        "spontaneous": "Biomarkers of the last beat",
        "step": f"Spikes under step {response.beats}, one every {every}",
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
