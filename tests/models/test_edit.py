"""A model with changes written into its equations."""

import numpy as np
import pytest

from ionwidgets.errors import ModelError
from ionwidgets.models import IonicModel, load_model
from ionwidgets.models.edit import edited
from ionwidgets.models.half_voltage import half_voltage

V = np.linspace(-90, 40, 27)


@pytest.fixture(scope="module")
def model() -> IonicModel:
    return load_model("tnnp2004", "M")


def test_a_slope_is_turned_about_half_of_the_steady_state(model: IonicModel) -> None:
    half = model.half_voltages["Xr1"]
    h_inf, tau = edited(model, {}, {"Xr1": 5.0}, {"Xr1": 2.0}, {"Xr1": 0.7}).gate_curves(V)["Xr1"]
    np.testing.assert_allclose(h_inf, model.gate_curves(half + 0.7 * (V - 5.0 - half))["Xr1"][0], rtol=1e-12)
    np.testing.assert_allclose(tau, 2 * model.gate_curves(V)["Xr1"][1], rtol=1e-12)


def test_a_ratio_of_one_changes_nothing(model: IonicModel) -> None:
    assert edited(model, {}, {}, {}, {"f": 1.0}).gate_forms["f"][0].code() == model.gate_forms["f"][0].code()


def test_half_of_a_curve_is_between_its_points() -> None:
    grid = np.array([-20.0, -10.0, 0.0])
    assert half_voltage(grid, np.array([0.0, 0.25, 0.75])) == pytest.approx(-5.0)
    assert half_voltage(grid, np.array([0.9, 0.7, 0.2])) == pytest.approx(-6.0)
    assert half_voltage(grid, np.array([0.6, 0.7, 0.8])) is None


def test_a_slope_needs_a_half() -> None:
    with pytest.raises(ModelError, match="xk1 of ord2011:endo has no V_half"):
        edited(load_model("ord2011"), {}, {}, {}, {"xk1": 1.5})


def test_what_is_no_gate_is_refused(model: IonicModel) -> None:
    with pytest.raises(ModelError, match=r"gate of tnnp2004:M.*fCa"):
        edited(model, {}, {}, {"fCa": 1.5})
