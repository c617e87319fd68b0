"""What a model is made of, as tables; and its equations."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from html import escape
from typing import Any

from ionwidgets.models import IonicModel
from ionwidgets.models.mathml import equation_mathml
from ionwidgets.models.membrane import A_PER_F
from ionwidgets.models.units import readable, unit_beside
from ionwidgets.widgets import html
from ionwidgets.widgets.experiment.rhythm import rhythm_of
from ionwidgets.widgets.session import Session
from ionwidgets.widgets.words import brief, quantity, symbol, unit_words

_CONDUCTANCE_NAME = re.compile(r"[gG](_|[A-Z])")  # g_Kr, gKr, GKr


def model_facts(session: Session) -> dict[str, object]:
    """Name and value of what is known of the open model."""
    model = session.model
    facts: dict[str, object] = {"Name": model.title if brief(model.title) != model.title else ""}
    if session.from_file:
        told = [f"{argument} is {value}" for argument, value in session.model_answers.items()]
        facts["File"] = ", ".join([session.model_source, *told])
    else:
        facts["Library name"] = model.key
    facts |= {
        "Species": model.species,
        "Tissue": model.tissue,
        "Made of": f"{len(model.states)} states, {len(model.gates)} gates, {len(model.currents)} currents",
        "Stimulus": "none: it beats by itself"
        if rhythm_of(model).kind == "spontaneous"
        else f"{quantity(model.stimulus.amplitude, 'A/F')} for {quantity(model.stimulus.duration, 'ms')}",
        "Publication": model.publication,
        "DOI": _link(model.doi) if model.doi else "",
    }
    return {name: value for name, value in facts.items() if value}


def _link(doi: str) -> html.Markup:
    """Where the publication is found: a link that nothing follows by itself."""
    address = escape(f"https://doi.org/{doi.removeprefix('https://doi.org/')}")
    return html.Markup(f'<a href="{address}" target="_blank" rel="noopener noreferrer">{escape(doi)}</a>')


def contents_tables(model: IonicModel) -> str:
    """States, gates and currents of a model as tables side by side."""
    gates = {gate.name: gate.current for gate in model.gates}
    states = [
        (
            html.Markup(symbol(name)),
            "gate" if name in gates else "",
            html.Markup(symbol(gates.get(name) or "")),
            quantity(float(value), model.units[name], 4),
        )
        for name, value in zip(model.states, model.initial, strict=True)
    ]
    scaled_by = {current: name for name, currents in model.scalable.items() for current in currents}
    currents = [
        (html.Markup(symbol(current.name)), *_conductance(model, scaled_by[current.name]), _gates(current))
        for current in model.currents
    ]
    return (
        '<div class="ionw-columns is-even">'
        + html.table("Currents", ["Current", "Conductance", "Value", "Gates"], currents, numbers=[2])
        + html.table("States", ["State", "Kind", "Of", "Initial value"], states, numbers=[3])
        + "</div>"
    )


def value_of(model: IonicModel, name: str) -> str:
    """A constant with its unit; a name of `scalable` that is no constant is a current."""
    variable = model.variables[name]
    return quantity(variable.eval(), model.units[name]) if variable.is_literal() else "whole current"


def equations(model: IonicModel) -> str:
    """Every equation, by component, folded away."""
    every = list(model.equations.variables(deep=True))
    conductances = {model.variables[name] for name in model.conductances}
    conductances |= {v for v in every if _CONDUCTANCE_NAME.match(v.name())}
    return (
        f'<details class="ionw-equations"><summary>Equations ({len(every)})</summary>'
        + "".join(_component(component, conductances) for component in model.equations.components())
        + "</details>"
    )


def _conductance(model: IonicModel, name: str) -> tuple[html.Markup | str, str]:
    if not model.variables[name].is_literal():
        return "–", "–"
    return html.Markup(symbol(name)), value_of(model, name)


def _gates(current: Any) -> html.Markup:
    return html.Markup(", ".join(symbol(gate) for gate in current.gates) or "–")


def _component(component: Any, conductances: Collection[Any]) -> str:
    """A component of the equations: its name and what is in it."""
    lines = "".join(_lines(component, component, conductances, 0))
    return f"<h3>{escape(component.name())}</h3><ul>{lines}</ul>" if lines else ""


def _lines(parent: Any, component: Any, conductances: Collection[Any], depth: int) -> Iterator[str]:
    for variable in parent.variables():
        name = f"d{variable.name()}/dt" if variable.is_state() else variable.name()
        # A number of a current's own equation is a conductance too: 0.1 [nS/pF] * (V + 85 [mV]).
        conductance = variable in conductances or variable.unit() == A_PER_F
        code = readable(variable.rhs().code(component), conductance=conductance)
        mathml = equation_mathml(variable, conductance=conductance)
        indent = f' style="padding-left:{1.5 * depth:g}em"' if depth else ""
        unit = unit_words(unit_beside(variable, conductance=conductance))
        yield (
            f'<li{indent} title="{escape(f"{name} = {code}")}">{mathml}'
            + (f" <span>{escape(unit)}</span>" if unit else "")
            + "</li>"
        )
        yield from _lines(variable, component, conductances, depth + 1)
