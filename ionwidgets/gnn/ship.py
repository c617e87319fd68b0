"""Train the networks that come with the package: ``make networks``, or with names of models."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

from ionwidgets.errors import IonWidgetsError
from ionwidgets.gnn.learn import SHIPPED, learn, shipped_path
from ionwidgets.gnn.measure import figures_in_words
from ionwidgets.models import list_models, load_model

PROCESSES = 2  # each trains on one thread


def ship(keys: Sequence[str] = ()) -> None:
    """Train the networks of the models named, or of the whole library, into the package's own folder.

    A network of a model that the library no longer has is removed.
    """
    library = [key for card in list_models() for key in card.keys]
    wanted = {shipped_path(load_model(key)) for key in library}
    keys = keys or library
    for key in keys:
        load_model(key)  # a wrong name is told before anything starts
    for path in SHIPPED.glob("*.safetensors"):
        if path not in wanted:
            path.unlink()
    with ProcessPoolExecutor(min(PROCESSES, len(keys)), get_context("spawn")) as pool:
        for path, lines in pool.map(_train, keys):
            print(path.stem, f"{path.stat().st_size / 1000:.0f} kB", *lines, sep="\n  ", flush=True)


def _train(key: str) -> tuple[Path, list[str]]:
    model = load_model(key)
    network, path = learn(model, fresh=True), shipped_path(model)
    network.save(path)
    path.chmod(0o644)
    return path, figures_in_words(network.card["figures"])


if __name__ == "__main__":
    try:
        ship(sys.argv[1:])
    except IonWidgetsError as error:
        sys.exit(f"ionwidgets: {error}")
