"""What has changed, in words and numbers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import ipywidgets as ipw

from ionwidgets.discovery.sentences import explanation, headline, ranked
from ionwidgets.widgets import html
from ionwidgets.widgets.formula import formula
from ionwidgets.widgets.interpret.findings_rows import ROWS, findings_table
from ionwidgets.widgets.panel import Panel, box, button, markup, on
from ionwidgets.widgets.retrain.state import RetrainState
from ionwidgets.widgets.session import Session
from ionwidgets.widgets.words import brief

EXPLAINED = html.explain(
    "Which currents and gates differ from control, by how much, and how surely",
    "<p>The network proposes changes; each is then fitted through the model's own equations until the beat "
    "agrees with the recorded one. A size is beside control: × of a conductance, of the slope of "
    "h<sub>∞</sub> at V<sub>½</sub> and of τ, mV of V<sub>½</sub>:</p>"
    + formula("I_X = s g_X h_1 h_2 … (V_m - E_X)")
    + formula("h_∞ → h_∞(V_½ + r (V_m - ΔV_½ - V_½)), τ → ρ τ")
    + "<p>The interval is that of the fit, 1.96 standard errors. <em>Alone explains</em>: how much of the "
    "difference the change takes away when it alone, of that size, is put into the model.</p>",
)


class Headline(Panel):
    """The finding in one sentence, and what it was made on; `Run it live` makes it anew."""

    def __init__(self, session: Session, retrain: RetrainState) -> None:
        super().__init__(session)
        self.retrain = retrain

    def build(self) -> list[ipw.Widget]:
        self.words = markup()
        self.live = button("Run it live", self.retrain.start)
        on(self.session, ["model", "recording", "result"], self._show)
        on(self.retrain, ["busy", "blockers"], self._show)
        return [box(self.words, self.live, kind="row is-spread")]

    def _show(self) -> None:
        why = self.retrain.blockers
        self.words.value = headline_html(self.session.result, self.session, why)
        self.live.disabled = self.retrain.busy or bool(why)


class FindingsTable(Panel):
    """The changes, the one that explains most first; alone in a notebook with the finding in one sentence.

    >>> import ionwidgets as iw
    >>> from ionwidgets.discovery import example_result
    >>> iw.widgets.FindingsTable(result=example_result())
    """

    def __init__(self, session: Session | None = None, **shared: Any) -> None:
        super().__init__(session, **shared)
        self.ready()

    def build(self) -> list[ipw.Widget]:
        self.words = markup()
        self.explained = markup(EXPLAINED)
        self.table = markup()
        self.all = button("Show all", self._turn)
        self._every = False
        on(self.session, ["model", "recording", "result"], self._show)
        return [self.words, self.explained, self.table, self.all]

    def _turn(self) -> None:
        with self.session.lock:
            self._every = not self._every
            self._show()

    def _show(self) -> None:
        result = self.session.result
        self.words.value = headline_html(result, self.session) if self.alone else ""
        if result is None:
            self.table.value = ""
        else:
            self.table.value = findings_table(result.finding, None if self._every else ROWS)
        every = 0 if result is None else len(ranked(result.finding))
        self.all.description = "Show fewer" if self._every else "Show all"
        self.all.layout.display = None if every > ROWS else "none"
        self.explained.layout.display = "none" if result is None else None


def headline_html(result: Any, session: Session, blockers: Sequence[str] = ()) -> str:
    """The finding in one sentence, and what it was made on; or what has to come first."""
    if result is None:
        return (
            '<section class="ionw-finding is-unchanged"><h2>No finding yet</h2>'
            "<p>Load a recording in step 2, then press Retrain in step 4.</p>"
            f"{html.reasons(blockers)}</section>"
        )
    model = result.model
    title = brief(model.title)
    cell = f"{title} ({model.variant})" if model.variant else title
    source = session.recording_source or "the bundled example recording"
    kind = " is-unchanged" if result.verdict == "unchanged" else ""
    lines = [explanation(result.finding), f"{cell}, on {source}.", *(result.finding.get("warnings") or ())]
    words = "".join(f"<p>{html.text(line)}</p>" for line in lines if line)
    sentence = html.text(headline(result.finding))
    return f'<section class="ionw-finding{kind}"><h2>{sentence}</h2>{words}</section>'
