"""Voltage clamp against Myokit's CVODES with V held, against exact gates, and what is read from it."""

from __future__ import annotations

from collections.abc import Callable

import myokit
import numpy as np
import pytest
import xarray as xr

import ionwidgets as iw
from ionwidgets.errors import IonWidgetsError, SimulationError
from ionwidgets.models import IonicModel

PIECES = [(-80.0, 20.0), (0.0, 200.0), (-40.0, 150.0)]  # mV, ms


@pytest.fixture(scope="module")
def model() -> IonicModel:
    return iw.load_model("tnnp2004")


def clamped_truth(
    model: IonicModel, pieces: list[tuple[float, float]], names: list[str], apart: float
) -> dict[str, np.ndarray]:
    """Variables by CVODES with dV/dt = 0 and V set at the start of each piece; samples of [0, end)."""
    equations = model.equations.clone()
    voltage = equations.get(model.variables["V"].qname())
    voltage.set_rhs(myokit.Number(0))
    simulation = myokit.Simulation(equations)
    simulation.set_tolerance(1e-10, 1e-8)
    qnames = [model.variables[name].qname() for name in names]
    index, start = voltage.index(), 0.0
    logs: list[np.ndarray] = []
    for level, duration in pieces:
        state = simulation.state()
        state[index] = level
        simulation.set_state(state)
        times = start + apart * np.arange(round(duration / apart))
        log = simulation.run(duration, log=qnames, log_times=times)
        logs.append(np.array([log[qname] for qname in qnames]))
        start += duration
    return dict(zip(names, np.concatenate(logs, axis=1), strict=True))


def test_currents_and_states_against_cvodes(model: IonicModel) -> None:
    names = ["I_CaL", "I_Kr", "I_Ks", "I_to", "I_Na", "I_NaCa", "Ca_i", "fCa", "Xr1"]
    data = iw.simulate(
        model, protocol=iw.VoltageClamp(PIECES, holding=-80, held=500), variables=["V", *names]
    )
    truth = clamped_truth(model, [(-80.0, 500.0), *PIECES], names, 0.1)
    V = data["V"].values[0]
    assert (V[:200] == -80).all() and (V[200:2200] == 0).all() and (V[2200:] == -40).all()
    for name in names:
        expected, found = truth[name][5000:], data[name].values[0, :-1].astype(float)
        error = np.abs(found - expected).max() / np.abs(expected).max()
        print(f"{name}: greatest error {error:.1e} of the largest value")
        assert error < 1e-4, name


def test_gates_follow_their_exact_solution_through_a_jump_between_samples(model: IonicModel) -> None:
    data = iw.simulate(
        model, protocol=iw.VoltageClamp([(-80, 10.03), (10, 50)], held=5000), sample=0.25, variables=["Xr1"]
    )
    time, Xr1 = data["time"].values, data["Xr1"].values[0]
    curves = model.gate_curves(np.array([-80.0, 10.0]))["Xr1"]
    start, end, tau = curves[0][0], curves[0][1], curves[1][1]
    expected = np.where(time < 10.03, start, end + (start - end) * np.exp(-(time - 10.03) / tau))
    np.testing.assert_allclose(Xr1, expected, atol=1e-5)


def test_a_ramp_and_sines_are_followed(model: IonicModel) -> None:
    wave = iw.VoltageClamp.sines(100, -30, [(54, 0.07), (10, 0.4)])
    protocol = iw.VoltageClamp([(-80, 10), (-80, 40, 120), wave, (-80, 10)])
    data = iw.simulate(model, protocol=protocol, variables=["V", "Xr1"])
    t, V = data["time"].values, data["V"].values[0]
    ramp = (t >= 10) & (t < 130)
    np.testing.assert_allclose(V[ramp], -80 + (t[ramp] - 10), atol=1e-4)
    sines = (t >= 130) & (t < 230 - 1e-9)
    s = t[sines] - 130
    np.testing.assert_allclose(V[sines], -30 + 54 * np.sin(0.07 * s) + 10 * np.sin(0.4 * s), atol=0.01)
    # The gate by its own equation under the same command.
    (course,) = protocol.courses(model.stimulus.amplitude, model.stimulus.duration)
    assert course.command is not None
    fine = np.arange(0, 240, 0.002)
    h_inf, tau = model.gate_curves(np.interp(fine + 1e-6, *course.command))["Xr1"]
    h = float(data["Xr1"].values[0, 0])
    for i in range(fine.size):
        if i % 5000 == 0:
            assert float(np.interp(fine[i], t, data["Xr1"].values[0])) == pytest.approx(h, abs=2e-4)
        h += (h_inf[i] - h) * (1 - np.exp(-0.002 / tau[i]))


