"""Step 5: what has changed, in words, numbers and curves; and how to take it home."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import ipywidgets as ipw

from ionwidgets import figures
from ionwidgets.discovery.comparison import Beat, Comparison
from ionwidgets.discovery.sentences import explanation, headline
from ionwidgets.discovery.shown import COMPARED, shown_currents, shown_gates
from ionwidgets.widgets import html
from ionwidgets.widgets.elements import CopyText, FigureView
from ionwidgets.widgets.findings_table import findings_table
from ionwidgets.widgets.interpret_state import InterpretState
from ionwidgets.widgets.panel import Panel, box, button, markup, on
from ionwidgets.widgets.python_lines import python_lines
from ionwidgets.widgets.retrain_state import RetrainState
from ionwidgets.widgets.session import Session
from ionwidgets.widgets.trace_view import TraceView
from ionwidgets.widgets.words import brief, number

CURVES_SHOWN = 6  # gates, those that explain most
CURRENTS_SHOWN = 8


class Findings(Panel):
    """The finding, the recording against the found cell, gate curves, currents, downloads, Python."""

    def __init__(self, session: Session, interpret: InterpretState, retrain: RetrainState) -> None:
        super().__init__(session)
        self.interpret, self.retrain = interpret, retrain

    def build(self) -> list[ipw.Widget]:
        self.headline = markup()
        self.live = button("Run it live", self.retrain.start)
        self.table = markup()
        self.caption = markup()
        name = "The recording, the control cell and the found cell"
        self.comparison = TraceView(
            _compared_traces({}), (name, name), time="Time from the upstroke (ms)", height=440, calcium=True
        )
        self.gates = box(kind="columns is-even")
        self.currents = box()
        self.downloads = markup()
        self.python = CopyText(label="Python that redoes this session", action="Copy Python")
        self.body = box(
            box(box(self.caption, self.comparison), box(self.table), kind="columns is-even"),
            markup(
                "<h2>Gates before and after</h2><p class='ionw-soft'>As the retrained network has them. It "
                "may scale a current or reshape its gates, so that a scaled current can show here too; the "
                "fit above decides between the two. Grey: potentials that the recording never reached.</p>"
            ),
            self.gates,
            markup(
                "<h2>Currents over one beat</h2><p class='ionw-soft'>Along the recorded beat, with the "
                "network's gates and scales before and after it was retrained.</p>"
            ),
            self.currents,
            markup("<h2>Take it home</h2>"),
            self.downloads,
        )
        on(self.session, "result", self._show_result)
        on(self.interpret, "comparison", self._show_comparison)
        on(self.session, ["model", "recording", "result"], self._show_python)
        self.retrain.observe(lambda _: self._show_python(), "eta")
        on(self.retrain, ["busy", "blockers"], self._show_live)
        on(self.retrain, "blockers", self._show_headline)
        return [box(self.headline, self.live, kind="row is-spread"), self.body, self.python]

    def _show_live(self) -> None:
        self.live.disabled = self.retrain.busy or bool(self.retrain.blockers)

    def _show_python(self) -> None:
        self.python.text = python_lines(self.session, self.retrain.eta)

    def _show_result(self) -> None:
        result = self.session.result
        self._show_headline()
        self.body.layout.display = "none" if result is None else None
        if result is None:
            return
        self.table.value = findings_table(result.finding)
        self.downloads.value = download_links(result)
        self._draw_gates(result)
        self._draw_currents(result)

    def _show_headline(self) -> None:
        self.headline.value = headline_html(self.session.result, self.session, self.retrain.blockers)

    def _draw_gates(self, result: Any) -> None:
        old = self.gates.children
        shown = shown_gates(result)
        gates = shown.names[:CURVES_SHOWN]
        half = -(-len(gates) // 2)
        self.gates.children = [
            FigureView(
                figures.gate_curves(
                    shown.V,
                    shown.before,
                    shown.after,
                    gates=group,
                    titles=shown.titles,
                    visited=shown.visited,
                ),
                f"Gate curves before and after: {', '.join(group)}",
            )
            for group in (gates[:half], gates[half:])
            if group
        ]
        _close(old)

    def _draw_currents(self, result: Any) -> None:
        old = self.currents.children
        time, one, other = shown_currents(result, CURRENTS_SHOWN)
        names = list(one)
        halves = [names[0::2], names[1::2]]
        self.currents.children = [
            box(
                *(
                    FigureView(
                        figures.currents(time, {name: one[name] for name in half}, other),
                        f"Currents of control and altered cell: {', '.join(half)}",
                    )
                    for half in halves
                    if half
                ),
                kind="columns is-even",
            )
        ]
        _close(old)

    def _show_comparison(self) -> None:
        comparison: Comparison | None = self.interpret.comparison
        if comparison is None:
            self.caption.value = ""
            return
        beats = dict(comparison.paced)
        if comparison.v_units == "mV":  # arbitrary units share no axis with it
            beats["recording"] = comparison.recorded
        self.comparison.update(_compared_traces(beats))
        self.caption.value = (
            "<h3>One beat at a cycle length of "
            f"{html.text(number(comparison.cycle_length, 'ms', 4))}, upstrokes aligned</h3>"
        )


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


def download_links(result: Any) -> str:
    """The finding as JSON, and the edited model as .mmt where there is one."""
    links = [html.download("Download JSON", "finding.json", result.to_json().encode(), "application/json")]
    if result.verdict != "unexplained":
        with TemporaryDirectory(prefix="ionwidgets-") as folder:
            path = Path(folder) / "edited.mmt"
            result.export(path)
            links.append(html.download("Download .mmt", "edited.mmt", path.read_bytes(), "text/plain"))
    return f'<div class="ionw-row">{"".join(links)}</div>'


def _compared_traces(beats: Mapping[str, Beat]) -> list[figures.Trace]:
    """The same traces whatever there is, empty where there is no beat: the figure has a line for each."""
    return [
        figures.Trace(name, beats[key].time, beats[key].V, beats[key].Ca_i, role)
        if key in beats
        else figures.Trace(name, [], [], None, role)
        for key, name, role in COMPARED
    ]


def _close(widgets: tuple[ipw.Widget, ...]) -> None:
    for widget in widgets:
        _close(getattr(widget, "children", ()))
        widget.close()
