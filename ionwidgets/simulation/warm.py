"""Compile kernels ahead of their first use: ``python -m ionwidgets.simulation.warm [MODEL ...]``.

A kernel is compiled once for a model and machine and then kept in the user's cache. The first takes seconds,
for what all share, which nobody should wait for in the middle of something.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

from ionwidgets.errors import IonWidgetsError
from ionwidgets.models import list_models, load_model
from ionwidgets.simulation.simulate import simulate


def warm(keys: Sequence[str] = ()) -> None:
    """Compile the kernels of the models named, or of the whole library in every variant."""
    keys = keys or _library()
    for key in keys:
        load_model(key)  # a wrong name is told before anything starts
    with ProcessPoolExecutor(min(os.cpu_count() or 1, len(keys)), get_context("spawn")) as pool:
        pool.submit(_compile, keys[0]).result()  # with what all share, which the others then find
        list(pool.map(_compile, keys[1:]))


def _library() -> list[str]:
    """Every variant, the default ones first: most of the others have the same kernel."""
    cards = list_models()
    return [card.keys[0] for card in cards] + [key for card in cards for key in card.keys[1:]]


def _compile(key: str) -> None:
    simulate(load_model(key), 1000.0, 10.0, variables=())


if __name__ == "__main__":
    try:
        warm(sys.argv[1:])
    except IonWidgetsError as error:
        sys.exit(f"ionwidgets: {error}")
