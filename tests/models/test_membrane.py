"""However a file writes dV/dt, the model is dV/dt = -(sum of its currents in A/F), and computes the same."""

from __future__ import annotations

from pathlib import Path

import pytest
from handwritten_models import one_gate_model

from ionwidgets.errors import ModelError
from ionwidgets.models import IonicModel, load_model
from ionwidgets.models.edit import edited

STATE = {"V": -30.0, "x": 0.4, "Ca_i": 3e-4}
I_K = 0.1 * 0.4 * (-30.0 + 85)
I_Na = 0.01 * (-30.0 - 50)
NESTED = "I_Na = g_Na * (V - 50)\ng_Na = 0.01\n"


def model_of(text: str, tmp_path: Path) -> IonicModel:
    path = tmp_path / "handwritten.mmt"
    path.write_text(text)
    return load_model(path)


def one_gate(tmp_path: Path, dvdt: str, nested: str = NESTED) -> IonicModel:
    return model_of(one_gate_model("(inf - x) / tau", nested=nested, dvdt=dvdt), tmp_path)


@pytest.mark.parametrize(
    ("dvdt", "names", "values"),
    [
        ("-(k.I_K + k.I_Na + stimulus.I_stim)", ["I_K", "I_Na"], [I_K, I_Na]),
        ("-(k.I_K + k.I_Na + stimulus.I_stim) / 2", ["I_K", "I_Na"], [I_K / 2, I_Na / 2]),
        ("(-k.I_K + k.I_Na - stimulus.I_stim) / 2", ["I_K", "I_Na"], [I_K / 2, -I_Na / 2]),
        ("-0.5 * (3 * k.I_K / 4 + k.I_Na + stimulus.I_stim)", ["I_K", "I_Na"], [0.375 * I_K, I_Na / 2]),
        ("-(k.I_K + k.I_K + k.I_Na + stimulus.I_stim)", ["I_K", "I_Na"], [2 * I_K, I_Na]),
        ("-(k.I_K + k.I_K / Cm + stimulus.I_stim)\n    Cm = 4", ["I_K"], [1.25 * I_K]),
        ("-(k.I_ion + stimulus.I_stim) / Cm\n    Cm = 4", ["I_K", "I_Na"], [I_K / 4, I_Na / 4]),
        ("-I_all\n    I_all = (k.I_ion + stimulus.I_stim) / 4", ["I_K", "I_Na"], [I_K / 4, I_Na / 4]),
        ("-(k.I_K + 0.3 * (V + 54) + stimulus.I_stim) / 2", ["I_K", "I_1"], [I_K / 2, 3.6]),
        ("-(k.I_K + k.g_b * (V - 50) + stimulus.I_stim)", ["I_K", "I_b"], [I_K, I_Na]),
        ("-(i_a + stimulus.I_stim)\n    i_a = k.x * 2", ["i_a"], [0.8]),
        ("-(i_a + k.I_K + stimulus.I_stim)\n    i_a = b\n        b = 2 * k.x", ["i_a", "I_K"], [0.8, I_K]),
        ("-(k.out - k.inward + stimulus.I_stim) / 2", ["out", "inward"], [I_K / 2, -I_Na / 2]),
        ("-(k.total + stimulus.I_stim) / 2", ["out", "inward"], [I_K / 2, I_Na / 2]),
        ("-(k.I_NaK + stimulus.I_stim)", ["I_NaK"], [I_K + I_Na]),
    ],
)  # fmt: skip
def test_every_current_is_A_per_F(dvdt: str, names: list[str], values: list[float], tmp_path: Path) -> None:
    nested = (
        NESTED + "g_b = 0.01\nI_ion = I_K + I_Na\nout = I_K * 1\ninward = I_Na * 1\ntotal = out + inward\n"
    )
    model = one_gate(tmp_path, dvdt, nested + "J_1 = I_K * 1\nJ_2 = I_Na * 1\nI_NaK = J_1 + J_2\n")
    assert [current.name for current in model.currents] == names
    found = model.values(names, STATE)
    assert [float(found[name]) for name in names] == pytest.approx(values, rel=1e-14)
    assert float(model.derivatives(STATE)["V"]) == pytest.approx(-sum(values), rel=1e-14)
    assert {model.units[name] for name in names} == {"A/F"}
    model.check_balance()


