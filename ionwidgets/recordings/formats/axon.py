"""Axon's binary format, ABF 1 and 2 (pCLAMP), by pyABF; files of floating-point ABF 1 by Myokit.

pyABF reads more of what laboratories have than Myokit does: ABF 1 without a table of sweeps, sweeps of
unequal length, ramps and trains in the command. It reads no ABF 1 of floating-point numbers; Myokit does.
Where both read a file they are compared in the tests. A stimulus file that the header names is never opened.

Source: the layout of both headers is Axon's "ABF File Support Pack"; offsets below are bytes.
"""

from __future__ import annotations

import struct
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ionwidgets.errors import RecordingError
from ionwidgets.recordings.formats.guard import finished, malformed, reading, titled, unit_of
from ionwidgets.recordings.table import ArrayTable

KIND: Final = "Axon ABF"
BLOCK: Final = 512
SECTIONS: Final = 18  # of ABF 2, from byte 76: first block, bytes an entry, entries
DATA: Final = 10
LONG_HEADER: Final = 6144  # bytes of ABF 1 from version 1.6 on, before that 2048
DATA_START, TAGS, HOLDING = 40, 48, 1394
MOST_ENTRIES: Final = {1: 64, 2: 64, 9: 1_000, 11: 100_000, 15: 1_000_000}  # ADC, DAC, strings, tags, sweeps
LONGEST_SECTION: Final = 8_000_000  # bytes; pyABF reads what is not data byte by byte
MODES: Final = {
    1: "variable-length events",
    2: "fixed-length events",
    3: "gap-free",
    4: "high-speed oscilloscope",
    5: "episodic stimulation",
}
GAP_FREE: Final = 3
EPOCH_TABLE: Final = 1  # the source of a command that the header itself describes


