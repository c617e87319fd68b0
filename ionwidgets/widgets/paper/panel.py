"""The paper's figures 2 to 7, what every run found, and the buttons that make it all again."""

from __future__ import annotations

from typing import Any, Final

import ipywidgets as ipw
import numpy as np

from ionwidgets.discovery.reproduction import Reproduced
from ionwidgets.discovery.reproduction.verdicts import NEAR, best_run, decoders_of, most_changed
from ionwidgets.numbers import number
from ionwidgets.widgets import html
from ionwidgets.widgets.elements import FigureView
from ionwidgets.widgets.formula import formula
from ionwidgets.widgets.panel import Panel, box, button, close_all, markup, offer, on
from ionwidgets.widgets.paper.state import PaperState
from ionwidgets.widgets.session import Session
from ionwidgets.widgets.task_buttons import TaskButtons
from ionwidgets.widgets.words import tenths

CHOICES: Final = (
    ("Model's equations (ODE), about a minute", "ode"),
    ("As published (emulator), some minutes", "emulator"),
    ("Both, side by side, some minutes", "both"),
)
TAUGHT_BY: Final = {"ode": "model's equations", "emulator": "emulator, as published"}
WHAT: Final = (
    "What am I looking at? Three cells with one known change each, and what retrained networks make of them.",
    "<p>Of each experiment (long QT, g<sub>Kr</sub> ×0.25; short QT, g<sub>CaL</sub> ×0.25; g<sub>to</sub> "
    "×3) a network that knows the control cell is retrained on recordings of the altered one. It makes</p>"
    + formula("L = η ⟨|h - h'|⟩ + misfit")
    + "<p>small, for twenty η: the price of moving a gate h to h′. In the paper (Iravanian, "
    "arXiv:2011.07388) the misfit is that of a network, the emulator, that has learnt to predict "
    "V<sub>m</sub> and [Ca<sup>2+</sup>]<sub>i</sub>; with the model's equations as decoder it is what "
    "dV<sub>m</sub>/dt and all currents leave of zero. Figures 2 and 3 show the cells, 4 the neural ODEs, "
    "5 to 7 the currents.</p>",
)


class PaperPanel(Panel):
    """`Figure`, a table of what was found, and `Reproduce`, `Pause`, `Stop`.

    >>> import ionwidgets as iw
    >>> panel = iw.widgets.PaperPanel()
    >>> panel.paper.decoders = "both"
    >>> panel  # and `panel.paper.start()` does what the button does
    """

    def __init__(
        self, session: Session | None = None, paper: PaperState | None = None, **shared: Any
    ) -> None:
        super().__init__(session, **shared)
        self.paper = paper or self.own(PaperState(self.session))
        self.ready()

    def build(self) -> list[ipw.Widget]:
        state = self.paper
        self.menu = ipw.Dropdown(description="Figure", options=[])
        self.drawn = box()
        self.origin, self.table, self.outcome, self.numbers = markup(), markup(), markup(), markup()
        self.decoders = ipw.Dropdown(description="Decoders", options=CHOICES, value=state.decoders)
        self.seed = ipw.BoundedIntText(description="Seed", value=state.seed, min=0, max=2**31 - 1)
        self.shipped = button("Show the shipped runs", state.show_shipped)
        self.buttons = TaskButtons("Reproduce", state, after=[self.shipped])
        self._shown: tuple[Any, str] | None = None
        self.menu.observe(self._on_figure, "value")
        self.decoders.observe(self._on_decoders, "value")
        self.seed.observe(self._on_seed, "value")
        on(state, ["reproduced", "own"], self._show)
        on(state, ["decoders", "seed"], self._show_settings)
        on(state, ["outcome", "busy"], self._show_outcome)
        return [
            markup("<h2>Every run of the paper</h2>" + html.explain(*WHAT)),
            box(
                box(self.decoders, self.seed, self.buttons, self.outcome, self.origin, self.menu),
                box(self.drawn, self.numbers),
                kind="columns",
            ),
            self.table,
        ]

    def _on_figure(self, change: Any) -> None:
        with self.session.lock:
            if change["new"] is not None:
                self._draw(change["new"])

    def _on_decoders(self, change: Any) -> None:
        with self.session.lock:
            self.paper.decoders = change["new"]

    def _on_seed(self, change: Any) -> None:
        with self.session.lock:
            self.paper.seed = int(change["new"])

    def _show_settings(self) -> None:
        self.decoders.value, self.seed.value = self.paper.decoders, self.paper.seed

    def _show_outcome(self) -> None:
        busy = self.paper.busy
        self.decoders.disabled = self.seed.disabled = busy
        words = "" if busy else self.paper.outcome
        self.outcome.value = f"<p>{html.text(words)}</p>" if words else ""

    def _show(self) -> None:
        reproduced: Reproduced = self.paper.reproduced
        kept = self.menu.value if self.menu.value in reproduced.figures else next(iter(reproduced.figures))
        options = [(title, name) for name, title in reproduced.figures.items()]
        offer(self.menu, options, kept, self._on_figure)
        self.shipped.layout.display = None if self.paper.own else "none"
        where = f"made here, in {reproduced.folder}" if self.paper.own else "shipped with the package"
        told = html.text(f"Shown: seed {reproduced.results['seed']}, {where}.")
        self.origin.value = f"<p class='ionw-soft'>{told}</p>"
        self.table.value = found_table(reproduced)
        self._draw(kept)

    def _draw(self, name: str) -> None:
        reproduced: Reproduced = self.paper.reproduced
        if self._shown == (reproduced, name):
            return
        old, self._shown = self.drawn.children, (reproduced, name)
        figure = reproduced.figure(name)
        self.drawn.children = [FigureView(figure, reproduced.figures[name])]
        self.numbers.value = lines_table(figure, reproduced.figures[name])
        close_all(*old)


