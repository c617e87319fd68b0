"""Units as people read them: rates in 1/ms, conductances in nS/pF, though a computer holds them for one."""

from __future__ import annotations

import re

import myokit
import pytest

from ionwidgets.models import list_models, load_model
from ionwidgets.models.units import derivative_unit_name, readable, unit_name
from ionwidgets.widgets.model.tables import equations

unit = myokit.parse_unit


@pytest.mark.parametrize(
    ("given", "written", "of_a_conductance"),
    [
        ("mS/uF", "1/ms", "nS/pF"),
        ("1/s", "1/s", "S/F"),
        ("mV/ms", "A/F", "A/F"),
        ("m^3/s/mol", "1/mM/s", "1/mM/s"),
        ("s^3*A*mol/g/m^5", "mM/mV", "mM/mV"),
        ("mS/cm^2", "mS/cm^2", "mS/cm^2"),
    ],
)
def test_the_name_that_the_field_uses(given: str, written: str, of_a_conductance: str) -> None:
    assert unit_name(unit(given)) == written
    assert unit_name(unit(given), conductance=True) == of_a_conductance
    assert unit(written) == unit(of_a_conductance) == unit(given), "another name, the same unit"


def test_a_derivative_is_per_ms() -> None:
    assert [derivative_unit_name(unit(u)) for u in ("mV", "mM", "1")] == ["mV/ms", "mM/ms", "1/ms"]


def test_an_equation_reads_as_the_same_equation() -> None:
    code = "2.7 [mS/uF] * exp(0.079 [1/mV] * V) +  9.64853414999999950e4 [C/mol]"
    assert readable(code) == "2.7 [1/ms] * exp(0.079 [1/mV] * V) + 96485.3415 [C/mol]"


@pytest.mark.parametrize("name", [card.name for card in list_models()])
def test_on_the_page_no_rate_is_a_conductance_and_no_conductance_a_rate(name: str) -> None:
    model = load_model(name)
    lines = re.findall('<li[^>]* title="([^" ]+) = ([^"]*">.*?)</li>', equations(model), re.DOTALL)
    assert len(lines) == sum(1 for _ in model.equations.variables(deep=True))
    for variable, told in lines:
        if re.match("alpha|beta|[ab]$", variable):
            assert "nS/pF" not in told and "mS/" not in told, variable
        if variable in model.conductances:
            assert "1/ms" not in told, variable
    assert dict(lines)["dV/dt"].endswith("<span>mV/ms</span>") or model.voltage not in dict(lines)
