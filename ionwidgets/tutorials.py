"""The tutorials: notebooks that come with the package, and copies of them to work in."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ionwidgets.errors import IonWidgetsError, unknown_name

PACKAGED = Path(__file__).with_name("notebooks")
CHECKOUT = Path(__file__).parents[1] / "notebooks"  # where the wheel has them from


@dataclass(frozen=True)
class Tutorial:
    """A notebook: `name` is its file's without the suffix, `minutes` what it takes to work through."""

    name: str
    title: str
    goal: str
    minutes: int
    path: Path

    @property
    def number(self) -> str:
        """What its name begins with."""
        return self.name.partition("-")[0]


def tutorials() -> list[Tutorial]:
    """Every tutorial, in reading order.

    >>> from ionwidgets.tutorials import tutorials
    >>> [tutorial.name for tutorial in tutorials()][:2]
    ['1-channels', '2-stage-one']
    """
    folder = PACKAGED if PACKAGED.is_dir() else CHECKOUT
    return [_read(path) for path in sorted(folder.glob("*.ipynb"))]


def copy(names: Sequence[str], into: str | Path) -> list[Path]:
    """Copy tutorials, by name or number, into a folder; all of them where `names` is empty.

    Returns
    -------
    The copies, in the order of `names`.

    Raises
    ------
    IonWidgetsError : there is no such tutorial or no such folder; a file of that name is there already
        (nothing is copied then, nor is anything replaced); or it cannot be written.
    """
    folder, known = Path(into), tutorials()
    found = list(dict.fromkeys(_named(name, known) for name in names)) or known
    if not folder.is_dir():
        raise IonWidgetsError(f"{folder}: no such folder to copy the tutorials into; make it first")
    there = [tutorial.path.name for tutorial in found if (folder / tutorial.path.name).exists()]
    if there:
        raise IonWidgetsError(
            f"{', '.join(there)}: already in {folder.resolve()}, and your work may be in it; "
            "nothing was copied: move or rename it first, or go to another folder"
        )
    made = []
    for tutorial in found:
        path = folder / tutorial.path.name
        try:
            with path.open("xb") as file:
                file.write(tutorial.path.read_bytes())
        except OSError as error:
            raise IonWidgetsError(f"{path}: cannot be written ({error.strerror})") from None
        made.append(path)
    return made


def _named(name: str, known: Sequence[Tutorial]) -> Tutorial:
    wanted = name.removesuffix(".ipynb")
    for tutorial in known:
        if wanted in (tutorial.name, tutorial.number):
            return tutorial
    raise IonWidgetsError(unknown_name("tutorial", name, [tutorial.name for tutorial in known]))


def _read(path: Path) -> Tutorial:
    about = json.loads(path.read_text(encoding="utf-8"))["metadata"]["ionwidgets"]
    return Tutorial(path.stem, about["title"], about["goal"], about["minutes"], path)
