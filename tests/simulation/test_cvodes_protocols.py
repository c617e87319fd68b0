"""Every cell of the library under every protocol that suits it, against Myokit's CVODES at 1e-8.

A cell and a protocol of each kind run by default, the whole matrix with ``-m slow``.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pytest
import xarray as xr
from cvodes_peer import (
    FIRING,
    KEYS,
    PACED,
    UNPACED,
    V_BOUND,
    Jump,
    apd90_error,
    cells,
    crossings,
    cvodes,
    rms,
    train,
)

import ionwidgets as iw
from ionwidgets.models import load_model

APD_BOUND = 0.2  # ms
CLAMPED_BOUND = 0.1  # mV
CURRENT_BOUND = 0.005  # of the current's own peak
SPIKE_BOUND, DRIFT = 0.1, 2e-4  # ms; and, of a cell that goes on firing, so much of the time
SMALL = 0.01  # of the largest current's peak: below it a current is not compared
CLEAR = 0.5  # ms after a jump of the command in which currents are not compared
ONSET = 10.0  # ms
FAST = {  # cells with other times than a heart's: S1 and S2 [ms], cycle lengths of dynamic restitution [ms]
    "hh1952": ((50.0, [20.0, 30.0]), [50.0, 25.0]),
    "paci2013:ventricular": ((1000.0, [700.0, 850.0]), [1000.0, 800.0]),
    "paci2013:atrial": ((900.0, [750.0, 850.0]), [1000.0, 800.0]),  # after 1000 ms it beats by itself
}


# ---- restitution ----


@pytest.mark.parametrize("key", cells(PACED, "crn1998"))
def test_s1s2(key: str) -> None:
    """APD90 of the S2, and V from the last S1 on."""
    (s1, s2), _ = FAST.get(key, ((1000.0, [400.0, 700.0]), None))
    data = iw.simulate(load_model(key), protocol=iw.S1S2(s1, 3, s2), variables=["V"], sample=0.25)
    for cell, interval in enumerate(s2):
        onsets = [ONSET, ONSET + s1, ONSET + 2 * s1, ONSET + 2 * s1 + interval]
        times = 2 * s1 + 0.05 * np.arange(round((ONSET + interval + s1) / 0.05))
        log = cvodes(key).run(["V", "dot(V)"], times, train(onsets, key))
        error = apd90_error(data, cell, 1, times, log, onsets[-1])
        V = rms(data["V"].values[cell, : times[::5].size], log["V"][::5])
        print(f"FIGURE S1S2 {key} S2 {interval:g}: APD90 {error:+.4f} ms, V {V:.4f} mV")
        assert abs(error) < APD_BOUND
        assert V < V_BOUND


@pytest.mark.parametrize("key", cells(PACED))
def test_dynamic_restitution(key: str) -> None:
    """APD90 of the last beat at each cycle length, and V over all of them."""
    _, lengths = FAST.get(key, (None, [1000.0, 500.0]))
    down = iw.DynamicRestitution(lengths, beats=3)
    data = iw.simulate(load_model(key), protocol=down, variables=["V"], sample=0.25)
    onsets = ONSET + np.concatenate([[0.0], np.cumsum(np.repeat(lengths, 3))])
    times = 0.05 * np.arange(round(onsets[-1] / 0.05))
    log = cvodes(key).run(["V", "dot(V)"], times, train(onsets[:-1].tolist(), key))
    V = rms(data["V"].values[0, : times[::5].size], log["V"][::5])
    for beat in (2, 5):
        until = times < onsets[beat + 1] - 1e-9
        one = {name: values[until] for name, values in log.items()}
        error = apd90_error(data, 0, beat, times[until], one, onsets[beat])
        print(f"FIGURE dynamic {key} beat {beat}: APD90 {error:+.4f} ms, V {V:.4f} mV")
        assert abs(error) < APD_BOUND
    assert V < V_BOUND


# ---- voltage clamp ----


class Clamped(NamedTuple):
    """Of a clamped cell: the worst errors of V [mV] and of a large current [of its own peak], and whose."""

    V: float
    current: float
    name: str


def clamped(key: str, clamp: iw.VoltageClamp, command: tuple[np.ndarray, np.ndarray], what: str) -> Clamped:
    """The family's first member beside CVODES under `command` (time [ms] from time 0 of the clamp, V), which
    the holding precedes."""
    model, held = load_model(key), clamp.held
    names = [current.name for current in model.currents]
    data = iw.simulate(model, protocol=clamp, variables=["V", *names])
    t = np.concatenate([[0.0, held], held + command[0]])
    V = np.concatenate([[clamp.holding, clamp.holding], command[1]])
    times = data["time"].values[:-1]
    log = cvodes(key).run(["V", *names], held + times, command=(t, V))
    jumps = command[0][np.flatnonzero(np.diff(command[0]) == 0)]
    clear = np.ones(times.size, dtype=bool)
    for jump in [0.0, *jumps]:
        clear &= (times < jump - 1e-9) | (times > jump + CLEAR)

    def worst(name: str) -> float:
        return float(np.abs(data[name].values[0, :-1] - log[name])[clear].max())

    peaks = {name: np.abs(log[name][clear]).max() for name in names}
    large = [name for name in names if peaks[name] > SMALL * max(peaks.values())]
    errors = np.array([worst(name) / peaks[name] for name in large])
    error, name = float(errors.max()), large[int(errors.argmax())]  # NaN is the worst of all
    print(f"FIGURE {what} {key}: worst {name} {100 * error:.3f} %")
    return Clamped(worst("V"), error, name)


@pytest.mark.parametrize("key", cells(KEYS, "ord2011:endo"))
@pytest.mark.parametrize("level", [-40.0, 0.0, 40.0])
def test_steps_of_voltage(key: str, level: float) -> None:
    clamp = iw.VoltageClamp([(-80, 20), ([level, -20.0], 200), (-50, 100)], held=200.0)
    command = np.array([0.0, 20, 20, 220, 220, 320]), np.array([-80.0, -80, level, level, -50, -50])
    worst = clamped(key, clamp, command, f"step {level:g}")
    assert worst.V < CLAMPED_BOUND
    assert worst.current < CURRENT_BOUND, worst.name


@pytest.mark.parametrize("key", cells(KEYS))
def test_a_ramp(key: str) -> None:
    clamp = iw.VoltageClamp([(-80, 20), (-80, 40, 100), (40, -80, 200)], held=200.0)
    command = np.array([0.0, 20, 20, 120, 320]), np.array([-80.0, -80, -80, 40, -80])
    worst = clamped(key, clamp, command, "ramp")
    assert worst.V < CLAMPED_BOUND
    assert worst.current < CURRENT_BOUND, worst.name


@pytest.mark.parametrize("key", cells(KEYS))
def test_sines(key: str) -> None:
    """CVODES follows them along straight lines of 0.02 ms, far finer than the simulator's."""
    terms = [(54.0, 0.07), (26.0, 0.037), (10.0, 0.19)]
    clamp = iw.VoltageClamp([(-80, 20), iw.VoltageClamp.sines(150, -30, terms)], held=200.0)
    t = np.linspace(0.0, 150.0, 7501)
    V = -30.0 + sum(a * np.sin(w * t) for a, w in terms)
    command = np.append([0.0, 20], 20 + t), np.append([-80.0, -80], V)
    worst = clamped(key, clamp, command, "sines")
    assert worst.V < CLAMPED_BOUND
    assert worst.current < CURRENT_BOUND, worst.name


