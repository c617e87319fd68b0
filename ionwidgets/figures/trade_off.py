"""What eta does: the misfit that is left against how far the gates move."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go
from numpy.typing import ArrayLike

from ionwidgets.figures.theme import ALTERED, LINES, RECORDING, style


def eta_trade_off(
    moved: ArrayLike = (),
    misfit: ArrayLike = (),
    etas: Sequence[float] = (),
    chosen: float | None = None,
    *,
    mode: str = "page",
) -> go.Figure:
    """Misfit (share of dV/dt squared) against mean change of the gates, both logarithmic.

    Parameters
    ----------
    moved, misfit : (K,), a point an eta.
    etas : (K,), said at each point.
    chosen : the eta that is in use, marked where it is one of them.
    """
    figure = go.Figure()
    figure.add_scatter(
        mode="lines+markers+text",
        textposition="top right",
        textfont={"size": 11},
        line=LINES["recording"] | {"width": 2},
        marker={"size": 9, "color": RECORDING},
        name="eta",
        hovertemplate="η %{text}<br>gates move by %{x:.2e}<br>misfit %{y:.2e}<extra></extra>",
        cliponaxis=False,
    )
    figure.add_scatter(
        mode="markers",
        marker={"size": 17, "color": "rgba(0,0,0,0)", "line": {"color": ALTERED, "width": 2.5}},
        name="in use",
        hoverinfo="skip",
        cliponaxis=False,
    )
    style(figure, mode=mode, height=300, legend=False)
    power = {"type": "log", "exponentformat": "power", "nticks": 5}
    figure.update_xaxes(title_text="Mean change of the gates (unitless)", **power)
    figure.update_yaxes(title_text="Misfit (share of dV/dt squared)", **power)
    update_eta_trade_off(figure, moved, misfit, etas, chosen)
    return figure


def update_eta_trade_off(
    figure: go.Figure, moved: ArrayLike, misfit: ArrayLike, etas: Sequence[float], chosen: float | None
) -> None:
    """Put other runs into a figure that `eta_trade_off` made, in one batch."""
    x, y = np.asarray(moved, float), np.asarray(misfit, float)
    here = [chosen is not None and bool(np.isclose(eta, chosen, rtol=1e-6)) for eta in etas]
    marked = np.array(here, bool) if len(here) else np.zeros(0, bool)
    with figure.batch_update():
        figure.data[0].x, figure.data[0].y = x, y
        figure.data[0].text = [f"{eta:g}" for eta in etas]
        figure.data[1].x, figure.data[1].y = x[marked], y[marked]