def lines_table(figure: Any, title: str) -> str:
    """From where to where each line of a figure goes, a row each."""
    rows, named = [], {note.y: note.text.replace("<br>", " ") for note in figure.layout.annotations}
    panel = ""
    for line in figure.data:
        axis = figure.layout["yaxis" + (line.yaxis or "y")[1:]]
        panel = named.get(axis.domain[1] if axis.domain else None, panel)
        name, _, unit = axis.title.text.rstrip(")").rpartition(" (")
        known = np.asarray(line.y, np.float64)
        known = known[np.isfinite(known)]
        if known.size:
            unit = unit.replace("unitless", "")
            ends = (number(round(float(end), 9), unit) for end in (known.min(), known.max()))
            which = f"{html.text(panel)}: {name}" if len(named) > 1 else name
            rows.append((html.Markup(f"{which}, {html.text(line.name)}"), *ends))
    return html.table(f"{title} in numbers", ["Line", "Lowest", "Highest"], rows, numbers=[1, 2])


def found_table(reproduced: Reproduced) -> str:
    """The best run of each experiment and decoder, a row each."""
    rows = []
    for experiment in reproduced.results["experiments"].values():
        current = experiment["current"]
        truth = experiment["true_ratios"][current]
        for decoder in decoders_of([experiment]):
            run = best_run(experiment, decoder)
            if run is None:
                continue
            errors = run["apd90_error_ms"].values()
            ratio, most = run["current_ratios"].get(current), most_changed(run["current_ratios"])
            found = "none" if ratio is None else f"{current} ×{number(ratio, digits=3)}"
            if most not in (current, None):
                found += f"; {most} changed more"
            rows.append(
                (
                    html.named(f"{experiment['title']}, by {TAUGHT_BY[decoder]}"),
                    html.named(f"{current} ×{truth:g}"),
                    html.named(found),
                    ", ".join("lost" if error is None else tenths(error, "ms") for error in errors),
                )
            )
    at = ", ".join(next(iter(reproduced.results["experiments"].values()))["runs"][0]["apd90_error_ms"])
    table = html.table(
        "What the best run of each experiment found",
        ["Experiment, by decoder", "Truth", "Found", f"APD90 off at CL {at} ms"],
        rows,
    )
    return table + (
        "<p class='ionw-soft'>Found: the current beside that of the control's network, along the recorded "
        f"beats; within {100 * NEAR:.0f} % of the truth counts. APD90: of the neural ODE, minus the altered "
        "cell's; lost: no action potential.</p>"
    )
