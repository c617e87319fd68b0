"""What is done to a cell: pacing, restitution, current clamp (`voltage_clamp` has the voltage clamp).

A protocol is a frozen dataclass; `courses` turns it into one `Course` a cell. Times are ms. The stimulus is
the model's own, or the one given to `simulate`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar, Protocol

import numpy as np
from numpy.typing import NDArray

from ionwidgets.errors import SimulationError
from ionwidgets.simulation.given import number, numbers, shown
from ionwidgets.simulation.steps import Step, read_steps
from ionwidgets.simulation.sweep import STIMULUS_ONSET, pulses

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Prelude:
    """Pacing before a course: `beats` of `cycle_length` [ms], or fewer where `until_steady` ends it."""

    cycle_length: float
    beats: int
    until_steady: bool


@dataclass(frozen=True)
class Held:
    """Voltage clamp before a course begins: `level` [mV] for `duration` [ms]."""

    level: float
    duration: float


@dataclass(frozen=True)
class Course:
    """One cell's protocol.

    place: value of what the protocol sweeps, by the name of its coordinate; changes (N, 2): (time [ms],
    level) of the stimulus; command: (time [ms], V [mV]) that V follows instead, a jump being one time twice;
    paced: whether beats are counted.
    """

    duration: float
    place: Mapping[str, float]
    changes: Floats = field(default_factory=lambda: np.zeros((0, 2)))
    command: tuple[Floats, Floats] | None = None
    before: Prelude | Held | None = None
    paced: bool = True


class AnyProtocol(Protocol):
    """What `simulate` asks of a protocol: its usual `sample` [ms], its courses, and what its Dataset has to
    say of it."""

    sample: ClassVar[float]

    def courses(self, amplitude: float, pulse: float) -> list[Course]:
        """A course a cell, for a stimulus of `amplitude` [A/F] that lasts `pulse` [ms].

        Raises
        ------
        SimulationError : the protocol makes no sense, or does not fit the stimulus.
        """

    def attributes(self) -> dict[str, object]:
        """Attributes of the Dataset."""


@dataclass(frozen=True)
class Pacing:
    """Periodic stimuli, the first 10 ms after the start.

    Parameters
    ----------
    cycle_lengths : ms; several are a cell each, with the coordinate `cycle_length`.
    duration : ms.
    until_steady : pace before time 0, from the initial state, until the cell is steady: over its last two
        beats APD90 has changed by less than 0.01 ms and no concentration (nor other state that is neither V
        nor gate) at the start of the beat by more than 1e-5 of itself. Two beats, so that alternans and 2:1
        rhythms may be steady. The Dataset then has, along cell, `steady` (whether that was met) and
        `beats_before` (how many beats it took).
    most_beats : the cap on these. TNNP 2004 takes 650 beats at 1000 ms, and 3300 at 400 ms.

    Examples
    --------
    >>> import ionwidgets as iw
    >>> model = iw.load_model("tnnp2004")
    >>> paced = iw.Pacing([500, 1000], duration=2000, until_steady=True)
    >>> data = iw.simulate(model, protocol=paced)
    >>> bool(data.steady.all()), data.beats_before.values
    """

    cycle_lengths: float | Sequence[float] = 1000.0
    duration: float = 20_000.0
    until_steady: bool = False
    most_beats: int = 5000
    sample: ClassVar[float] = 1.0

    def courses(self, amplitude: float, pulse: float) -> list[Course]:
        lengths = _lengths("cycle lengths", self.cycle_lengths, pulse)
        duration = number("duration [ms]", self.duration)
        if not 0 < duration < 1e8:
            raise SimulationError(f"duration must be positive, in ms, and below 1e8; found {duration:g}")
        if self.until_steady:
            _fits_prelude(lengths.min(), pulse)
            _whole("most_beats", self.most_beats, 3)
        return [
            Course(
                duration,
                {"cycle_length": length},
                pulses(length, duration, pulse),
                before=Prelude(length, self.most_beats, True) if self.until_steady else None,
            )
            for length in lengths.tolist()
        ]

    def attributes(self) -> dict[str, object]:
        return {}


@dataclass(frozen=True)
class S1S2:
    """Standard (S1S2) restitution: a train of S1, then one S2 at a varied interval; `restitution` reads it.

    The train is run once, up to its last S1; each S2 goes on from there as a cell of its own, with the
    coordinates `s2` and `cycle_length` (which is s1). Time 0 is 10 ms before the last S1; beat 0 is the last
    S1, beat 1 the S2.

    Parameters
    ----------
    s1 : cycle length of the train [ms].
    beats : stimuli in the train.
    s2 : intervals [ms] from the last S1 to S2.

    Examples
    --------
    >>> import ionwidgets as iw
    >>> s1s2 = iw.S1S2(s1=1000, beats=10, s2=[300, 350, 400, 600, 1000])
    >>> data = iw.simulate(iw.load_model("tnnp2004"), protocol=s1s2)
    >>> iw.restitution(data)[["interval", "DI", "APD90"]]
    """

    s1: float = 1000.0
    beats: int = 10
    s2: float | Sequence[float] = (300.0, 400.0, 500.0, 600.0, 800.0, 1000.0)
    sample: ClassVar[float] = 1.0

    def courses(self, amplitude: float, pulse: float) -> list[Course]:
        if np.ndim(self.s1):
            raise SimulationError("s1 must be one cycle length; sweep s2")
        s1 = float(_lengths("s1", self.s1, pulse)[0])
        _fits_prelude(s1, pulse)
        _whole("beats", self.beats, 1)
        intervals = _lengths("s2", self.s2, pulse)
        duration = STIMULUS_ONSET + float(intervals.max()) + s1
        before = Prelude(s1, self.beats - 1, False) if self.beats > 1 else None
        return [
            Course(
                duration,
                {"cycle_length": s1, "s2": interval},
                _train(np.array([STIMULUS_ONSET, STIMULUS_ONSET + interval]), pulse),
                before=before,
            )
            for interval in intervals.tolist()
        ]

    def attributes(self) -> dict[str, object]:
        return {"protocol": "S1S2", "restitution_beats": [1]}


@dataclass(frozen=True)
class DynamicRestitution:
    """Dynamic restitution: each cycle length for some beats, the next from where that ended, in one cell.

    `restitution` reads APD90 and DI of the last beat at each cycle length.

    Parameters
    ----------
    cycle_lengths : ms, in the order in which they are paced; usually from long to short.
    beats : at each.

    Examples
    --------
    >>> import ionwidgets as iw
    >>> down = iw.DynamicRestitution(cycle_lengths=[1000, 800, 600, 500, 400, 350], beats=20)
    >>> data = iw.simulate(iw.load_model("tnnp2004"), protocol=down, variables=["V"])
    >>> iw.restitution(data)[["interval", "DI", "APD90"]]
    """

    cycle_lengths: Sequence[float]
    beats: int = 20
    sample: ClassVar[float] = 1.0

    def courses(self, amplitude: float, pulse: float) -> list[Course]:
        lengths = _lengths("cycle lengths", self.cycle_lengths, pulse)
        _whole("beats", self.beats, 2)
        intervals = np.repeat(lengths, self.beats)
        times = STIMULUS_ONSET + np.concatenate([[0.0], np.cumsum(intervals)])
        return [Course(float(times[-1]), {}, _train(times[:-1], pulse))]

    def attributes(self) -> dict[str, object]:
        last = self.beats * (1 + np.arange(np.atleast_1d(self.cycle_lengths).size)) - 1
        return {"protocol": "DynamicRestitution", "restitution_beats": last.tolist()}


@dataclass(frozen=True)
class CurrentClamp:
    """Steps of injected current; what depolarises is positive. ``[(0, 5000)]`` is a spontaneous run.

    There are no stimuli, so no biomarkers a beat are stored; `spikes` and `fi_curve` read the Dataset, and
    `biomarkers` finds action potentials in its samples.

    Parameters
    ----------
    steps : (current [A/F], duration [ms]) one after another. One current may be a list: a cell each, with the
        coordinate `I_test`.

    Examples
    --------
    >>> import ionwidgets as iw
    >>> steps = iw.CurrentClamp([(0, 50), ([2, 5, 10], 500), (0, 50)])
    >>> data = iw.simulate(iw.load_model("hh1952"), protocol=steps)
    >>> iw.fi_curve(data)
    """

    steps: Sequence[Step]
    sample: ClassVar[float] = 0.1

    def courses(self, amplitude: float, pulse: float) -> list[Course]:
        read = read_steps(self.steps, "current", "A/F")
        found = []
        for value, levels in read.members():
            if amplitude == 0 and any(levels):
                raise SimulationError(
                    "currents are counted in the stimulus' amplitude, which is 0 in this model; "
                    "give one, such as stimulus=(-1, 1)"
                )
            changes = np.column_stack([read.starts, -np.array(levels) / (amplitude or 1.0)])
            place = {} if value is None else {"I_test": value}
            found.append(Course(read.duration, place, changes, paced=False))
        return found

    def attributes(self) -> dict[str, object]:
        read = read_steps(self.steps, "current", "A/F")
        return {"protocol": "CurrentClamp", **read.windows()}


def _train(onsets: Floats, pulse: float) -> Floats:
    changes = np.empty((2 * onsets.size, 2))
    changes[0::2, 0], changes[0::2, 1] = onsets, 1.0
    changes[1::2, 0], changes[1::2, 1] = onsets + pulse, 0.0
    return changes


def _lengths(what: str, values: float | Sequence[float], pulse: float) -> Floats:
    lengths = np.atleast_1d(numbers(what, values))
    if not (lengths.size and lengths.ndim == 1 and np.all((lengths > pulse) & np.isfinite(lengths))):
        raise SimulationError(
            f"{what} must be finite times longer than the stimulus ({pulse:g} ms); found {shown(values)}"
        )
    return lengths


def _fits_prelude(cycle_length: float, pulse: float) -> None:
    if cycle_length < STIMULUS_ONSET + pulse:
        raise SimulationError(
            f"a train before time 0 needs cycle lengths of at least {STIMULUS_ONSET + pulse:g} ms (the "
            f"stimulus comes {STIMULUS_ONSET:g} ms after each period starts); found {cycle_length:g}"
        )


def _whole(what: str, value: int, least: int) -> None:
    if not (least <= number(what, value) < 1e9 and value == int(value)):
        raise SimulationError(f"{what} must be a whole number from {least} on; found {value}")
