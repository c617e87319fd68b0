"""Far from the usual: strong currents, stiff membranes, equations of any length and function."""

from __future__ import annotations

from pathlib import Path

import myokit
import numpy as np
import pytest
from handwritten_models import one_gate_model
from kernel_functions import rhs

from ionwidgets.errors import ModelError, SimulationError
from ionwidgets.models import IonicModel, load_model
from ionwidgets.simulation import simulate
from ionwidgets.simulation.kernel import kernel_for


def by_cvodes(model: IonicModel, cycle_length: float, times: np.ndarray, **constants: float) -> np.ndarray:
    """V [mV] at `times`, paced as `simulate` does, with some constants replaced by public name."""
    oracle = myokit.Simulation(model.equations.clone())
    oracle.set_tolerance(1e-10, 1e-8)
    for name, value in constants.items():
        oracle.set_constant(model.variables[name].qname(), value)
    oracle.set_protocol(myokit.pacing.blocktrain(cycle_length, model.stimulus.duration, 10.0))
    V = model.variables["V"].qname()
    return oracle.run(times[-1] + 1.0, log=[V], log_times=times).npview()[V]


@pytest.mark.parametrize(("key", "amplitude"), [("lr1991", -80.0), ("tnnp2004", -110.0)])
def test_a_strong_stimulus_drives_V_far_above_100_mV(key: str, amplitude: float) -> None:
    model = load_model(key)
    ours = simulate(model, 1000.0, 1000.0, stimulus=(amplitude, model.stimulus.duration), sample=0.5)
    times = ours["time"].values
    truth = by_cvodes(model, 1000.0, times, **{model.stimulus.parameter: amplitude})
    print(key, "peak", truth.max(), "error", np.abs(ours["V"].values[0] - truth).max())
    assert truth.max() > 60
    assert np.abs(ours["V"].values[0] - truth).max() < 0.5


@pytest.mark.parametrize(
    ("key", "parameter", "factor", "cycle_length"),
    [("lr1991", "g_K1", 900.0, 1000.0), ("tnnp2004", "g_K1", 900.0, 1000.0), ("hh1952", "g_Na", 10.0, 50.0)],
)
def test_a_membrane_of_huge_conductance_is_followed(
    key: str, parameter: str, factor: float, cycle_length: float
) -> None:
    """The peaks and troughs: a steep spike that is a hair late is far off at one instant."""
    model = load_model(key)
    ours = simulate(model, cycle_length, 100.0, scale={parameter: factor}, sample=0.05, variables=["V"])
    value = factor * model.conductances[parameter]
    truth = by_cvodes(model, cycle_length, ours["time"].values, **{parameter: value})
    V = ours["V"].values[0]
    assert (V.min(), V.max()) == pytest.approx((truth.min(), truth.max()), abs=0.5)


def test_a_V_that_leaves_the_table_is_told() -> None:
    with pytest.raises(SimulationError, match=r"hh1952 broke down: .* V is \S+ mV, beyond -150 to 200"):
        simulate(load_model("hh1952"), 50.0, 50.0, stimulus=(-1e5, 1.0))


def with_rate(equation: str, tmp_path: Path) -> IonicModel:
    """A model whose state z, no gate, has this right-hand side."""
    path = tmp_path / "rate.mmt"
    text = one_gate_model("(inf - x) / tau")
    text = text.replace("k.x = 0.1\n", "k.x = 0.1\nstore.z = 0.5\n", 1)
    path.write_text(f"{text}\n[store]\nuse membrane.V as V\ndot(z) = {equation}\n")
    return load_model(path)


@pytest.mark.parametrize(
    "function", ["sin", "cos", "tan", "asin", "acos", "atan", "exp", "sqrt", "log", "log10", "abs"]
)
def test_slopes_of_every_function(function: str, tmp_path: Path) -> None:
    """A fast state z whose own slope takes the derivative of the function, against a difference."""
    model = with_rate(f"3 * ({function}(0.4 + 0.1 * z + 0.0001 * V * z) - 2 * z)", tmp_path)
    kernel = kernel_for(model)
    assert kernel.layout.fast == ("z",)
    y = kernel.initial()
    j = kernel.layout.states.index("z")

    def at(z: float) -> tuple[float, float]:
        y[j] = z
        dy, slopes, _ = rhs(kernel, y, 1500, 0.0)
        return dy[j], slopes[0]

    difference = (at(0.5 + 1e-5)[0] - at(0.5 - 1e-5)[0]) / 2e-5
    assert at(0.5)[1] == pytest.approx(difference, rel=1e-6)


@pytest.mark.parametrize("rest", ["floor(z + 0.3)", "ceil(z + 0.3)", "z // 2", "z % 2", "log(z + 2, 3)"])
def test_other_functions_in_a_fast_state(rest: str, tmp_path: Path) -> None:
    model = with_rate(f"0.1 * ({rest}) - 3 * z", tmp_path)
    assert kernel_for(model).layout.fast == ("z",)
    assert np.isfinite(simulate(model, 1000.0, 100.0)["z"].values).all()


@pytest.mark.parametrize(
    "equation",
    [
        " + ".join(f"0.001 * z / {n}" for n in range(1, 251)) + " - z",
        "(" * 120 + "z" + " + 0.001)" * 120 + " - 2 * z",
        "piecewise(" + ", ".join(f"z > {n}, {n} - z" for n in range(300, 0, -1)) + ", 0.1 - z)",
    ],
    ids=["a long sum", "deep brackets", "many pieces"],
)
def test_a_long_equation_is_compiled(equation: str, tmp_path: Path) -> None:
    data = simulate(with_rate(equation, tmp_path), 1000.0, 100.0)
    assert np.isfinite(data["z"].values).all()


def test_an_equation_nested_too_deep_is_refused(tmp_path: Path) -> None:
    model = with_rate("(" * 400 + "z" + " + 0.001)" * 400 + " - 2 * z", tmp_path)
    with pytest.raises(ModelError, match="nested too deep"):
        kernel_for(model)


def test_a_number_beyond_all_numbers_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="too large a number"):
        simulate(with_rate("1e400 * z", tmp_path), 1000.0, 100.0)
