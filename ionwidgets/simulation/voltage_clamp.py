"""Voltage clamp: V follows a command, everything else is integrated."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ionwidgets.errors import SimulationError
from ionwidgets.simulation.clamp import follow
from ionwidgets.simulation.given import number, numbers, shown
from ionwidgets.simulation.grid import Setting
from ionwidgets.simulation.kernel import V_HIGH, V_LOW
from ionwidgets.simulation.protocols import Course, Held
from ionwidgets.simulation.steps import ClampSteps, Step, listed, read_steps
from ionwidgets.simulation.sweep import BIOMARKERS, Run, picked

Floats = NDArray[np.float64]
FINE, COARSE = 0.005, 0.02  # ms; the steps within SETTLING of a jump of V, and later
SETTLING = 5.0  # ms
_ROW, _FINEST_ROW = 0.1, 0.005  # ms; V is straight between rows
_BLOCK = 10_000  # rows at a time, so that a long clamp needs little memory


@dataclass(frozen=True)
class VoltageClamp:
    """V follows `steps`; all other states are integrated, the stimulus is off, and every current is given.

    `iv_curve` reads peak, steady and tail currents and their time constants from the Dataset.

    Parameters
    ----------
    steps : one after another,
        (V [mV], duration [ms]), where one V may be a list: a cell each, with the coordinate `V_test`;
        (from [mV], to [mV], duration [ms]), a ramp;
        (time [ms], V [mV]), two arrays, straight between their points: a recorded action potential, or
        `VoltageClamp.sines`.
    holding : V [mV] before time 0,
    held : for so long [ms], from the model's initial state.

    Examples
    --------
    An I-V family, the staircase of a ramp, and the clamp by an action potential:

    >>> import ionwidgets as iw
    >>> model = iw.load_model("tnnp2004")
    >>> family = iw.VoltageClamp([(list(range(-40, 61, 10)), 300), (-40, 200)], holding=-80)
    >>> data = iw.simulate(model, protocol=family)
    >>> iw.iv_curve(data, "I_CaL")[["V_test", "peak", "steady", "tau"]]
    >>> ramp = iw.simulate(model, protocol=iw.VoltageClamp([(-80, 20), (-80, 40, 500), (-80, 20)]))
    >>> beat = iw.simulate(model, 1000, 1000)
    >>> again = iw.simulate(model, protocol=iw.VoltageClamp([(beat.time, beat.V[0])], holding=-86))
    """

    steps: Sequence[Step]
    holding: float = -80.0
    held: float = 1000.0
    sample: ClassVar[float] = 0.1

    @staticmethod
    def sines(duration: float, offset: float, terms: Sequence[tuple[float, float]]) -> tuple[Floats, Floats]:
        """A step V = offset + sum of a sin(w t), `terms` being (a [mV], w [1/ms]), t [ms] from its start.

        Beattie et al., J Physiol 596, 1813-1828 (2018), clamp hERG with
        ``sines(3500, -30, [(54, 0.007), (26, 0.037), (10, 0.19)])``.

        Raises
        ------
        SimulationError : the duration is not positive, or `terms` are no pairs of numbers.
        """
        duration, offset = number("the duration of sines [ms]", duration), number("their offset", offset)
        pairs = numbers("each term of sines", terms)
        if not 0 < duration < 1e8:
            raise SimulationError(f"sines must last longer than 0 ms; found {duration:g}")
        if pairs.size and (pairs.ndim != 2 or pairs.shape[1] != 2):
            raise SimulationError(f"terms of sines are pairs (a [mV], w [1/ms]); found {shown(terms)}")
        time = np.linspace(0.0, duration, int(np.ceil(duration / _ROW)) + 1)
        return time, offset + sum((a * np.sin(w * time) for a, w in terms), start=np.zeros(time.size))

    def courses(self, amplitude: float, pulse: float) -> list[Course]:
        holding, held = number("holding [mV]", self.holding), number("held [ms]", self.held)
        if not (V_LOW <= holding <= V_HIGH and 0 <= held < 1e8):
            raise SimulationError(
                f"holding must be from {V_LOW:g} to {V_HIGH:g} mV and held from 0 ms on; "
                f"found {holding:g} mV, {held:g} ms"
            )
        read, curves = self._read()
        before = Held(holding, held) if held > 0 else None
        found = []
        for value, levels in read.members():
            pieces = [
                curves.get(i, (np.array([0.0, length]), np.array([level, level])))
                for i, (level, length) in enumerate(zip(levels, read.durations, strict=True))
            ]
            time = np.concatenate([start + t for start, (t, _) in zip(read.starts, pieces, strict=True)])
            V = np.concatenate([v for _, v in pieces])
            place = {} if value is None else {"V_test": value}
            found.append(Course(read.duration, place, command=(time, V), before=before, paced=False))
        return found

    def attributes(self) -> dict[str, object]:
        return {"protocol": "VoltageClamp", "holding_mV": self.holding, **self._read()[0].windows()}

    def _read(self) -> tuple[ClampSteps, dict[int, tuple[Floats, Floats]]]:
        """The steps, ramps and traces being steps of 0 mV there, and these by their place."""
        curves: dict[int, tuple[Floats, Floats]] = {}
        plain: list[Step] = []
        for i, step in enumerate(listed(self.steps, "voltage", "mV")):
            if len(step) == 3 and not any(np.ndim(number) for number in step):
                start, stop, length = (number("each number of a ramp", part) for part in step)
                curves[i] = np.array([0.0, length]), np.array([start, stop])
            elif len(step) == 2 and np.ndim(step[1]) == 1:
                curves[i] = _trace(*step)
            plain.append((0.0, curves[i][0][-1]) if i in curves else step)
        read = read_steps(plain, "voltage", "mV")
        levels = [*(level for level in read.levels if level is not None), *read.family]
        for V in (np.array(levels), *(V for _, V in curves.values())):
            if not np.all((V_LOW <= V) & (V_HIGH >= V)):
                raise SimulationError(
                    f"voltages must lie from {V_LOW:g} to {V_HIGH:g} mV; found {V.min():g} to {V.max():g}"
                )
        return read, curves


def _trace(time: ArrayLike, V: ArrayLike) -> tuple[Floats, Floats]:
    t, v = numbers("the times of a trace", time), numbers("the voltages of a trace", V)
    if t.ndim != 1 or t.shape != v.shape or t.size < 2:
        raise SimulationError(f"a trace is (time [ms], V [mV]), equally long; found {t.shape} and {v.shape}")
    if not (np.all(np.isfinite(t)) and np.all(np.isfinite(v)) and np.all(np.diff(t) > 0)):
        raise SimulationError("a trace must be finite, its times ascending")
    return t - t[0], v


def hold(setting: Setting, held: Held, start: Floats) -> Run:
    """The run through `held`, whose final state is the state after it."""
    command = np.array([0.0, held.duration]), np.array([held.level, held.level])
    return run_clamped(setting, Course(held.duration, {}, command=command), start, (), _ROW)


def run_clamped(setting: Setting, course: Course, start: Floats, names: Sequence[str], sample: float) -> Run:
    """Integrate the cell while V follows the course's command; a sample at a jump is of just after it."""
    assert course.command is not None
    kernel, (time, V) = setting.kernel, course.command
    picks, n_states = picked(kernel, names), len(kernel.layout.states)
    n_samples = int(np.floor(course.duration / sample + 1e-9)) + 1 if names else 0
    traces = np.full((n_samples, picks.size), np.nan)
    state = start
    jumps = np.flatnonzero(np.diff(time) == 0) + 1
    for t, v in zip(np.split(time, jumps), np.split(V, jumps), strict=True):
        for rows, step in _rows(t, sample):
            drive, apart = np.interp(rows, t, v)[:, None], rows[1] - rows[0]
            out = follow(
                kernel, setting.scales, setting.gates, state, [kernel.model.voltage], drive, apart,
                int(np.ceil(apart / step - 1e-9)),
            )  # fmt: skip
            states = out[:, :n_states]
            if not np.all(np.isfinite(states[-1])):
                reached = float(rows[np.argmin(np.all(np.isfinite(states), axis=1))])
                return Run(traces, _no_beats(), states[-1].copy(), reached, False)
            state = states[-1].copy()
            at = np.rint(rows / sample).astype(int)
            whole = (np.abs(rows - at * sample) < 1e-7) & (at < n_samples)
            traces[at[whole]] = out[whole][:, picks]
    return Run(traces, _no_beats(), state, course.duration, True)


