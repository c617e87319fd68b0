"""The order in which the error falls with the steps; and what flows through a membrane against what is stored
behind it.

Some cells run by default, the rest with ``-m slow``.
"""

from __future__ import annotations

import numpy as np
import pytest
from cvodes_peer import PACED, V_BOUND, Truth, cells, rms

from ionwidgets.models import load_model
from ionwidgets.simulation.kernel import kernel_for
from ionwidgets.simulation.sweep import Cell, Steps, run_cell


def at_steps(key: str, factor: float, names: list[str], cycle: float, lasting: float) -> np.ndarray:
    """Samples (T, names) 1 ms apart of a paced cell, with every step size multiplied by `factor`."""
    model, kernel = load_model(key), kernel_for(load_model(key))
    usual, square = Steps(), factor**2
    steps = Steps(
        usual.low * factor, usual.high * factor, usual.dv * factor, usual.bend * square,
        usual.bend_others * square,
    )  # fmt: skip
    cell = Cell(cycle, lasting, kernel.initial(), kernel.scales({}), kernel.gates)
    return run_cell(kernel, cell, names, model.stimulus.duration, 1.0, steps).traces


@pytest.mark.parametrize("key", cells(PACED, "crn1998"))
def test_the_error_falls_with_the_square_of_the_steps(key: str) -> None:
    """RMS error of V over a beat, with all the stores and Markov chains; where a model's rates have kinks
    the order is less than 2."""
    lasting = 50.0 if key == "hh1952" else 500.0
    truth = at_steps(key, 1 / 64, ["V"], lasting, lasting)
    factors = np.array([1.0, 0.5, 0.25, 0.125])
    errors = np.array([rms(at_steps(key, factor, ["V"], lasting, lasting), truth) for factor in factors])
    order = float(np.polyfit(np.log2(factors), np.log2(errors), 1)[0])
    print(f"FIGURE order {key}: {order:.2f}; errors {errors} mV")
    assert errors[0] < V_BOUND
    assert 1.2 < order < 2.4


def held_by(free: np.ndarray, *buffers: tuple[float, float]) -> np.ndarray:
    """Calcium free and bound [mM] to buffers in equilibrium with it: (total, half full) [mM] each."""
    return free * (1.0 + sum(total / (half + free) for total, half in buffers))


def stored_charge(key: str, x: Truth) -> tuple[np.ndarray, float]:
    """Positive charge inside [mM, in the cytosol's volume] from the states, and what moves V by 1 mV."""
    c = {name: each.eval() for name, each in load_model(key).variables.items() if each.is_constant()}
    if key.startswith("crn"):
        calcium = held_by(x["Ca_i"], (c["TRPN_max"], c["Km_TRPN"]), (c["CMDN_max"], c["Km_CMDN"]))
        release = held_by(x["Ca_rel"], (c["CSQN_max"], c["Km_CSQN"]))
        calcium = calcium + (c["V_up"] * x["Ca_up"] + c["V_rel"] * release) / c["V_i"]
        return x["Na_i"] + x["K_i"] + 2 * calcium, c["Cm_FVi"]
    if key.startswith("ord"):
        calmodulin, troponin = c["scale_cmdn"] * c["cmdnmax"], c["trpnmax"]
        calcium = held_by(x["Ca_i"], (calmodulin, c["kmcmdn"]), (troponin, c["kmtrpn"]))
        cleft = held_by(x["Ca_ss"], (c["BSRmax"], c["KmBSR"]), (c["BSLmax"], c["KmBSL"]))
        store = c["vnsr"] * x["Ca_nsr"] + c["vjsr"] * held_by(x["Ca_jsr"], (c["csqnmax"], c["kmcsqn"]))
        beside = c["vss"] * (x["Na_ss"] + x["K_ss"] + 2 * cleft) + 2 * store
        return x["Na_i"] + x["K_i"] + 2 * calcium + beside / c["vmyo"], c["per_myo"]
    calcium = held_by(x["Ca_i"], (c["Buf_c"], c["K_buf_c"]))
    calcium = calcium + c["V_SR"] / c["V_c"] * held_by(x["Ca_SR"], (c["Buf_SR"], c["K_buf_SR"]))
    if "Ca_ss" in x:
        calcium = calcium + c["V_ss"] / c["V_c"] * held_by(x["Ca_ss"], (c["Buf_ss"], c["K_buf_ss"]))
    return x["Na_i"] + x["K_i"] + 2 * calcium, c["Cm_FVc"]


@pytest.mark.parametrize(
    "key", cells(["tnnp2004:M", "tp2006:epi", "crn1998", "ord2011:endo"], "crn1998", "ord2011:endo")
)
def test_what_flows_in_is_what_is_stored(key: str) -> None:
    """The charge of all ions in all compartments, bound calcium included, less what V and the stimulus say.

    Only buffers in equilibrium, of which a step takes the tangent, make or lose any: over ten beats what
    moves V by 4 mV, and a quarter of it where the steps are halved.
    """
    model = load_model(key)
    lost = []
    for factor in (1.0, 0.5):
        traces = at_steps(key, factor, list(model.states), 1000.0, 10_000.0)
        states = dict(zip(model.states, traces.T, strict=True))
        charge, per_mV = stored_charge(key, states)
        injected = 0.0  # where the model takes the stimulus for no ion
        if key == "crn1998":
            injected = -10 * model.stimulus.amplitude * model.stimulus.duration
        kept = charge / per_mV - states["V"]
        lost.append(float(kept[-1] - kept[0] + injected))
    print(f"FIGURE charge {key}: {lost} mV of {np.ptp(charge) / per_mV:.0f} mV")
    assert abs(lost[0]) < 4.0
    assert 3.0 < lost[0] / lost[1] < 5.5
