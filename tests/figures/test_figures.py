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

FLOWS = {"I_Na": -WAVE, "I_K": WAVE + 90, "I_L": 0 * WAVE + 1}
RESTITUTION = figures.Diastolic(
    "control", [300, 400, 500], [np.nan, 80.0, 20.0], [np.nan, 290.0, 250.0], "control"
)

ALL: dict[str, Callable[..., go.Figure]] = {
    "action_potential": lambda **k: figures.action_potential(TRACES, **k),
    "currents": lambda **k: figures.currents(
        TIME, {"I_Kr": WAVE, "I_Na": WAVE, "I_K1": WAVE}, {"I_Kr": WAVE}, **k
    ),
    "current_shares": lambda **k: figures.current_shares(TIME, FLOWS, list(FLOWS), **k),
    "diastolic_restitution": lambda **k: figures.diastolic_restitution([RESTITUTION], **k),
    "gate_curves": lambda **k: figures.gate_curves(V, CURVES, CURVES, visited=(-88, 40), **k),
    "curves": lambda **k: figures.curves(V, {"I_Na": V}, "V (mV)", "I (A/F)", **k),
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
    assert figure.layout.yaxis2.title.text == "[Ca<sup>2+</sup>]<sub>i</sub> (µM)"
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


def test_names_are_printed_as_symbols() -> None:
    curves = figures.gate_curves(V, CURVES, titles={"m": "m of I_Na"})
    assert curves.layout.annotations[0].text == "m of I<sub>Na</sub>: h<sub>∞</sub>"
    assert curves.layout.xaxis.title.text == "V<sub>m</sub> (mV)"
    assert figures.currents(TIME, {"I_Kr": WAVE}).layout.annotations[0].text == "I<sub>Kr</sub>"
    bars = figures.attribution({"I_Kr": 0.9, "gate Xr2": 0.1}).layout.yaxis
    assert bars.tickvals == ("I_Kr", "gate Xr2") and bars.ticktext == ("I<sub>Kr</sub>", "gate Xr2")


def test_several_seeds_are_a_band_under_the_curves() -> None:
    bands = {gate: ((h - 0.1, h + 0.1), (t * 0.9, t * 1.1)) for gate, (h, t) in CURVES.items()}
    figure = figures.gate_curves(V, CURVES, CURVES, bands=bands)
    assert len(figure.data) == 12 and [line.name for line in figure.data[8:]] == ["all seeds"] * 4
    assert [line.showlegend for line in figure.data[8:]] == [True, False, False, False]
    low, high = figure.data[8].y[V.size :][::-1], figure.data[8].y[: V.size]
    np.testing.assert_allclose(high - low, 0.2, rtol=1e-5)
    figures.update_gate_curves(figure, CURVES, {g: (h * 0, t) for g, (h, t) in CURVES.items()}, list(CURVES))
    assert not np.any(figure.data[2].y) and np.any(figure.data[8].y)


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


def test_shares_add_up_to_the_whole_and_fills_differ_without_colour() -> None:
    share, flows = figures.shares(FLOWS, list(FLOWS))
    np.testing.assert_allclose(sum(np.abs(value) for value in share.values()), 100)
    np.testing.assert_array_equal(np.sign(share["I_Na"]), np.sign(FLOWS["I_Na"]))
    np.testing.assert_array_equal(flows["I_K"], FLOWS["I_K"])
    assert set(figures.shares(FLOWS, ["I_K"])[0]) == {"I_K", "others"}
    assert not np.any(figures.shares({"I_K": 0 * WAVE}, ["I_K"])[0]["I_K"])
    figure = figures.current_shares(TIME, FLOWS, list(FLOWS))
    assert len({(area.fillcolor, area.fillpattern.shape) for area in figure.data}) == len(FLOWS)
    assert len({area.fillpattern.shape for area in figure.data}) == len(FLOWS)
    assert all(np.min(area.y) >= 0 for area in figure.data[::2])
    assert all(np.max(area.y) <= 0 for area in figure.data[1::2])
    many = {f"I_{i}": WAVE * (i + 1) for i in range(20)}
    assert figures.carrying_most(many) == [f"I_{i}" for i in range(19, 7, -1)]
    figure_of_many = figures.current_shares(TIME, many, figures.carrying_most(many))
    looks = {(area.fillcolor, area.fillpattern.shape) for area in figure_of_many.data}
    assert len(looks) == len(figure_of_many.data) / 2 == 13
    other = {**FLOWS, "I_K": 0 * WAVE}
    figures.update_current_shares(figure, TIME, other, list(FLOWS))
    assert not np.any(figure.data[2].y)
    with pytest.raises(ValueError, match="6 areas"):
        figures.update_current_shares(figure, TIME, FLOWS, ["I_K"])


def test_restitution_leaves_out_what_was_not_caught_and_goes_by_the_diastolic_interval() -> None:
    figure = figures.diastolic_restitution([RESTITUTION])
    assert list(figure.data[0].x) == [20, 80] and list(figure.data[0].customdata) == [500, 400]
    moved = RESTITUTION._replace(APD90=[1.0, 2.0, 3.0], DI=[1.0, 2.0, 3.0])
    figures.update_diastolic_restitution(figure, [moved])
    assert list(figure.data[0].y) == [1, 2, 3]
    with pytest.raises(ValueError, match="1 lines"):
        figures.update_diastolic_restitution(figure, [moved, moved])


def test_currents_are_changed_in_place() -> None:
    figure = figures.currents(TIME, FLOWS, FLOWS)
    figures.update_currents(figure, TIME, FLOWS, {name: 0 * WAVE for name in FLOWS})
    assert np.any(figure.data[0].y) and not np.any(figure.data[1].y)
    with pytest.raises(ValueError, match="6 lines"):
        figures.update_currents(figure, TIME, {"I_K": WAVE}, {"I_K": WAVE})


def test_curves_are_told_apart_by_name_colour_and_dash() -> None:
    drawn = figures.curves([-40, 0, 40], {"peak": [-1, -3, 0.5], "steady": [0, 1, 2]}, "V (mV)", "I (A/F)")
    assert [line.name for line in drawn.data] == ["peak", "steady"]
    assert len({(line.line.color, line.line.dash) for line in drawn.data}) == 2
    assert list(drawn.data[0].x) == [-40, 0, 40] and list(drawn.data[1].y) == [0, 1, 2]
    assert drawn.layout.xaxis.title.text == "V (mV)" and drawn.layout.yaxis.title.text == "I (A/F)"
