"""Neurodata Without Borders, NWB 2, by PyNWB, the format's own reader, optional: `ionwidgets[nwb]`."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ionwidgets.errors import RecordingError
from ionwidgets.recordings.formats import hdf5
from ionwidgets.recordings.formats.guard import (
    clean,
    finished,
    malformed,
    reading,
    require_room,
    unit_of,
)
from ionwidgets.recordings.sampling import tidy
from ionwidgets.recordings.table import ArrayTable

KIND: Final = "NWB"
MISSING: Final = "an NWB file is read by PyNWB, which is not installed: pip install 'ionwidgets[nwb]'"
MOST_SWEEPS: Final = 10_000
_VOLTS: Final = {"volts", "volt", "v", "mv", "millivolts", "millivolt"}


@dataclass(frozen=True)
class _Sweep:
    """One series: where it was recorded, its numbers in `unit`, ms between them or their times [s]."""

    name: str
    electrode: str
    number: int | None
    start: float | None
    values: NDArray[np.float64]
    unit: str | None
    step: float | None
    times: NDArray[np.float64] | None


def read(path: Path) -> ArrayTable:
    """The current-clamp series of one electrode, a series being a sweep, and their stimuli as command.

    Where there is none, the series in volts. Of several electrodes the one with most series is taken, of
    several samplings the most frequent, with a note each. Conversion and offset are applied.
    """
    try:
        import pynwb
    except ImportError:
        raise RecordingError(MISSING, file=path.name) from None
    with hdf5.opened(path, KIND):
        pass
    with reading(path, KIND), pynwb.NWBHDF5IO(str(path), mode="r") as io:
        content = io.read()
        wanted = [series for series in content.acquisition.values() if _is_voltage(series)]
        clamped = [series for series in wanted if isinstance(series, pynwb.icephys.CurrentClampSeries)]
        given = [
            series
            for series in content.stimulus.values()
            if isinstance(series, pynwb.icephys.CurrentClampStimulusSeries) and len(series.data.shape) == 1
        ]
        taken = (clamped or wanted)[:MOST_SWEEPS]
        # Together, for many series may be links to one.
        require_room(path, KIND, 8 * sum(len(series.data) for series in (*taken, *given[:MOST_SWEEPS])))
        sweeps = [_sweep(path, series) for series in taken]
        commands = [_sweep(path, series) for series in given[:MOST_SWEEPS]]
        facts = {
            "date": content.session_start_time,
            "protocol": next((s.stimulus_description for s in clamped if s.stimulus_description), None),
            "comment": content.session_description,
            "laboratory": content.lab,
        }
        names = [clean(name) for name in content.acquisition]
    notes: list[str] = []
    sweeps = _of_one_electrode([sweep for sweep in sweeps if len(sweep.values)], notes)
    sweeps = _of_one_sampling(sweeps, notes)
    if not sweeps:
        held = ", ".join(names[:6]) or "nothing"
        raise RecordingError(
            f"no series of a membrane potential in acquisition; found {held}", file=path.name
        )
    return _table(path, sweeps, commands, facts, notes)


def _is_voltage(series: Any) -> bool:
    import pynwb

    if not isinstance(series, pynwb.TimeSeries) or isinstance(series, pynwb.icephys.VoltageClampSeries):
        return False
    clamped = isinstance(series, pynwb.icephys.CurrentClampSeries)
    return len(series.data.shape) == 1 and (clamped or str(series.unit).strip().lower() in _VOLTS)


def _sweep(path: Path, series: Any) -> _Sweep:
    electrode = getattr(series, "electrode", None)
    offset = float(getattr(series, "offset", 0.0) or 0.0)
    raw = hdf5.load(path, KIND, series.data).astype(np.float64)
    values = raw * float(series.conversion) + offset
    times = None if series.rate else hdf5.load(path, KIND, series.timestamps).astype(np.float64)
    if times is not None and len(times) != len(values):
        raise malformed(path, KIND, f"{series.name} has {len(values)} samples and {len(times)} times")
    number = getattr(series, "sweep_number", None)
    return _Sweep(
        name=clean(series.name),
        electrode=clean(electrode.name) if electrode is not None else "",
        number=None if number is None else int(number),
        start=None if series.starting_time is None else float(series.starting_time),
        values=values,
        unit=unit_of(series.unit),
        step=tidy(1000 / float(series.rate)) if series.rate else None,
        times=times,
    )


def _of_one_electrode(sweeps: list[_Sweep], notes: list[str]) -> list[_Sweep]:
    counts = Counter((sweep.electrode, sweep.unit) for sweep in sweeps)
    if len(counts) < 2:
        return sweeps
    taken, _ = counts.most_common(1)[0]
    others = ", ".join(
        sorted({f"{electrode or 'no electrode'} ({n})" for (electrode, _), n in counts.items()})
    )
    notes.append(f"taken from electrode {taken[0]!r}; the file has series of several: {others}")
    return [sweep for sweep in sweeps if (sweep.electrode, sweep.unit) == taken]


def _of_one_sampling(sweeps: list[_Sweep], notes: list[str]) -> list[_Sweep]:
    counts = Counter(sweep.step for sweep in sweeps)
    if len(counts) < 2:
        return sweeps
    step, kept = counts.most_common(1)[0]
    rest = len(sweeps) - kept
    notes.append(f"{rest} of {len(sweeps)} series, sampled otherwise than every {step} ms, were left out")
    return [sweep for sweep in sweeps if sweep.step == step]


def _table(
    path: Path, sweeps: list[_Sweep], commands: list[_Sweep], facts: dict[str, Any], notes: list[str]
) -> ArrayTable:
    columns: dict[str, tuple[NDArray, str | None]] = {}
    if sweeps[0].step is None:
        columns["time"] = (np.concatenate([s.times for s in sweeps if s.times is not None]), "s")
    columns["V"] = (np.concatenate([sweep.values for sweep in sweeps]), sweeps[0].unit)
    command = [_command(sweep, commands) for sweep in sweeps]
    given = [found for found in command if found is not None]
    if given and len(given) == len(sweeps) and len({found.unit for found in given}) == 1:
        columns["command"] = (np.concatenate([found.values for found in given]), given[0].unit)
    elif commands:
        notes.append("the stimuli were left out: they do not belong to the sweeps one by one")
    lengths = tuple(len(sweep.values) for sweep in sweeps)
    return finished(
        path,
        KIND,
        columns,
        sweeps=lengths if len(lengths) > 1 else None,
        step=sweeps[0].step,
        facts={**facts, "electrode": sweeps[0].electrode, "series": ", ".join(s.name for s in sweeps)},
        notes=tuple(notes),
    )


def _command(sweep: _Sweep, commands: list[_Sweep]) -> _Sweep | None:
    """The stimulus of a sweep: of its electrode and number, or begun when it began, and as long."""
    for found in commands:
        same = found.number == sweep.number if sweep.number is not None else found.start == sweep.start
        if same and found.electrode == sweep.electrode:
            fits = len(found.values) == len(sweep.values) and found.step == sweep.step
            return found if fits else None
    return None
