"""Any quantity against another, a line each: for notebooks."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import cycle

import plotly.graph_objects as go
from numpy.typing import ArrayLike

from ionwidgets.figures.theme import LINES, style

HEIGHT = 320
ROLES = ("altered", "learnt", "neural", "control")  # colour and dash, in this order


def curves(
    x: ArrayLike, lines: Mapping[str, ArrayLike], x_title: str, y_title: str, *, mode: str = "page"
) -> go.Figure:
    """A line with points each, by its name; titles with their units.

    >>> import ionwidgets as iw
    >>> figure = iw.figures.curves([-40, 0, 40], {"peak": [-1.0, -3.0, 0.5]}, "V (mV)", "I (A/F)")
    >>> iw.widgets.FigureView(figure, "peak current against potential")
    """
    figure = go.Figure()
    for (name, y), role in zip(lines.items(), cycle(ROLES), strict=False):
        figure.add_scatter(x=x, y=y, name=name, mode="lines+markers", line=LINES[role], marker={"size": 6})
    figure.update_xaxes(title_text=x_title)
    figure.update_yaxes(title_text=y_title)
    return style(figure, mode=mode, height=HEIGHT)
