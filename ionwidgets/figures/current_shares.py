"""Each current's share of the whole along a beat, stacked: outward above zero, inward below."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import plotly.graph_objects as go
from numpy.typing import ArrayLike, NDArray

from ionwidgets.figures.theme import style

# Okabe and Ito's seven, told apart with any colour vision; what is left over is grey. Neighbours differ in
# pattern too, and no two currents have both in common.
FILLS = ("#e69f00", "#56b4e9", "#009e73", "#f0e442", "#0072b2", "#d55e00", "#cc79a7")
PATTERNS = ("", "/", ".", "\\", "x", "-", "|", "+")
REST, REST_FILL = "others", "#868d96"
MOST = 12  # of the currents have a fill of their own
HEIGHT = 380


def carrying_most(currents: Mapping[str, ArrayLike]) -> list[str]:
    """Names of the currents that have a fill of their own: those that carry most."""
    size = {name: float(np.mean(np.abs(np.asarray(values, float)))) for name, values in currents.items()}
    order = sorted(size, key=lambda name: -size[name])
    return order if len(order) <= MOST else order[:MOST]


def shares(
    currents: Mapping[str, ArrayLike], names: Sequence[str]
) -> tuple[dict[str, NDArray[np.float64]], dict[str, NDArray[np.float64]]]:
    """Share (T,) in percent of sum |I| by name, signed as the current; and the currents (T,) in A/F.

    share_i(t) = 100 I_i(t) / sum_j |I_j(t)|, 0 where nothing flows. Currents not in `names` are taken
    together.
    """
    values = {name: np.asarray(given, float) for name, given in currents.items()}
    whole = np.sum([np.abs(value) for value in values.values()], axis=0)
    shown = {name: values[name] for name in names if name in values}
    rest = [value for name, value in values.items() if name not in shown]
    if rest:
        shown[REST] = np.sum(rest, axis=0)
    safe = np.where(whole > 0, whole, 1.0)
    return {name: 100 * value / safe for name, value in shown.items()}, shown


def current_shares(
    time: ArrayLike, currents: Mapping[str, ArrayLike], names: Sequence[str], *, mode: str = "page"
) -> go.Figure:
    """Stacked shares of `currents` (T,) in A/F against time (T,) in ms; two areas a current, out and in.

    Outward currents are positive. `names` are those with a fill of their own, see `carrying_most`.
    """
    figure = go.Figure()
    share, flows = shares(currents, names)
    x = np.asarray(time, np.float32)
    for index, name in enumerate(share):
        fill = REST_FILL if name == REST else FILLS[index % len(FILLS)]
        for group in ("outward", "inward"):
            figure.add_scatter(
                x=x,
                y=_half(share[name], group),
                customdata=flows[name].astype(np.float32),
                name=name,
                legendgroup=name,
                showlegend=group == "outward",
                stackgroup=group,
                mode="lines",
                line={"width": 0.5, "color": fill},
                fillcolor=fill,
                fillpattern={"shape": PATTERNS[index % len(PATTERNS)], "fgcolor": "#1b2026", "size": 7}
                | {"bgcolor": fill, "solidity": 0.18},
                hovertemplate="%{y:.1f} % · %{customdata:.3g} A/F",
                hoverinfo="skip" if not np.any(_half(share[name], group)) else None,
            )
    style(figure, mode=mode, height=HEIGHT)
    figure.update_xaxes(title_text="Time in the beat (ms)")
    figure.update_yaxes(title_text="Share of ∑|I| (%)", range=[-100, 100], tickvals=[-100, -50, 0, 50, 100])
    figure.update_yaxes(ticktext=["100 in", "50", "0", "50", "100 out"])
    figure.update_layout(hovermode="x", margin={"t": 62})
    return figure


def update_current_shares(
    figure: go.Figure, time: ArrayLike, currents: Mapping[str, ArrayLike], names: Sequence[str]
) -> None:
    """Put other values into a figure that `current_shares` made with as many names, in one batch."""
    share, flows = shares(currents, names)
    if len(figure.data) != 2 * len(share):
        raise ValueError(f"a figure with {len(figure.data)} areas cannot take {len(share)} currents")
    x = np.asarray(time, np.float32)
    with figure.batch_update():
        for index, area in enumerate(figure.data):
            name = list(share)[index // 2]
            area.x, area.y = x, _half(share[name], ("outward", "inward")[index % 2])
            area.customdata = flows[name].astype(np.float32)
            area.name = name


def _half(share: NDArray[np.float64], group: str) -> NDArray[np.float32]:
    return np.asarray(np.maximum(share, 0) if group == "outward" else np.minimum(share, 0), np.float32)