def test_a_cell_clamped_by_its_own_action_potential_has_its_own_currents(model: IonicModel) -> None:
    beat = iw.simulate(model, 1000, 1000, sample=0.1)
    clamp = iw.VoltageClamp([(beat["time"], beat["V"][0])], held=0)
    data = iw.simulate(model, protocol=clamp)
    assert data["time"].values[-1] == 1000
    for name in ("I_CaL", "I_Kr", "I_Ks", "I_K1", "I_to", "Ca_i"):
        scale = np.abs(beat[name]).max()
        rms = np.sqrt(((data[name] - beat[name].values) ** 2).mean()) / scale
        assert rms < 0.01, (name, float(rms))


def test_activation_of_a_gate_from_tail_currents(model: IonicModel) -> None:
    """I_Kr's Xr1 is half open at -26 mV, with a slope of 7 mV (ten Tusscher et al. 2004)."""
    clamp = iw.VoltageClamp([(list(range(-70, 41, 10)), 8000), (-60, 200)])
    data = iw.simulate(model, protocol=clamp, variables=["I_Kr"], sample=0.5)
    curve = iw.iv_curve(data, "I_Kr")
    V_half, slope = iw.boltzmann(curve["V_test"], curve["tail_peak"])
    assert V_half == pytest.approx(-26, abs=1) and slope == pytest.approx(7, abs=0.5)
    tau = model.gate_curves(curve["V_test"].to_numpy(dtype=float))["Xr1"][1]
    # At -10 and 0 mV; further up the inactivation gate Xr2 is as fast, and one exponential is no longer it.
    np.testing.assert_allclose(curve["tau"][6:8], tau[6:8], rtol=0.02)


def test_an_iv_curve_of_calcium_current(model: IonicModel) -> None:
    clamp = iw.VoltageClamp([(-80, 20), (list(range(-40, 61, 10)), 300), (-80, 100)])
    data = iw.simulate(model, protocol=clamp, variables=["I_CaL"], scale={"g_CaL": [1.0, 0.5]})
    assert data.sizes["cell"] == 22
    curve = iw.iv_curve(data, "I_CaL")
    assert list(curve.columns) == ["V_test", "scale_g_CaL", "peak", "steady", "tau", "tail_peak"]
    whole, half = (curve[curve["scale_g_CaL"] == factor].reset_index(drop=True) for factor in (1.0, 0.5))
    assert whole["V_test"][whole["peak"].idxmin()] in (0.0, 10.0)
    assert (whole["peak"][3:9].abs() > 3 * whole["steady"][3:9].abs()).all()
    # Half the channels let half the calcium in, so the ratio of the currents is near a half but not at it.
    np.testing.assert_allclose(half["peak"][1:9] / whole["peak"][1:9], 0.5, atol=0.1)


def test_time_constants_and_boltzmann_curves_of_known_shape() -> None:
    V = np.arange(-60.0, 41.0, 10.0)
    time = np.arange(0.0, 1010.0, 0.5)
    I = np.array([3.0 * (1 - np.exp(-np.maximum(time - 10, 0) / (20 + abs(v)))) for v in V])
    data = xr.Dataset(
        {"I_x": (("cell", "time"), I)}, {"time": time, "V_test": ("cell", V)}, {"test_ms": [10.0, 1000.0]}
    )
    curve = iw.iv_curve(data, "I_x")
    np.testing.assert_allclose(curve["tau"], 20 + np.abs(V), rtol=1e-3)
    assert np.isnan(curve["tail_peak"]).all()
    falling = -2.0 / (1 + np.exp((-15.0 - V) / -6.0))
    assert iw.boltzmann(V, falling) == pytest.approx((-15.0, -6.0))
    with pytest.raises(SimulationError, match="four points"):
        iw.boltzmann([1, 2], [3, 4])
    with pytest.raises(SimulationError, match="unknown current"):
        iw.iv_curve(data, "I_y")
    with pytest.raises(SimulationError, match="unknown current 'V_test'"):
        iw.iv_curve(data, "V_test")


