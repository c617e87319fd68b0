"""Gate curves before and after."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import ipywidgets as ipw
from traitlets import HasTraits

from ionwidgets import figures
from ionwidgets.discovery.shown_numbers import GateNumbers
from ionwidgets.widgets import html
from ionwidgets.widgets.elements import Choices, FigureView
from ionwidgets.widgets.formula import formula
from ionwidgets.widgets.interpret.gate_state import FIRST, GateState
from ionwidgets.widgets.panel import Panel, box, close_all, markup, on
from ionwidgets.widgets.session import Session
from ionwidgets.widgets.words import number, symbol

V_HALF = "V<sub>½</sub>"
EXPLAINED = html.explain(
    "How far each gate opens at a membrane potential, and how fast it gets there",
    "<p>A gate is a fraction h of channels that let current through. At every potential V<sub>m</sub> it "
    "moves towards h<sub>∞</sub>, the faster the smaller τ:</p>"
    + formula("{d h}/{d t} = {h_∞(V_m) - h}/{τ(V_m)}")
    + f"<p>{V_HALF} is the potential at which h<sub>∞</sub> is one half, k the slope factor there, of</p>"
    + formula('h_∞ = {1}/{1 + "exp"({V_½ - V_m}/{k})}, k = {1}/{4 d h_∞ / d V_m}')
    + "<p>positive where depolarisation opens the gate (activation), negative where it closes it "
    "(inactivation).</p>",
)
OF_RESULT = (
    "<p class='ionw-soft'>As the retrained network has them. It may scale a current or reshape its gates, so "
    "that a scaled current can show here too; the fit above decides between the two.</p>"
)


class GateExplorer(Panel):
    """h_inf and tau of gates before and after a change; without a finding, those of a model.

    `GateExplorer(result=..., others=[...])` draws the band over results with other seeds; `runs` is a state
    that may have some (`GateState`).

    >>> import ionwidgets as iw
    >>> from ionwidgets.discovery import example_result
    >>> explorer = iw.widgets.GateExplorer(result=example_result())
    >>> explorer.state.choose(["Xr1", "Xr2"])
    >>> explorer
    """

    def __init__(
        self,
        session: Session | None = None,
        *,
        others: Sequence[Any] = (),
        of_model: bool = False,
        runs: HasTraits | None = None,
        **shared: Any,
    ) -> None:
        super().__init__(session, **shared)
        self.state = self.own(GateState(self.session, of_model=of_model, runs=runs))
        if others:
            self.state.others = tuple(others)
        self.ready()

    def build(self) -> list[ipw.Widget]:
        self.title = markup()
        self.choices = Choices(label="Gates")
        self.at = ipw.BoundedFloatText(self.state.at, min=-150, max=200, step=5, description="Read τ at (mV)")
        self.gates = box(kind="columns is-even")
        self.grey = markup()
        self.table = markup()
        on(self.state, "shown", self._show_options)
        on(self.state, ["shown", "chosen", "others"], self._draw)
        on(self.state, ["shown", "chosen", "at"], self._tell)
        self.choices.observe(lambda change: self.state.choose(change["new"]), "chosen")
        self.at.observe(self._read_at, "value")
        return [
            self.title,
            markup(EXPLAINED),
            self.choices,
            self.gates,
            self.grey,
            box(self.at, kind="row is-fields"),
            self.table,
        ]

    def _read_at(self, change: Any) -> None:
        with self.session.lock:
            self.state.at = float(change["new"])

    def _show_options(self) -> None:
        shown, result = self.state.shown, self.state.result
        self.title.value = (
            "<h2>Gates</h2>" if result is None else f"<h2>Gates before and after</h2>{OF_RESULT}"
        )
        names = [] if shown is None else shown.names
        titles = {} if shown is None else shown.titles
        first = "Those that explain most" if result is not None else f"The first {FIRST}"
        some = [{"name": first, "values": names[:FIRST]}] if len(names) > FIRST else []
        with self.choices.hold_sync():
            self.choices.options = [
                {"value": name, "html": symbol(name), "title": titles.get(name, name)} for name in names
            ]
            self.choices.presets = [*some, {"name": "All", "values": names}]
        self.choices.layout.display = None if names else "none"
        self.at.layout.display = None if names else "none"

    def _draw(self) -> None:
        old, shown, chosen = self.gates.children, self.state.shown, list(self.state.chosen)
        self.choices.chosen = chosen
        if shown is None:
            self.gates.children = []
        else:
            half, bands = -(-len(chosen) // 2), self.state.bands
            about = "Gate curves before and after" if shown.after is not None else "Gate curves"
            self.gates.children = [
                FigureView(
                    figures.gate_curves(
                        shown.V,
                        shown.before,
                        shown.after,
                        gates=group,
                        titles=shown.titles,
                        visited=shown.visited,
                        bands=bands,
                        names=("control", "altered") if shown.after is not None else ("model", ""),
                    ),
                    f"{about}: {', '.join(group)}",
                )
                for group in (chosen[:half], chosen[half:])
                if group
            ]
        close_all(*old)

    def _tell(self) -> None:
        self.grey.value = f"<p class='ionw-soft'>{html.text(self.state.unvisited())}</p>"
        numbers = self.state.numbers()
        if self.state.shown is None:
            self.table.value = (
                "<p class='ionw-soft'>This model has no gate whose curves depend on V alone.</p>"
            )
        else:
            self.table.value = gate_table(numbers, self.state.shown.titles, self.state.at) if numbers else ""


def gate_table(
    numbers: dict[str, tuple[GateNumbers, GateNumbers | None]], titles: dict[str, str], at: float
) -> str:
    """What the curves show, in numbers: one column each, or before and after."""
    both = any(after is not None for _, after in numbers.values())
    heads = [f"{V_HALF} (mV)", "k (mV)", f"τ at {number(at, 'mV', 4)} (ms)"]
    rows = []
    for gate, pair in numbers.items():
        of = titles.get(gate, gate).removeprefix(gate).removeprefix(" of ")
        name = html.Markup(symbol(gate) + (f" <span class='ionw-soft'>of {symbol(of)}</span>" if of else ""))
        known = [one for one in pair if one is not None]
        rows.append(
            (
                name,
                html.became(*(_tenths(one.V_half) for one in known)),
                html.became(*(_tenths(one.k) for one in known)),
                html.became(*(number(one.tau) for one in known)),
            )
        )
    return html.table(
        "Gates in numbers, control → altered" if both else "Gates in numbers",
        ["Gate", *(html.Markup(head) for head in heads)],
        rows,
        numbers=(1, 2, 3),
    )


def _tenths(value: float | None) -> str:
    return "–" if value is None else f"{value:.1f}".replace("-", "−")
