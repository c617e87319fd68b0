"""Presets against every model of the library."""

from __future__ import annotations

import pytest

from ionwidgets.models import list_models, load_model
from ionwidgets.widgets import ChannelSliders
from ionwidgets.widgets.experiment.panel import OWN
from ionwidgets.widgets.experiment.presets import missing, offered, presets
from ionwidgets.widgets.experiment.setting import checked

KEYS = [key for card in list_models() for key in card.keys]
LONG_QT, SHORT_QT, MORE_I_TO, LQT1, LQT2, LQT3, BRUGADA = (preset.name for preset in presets()[1:])
EXPECTED = {
    "tnnp2004:M": {LONG_QT, SHORT_QT, MORE_I_TO, LQT1, LQT2, BRUGADA},
    "ord2011:endo": {LONG_QT, SHORT_QT, MORE_I_TO, LQT1, LQT2, LQT3, BRUGADA},
    "torord2019:endo": {LONG_QT, SHORT_QT, MORE_I_TO, LQT1, LQT2, LQT3, BRUGADA},
    "fox2002": {LONG_QT, SHORT_QT, MORE_I_TO, LQT1, LQT2, BRUGADA},
    "lr1991": {SHORT_QT},
    "br1977": {SHORT_QT},
    "hh1952": set(),
    "noble1962": set(),
    "pospischil2008:RS": set(),
}


@pytest.mark.parametrize("key", KEYS)
def test_a_preset_is_offered_where_the_model_has_its_currents(key: str) -> None:
    model = load_model(key)
    scales = offered(model)
    assert {*scales, *missing(model)} == {preset.name for preset in presets()}
    assert not {*scales} & {*missing(model)}
    assert scales["Control"] == {}
    for scale in scales.values():
        assert checked(model, {"scale": scale})["scale"] == scale
    if key in EXPECTED:
        assert set(scales) - {"Control"} == EXPECTED[key]


def test_names_of_conductances_follow_the_model() -> None:
    assert offered(load_model("tnnp2004:M"))[SHORT_QT] == {"g_CaL": 0.25}
    assert offered(load_model("grandi2010:epi"))[SHORT_QT] == {"P_CaL": 0.25}
    assert offered(load_model("torord2019:endo"))[SHORT_QT] == {"P_Ca": 0.25}
    assert offered(load_model("fox2002"))[SHORT_QT] == {"I_CaL": 0.25}
    assert offered(load_model("lr1991"))[SHORT_QT] == {"g_si": 0.25}


def test_every_preset_names_its_source_and_says_what_is_not_in_it() -> None:
    for preset in presets():
        assert preset.source
        assert preset.note or not preset.factors
        assert all(factor >= 0 and factor != 1 for factor in preset.factors.values())


def test_under_a_drug_the_cell_is_no_preset_and_choosing_one_ends_the_drug() -> None:
    panel = ChannelSliders(model="tnnp2004:M")
    state, block = panel.experiment, {"ic50": {"g_Kr": 1.0}, "hill": {"g_Kr": 1.0}, "unit": "µM"}
    assert panel.preset.value == "Control" and "as published" in panel.source.value
    state.drug = block | {"concentration": 0.0}
    assert panel.preset.value == "Control", "nothing is blocked yet"
    state.drug = block | {"concentration": 10.0}
    assert panel.preset.value == OWN and "as published" not in panel.source.value
    panel.preset.value = "Control"
    assert state.drug is None and state.scale == {}
    assert "as published" in panel.source.value
    state.undo()
    assert state.drug["concentration"] == 10.0 and panel.preset.value == OWN
    panel.preset.value = SHORT_QT
    assert state.drug is None and state.scale == {"g_CaL": 0.25} and panel.preset.value == SHORT_QT
    assert state.worker.wait(120)
    panel.close()
