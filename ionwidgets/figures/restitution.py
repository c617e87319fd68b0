"""APD90 against cycle length."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import plotly.graph_objects as go
from numpy.typing import ArrayLike

from ionwidgets.figures.theme import LINES, style


def restitution(
    curves: Mapping[str, tuple[ArrayLike, ArrayLike, str]], *, mode: str = "page", height: int = 280
) -> go.Figure:
    """`curves`: legend text -> (cycle lengths (N,) ms, APD90 (N,) ms, role)."""
    figure = go.Figure()
    for name, (cycle_lengths, apd90, role) in curves.items():
        figure.add_scatter(
            x=np.asarray(cycle_lengths, np.float32),
            y=np.asarray(apd90, np.float32),
            name=name,
            mode="lines+markers",
            line=LINES[role],
            marker={"size": 8, "color": LINES[role]["color"]},
            hovertemplate="%{y:.1f} ms",
        )
    style(figure, mode=mode, height=height)
    figure.update_xaxes(title_text="Cycle length (ms)")
    figure.update_yaxes(title_text="APD90 (ms)")
    return figure
