"""Figures as files that need nothing from outside: plotly.js lies beside them, once.

FOLDER/figures/NAME.json, FOLDER/figures/NAME.html, FOLDER/figures/plotly.min.js
"""

from __future__ import annotations

import re
from pathlib import Path

import plotly.graph_objects as go
from plotly.offline import get_plotlyjs

from ionwidgets.discovery.document import document, plot_element
from ionwidgets.figures.paper import DECODERS


def write_figure(folder: Path, name: str, figure: go.Figure) -> None:
    """Write figures/NAME.json (Plotly's JSON) and figures/NAME.html; plotly.js once, beside them.

    Raises
    ------
    ValueError : `name` has anything but letters, digits, `-` and `_`.
    """
    if not re.fullmatch(r"[A-Za-z0-9_-]+", name):
        raise ValueError(f"a figure's name has letters, digits, - and _ alone, not {name!r}")
    figures = folder / "figures"
    figures.mkdir(parents=True, exist_ok=True)
    write_plotly(figures)
    drawn = figure.to_json()
    (figures / f"{name}.json").write_text(drawn, encoding="utf-8")
    (figures / f"{name}.html").write_text(
        document(title_of(name), named_plot(name, drawn), head=linked("plotly.min.js"), mode_bar=True),
        encoding="utf-8",
    )


def numbered(name: str) -> tuple[str, str]:
    """`figure_5_emulator` as ("5", "emulator"); a name without a number as ("", name)."""
    found = re.fullmatch(r"figure_(\d+)(?:_(\w+))?", name)
    return (found[1], found[2] or "") if found else ("", name)


def title_of(name: str) -> str:
    """What a figure of this name is called."""
    number, rest = numbered(name)
    return ", ".join(
        filter(None, [f"Figure {number}" if number else "", DECODERS.get(rest, rest).replace("_", " ")])
    )


def named_plot(name: str, drawn: str) -> str:
    """A figure in a page, called as its name says."""
    return plot_element(name, drawn, title_of(name), "Needs JavaScript and the file figures/plotly.min.js.")


def linked(plotly: str) -> str:
    """What loads plotly.js from the file of this name."""
    return f'<script src="{plotly}" defer></script>'


def write_plotly(figures: Path) -> None:
    """plotly.js of the installed version; left alone where it is there already."""
    path, script = figures / "plotly.min.js", get_plotlyjs().encode()
    if not path.exists() or path.stat().st_size != len(script):
        path.write_bytes(script)
