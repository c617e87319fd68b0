"""The tables of tests/reference in our names and units; tests/reference/names says how each is translated."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).resolve().parent / "reference"
VARIANTS = ("M", "epi", "endo")  # of TNNP 2004, in the order of the library
TABLES = tuple(sorted(path.stem for path in (FOLDER / "names").glob("*.json")))
_VALUES = ("currents", "fluxes", "reversal_potentials", "auxiliary")


@dataclass(frozen=True)
class Table:
    """One table. Everything but `content` is in our names and units (mV, ms, mM, A/F).

    `names`: model (library key), time (ms per unit of the table), rename (source name, or what follows its
    last dot, to ours), factor (ours = the table's value times it), current (the same for every current),
    gates (gate of the table to ours), skip (source name to the reason why there is no such variable of ours),
    crude (gate to the potentials [mV] of the grid where the source has a rounded number for a limit).
    """

    content: dict[str, Any]
    names: dict[str, Any]

    @property
    def model(self) -> str:
        return self.names["model"]

    def our_name(self, source: str) -> str:
        """The public name behind a table's `source_name` or short name."""
        renamed, short = self.names["rename"], source.rpartition(".")[2]
        return renamed.get(source) or renamed.get(short) or (f"I_{short[2:]}" if short[:2] == "i_" else short)

    def ours(self, source: str, value: float) -> tuple[str, float]:
        """Public name and value in our units."""
        name = self.our_name(source)
        return name, value * self.names["factor"].get(name, 1)

    def skipped(self, source: str) -> bool:
        skip = self.names["skip"]
        return source in skip or source.rpartition(".")[2] in skip

    @property
    def states(self) -> dict[str, float]:
        """Initial values."""
        return dict(self.ours(row["name"], row["initial"]) for row in self.content["states"])

    @property
    def constants(self) -> dict[str, float]:
        rows = [*self.content["constants"], *self.content["derived_constants"]]
        named = [(row["source_name"] or row["name"], row["value"]) for row in rows]
        return dict(self.ours(source, value) for source, value in named if not self.skipped(source))

    @property
    def currents(self) -> set[str]:
        """The currents of dV/dt."""
        return {self.our_name(name) for name in self.content["currents_in_dVdt"]}

    @property
    def points(self) -> list[dict[str, Any]]:
        return [self._point(point) for point in self.content["points"]]

    def _point(self, point: dict[str, Any]) -> dict[str, Any]:
        values = {}
        for kind in _VALUES:
            for source, value in point[kind].items():
                if not self.skipped(source):
                    name, value = self.ours(source, value)
                    own = name in self.names["factor"] or kind != "currents"
                    values[name] = value * (1 if own else self.names.get("current", 1))
        return {
            "label": point["label"],
            "state": dict(self.ours(name, value) for name, value in point["state"].items()),
            "derivatives": self.derivatives(point["derivatives"]),
            "gates": {self.gate(gate): curve for gate, curve in point["gates"].items()},
            "values": values,
        }

    def derivatives(self, rows: dict[str, float]) -> dict[str, float]:
        """Our derivatives per ms."""
        return {
            name: value / self.names["time"]
            for name, value in (self.ours(source, value) for source, value in rows.items())
        }

    def gate(self, name: str) -> str:
        return self.names["gates"].get(name, name)

    @property
    def gates(self) -> dict[str, Any]:
        return {self.gate(name): curve for name, curve in self.content["gates"].items()}

    def compared(self, gate: str) -> list[bool]:
        """Which points of the grid hold what is published."""
        return [V not in self.names.get("crude", {}).get(gate, []) for V in self.content["gate_grid_mV"]]

    @property
    def paced(self) -> list[dict[str, Any]]:
        """Biomarker rows of the cycle lengths that the cell follows beat by beat."""
        return [row for row in self.content["biomarkers"] if row.get("capture") == "1:1"]


def table(stem: str) -> Table:
    """The table of a file of tests/reference."""
    names = json.loads((FOLDER / "names" / f"{stem}.json").read_text(encoding="utf-8"))
    return Table(json.loads((FOLDER / f"{stem}.json").read_text(encoding="utf-8")), names)


def tnnp(variant: str) -> Table:
    """The table of a variant of TNNP 2004."""
    return table(f"tnnp2004-{variant}")
