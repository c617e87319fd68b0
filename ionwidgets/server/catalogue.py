"""Which dashboards there are."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from ionwidgets.errors import IonWidgetsError, unknown_name

_FOLDER = Path(__file__).parent / "dashboards"

DASHBOARDS: Final = {path.stem: path for path in sorted(_FOLDER.glob("*.ipynb"))}


def dashboard_path(name: str) -> Path:
    """The notebook of a dashboard; IonWidgetsError with the near names if there is none."""
    try:
        return DASHBOARDS[name]
    except KeyError:
        raise IonWidgetsError(unknown_name("dashboard", name, list(DASHBOARDS))) from None
