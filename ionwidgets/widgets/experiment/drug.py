"""Step 2: a drug that blocks pores."""

from __future__ import annotations

from typing import Any

import ipywidgets as ipw

from ionwidgets.errors import IonWidgetsError
from ionwidgets.widgets import html
from ionwidgets.widgets.elements import Amount, Disclosure
from ionwidgets.widgets.experiment.base import ExperimentPanel
from ionwidgets.widgets.experiment.drug_rows import FIRST_IC50, Row
from ionwidgets.widgets.experiment.setting import UNITS, checked_drug, drug_factors
from ionwidgets.widgets.formula import formula
from ionwidgets.widgets.panel import box, button, close_all, markup, offer, on
from ionwidgets.widgets.words import number

PER_UNIT = {"µM": 1.0, "nM": 1000.0}
EQUATION = (
    "<p>A pore is open or blocked. At the concentration <i>C</i> of the drug this factor of a current "
    "is left, <i>h</i> being its Hill coefficient:</p>"
    + formula("x = {1}/{1 + {(C / IC_{50})}^h}")
    + "<p>It multiplies what the slider has set. Binding takes no time, and does not depend on "
    "V<sub>m</sub>.</p>"
)


class DrugPanel(ExperimentPanel):
    """IC50 and Hill coefficient by conductance, and one concentration.

    >>> import ionwidgets as iw
    >>> sliders = iw.widgets.ChannelSliders()
    >>> drug = iw.widgets.DrugPanel(sliders.session, sliders.experiment)
    >>> drug.show()
    >>> sliders.experiment.drug = {"ic50": {"g_Kr": 12.0}, "hill": 1.0, "concentration": 6.0}
    """

    def build(self) -> list[ipw.Widget]:
        self.rows: dict[str, Row] = {}
        self.head = Disclosure(name="Drug block", unfolded=self.alone)
        self.which = ipw.Dropdown(description="Blocks")
        self.add = button("Add", self._add)
        self.unit = ipw.Dropdown(description="Unit", options=UNITS)
        self.concentration = Amount(self.session.lock, label="Concentration", unit=UNITS[0])
        self.body = box()
        self.problem = markup()
        self.drug = box(
            markup(html.explain("What am I looking at? Pore block by one drug", EQUATION)),
            self.body,
            box(self.which, self.add, kind="row is-choice"),
            box(self.concentration, self.unit, kind="row is-choice"),
            self.problem,
        )
        self.unit.observe(self._on_unit, "value")
        self.concentration.observe(self._on_concentration, "value")
        on(self.experiment, "drug", self._show_drug)
        on(self.session, "model", self._show_drug)
        self.head.observe(lambda _: self._fold(), "unfolded")
        self._fold()
        return [self.head, self.drug]

    def _fold(self) -> None:
        self.drug.layout.display = None if self.head.unfolded else "none"

    def _now(self) -> dict[str, Any]:
        """The drug that is set, complete."""
        model = self.session.model
        drug = None if model is None else checked_drug(model, self.experiment.drug)
        return drug or {"ic50": {}, "hill": {}, "concentration": 0.0, "unit": UNITS[0]}

    def _put(self, **parts: Any) -> None:
        """Change parts of the drug; what makes no sense is told of and not taken."""
        with self.session.lock:
            model = self.session.model
            if model is None:
                return
            try:
                self.experiment.set_trait("drug", checked_drug(model, {**self._now(), **parts}))
                self.problem.value = ""
            except IonWidgetsError as error:
                self.problem.value = html.problem(str(error))

    def _add(self) -> None:
        with self.session.lock:
            now, name = self._now(), self.which.value
            if name:
                start = FIRST_IC50 * PER_UNIT[now["unit"]]
                self._put(ic50={**now["ic50"], name: start}, hill={**now["hill"], name: 1.0})

    def _remove(self, name: str) -> None:
        with self.session.lock:
            now = self._now()
            self._put(
                ic50={other: value for other, value in now["ic50"].items() if other != name},
                hill={other: value for other, value in now["hill"].items() if other != name},
            )

    def _on_row(self, name: str, what: str, value: float) -> None:
        with self.session.lock:
            self._put(**{what: {**self._now()[what], name: value}})

    def _on_concentration(self, change: Any) -> None:
        with self.session.lock:
            if change["new"] != self._now()["concentration"]:
                self._put(concentration=change["new"])

    def _on_unit(self, change: Any) -> None:
        """The same drug in another unit."""
        with self.session.lock:
            now = self._now()
            if change["new"] == now["unit"]:
                return
            ratio = PER_UNIT[change["new"]] / PER_UNIT[now["unit"]]
            self._put(
                unit=change["new"],
                concentration=_rounded(now["concentration"] * ratio),
                ic50={name: _rounded(value * ratio) for name, value in now["ic50"].items()},
            )

    def _show_drug(self) -> None:
        model = self.session.model
        if model is None:
            return
        try:
            now = self._now()
        except IonWidgetsError as error:  # set from Python
            self.problem.value = html.problem(str(error))
            return
        if list(self.rows) != list(now["ic50"]):
            self._draw_rows(list(now["ic50"]))
        factors = drug_factors(now)
        for name, row in self.rows.items():
            row.show(now["ic50"][name], now["hill"][name], now["unit"], factors[name])
        left = [name for name in model.scalable if name not in now["ic50"]]
        if self.which.options != tuple(left):
            self.which.options = left
        offer(self.unit, [(unit, unit) for unit in UNITS], now["unit"], self._on_unit)
        ratio = PER_UNIT[now["unit"]]
        with self.concentration.hold_sync():
            self.concentration.low, self.concentration.high = 1e-3 * ratio, 1e3 * ratio
            self.concentration.unit, self.concentration.value = now["unit"], now["concentration"]
        said = [f"{name} ×{number(factor)}" for name, factor in factors.items()]
        self.head.note = ", ".join(said) if now["concentration"] > 0 else ""

    def _draw_rows(self, names: list[str]) -> None:
        old = self.body.children
        self.rows = {name: Row(name, self._on_row, self._remove) for name in names}
        self.body.children = [row.view for row in self.rows.values()]
        close_all(*old)


def _rounded(value: float) -> float:
    """Without the digits that a change of unit adds."""
    return float(f"{value:.12g}")
