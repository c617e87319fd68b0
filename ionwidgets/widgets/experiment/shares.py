"""Step 2: which currents flow along the beat, live."""

from __future__ import annotations

import ipywidgets as ipw

from ionwidgets import figures
from ionwidgets.widgets import html
from ionwidgets.widgets.elements import Disclosure, FigureView
from ionwidgets.widgets.experiment.base import ExperimentPanel
from ionwidgets.widgets.experiment.beat_currents import BeatCurrents, beat_currents, carried
from ionwidgets.widgets.experiment.live import Live
from ionwidgets.widgets.formula import formula
from ionwidgets.widgets.panel import box, close_all, markup, on
from ionwidgets.widgets.words import number, percent, symbol, tenths

CELLS = (("Altered cell", "altered"), ("Control", "control"))
EQUATION = (
    "<p>At every moment each current's share of all that flows:</p>"
    + formula("s_i = {I_i}/{∑_j |I_j|}")
    + "<p>Outward current, which repolarises, is above zero, and inward current, which depolarises, below. "
    "The heights add up to 100 %. Where both halves are equal, V<sub>m</sub> stands still. The table has the "
    "charge that each moves in the beat, ∫|I| dt.</p>"
)


class CurrentShares(ExperimentPanel):
    """Currents of the last beat, stacked as their share of the total, and each by itself.

    >>> import ionwidgets as iw
    >>> sliders = iw.widgets.ChannelSliders()
    >>> shares = iw.widgets.CurrentShares(sliders.session, sliders.experiment)
    >>> shares.show()
    """

    def follows(self) -> Live[BeatCurrents]:
        self.currents = Live(self.experiment, beat_currents)
        return self.currents

    def unfolded(self) -> bool:
        return bool(self.head.unfolded)

    def build(self) -> list[ipw.Widget]:
        self.head = Disclosure(name="Currents along the beat", unfolded=self.alone)
        self.cell = ipw.Dropdown(description="Cell", options=CELLS)
        self.which = ipw.SelectMultiple(description="Currents by themselves", rows=6)
        self.stack, self.single = box(), box()
        self.table, self.problem = markup(), markup()
        self._names: list[str] = []  # that have a fill of their own, of the model that is drawn
        self._drawn: tuple[str, ...] = ()  # currents by themselves
        self.body = box(
            markup(html.explain("What am I looking at? Every current's share of the total", EQUATION)),
            self.problem,
            box(
                box(self.cell, self.stack),
                box(self.table, kind="stack is-tall"),
                kind="columns is-even",
            ),
            box(self.which, self.single, kind="columns"),
        )
        self.cell.observe(lambda _: self._redraw(), "value")
        self.which.observe(lambda _: self._redraw(), "value")
        self.head.observe(lambda _: self._fold(), "unfolded")
        on(self.session, "model", self._show_model)
        on(self.currents, ["answer", "problem"], self._show)
        self._fold()
        return [self.head, self.body]

    def _fold(self) -> None:
        self.body.layout.display = None if self.head.unfolded else "none"
        self.watch(self.unfolded())

    def _redraw(self) -> None:
        with self.session.lock:
            self._show()

    def _show_model(self) -> None:
        model = self.session.model
        if model is None:
            return
        self.which.value = ()
        self.which.options = [current.name for current in model.currents]
        close_all(*self.stack.children, *self.single.children)
        self.stack.children = self.single.children = ()
        self._names, self._drawn = [], ()

    def _show(self) -> None:
        self.problem.value = html.problem(self.currents.problem)
        answer: BeatCurrents | None = self.currents.answer
        if answer is None or list(answer.control) != list(self.which.options):
            self.table.value = "<p class='ionw-soft'>Simulating …</p>"
            return
        self._show_stack(answer)
        self._show_single(answer)
        self.table.value = shares_table(answer)

    def _show_stack(self, answer: BeatCurrents) -> None:
        currents = answer.altered if self.cell.value == "altered" else answer.control
        if not self._names:
            # One set for both cells and all settings, so that a colour stays with its current.
            self._names = figures.carrying_most(answer.control)
        if self.stack.children:
            figures.update_current_shares(self.stack.children[0], answer.time, currents, self._names)
            return
        figure = figures.current_shares(answer.time, currents, self._names)
        self.stack.children = [FigureView(figure, "Share of each current along the beat")]

    def _show_single(self, answer: BeatCurrents) -> None:
        names = tuple(self.which.value)
        control = {name: answer.control[name] for name in names}
        altered = {name: answer.altered[name] for name in names}
        if names and names == self._drawn:
            figures.update_currents(self.single.children[0], answer.time, control, altered)
        elif names != self._drawn:
            old, self._drawn = self.single.children, names
            self.single.children = (
                [
                    FigureView(
                        figures.currents(answer.time, control, altered),
                        f"Currents of control and altered cell: {', '.join(names)}",
                    )
                ]
                if names
                else []
            )
            close_all(*old)


def shares_table(answer: BeatCurrents) -> str:
    """Charge, share and peak of every current, control and altered."""
    control, altered = carried(answer.time, answer.control), carried(answer.time, answer.altered)
    rows = [
        (
            html.Markup(symbol(name)),
            percent(control[name].share),
            percent(altered[name].share),
            number(control[name].peak),
            number(altered[name].peak),
            tenths(100 * (altered[name].charge / control[name].charge - 1), "%")
            if control[name].charge
            else "–",
        )
        for name in control
    ]
    header = ["", "Share, control", "Share, altered", "Peak, control", "Peak, altered", "Charge, change"]
    caption = f"Currents of beat {answer.beats}: share of the charge ∫|I| dt, and peak in A/F"
    return html.table(caption, header, rows, numbers=range(1, 6))
