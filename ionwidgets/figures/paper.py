"""Figures 2 to 7 of Iravanian, arXiv 2011.07388 (2020), drawn from our own runs, and what eta does.

Panels stand one above the other over one axis, so that a figure is read at 390 px as at 1440 px. A colour
means the same in all of them: grey the control, orange the altered cell (the truth), blue a network taught by
the emulator, green one taught by the ODE. What a source is, its name says.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from textwrap import wrap
from typing import Any, Final

import numpy as np
import plotly.graph_objects as go
import xarray as xr
from numpy.typing import ArrayLike, NDArray

from ionwidgets.figures.theme import CONTROL, LINES, style
from ionwidgets.symbols import CA_I, V_M, symbol

SPAN: Final = 2000.0  # ms shown of a recording, its last
DECODERS: Final = {"emulator": "emulator", "ode": "ODE decoder"}

# What a source's name must contain, and its line; the first that fits counts.
_SOURCES: Final[tuple[tuple[tuple[str, ...], dict[str, Any]], ...]] = (
    (("ode decoder", "mp"), LINES["neural"] | {"dash": "dot"}),
    (("ode decoder", "mq"), LINES["neural"] | {"dash": "dash"}),
    (("ode decoder",), LINES["neural"] | {"width": 2.25}),
    (("network", "control"), LINES["learnt"] | {"dash": "dot"}),
    (("network",), LINES["learnt"]),
    (("emulator",), LINES["learnt"]),
    (("neural",), LINES["learnt"]),
    (("control",), LINES["control"] | {"width": 3}),
    (("altered",), LINES["altered"] | {"width": 2.5}),
)
_LINE, _GAP, _BELOW, _ABOVE = 17, 14, 48, 30  # px: a line of a title, over a panel, margins of the figure
_WIDEST, _LEFT = 48, 64  # characters of a title at 390 px; px left of the axes, where it begins
_FEW = 30  # points of a curve, up to which each is marked large
_MM_TO_UM = 1000.0


_Drawn = tuple[str, ArrayLike, ArrayLike, dict[str, Any]]  # source, x, y, further properties of the trace


@dataclass(frozen=True)
class _Panel:
    """One axis of values."""

    axis: str
    lines: Sequence[_Drawn]
    title: str = ""
    height: int = 120
    options: dict[str, Any] = field(default_factory=dict)


def base_figure(data: xr.Dataset, *, span: float = SPAN, mode: str = "light") -> go.Figure:
    """Figure 2: V in mV and Ca_i in µM of the control, the last `span` ms at each cycle length of `data`.

    data: V [mV], Ca_i [mM] over (cell, time [ms]), with the coordinate cycle_length [ms].
    """
    panels: list[_Panel] = []
    for cell in range(data.sizes["cell"]):
        title = f"Control, CL {float(data['cycle_length'][cell]):g} ms"
        panels += _v_and_calcium(title, {"control": data.isel(cell=cell)}, span)
    return _stacked(panels, "Time (ms)", mode)


def experiments_figure(
    control: xr.Dataset, altered: Mapping[str, xr.Dataset], *, span: float = SPAN, mode: str = "light"
) -> go.Figure:
    """Figure 3: control against each altered cell, V in mV and Ca_i in µM, the last `span` ms of one cell.

    control, and altered by title: V [mV], Ca_i [mM] over time [ms], of one cell (the first, where there is
    a dimension `cell`).
    """
    panels: list[_Panel] = []
    for title, data in altered.items():
        panels += _v_and_calcium(title, {"control": _first(control), "altered cell": _first(data)}, span)
    return _stacked(panels, "Time (ms)", mode)


def neural_ode_figure(
    runs: Mapping[str, Mapping[str, tuple[ArrayLike, ArrayLike]]], *, mode: str = "light"
) -> go.Figure:
    """Figure 4: V in mV against time in ms; a panel an experiment, a line a source.

    runs: title -> source -> (time (T,), V (T,)).
    """
    panels = [
        _Panel(f"{V_M} (mV)", [(source, *traces, {}) for source, traces in sources.items()], title, 170)
        for title, sources in runs.items()
    ]
    return _stacked(panels, "Time (ms)", mode)


def currents_figure(
    title: str,
    time: ArrayLike,
    currents: Mapping[str, Mapping[str, ArrayLike]],
    *,
    decoder: str = "emulator",
    mode: str = "light",
) -> go.Figure:
    """Figures 5, 6 and 7: currents in A/F against time in ms; a panel a current, a line a source.

    time: (T,); currents: name -> source -> (T,); decoder: which taught the networks, and so their colour.
    """
    hue = {"color": _line(DECODERS[decoder])["color"]}
    panels = [
        _Panel(
            f"{symbol(current)} (A/F)",
            [
                (source, time, values, {"line": _line(source) | hue} if "network" in source else {})
                for source, values in sources.items()
            ],
            title if index == 0 else "",
            125,
        )
        for index, (current, sources) in enumerate(currents.items())
    ]
    return _stacked(panels, "Time (ms)", mode)


def eta_figure(experiment: Mapping[str, Any], *, mode: str = "light") -> go.Figure:
    """What eta does: error of the neural ODE's APD90 in ms, and the changed current's ratio to the control.

    experiment: one entry of `experiments` of `ionwidgets/paper/1`: current, true_ratios, and runs, each with
    decoder, eta, apd90_error_ms by cycle length (None: no action potential) and current_ratios.
    """
    current = experiment["current"]
    runs = {
        decoder: sorted(
            (run for run in experiment["runs"] if run["decoder"] == decoder), key=lambda run: run["eta"]
        )
        for decoder in DECODERS
    }
    etas = sorted({run["eta"] for run in experiment["runs"]})
    ends = [etas[0], etas[-1]] if etas else []
    panels = []
    for index, cycle_length in enumerate(measured_at(experiment["runs"])):
        errors = {
            decoder: _curve(runs[decoder], lambda run, at=cycle_length: run["apd90_error_ms"].get(at))
            for decoder in DECODERS
        }
        truth: _Drawn = ("altered cell (truth)", ends, [0.0] * len(ends), {})
        title = "Error of APD90: neural ODE minus altered cell" if index == 0 else ""
        panels.append(
            _Panel(f"at CL {cycle_length} (ms)", [truth, *_decoder_lines(errors), *_without(errors)], title)
        )
    ratios = {
        decoder: _curve(runs[decoder], lambda run: run["current_ratios"].get(current)) for decoder in DECODERS
    }
    lines: list[_Drawn] = [
        ("control", ends, [1.0] * len(ends), {}),
        ("altered cell (truth)", ends, [experiment["true_ratios"][current]] * len(ends), {}),
        *_decoder_lines(ratios),
    ]
    panels.append(
        _Panel(
            f"{current} (ratio)",
            lines,
            f"{current} of the network, against the control's",
            options={"rangemode": "tozero"},
        )
    )
    figure = _stacked(panels, "η (unitless)", mode)
    figure.update_xaxes(tickformat="~g", exponentformat="none")
    return figure


def best_figure(experiment: Mapping[str, Any], *, mode: str = "light") -> go.Figure:
    """The neural ODE of each decoder's best eta: error of APD90 in ms and RMSE of V in mV by cycle length.

    experiment: one entry of `experiments` of `ionwidgets/paper/1`: best, by decoder, with eta,
    cycle_length_ms, apd90_error_ms (None: no action potential) and v_rmse_mV.
    """
    best = {decoder: experiment["best"][decoder] for decoder in DECODERS if experiment["best"].get(decoder)}
    errors, rmse = (
        {
            decoder: (np.asarray(entry["cycle_length_ms"], float), np.asarray(entry[key], float))
            for decoder, entry in best.items()
        }
        for key in ("apd90_error_ms", "v_rmse_mV")
    )
    paced = np.concatenate([x for x, _ in errors.values()] or [np.empty(0)])
    ends = [paced.min(), paced.max()] if paced.size else []
    truth: _Drawn = ("altered cell (truth)", ends, [0.0] * len(ends), {})
    etas = ", ".join(f"η {entry['eta']:g} ({DECODERS[decoder]})" for decoder, entry in best.items())
    panels = [
        _Panel(
            "APD<sub>90</sub> error (ms)",
            [truth, *_decoder_lines(errors), *_without(errors)],
            f"Best {etas}",
            160,
        ),
        _Panel(
            f"{V_M} RMSE (mV)",
            _decoder_lines(rmse),
            height=130,
            options={"rangemode": "tozero"},
        ),
    ]
    return _stacked(panels, "Cycle length (ms)", mode)


def measured_at(runs: Iterable[Mapping[str, Any]]) -> list[str]:
    """Cycle lengths [ms] at which these runs have an `apd90_error_ms`, as its keys, the shortest first."""
    return sorted({at for run in runs for at in run["apd90_error_ms"]}, key=float)


def _stacked(panels: Sequence[_Panel], x_title: str, mode: str) -> go.Figure:
    """Panels one above the other, in order, over one x axis; the legend names each source once."""
    figure = go.Figure()
    titles = [_wrapped(panel.title) for panel in panels]
    rooms = [_GAP + _LINE * len(title) for title in titles]
    inner = sum(rooms) + sum(panel.height for panel in panels)
    named: set[str] = set()
    axes: dict[str, Any] = {}
    top = float(inner)
    for number, (panel, title, room) in enumerate(zip(panels, titles, rooms, strict=True), start=1):
        top -= room
        suffix = "" if number == 1 else str(number)
        domain = [max(top - panel.height, 0.0) / inner, top / inner]
        axes[f"yaxis{suffix}"] = {"domain": domain, "anchor": "x", "title": {"text": panel.axis}}
        if title:
            figure.add_annotation(
                text="<br>".join(title), x=0, y=domain[1], xref="paper", yref="paper",
                xshift=8 - _LEFT, yshift=4, xanchor="left", yanchor="bottom", showarrow=False, align="left",
            )  # fmt: skip
        for source, x, y, more in panel.lines:
            values = np.asarray(y, np.float32)
            if not np.isfinite(values).any():
                continue
            trace: dict[str, Any] = {
                "mode": "lines",
                "line": _line(source),
                "hovertemplate": f"%{{y:.4~g}}{_unit_of(panel.axis)}",
            } | more
            trace["line"] = {**trace["line"], "simplify": False}  # or a recovery turns into corners
            figure.add_scatter(
                x=np.asarray(x, np.float32), y=values, name=source, legendgroup=source,
                showlegend=source not in named, yaxis=f"y{suffix}", **trace,
            )  # fmt: skip
            named.add(source)
        top -= panel.height
    figure.update_layout(axes)
    style(figure, mode=mode, height=inner + _ABOVE + _BELOW)
    figure.update_layout(
        margin={"l": _LEFT, "r": 16, "t": _ABOVE, "b": _BELOW},
        legend={"yref": "paper", "y": 1, "yanchor": "bottom", "x": 0, "xref": "paper", "font": {"size": 12}},
    )
    last = "y" if len(panels) == 1 else f"y{len(panels)}"
    figure.update_xaxes(title_text=x_title, anchor=last, showgrid=True, nticks=7)
    figure.update_xaxes(unifiedhovertitle_text=f"%{{x:.5~g}}{_unit_of(x_title)}")
    figure.update_yaxes(nticks=4)
    for number, panel in enumerate(panels, start=1):
        figure.layout["yaxis" if number == 1 else f"yaxis{number}"].update(panel.options)
    return figure


def _unit_of(axis: str) -> str:
    """The unit that the title of an axis has in its last brackets, after a space."""
    unit = axis.rpartition("(")[2].rstrip(")") if axis.endswith(")") else ""
    return f" {unit}" if unit and unit != "unitless" else ""


def _wrapped(title: str) -> list[str]:
    """Lines of much the same length, none wider than `_WIDEST`."""
    count = len(wrap(title, _WIDEST))
    widths = range(-(-len(title) // max(count, 1)) or 1, _WIDEST + 1)
    return next((lines for width in widths if len(lines := wrap(title, width)) <= count), [title])


def _line(source: str) -> dict[str, Any]:
    low = source.lower()
    return next(
        (line for words, line in _SOURCES if all(word in low for word in words)),
        {"color": CONTROL, "width": 1.75, "dash": "dashdot"},
    )


def _v_and_calcium(title: str, sources: Mapping[str, xr.Dataset], span: float) -> list[_Panel]:
    """Panels of V and, below it, of Ca_i; each source without the dimension `cell`."""
    V: list[_Drawn] = []
    calcium: list[_Drawn] = []
    for source, data in sources.items():
        time = data["time"].to_numpy()
        shown = time >= time[-1] - span
        x = time[shown] - time[shown][0]
        V.append((source, x, data["V"].to_numpy()[shown], {}))
        calcium.append((source, x, data["Ca_i"].to_numpy()[shown] * _MM_TO_UM, {}))
    return [_Panel(f"{V_M} (mV)", V, title, 125), _Panel(f"{CA_I} (µM)", calcium, height=85)]


def _first(data: xr.Dataset) -> xr.Dataset:
    return data.isel(cell=0) if "cell" in data.dims else data


_Curves = Mapping[str, tuple[NDArray, NDArray]]


def _curve(runs: Sequence[Mapping[str, Any]], value: Any) -> tuple[NDArray, NDArray]:
    """eta and a value of each run, NaN where there is none."""
    return np.asarray([run["eta"] for run in runs], float), np.asarray([value(run) for run in runs], float)


def _decoder_lines(curves: _Curves) -> list[_Drawn]:
    return [
        (
            DECODERS[decoder],
            *curve,
            {
                "mode": "lines+markers",
                "marker": _marker(decoder, ("circle", "diamond"))
                | {"size": 6 if len(curve[0]) <= _FEW else 3.5},
            },
        )
        for decoder, curve in curves.items()
    ]


def _without(curves: _Curves) -> list[_Drawn]:
    """Crosses below the curves where the neural ODE gave no action potential, a level a decoder."""
    finite = np.concatenate([[0.0], *(y[np.isfinite(y)] for _, y in curves.values())])
    step = 0.12 * (float(np.ptp(finite)) or 1.0)
    lines: list[_Drawn] = []
    for level, (decoder, (x, y)) in enumerate(curves.items(), start=1):
        lost = x[~np.isfinite(y)]
        if lost.size:
            marker = _marker(decoder, ("x-thin-open", "cross-thin-open")) | {"size": 8}
            more = {"mode": "markers", "marker": marker, "hovertemplate": "no action potential"}
            name = f"{DECODERS[decoder]}: no action potential"
            lines.append((name, lost, np.full(lost.size, finite.min() - level * step), more))
    return lines


def _marker(decoder: str, symbols: tuple[str, str]) -> dict[str, Any]:
    line = _line(DECODERS[decoder])
    return {"color": line["color"], "symbol": symbols[list(DECODERS).index(decoder)], "size": 6}
