"""Gates given over V and Ca_i: against curves over V alone, against equations, and what is refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from ionwidgets.errors import SimulationError
from ionwidgets.models import IonicModel, load_model
from ionwidgets.simulation import VoltageClamp, simulate, voltage_grid
from ionwidgets.simulation.clamp import follow
from ionwidgets.simulation.kernel import kernel_for

ROWS = voltage_grid().size
RANGE = (0.0, 2e-3)  # mM
PER_MM = 4000.0  # mV; the half-activation of f moves by 4 mV in 1 uM


@pytest.fixture(scope="module")
def model() -> IonicModel:
    return load_model("tnnp2004")


def shifted_f(levels: int) -> NDArray[np.float64]:
    """h_inf (K, levels) of f that is moved by Ca_i, over RANGE."""
    calcium = np.linspace(*RANGE, levels)
    return 1.0 / (1.0 + np.exp((voltage_grid()[:, None] + 20.0 + PER_MM * calcium) / 7.0))


@pytest.fixture(scope="module")
def rewritten(model: IonicModel) -> IonicModel:
    """The same dependence in the equations: f is then no gate of V alone, and is stepped as other states."""
    equations = model.equations.clone()
    calcium = model.variables["Ca_i"].qname()
    equations.get("ICaL.f_inf").set_rhs(
        f"1 / (1 + exp((membrane.V + 20 [mV] + {PER_MM} [mV/mM] * {calcium}) / 7 [mV]))"
    )
    other = IonicModel(equations, "rewritten")
    assert "f" not in other.gate_names
    return other


def test_tables_that_do_not_heed_calcium_are_curves(model: IonicModel) -> None:
    curves = model.gate_curves(voltage_grid())
    tables = {name: tuple(np.repeat(x[:, None], 3, axis=1) for x in pair) for name, pair in curves.items()}
    plain = simulate(model, [500.0], 2000.0)
    for gates in (tables, {**curves, "f": tables["f"]}, {**curves, "d": (tables["d"][0], curves["d"][1])}):
        same = simulate(model, [500.0], 2000.0, gates=gates, gates_calcium=RANGE)
        for name in ("V", "Ca_i", "f"):
            np.testing.assert_allclose(same[name], plain[name], rtol=2e-5, atol=1e-8)


@pytest.mark.parametrize("cycle_length", [400.0, 1000.0])
def test_a_gate_that_heeds_calcium_moves_as_its_equation_would(
    model: IonicModel, rewritten: IonicModel, cycle_length: float
) -> None:
    tau = model.gate_curves(voltage_grid())["f"][1]
    gates = {"f": (shifted_f(65), tau)}
    plain, own, written = (
        simulate(which, [cycle_length], 5 * cycle_length, variables=["V", "Ca_i", "f"], **options)
        for which, options in (
            (model, {}), (model, {"gates": gates, "gates_calcium": RANGE}), (rewritten, {}),
        )
    )  # fmt: skip
    assert np.abs(own["V"] - plain["V"]).max() > 2.0, "it is seen"
    np.testing.assert_allclose(own["V"], written["V"], atol=0.05)
    np.testing.assert_allclose(own["f"], written["f"], atol=5e-4)


def test_it_does_so_under_voltage_clamp(model: IonicModel, rewritten: IonicModel) -> None:
    gates = {"f": (shifted_f(65), model.gate_curves(voltage_grid())["f"][1])}
    clamp = VoltageClamp([(-20.0, 300.0), (10.0, 300.0)])
    own = simulate(model, protocol=clamp, variables=["f", "Ca_i"], gates=gates, gates_calcium=RANGE)
    written = simulate(rewritten, protocol=clamp, variables=["f", "Ca_i"])
    np.testing.assert_allclose(own["f"], written["f"], atol=2e-4)


def test_a_recorded_calcium_drives_the_gates(model: IonicModel) -> None:
    """Where V and Ca_i are both driven, f relaxes to h_inf of the driven Ca_i."""
    kernel = kernel_for(model)
    table = kernel.gate_table({"f": (shifted_f(65), np.ones(ROWS))}, RANGE)
    drive = np.column_stack([np.full(400, -24.0), np.linspace(1e-4, 1.5e-3, 400)])
    out = follow(kernel, kernel.scales({}), table, kernel.initial(), ["V", "Ca_i"], drive, 1.0, 10)
    expected = 1.0 / (1.0 + np.exp((-24.0 + 20.0 + PER_MM * drive[:, 1]) / 7.0))
    np.testing.assert_allclose(out[50:, kernel.index("f")], expected[50:], atol=1e-3)


def test_beyond_the_levels_their_ends_are_held(model: IonicModel) -> None:
    """Over levels that all lie below the cell's Ca_i, the last counts alone."""
    tau = model.gate_curves(voltage_grid())["f"][1]
    h_inf = shifted_f(5)
    below = simulate(model, [500.0], 1000.0, gates={"f": (h_inf, tau)}, gates_calcium=(1e-9, 1e-8))
    last = simulate(model, [500.0], 1000.0, gates={"f": (h_inf[:, -1], tau)})
    np.testing.assert_allclose(below["V"], last["V"], atol=1e-2)


