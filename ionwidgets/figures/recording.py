"""A recording as it came from its file, however long, with its beats marked."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray
from tsdownsample import MinMaxLTTBDownsampler

from ionwidgets.figures.theme import ALTERED, LINES, style
from ionwidgets.symbols import V_M

POINTS: Final = 2000  # of a trace that is drawn: more than a screen has columns
LONG: Final = 20_000.0  # ms; a longer one is drawn against seconds


def recording_trace(
    time: Sequence[float] | NDArray,
    V: Sequence[float] | NDArray,
    beats: Sequence[float] | NDArray = (),
    unit: str = "mV",
    *,
    mode: str = "page",
    height: int = 300,
) -> go.Figure:
    """V (N,) [`unit`] against time (N,) [ms], and a mark at every upstroke `beats` (M,) [ms].

    Of more than `POINTS` samples a choice is drawn that keeps the extremes (MinMaxLTTB: Van Der Donckt et al.
    2023, arXiv 2305.00332).
    """
    figure = go.Figure()
    figure.add_scatter(mode="lines", name="recording", line={**LINES["preview"], "simplify": False})
    figure.add_scatter(
        mode="markers", name="upstrokes", marker={"color": ALTERED, "symbol": "triangle-up", "size": 9}
    )
    style(figure, mode=mode, height=height)
    figure.update_layout(dragmode="zoom", hovermode="closest")
    figure.update_yaxes(fixedrange=True)  # a drag chooses a stretch of time
    update_recording_trace(figure, time, V, beats, unit)
    return figure


def update_recording_trace(
    figure: go.Figure,
    time: Sequence[float] | NDArray,
    V: Sequence[float] | NDArray,
    beats: Sequence[float] | NDArray = (),
    unit: str = "mV",
    window: tuple[float, float] | None = None,
) -> None:
    """Draw another recording, or another stretch of it: `window` as the axis of time has it."""
    time, V, beats = (np.asarray(values, dtype=np.float64) for values in (time, V, beats))
    in_seconds = time.size > 0 and time[-1] - time[0] > LONG
    scale, name = (1e-3, "s") if in_seconds else (1.0, "ms")
    marks = np.interp(beats, time, V) if time.size else beats
    shown = slice(None)
    if window is not None:
        low, high = sorted(limit / scale for limit in window)
        shown = slice(max(0, int(np.searchsorted(time, low)) - 1), int(np.searchsorted(time, high)) + 2)
    x, y = thinned(time[shown], V[shown])
    with figure.batch_update():
        line, upstrokes = figure.data
        line.x, line.y = np.asarray(x * scale, np.float32), np.asarray(y, np.float32)
        upstrokes.x, upstrokes.y = np.asarray(beats * scale, np.float32), np.asarray(marks, np.float32)
        upstrokes.showlegend = bool(beats.size)
        line.hovertemplate = f"%{{x:.5~g}} {name}: %{{y:.4~g}} {unit}<extra></extra>"
        upstrokes.hovertemplate = f"upstroke at %{{x:.5~g}} {name}<extra></extra>"
        figure.layout.xaxis.title.text = f"Time ({name})"
        figure.layout.yaxis.title.text = f"{V_M} ({unit})"


def thinned(time: NDArray, values: NDArray, points: int = POINTS) -> tuple[NDArray, NDArray]:
    """At most `points` of the samples (N,), extremes kept; those that are NaN left out."""
    known = np.isfinite(values)
    if not known.all():
        time, values = time[known], values[known]
    if values.size <= points:
        return time, values
    chosen = MinMaxLTTBDownsampler().downsample(time, np.ascontiguousarray(values), n_out=points)
    return time[chosen], values[chosen]
