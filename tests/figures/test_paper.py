"""The paper's figures: what stands on every axis, which sources are drawn, one colour for each."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import Any

import numpy as np
import plotly.graph_objects as go
import plotly.io
import pytest
import xarray as xr

from ionwidgets.figures import paper
from ionwidgets.figures.theme import ALTERED, CONTROL, LEARNT, NEURAL

TIME = np.arange(0.0, 5000.0, 2.0)
SOURCES = ("control cell", "altered cell", "network on the control (mp)", "network on the altered (mq)")
NO_AP = "emulator: no action potential"


def cells(*cycle_lengths: float) -> xr.Dataset:
    phase = TIME[None, :] % np.array(cycle_lengths)[:, None]
    return xr.Dataset(
        {
            "V": (("cell", "time"), -85 + 120 * np.exp(-phase / 150)),
            "Ca_i": (("cell", "time"), 1e-4 + 1e-3 * np.exp(-phase / 200)),
        },
        coords={"time": TIME, "cycle_length": ("cell", list(cycle_lengths))},
    )


def run(decoder: str, eta: float, error: float | None, ratio: float) -> dict[str, Any]:
    return {
        "decoder": decoder,
        "eta": eta,
        "apd90_error_ms": {"800": error, "400": error, "550": 1.0},
        "current_ratios": {"I_Kr": ratio, "I_to": 1.0},
    }


EXPERIMENT: dict[str, Any] = {
    "title": "Long QT",
    "current": "I_Kr",
    "true_ratios": {"I_Kr": 0.25, "I_to": 1.0},
    "runs": [
        run("emulator", 2e-4, None, 0.5),
        run("emulator", 1e-4, -12.0, 0.6),
        run("ode", 1e-4, 2.0, 0.24),
    ],
    "best": {
        "emulator": {
            "eta": 1e-4,
            "cycle_length_ms": [400, 550],
            "apd90_error_ms": [None, -12.0],
            "v_rmse_mV": [20.0, None],
        },
    },
}


def currents() -> dict[str, dict[str, np.ndarray]]:
    names = ("I_Na", "I_CaL", "I_Kr", "I_Ks", "I_to")
    return {name: {source: np.sin(TIME / 100) for source in SOURCES} for name in names}


def neural_odes() -> dict[str, dict[str, tuple[np.ndarray, np.ndarray]]]:
    wave = (TIME, cells(350)["V"].values[0])
    sources = (
        "control",
        "altered cell",
        "neural ODE, emulator (η 0.0016)",
        "neural ODE, ODE decoder (η 0.0003)",
    )
    return {"Long QT": dict.fromkeys(sources, wave), "I_to": dict.fromkeys(sources[:2], wave)}


FIGURES = {
    "2": lambda **k: paper.base_figure(cells(800, 550, 320), **k),
    "3": lambda **k: paper.experiments_figure(
        cells(350), {"Long QT": cells(350), "I_to": cells(350).isel(cell=0)}, **k
    ),
    "4": lambda **k: paper.neural_ode_figure(neural_odes(), **k),
    "5": lambda **k: paper.currents_figure("Long QT (g_Kr ×0.25), CL 445 ms", TIME, currents(), **k),
    "eta": lambda **k: paper.eta_figure(EXPERIMENT, **k),
    "best": lambda **k: paper.best_figure(EXPERIMENT, **k),
}


@pytest.mark.parametrize("mode", ["light", "dark"])
@pytest.mark.parametrize("name", FIGURES)
def test_every_axis_has_name_and_unit_and_no_line_is_empty(name: str, mode: str) -> None:
    figure = FIGURES[name](mode=mode)
    for axis in [*figure.select_xaxes(), *figure.select_yaxes()]:
        assert axis.title.text.endswith(")") and " (" in axis.title.text
    assert figure.data
    for line in figure.data:
        assert line.name
        assert len(line.x) == len(line.y) > 0 and np.isfinite(line.y).any()
    shown = [line.name for line in figure.data if line.showlegend]
    assert len(shown) == len(set(shown)) and set(shown) == {line.name for line in figure.data}
    again = plotly.io.from_json(figure.to_json())
    assert json.loads(again.to_json()) == json.loads(figure.to_json())


@pytest.mark.parametrize("name", FIGURES)
def test_panels_and_titles_do_not_overlap(name: str) -> None:
    figure = FIGURES[name]()
    domains = [axis.domain for axis in figure.select_yaxes()]
    assert all(upper[0] > lower[1] for upper, lower in pairwise(domains))
    assert domains[-1][0] >= 0 and domains[0][1] < 1


def names(figure: go.Figure) -> list[str]:
    return list(dict.fromkeys(line.name for line in figure.data))


def colours(figure: go.Figure) -> dict[str, str]:
    return {line.name: line.line.color for line in figure.data}


def test_base_shows_the_last_two_seconds_of_every_cell_in_micromolar() -> None:
    figure = FIGURES["2"]()
    assert [a.text for a in figure.layout.annotations] == [
        f"Control, CL {length} ms" for length in (800, 550, 320)
    ]
    assert len(figure.data) == 6
    assert figure.data[0].x[0] == 0 and figure.data[0].x[-1] == 2000
    np.testing.assert_allclose(
        figure.data[1].y, 1000 * cells(800)["Ca_i"].sel(time=slice(2998, None))[0], rtol=1e-6
    )


def test_a_source_has_its_colour_in_every_figure() -> None:
    assert colours(FIGURES["3"]()) == {"control": CONTROL, "altered cell": ALTERED}
    assert list(colours(FIGURES["4"]()).values()) == [CONTROL, ALTERED, LEARNT, NEURAL]
    assert list(colours(FIGURES["5"]()).values()) == [CONTROL, ALTERED, LEARNT, LEARNT]
    assert list(colours(FIGURES["5"](decoder="ode")).values()) == [CONTROL, ALTERED, NEURAL, NEURAL]
    eta = colours(FIGURES["eta"]())
    assert (eta["emulator"], eta["ODE decoder"]) == (LEARNT, NEURAL)
    assert (eta["control"], eta["altered cell (truth)"]) == (CONTROL, ALTERED)
    dashes = [line.line.dash for line in FIGURES["5"]().data[:4]]
    assert dashes == [None, None, "dot", "dash"]


def test_currents_have_a_panel_each() -> None:
    figure = FIGURES["5"]()
    assert [axis.title.text for axis in figure.select_yaxes()] == [
        f"I<sub>{name}</sub> (A/F)" for name in ("Na", "CaL", "Kr", "Ks", "to")
    ]
    assert names(figure) == list(SOURCES)


def test_a_long_title_is_broken_into_even_lines() -> None:
    figure = paper.currents_figure(
        "Short QT (g_CaL ×0.25), ODE decoder (η 0.0015), CL 445 ms", TIME, currents()
    )
    lines = figure.layout.annotations[0].text.split("<br>")
    assert len(lines) == 2 and all(20 < len(line) <= 48 for line in lines)


def test_eta_has_the_truth_and_says_where_there_is_no_action_potential() -> None:
    figure = FIGURES["eta"]()
    titles = [axis.title.text for axis in figure.select_yaxes()]
    assert titles == ["at CL 400 (ms)", "at CL 550 (ms)", "at CL 800 (ms)", "I_Kr (ratio)"]
    lost = [line for line in figure.data if line.name == NO_AP]
    assert len(lost) == 2 and all(list(line.x) == [np.float32(2e-4)] for line in lost)
    assert all(line.y[0] < -12 for line in lost)
    truth = [line for line in figure.data if line.name == "altered cell (truth)"]
    assert [float(line.y[0]) for line in truth] == [0, 0, 0, 0.25]
    emulator = next(line for line in figure.data if line.name == "emulator")
    np.testing.assert_allclose(emulator.x, [1e-4, 2e-4], rtol=1e-6)
    np.testing.assert_array_equal(emulator.y, [-12, np.nan])


def test_best_draws_the_decoders_that_there_are() -> None:
    assert names(FIGURES["best"]()) == ["altered cell (truth)", "emulator", NO_AP]
    lost = EXPERIMENT["best"]["emulator"] | {"apd90_error_ms": [None, None], "v_rmse_mV": [None, None]}
    figure = paper.best_figure(EXPERIMENT | {"best": {"emulator": lost, "ode": None}})
    assert names(figure) == ["altered cell (truth)", NO_AP]
