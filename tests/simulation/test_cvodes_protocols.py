"""Every cell of the library under every protocol that suits it, against Myokit's CVODES at 1e-8; and what
flows through a membrane against what is stored behind it.

A cell and a protocol of each kind run by default, the whole matrix with ``-m slow``.
"""

from __future__ import annotations

from functools import cache

import myokit
import numpy as np
import pytest
import xarray as xr

import ionwidgets as iw
from ionwidgets.models import list_models, load_model
from ionwidgets.simulation.kernel import kernel_for
from ionwidgets.simulation.sweep import Cell, Steps, run_cell

APD_BOUND = 0.2  # ms
V_BOUND = 0.1  # mV, RMS
CURRENT_BOUND = 0.005  # of the current's own peak
SPIKE_BOUND, DRIFT = 0.1, 2e-4  # ms; and, of a cell that goes on firing, so much of the time
SMALL = 0.01  # of the largest current's peak: below it a current is not compared
CLEAR = 0.5  # ms after a jump of the command in which currents are not compared
ONSET = 10.0  # ms
KEYS = [key for card in list_models() for key in card.keys]
UNPACED = ("noble1962", "pospischil2008:RS", "pospischil2008:FS")
FIRING = (*UNPACED, "hh1952")  # spike after spike: a small shift in time is a large one in V
PACED = [key for key in KEYS if key not in UNPACED]
FAST = {  # cells with other times than a heart's: S1 and S2 [ms], cycle lengths of dynamic restitution [ms]
    "hh1952": ((50.0, [20.0, 30.0]), [50.0, 25.0]),
    "paci2013:ventricular": ((1000.0, [700.0, 850.0]), [1000.0, 800.0]),
    "paci2013:atrial": ((900.0, [750.0, 850.0]), [1000.0, 800.0]),  # after 1000 ms it beats by itself
}
Jump = tuple[float, float, float]  # start [ms], duration [ms], level of the stimulus
Truth = dict[str, np.ndarray]


def cells(keys: list[str], *default: str) -> list[object]:
    """A parameter a cell, slow but for those by default."""
    assert set(default) <= set(keys)
    return [pytest.param(key, marks=() if key in default else pytest.mark.slow) for key in keys]


class Cvodes:
    """CVODES for a model, compiled once, whose V may be led along straight lines instead."""

    def __init__(self, key: str) -> None:
        self.model = load_model(key)
        equations = self.model.equations.clone()
        voltage = equations.get(self.model.variables["V"].qname())
        self.held = voltage.parent().add_variable("held_by_a_clamp", rhs=0)
        slope = voltage.parent().add_variable("slope_of_the_command", rhs=0)
        slope.set_binding("slope")
        is_held = myokit.More(myokit.Name(self.held), myokit.Number(0))
        voltage.set_rhs(myokit.If(is_held, myokit.Name(slope), voltage.rhs().clone()))
        self.voltage, self.held = voltage.index(), self.held.qname()
        self.simulation = myokit.Simulation(equations, {"pace": None, "slope": None})
        self.simulation.set_tolerance(1e-10, 1e-8)
        self.changed: dict[str, float] = {}

    def run(
        self,
        names: list[str],
        times: np.ndarray,
        stimuli: list[Jump] = [],  # noqa: B006
        constants: dict[str, float] | None = None,
        command: tuple[np.ndarray, np.ndarray] | None = None,
    ) -> Truth:
        """Variables (``dot(V)`` is dV/dt) at `times` [ms] from the initial state; a V that jumps has one time
        twice."""
        sim = self.simulation
        sim.reset()
        for name in self.changed:
            sim.set_constant(self.model.variables[name].qname(), self.model.variables[name].eval())
        self.changed = dict(constants or {})
        for name, value in self.changed.items():
            sim.set_constant(self.model.variables[name].qname(), value)
        sim.set_constant(self.held, 0 if command is None else 1)
        pace, slope = myokit.Protocol(), myokit.Protocol()
        for start, duration, height in stimuli:
            pace.schedule(height, start, duration)
        pieces: list[tuple[float, float, float | None]] = [(0.0, times[-1] + 0.1, None)]
        if command is not None:
            t, V = command
            for i in np.flatnonzero((np.diff(t) > 0) & (np.diff(V) != 0)):
                slope.schedule((V[i + 1] - V[i]) / (t[i + 1] - t[i]), t[i], t[i + 1] - t[i])
            starts = [0, *(np.flatnonzero(np.diff(t) == 0) + 1)]
            ends = [*t[starts[1:]], t[-1] + 0.1]
            pieces = [(t[i], end, V[i]) for i, end in zip(starts, ends, strict=True)]
        sim.set_protocol(pace, "pace")
        sim.set_protocol(slope, "slope")
        qnames = [self._qname(name) for name in names]
        logs = []
        for start, end, level in pieces:
            if level is not None:
                state = sim.state()
                state[self.voltage] = level
                sim.set_state(state)
            within = times[(times >= start - 1e-9) & (times < end - 1e-9)]
            if within.size == 0:
                sim.run(end - start, log=myokit.LOG_NONE)
                continue
            log = sim.run(end - start, log=qnames, log_times=np.maximum(within, start))
            logs.append(np.array([log[qname] for qname in qnames]))
        return dict(zip(names, np.concatenate(logs, axis=1), strict=True))

    def _qname(self, name: str) -> str:
        if name.startswith("dot("):
            return f"dot({self.model.variables[name[4:-1]].qname()})"
        return self.model.variables[name].qname()


