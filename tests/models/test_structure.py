"""What is read off the form of the equations: gates, currents, conductances, names, units."""

from __future__ import annotations

from pathlib import Path

import myokit
import numpy as np
import pytest
from handwritten_models import HODGKIN_HUXLEY, one_gate_model
from reference_tables import VARIANTS

from ionwidgets.errors import ModelError
from ionwidgets.models import Current, Gate, IonicModel, load_model
from ionwidgets.simulation import simulate

V = np.linspace(-100, 50, 31)
H_INF = 1 / (1 + np.exp((-20 - V) / 7))
TAU = 5 + 50 * np.exp(-((V + 30) ** 2) / 400)


def model_of(text: str, tmp_path: Path) -> IonicModel:
    path = tmp_path / "handwritten.mmt"
    path.write_text(text)
    return load_model(path)


@pytest.mark.parametrize(
    "equation",
    [
        "(inf - x) / tau",
        "-(x - inf) / tau",
        "inf / tau - x / tau",
        "(1 / tau) * (inf - x)",
        "alpha * (1 - x) - beta * x",
        "-beta * x + (1 - x) * alpha",
        "alpha - (alpha + beta) * x",
        "2 * ((inf - x) / (2 * tau))",
        "+(inf + -x) / tau",
        "(inf - x) / tau / 1000 * 1000",
        "if(V < -40, (inf - x) / tau, alpha * (1 - x) - beta * x)",
        "piecewise(V < -60, (inf - x) / tau, V < 0, alpha - x / tau, inf / tau - x / tau)",
        "x * -1 / tau + inf / tau",
        "rate\n    rate = (inf - x) / tau",
        "gain - loss\n    gain = alpha * (1 - x)\n    loss = beta * x",
    ],
)
def test_a_gate_in_any_arrangement(equation: str, tmp_path: Path) -> None:
    model = model_of(one_gate_model(equation), tmp_path)
    assert model.gates == (Gate("x", "I_K"),)
    h_inf, tau = model.gate_curves(V)["x"]
    np.testing.assert_allclose(h_inf, H_INF, rtol=1e-12)
    np.testing.assert_allclose(tau, TAU, rtol=1e-12)


@pytest.mark.parametrize(
    "equation",
    [
        "(inf * Ca_i - x) / tau",
        "(inf - x) / (tau + Ca_i)",
        "(extra - x) / tau\n    extra = Ca_i / (Ca_i + 1e-3)",
        "(inf - x) * x / tau",
        "(inf - x^2) / tau",
        "if(inf > x, 0, (inf - x) / tau)",
        "if(V < 0, 0 * V, (inf - x^2) / tau)",
        "(inf + engine.pace - x) / tau",
        "(0.5 - x) / 3",
        "inf",
    ],
    ids=[
        "h_inf(Ca)",
        "tau(Ca)",
        "Ca through a variable",
        "x^2",
        "power",
        "one way",
        "one branch",
        "pace",
        "no V",
        "no decay",
    ],
)
def test_what_is_no_gate(equation: str, tmp_path: Path) -> None:
    assert model_of(one_gate_model(equation), tmp_path).gates == ()


def test_fCa_and_g_are_no_gates() -> None:
    model = load_model("tnnp2004")
    assert set(model.gate_names) == {"m", "h", "j", "d", "f", "r", "s", "Xr1", "Xr2", "Xs"}
    assert {gate.name: gate.current for gate in model.gates} == {
        "m": "I_Na", "h": "I_Na", "j": "I_Na", "d": "I_CaL", "f": "I_CaL", "r": "I_to", "s": "I_to",
        "Xr1": "I_Kr", "Xr2": "I_Kr", "Xs": "I_Ks",
    }  # fmt: skip


