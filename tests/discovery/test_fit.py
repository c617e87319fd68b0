"""Gauss-Newton through the ODE, on beats that the model itself made with a known change."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from ionwidgets.discovery.beside import beside
from ionwidgets.discovery.change import (
    BOUND,
    FURTHEST,
    OF_CURVES,
    Change,
    candidates,
    current_of,
    gate_curves,
)
from ionwidgets.discovery.gauss_newton import fit
from ionwidgets.discovery.objective import Objective, Point
from ionwidgets.discovery.prepare import control_run
from ionwidgets.models import IonicModel, load_model
from ionwidgets.recordings.typical_beat import TypicalBeat, typical_beats
from ionwidgets.simulation import simulate, voltage_grid

CYCLE_LENGTHS = [500.0, 700.0]
STIMULUS = (-52.0, 1.0)
I_KR, V_HALF_F, TAU_F = Change("scale", "I_Kr"), Change("v_half", "f"), Change("tau", "f")


@pytest.fixture(scope="module")
def model() -> IonicModel:
    return load_model("tnnp2004:M")


@pytest.fixture(scope="module")
def beats(model: IonicModel) -> list[TypicalBeat]:
    """Control beats: when they are sampled, and how their noise is weighed."""
    paced = simulate(model, CYCLE_LENGTHS, 17_000.0, record_from=15_000.0, variables=["V", "Ca_i"])
    found, _ = typical_beats(paced[["V", "Ca_i"]], STIMULUS[1], STIMULUS[0])
    return found


@pytest.fixture
def control(model: IonicModel, beats: list[TypicalBeat]) -> Objective:
    return Objective(model, beats, control_run(model, beats, STIMULUS), STIMULUS, settling=1000.0)


def recorded(control: Objective, truth: Point) -> Objective:
    """The same cells, had they been recorded at `truth`."""
    (runs,) = control.run([truth], list(range(len(control.beats))))
    assert all(run.finite for run in runs)
    traces = [run.traces[: beat.time.size] for run, beat in zip(runs, control.beats, strict=True)]
    beats = [replace(b, V=t[:, 0], Ca_i=t[:, 1]) for b, t in zip(control.beats, traces, strict=True)]
    start = control_run(control.model, beats, STIMULUS)
    return Objective(control.model, beats, start, STIMULUS, settling=control.settling)


def otherwise_paced(control: Objective, values: dict[Change, float]) -> Point:
    """A point whose stimulus came at another time, and whose slow concentrations are others."""
    point = control.origin(values)
    slow = point.slow.copy()
    slow[:, control.slow_states.index("Na_i")] = 0.02
    slow[:, control.slow_states.index("Ca_SR")] = -0.1
    return replace(point, shift=np.array([0.2, -0.15]), slow=slow)


@pytest.mark.parametrize(
    ("change", "value", "within"),
    [(I_KR, np.log(0.8), 0.005), (V_HALF_F, -2.0, 0.03), (TAU_F, np.log(1.2), 0.005)],
    ids=lambda value: f"{value.kind}-{value.target}" if isinstance(value, Change) else "",
)
def test_a_known_change_is_recovered(control: Objective, change: Change, value: float, within: float) -> None:
    truth = otherwise_paced(control, {change: value})
    objective = recorded(control, truth)
    (near,) = fit(objective, [{change: 0.0}], free=False)
    assert near is not None
    (found,) = fit(objective, [near.point], iterations=12)
    assert found is not None
    assert abs(found.values[change] - value) < within
    assert found.rmse(objective) < 0.02
    np.testing.assert_allclose(found.point.shift, truth.shift, atol=0.01)
    # Na_i and K_i do much the same to V, so only what they do together is known.
    j = objective.slow_states.index("Ca_SR")
    np.testing.assert_allclose(found.point.slow[:, j], truth.slow[:, j], atol=0.05)
    error = found.standard_errors(objective)[change]
    assert 0 < error < FURTHEST[change.kind] and abs(found.values[change] - value) < 3 * error


def test_the_true_change_fits_best(control: Objective) -> None:
    objective = recorded(control, control.origin({I_KR: np.log(0.5)}))
    wrong = Change("scale", "I_Ks"), V_HALF_F
    right, *others = fit(objective, [{I_KR: 0.0}, *({change: 0.0} for change in wrong)], free=False)
    assert right is not None
    assert right.cost < 1e-2 and right.rmse(objective) < 1e-3
    for other in others:
        assert other is not None and other.cost > 100 * right.cost + 10


def test_nothing_to_fit_is_a_perfect_fit(control: Objective) -> None:
    objective = recorded(control, control.origin({}))
    (none,) = fit(objective, [{}])
    assert none is not None
    assert none.values == {} and none.covariance.shape == (0, 0)
    assert none.cost < 1e-6 and none.unit(objective) >= 1


def test_a_hypothesis_that_breaks_down_is_none_and_spoils_no_other(control: Objective) -> None:
    objective = recorded(control, control.origin({}))
    origin = objective.origin({})
    broken = replace(origin, slow=np.full_like(origin.slow, 300.0))
    lost, sound = fit(objective, [broken, {I_KR: 0.1}], free=False)
    assert lost is None
    assert sound is not None and abs(sound.values[I_KR]) < 1e-3


def test_a_first_step_that_goes_too_far_is_cut_short_at_once(control: Objective) -> None:
    steep = Change("slope", "f")
    objective = recorded(control, control.origin({steep: -0.43}))
    (found,) = fit(objective, [{steep: 0.0}], iterations=5, free=False)
    assert found is not None and abs(found.values[steep] + 0.43) < 0.01


def test_values_stay_within_bounds() -> None:
    for kind in ("scale", *OF_CURVES):
        change = Change(kind, "f")
        assert change.bounded(0.0, 1e9) == FURTHEST[kind]
        assert change.bounded(BOUND[kind], 1e9) == BOUND[kind]
        assert change.bounded(-BOUND[kind], -1e9) == -BOUND[kind]
        assert change.bounded(0.1, 0.2) == 0.2


def test_beside_finds_the_second_of_two_changes(control: Objective) -> None:
    objective = recorded(control, control.origin({I_KR: np.log(0.7), V_HALF_F: -1.0}))
    (first,) = fit(objective, [{I_KR: np.log(0.7)}], iterations=1)
    assert first is not None
    others = beside(objective, first)
    assert I_KR not in others
    assert set(others) == set(candidates(objective.model)) - {I_KR}
    assert all(np.isfinite([o.value, o.error, o.gain]).all() and o.error > 0 for o in others.values())
    best = max(others, key=lambda change: others[change].gain)
    assert current_of(objective.model, best) == "I_CaL"
    assert abs(others[V_HALF_F].value + 1.0) < 0.3


def test_beside_the_truth_there_is_nothing(control: Objective) -> None:
    truth = {I_KR: np.log(0.7)}
    objective = recorded(control, control.origin(truth))
    (found,) = fit(objective, [truth])
    assert found is not None
    for change, other in beside(objective, found).items():
        assert abs(other.value) < 0.5 * other.error, change
        assert other.gain < 1.0, change


def test_progress_is_told_and_may_end_the_fit(control: Objective) -> None:
    objective = recorded(control, control.origin({I_KR: -0.2}))
    told: list[float] = []
    fit(objective, [{I_KR: 0.0}], iterations=4, free=False, report=told.append)
    assert told[0] == 0 and told == sorted(told) and told[-1] < 1

    class Enough(Exception):
        pass

    def stop() -> None:
        raise Enough

    objective.alive = stop
    with pytest.raises(Enough):
        fit(objective, [{I_KR: 0.0}], free=False)


def test_every_current_and_every_gate_of_one_is_a_candidate(model: IonicModel) -> None:
    found = candidates(model)
    assert len(found) == len(set(found))
    assert {c.target for c in found if c.kind == "scale"} == {current.name for current in model.currents}
    for kind in OF_CURVES:
        assert {c.target for c in found if c.kind == kind} == set(model.gate_names)
    assert current_of(model, I_KR) == "I_Kr" and current_of(model, TAU_F) == "I_CaL"


def test_changed_curves_are_shifted_and_slowed(model: IonicModel) -> None:
    V = voltage_grid()
    own = model.gate_curves(V)
    changed = gate_curves(own, {V_HALF_F: -6.0, TAU_F: np.log(2.0), I_KR: 1.0}, V)
    assert set(changed) == {"f"}, "a scale changes no curve"
    steady = {name: curve[0] for name, curve in model.gate_curves(V + 6.0).items()}
    inside = slice(100, -100)
    np.testing.assert_allclose(changed["f"][0][inside], steady["f"][inside], atol=1e-6)
    np.testing.assert_allclose(changed["f"][1], 2 * own["f"][1])
    assert gate_curves(own, {I_KR: 1.0}, V) == {}


def test_a_steeper_curve_turns_about_its_half_voltage(model: IonicModel) -> None:
    V = voltage_grid()
    own, half = model.gate_curves(V), model.half_voltages["f"]
    assert np.interp(half, V, own["f"][0]) == pytest.approx(0.5, abs=1e-9)
    h_inf, tau = gate_curves(own, {Change("slope", "f"): np.log(1.5), V_HALF_F: -6.0}, V)["f"]
    moved = half + 1.5 * (V + 6.0 - half)
    inside = (moved > V[0]) & (moved < V[-1])
    steady = model.gate_curves(moved)["f"][0]
    np.testing.assert_allclose(h_inf[inside], steady[inside], atol=1e-6)
    np.testing.assert_array_equal(tau, own["f"][1])
    slope = np.interp(half - 6.0, V, np.gradient(h_inf, V)) / np.interp(half, V, np.gradient(own["f"][0], V))
    assert slope == pytest.approx(1.5, rel=1e-4)
