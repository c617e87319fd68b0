"""Currents over one beat, control against altered, as small multiples."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import plotly.graph_objects as go
from numpy.typing import ArrayLike
from plotly.subplots import make_subplots

from ionwidgets.figures.theme import LINES, style


def currents(
    time: ArrayLike,
    control: Mapping[str, ArrayLike],
    altered: Mapping[str, ArrayLike] | None = None,
    *,
    units: str = "A/F",
    columns: int = 2,
    mode: str = "page",
    row_height: int = 180,
) -> go.Figure:
    """Each current (T,) of `control` in A/F against time in ms, with `altered` over it."""
    names = list(control)
    rows = max(-(-len(names) // columns), 1)
    figure = make_subplots(
        rows=rows,
        cols=columns,
        subplot_titles=names,
        horizontal_spacing=0.3 / columns if columns > 1 else 0.0,
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
                hovertemplate="%{y:.3g} " + units,
                row=1 + index // columns,
                col=1 + index % columns,
            )
    style(figure, mode=mode, height=row_height * rows + 70)
    figure.update_xaxes(title_text="Time (ms)", title_standoff=2, nticks=4)
    figure.update_yaxes(title_text=units, nticks=4)
    return figure