def test_the_conductances_of_tnnp_are_the_fields() -> None:
    model = load_model("tnnp2004")
    assert set(model.conductances) == {
        "g_Na", "g_CaL", "g_Kr", "g_Ks", "g_to", "g_K1", "g_pK", "g_pCa", "g_bNa", "g_bCa", "P_NaK", "K_NaCa",
    }  # fmt: skip
    assert model.conductances["g_Kr"] == 0.096
    assert Current("I_Kr", "g_Kr", ("Xr1", "Xr2"), ("I_Kr",)) in model.currents


def test_alpha_and_beta_nested_under_one_name(tmp_path: Path) -> None:
    model = model_of(HODGKIN_HUXLEY, tmp_path)
    assert model.gates == (Gate("m", "I_Na"), Gate("h", "I_Na"), Gate("n", "I_K"))
    a, b = 0.07 * np.exp(-(V + 65) / 20), 1 / (1 + np.exp(-(V + 35) / 10))
    h_inf, tau = model.gate_curves(V)["h"]
    np.testing.assert_allclose(h_inf, a / (a + b), rtol=1e-12)
    np.testing.assert_allclose(tau, 1 / (a + b), rtol=1e-12)
    assert model.gate_curves(-40.0)["m"][0] == pytest.approx(1 / (1 + 4 * np.exp(-25 / 18)), rel=1e-12)


NESTED = "I_Na = g_Na * (V - 50)\ng_Na = 0.01\nI_b = 0.001 * (V + 60)\n"


@pytest.mark.parametrize(
    "dvdt",
    [
        "-(k.I_K + k.I_Na + k.I_b + stimulus.I_stim)",
        "-(k.I_ion + stimulus.I_stim)",
        "-k.I_all",
        "-1 / 2 * (2 * k.I_ion + 2 * stimulus.I_stim)",
    ],
)
def test_sums_of_sums_are_opened(dvdt: str, tmp_path: Path) -> None:
    sums = "I_two = I_K + I_Na\nI_ion = I_two + I_b\nI_all = I_ion + stimulus.I_stim\n"
    model = model_of(one_gate_model("(inf - x) / tau", nested=NESTED + sums, dvdt=dvdt), tmp_path)
    assert [current.name for current in model.currents] == ["I_K", "I_Na", "I_b"]


@pytest.mark.parametrize(
    ("current", "conductance"),
    [
        ("g_Na * (V - 50)", "g_Na"),
        ("(V - 50) * 2 * g_Na / 3", "g_Na"),
        ("-g_Na * (50 - V)", "g_Na"),
        ("g_Na * (V - 50) * (1 + g_Na)", None),  # does not scale the whole
        ("g_Na * (V - 50) + 0.1", None),
        ("(V - 50) / g_Na", None),
        ("g_Na * (V - 50) * shared_", "g_Na"),
        ("0.01 * (V - 50)", None),
    ],
)
def test_a_conductance_scales_its_whole_current(
    current: str, conductance: str | None, tmp_path: Path
) -> None:
    nested = f"I_Na = {current}\ng_Na = 0.01\nshared_ = 1 + V / 1000\n"
    text = one_gate_model("(inf - x) / tau", nested=nested, dvdt="-(k.I_K + k.I_Na + stimulus.I_stim)")
    model = model_of(text, tmp_path)
    assert {c.name: c.conductance for c in model.currents} == {"I_K": "g_K", "I_Na": conductance}


def test_a_constant_of_two_currents_is_no_conductance(tmp_path: Path) -> None:
    nested = "I_Na = g_K * (V - 50)\n"
    text = one_gate_model("(inf - x) / tau", nested=nested, dvdt="-(k.I_K + k.I_Na + stimulus.I_stim)")
    assert model_of(text, tmp_path).conductances == {}


