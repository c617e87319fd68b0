"""A writer of HEKA's PatchMaster bundles, for tests, from the layout that HEKA publishes.

"DataFile_v9", "PulsedFile_v9" and "StimFile_v9" give the offset of every field; only those a reader needs are
filled in.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path

import numpy as np

RECORDS = {"pul": (640, 144, 1408, 288, 512), "pgf": (584, 280, 400, 80)}
VOLTAGE_CLAMP, CURRENT_CLAMP = 1, 2
SIXTEEN_BITS = 0


@dataclass
class Series:
    """One series of one channel: a label, sweeps of 16-bit numbers, the unit and size of one step of them."""

    label: str
    sweeps: list[np.ndarray]
    scale: float
    unit: str = "V"
    interval: float = 1e-4
    clamp: int = CURRENT_CLAMP
    intended: int | None = None
    levels: tuple[float, ...] = (0.0, 0.5, 0.0)  # of the command, in nA or V, a third of a sweep each


def _record(length: int, **fields: tuple[str, object]) -> bytes:
    found = bytearray(length)
    for name, (form, value) in fields.items():
        struct.pack_into("<" + form, found, int(name[1:]), value)
    return bytes(found)


def write(path: Path, groups: dict[str, list[Series]]) -> Path:
    """Write the groups of series as one bundle."""
    raw = bytearray(256)
    positions: dict[int, int] = {}
    for series in (one for group in groups.values() for one in group):
        for sweep in series.sweeps:
            positions[id(sweep)] = len(raw)
            raw += sweep.astype("<i2").tobytes()
    items = {".dat": bytes(raw[256:]), ".pul": _pulsed(groups, positions), ".pgf": _stimuli(groups)}
    head = bytearray(256)
    struct.pack_into("<8s32sd", head, 0, b"DAT2", b"v2x90.2, 22-Nov-2016", 1e9)
    struct.pack_into("<i?", head, 48, len(items), True)
    content = b""
    for index, (name, item) in enumerate(items.items()):
        struct.pack_into("<ii8s", head, 64 + 16 * index, 256 + len(content), len(item), name.encode())
        content += item
    path.write_bytes(bytes(head) + content)
    return path


def _tree(kind: str, nodes: list[tuple[int, bytes, int]]) -> bytes:
    """Nodes as (level, record, children), in the order of the file."""
    lengths = RECORDS[kind]
    head = b"eerT" + struct.pack(f"<i{len(lengths)}i", len(lengths), *lengths)
    return head + b"".join(record + struct.pack("<i", children) for _, record, children in nodes)


def _pulsed(groups: dict[str, list[Series]], positions: dict[int, int]) -> bytes:
    root, group_, series_, sweep_, trace_ = RECORDS["pul"]
    nodes = [(0, _record(root, _8=("32s", b"v2x90.2"), _520=("d", 1e9)), len(groups))]
    stimulus = 0
    for name, group in groups.items():
        nodes.append((1, _record(group_, _4=("32s", name.encode())), len(group)))
        for series in group:
            stimulus += 1
            record = _record(series_, _4=("32s", series.label.encode()), _124=("i", 472), _136=("d", 1e9))
            nodes.append((2, record, len(series.sweeps)))
            for index, sweep in enumerate(series.sweeps):
                record = _record(sweep_, _40=("i", stimulus), _44=("i", index + 1), _48=("d", 1e9 + index))
                nodes.append((3, record, 1))
                trace = _record(
                    trace_,
                    _4=("32s", b"Vmon" if series.unit == "V" else b"Imon"),
                    _40=("i", positions[id(sweep)]),
                    _44=("i", len(sweep)),
                    _70=("b", SIXTEEN_BITS),
                    _72=("d", series.scale),
                    _96=("8s", series.unit.encode()),
                    _104=("d", series.interval),
                    _120=("8s", b"s"),
                )
                nodes.append((4, trace, 0))
    return _tree("pul", nodes)


def _stimuli(groups: dict[str, list[Series]]) -> bytes:
    root, stimulus_, channel_, segment_ = RECORDS["pgf"]
    every = [series for group in groups.values() for series in group]
    nodes = [(0, _record(root, _8=("32s", b"v2x90.2")), len(every))]
    for series in every:
        record = _record(
            stimulus_,
            _4=("32s", series.label.encode()),
            _112=("d", series.interval),
            _144=("i", series.intended if series.intended is not None else len(series.sweeps)),
        )
        nodes.append((1, record, 1))
        unit = b"A" if series.clamp == CURRENT_CLAMP else b"V"
        channel = _record(channel_, _25=("b", series.clamp), _40=("8s", unit), _76=("?", True))
        nodes.append((2, channel, len(series.levels)))
        part = len(series.sweeps[0]) * series.interval / len(series.levels) if series.sweeps else 0.1
        for level in series.levels:
            segment = _record(segment_, _5=("b", 1), _8=("d", level), _36=("d", part))
            nodes.append((3, segment, 0))
    return _tree("pgf", nodes)