@pytest.mark.parametrize(
    ("settings", "word"),
    [
        ({"steps": []}, "one step at least"),
        ({"steps": [(-80, -5)]}, "last longer than 0 ms"),
        ({"steps": [(300, 5)]}, "from -150 to 200 mV"),
        ({"steps": [(np.nan, 5)]}, "finite"),
        ({"steps": [(-80, 220, 50)]}, "from -150 to 200 mV"),
        ({"steps": [([-80, 0], 5), ([0], 5)]}, "only one step"),
        ({"steps": [([0, 1, 2], [0, 1])]}, "equally long"),
        ({"steps": [([0, 1, 1], [0, 1, 2])]}, "ascending"),
        ({"steps": [(0, 5)], "holding": 300.0}, "holding"),
        ({"steps": [(0, 5)], "held": -1.0}, "held"),
    ],
    ids=str,
)
def test_a_clamp_that_makes_no_sense_gets_one_line(model: IonicModel, settings: dict, word: str) -> None:
    with pytest.raises(IonWidgetsError, match=word) as caught:
        iw.simulate(model, protocol=iw.VoltageClamp(**settings))
    assert "\n" not in str(caught.value)


def test_a_clamp_is_recorded_from_its_start(model: IonicModel) -> None:
    with pytest.raises(IonWidgetsError, match="record_from"):
        iw.simulate(model, protocol=iw.VoltageClamp([(0, 50)]), record_from=10.0)


@pytest.mark.parametrize(
    ("sines", "said"),
    [
        ((-10.0, -30.0, [(1.0, 1.0)]), "sines must last longer than 0 ms; found -10"),
        ((np.nan, -30.0, [(1.0, 1.0)]), "sines must last longer than 0 ms; found nan"),
        (("a", -30.0, [(1.0, 1.0)]), "the duration of sines"),
        ((10.0, -30.0, [1.0, 2.0]), "terms of sines are pairs"),
    ],
)
def test_sines_that_make_no_sense_are_refused(sines: tuple, said: str) -> None:
    with pytest.raises(SimulationError, match=said):
        iw.VoltageClamp.sines(*sines)


def test_a_step_without_a_sample_has_no_iv_curve(model: IonicModel) -> None:
    clamp = iw.VoltageClamp([(-80, 0.13), ([0, 10], 0.05), (-80, 5)], held=1.0)
    data = iw.simulate(model, protocol=clamp, variables=["I_Na"])
    with pytest.raises(
        SimulationError, match=r"no sample lies within .* 0.13 to 0.18 ms; .* smaller sample="
    ):
        iw.iv_curve(data, "I_Na")


def test_a_boltzmann_curve_needs_a_number_a_potential() -> None:
    with pytest.raises(SimulationError, match="as many values as potentials"):
        iw.boltzmann([1, 2, 3, 4, 5], [1, 2, 3, 4])
    with pytest.raises(SimulationError, match="potentials of a Boltzmann curve must be given as numbers"):
        iw.boltzmann(["a"] * 5, [1, 2, 3, 4, 5])


def test_a_recording_that_begins_within_the_step_has_no_fi_curve() -> None:
    """Its first spikes are missing, so that rate and latency would be wrong."""
    clamp = iw.CurrentClamp([(0, 20), ([0, 10], 40)])
    cell = iw.load_model("hh1952")
    with pytest.raises(SimulationError, match="from the start of the step on, at 20 ms"):
        iw.fi_curve(iw.simulate(cell, protocol=clamp, record_from=30, variables=["V"]))
    late = iw.fi_curve(iw.simulate(cell, protocol=clamp, record_from=20, variables=["V"]))
    whole = iw.fi_curve(iw.simulate(cell, protocol=clamp, variables=["V"]))
    assert late["spikes"].tolist() == whole["spikes"].tolist()


def test_one_sample_has_no_spikes() -> None:
    clamp = iw.CurrentClamp([(0, 10)])
    data = iw.simulate(iw.load_model("hh1952"), protocol=clamp, sample=10, record_from=5, variables=["V"])
    assert data.sizes["time"] == 1
    assert iw.spikes(data).empty


@pytest.mark.parametrize("function", [iw.spikes, iw.fi_curve, iw.restitution])
def test_what_is_read_from_cells_asks_for_them(function: Callable, model: IonicModel) -> None:
    data = iw.simulate(model, 500, 20, variables=["V"])
    with pytest.raises(SimulationError, match=r"isel\(cell=\[0\]\)"):
        function(data.isel(cell=0))
    with pytest.raises(SimulationError, match=f"{function.__name__} needs a Dataset"):
        function(data["V"])
