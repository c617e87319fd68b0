"""The folder of a reproduction: one file a run, so that what is done is never done again."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ionwidgets.errors import IonWidgetsError
from ionwidgets.gnn import Network
from ionwidgets.jobs.whole_file import whole_file


@dataclass(frozen=True)
class TrainedRun:
    """A network after stage 2 on `dataset` ("control" or an experiment), and the scales beside its gates.

    losses: loss_gates, loss_observables and outside, as the results have them.
    """

    decoder: str
    dataset: str
    eta: float
    network: Network
    scales: dict[str, float]
    losses: Mapping[str, float | None]


class Folder:
    """Where a reproduction lands: `settings.json`, `stage1.safetensors`, `runs/`, `results.json`, figures.

    Raises
    ------
    IonWidgetsError : the folder cannot be made, or holds a reproduction with other settings.
    """

    def __init__(self, path: str | Path, settings: Mapping[str, Any]) -> None:
        self.path = Path(path)
        wanted = json.loads(json.dumps(settings))
        file = self.path / "settings.json"
        try:
            (self.path / "runs").mkdir(parents=True, exist_ok=True)
            found = json.loads(file.read_text(encoding="utf-8")) if file.exists() else None
            if found is None:
                write_json(file, wanted)
        except (OSError, ValueError) as error:
            raise IonWidgetsError(
                f"{self.path}: cannot be used for the reproduction ({error}); give a new folder"
            ) from None
        if found is not None and found != wanted:
            different = sorted(key for key in {*found, *wanted} if found.get(key) != wanted.get(key))
            raise IonWidgetsError(
                f"{self.path}: holds a reproduction with other settings ({', '.join(different)}); "
                "give a new folder"
            )

    def stage1(self, name: str) -> Network | None:
        path = self._stage1(name)
        return Network.load(path) if path.exists() else None

    def keep_stage1(self, name: str, network: Network) -> None:
        network.save(self._stage1(name))

    def _stage1(self, name: str) -> Path:
        return self.path / f"stage1-{name}.safetensors"

    def run(self, decoder: str, dataset: str, eta: float) -> TrainedRun | None:
        path = self._run(decoder, dataset, eta)
        if not path.exists():
            return None
        network = Network.load(path)
        about = network.card["run"]
        return TrainedRun(decoder, dataset, eta, network, about["scales"], about["losses"])

    def keep(self, run: TrainedRun) -> None:
        """Write one run: without its emulator, which is that of stage 1."""
        about = {"decoder": run.decoder, "dataset": run.dataset, "eta": run.eta, "scales": run.scales}
        card = {**run.network.card, "run": {**about, "losses": run.losses}}
        replace(run.network, card=card, emulator=None).save(self._run(run.decoder, run.dataset, run.eta))

    def _run(self, decoder: str, dataset: str, eta: float) -> Path:
        return self.path / "runs" / f"{decoder}-{dataset}-eta{eta:g}.safetensors"


def write_json(path: Path, document: Mapping[str, Any]) -> None:
    """Write JSON whole or not at all; unknown is null, never NaN."""
    with whole_file(path) as part:
        part.write_text(json.dumps(document, indent=1, allow_nan=False) + "\n", encoding="utf-8")
