"""Currents over one beat, control against altered, as small multiples."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import plotly.graph_objects as go
from numpy.typing import ArrayLike
from plotly.subplots import make_subplots

from ionwidgets.figures.theme import LINES, style
from ionwidgets.symbols import symbol

_COLUMNS, _ROW = 2, 180  # panels side by side; px of a row


def currents(
    time: ArrayLike,
    control: Mapping[str, ArrayLike],
    altered: Mapping[str, ArrayLike] | None = None,
    *,
    mode: str = "page",
) -> go.Figure:
    """Each current (T,) of `control` in A/F against time in ms, with `altered` over it."""
    names = list(control)
    rows = max(-(-len(names) // _COLUMNS), 1)
    figure = make_subplots(
        rows=rows,
        cols=_COLUMNS,
        subplot_titles=[symbol(name) for name in names],
        horizontal_spacing=0.4 / _COLUMNS,
        vertical_spacing=0.42 / rows,
    )
    x = np.asarray(time, np.float32)
    for index, name in enumerate(names):
        for role, values in (("control", control), ("altered", altered)):
            if values is None or name not in values:
                continue
            figure.add_scatter(
                x=x,
                y=np.asarray(values[name], np.float32),
                mode="lines",
                name=role,
                legendgroup=role,
                showlegend=index == 0,
                line=LINES[role],
                hovertemplate="%{y:.3g} A/F",
                row=1 + index // _COLUMNS,
                col=1 + index % _COLUMNS,
            )
    style(figure, mode=mode, height=_ROW * rows + 70)
    figure.update_xaxes(title_text="Time (ms)", title_standoff=2, nticks=3, tickangle=0)
    figure.update_xaxes(unifiedhovertitle_text="%{x:.1f} ms")
    figure.update_yaxes(title_text="A/F", nticks=4)
    return figure


def update_currents(
    figure: go.Figure, time: ArrayLike, control: Mapping[str, ArrayLike], altered: Mapping[str, ArrayLike]
) -> None:
    """Put other values of the same currents into a figure that `currents` made with both, in one batch."""
    values = [each[name] for name in control for each in (control, altered)]
    if len(values) != len(figure.data):
        raise ValueError(f"a figure with {len(figure.data)} lines cannot take {len(values)}")
    x = np.asarray(time, np.float32)
    with figure.batch_update():
        for line, value in zip(figure.data, values, strict=True):
            line.x, line.y = x, np.asarray(value, np.float32)
