"""Which column of a file is what, and in which unit: from its titles or from the caller."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from ionwidgets.errors import RecordingError
from ionwidgets.recordings.table import Table
from ionwidgets.recordings.units import (
    ARBITRARY,
    PER_CELL,
    canonical_unit,
    check_quantity,
    known_units,
    require_unit,
)

_TITLES: Final = {  # letters and digits of a title, lower case, its unit taken off
    "cycle_length": {"cyclelength", "basiccyclelength", "pacingcyclelength", "cl", "bcl", "pcl"},
    "sweep": {"sweep", "sweeps", "episode", "trace"},
    "time": {"time", "t"},
    "V": {"v", "vm", "vmem", "em", "voltage", "membranevoltage", "membranepotential", "potential"},
    "Ca_i": {"ca", "cai", "ca2", "ca2i", "calcium", "intracellularcalcium", "cytosoliccalcium"},
    "I_inj": {"i", "iinj", "im", "current", "injectedcurrent"},
}
_DRIVEN: Final = re.compile(r"stim|trig|ttl|sync|pac(e|ing)|cmd|command|gate|led\b|shutter|ramp|clock", re.I)
_DYE: Final = re.compile(r"fluo|optic|pmt|photo|\bd?f/f|dye|intensity", re.I)
BY_UNIT: Final = {"time": ("ms", "s"), "V": ("mV", "V")}
_EXAMPLES: Final = {"columns": "{'time': 0, 'V': 1}", "units": "{'time': 's'}"}
_BRACKETED: Final = re.compile(r"^(?P<name>.*\S)\s*[\[(](?P<unit>[^\[\]()]*)[\])]$")
_SUFFIXED: Final = re.compile(r"^(?P<name>.+?)\s*(?:_|/|\s)\s*(?P<unit>\S+)$")


@dataclass(frozen=True)
class Column:
    """One column to be read: where it stands, what messages call it, its unit as far as it is given, and that
    which the file itself gives."""

    index: int
    label: str | int
    unit: str | None
    own_unit: str | None = None


def check_given(columns: Any, units: Any) -> None:
    """RecordingError unless both are mappings of quantities that a recording may hold."""
    for option, given in (("columns", columns), ("units", units)):
        if not isinstance(given, Mapping):
            raise RecordingError(
                f"{option} must be values by quantity, such as {option}={_EXAMPLES[option]}; found {given!r}"
            )
    for quantity in columns:
        check_quantity(quantity, "columns")
    for quantity in units:
        check_quantity(quantity, "units")


def choose_columns(
    table: Table,
    columns: Mapping[str, int | str],
    units: Mapping[str, str],
    capacitance: float | None = None,
    step: float | None = None,
) -> tuple[dict[str, Column], list[str]]:
    """Column of every quantity found, and notes about what was assumed.

    What `columns` names is taken; the other quantities are recognised by their titles, time and V else by
    their units, where one column alone has such a unit. Without a header, two columns are time and V. Where
    the `step` between samples is known no column of times is needed, or read. A current of the whole cell
    (pA) needs its `capacitance`.
    """
    where = {quantity: index_of(table, quantity, wanted) for quantity, wanted in columns.items()}
    if len(set(where.values())) < len(where):
        raise RecordingError(
            f"columns gives one column two meanings: {', '.join(f'{q}={w}' for q, w in columns.items())}",
            file=table.file,
        )
    notes: list[str] = []
    if table.width == 1 and step is not None:
        where.setdefault("V", 0)
    elif table.header is not None:
        _recognise(table, where, notes, step)
    elif not where and table.width == 2:
        where = {"time": 0, "V": 1}
        notes.append("no header: column 0 taken as time, column 1 as V")
    if step is not None:
        where.pop("time", None)
    for quantity in ("time", "V"):
        if quantity not in where and not (quantity == "time" and step is not None):
            raise _missing(table, quantity)
    chosen: dict[str, Column] = {}
    for quantity, index in where.items():
        try:
            unit = _unit_of(table, quantity, index, units)
        except RecordingError as error:
            if quantity != "Ca_i" or quantity in columns or quantity in units:
                raise
            notes.append(f"column {table.label(index)!r} left out: {error}")  # V is good without
            continue
        if quantity == "I_inj" and (unit is None or (unit in PER_CELL and capacitance is None)):
            lacking = _lacking(unit)
            if quantity in columns or quantity in units:
                raise RecordingError(
                    lacking, file=table.file, line=table.header_line, column=table.label(index)
                )
            notes.append(f"column {table.label(index)!r} left out: {lacking}")
            continue
        own = written(table, index)[1]
        chosen[quantity] = Column(index, table.label(index), unit, canonical_unit(quantity, own or "") or own)
    for quantity in units:
        if quantity not in chosen:
            raise RecordingError(f"units names {quantity}, of which the file has no column", file=table.file)
    return chosen, notes


def _lacking(unit: str | None) -> str:
    """What is needed to make A/F of an injected current."""
    if unit is None:
        return f"needs a unit ({', '.join(known_units('I_inj'))}): give units={{'I_inj': 'A/F'}}"
    return f"{unit} is a current of the whole cell; give its capacitance= in pF (--capacitance)"


def split_title(title: str) -> tuple[str, str | None]:
    """Name and unit (or None) of a title: ``Voltage (V)``, ``V [mV]``, ``time_ms``, ``Time / s``."""
    bracketed = _BRACKETED.match(title)
    if bracketed:
        return bracketed["name"], bracketed["unit"].strip()
    suffixed = _SUFFIXED.match(title)
    if suffixed:
        quantity = quantity_of(suffixed["name"])
        if quantity and canonical_unit(quantity, suffixed["unit"]) and not quantity_of(title):
            return suffixed["name"], suffixed["unit"]
    return title, None


def quantity_of(name: str) -> str | None:
    """The quantity that a title without its unit names, or None."""
    # A model's logs have the component before a dot: membrane.V.
    for part in (name, name.rpartition(".")[2]):
        plain = re.sub(r"[^a-z0-9]", "", part.lower())
        found = next((quantity for quantity, titles in _TITLES.items() if plain in titles), None)
        if found:
            return found
    return None


def _recognise(table: Table, where: dict[str, int], notes: list[str], step: float | None) -> None:
    """Add to `where` the quantities not named by the caller that the titles tell."""
    assert table.header is not None
    found: dict[str, list[int]] = {}
    for index, title in enumerate(table.header):
        quantity = quantity_of(split_title(title)[0])
        if quantity and index not in where.values() and quantity not in where:
            found.setdefault(quantity, []).append(index)
    for quantity, indices in found.items():
        labels = ", ".join(repr(table.label(index)) for index in indices)
        if len(indices) == 1:
            where[quantity] = indices[0]
        elif quantity == "I_inj":
            notes.append(f"columns {labels} left out: either could be the current")
        else:
            raise RecordingError(
                f"{labels} could each be {quantity}; choose with columns={{'{quantity}': {indices[0]}}} "
                f"(--columns {quantity}={indices[0]})",
                file=table.file,
                line=table.header_line,
                column=quantity,
            )
    for quantity in ("time", "V"):
        if quantity not in where and not (quantity == "time" and step is not None):
            _by_unit(table, quantity, where, notes)


def _by_unit(table: Table, quantity: str, where: dict[str, int], notes: list[str]) -> None:
    """Take the one column, if it is one alone, that has a unit of `quantity` and is nothing else."""
    own: dict[str, list[int]] = {}
    for index in range(table.width):
        title, unit = written(table, index)
        known = canonical_unit(quantity, unit) if unit else None
        if index in where.values() or (quantity == "V" and _DRIVEN.search(title)):
            continue
        if quantity == "V" and (known == ARBITRARY or _DYE.search(title)):
            return  # which of them is V only the caller knows
        if known is not None:
            own.setdefault(known, []).append(index)
    for unit in BY_UNIT[quantity]:  # mV before V: triggers are in volts, too
        if len(own.get(unit, ())) == 1:
            where[quantity] = own[unit][0]
            notes.append(f"column {table.label(own[unit][0])!r} taken as {quantity} by its unit, {unit}")
            return


def written(table: Table, index: int) -> tuple[str, str | None]:
    """Title and unit of a column as the file has them."""
    title = table.header[index] if table.header is not None else ""
    title, unit = split_title(title)
    return title, unit or table.unit(index)


def index_of(table: Table, quantity: str, wanted: int | str) -> int:
    """The column that `wanted` says, by number or title; RecordingError if there is none."""
    if isinstance(wanted, int | np.integer) and not isinstance(wanted, bool):
        if 0 <= wanted < table.width:
            return int(wanted)
    elif isinstance(wanted, str) and table.header is not None:
        for key in (str, str.strip, str.casefold, lambda title: split_title(title)[0].casefold()):
            matching = [i for i, title in enumerate(table.header) if key(title) == key(wanted)]
            if matching:
                return matching[0]
    raise RecordingError(
        f"no column {wanted!r} for {quantity}; there are: {_listing(table)}",
        file=table.file,
        line=table.header_line,
    )


def _missing(table: Table, quantity: str) -> RecordingError:
    examples: list[int] = []
    if quantity == "V":
        titles = [written(table, index) for index in range(table.width)]
        volts = [index for index, (_, unit) in enumerate(titles) if unit in BY_UNIT["V"]]
        examples = [index for index in volts if not _DRIVEN.search(titles[index][0])]
        if volts and not examples:
            return RecordingError(
                f"no recorded voltage, a command alone: a voltage clamp, which is not read; there are: "
                f"{_listing(table)}; if one of them is V all the same: columns={{'V': 1}} (--columns V=1)",
                file=table.file, line=table.header_line, column=quantity,
            )  # fmt: skip
    example = examples[0] if examples else 0 if quantity == "time" else min(1, table.width - 1)
    known = "; without one, its samples' interval: sampling_ms=0.1 (--sampling 0.1)" * (quantity == "time")
    return RecordingError(
        f"no column for {quantity}; there are: {_listing(table)}; "
        f"say which with columns={{'{quantity}': {example}}} (--columns {quantity}={example}){known}",
        file=table.file,
        line=table.header_line,
        column=quantity,
    )


def _listing(table: Table) -> str:
    if table.header is None:
        return (
            f"{table.width} without titles, 0 to {table.width - 1}"
            if table.width > 1
            else "only column 0, untitled"
        )
    units = (table.unit(index) for index in range(table.width))
    return ", ".join(
        f"{table.label(index)!r}{f' ({unit})' if unit else ''}" for index, unit in enumerate(units)
    )


def _unit_of(table: Table, quantity: str, index: int, units: Mapping[str, str]) -> str | None:
    if quantity == "sweep":
        return None
    try:
        if quantity in units:
            return require_unit(quantity, units[quantity])
        unit = written(table, index)[1]
        if not unit:
            return None
        return canonical_unit(quantity, unit) if quantity == "I_inj" else require_unit(quantity, unit)
    except RecordingError as error:
        raise RecordingError(
            str(error), file=table.file, line=table.header_line, column=table.label(index)
        ) from None
