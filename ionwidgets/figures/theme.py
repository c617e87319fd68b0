"""The one place that knows colours, fonts and margins of figures.

Lines: after the palette of Okabe and Ito (https://jfly.uni-koeln.de/color/), told apart with any colour
vision, with 3:1 contrast on white and on near-black; roles differ in dash and width too, so colour never
carries meaning alone.
"""

from __future__ import annotations

from typing import Any, Final

import plotly.graph_objects as go

CONTROL: Final = "#868d96"
ALTERED: Final = "#d55e00"
RECORDING: Final = "#0c85c4"
LEARNT: Final = "#0c85c4"
NEURAL: Final = "#009270"

COLOURS: Final = {
    "control": CONTROL,
    "altered": ALTERED,
    "recording": RECORDING,
    "learnt": LEARNT,
    "neural": NEURAL,
}
LINES: Final[dict[str, dict[str, Any]]] = {
    "control": {"color": CONTROL, "width": 2},
    "altered": {"color": ALTERED, "width": 2},
    "recording": {"color": RECORDING, "width": 3.5},
    "preview": {"color": RECORDING, "width": 1.5},
    "learnt": {"color": LEARNT, "width": 2, "dash": "dash"},
    "neural": {"color": NEURAL, "width": 1.75, "dash": "dot"},
    "model": {"color": ALTERED, "width": 1.75, "dash": "dash"},
}

# "page": for figures inside a page whose style sheet colours text and grid (widgets/static/workbench.css);
# its own values are readable on white and on black, for front ends that load no such style sheet.
MODES: Final[dict[str, dict[str, str]]] = {
    "page": {"ink": "#767d87", "grid": "rgba(128,136,146,0.22)", "axis": "rgba(128,136,146,0.7)"},
    "light": {"ink": "#2b3038", "grid": "#e4e7eb", "axis": "#98a0aa"},
    "dark": {"ink": "#dfe3e8", "grid": "#343a42", "axis": "#7d8590"},
}
FONT: Final = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Noto Sans', 'DejaVu Sans', sans-serif"


def mode_colours(mode: str) -> dict[str, str]:
    """Colours of `mode`: "page" (follows the page's style sheet), "light" or "dark"."""
    try:
        return MODES[mode]
    except KeyError:
        raise ValueError(f"unknown mode {mode!r}; there are: {', '.join(MODES)}") from None


def in_mode(figure: Any, mode: str, drawn_in: str = "light") -> Any:
    """The plain data of a figure that was drawn in one mode, in the colours of another."""
    others = dict(zip(mode_colours(drawn_in).values(), mode_colours(mode).values(), strict=True))
    if isinstance(figure, dict):
        return {name: in_mode(part, mode, drawn_in) for name, part in figure.items()}
    if isinstance(figure, list):
        return [in_mode(part, mode, drawn_in) for part in figure]
    return others.get(figure, figure) if isinstance(figure, str) else figure


def style(figure: go.Figure, *, mode: str = "page", height: int = 300, legend: bool = True) -> go.Figure:
    """Give `figure` the house's look in place, and return it. `height` in px; the width is the page's."""
    colours = mode_colours(mode)
    figure.update_layout(
        template="none",
        height=height,
        autosize=True,
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        font={"family": FONT, "size": 13, "color": colours["ink"]},
        margin={"l": 60, "r": 22, "t": 36 if legend else 14, "b": 46},
        showlegend=legend,
        legend={
            "orientation": "h",
            "x": 0,
            "xanchor": "left",
            "y": 1,
            "yref": "container",
            "yanchor": "top",
            "bgcolor": "rgba(0,0,0,0)",
        },
        hovermode="x unified" if legend else "closest",
        hoverlabel={"font": {"family": FONT, "size": 12}},
        dragmode=False,
    )
    axis = {
        "gridcolor": colours["grid"],
        "linecolor": colours["axis"],
        "tickcolor": colours["axis"],
        "ticks": "outside",
        "ticklen": 4,
        "showline": True,
        "zeroline": False,
        "title": {"standoff": 8, "font": {"size": 13}},
        "automargin": True,
    }
    figure.update_xaxes(axis, showgrid=False)
    figure.update_yaxes(axis, showgrid=True, nticks=5)
    figure.update_annotations(font={"size": 13, "color": colours["ink"], "family": FONT})
    return figure
