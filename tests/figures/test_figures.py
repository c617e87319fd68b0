"""Figures: units on every axis, every colour mode, updates in place."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import plotly.graph_objects as go
import pytest

from ionwidgets import figures

TIME = np.arange(0.0, 400.0)
WAVE = -85 + 120 * np.exp(-TIME / 150)
CALCIUM = 1e-4 + 1e-3 * np.exp(-TIME / 200)
V = np.linspace(-100, 50, 61)
CURVES = {
    "m": (1 / (1 + np.exp(-V / 6)), np.full(V.size, 0.1)),
    "h": (1 / (1 + np.exp(V / 6)), np.full(V.size, 9.0)),
}
TRACES = [
    figures.Trace("control", TIME, WAVE, CALCIUM, "control"),
    figures.Trace("altered", TIME, WAVE + 1, CALCIUM),
]

ALL: dict[str, Callable[..., go.Figure]] = {
    "action_potential": lambda **k: figures.action_potential(TRACES, **k),
    "currents": lambda **k: figures.currents(
        TIME, {"I_Kr": WAVE, "I_Na": WAVE, "I_K1": WAVE}, {"I_Kr": WAVE}, **k
    ),
    "gate_curves": lambda **k: figures.gate_curves(V, CURVES, CURVES, visited=(-88, 40), **k),
    "loss_curve": lambda **k: figures.loss_curve([1, 2], [1.0, 0.1], **k),
    "attribution": lambda **k: figures.attribution({"I_Kr": 0.9, "I_Ks": 0.1}, **k),
}


@pytest.mark.parametrize("mode", ["page", "light", "dark"])
@pytest.mark.parametrize("name", ALL)
def test_every_axis_says_what_it_shows_and_the_background_is_the_pages(name: str, mode: str) -> None:
    figure = ALL[name](mode=mode)
    axes = [axis for axis in figure.select_yaxes()] + [axis for axis in figure.select_xaxes()]
    shown = [axis for axis in axes if axis.showticklabels is not False]
    assert shown
    for axis in shown:
        text = axis.title.text
        assert text and ("(" in text or text in {"A/F", "Change"}), (name, text)
    assert figure.layout.paper_bgcolor == "rgba(0,0,0,0)"
    assert figure.layout.font.color == figures.MODES[mode]["ink"]


def test_calcium_is_shown_in_micromolar_below_v() -> None:
    figure = figures.action_potential(TRACES)
    assert len(figure.data) == 4
    np.testing.assert_allclose(figure.data[2].y, CALCIUM * 1000, rtol=1e-6)
    assert figure.layout.yaxis2.title.text == "Ca_i (µM)"
    assert len(figures.action_potential([figures.Trace("a", TIME, WAVE)]).data) == 1


def test_a_trace_without_calcium_leaves_a_gap_beside_one_that_has_it() -> None:
    figure = figures.action_potential([TRACES[0], figures.Trace("V alone", TIME, WAVE)])
    assert np.isnan(figure.data[3].y).all()


def test_updates_change_the_same_lines() -> None:
    figure = figures.action_potential(TRACES)
    uids = [line.uid for line in figure.data]
    shifted = [
        figures.Trace("control", TIME, WAVE - 5, CALCIUM),
        figures.Trace("g_Kr ×0.25", TIME, WAVE + 5, CALCIUM),
    ]
    figures.update_action_potential(figure, shifted)
    np.testing.assert_allclose(figure.data[1].y, WAVE + 5, rtol=1e-6)
    assert figure.data[1].name == "g_Kr ×0.25"
    assert [line.uid for line in figure.data] == uids
    with pytest.raises(ValueError, match="4 lines"):
        figures.update_action_potential(figure, [*shifted, shifted[0]])
    figures.update_action_potential(figure, [shifted[0], figures.Trace("altered", [], [])])
    assert [line.showlegend for line in figure.data] == [True, False, False, False]
    assert len(figure.data[1].x) == len(figure.data[3].y) == 0

    curves = figures.gate_curves(V, CURVES, CURVES)
    figures.update_gate_curves(curves, CURVES, {g: (h * 0, t) for g, (h, t) in CURVES.items()}, list(CURVES))
    assert not np.any(curves.data[2].y)
    slower = {g: (h, 1000 * np.asarray(t)) for g, (h, t) in CURVES.items()}
    figures.update_gate_curves(curves, CURVES, slower, list(CURVES))
    fresh = figures.gate_curves(V, CURVES, slower).layout
    assert curves.layout.yaxis2.tickvals == fresh.yaxis2.tickvals
    assert curves.layout.yaxis2.tickvals != figures.gate_curves(V, CURVES).layout.yaxis2.tickvals

    loss = figures.loss_curve()
    figures.update_loss_curve(loss, [1, 2, 3], [3.0, 2.0, 1.0])
    assert list(loss.data[0].y) == [3.0, 2.0, 1.0]


def test_attribution_is_sorted_and_takes_new_values() -> None:
    figure = figures.attribution({"I_Ks": 0.1, "I_Kr": 0.9, "I_to": float("nan")})
    assert list(figure.data[0].y) == ["I_Kr", "I_Ks"]
    figures.update_attribution(figure, {"I_Na": 0.5})
    assert list(figure.data[0].x) == [50.0]


def test_voltages_never_visited_are_shaded() -> None:
    plain, shaded = figures.gate_curves(V, CURVES), figures.gate_curves(V, CURVES, visited=(-80, 30))
    assert not plain.layout.shapes
    assert {(s.x0, s.x1) for s in shaded.layout.shapes} == {(-100, -80), (30, 50)}


def _luminance(colour: str) -> float:
    channels = np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    linear = np.where(channels <= 0.03928, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)
    return float(linear @ [0.2126, 0.7152, 0.0722])


@pytest.mark.parametrize("paper", ["#ffffff", "#15181c"])
def test_lines_stand_out_from_the_page(paper: str) -> None:
    for role, colour in figures.COLOURS.items():
        high, low = sorted((_luminance(colour), _luminance(paper)), reverse=True)
        assert (high + 0.05) / (low + 0.05) >= 3.0, role


def test_an_unknown_mode_is_named() -> None:
    with pytest.raises(ValueError, match="page, light, dark"):
        figures.loss_curve(mode="sepia")