def read(path: Path) -> ArrayTable:
    """Every recorded channel, all sweeps, and every command that the header's epochs describe."""
    if _check(path) == "float 1":
        return _float_abf1(path)
    with reading(path, KIND):
        # Importing pyABF leaves a path of its developers' in sys.path.
        before = list(sys.path)
        import pyabf

        sys.path[:] = before
        with _whole_header(path) as headed:
            abf = pyabf.ABF(str(headed), loadData=False, cacheStimulusFiles=False)
        with path.open("rb") as file:
            abf.dataByteStart = _data_start(abf)
            if abf.abfVersion["major"] == 1:  # pyABF takes the first epochs' levels for them
                file.seek(HOLDING)
                abf.holdingCommand = list(struct.unpack("<4f", file.read(16)))
            abf._loadAndScaleData(file)  # setSweep would build every sweep's command for every sweep
        channels = [(abf.adcNames[i], abf.adcUnits[i], abf.data[i]) for i in range(abf.channelCount)]
        points, count = len(abf.data[0]), int(abf.sweepCount)
        lengths = _lengths(abf, path)
        interval = _interval(abf)
        facts = {
            "protocol": None if abf.protocol == "None" else abf.protocol,
            "date": abf.abfDateTimeString,
            "comment": abf.abfFileComment,
            "mode": MODES.get(int(abf.nOperationMode)),
            "written by": abf.creator,
        }
    if not (0 < count <= points):
        raise malformed(path, KIND, f"{count} sweeps of {points} samples")
    notes: list[str] = []
    if lengths is None:
        lengths = (points // count,) * count
    total = sum(lengths)
    if total < points:
        notes.append(f"{points - total} samples after the last sweep were left out")
    columns: dict[str, tuple[NDArray, str | None]] = {}
    for name, unit, values in channels:
        columns[titled(columns, "" if name == "?" else name, "channel")] = (values[:total], unit_of(unit))
    for name, unit, values in _commands(abf, lengths, notes):
        columns[titled(columns, f"command {name}", "command")] = (values, unit_of(unit))
    return finished(
        path,
        KIND,
        columns,
        sweeps=lengths if count > 1 else None,
        step=interval,
        facts={**facts, "sampling": _rate(interval)},
        notes=tuple(notes),
    )


@contextmanager
def _whole_header(path: Path) -> Iterator[Path]:
    """A file to read the header from, with zeros where an older, shorter header of ABF 1 has ended.

    pyABF takes the samples there for gains.
    """
    with path.open("rb") as file:
        head = bytearray(file.read(LONG_HEADER))
    start = struct.unpack_from("<i", head, DATA_START)[0] * BLOCK
    if head[:4] != b"ABF " or not 0 < start < LONG_HEADER:
        yield path
        return
    head[start:] = bytes(LONG_HEADER - start)
    struct.pack_into("<i", head, TAGS, 0)  # they lie after the samples
    with TemporaryDirectory() as folder:
        headed = Path(folder) / "header.abf"
        headed.write_bytes(head)
        yield headed


def _data_start(abf: Any) -> int:
    if abf.abfVersion["major"] == 2:
        return int(abf.dataByteStart)
    # What is ignored is counted in points, not in bytes.
    return int(abf._headerV1.lDataSectionPtr) * BLOCK + 2 * max(int(abf._headerV1.nNumPointsIgnored), 0)


def _rate(step: float) -> str | None:
    return f"{1000 / step:.6g} Hz" if step > 0 else None


def _check(path: Path) -> str:
    """Hold what the header declares against the file; "float 1" for what only Myokit reads."""
    size = path.stat().st_size
    with path.open("rb") as file:
        head = file.read(BLOCK)
    if len(head) < BLOCK:
        raise malformed(path, KIND, "its header is cut short")
    if head[:4] == b"ABF ":
        points, episodes = struct.unpack_from("<i", head, 10)[0], struct.unpack_from("<i", head, 16)[0]
        start, tags = struct.unpack_from("<i", head, 40)[0], struct.unpack_from("<i", head, 48)[0]
        kind, channels = struct.unpack_from("<h", head, 100)[0], struct.unpack_from("<h", head, 120)[0]
        # A sweep has a sample at least: pyABF makes a list of as many as are declared.
        if not 1 <= channels <= 16 or not 0 <= episodes <= points or not 0 <= tags <= MOST_ENTRIES[11]:
            raise malformed(path, KIND, f"{channels} channels, {episodes} sweeps, {tags} tags")
        _check_extent(path, "data", start * BLOCK, points * (4 if kind == 1 else 2), size)
        return "float 1" if kind == 1 else "1"
    for index in range(SECTIONS):
        block, width, entries = struct.unpack_from("<IIq", head, 76 + 16 * index)
        if entries < 0 or (index != DATA and entries > MOST_ENTRIES.get(index, 10_000)):
            raise malformed(path, KIND, f"{entries} entries in section {index}")
        width = max(width, 2) if index == DATA else width  # the least that a sample takes
        if index != DATA and width * entries > LONGEST_SECTION:
            raise malformed(path, KIND, f"section {index} of {width * entries / 1e6:.6g} MB")
        _check_extent(
            path, "data" if index == DATA else f"section {index}", block * BLOCK, width * entries, size
        )
    episodes, points = (
        struct.unpack_from("<I", head, 12)[0],
        struct.unpack_from("<q", head, 84 + 16 * DATA)[0],
    )
    if episodes > points:
        raise malformed(path, KIND, f"{episodes} sweeps of {points} samples")
    return "2"


def _check_extent(path: Path, what: str, start: int, length: int, size: int) -> None:
    if length and not (start > 0 and length > 0 and start + length <= size):
        reason = f"its {what} ends at byte {start + length}, the file at {size}: it is cut short or damaged"
        raise malformed(path, KIND, reason)


def _interval(abf: Any) -> float:
    """Sampling interval of a channel [ms]; pyABF's own rate is a whole number of Hz."""
    if abf.abfVersion["major"] == 1:
        return float(abf._headerV1.fADCSampleInterval) * int(abf.channelCount) / 1000
    return float(abf._protocolSection.fADCSequenceInterval) / 1000


def _lengths(abf: Any, path: Path) -> tuple[int, ...] | None:
    """Samples of every sweep from the file's table of sweeps; None where it has none that fits."""
    if abf.nOperationMode == GAP_FREE:
        return None
    if abf.abfVersion["major"] == 1:
        header = abf._headerV1
        start, count = int(header.lSynchArrayPtr) * BLOCK, int(header.lSynchArraySize)
        if not (0 < count <= MOST_ENTRIES[15] and start > 0 and start + 8 * count <= path.stat().st_size):
            return None
        multiplexed = np.fromfile(path, "<i4", count=2 * count, offset=start)[1::2]
    else:
        multiplexed = np.asarray(abf._synchArraySection.lLength, dtype=np.int64)
    lengths = multiplexed.astype(np.int64) // int(abf.channelCount)
    fits = len(lengths) == abf.sweepCount and bool((lengths > 0).all())
    return tuple(int(n) for n in lengths) if fits and lengths.sum() <= len(abf.data[0]) else None


def _commands(
    abf: Any, lengths: tuple[int, ...], notes: list[str]
) -> list[tuple[str, str | None, NDArray[np.float32]]]:
    """Name, unit and values of the commands; what cannot be built is noted: the recording is good without."""
    found: list[tuple[str, str | None, NDArray[np.float32]]] = []
    first = abf.abfVersion["major"] == 1
    header = abf._headerV1 if first else abf._dacSection
    for index, (enabled, source) in enumerate(
        zip(header.nWaveformEnable, header.nWaveformSource, strict=False)
    ):
        if not enabled or source == 0 or abf.nOperationMode == GAP_FREE:
            continue
        name = abf.dacNames[index] if index < len(abf.dacNames) else f"DAC {index}"
        try:
            with reading(Path(abf.abfFilePath), KIND):
                values = _command(abf, index, lengths) if source == EPOCH_TABLE else None
        except RecordingError:
            values = None
        if values is None:
            why = "it is in a file of its own" if source == 2 else "its epochs are not understood"
            notes.append(f"the command of output {index} was left out: {why}")
        else:
            found.append((name, abf.dacUnits[index] if index < len(abf.dacUnits) else None, values))
    return found


def _command(abf: Any, index: int, lengths: tuple[int, ...]) -> NDArray[np.float32] | None:
    """A command as the header's epochs say it, (samples,); None where they do not fit the sweeps."""
    import pyabf.waveform

    if len(set(lengths)) > 1:
        return None
    parts = []
    table = pyabf.waveform.EpochTable(abf, index)
    for sweep in table.epochWaveformsBySweep[: len(lengths)]:
        ends, periods = sweep.p2s, [period for period in sweep.pulsePeriods if period > 0]
        if not ends or max(ends) > 2 * lengths[0] or (periods and lengths[0] / min(periods) > 10_000):
            return None
        part = sweep.getWaveform()[: lengths[0]].astype(np.float32)
        if len(part) < lengths[0] or not np.isfinite(part).all():
            return None
        parts.append(part)
    return np.concatenate(parts) if len(parts) == len(lengths) else None


def _float_abf1(path: Path) -> ArrayTable:
    with reading(path, KIND):
        from myokit.formats.axon import AbfFile

        abf = AbfFile(str(path))
        names, units = abf.channel_names(), abf.channel_units()
        traces = [abf.channel(index)[1] for index in range(abf.channel_count())]
        header = abf._header
        interval = float(header["fADCSampleInterval"]) * abf.channel_count() / 1000
        facts = {"date": abf._datetime, "mode": abf.acquisition_mode_str()}
    columns: dict[str, tuple[NDArray, str | None]] = {}
    for name, unit, sweeps in zip(names, units, traces, strict=True):
        columns[titled(columns, name, "channel")] = (np.concatenate(sweeps), unit_of(str(unit).strip("[]")))
    lengths = tuple(len(sweep) for sweep in traces[0])
    return finished(
        path,
        KIND,
        columns,
        sweeps=lengths if len(lengths) > 1 else None,
        step=interval,
        facts={**facts, "sampling": _rate(interval)},
    )