@pytest.mark.parametrize("key", cells(KEYS, "crn1998"))
def test_clamped_by_an_action_potential(key: str) -> None:
    model = load_model(key)
    duration = 300.0 if key in FIRING else 500.0
    beat = iw.simulate(model, 1000, duration, sample=0.25, variables=["V"])
    trace = beat["time"].values, beat["V"].values[0].astype(float)
    clamp = iw.VoltageClamp([trace], holding=float(trace[1][0]), held=50.0)
    worst = clamped(key, clamp, trace, "AP clamp")
    assert worst.V < CLAMPED_BOUND
    assert worst.current < CURRENT_BOUND, worst.name


# ---- current clamp ----


class Fired(NamedTuple):
    """A cell beside CVODES: the error of V [mV, RMS], how many spikes either has, the latest of them against
    CVODES' [ms], and how far V swings in CVODES [mV]."""

    error: float
    spikes: int
    expected_spikes: int
    late: float
    swing: float


def fired(key: str, data: xr.Dataset, stimuli: list[Jump], what: str, **how: object) -> Fired:
    time = data["time"].values[:-1]
    V = data["V"].values[0, :-1].astype(float)
    truth = cvodes(key).run(["V"], time, stimuli, **how)["V"]  # type: ignore[arg-type]
    error, ours, theirs = rms(V, truth), crossings(time, V, -20.0), crossings(time, truth, -20.0)
    late = float(np.abs(ours - theirs).max(initial=0.0)) if ours.size == theirs.size else np.inf
    print(f"FIGURE {what} {key}: V {error:.4f} mV, {ours.size} spikes, {late:.4f} ms")
    return Fired(error, ours.size, theirs.size, late, float(np.ptp(truth)))


def spike_bound(key: str, data: xr.Dataset) -> float:
    return SPIKE_BOUND + (DRIFT * float(data["time"][-2]) if key in FIRING else 0.0)


