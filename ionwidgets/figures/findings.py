"""Attribution: how much of the observed difference each single change explains."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go

from ionwidgets.figures.theme import ALTERED, CONTROL, style
from ionwidgets.symbols import marked

_TOP = 10  # bars


def attribution(importance: Mapping[str, float], *, mode: str = "page") -> go.Figure:
    """Horizontal bars in percent, the largest on top and in colour; `importance` from 0 to 1."""
    names, values = _largest(importance)
    figure = go.Figure()
    figure.add_bar(
        x=values,
        y=names,
        orientation="h",
        marker_color=_colours(len(names)),
        hovertemplate="%{y}: %{x:.0f} %<extra></extra>",
        cliponaxis=False,
    )
    style(figure, mode=mode, height=370, legend=False)
    figure.update_xaxes(title_text="Observed difference explained (%)", range=[0, 100], showgrid=True)
    figure.update_yaxes(autorange="reversed", showgrid=False, nticks=0, title_text="Change", **_ticks(names))
    figure.update_layout(bargap=0.35)
    return figure


def update_attribution(figure: go.Figure, importance: Mapping[str, float]) -> None:
    """Put new values into a figure that `attribution` made, in one batch."""
    names, values = _largest(importance)
    with figure.batch_update():
        figure.data[0].x, figure.data[0].y = values, names
        figure.data[0].marker.color = _colours(len(names))
        figure.update_yaxes(_ticks(names))


def _largest(importance: Mapping[str, float]) -> tuple[Sequence[str], Sequence[float]]:
    finite = {name: float(value) for name, value in importance.items() if np.isfinite(value)}
    names = sorted(finite, key=lambda name: -finite[name])[:_TOP]
    return names, [100.0 * finite[name] for name in names]


def _ticks(names: Sequence[str]) -> dict[str, Any]:
    """Every bar's name, as it is printed."""
    return {"tickmode": "array", "tickvals": list(names), "ticktext": [marked(name) for name in names]}


def _colours(count: int) -> list[str]:
    return [ALTERED if index == 0 else CONTROL for index in range(count)]
