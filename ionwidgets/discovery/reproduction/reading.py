"""A reproduction that was made before: its results and figures, from its folder or as shipped."""

from __future__ import annotations

import gzip
import json
import re
from base64 import b64decode
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import plotly.graph_objects as go

from ionwidgets.discovery.reproduction.figure_files import title_of
from ionwidgets.discovery.reproduction.verdicts import Json
from ionwidgets.errors import IonWidgetsError
from ionwidgets.figures.theme import in_mode

SCHEMA: Final = "ionwidgets/paper/1"
SHIPPED: Final = Path(__file__).parents[1] / "examples" / "paper"
PACKED: Final = ".json.gz"


@dataclass(frozen=True)
class Reproduced:
    """`results` (``ionwidgets/paper/1``), and the figures that lie beside it.

    `figures`: name -> title, figures 2 to 7 first.
    """

    folder: Path
    results: Json
    figures: dict[str, str]

    def figure(self, name: str, mode: str = "page") -> go.Figure:
        """One of `figures`, in the colours of `mode`.

        Raises
        ------
        IonWidgetsError : there is none of this name, or its file is damaged.
        """
        if name not in self.figures:
            raise IonWidgetsError(f"no figure {name!r:.60}; there are: {', '.join(self.figures)}")
        try:
            return go.Figure(_with_arrays(in_mode(_figure_at(self.folder, name), mode)))
        except (OSError, EOFError, ValueError) as error:
            raise IonWidgetsError(
                f"{self.folder}: figure {name} cannot be read ({error!s:.80}); make it again"
            ) from None


def read_reproduction(folder: str | Path) -> Reproduced:
    """What `reproduce` has written into `folder`.

    Raises
    ------
    IonWidgetsError : there is no complete reproduction, or it is damaged.
    """
    path = Path(folder)
    try:
        results = json.loads((path / "results.json").read_text(encoding="utf-8"))
        if not isinstance(results, dict) or results.get("schema") != SCHEMA:
            raise ValueError(f"its schema is not {SCHEMA}")
    except FileNotFoundError:
        raise IonWidgetsError(
            f"{path}: no complete reproduction; reproduce(...) makes one, and goes on with what is there"
        ) from None
    except (OSError, ValueError) as error:
        raise IonWidgetsError(f"{path}: the results cannot be read ({error})") from None
    names = {
        file.name.removesuffix(".gz").removesuffix(".json") for file in (path / "figures").glob("*.json*")
    }
    ordered = sorted(names, key=lambda name: (not name.startswith("figure_"), name))
    return Reproduced(path, results, {name: title_of(name) for name in ordered})


def shipped_reproduction() -> Reproduced:
    """What comes with the package: ``ionwidgets reproduce --out paper/``, seed 0, packed by `pack`."""
    return read_reproduction(SHIPPED)


def pack(folder: str | Path, into: Path = SHIPPED) -> None:
    """Put the results and the figures of a reproduction where `shipped_reproduction` finds them."""
    made = read_reproduction(folder)
    (into / "figures").mkdir(parents=True, exist_ok=True)
    (into / "results.json").write_text(
        json.dumps(made.results, allow_nan=False, separators=(",", ":")) + "\n", encoding="utf-8"
    )
    for name in made.figures:
        drawn = json.dumps(_figure_at(made.folder, name), separators=(",", ":")).encode()
        (into / "figures" / f"{name}{PACKED}").write_bytes(gzip.compress(drawn, 9, mtime=0))


def _with_arrays(part: Any) -> Any:
    """plotly's JSON has arrays packed ({"dtype", "bdata"}), and its figures leave them so."""
    if isinstance(part, list):
        return [_with_arrays(one) for one in part]
    if not isinstance(part, dict):
        return part
    if part.keys() >= {"dtype", "bdata"}:
        if not re.fullmatch("[fiu][1248]", part["dtype"]):
            raise ValueError(f"numbers of the type {part['dtype']!r:.20}")
        return np.frombuffer(b64decode(part["bdata"], validate=True), f"<{part['dtype']}")
    return {name: _with_arrays(one) for name, one in part.items()}


def _figure_at(folder: Path, name: str) -> dict[str, Any]:
    plain = folder / "figures" / f"{name}.json"
    if plain.exists():
        return dict(json.loads(plain.read_text(encoding="utf-8")))
    return dict(json.loads(gzip.decompress(plain.with_name(f"{name}{PACKED}").read_bytes())))