def v_bound(key: str) -> float:
    """Where a cell fires all along, its spikes' times are held instead."""
    return np.inf if key in FIRING else V_BOUND


@pytest.mark.parametrize("key", cells(KEYS, "pospischil2008:RS"))
def test_steps_of_current(key: str) -> None:
    """A step that hyperpolarises, one that lets the cell fire, and what follows."""
    model = load_model(key)
    if key.startswith("pospischil"):
        down, up, lasting, after = -0.5, 2.0, 400.0, 100.0
    elif key == "hh1952":
        down, up, lasting, after = -3.0, 10.0, 100.0, 50.0
    elif key == "noble1962":
        down, up, lasting, after = -1.0, 1.0, 200.0, 2000.0
    else:
        down, up, lasting, after = -0.3, 8.0, 10.0, 600.0
    steps = [(0.0, 20.0), (down, 50.0), (up, lasting), (0.0, after)]
    clamp = iw.CurrentClamp(steps)
    stimulus = (-1.0, 1.0) if model.stimulus.amplitude == 0 else None
    data = iw.simulate(model, protocol=clamp, variables=["V"], stimulus=stimulus)
    unit = -1.0 if stimulus else model.stimulus.amplitude
    events = [(20.0, 50.0, -down / unit), (70.0, lasting, -up / unit)]
    constants = {model.stimulus.parameter: unit} if stimulus else None
    found = fired(key, data, events, "current clamp", constants=constants)
    assert found.swing > 50, "it fires"
    assert found.spikes == found.expected_spikes
    assert found.late < spike_bound(key, data)
    assert found.error < v_bound(key)


# ---- drugs and conditions ----


def paced(
    key: str, what: str, constants: dict[str, float], **altered: object
) -> tuple[xr.Dataset, xr.Dataset, Fired]:
    """Three beats of a cell (or a step of current, or as long alone): altered, as it is, and the altered one
    beside CVODES."""
    model = load_model(key)
    cycle = 50.0 if key == "hh1952" else 1000.0
    protocol: object = iw.Pacing(cycle, 3 * cycle)
    stimuli = train([ONSET + n * cycle for n in range(3)], key)
    if key in UNPACED:
        level = model.stimulus.amplitude
        protocol = iw.CurrentClamp([(0, 20), (-level, 400), (0, 1000)])
        stimuli = [(20.0, 400.0, 1.0)] if level else []
    how = {"protocol": protocol, "variables": ["V"], "sample": 0.05 if key in FIRING else 0.25}
    data = iw.simulate(model, **how, **altered)  # type: ignore[arg-type]
    control = iw.simulate(model, **how)  # type: ignore[arg-type]
    return data, control, fired(key, data, stimuli, what, constants=constants)


BLOCKED = ("g_Kr", "P_CaL", "g_CaL", "g_K", "g_M", "g_x1", "g_Na", "g_K1", "g_L")


@pytest.mark.parametrize("key", cells(KEYS, "grandi2010:epi"))
def test_drug_block(key: str) -> None:
    own = load_model(key).conductances
    chosen = [name for name in BLOCKED if name in own][:2]
    ic50, hill = dict(zip(chosen, (4.0, 12.0), strict=False)), dict(zip(chosen, (1.2, 1.0), strict=False))
    constants = {name: own[name] / (1 + (3.0 / ic50[name]) ** hill[name]) for name in chosen}
    data, control, found = paced(key, f"drug on {chosen}", constants, drug=iw.Drug(ic50, 3.0, hill))
    assert rms(data["V"], control["V"].values) > 2 * V_BOUND, "the change is seen"
    assert found.swing > 50, "it fires"
    assert found.spikes == found.expected_spikes
    assert found.late < spike_bound(key, data)
    assert found.error < v_bound(key)


CONDITIONS = {  # times what the model has
    "K_o": 0.85, "Na_o": 0.95, "Ca_o": 0.8, "T": 307.0 / 310.0, "E_Na": 0.95, "E_K": 0.97, "V_rest": 1.02,
}  # fmt: skip


@pytest.mark.parametrize("key", cells(KEYS, "paci2013:ventricular"))
def test_conditions(key: str) -> None:
    literal = {name: v.eval() for name, v in load_model(key).variables.items() if v.is_literal()}
    conditions = {name: literal[name] * factor for name, factor in CONDITIONS.items() if name in literal}
    assert conditions
    data, control, found = paced(key, f"conditions {sorted(conditions)}", conditions, conditions=conditions)
    assert rms(data["V"], control["V"].values) > 2 * V_BOUND, "the change is seen"
    assert found.swing > 50, "it fires"
    assert found.spikes == found.expected_spikes
    assert found.late < spike_bound(key, data)
    assert found.error < v_bound(key)
