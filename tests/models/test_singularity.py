"""The L-type current near V = 0, where it is 0/0 as published, against 50 digits."""

from __future__ import annotations

import mpmath
import numpy as np
import pytest
from kernel_functions import rhs, row_at
from reference_tables import VARIANTS

from ionwidgets.models import load_model
from ionwidgets.simulation.kernel import V_STEP, Kernel, kernel_for

RTF = 8314.472 * 310.0 / 96485.3415  # mV
THRESHOLD = 0.005 * RTF  # mV; the model changes from a series to the formula where |2 V F / R T| = 0.01
POTENTIALS = [0.0]
POTENTIALS += [sign * size for size in (1e-9, 1e-6, 1e-3, 1e-1, 1.0, 20.0) for sign in (-1, 1)]
POTENTIALS += [sign * THRESHOLD * factor for factor in (1 - 1e-9, 1.0, 1 + 1e-9, 1.01) for sign in (-1, 1)]
STATE = {"d": 0.9, "f": 0.8, "fCa": 0.7, "Ca_i": 2e-4}


def exact(V: float, g_CaL: float) -> float:
    """I_CaL [A/F] as ten Tusscher et al. 2004 print it, its limit at V = 0."""
    with mpmath.workdps(50):
        R, T, F, Ca_o = (mpmath.mpf(value) for value in (8314.472, 310.0, 96485.3415, 2.0))
        d, f, fCa, Ca_i = (mpmath.mpf(STATE[name]) for name in ("d", "f", "fCa", "Ca_i"))
        gates = mpmath.mpf(g_CaL) * d * f * fCa
        if V == 0:
            return float(2 * gates * F * (Ca_i - mpmath.mpf(0.341) * Ca_o))
        volt = mpmath.mpf(V)
        e = mpmath.exp(2 * volt * F / (R * T))
        return float(4 * gates * volt * F**2 / (R * T) * (Ca_i * e - mpmath.mpf(0.341) * Ca_o) / (e - 1))


@pytest.mark.parametrize("variant", VARIANTS)
def test_the_model_is_right_to_twelve_digits(variant: str) -> None:
    model = load_model("tnnp2004", variant)
    for V in POTENTIALS:
        value = float(model.values(["I_CaL"], STATE | {"V": V})["I_CaL"])
        assert value == pytest.approx(exact(V, model.conductances["g_CaL"]), rel=1e-12), V


def test_an_array_over_the_singularity_warns_of_nothing() -> None:
    V = np.array(POTENTIALS)
    model = load_model("tnnp2004")
    values = model.values(["I_CaL"], STATE | {"V": V})["I_CaL"]
    assert values == pytest.approx([exact(v, 0.000175) for v in POTENTIALS], rel=1e-12)


def kernel_currents(kernel: Kernel, V: float) -> dict[str, float]:
    """Every current from the compiled right-hand side with its table over V."""
    y = kernel.initial()
    for name, value in (STATE | {"V": V}).items():
        y[kernel.layout.states.index(name)] = value
    _, _, current = rhs(kernel, y, *row_at(kernel, V))
    return dict(zip(kernel.layout.currents, current, strict=True))


def test_the_compiled_table_is_right_to_its_step() -> None:
    # Linear between rows 0.05 mV apart: step^2 / 8 of the second derivative, 1e-6 of these factors.
    kernel = kernel_for(load_model("tnnp2004"))
    for V in [*POTENTIALS, 0.5 * V_STEP, -0.5 * V_STEP]:
        assert kernel_currents(kernel, V)["I_CaL"] == pytest.approx(exact(V, 0.000175), rel=1e-6), V