def _rows(corners: Floats, sample: float) -> Iterator[tuple[Floats, float]]:
    """Times [ms] from the first of `corners` to the last in evenly spaced blocks that meet, and the longest
    step within each.

    Every multiple of `sample` is among them, and every corner if a grid of 0.005 ms or more holds them all.
    """
    start, stop = float(corners[0]), float(corners[-1])
    first = min(sample * np.ceil(start / sample - 1e-9), stop)
    last = max(sample * np.floor(stop / sample + 1e-9), first)
    settled = min(sample * np.ceil((start + SETTLING) / sample - 1e-9), last)
    apart = _grid(corners[(corners > first) & (corners < last)], sample)
    for begin, end, step in (
        (start, first, FINE),
        (first, settled, FINE),
        (settled, last, COARSE),
        (last, stop, FINE if stop < start + SETTLING else COARSE),
    ):
        count = int(np.ceil((end - begin) / apart - 1e-7))
        for row in range(0, count, _BLOCK):
            rows = min(count - row, _BLOCK)
            span = (end - begin) / count
            yield np.asarray(begin + span * np.arange(row, row + rows + 1)), step


def _grid(corners: Floats, sample: float) -> float:
    """The widest whole part of `sample` [ms], of `_ROW` at most, whose multiples hold all corners; else
    about `_FINEST_ROW`."""
    finest = max(int(sample / _FINEST_ROW + 1e-9), int(np.ceil(sample / _ROW - 1e-9)))
    for parts in range(int(np.ceil(sample / _ROW - 1e-9)), finest + 1):
        multiples = corners * (parts / sample)
        if np.all(np.abs(multiples - np.rint(multiples)) < 5e-3):
            break
    return sample / parts


def _no_beats() -> Floats:
    return np.empty((0, len(BIOMARKERS)))