@cache
def cvodes(key: str) -> Cvodes:
    return Cvodes(key)


def train(onsets: list[float], key: str) -> list[Jump]:
    return [(onset, load_model(key).stimulus.duration, 1.0) for onset in onsets]


def rms(found: xr.DataArray | np.ndarray, expected: np.ndarray) -> float:
    return float(np.sqrt(np.mean((np.asarray(found, dtype=float) - expected) ** 2)))


def apd90_error(
    data: xr.Dataset, cell: int, beat: int, times: np.ndarray, truth: Truth, onset: float
) -> float:
    """Error [ms] of APD90, or of when V falls by 90 % after the stimulus, whichever is less.

    They differ where the stimulus lifts V as fast as I_Na does: the steepest rise, from which APD90 counts,
    may then be either.
    """
    within = times >= onset - 1e-9
    t, V, rate = times[within] - onset, truth["V"][within], truth["dot(V)"][within]
    top = int(np.argmax(V))
    level = V[top] - 0.9 * (V[top] - V[0])
    i = top + int(np.flatnonzero(V[top:] < level)[0])
    fall = t[i - 1] + (V[i - 1] - level) / (V[i - 1] - V[i]) * (t[i] - t[i - 1])
    ours, rise = float(data["APD90"][cell, beat]), float(data["upstroke_time"][cell, beat])
    return float(min(ours - (fall - t[np.argmax(rate)]), ours + rise - fall, key=abs))


def crossings(time: np.ndarray, V: np.ndarray, level: float) -> np.ndarray:
    """Times [ms] at which V rises above `level`."""
    i = np.flatnonzero((V[:-1] < level) & (V[1:] >= level))
    return time[i] + (time[i + 1] - time[i]) * (level - V[i]) / (V[i + 1] - V[i])


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


def clamped(key: str, clamp: iw.VoltageClamp, command: tuple[np.ndarray, np.ndarray], what: str) -> None:
    """Every large current within `CURRENT_BOUND` of its peak; `command` (time [ms], V) from time 0 of the
    clamp, the holding before it. The family's first member is compared."""
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
    assert np.abs(data["V"].values[0, :-1] - log["V"])[clear].max() < 0.1
    largest = max(np.abs(log[name][clear]).max() for name in names)
    worst, worst_name = 0.0, ""
    for name in names:
        peak = np.abs(log[name][clear]).max()
        if peak > SMALL * largest:
            error = np.abs(data[name].values[0, :-1] - log[name])[clear].max() / peak
            worst, worst_name = max((worst, worst_name), (float(error), name))
    print(f"FIGURE {what} {key}: worst {worst_name} {100 * worst:.3f} %")
    assert worst < CURRENT_BOUND, worst_name


@pytest.mark.parametrize("key", cells(KEYS, "ord2011:endo"))
@pytest.mark.parametrize("level", [-40.0, 0.0, 40.0])
def test_steps_of_voltage(key: str, level: float) -> None:
    clamp = iw.VoltageClamp([(-80, 20), ([level, -20.0], 200), (-50, 100)], held=200.0)
    command = np.array([0.0, 20, 20, 220, 220, 320]), np.array([-80.0, -80, level, level, -50, -50])
    clamped(key, clamp, command, f"step {level:g}")


