"""The figures of the page, as elements that `document` draws."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Final

import plotly.graph_objects as go

from ionwidgets.discovery.comparison import compared
from ionwidgets.discovery.document import plot_element
from ionwidgets.discovery.report.tables import change_name
from ionwidgets.discovery.shown import COMPARED, shown_currents, shown_gates
from ionwidgets.discovery.told_changes import told_changes
from ionwidgets.figures import (
    Restitution,
    Trace,
    action_potential,
    attribution,
    currents,
    gate_curves,
    restitution,
)

if TYPE_CHECKING:
    from ionwidgets.discovery.result import Result

GATES_SHOWN: Final = 6  # those that explain most
CURRENTS_SHOWN: Final = 12


def beat_figure(result: Result) -> str:
    """The recorded beat, that of the control and that of the model with the changes."""
    comparison = compared(result)
    beats = dict(comparison.paced)
    if comparison.recorded is not None:
        beats["recording"] = comparison.recorded
    sources = ("recording", "control", *(("found",) if result.verdict == "changed" else ()))
    traces = [
        Trace(name, beats[source].time, beats[source].V, beats[source].Ca_i, role)
        for source, name, role in COMPARED
        if source in sources and source in beats
    ]
    caption = f"One beat at CL {comparison.cycle_length:g} ms, upstrokes aligned."
    return _figure("beat", action_potential(traces, height=400), caption)


def restitution_figure(result: Result) -> str:
    """APD90 against cycle length: recorded, of the control, with the changes, of the neural ODE."""
    table = result.restitution()
    curves = [
        Restitution(name, rows["cycle_length"].to_numpy(), rows["APD90"].to_numpy(), role)
        for source, name, role in COMPARED
        if not (rows := table[table["source"] == source]).empty
    ]
    caption = "Restitution: APD90 of the last 5 s of 20 s of pacing, and of the recorded beats."
    return _figure("restitution", restitution(curves), caption)


def attribution_figure(result: Result) -> str:
    """Bars of what each change explains alone; none where nothing has changed."""
    if result.verdict == "unchanged":
        return ""
    share, caption = (
        ("alone", "What one change of each kind could explain at best.")
        if result.verdict == "unexplained"
        else ("importance", "What each change explains alone.")
    )
    shares = {
        change_name(told): told.entry[share]
        for told in told_changes(result.finding)
        if told.entry.get(share) is not None
    }
    return _figure("attribution", attribution(shares), caption) if shares else ""


def gate_figures(result: Result) -> str:
    """Curves of the gates that matter most, half of them each."""
    shown = shown_gates(result)
    drawn = [
        (
            f"Gate curves before and after: {', '.join(names)}",
            gate_curves(
                shown.V, shown.before, shown.after, gates=names, titles=shown.titles, visited=shown.visited,
            ),
        )
        for names in _halves(shown.names[:GATES_SHOWN])
    ]  # fmt: skip
    return "".join(
        plot_element(f"gates-{i}", f.to_json(), title, _MISSING) for i, (title, f) in enumerate(drawn)
    )


def current_figures(result: Result) -> str:
    """Currents along the recorded beat by rank, half of them each."""
    time, control, altered = shown_currents(result, CURRENTS_SHOWN)
    drawn = [
        (
            f"Currents before and after: {', '.join(names)}",
            currents(time, {name: control[name] for name in names}, altered),
        )
        for names in _halves(list(control))
    ]
    return "".join(
        plot_element(f"currents-{i}", f.to_json(), title, _MISSING) for i, (title, f) in enumerate(drawn)
    )


_MISSING: Final = "Needs JavaScript."


def _figure(name: str, figure: go.Figure, caption: str) -> str:
    plot = plot_element(name, figure.to_json(), caption, _MISSING)
    return f"<figure>{plot}<figcaption>{escape(caption)}</figcaption></figure>"


def _halves(names: list[str]) -> list[list[str]]:
    half = -(-len(names) // 2)
    return [part for part in (names[:half], names[half:]) if part]
