"""`Results`: what was found in several cells, a list in, a table out."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, overload

import pandas as pd

from ionwidgets.discovery.change import Change
from ionwidgets.discovery.listed import RATIOS, Listed, listed
from ionwidgets.discovery.over_cells import middle
from ionwidgets.discovery.result import Result
from ionwidgets.errors import IonWidgetsError
from ionwidgets.models import IonicModel

SCHEMA = "ionwidgets/findings/1"
COLUMNS = ("kind", "current", "parameter", "unit", "median", "ci_low", "ci_high", "interval", "found",
           "cells", "confounded")  # fmt: skip


@dataclass(frozen=True)
class Cell:
    """One of the cells: its recording's file (None if it has none), what was found in it, or why nothing."""

    file: str | None
    result: Result | None
    reason: str = ""

    @property
    def found(self) -> list[Listed]:
        """Its changes, the one that explains most first."""
        if self.result is None:
            return []
        return listed(self.result.model, self.result.changes, self.result.finding)


@dataclass(frozen=True)
class Results(Sequence[Result]):
    """What was found in several cells: a sequence of the `Result` of every cell that came out.

    every: all cells in the order given, those that failed among them.
    """

    model: IonicModel
    every: tuple[Cell, ...]

    @overload
    def __getitem__(self, index: int) -> Result: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Result]: ...
    def __getitem__(self, index: int | slice) -> Result | Sequence[Result]:
        return self._came_out[index]

    def __len__(self) -> int:
        return len(self._came_out)

    @property
    def _came_out(self) -> list[Result]:
        return [cell.result for cell in self.every if cell.result is not None]

    @property
    def cells(self) -> pd.DataFrame:
        """A row a cell: cell (from 1), file, verdict ("failed" where it did not come out), changes in words,
        v_rmse_mV, reason (why it failed, else "")."""
        rows = [
            {
                "cell": place,
                "file": cell.file,
                "verdict": "failed" if cell.result is None else cell.result.verdict,
                "changes": "; ".join(one.words for one in cell.found),
                "v_rmse_mV": None if cell.result is None else cell.result.finding["fit"]["v_rmse_mV"],
                "reason": cell.reason,
            }
            for place, cell in enumerate(self.every, start=1)
        ]
        return pd.DataFrame(rows).astype({"v_rmse_mV": float})

    @property
    def table(self) -> pd.DataFrame:
        """A row a change that was found in any cell, the one found in most cells first.

        Columns: kind ("scale", "v_half", "slope", "tau"), current, parameter (the conductance or the gate),
        unit ("1" of ratios, "mV" of a shift), median, ci_low, ci_high (95 %), interval (how it came about),
        found (cells in which it was found), cells (all that the model explains), confounded (what a recording
        could not tell it from). Median and interval are over the cells in which it was found, each with the
        same weight: the interval by order statistics from six cells on, by Student's t of the mean of ln (of
        mV for shifts) with two to five, none with one; `ionwidgets.discovery.over_cells` has the formulae and
        their sources.
        """
        rows = []
        for row in self.rows():
            low, high = row["ci95"] or (None, None)
            rows.append(row | {"ci_low": low, "ci_high": high, "confounded": ", ".join(row["confounded"])})
        return pd.DataFrame(rows, columns=COLUMNS).astype(
            dict.fromkeys(("median", "ci_low", "ci_high"), float)
        )

    def rows(self) -> list[dict[str, Any]]:
        """The table as the JSON document has it; unknown is None."""
        found: dict[Change, list[Listed]] = {}
        for cell in self.every:
            for one in cell.found:
                found.setdefault(one.change, []).append(one)
        explained = sum(result.verdict != "unexplained" for result in self)
        rows = []
        for change, cells in sorted(found.items(), key=lambda item: -len(item[1])):
            ratio = change.kind in RATIOS
            over = middle([one.value for one in cells], ratio)
            rows.append(
                {
                    "kind": change.kind,
                    "current": cells[0].current,
                    "parameter": cells[0].parameter,
                    "unit": "1" if ratio else "mV",
                    "median": round(over.median, 6),
                    "ci95": [round(limit, 6) for limit in over.interval] if over.interval else None,
                    "interval": over.method or None,
                    "found": len(cells),
                    "cells": explained,
                    "confounded": sorted({rival for one in cells for rival in one.rivals}),
                }
            )
        return rows

    def to_json(self) -> str:
        """All findings and the table as JSON text, schema ``ionwidgets/findings/1``.

        cells: the finding (``ionwidgets/finding/1``) of every cell that came out; failed: number (from 1),
        file and reason of every other; table: as `table`, the interval as ``ci95``. Unknown is null.
        """
        failed = [
            {"cell": place, "file": cell.file, "reason": cell.reason}
            for place, cell in enumerate(self.every, start=1)
            if cell.result is None
        ]
        document: Mapping[str, Any] = {
            "schema": SCHEMA,
            "model": self.model.name,
            "variant": self.model.variant,
            "cells": [result.finding for result in self],
            "failed": failed,
            "table": self.rows(),
        }
        return json.dumps(document, indent=1, allow_nan=False)

    def in_words(self) -> str:
        """What was found, in how many cells, and where cells differ."""
        from ionwidgets.discovery.words import cells_in_words

        return cells_in_words(self)

    def to_csv(self, folder: str | Path, duration: float = 20_000.0) -> Results:
        """Write table.csv and cells.csv into a folder, and a folder a cell as `Result.to_csv` does.

        Returns
        -------
        These results, with the predictions' files named in each finding.

        Raises
        ------
        IonWidgetsError : a file is in a folder's place, or one cannot be written.
        """
        from ionwidgets.discovery.csv_folder import checked_folder, write_table

        folder = checked_folder(folder)
        units = {"v_rmse_mV": "v_rmse [mV]"}
        write_table(self.table, folder / "table.csv")
        write_table(self.cells.rename(columns=units), folder / "cells.csv")
        named = (
            cell if cell.result is None else replace(cell, result=cell.result.to_csv(folder / name, duration))
            for name, cell in zip(self.names(), self.every, strict=True)
        )
        return replace(self, every=tuple(named))

    def write_each(self, folder: str | Path, suffix: str, write: Callable[[Result, Path], None]) -> list[str]:
        """A file a cell in `folder`, by `write`; what there is no file of, and why.

        Raises
        ------
        IonWidgetsError : a file is in the folder's place, or it cannot be made.
        """
        from ionwidgets.discovery.csv_folder import checked_folder

        folder, without = checked_folder(folder), []
        for name, cell in zip(self.names(), self.every, strict=True):
            try:
                if cell.result is not None:
                    write(cell.result, folder / f"{name}{suffix}")
            except IonWidgetsError as error:
                without.append(f"{name}{suffix} was not written: {error}")
        return without

    def names(self) -> list[str]:
        """A name for each of the cells `every`, fit for a file: its number and its recording's stem."""
        stems = [Path(cell.file or "").name.partition(".")[0] for cell in self.every]
        return [f"{place}_{stem}" if stem else f"{place}" for place, stem in enumerate(stems, start=1)]

    def among(self, failed: Mapping[int, Cell]) -> Results:
        """These cells among `failed`, each of which comes at its place (from 0) in the whole."""
        own, every = iter(self.every), []
        for place in range(len(self.every) + len(failed)):
            every.append(failed[place] if place in failed else next(own))
        return replace(self, every=tuple(every))