def test_a_constant_that_several_currents_share_scales_them_all() -> None:
    ord2011 = load_model("ord2011")
    assert ord2011.scalable["P_Ca"] == ("I_CaL", "I_CaNa", "I_CaK")
    assert ord2011.scalable["K_NaCa"] == ("I_NaCa_i", "I_NaCa_ss")
    assert [name for names in ord2011.scalable.values() for name in names] == [
        current.name for current in ord2011.currents
    ]
    noble = load_model("noble1962")
    assert noble.scalable == {"I_Na": ("I_Na",), "I_K": ("I_K",), "g_L": ("I_L",)}
    assert noble.scaled_by("I_L") == ("I_L",)
    with pytest.raises(ModelError, match="unknown conductance of noble1962 'g_Na'; did you mean I_Na"):
        noble.scaled_by("g_Na")


def test_scaling_a_shared_constant_is_changing_it_in_the_file() -> None:
    model = load_model("ord2011")
    scaled = simulate(model, 500.0, 1000.0, scale={"P_Ca": 0.5}, variables=["V", "Na_i"])
    equations = model.equations.clone()
    constant = equations.get(model.variables["P_Ca"].qname())
    constant.set_rhs(myokit.Number(0.5 * constant.eval(), constant.unit()))
    changed = simulate(IonicModel(equations, "changed"), 500.0, 1000.0, variables=["V", "Na_i"])
    for name in ("V", "Na_i"):
        np.testing.assert_allclose(scaled[name], changed[name], rtol=1e-5)


def test_names_that_components_share_carry_the_component(tmp_path: Path) -> None:
    text = one_gate_model("(inf - x) / tau").replace("[calcium]", "[calcium]\ntau = 100")
    model = model_of(text, tmp_path)
    assert {"k_tau", "calcium_tau"} <= set(model.variables)
    assert "tau" not in model.variables


@pytest.mark.parametrize("variant", VARIANTS)
def test_units_are_consistent(variant: str) -> None:
    load_model("tnnp2004", variant).equations.check_units(myokit.UNIT_STRICT)


def test_units_as_the_field_writes_them() -> None:
    units = load_model("tnnp2004").units
    expected = {
        "V": "mV",
        "Ca_i": "mM",
        "I_Kr": "A/F",
        "g_Kr": "nS/pF",
        "tau_m": "ms",
        "m": "1",
        "P_NaK": "A/F",
    }
    assert {name: units[name] for name in expected} == expected


HH = """[[model]]
membrane.V = -80
IK.n = 0.3

[engine]
time = 0 [ms]
    in [ms]
    bind time
pace = 0
    bind pace

[membrane]
dot(Vm) = -(IK.I_K + I_stim)
    in [mV]
    label membrane_potential
I_stim = pace_amplitude * engine.pace
    label stimulus_current
pace_amplitude = -20
    label stimulus_amplitude
pace_duration = 1 [ms]
    in [ms]
    label stimulus_duration

[IK]
I_K = g * n^4 * (membrane.Vm + 85)
    g = 0.3
dot(n) = a * (1 - n) - b * n
    a = 0.01 * (membrane.Vm + 55) / (1 - exp(-(membrane.Vm + 55) / 10))
    b = 0.125 * exp(-(membrane.Vm + 65) / 80)
"""


def _written(folder: Path) -> Path:
    path = folder / "cell.mmt"
    path.write_text(HH.replace("membrane.V =", "membrane.Vm ="))
    return path


def test_a_rate_that_is_0_over_0_takes_its_limit(tmp_path: Path) -> None:
    model = load_model(_written(tmp_path))
    h_inf, tau = model.gate_curves(np.array([-55.0, -55.001]))["n"]
    alpha, beta = 0.1, 0.125 * np.exp(-10 / 80)  # the limit of a at -55 mV
    assert h_inf[0] == pytest.approx(alpha / (alpha + beta), rel=1e-6)
    assert tau[0] == pytest.approx(1 / (alpha + beta), rel=1e-6)


def test_the_voltage_is_called_V_and_a_nested_constant_is_no_conductance(tmp_path: Path) -> None:
    model = load_model(_written(tmp_path))
    assert model.voltage == "V" and model.states == ("V", "n")
    assert [(current.name, current.conductance) for current in model.currents] == [("I_K", None)]
