"""Step 1: which cell."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import ipywidgets as ipw

from ionwidgets import figures
from ionwidgets.errors import IonWidgetsError
from ionwidgets.models import list_models, load_model
from ionwidgets.models.read import LARGEST_FILE
from ionwidgets.widgets import html
from ionwidgets.widgets.elements import Upload
from ionwidgets.widgets.experiment.base import ExperimentPanel
from ionwidgets.widgets.experiment.measures import BIOMARKERS
from ionwidgets.widgets.experiment.rhythm import rhythm_of
from ionwidgets.widgets.experiment.state import Response
from ionwidgets.widgets.formula import formula
from ionwidgets.widgets.interpret.gates import GateExplorer
from ionwidgets.widgets.model.question import ModelQuestionForm
from ionwidgets.widgets.model.tables import contents_tables, equations, model_facts
from ionwidgets.widgets.panel import box, button, close_all, markup, offer, on
from ionwidgets.widgets.session import MODEL_FILES
from ionwidgets.widgets.trace_view import TraceView
from ionwidgets.widgets.words import brief, number, quantity

EXPLAINED = html.explain(
    "A cell as a system of equations: its currents, and the gates that let them through",
    "<p>Currents through the membrane change its potential; outward ones are positive. Per capacitance of "
    "the membrane they are in A/F, so that 1 A/F moves V<sub>m</sub> by 1 mV a ms:</p>"
    + formula("{d V_m}/{d t} = - (∑ I_X + I_{stim}), I_X = g_X h_1 h_2 … (V_m - E_X)")
    + "<p>Gates h follow V<sub>m</sub>, concentrations the currents. Below is one beat of the model as "
    "published, what it is made of, and every equation as its file has it.</p>",
)


class ModelPicker(ExperimentPanel):
    """`Model`, `Variant`, `Open model file`; what the cell is made of, and how it beats.

    >>> import ionwidgets as iw
    >>> picker = iw.widgets.ModelPicker(model="tnnp2004:epi")
    >>> picker
    >>> picker.model.currents
    """

    def build(self) -> list[ipw.Widget]:
        self.cards = {card.name: card for card in list_models()}
        self.model_menu = ipw.Dropdown(description="Model", options=self._names())
        self.variant_menu = ipw.Dropdown(description="Variant", options=[])
        self.file = Upload(
            self._open, label="Open model file", accept=",".join(MODEL_FILES), limit=LARGEST_FILE
        )
        self.question = ModelQuestionForm(self.session, self._tell)
        self.about = markup()
        self.contents = markup()
        self.equations = markup()
        self.curves_button = button("Show gate curves", self._turn_curves)
        self.curves = box()
        self.problem = markup()
        self.biomarkers = markup()
        self.figure = TraceView(
            [figures.Trace("control", [], [], None, "control")],
            (
                "Action potential of the model as published",
                "Action potential and calcium transient of the model as published",
            ),
            calcium=self.session.model is not None and self.session.model.calcium is not None,
        )
        self.model_menu.observe(self._choose_model, "value")
        self.variant_menu.observe(self._choose_variant, "value")
        on(self.session, "model", self._show_model)
        on(self.experiment, ["response", "problem"], self._show_response)
        return [
            box(
                box(self.model_menu, self.variant_menu, self.file, self.question, self.about),
                box(markup(EXPLAINED), self.problem, self.figure, self.biomarkers),
                kind="columns",
            ),
            self.contents,
            self.curves_button,
            self.curves,
            self.equations,
        ]

    def _turn_curves(self) -> None:
        """Show the gates of the model that is open, or put them away."""
        with self.session.lock:
            old = self.curves.children
            if old:
                self.curves.children = []
            else:
                explorer = GateExplorer(self.session, of_model=True)
                explorer.show()
                self.curves.children = [explorer]
            self.curves_button.description = "Show gate curves" if old else "Hide gate curves"
            close_all(*old)

    def _names(self) -> list[tuple[str, str]]:
        options = [(brief(card.title), card.name) for card in self.cards.values()]
        model = self.session.model
        if model is not None and not self._in_library():
            source = self.session.model_source
            title = brief(model.title)
            options.append((source if title == model.name else f"{title} ({source})", self._value()))
        return options

    def _in_library(self) -> bool:
        return not self.session.from_file and self.session.model.name in self.cards

    def _value(self) -> str:
        """What stands for the open model among the options; a file may be called as a library model is."""
        name = str(self.session.model.name)
        return name if self._in_library() or name not in self.cards else self.session.model_source

    def _open(self, path: Path) -> None:
        self._tell(self.session.open_model_file(path.name, path.read_bytes()))

    def _tell(self, problem: str) -> None:
        self.file.problem = problem

    def _choose_model(self, change: Any) -> None:
        if change["new"] in self.cards:
            self._load(change["new"], None)

    def _choose_variant(self, change: Any) -> None:
        if change["new"] and self.model_menu.value in self.cards:
            self._load(self.model_menu.value, change["new"])

    def _load(self, name: str, variant: str | None) -> None:
        current = self.session.model
        is_open = current is not None and self._in_library() and current.name == name
        if is_open and variant in (None, current.variant):
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
        card = self.cards[model.name] if self._in_library() else None
        variants = (
            [] if card is None else [(f"{name}: {words}", name) for name, words in card.variants.items()]
        )
        offer(self.model_menu, self._names(), self._value(), self._choose_model)
        offer(self.variant_menu, variants, model.variant if variants else None, self._choose_variant)
        self.variant_menu.layout.display = None if variants else "none"
        self.about.value = html.facts(model_facts(self.session))
        self.contents.value = contents_tables(model)
        self.equations.value = equations(model)

    def _show_response(self) -> None:
        response: Response | None = self.experiment.response
        problem = self.experiment.problem
        self.problem.value = html.problem(problem)
        if response is None:  # of the model that is open now
            self.figure.blank()
            self.biomarkers.value = "" if problem else waiting_table()
            return
        wave = response.control
        self.figure.update([figures.Trace("control", wave.time, wave.V, wave.Ca_i, "control")])
        self.biomarkers.value = control_table(self.session.model, response)


def waiting_table() -> str:
    """The biomarkers' places, until the model has beaten."""
    waiting = html.Markup('<span class="ionw-skeleton" aria-hidden="true">000.0 ms</span>')
    return html.table(
        "Simulating …", ["Biomarker", "Value"], [(name, waiting) for name in BIOMARKERS], numbers=[1]
    )


def control_table(model: Any, response: Response) -> str:
    """Biomarkers of the model as published, and how it was driven."""
    every = number(response.cycle_length, "ms", 4)
    caption = {
        "paced": f"Control at a cycle length of {every}",
        "spontaneous": "Control, beating by itself",
        "step": f"Control under {quantity(model.stimulus.amplitude, 'A/F')} for "
        f"{quantity(model.stimulus.duration, 'ms')}, every {every}",
    }[rhythm_of(model).kind]
    measures = response.control.biomarkers
    rows = [
        (html.named(name), number(measures[name], marker.unit))
        for name, marker in BIOMARKERS.items()
        if name in measures
    ]
    return html.table(caption, ["Biomarker", "Value"], rows, numbers=[1])
