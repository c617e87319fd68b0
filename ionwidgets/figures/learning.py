"""The loss of a training run."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go
from numpy.typing import ArrayLike

from ionwidgets.figures.theme import LINES, style


def loss_curve(steps: ArrayLike = (), loss: ArrayLike = (), *, mode: str = "page") -> go.Figure:
    """Loss (no unit, logarithmic) against update number."""
    figure = go.Figure()
    figure.add_scatter(
        x=np.asarray(steps, np.float32),
        y=np.asarray(loss, np.float32),
        mode="lines",
        name="loss",
        line=LINES["recording"] | {"width": 2},
        hovertemplate="update %{x}: %{y:.3g}<extra></extra>",
    )
    style(figure, mode=mode, height=260, legend=False)
    figure.update_xaxes(title_text="Update (count)", rangemode="tozero")
    figure.update_yaxes(title_text="Loss (unitless)", type="log", exponentformat="power", nticks=4)
    return figure


def update_loss_curve(figure: go.Figure, steps: ArrayLike, loss: ArrayLike) -> None:
    """Put a longer history into a figure that `loss_curve` made, in one batch."""
    with figure.batch_update():
        figure.data[0].x = np.asarray(steps, np.float32)
        figure.data[0].y = np.asarray(loss, np.float32)
