"""Restitution: APD90 against cycle length."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import plotly.graph_objects as go
from numpy.typing import NDArray

from ionwidgets.figures.theme import LINES, style


class Restitution(NamedTuple):
    """APD90 [ms] at cycle lengths [ms] of one source; `role` is one of the theme's."""

    name: str
    cycle_length: NDArray
    APD90: NDArray
    role: str


def restitution(curves: Sequence[Restitution], *, mode: str = "page") -> go.Figure:
    """A line each; what was recorded, at its own cycle lengths, as points."""
    figure = go.Figure()
    for curve in curves:
        measured = curve.role == "recording"
        figure.add_scatter(
            x=curve.cycle_length,
            y=curve.APD90,
            name=curve.name,
            mode="markers" if measured else "lines",
            line=LINES[curve.role],
            marker={"size": 10, "color": LINES[curve.role]["color"]},
            hovertemplate="%{y:.1f} ms",
        )
    style(figure, mode=mode, height=320)
    figure.update_xaxes(title_text="Cycle length (ms)")
    figure.update_yaxes(title_text="APD<sub>90</sub> (ms)")
    figure.update_xaxes(unifiedhovertitle_text="%{x:.0f} ms")
    figure.update_layout(hovermode="x unified")
    return figure
