"""More about the recording: what of the experiment is not in the file."""

from __future__ import annotations

from functools import partial
from typing import Any

import ipywidgets as ipw

from ionwidgets.errors import IonWidgetsError
from ionwidgets.widgets import html
from ionwidgets.widgets.panel import box, markup, on
from ionwidgets.widgets.retrain.settings import ABOUT, read_settings
from ionwidgets.widgets.retrain.state import RetrainState

FIELDS = {
    "stimulus": ("Stimulus (A/F)", "Stimulus for (ms)"),
    "paced_for": ("Paced before (ms)",),
    "junction_potential": ("Junction potential (mV)",),
    "leak": ("Leak (nS/pF)", "Reversing at (mV)"),
}
BATH = "Bath, by name (mM, K)"
UNSAID = {
    "stimulus": "the model's", "paced_for": "not known", "junction_potential": "none", "leak": "none",
}  # fmt: skip


class AboutForm(ipw.VBox):
    """The settings of a `RetrainState` that say how the cell was recorded, folded away."""

    def __init__(self, state: RetrainState) -> None:
        self.state = state
        self.fold = ipw.ToggleButton(description="More about the recording", value=False)
        self.numbers = {
            name: [
                ipw.Text(description=words, placeholder=UNSAID[name], continuous_update=False)
                for words in labels
            ]
            for name, labels in FIELDS.items()
        }
        self.bath = ipw.Text(
            description=BATH, placeholder="the model's; such as K_o=4, T=310", continuous_update=False
        )
        self.problem = markup()
        self._wrong: dict[str, str] = {}  # what is typed and cannot be, by setting
        pairs = [box(*fields, kind="pair") for fields in self.numbers.values()]
        self.form = box(*pairs, self.bath, self.problem)
        self.form.layout.display = "none"
        super().__init__([self.fold, self.form])
        self.add_class("ionw-stack")
        self.fold.observe(self._on_fold, "value")
        for name, fields in self.numbers.items():
            for field in fields:
                field.observe(partial(self._take_numbers, name), "value")
        self.bath.observe(self._take_bath, "value")
        on(state, list(ABOUT), self._show)

    def _on_fold(self, change: Any) -> None:
        self.form.layout.display = None if change["new"] else "none"

    def _take_numbers(self, name: str, _: Any) -> None:
        fields = self.numbers[name]
        told = [field.value.strip().replace(",", ".") for field in fields]
        if any(told) and not all(told):
            missing = next(field for field, text in zip(fields, told, strict=True) if not text)
            self._say(name, f"Give the {missing.description.lower()} too, or neither.")
            return
        values: list[float] = []
        for field, text in zip(fields, told, strict=True):
            try:
                values += [float(text)] if text else []
            except ValueError:
                self._say(name, f"{field.description}: {text!r} is not a number.")
                return
        self._take(name, None if not values else values if len(fields) > 1 else values[0])

    def _take_bath(self, _: Any) -> None:
        constants: dict[str, float] = {}
        for part in self.bath.value.replace(";", ",").split(","):
            name, _, number = (piece.strip() for piece in part.partition("="))
            if not part.strip():
                continue
            try:
                constants[name] = float(number)
            except ValueError:
                self._say(
                    "conditions", f"{BATH}: {part.strip()!r} is not a name and a number, such as K_o=4."
                )
                return
        self._take("conditions", constants or None)

    def _take(self, name: str, value: Any) -> None:
        try:
            read = read_settings({name: value})[name]
        except IonWidgetsError as error:
            self._say(name, f"{str(error).rstrip('.')}.")
            return
        self._say(name, "")
        with self.state.session.lock:
            setattr(self.state, name, tuple(read) if isinstance(read, list) else read)

    def _say(self, name: str, words: str) -> None:
        self._wrong.pop(name, None)
        if words:
            self._wrong[name] = words
        self.problem.value = "".join(html.problem(line) for line in self._wrong.values())

    def _show(self) -> None:
        for name, fields in self.numbers.items():
            value = getattr(self.state, name)
            values = [None] * len(fields) if value is None else value if len(fields) > 1 else [value]
            if name in self._wrong:
                continue  # it stays, beside what is wrong with it
            for field, number in zip(fields, values, strict=True):
                field.value = "" if number is None else f"{number:.12g}"
        constants = self.state.conditions or {}
        if "conditions" not in self._wrong:
            self.bath.value = ", ".join(f"{name}={value:.12g}" for name, value in constants.items())
        if any(getattr(self.state, name) not in (None, {}) for name in ABOUT):
            self.fold.value = True