def f_over(h_inf: tuple[int, ...], tau: tuple[int, ...] = (ROWS,), tau_ms: float = 1.0) -> dict[str, Any]:
    """Gate f given as arrays of these shapes."""
    return {"gates": {"f": (np.ones(h_inf), np.full(tau, tau_ms))}, "gates_calcium": RANGE}


MANY = {g: (np.ones((ROWS, n)), np.ones(ROWS)) for g, n in (("f", 3), ("d", 2))}


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        (f_over((ROWS, 3)) | {"gates_calcium": None}, r"gate f is given over Ca_i: .*gates_calcium"),
        ({"gates_calcium": RANGE}, "leave it out"),
        (f_over((ROWS,)), "leave it out"),
        (f_over((ROWS, 1)), "P > 1 levels"),
        (f_over((3, ROWS)), "curves of gate f"),
        (f_over((ROWS, 3, 1)), "curves of gate f"),
        (f_over((ROWS, 3), (ROWS, 3), 0.0), "tau of gate f"),
        (f_over((ROWS, 3), (ROWS, 4)), "found f 3, 4"),
        ({"gates": MANY, "gates_calcium": RANGE}, "share their levels of Ca_i; found f 3, d 2"),
        (f_over((ROWS, 3)) | {"gates_calcium": (1e-3, 1e-3)}, "finite and ascending"),
        (f_over((ROWS, 3)) | {"gates_calcium": (2e-3, 1e-3)}, "finite and ascending"),
        (f_over((ROWS, 3)) | {"gates_calcium": (0.0, np.inf)}, "finite and ascending"),
        (f_over((ROWS, 3)) | {"gates_calcium": (np.nan, 1.0)}, "finite and ascending"),
        (f_over((ROWS, 3)) | {"gates_calcium": 1e-3}, r"must be \(low, high\)"),
        (f_over((ROWS, 3)) | {"gates_calcium": (0, 1, 2)}, r"must be \(low, high\)"),
        (f_over((ROWS, 3)) | {"gates_calcium": "wide"}, "must be given as numbers"),
    ],
)
def test_what_makes_no_sense_is_refused(model: IonicModel, settings: dict[str, Any], said: str) -> None:
    with pytest.raises(SimulationError, match=said) as caught:
        simulate(model, [1000.0], 1000.0, **settings)
    assert "\n" not in str(caught.value)


def test_a_model_without_calcium_has_no_such_gate() -> None:
    gates = {"m": (np.ones((ROWS, 3)), np.ones(ROWS))}
    with pytest.raises(SimulationError, match="hh1952 has no cytosolic calcium, so gate m cannot"):
        simulate(load_model("hh1952"), 1000.0, 1000.0, gates=gates, gates_calcium=RANGE)
