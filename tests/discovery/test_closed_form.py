"""Formulae of gates say what the networks' curves are, within what they claim."""

from __future__ import annotations

import myokit
import numpy as np
import pytest

from ionwidgets.discovery.closed_form import TOLERANCE, Form, steady_form, tau_form
from ionwidgets.gnn import learn
from ionwidgets.models import load_model
from ionwidgets.models.evaluate import evaluate
from ionwidgets.simulation import voltage_grid

V = np.linspace(-100.0, 50.0, 601)


def variable() -> myokit.Variable:
    model = myokit.Model("curves")
    return model.add_component("membrane").add_variable("V", rhs=-80, unit=myokit.units.mV)


def assert_says(form: Form, voltage: myokit.Variable, curve: np.ndarray, of: np.ndarray) -> None:
    """`form`'s expression has its curve, with the error that it states."""
    again = myokit.parse_expression(form.expression.code(), context=voltage.parent())
    said = np.broadcast_to(evaluate(again, {voltage: V}), V.shape)
    assert np.abs((said - curve) / of).max() == pytest.approx(form.error, rel=1e-6, abs=1e-9)


@pytest.mark.parametrize("sign", [1, -1])
def test_a_boltzmann_curve_is_found(sign: int) -> None:
    voltage = variable()
    curve = (1 + np.exp(sign * (-31.5 - V) / 6.2)) ** -2.0
    form = steady_form(V, curve, myokit.Name(voltage))
    assert form.name == "Boltzmann power" and form.error < 1e-6
    assert_says(form, voltage, curve, np.ones_like(V))


def test_a_slower_gate_is_a_multiple_of_the_models() -> None:
    voltage = variable()
    x, ms = myokit.Name(voltage), myokit.units.ms
    own = 5.0 + 80.0 / np.cosh((V + 40) / 20)
    written = myokit.parse_expression("5 [ms] + 160 [ms] / (exp((V + 40 [mV]) / 20 [mV]) + "
                                      "exp(-(V + 40 [mV]) / 20 [mV]))", context=voltage.parent())  # fmt: skip
    form = tau_form(V, 1.7 * own, own, x, ms, written)
    assert form.name.endswith("degree 0)") and form.error < 1e-9
    assert_says(form, voltage, 1.7 * own, own)
    bent = tau_form(V, own * np.exp(0.3 * np.sin(V / 40)), own, x, ms, written)
    assert bent.name.endswith("degree 4)") or "knots" in bent.name
    assert_says(bent, voltage, own * np.exp(0.3 * np.sin(V / 40)), own * np.exp(0.3 * np.sin(V / 40)))


def test_what_no_formula_meets_has_knots() -> None:
    voltage = variable()
    wave = 0.5 + 0.3 * np.sin(V / 12)
    form = steady_form(V, wave, myokit.Name(voltage))
    assert "knots" in form.name and form.error <= TOLERANCE["h_inf"]
    assert_says(form, voltage, wave, np.ones_like(V))
    ends = [float(evaluate(form.expression, {voltage: np.array(x)})) for x in (-1000.0, 1000.0)]
    np.testing.assert_allclose(ends, wave[[0, -1]])


@pytest.mark.parametrize("key", ["ord2011:endo", "hh1952"])
def test_the_curves_of_shipped_networks(key: str) -> None:
    model, voltage = load_model(key), variable()
    grid, own = voltage_grid(), model.gate_curves(V)
    for gate, (h_inf, tau) in learn(model).gate_curves(grid).items():
        h_inf, tau = np.interp(V, grid, h_inf), np.interp(V, grid, tau)
        steady = steady_form(V, h_inf, myokit.Name(voltage))
        assert steady.error <= TOLERANCE["h_inf"], gate
        assert_says(steady, voltage, h_inf, np.ones_like(V))
        slow = tau_form(V, tau, own[gate][1], myokit.Name(voltage), myokit.units.ms, myokit.Number(1))
        assert slow.error <= TOLERANCE["tau"], gate
