"""TNNP 2004 against an independent implementation: every number of the tables, to 1e-9 of the largest term.

A derivative at rest is a small difference of large terms, so it is compared relative to the largest of them
(shared/reference/README.md of the tables).
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from reference_tables import NEUTRAL, VARIANTS, Table, our_name, table

from ionwidgets.models import IonicModel, load_model

TOLERANCE = 1e-9


@pytest.fixture(scope="module", params=VARIANTS)
def case(request: pytest.FixtureRequest) -> tuple[IonicModel, Table]:
    return load_model("tnnp2004", request.param), table(request.param)


def largest_terms(model: IonicModel, point: dict[str, Any]) -> dict[str, float]:
    """Size of the largest term in every derivative at a point, from the table's own numbers."""
    values, state = point["values"], point["state"]
    constants = {
        name: float(model.variables[name].eval()) for name in ("Cm_FVc", "V_c", "V_SR", "tau_fCa", "tau_g")
    }
    current = max(abs(value) for name, value in values.items() if name.startswith("I_"))
    flux = max(abs(value) for name, value in values.items() if name.startswith("J_"))
    terms = {gate: max(curve["inf"], state[gate]) / curve["tau_ms"] for gate, curve in point["gates"].items()}
    for gate in ("fCa", "g"):
        terms[gate] = max(values[f"{gate}_inf"], state[gate]) / constants[f"tau_{gate}"]
    terms["V"] = current
    terms["Na_i"] = terms["K_i"] = current * constants["Cm_FVc"]
    terms["Ca_i"] = values["beta_c"] * max(flux, 0.5 * constants["Cm_FVc"] * current)
    terms["Ca_SR"] = values["beta_SR"] * constants["V_c"] / constants["V_SR"] * flux
    return terms


def test_states_and_initial_values(case: tuple[IonicModel, Table]) -> None:
    model, reference = case
    states = {row["name"]: row["initial"] for row in reference.content["states"]}
    assert set(model.states) == set(states)
    assert dict(zip(model.states, model.initial, strict=True)) == states


def test_constants_are_equal(case: tuple[IonicModel, Table]) -> None:
    model, reference = case
    for row in reference.content["constants"]:
        if row["name"] in NEUTRAL:
            assert row["value"] == NEUTRAL[row["name"]]
        else:
            assert model.variables[our_name(row["source_name"])].eval() == row["value"], row["source_name"]


def test_derivatives_at_every_point(case: tuple[IonicModel, Table]) -> None:
    model, reference = case
    for point in reference.points:
        derivatives, terms = model.derivatives(point["state"]), largest_terms(model, point)
        assert set(derivatives) == set(point["derivatives"])
        for name, expected in point["derivatives"].items():
            assert abs(derivatives[name] - expected) <= TOLERANCE * terms[name], (point["label"], name)


def test_currents_fluxes_and_potentials_at_every_point(case: tuple[IonicModel, Table]) -> None:
    model, reference = case
    for point in reference.points:
        values = model.values(tuple(point["values"]), point["state"])
        assert {c.name for c in model.currents} <= set(values)
        for name, expected in point["values"].items():
            assert float(values[name]) == pytest.approx(expected, rel=TOLERANCE, abs=0), (
                point["label"],
                name,
            )


def test_gates_at_every_point_and_over_the_grid(case: tuple[IonicModel, Table]) -> None:
    model, reference = case
    grid = reference.content["gates"]
    assert set(model.gate_names) == set(grid)
    curves = model.gate_curves(reference.content["gate_grid_mV"])
    for gate, row in grid.items():
        np.testing.assert_allclose(curves[gate][0], row["inf"], rtol=TOLERANCE)
        np.testing.assert_allclose(curves[gate][1], row["tau_ms"], rtol=TOLERANCE)
    for point in reference.points:
        curves = model.gate_curves(point["state"]["V"])
        for gate, row in point["gates"].items():
            assert float(curves[gate][0]) == pytest.approx(row["inf"], rel=TOLERANCE)
            assert float(curves[gate][1]) == pytest.approx(row["tau_ms"], rel=TOLERANCE)


def test_dvdt_is_the_sum_of_the_listed_currents(case: tuple[IonicModel, Table]) -> None:
    model, reference = case
    assert {our_name(name) for name in reference.content["currents_in_dVdt"]} == {
        c.name for c in model.currents
    }


def test_the_stimulus_moves_V_and_K_i_alone(case: tuple[IonicModel, Table]) -> None:
    model, reference = case
    point, check = reference.points[0], reference.content["stimulus_check"]
    assert model.stimulus.amplitude == check["i_stim"] == reference.content["stimulus"]["amplitude"]
    assert model.stimulus.duration == reference.content["stimulus"]["duration_ms"]
    off, on = model.derivatives(point["state"]), model.derivatives(point["state"], pace=1.0)
    assert {name for name in model.states if on[name] != off[name]} == set(check["derivatives_that_change"])
    for name, expected in check["derivatives_that_change"].items():
        assert float(on[name]) == pytest.approx(expected, rel=TOLERANCE)
