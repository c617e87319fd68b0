"""Step 1: which cell."""

from __future__ import annotations

from typing import Any

import ipywidgets as ipw

from ionwidgets import figures
from ionwidgets.errors import IonWidgetsError
from ionwidgets.models import list_models, load_model
from ionwidgets.widgets import html
from ionwidgets.widgets.elements import FigureView, Upload
from ionwidgets.widgets.experiment_state import BIOMARKERS, ExperimentState, Response
from ionwidgets.widgets.panel import Panel, box, markup, on
from ionwidgets.widgets.session import Session
from ionwidgets.widgets.words import number, symbol


class ModelPicker(Panel):
    """`Model`, `Variant`, `Open model file`; what the cell is made of, and how it beats."""

    def __init__(self, session: Session, experiment: ExperimentState) -> None:
        super().__init__(session)
        self.experiment = experiment

    def build(self) -> list[ipw.Widget]:
        self._showing = False
        self.cards = {card.name: card for card in list_models()}
        self.model = ipw.Dropdown(description="Model", options=self._names())
        self.variant = ipw.Dropdown(description="Variant", options=[])
        self.file = Upload(self._open, label="Open model file", accept=".mmt", limit=2**22)
        self.about = markup()
        self.contents = markup()
        self.biomarkers = markup()
        self.figure = FigureView(
            figures.action_potential([figures.Trace("control", [], [], [], "control")], calcium=True),
            "Action potential and calcium transient of the model as published",
        )
        on(self.session, "model", self._show_model)
        on(self.experiment, "response", self._show_response)
        self.model.observe(self._choose_model, "value")
        self.variant.observe(self._choose_variant, "value")
        return [
            box(
                box(self.model, self.variant, self.file, self.about),
                box(self.figure, self.biomarkers),
                kind="columns",
            ),
            self.contents,
        ]

    def _names(self) -> list[tuple[str, str]]:
        options = [(card.title, card.name) for card in self.cards.values()]
        model = self.session.model
        if model is not None and model.name not in self.cards:
            options.append((model.title, model.name))
        return options

    def _open(self, name: str, content: bytes) -> None:
        self.file.problem = self.session.open_model_file(name, content)

    def _choose_model(self, change: Any) -> None:
        if change["new"] in self.cards and not self._showing:
            self._load(change["new"], None)

    def _choose_variant(self, change: Any) -> None:
        if change["new"] and self.model.value in self.cards and not self._showing:
            self._load(self.model.value, change["new"])

    def _load(self, name: str, variant: str | None) -> None:
        current = self.session.model
        if current is not None and current.name == name and variant in (None, current.variant):
            return
        try:
            model = load_model(name, variant)
            self.session.use_model(model, model.key)
            self.file.problem = ""
        except IonWidgetsError as error:
            self.file.problem = str(error)

    def _show_model(self) -> None:
        model = self.session.model
        if model is None:
            return
        card = self.cards.get(model.name)
        variants = (
            [] if card is None else [(f"{name}: {words}", name) for name, words in card.variants.items()]
        )
        self._showing = True  # what is set below is no choice of the user's
        try:
            set_options(self.model, self._names(), model.name)
            set_options(self.variant, variants, model.variant if variants else None)
        finally:
            self._showing = False
        self.variant.layout.display = None if variants else "none"
        known = {
            "Species": model.species,
            "Tissue": model.tissue,
            "Publication": model.publication,
            "DOI": model.doi,
        }
        self.about.value = html.facts({name: value for name, value in known.items() if value})
        self.contents.value = contents_tables(model)

    def _show_response(self) -> None:
        response: Response | None = self.experiment.response
        if response is None:
            return
        wave = response.control
        trace = figures.Trace("control", wave.time, wave.V, wave.Ca_i, "control")
        figures.update_action_potential(self.figure, [trace])
        self.biomarkers.value = html.table(
            f"Control at a cycle length of {number(response.cycle_length, 'ms', 4)}",
            ["Biomarker", "Value"],
            [
                (name, number(wave.biomarkers[name], unit))
                for name, (_, unit, _, _) in BIOMARKERS.items()
                if name in wave.biomarkers
            ],
            numbers=[1],
        )


def set_options(picker: ipw.Dropdown, options: list[tuple[str, str]], value: str | None) -> None:
    """Give a picker its options only where they differ: a new list forgets what was chosen."""
    if tuple(picker.options) != tuple(options):
        picker.options = options
    picker.value = value


def contents_tables(model: Any) -> str:
    """States, gates and currents of a model as tables side by side."""
    gates = {gate.name: gate.current for gate in model.gates}
    states = [
        (
            html.Markup(symbol(name)),
            "gate" if name in gates else "",
            html.Markup(symbol(gates.get(name) or "")),
            number(float(value), "" if model.units.get(name) == "1" else model.units.get(name, ""), 4),
        )
        for name, value in zip(model.states, model.initial, strict=True)
    ]
    currents = [
        (
            html.Markup(symbol(current.name)),
            html.Markup(symbol(current.conductance or "–")),
            number(model.conductances.get(current.conductance), model.units.get(current.conductance, ""))
            if current.conductance
            else "–",
            html.Markup(", ".join(symbol(gate) for gate in current.gates) or "–"),
        )
        for current in model.currents
    ]
    return (
        '<div class="ionw-columns is-even">'
        + html.table("Currents", ["Current", "Conductance", "Value", "Gates"], currents, numbers=[2])
        + html.table("States", ["State", "Kind", "Of", "Initial value"], states, numbers=[3])
        + "</div>"
    )
