"""Gate curves h_inf(V) and tau(V), before and after, as small multiples: one row a gate."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import plotly.graph_objects as go
from numpy.typing import ArrayLike
from plotly.subplots import make_subplots

from ionwidgets.figures.theme import LINES, style
from ionwidgets.symbols import H_INF, V_M, marked

_GAP = 0.42  # of a row: room for the axis title below one row and the title above the next
_BETWEEN = 0.21  # of the width: room for ticks and axis title, on a phone too
_ROW = 168  # px
_BAND = "rgba(213,94,0,0.18)"  # of the altered curve's colour

Curves = Mapping[str, tuple[ArrayLike, ArrayLike]]
Bands = Mapping[str, tuple[tuple[ArrayLike, ArrayLike], tuple[ArrayLike, ArrayLike]]]


def gate_curves(
    V: ArrayLike,
    before: Curves,
    after: Curves | None = None,
    *,
    gates: Sequence[str] | None = None,
    titles: Mapping[str, str] | None = None,
    names: tuple[str, str] = ("control", "altered"),
    role: str = "altered",
    visited: tuple[float, float] | None = None,
    bands: Bands | None = None,
    mode: str = "page",
) -> go.Figure:
    """h_inf (left) and tau in ms (right, logarithmic) against V.

    Parameters
    ----------
    V : (K,) mV.
    before, after : gate -> (h_inf (K,), tau (K,) ms); `after` None draws one curve.
    gates : which gates, in this order (all of `before` if None).
    titles : gate -> what stands over its row ("Xr1 of I_Kr").
    visited : lowest and highest V in mV that the recording visited; voltages outside are shaded.
    bands : gate -> (lowest, highest) of h_inf and of tau over several seeds, shaded under the curves.
    """
    chosen = list(before) if gates is None else list(gates)
    labels = [marked((titles or {}).get(gate, gate)) for gate in chosen]
    figure = make_subplots(
        rows=max(len(chosen), 1),
        cols=2,
        horizontal_spacing=_BETWEEN,
        vertical_spacing=_GAP / max(len(chosen), 1),
        subplot_titles=[text for label in labels for text in (f"{label}: {H_INF}", f"{label}: τ")],
    )
    x = np.asarray(V, np.float32)
    for row, gate in enumerate(chosen, start=1):
        for which, curves in enumerate((before, after)):
            if curves is None:
                continue
            for col in (1, 2):
                figure.add_scatter(
                    x=x,
                    y=np.asarray(curves[gate][col - 1], np.float32),
                    mode="lines",
                    name=names[which],
                    legendgroup=names[which],
                    showlegend=row == col == 1,
                    line=LINES[("control", role)[which]],
                    hovertemplate="%{y:.3f}" if col == 1 else "%{y:.3g} ms",
                    row=row,
                    col=col,
                )
    style(figure, mode=mode, height=_ROW * max(len(chosen), 1) + 70)
    figure.update_xaxes(
        title_text=f"{V_M} (mV)",
        title_standoff=2,
        range=[float(x[0]), float(x[-1])],
        unifiedhovertitle_text="%{x:.1f} mV",
    )
    figure.update_yaxes(title_text=f"{H_INF} (unitless)", range=[-0.04, 1.04], col=1, nticks=3)
    figure.update_yaxes(title_text="τ (ms)", type="log", col=2)
    for row, gate in enumerate(chosen, start=1):
        figure.update_yaxes(_tau_ticks(gate, before, after), row=row, col=2)
        if bands and gate in bands:
            _add_bands(figure, x, bands[gate], row)
    if visited is not None:
        for low, high in ((float(x[0]), visited[0]), (visited[1], float(x[-1]))):
            if high > low:
                figure.add_vrect(
                    x0=low, x1=high, fillcolor="rgba(128,136,146,0.16)", line_width=0, layer="below"
                )
    return figure


def _add_bands(
    figure: go.Figure,
    x: np.ndarray,
    of_gate: tuple[tuple[ArrayLike, ArrayLike], tuple[ArrayLike, ArrayLike]],
    row: int,
) -> None:
    """Last among the lines, so that `update_gate_curves` finds its own; once in the legend."""
    for col, (low, high) in enumerate(of_gate, start=1):
        low, high = np.asarray(low, np.float32), np.asarray(high, np.float32)
        figure.add_scatter(
            x=np.concatenate([x, x[::-1]]),
            y=np.concatenate([high, low[::-1]]),
            mode="lines",
            line={"width": 0, "color": LINES["altered"]["color"]},
            fill="toself",
            fillcolor=_BAND,
            name="all seeds",
            legendgroup="all seeds",
            showlegend=row == col == 1,
            hoverinfo="skip",
            row=row,
            col=col,
        )


def _tau_ticks(gate: str, *sources: Curves | None) -> dict[str, list[float] | list[str]]:
    return decade_ticks(np.concatenate([np.asarray(curves[gate][1], float) for curves in sources if curves]))


def decade_ticks(values: ArrayLike) -> dict[str, list[float] | list[str]]:
    """Ticks of a logarithmic axis at 1, 10, 100 ...; at 1, 2, 5 too where there are less than two decades."""
    positive = np.asarray(values, float)
    positive = positive[np.isfinite(positive) & (positive > 0)]
    if positive.size == 0:
        return {}
    low, high = float(positive.min()), float(positive.max())
    decades = range(int(np.floor(np.log10(low))), int(np.ceil(np.log10(high))) + 1)
    steps = (1, 2, 5) if high < 30 * low else (1,)
    ticks = [step * 10.0**decade for decade in decades for step in steps]
    ticks = [tick for tick in ticks if low / 2 <= tick <= high * 2]
    return {"tickvals": ticks, "ticktext": [f"{tick:g}" for tick in ticks]}


def update_gate_curves(figure: go.Figure, before: Curves, after: Curves, gates: Sequence[str]) -> None:
    """Put new values into a figure that `gate_curves` made with both curves of these gates, in one batch."""
    lines = iter(figure.data)
    with figure.batch_update():
        for gate in gates:
            for curves in (before, after):
                for which in (0, 1):
                    next(lines).y = np.asarray(curves[gate][which], np.float32)
        for row, gate in enumerate(gates, start=1):
            figure.update_yaxes(_tau_ticks(gate, before, after), row=row, col=2)
