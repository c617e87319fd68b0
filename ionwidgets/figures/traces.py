"""Action potentials: V, and Ca_i below it where it is known, of one or several cells against time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import plotly.graph_objects as go
from numpy.typing import ArrayLike, NDArray
from plotly.subplots import make_subplots

from ionwidgets.figures.theme import LINES, style
from ionwidgets.symbols import CA_I, V_M

_MM_TO_UM = 1000.0


@dataclass(frozen=True)
class Trace:
    """One cell against time.

    Parameters
    ----------
    name : what the legend says.
    time : (T,) ms.
    V : (T,) mV.
    Ca_i : (T,) mM, shown in µM; None where it was not measured.
    role : "control", "altered", "recording", "preview", "model" or "neural": colour, width and dash.
    """

    name: str
    time: ArrayLike
    V: ArrayLike
    Ca_i: ArrayLike | None = None
    role: str = "altered"


def action_potential(
    traces: Sequence[Trace],
    *,
    calcium: bool | None = None,
    mode: str = "page",
    height: int | None = None,
) -> go.Figure:
    """V against time, and Ca_i below it if any trace has it (`calcium` forces the row on or off).

    The order of data is V of each trace, then Ca_i of each trace; `update_action_potential` relies on it.
    """
    calcium = any(trace.Ca_i is not None for trace in traces) if calcium is None else calcium
    figure = make_subplots(
        rows=2 if calcium else 1,
        cols=1,
        shared_xaxes=True,
        vertical_spacing=0.06,
        row_heights=[0.62, 0.38] if calcium else None,
    )
    for row in range(1, 2 + calcium):
        for trace in traces:
            figure.add_scatter(
                x=_float32(trace.time),
                y=_values(trace, row),
                name=trace.name,
                mode="lines",
                line={**LINES[trace.role], "simplify": False},  # plotly would turn a recovery into corners
                legendgroup=trace.name,
                showlegend=row == 1,
                hovertemplate="%{y:.1f} mV" if row == 1 else "%{y:.3f} µM",
                row=row,
                col=1,
            )
    style(figure, mode=mode, height=height or (430 if calcium else 300))
    figure.update_yaxes(title_text=f"{V_M} (mV)", row=1, col=1)
    if calcium:
        figure.update_yaxes(title_text=f"{CA_I} (µM)", row=2, col=1)
    figure.update_xaxes(title_text="Time (ms)", row=1 + calcium, col=1)
    figure.update_xaxes(unifiedhovertitle_text="%{x:.1f} ms")
    return figure


def update_action_potential(figure: go.Figure, traces: Sequence[Trace]) -> None:
    """Put new values into a figure that `action_potential` made with as many traces, in one batch.

    A trace without values is left out of the legend.
    """
    rows = len(figure.data) // len(traces)
    if rows * len(traces) != len(figure.data):
        raise ValueError(f"a figure with {len(figure.data)} lines cannot take {len(traces)} traces")
    with figure.batch_update():
        for index, line in enumerate(figure.data):
            row, trace = 1 + index // len(traces), traces[index % len(traces)]
            line.x, line.y = _float32(trace.time), _values(trace, row)
            line.name = trace.name
            line.showlegend = row == 1 and np.size(trace.time) > 0


def _values(trace: Trace, row: int) -> NDArray[np.float32]:
    if row == 1:
        return _float32(trace.V)
    if trace.Ca_i is None:
        return np.full(np.shape(trace.time), np.nan, np.float32)
    return _float32(np.asarray(trace.Ca_i, float) * _MM_TO_UM)


def _float32(values: Any) -> NDArray[np.float32]:
    return np.asarray(values, np.float32)