@pytest.mark.parametrize("key", cells(KEYS))
def test_a_ramp(key: str) -> None:
    clamp = iw.VoltageClamp([(-80, 20), (-80, 40, 100), (40, -80, 200)], held=200.0)
    command = np.array([0.0, 20, 20, 120, 320]), np.array([-80.0, -80, -80, 40, -80])
    clamped(key, clamp, command, "ramp")


@pytest.mark.parametrize("key", cells(KEYS))
def test_sines(key: str) -> None:
    """CVODES follows them along straight lines of 0.02 ms, far finer than the simulator's."""
    terms = [(54.0, 0.07), (26.0, 0.037), (10.0, 0.19)]
    clamp = iw.VoltageClamp([(-80, 20), iw.VoltageClamp.sines(150, -30, terms)], held=200.0)
    t = np.linspace(0.0, 150.0, 7501)
    V = -30.0 + sum(a * np.sin(w * t) for a, w in terms)
    clamped(key, clamp, (np.append([0.0, 20], 20 + t), np.append([-80.0, -80], V)), "sines")


@pytest.mark.parametrize("key", cells(KEYS, "crn1998"))
def test_clamped_by_an_action_potential(key: str) -> None:
    model = load_model(key)
    duration = 300.0 if key in FIRING else 500.0
    beat = iw.simulate(model, 1000, duration, sample=0.25, variables=["V"])
    trace = beat["time"].values, beat["V"].values[0].astype(float)
    clamp = iw.VoltageClamp([trace], holding=float(trace[1][0]), held=50.0)
    clamped(key, clamp, trace, "AP clamp")


# ---- current clamp ----


def fires_as_cvodes(key: str, data: xr.Dataset, stimuli: list[Jump], what: str, **how: object) -> None:
    """Spike times where a cell fires all along, V otherwise."""
    time = data["time"].values[:-1]
    V = data["V"].values[0, :-1].astype(float)
    truth = cvodes(key).run(["V"], time, stimuli, **how)["V"]  # type: ignore[arg-type]
    error, ours, theirs = rms(V, truth), crossings(time, V, -20.0), crossings(time, truth, -20.0)
    assert ours.size == theirs.size
    late = float(np.abs(ours - theirs).max(initial=0.0))
    bound = SPIKE_BOUND + (DRIFT * time[-1] if key in FIRING else 0.0)
    print(f"FIGURE {what} {key}: V {error:.4f} mV, {ours.size} spikes, {late:.4f} ms")
    assert np.ptp(truth) > 50, "it fires"
    assert late < bound
    if key not in FIRING:
        assert error < V_BOUND


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
    fires_as_cvodes(key, data, events, "current clamp", constants=constants)


# ---- drugs and conditions ----


def paced(key: str, what: str, constants: dict[str, float], **altered: object) -> None:
    """Three beats of an altered cell (or a step of current, or as long alone)."""
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
    assert rms(data["V"], control["V"].values) > 2 * V_BOUND, "the change is seen"
    fires_as_cvodes(key, data, stimuli, what, constants=constants)


BLOCKED = ("g_Kr", "P_CaL", "g_CaL", "g_K", "g_M", "g_x1", "g_Na", "g_K1", "g_L")


@pytest.mark.parametrize("key", cells(KEYS, "grandi2010:epi"))
def test_drug_block(key: str) -> None:
    own = load_model(key).conductances
    chosen = [name for name in BLOCKED if name in own][:2]
    ic50, hill = dict(zip(chosen, (4.0, 12.0), strict=False)), dict(zip(chosen, (1.2, 1.0), strict=False))
    constants = {name: own[name] / (1 + (3.0 / ic50[name]) ** hill[name]) for name in chosen}
    paced(key, f"drug on {chosen}", constants, drug=iw.Drug(ic50, 3.0, hill))


CONDITIONS = {  # times what the model has
    "K_o": 0.85, "Na_o": 0.95, "Ca_o": 0.8, "T": 307.0 / 310.0, "E_Na": 0.95, "E_K": 0.97, "V_rest": 1.02,
}  # fmt: skip


@pytest.mark.parametrize("key", cells(KEYS, "paci2013:ventricular"))
def test_conditions(key: str) -> None:
    literal = {name: v.eval() for name, v in load_model(key).variables.items() if v.is_literal()}
    conditions = {name: literal[name] * factor for name, factor in CONDITIONS.items() if name in literal}
    assert conditions
    paced(key, f"conditions {sorted(conditions)}", conditions, conditions=conditions)


# ---- order of convergence, conservation ----


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
