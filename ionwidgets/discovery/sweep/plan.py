"""Which runs a sweep has, checked by name before any work, and what each is called."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import product
from pathlib import Path
from typing import Any

from ionwidgets.discovery.reproduction.experiments import CONTROL, DECODERS
from ionwidgets.discovery.reproduction.settings import Reproduction
from ionwidgets.errors import IonWidgetsError
from ionwidgets.models import IonicModel, load_model

Scale = Mapping[str, float]


@dataclass(frozen=True)
class Source:
    """A model in words that another machine understands: a library key, or a file's name and content."""

    key: str
    file: tuple[str, bytes] | None = None


@dataclass(frozen=True)
class Task:
    """One run: the cell `model` with `scale`, against which stage 2 trains at `eta` from `seed`.

    It holds all that a worker has to know. `name` is that of the run's file: readable, and with a digest of
    everything that the run's numbers depend on, the model's equations included.
    """

    name: str
    source: Source
    scale: tuple[tuple[str, float], ...]
    decoder: str
    eta: float
    seed: int
    settings: Reproduction

    @property
    def about(self) -> dict[str, Any]:
        """What the tables call it."""
        return {
            "name": self.name, "model": self.source.key, "experiment": titled(self.scale),
            "scale": dict(self.scale), "decoder": self.decoder, "eta": self.eta, "seed": self.seed,
        }  # fmt: skip


def tasks(
    models: Sequence[str | Path],
    experiments: Iterable[Scale],
    etas: Sequence[float],
    seeds: Sequence[float],
    decoders: Sequence[str],
    settings: Reproduction,
) -> list[Task]:
    """Every combination, each once; the runs of one cell follow each other.

    Raises
    ------
    IonWidgetsError : a model, parameter, factor, eta, seed or decoder that cannot be, by name.
    """
    scales = [dict(experiment) for experiment in experiments]
    wanted = {
        "model": models, "experiment": scales, "eta": etas, "seed": seeds, "decoder": decoders
    }  # fmt: skip
    for what, values in wanted.items():
        if not values:
            raise IonWidgetsError(f"a sweep needs at least one {what}")
    for decoder in decoders:
        if decoder not in DECODERS:
            raise IonWidgetsError(f"unknown decoder {decoder!r}; there are: {', '.join(DECODERS)}")
    for eta in etas:
        if not 0 < eta < 1:
            raise IonWidgetsError(f"eta must lie between 0 and 1; found {eta:g}")
    for seed in seeds:
        if seed < 0 or seed != int(seed):
            raise IonWidgetsError(f"a seed is a whole number from 0 on; found {seed:g}")
    found: dict[str, Task] = {}
    for place in models:
        model = load_model(place)
        _check(model, scales, decoders)
        source = _source(place, model)
        for scale, decoder, eta, seed in product(scales, decoders, etas, seeds):
            task = _task(source, model.hash, tuple(sorted(scale.items())), decoder, eta, int(seed), settings)
            found.setdefault(task.name, task)
    return list(found.values())


def titled(scale: Iterable[tuple[str, float]]) -> str:
    """An experiment in words: ``g_Kr=0.25,g_to=3``, or ``control``."""
    return ",".join(f"{name}={factor:g}" for name, factor in scale) or CONTROL


def _check(model: IonicModel, scales: Sequence[Scale], decoders: Sequence[str]) -> None:
    model.check_balance()
    for scale in scales:
        for name, factor in scale.items():
            model.scaled_by(name)
            if not 0 <= factor < 1e3:  # as `simulate` has it
                raise IonWidgetsError(f"scale of {name} must be a factor from 0 to 1000; found {factor:g}")
    if "emulator" in decoders and model.calcium is None:
        raise IonWidgetsError(
            f"decoder emulator sees V and Ca_i, and {model.key} has no Ca_i; use decoder ode"
        )


def _source(place: str | Path, model: IonicModel) -> Source:
    if not Path(place).suffix:  # the library's names have none
        return Source(model.key)
    path = Path(place)
    return Source(model.key, (path.name, path.read_bytes()))


def _task(
    source: Source,
    equations: str,
    scale: tuple[tuple[str, float], ...],
    decoder: str,
    eta: float,
    seed: int,
    settings: Reproduction,
) -> Task:
    numbers = asdict(settings)
    counts = {part: numbers[part] for part in ("paper", "stage2", "recorded", "measured", "hidden")}
    counts["paper"].pop("etas")
    counts["stage2"].pop("eta")  # these two are the run's own
    all_of_it = json.dumps([equations, scale, decoder, eta, seed, counts], sort_keys=True)
    digest = hashlib.sha256(all_of_it.encode()).hexdigest()[:10]
    words = f"{source.key}_{titled(scale)}_{decoder}_eta{eta:g}_seed{seed}"
    readable = re.sub(r"[^\w.=+]+", "-", words, flags=re.ASCII)[:120]
    return Task(f"{readable}_{digest}", source, scale, decoder, eta, seed, settings)
