"""Restitution: APD90 against the cycle length, or, of S1S2, against the diastolic interval."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import plotly.graph_objects as go
from numpy.typing import ArrayLike, NDArray

from ionwidgets.figures.theme import LINES, style

HEIGHT = 320
SYMBOLS = {"control": "circle", "altered": "diamond"}


class Restitution(NamedTuple):
    """APD90 [ms] at cycle lengths [ms] of one source; `role` is one of the theme's."""

    name: str
    cycle_length: NDArray
    APD90: NDArray
    role: str


class Diastolic(NamedTuple):
    """S2 [ms], diastolic interval DI [ms] and APD90 [ms], (N,) each, of one cell; `role` as in the theme."""

    name: str
    interval: ArrayLike
    DI: ArrayLike
    APD90: ArrayLike
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
    _axes(figure, "Cycle length (ms)", mode)
    figure.update_xaxes(unifiedhovertitle_text="%{x:.0f} ms")
    figure.update_layout(hovermode="x unified")
    return figure


def diastolic_restitution(curves: Sequence[Diastolic], *, mode: str = "page") -> go.Figure:
    """A line with points each; beats that were not caught are left out."""
    figure = go.Figure()
    for curve in curves:
        colour, symbol = LINES[curve.role]["color"], SYMBOLS.get(curve.role, "square")
        figure.add_scatter(
            **_known(curve),
            name=curve.name,
            mode="lines+markers",
            line=LINES[curve.role],
            marker={"size": 8, "symbol": symbol, "color": colour},
            hovertemplate="DI %{x:.0f} ms: APD90 %{y:.1f} ms (S2 %{customdata:.0f} ms)",
        )
    _axes(figure, "Diastolic interval (ms)", mode)
    figure.update_layout(hovermode="closest")
    return figure


def update_diastolic_restitution(figure: go.Figure, curves: Sequence[Diastolic]) -> None:
    """Put other values into a figure that `diastolic_restitution` made with as many curves, in one batch."""
    if len(figure.data) != len(curves):
        raise ValueError(f"a figure with {len(figure.data)} lines cannot take {len(curves)} curves")
    with figure.batch_update():
        for line, curve in zip(figure.data, curves, strict=True):
            line.update(_known(curve))


def _known(curve: Diastolic) -> dict[str, NDArray[Any]]:
    """What was caught, by diastolic interval."""
    DI, APD90, interval = (np.asarray(v, np.float64) for v in (curve.DI, curve.APD90, curve.interval))
    known = np.isfinite(DI) & np.isfinite(APD90)
    order = np.argsort(DI[known])
    return {"x": DI[known][order], "y": APD90[known][order], "customdata": interval[known][order]}


def _axes(figure: go.Figure, x: str, mode: str) -> None:
    style(figure, mode=mode, height=HEIGHT)
    figure.update_xaxes(title_text=x)
    figure.update_yaxes(title_text="APD<sub>90</sub> (ms)")
