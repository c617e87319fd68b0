"""Every model of a published table against it: an independent implementation, each number to 1e-9.

A derivative at rest is a small difference of large terms, so derivatives and sums are compared relative to
the largest of their terms (README of the tables).
"""

from __future__ import annotations

import myokit
import numpy as np
import pytest
from reference_tables import TABLES, Table, table

from ionwidgets.models import IonicModel, list_models, load_model
from ionwidgets.models.evaluate import evaluate

TOLERANCE = 1e-9


@pytest.fixture(scope="module", params=TABLES)
def case(request: pytest.FixtureRequest) -> tuple[IonicModel, Table]:
    reference = table(request.param)
    return load_model(reference.model), reference


def test_every_model_but_the_one_without_a_table_is_compared() -> None:
    compared = {table(stem).model.partition(":")[0] for stem in TABLES}
    assert {card.name for card in list_models()} - compared == {"pospischil2008"}


def known_at(model: IonicModel, state: dict[str, float], pace: float = 0.0) -> dict[myokit.Variable, float]:
    known = {model.variables[name]: value for name, value in state.items()}
    return known | ({model.pace_variable: pace} if model.pace_variable is not None else {})


def is_sum(e: myokit.Expression) -> bool:
    """Whether `e` is a name for a sum, as I_ion of several currents."""
    if not isinstance(e, myokit.Name) or e.var().is_state() or e.var().is_bound():
        return False
    return isinstance(e.var().rhs(), myokit.Plus | myokit.Minus)


def size(e: myokit.Expression, known: dict[myokit.Variable, float]) -> float:
    """Size of the terms that `e` adds up, signs aside: what rounding is relative to."""
    if isinstance(e, myokit.Plus | myokit.Minus):
        return max(size(e[0], known), size(e[1], known))
    if isinstance(e, myokit.Multiply):
        return size(e[0], known) * size(e[1], known)
    if isinstance(e, myokit.Divide):
        return size(e[0], known) / abs(float(evaluate(e[1], known)))
    if isinstance(e, myokit.PrefixMinus | myokit.PrefixPlus):
        return size(e[0], known)
    if isinstance(e, myokit.If):
        return size(e[1] if evaluate(e[0], known) else e[2], known)
    if is_sum(e):
        return size(e.var().rhs(), known)
    return abs(float(evaluate(e, known)))


def test_states_and_initial_values(case: tuple[IonicModel, Table]) -> None:
    model, reference = case
    assert set(model.states) == set(reference.states)
    for name, value in zip(model.states, model.initial, strict=True):
        assert value == pytest.approx(reference.states[name], rel=1e-15, abs=0), name


def test_constants_are_equal(case: tuple[IonicModel, Table]) -> None:
    model, reference = case
    values = {name: model.variables[name].eval() for name in reference.constants}
    for name, expected in reference.constants.items():
        assert values[name] == pytest.approx(expected, rel=1e-12, abs=0), name


def test_derivatives_at_every_point(case: tuple[IonicModel, Table]) -> None:
    model, reference = case
    for point in reference.points:
        derivatives, known = model.derivatives(point["state"]), known_at(model, point["state"])
        assert set(derivatives) == set(point["derivatives"])
        for name, expected in point["derivatives"].items():
            largest = size(model.variables[name].rhs(), known)
            assert abs(derivatives[name] - expected) <= TOLERANCE * largest, (point["label"], name)


def test_currents_fluxes_and_potentials_at_every_point(case: tuple[IonicModel, Table]) -> None:
    model, reference = case
    for point in reference.points:
        values, known = model.values(tuple(point["values"]), point["state"]), known_at(model, point["state"])
        assert {c.name for c in model.currents} <= set(values)
        for name, expected in point["values"].items():
            largest = max(abs(expected), size(model.variables[name].rhs(), known))
            assert abs(float(values[name]) - expected) <= TOLERANCE * largest, (point["label"], name)


def test_gates_at_every_point_and_over_the_grid(case: tuple[IonicModel, Table]) -> None:
    model, reference = case
    assert set(model.gate_names) == set(reference.gates)
    curves = model.gate_curves(reference.content["gate_grid_mV"])
    for gate, row in reference.gates.items():
        for ours, theirs in zip(curves[gate], (row["inf"], row["tau_ms"]), strict=True):
            where = reference.compared(gate)
            expected = np.array(theirs)[where]
            np.testing.assert_allclose(ours[where], expected, rtol=TOLERANCE, atol=1e-300, err_msg=gate)
    for point in reference.points:
        curves = model.gate_curves(point["state"]["V"])
        for gate, row in point["gates"].items():
            assert float(curves[gate][0]) == pytest.approx(row["inf"], rel=TOLERANCE, abs=1e-300), gate
            assert float(curves[gate][1]) == pytest.approx(row["tau_ms"], rel=TOLERANCE), gate


def test_dvdt_is_the_sum_of_the_listed_currents(case: tuple[IonicModel, Table]) -> None:
    model, reference = case
    assert {c.name for c in model.currents} == reference.currents
    model.check_balance()


def test_the_stimulus_moves_what_it_moves_in_the_table(case: tuple[IonicModel, Table]) -> None:
    model, reference = case
    point, check = reference.points[0], reference.content["stimulus_check"]
    expected = reference.derivatives(check["derivatives_that_change"])
    known = known_at(model, point["state"], pace=1.0)
    off, on = model.derivatives(point["state"]), model.derivatives(point["state"], pace=1.0)
    assert {name for name in model.states if on[name] != off[name]} == set(expected)
    for name, value in expected.items():
        assert abs(on[name] - value) <= TOLERANCE * size(model.variables[name].rhs(), known), name
    assert model.stimulus.duration == reference.content["stimulus"]["duration_ms"]
