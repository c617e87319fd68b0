"""Which pages there are: the dashboards, each a notebook whose metadata say what it is for."""

from __future__ import annotations

import json
from functools import lru_cache
from pathlib import Path
from typing import Final, NamedTuple

from ionwidgets.errors import IonWidgetsError, unknown_name

ROOM: Final = Path(__file__).parent
_ORDER: Final = ("workbench", "channels", "story", "paper")

DASHBOARDS: Final = {name: ROOM / "dashboards" / f"{name}.ipynb" for name in _ORDER}


class Page(NamedTuple):
    """A dashboard, and what it is for in one sentence."""

    name: str
    title: str
    goal: str
    path: Path


@lru_cache(maxsize=1)
def pages() -> tuple[Page, ...]:
    """Every dashboard, in the order in which they are listed."""
    found = []
    for name, path in DASHBOARDS.items():
        about = json.loads(path.read_text(encoding="utf-8"))["metadata"]
        found.append(Page(name, about["title"], about["ionwidgets"]["goal"], path))
    return tuple(found)


def dashboard_path(name: str) -> Path:
    """The notebook of a dashboard; IonWidgetsError with the near names if there is none."""
    try:
        return DASHBOARDS[name]
    except KeyError:
        raise IonWidgetsError(unknown_name("dashboard", name, list(DASHBOARDS))) from None
