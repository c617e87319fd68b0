"""Where a sweep lands: `runs/`, one file a run, and the tables `sweep.csv` and `sweep.json` of them all."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from ionwidgets.discovery.reproduction.folder import write_json
from ionwidgets.errors import IonWidgetsError, TrainingError
from ionwidgets.gnn import Network
from ionwidgets.jobs.whole_file import whole_file

SCHEMA = "ionwidgets/sweep/1"
FIRST = ("model", "experiment", "decoder", "eta", "seed")


class Folder:
    """What of a sweep is done.

    Raises
    ------
    IonWidgetsError : the folder cannot be made.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        try:
            (self.path / "runs").mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise IonWidgetsError(
                f"{self.path}: cannot be used for the sweep ({error}); give a folder"
            ) from None

    def has(self, name: str) -> bool:
        return _run(self._file(name)) is not None

    def keep(self, name: str, file: bytes) -> None:
        with whole_file(self._file(name)) as part:
            part.write_bytes(file)

    def write_tables(self, failed: Iterable[Mapping[str, Any]]) -> pd.DataFrame:
        """Every run that the folder holds, of earlier sweeps too, and then those that failed in this one."""
        files = sorted((self.path / "runs").glob("*.safetensors"))
        runs = [{**run, "state": "done"} for run in map(_run, files) if run is not None]
        runs += [{**run, "state": "failed"} for run in failed]
        runs.sort(key=lambda run: [run[key] for key in (*FIRST, "name")])
        write_json(self.path / "sweep.json", {"schema": SCHEMA, "runs": runs})
        table = pd.DataFrame([_row(run) for run in runs])
        with whole_file(self.path / "sweep.csv") as part:
            table.to_csv(part, index=False)
        return table

    def _file(self, name: str) -> Path:
        return self.path / "runs" / f"{name}.safetensors"


def _run(path: Path) -> dict[str, Any] | None:
    """What the card of a run's file says; None where there is none, or not one of ours."""
    try:
        run: dict[str, Any] = Network.load(path).card.get("run", {})
    except TrainingError:
        return None
    return run if {*FIRST, "name"} <= run.keys() else None


def _row(run: Mapping[str, Any]) -> dict[str, Any]:
    row: dict[str, Any] = {key: run[key] for key in FIRST}
    row |= {"state": run["state"], "reason": run.get("reason", "")}
    row |= {key: run.get(key) for key in ("loss_gates", "loss_observables", "outside")}
    row |= {f"apd90_error_{length}_ms": x for length, x in run.get("apd90_error_ms", {}).items()}
    row |= {f"ratio_{current}": x for current, x in run.get("current_ratios", {}).items()}
    return row | {"elapsed_s": run.get("elapsed_s"), "name": run["name"]}