def test_what_uses_a_current_elsewhere_is_not_changed(tmp_path: Path) -> None:
    text = one_gate_model("(inf - x) / tau", dvdt="-(k.I_K + stimulus.I_stim) / Cm\n    Cm = 8")
    text = text.replace("(1e-4 - Ca_i) / 100", "(1e-4 - Ca_i) / 100 - 1e-5 * k.I_K * stimulus.I_stim")
    model = model_of(text, tmp_path)
    off, on = model.derivatives(STATE), model.derivatives(STATE, pace=1.0)
    assert float(model.values(["I_K"], STATE)["I_K"]) == pytest.approx(I_K / 8, rel=1e-14)
    assert float(off["Ca_i"]) == pytest.approx(-2e-6, rel=1e-12)
    assert float(on["Ca_i"]) == pytest.approx(-2e-6 + 1e-5 * I_K * 20, rel=1e-12)
    assert model.stimulus.amplitude == -20 / 8
    assert float(on["V"] - off["V"]) == pytest.approx(20 / 8, rel=1e-14)


def test_the_conductance_is_found_behind_the_capacitance(tmp_path: Path) -> None:
    model = one_gate(tmp_path, "-(k.I_K + k.I_Na + stimulus.I_stim) / Cm\n    Cm = 4")
    assert model.conductances == {"g_K": 0.1, "g_Na": 0.01}


def test_a_standard_equation_stays_as_it_is() -> None:
    for key in ("tnnp2004:epi", "ord2011"):
        model = load_model(key)
        assert "dot(V) = -(" in model.equations.code()
        assert " / 1" not in model.equation("V")


PARTS = "I_Na = I_Na_junc + I_Na_sl\nI_Na_junc = g_Na * 0.1 * (V - 50)\nI_Na_sl = 0.9 * g_Na * (V - 50)\n"


@pytest.mark.parametrize("Cm", ["", " / 4"])
def test_a_current_of_two_compartments_is_one(Cm: str, tmp_path: Path) -> None:
    nested = PARTS + "g_Na = 0.01\ndot(Na_sl) = -I_Na_sl\n"
    text = one_gate_model(
        "(inf - x) / tau", nested=nested, dvdt=f"-(k.I_K + k.I_Na + stimulus.I_stim){Cm}"
    ).replace("k.x = 0.1", "k.x = 0.1\nk.Na_sl = 10")
    model = model_of(text, tmp_path)
    current = next(current for current in model.currents if current.conductance == "g_Na")
    assert (current.name, current.parts) == ("I_Na", ("I_Na_junc", "I_Na_sl"))
    state = STATE | {"Na_sl": 10.0}
    assert float(model.values(["I_Na"], state)["I_Na"]) == pytest.approx(I_Na / (4 if Cm else 1), rel=1e-14)
    halved = edited(model, {"g_Na": 0.5}, {}, {}).derivatives(state)["Na_sl"]
    assert float(halved) == pytest.approx(-0.45 * I_Na, rel=1e-14)


def test_an_edit_takes_what_can_be_scaled() -> None:
    """A constant that three currents share, or any one of these currents."""
    model = load_model("ord2011")
    state = dict(zip(model.states, model.initial, strict=True)) | {"V": 0.0}
    names = ("I_CaL", "I_CaNa", "I_CaK", "I_Kr")
    control = model.values(names, state)
    for parameter in ("P_Ca", "I_CaNa", "g_Kr", "I_Kr"):
        changed = edited(model, {parameter: 0.5}, {}, {}).values(names, state)
        for name in names:
            factor = 0.5 if name in model.scaled_by(parameter) else 1.0
            assert float(changed[name]) == pytest.approx(factor * float(control[name]), rel=1e-12), parameter
    with pytest.raises(ModelError, match="did you mean"):
        edited(model, {"P_ca": 0.5}, {}, {})


def test_a_derivative_that_another_equation_uses_has_a_name(tmp_path: Path) -> None:
    text = one_gate_model("(inf - x) / tau", dvdt="-(k.I_K + stimulus.I_stim) / 2")
    model = model_of(text.replace("(1e-4 - Ca_i) / 100", "1e-3 * dot(membrane.V)"), tmp_path)
    slopes = model.derivatives(STATE)
    assert float(slopes["V"]) == pytest.approx(-I_K / 2, rel=1e-14)
    assert float(slopes["Ca_i"]) == pytest.approx(-1e-3 * I_K / 2, rel=1e-14)
    assert [current.name for current in model.currents] == ["I_K"]
