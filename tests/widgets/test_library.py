"""Every model of the library in the first two steps, and what its kind asks for."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator
from typing import Any

import ipywidgets as ipw
import numpy as np
import pytest

from ionwidgets.models import list_models, load_model
from ionwidgets.widgets import Session, Workbench
from ionwidgets.widgets.experiment import state as experiment_state
from ionwidgets.widgets.experiment.measures import BIOMARKERS
from ionwidgets.widgets.experiment.rhythm import rhythm_of
from ionwidgets.widgets.experiment.state import ExperimentState
from ionwidgets.widgets.experiment.wave import Wave, thinned
from ionwidgets.widgets.learn import shipped
from ionwidgets.widgets.workbench import EXPERIMENT, INTERPRET, LEARN, MODEL, RETRAIN

Until = Callable[..., None]
NAMES = [card.name for card in list_models()]
NO_NUMBER = re.compile(r"\b(nan|none|inf)\b", re.IGNORECASE)


@pytest.fixture(scope="module")
def bench() -> Iterator[Workbench]:
    session = Session()
    session.use_model(load_model("tnnp2004"), "tnnp2004:M")
    made = Workbench(session)
    made.go_to(MODEL)
    made.go_to(EXPERIMENT)
    yield made
    assert made.experiment.worker.wait(120)
    made.close()


def _open(bench: Workbench, name: str) -> Any:
    model = load_model(name)
    bench.session.use_model(model, model.key)
    assert bench.experiment.worker.wait(120)
    assert bench.experiment.problem == ""
    return model


def _tables(widget: ipw.Widget) -> str:
    own = widget.value if isinstance(widget, ipw.HTML) else ""
    return own + "".join(_tables(child) for child in getattr(widget, "children", ()))


@pytest.mark.parametrize("name", NAMES)
def test_every_model_opens_with_its_facts_its_response_and_its_sliders(bench: Workbench, name: str) -> None:
    model = _open(bench, name)
    response = bench.experiment.response
    for wave in (response.control, response.altered):
        arrays = [wave.time, wave.V, *([] if wave.Ca_i is None else [wave.Ca_i])]
        assert all(np.all(np.isfinite(array)) for array in arrays)
        assert np.ptp(wave.V) > 80, "it beats"
        assert set(wave.biomarkers) <= set(BIOMARKERS) and np.all(np.isfinite(list(wave.biomarkers.values())))
        assert "Peak" in wave.biomarkers and len(wave.biomarkers) >= 5
    picker, sliders = bench.picker, bench.sliders
    text = _tables(picker)
    numbers = "".join(part.value for part in (picker.about, picker.contents, picker.biomarkers))
    assert not NO_NUMBER.search(re.sub("<[^>]*>|none: it beats", " ", numbers + sliders.biomarkers.value))
    for part in (model.key, model.species, model.tissue, model.publication, model.doi):
        assert part.replace("'", "&#x27;") in text
    assert f"{len(model.states)} states, {len(model.gates)} gates, {len(model.currents)} currents" in text
    assert all(
        word in text
        for word in (*model.states, *(current.name for current in model.currents))
        if "_" not in word
    )
    assert "dV/dt" in picker.equations.value and "mV/ms" in picker.equations.value
    assert "mS/uF" not in picker.equations.value and "mS/µF" not in picker.equations.value
    assert all(len(label) <= 45 for label, _ in picker.model_menu.options)
    assert [entry["name"] for entry in sliders.sliders.conductances] == list(model.scalable)
    assert all(re.search(r"\d|whole current", entry["note"]) for entry in sliders.sliders.conductances)
    for figure, lines in ((picker.figure, 1), (sliders.figure, 2)):
        assert len(figure.data) == (1 if model.calcium is None else 2) * lines
        assert figure.layout.visibility is None
    first = next(iter(model.scalable))
    sliders.sliders.scale = {first: 0.5, "g_of_another_model": 2.0}
    assert bench.experiment.worker.wait(60)
    assert bench.experiment.scale == {first: 0.5} and bench.experiment.problem == ""
    assert not np.array_equal(bench.experiment.response.altered.V, response.control.V)


def test_an_axon_is_shown_at_its_own_pace_and_a_heart_at_its_own(bench: Workbench) -> None:
    _open(bench, "tnnp2004")
    bench.experiment.cycle_length = 600.0
    _open(bench, "hh1952")
    assert bench.experiment.cycle_length == 50.0
    response = bench.experiment.response
    assert response.cycle_length == 50.0
    assert 1 < response.control.biomarkers["APD90"] < 5
    bench.experiment.cycle_length = 5.0
    assert "between 10 and 5000 ms" in bench.experiment.problem
    _open(bench, "ord2011")
    assert bench.experiment.cycle_length == 1000.0
    bench.experiment.cycle_length = 700.0
    _open(bench, "lr1991")
    assert bench.experiment.cycle_length == bench.experiment.response.cycle_length == 700.0
    assert bench.protocol.cycle_length.value == 700.0


def test_a_cell_that_beats_by_itself_is_measured_by_its_own_beats(bench: Workbench) -> None:
    _open(bench, "noble1962")
    panel = bench.sliders
    measures = bench.experiment.response.control.biomarkers
    assert measures["Period"] == pytest.approx(565, abs=15)
    assert measures["Lowest potential"] < -80 and "Resting potential" not in measures
    assert bench.protocol.cycle_length.layout.display == "none"
    assert bench.protocol.unpaced.layout.display is None
    assert "beating by itself" in bench.picker.biomarkers.value
    bench.experiment.scale = {"g_L": 4.0}
    assert bench.experiment.worker.wait(60)
    assert not NO_NUMBER.search(re.sub("<[^>]*>", " ", panel.biomarkers.value))


def test_a_neuron_under_a_step_is_measured_by_its_spikes(bench: Workbench) -> None:
    _open(bench, "pospischil2008")
    measures = bench.experiment.response.control.biomarkers
    assert "APD90" not in measures
    assert measures["Spikes"] > 5
    assert measures["Rate"] == pytest.approx(measures["Spikes"] / 0.4)
    assert measures["First interval"] < measures["Last interval"], "it adapts"
    assert rhythm_of(load_model("pospischil2008")).shortest > 400
    bench.experiment.scale = {"g_Na": 0.0}
    assert bench.experiment.worker.wait(60)
    silent = bench.experiment.response.altered.biomarkers
    assert silent["Spikes"] == 0 and "Peak" not in silent
    assert "−" in bench.sliders.biomarkers.value


def test_many_models_in_a_row_end_with_the_last_one_alone(bench: Workbench) -> None:
    for name in [*NAMES, "hh1952", "ord2011"]:
        model = load_model(name)
        bench.session.use_model(model, model.key)
        response = bench.experiment.response
        assert response is None or (response.control.Ca_i is None) == (model.calcium is None)
    assert bench.experiment.worker.wait(120)
    direct = experiment_state.simulate_wave(bench.session.model, bench.experiment.cycle_length, {})
    np.testing.assert_array_equal(bench.experiment.response.control.V, direct.V)
    assert bench.picker.model_menu.value == "ord2011"


def test_a_compile_is_announced_and_a_kernel_that_is_there_is_not(
    session: Session, monkeypatch: pytest.MonkeyPatch, until: Until
) -> None:
    wave = Wave(np.zeros(2, np.float32), np.zeros(2, np.float32), None, {})
    go_on = threading.Event()
    monkeypatch.setattr(experiment_state, "SLOW", 0.05)
    monkeypatch.setattr(experiment_state, "simulate_wave", lambda *_: (go_on.wait(10), wave)[1])
    state = ExperimentState(session)
    state.scale = {"g_Kr": 0.5}  # control is stored, this is not
    until(lambda: "compile" in session.activities)
    assert session.activities["compile"][0].startswith("Compiling ten Tusscher")
    assert "first time only" in session.activities["compile"][0]
    go_on.set()
    assert state.worker.wait(10)
    assert session.activities == {} and state.response is not None
    seen: list[Any] = []
    session.observe(lambda change: seen.append(change["new"]), "activities")
    session.use_model(load_model("hh1952"), "hh1952")
    state.scale = {"g_Na": 0.5}
    assert state.worker.wait(10)
    assert not any("compile" in activities for activities in seen)


def test_thinning_keeps_spikes_and_ends() -> None:
    V = np.full(20_000, -70, np.float32)
    V[[137, 9_999, 19_998]] = 40
    V[500] = -90
    kept = thinned(V, 4000)
    assert {0, 137, 500, 9_999, 19_998, 19_999} <= set(kept) and kept.size <= 4002
    assert np.all(np.diff(kept) > 0)
    np.testing.assert_array_equal(thinned(V[:100], 4000), np.arange(100))


def test_a_model_without_a_shipped_network_is_learnt_first_and_the_page_says_so(
    bench: Workbench, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = shipped._learnt()
    monkeypatch.setattr(shipped, "_learnt", lambda: {key: known[key] for key in known if key != "lr1991"})
    words = "No network is shipped for Luo-Rudy 1991"
    bench.session.load_example()
    _open(bench, "lr1991")
    bench.go_to(LEARN)
    assert f"{words}: press Train" in _tables(bench.training)
    assert not bench.training.buttons.go.disabled
    bench.go_to(RETRAIN)
    panel = bench.retraining
    assert panel.shares.layout.display == "none", "no empty axes"
    assert not panel.buttons.go.disabled and f"{words}: one learns the model first" in _tables(panel)
    bench.go_to(INTERPRET)
    assert not bench.headline.live.disabled
    bench.session.network = object.__new__(_Learnt)
    assert words not in _tables(panel)
    assert "The network that has learnt the model is in use" in _tables(bench.training)
    _open(bench, "tnnp2004")
    assert not panel.buttons.go.disabled and words not in _tables(panel)
    assert bench.learn.check.wait(60)


class _Learnt:
    def gate_curves(self, V: Any) -> Any:
        return load_model("lr1991").gate_curves(V)


def test_a_neuron_has_its_network_too(bench: Workbench) -> None:
    _open(bench, "pospischil2008")
    assert not bench.learn.blockers
    bench.go_to(LEARN)
    assert bench.learn.check.wait(60) and bench.session.network is not None
    assert set(bench.learn.fit.errors()) == set(bench.session.model.gate_names)
