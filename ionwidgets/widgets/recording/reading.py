"""How a recording is read: columns, units, cycle length, and what is wrong with it and can be mended."""

from __future__ import annotations

from functools import partial
from typing import Any

import ipywidgets as ipw

from ionwidgets.recordings.faults import alike
from ionwidgets.recordings.units import known_units
from ionwidgets.widgets import html
from ionwidgets.widgets.panel import box, markup, offer, on
from ionwidgets.widgets.recording.state import MENDS, RecordingState

QUANTITIES = {"time": "Time", "V": "V", "Ca_i": "Ca_i", "I_inj": "Injected current"}
NUMBERS = {
    "cycle_length": "Paced every (ms)",
    "sampling_ms": "Sampled every (ms)",
    "capacitance": "Capacitance (pF)",
}
UNSAID = ""  # a choice that nobody made


class ReadingForm(ipw.VBox):
    """The choices of a `RecordingState`; hidden while no file is shown."""

    def __init__(self, state: RecordingState) -> None:
        self.state = state
        self.columns = {
            name: ipw.Dropdown(description=f"{words} column", options=[("as found", UNSAID)], value=UNSAID)
            for name, words in QUANTITIES.items()
        }
        self.units = {
            name: ipw.Dropdown(description=f"{words} unit", options=[("as found", UNSAID)], value=UNSAID)
            for name, words in QUANTITIES.items()
        }
        self.numbers = {
            name: ipw.Text(description=words, placeholder="as found", continuous_update=False)
            for name, words in NUMBERS.items()
        }
        self.series = ipw.Dropdown(description="Series", options=[("as found", UNSAID)], value=UNSAID)
        self.problem = markup()
        self.mends = {name: ipw.Checkbox(description=words, indent=False) for name, words in MENDS.items()}
        self.faults = markup()
        pairs = [box(self.columns[name], self.units[name], kind="pair") for name in QUANTITIES]
        super().__init__(
            [
                box(self.faults, *self.mends.values()),
                markup("<h3>How it is read</h3>"),
                *pairs,
                box(*self.numbers.values(), self.series, kind="pair"),
                self.problem,
            ]
        )
        self._on_column = {name: partial(self._choose_of, "columns", name) for name in QUANTITIES}
        self._on_unit = {name: partial(self._choose_of, "units", name) for name in QUANTITIES}
        for name in QUANTITIES:
            self.columns[name].observe(self._on_column[name], "value")
            self.units[name].observe(self._on_unit[name], "value")
        for name, number in self.numbers.items():
            number.observe(partial(self._choose_number, name), "value")
        self.series.observe(self._choose_series, "value")
        for name, mend in self.mends.items():
            mend.observe(partial(self._mend, name), "value")
        on(state, ["columns", "choices", "file"], self._show_choices)
        on(state.session, state.role, self._show_choices)
        on(state, ["faults", "mends"], self._show_faults)

    def _choose_of(self, kind: str, quantity: str, change: Any) -> None:
        if change["new"] != self.state.choices.get(kind, {}).get(quantity, UNSAID):
            self.state.choose_of(kind, quantity, change["new"])

    def _choose_number(self, name: str, change: Any) -> None:
        text = change["new"].strip().replace(",", ".")
        try:
            value = float(text) if text else None
        except ValueError:
            self.problem.value = html.problem(f"{NUMBERS[name]}: {text!r} is not a number")
            return
        self.problem.value = ""
        if value != self.state.choices.get(name):
            self.state.choose(name, value)

    def _choose_series(self, change: Any) -> None:
        if change["new"] != self.state.choices.get("series", UNSAID):
            self.state.choose("series", change["new"])

    def _mend(self, name: str, change: Any) -> None:
        if change["new"] != (name in self.state.choices.get("mend", ())):
            self.state.mend(name, change["new"])

    def _show_choices(self) -> None:
        state = self.state
        self.layout.display = None if state.file is not None else "none"
        titles = [(_title(index, label), index) for index, label in enumerate(state.columns)]
        for name in QUANTITIES:
            found = {} if state.problem else _found(state.recording, name)
            column = state.choices.get("columns", {}).get(name, UNSAID)
            known = column if column == UNSAID or titles else UNSAID  # no columns yet: nothing to choose
            first: list[tuple[str, Any]] = [
                (_as_found(column == UNSAID and _called(found.get("column"))), UNSAID)
            ]
            offer(self.columns[name], [*first, *titles], known, self._on_column[name])
            units = known_units(name)
            unit = state.choices.get("units", {}).get(name)
            first = [(_as_found(found.get("file_units")), UNSAID)]
            offer(
                self.units[name], [*first, *((unit, unit) for unit in units)],
                unit if unit in units else UNSAID, self._on_unit[name],
            )  # fmt: skip
        self._show_series()
        for name, number in self.numbers.items():
            value = state.choices.get(name)
            number.value = "" if value is None else f"{value:.12g}"

    def _show_series(self) -> None:
        recording, chosen = self.state.recording, self.state.choices.get("series", UNSAID)
        attrs = {} if recording is None else recording.attrs
        names = [name for name in str(attrs.get("file_series_in_the_file", "")).split(", ") if name]
        self.series.layout.display = None if len(names) > 1 else "none"
        first = ("as found" if chosen else _as_found(attrs.get("file_series")), UNSAID)
        known = chosen if chosen in names else UNSAID
        offer(self.series, [first, *((name, name) for name in names)], known, self._choose_series)

    def _show_faults(self) -> None:
        state = self.state
        lines = [
            f"cell{'s' if len(cells) > 1 else ''} {', '.join(str(cell + 1) for cell in cells)}, "
            f"{fault.variable}: {fault.words}"
            for fault, cells in alike(state.faults)
        ]
        listed = "".join(f"<li>{html.text(line)}</li>" for line in lines)
        self.faults.value = f"<h3>Look at this</h3><ul class='ionw-faults'>{listed}</ul>" if lines else ""
        for name, mend in self.mends.items():
            mend.value = name in state.choices.get("mend", ())
            mend.layout.display = None if name in state.mends else "none"


def _title(index: int, label: str | int) -> str:
    return f"column {index}" if label == index else str(label)


def _found(recording: Any, name: str) -> dict[str, str]:
    """Column and unit of a quantity as the file was read."""
    return dict(recording[name].attrs) if recording is not None and name in recording.variables else {}


def _as_found(what: Any) -> str:
    return f"as found: {what}" if what else "as found"


def _called(column: str | None) -> str | None:
    return f"column {column}" if column and column.isdecimal() else column
