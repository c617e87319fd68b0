"""Restitution by S1S2: APD90 against the diastolic interval."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import plotly.graph_objects as go
from numpy.typing import ArrayLike, NDArray

from ionwidgets.figures.theme import LINES, style

SYMBOLS = {"control": "circle", "altered": "diamond"}


class Diastolic(NamedTuple):
    """S2 [ms], diastolic interval DI [ms] and APD90 [ms], (N,) each, of one cell; `role` as in the theme."""

    name: str
    interval: ArrayLike
    DI: ArrayLike
    APD90: ArrayLike
    role: str


def diastolic_restitution(curves: Sequence[Diastolic], *, mode: str = "page") -> go.Figure:
    """A line with points each; beats that were not caught are left out."""
    figure = go.Figure()
    for curve in curves:
        DI, APD90, interval = _known(curve)
        figure.add_scatter(
            x=DI,
            y=APD90,
            customdata=interval,
            name=curve.name,
            mode="lines+markers",
            line=LINES[curve.role],
            marker={
                "size": 8,
                "symbol": SYMBOLS.get(curve.role, "square"),
                "color": LINES[curve.role]["color"],
            },
            hovertemplate="DI %{x:.0f} ms: APD90 %{y:.1f} ms (S2 %{customdata:.0f} ms)",
        )
    style(figure, mode=mode, height=320)
    figure.update_xaxes(title_text="Diastolic interval (ms)")
    figure.update_yaxes(title_text="APD90 (ms)")
    figure.update_layout(hovermode="closest")
    return figure


def update_diastolic_restitution(figure: go.Figure, curves: Sequence[Diastolic]) -> None:
    """Put other values into a figure that `diastolic_restitution` made with as many curves, in one batch."""
    if len(figure.data) != len(curves):
        raise ValueError(f"a figure with {len(figure.data)} lines cannot take {len(curves)} curves")
    with figure.batch_update():
        for line, curve in zip(figure.data, curves, strict=True):
            line.x, line.y, line.customdata = _known(curve)


def _known(curve: Diastolic) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
    DI, APD90, interval = (np.asarray(v, np.float64) for v in (curve.DI, curve.APD90, curve.interval))
    known = np.isfinite(DI) & np.isfinite(APD90)
    order = np.argsort(DI[known])
    return DI[known][order], APD90[known][order], interval[known][order]
