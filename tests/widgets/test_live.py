"""Currents and restitution of step 2 against the simulator itself, only while somebody looks."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import numpy as np
import pytest

from ionwidgets.errors import SimulationError
from ionwidgets.models import load_model
from ionwidgets.simulation import S1S2, Drug, restitution, simulate
from ionwidgets.widgets import CurrentShares, DrugPanel, ProtocolPanel
from ionwidgets.widgets.experiment.beat_currents import BeatCurrents, beat_currents, carried
from ionwidgets.widgets.experiment.intervals import intervals
from ionwidgets.widgets.experiment.live import Live
from ionwidgets.widgets.experiment.s1s2 import is_s1s2, restitutions
from ionwidgets.widgets.experiment.shares import shares_table
from ionwidgets.widgets.experiment.state import ExperimentState


def test_currents_are_those_of_the_last_beat(experiment: ExperimentState) -> None:
    experiment.scale = {"g_Kr": 0.5}
    answer = beat_currents(experiment.question, None)
    direct = simulate(
        experiment.session.model, 1000.0, 5000.0, scale={"g_Kr": 0.5}, sample=0.5, record_from=4000.0
    )
    every = max(1, direct.sizes["time"] // answer.time.size)
    np.testing.assert_array_equal(answer.altered["I_Kr"], direct["I_Kr"].values[0, ::every])
    assert set(answer.control) == {current.name for current in experiment.session.model.currents}
    assert (
        carried(answer.time, answer.altered)["I_Kr"].charge
        < carried(answer.time, answer.control)["I_Kr"].charge
    )
    for currents in (answer.control, answer.altered):
        assert sum(each.share for each in carried(answer.time, currents).values()) == pytest.approx(1)
    table = shares_table(answer)
    assert "−" in table and "%" in table and "peak in A/F" in table
    again = beat_currents(experiment.question, answer)
    assert again.control is answer.control, "control is not simulated anew"


def test_nothing_is_simulated_until_it_is_watched(experiment: ExperimentState) -> None:
    asked: list[dict[str, float]] = []

    def work(question: object, before: object) -> object:
        asked.append(question.factors)  # type: ignore[attr-defined]
        return object()

    live: Live[object] = Live(experiment, work)
    experiment.scale = {"g_Kr": 0.5}
    assert live.worker.wait(10) and asked == []
    live.watched = True
    assert live.worker.wait(10) and asked == [{"g_Kr": 0.5}]
    thread = threading.Thread(target=lambda: setattr(experiment, "scale", {"g_Kr": 0.25}))
    thread.start()
    thread.join()
    assert live.worker.wait(10) and asked[-1] == {"g_Kr": 0.25}
    first = live.answer
    live.watched = False
    experiment.scale = {}
    assert live.worker.wait(10) and len(asked) == 2 and live.answer is first
    experiment.session.use_model(load_model("tnnp2004:endo"), "tnnp2004:endo")
    assert live.answer is None
    live.leave()
    live.leave()


def test_what_cannot_be_simulated_is_a_sentence(experiment: ExperimentState) -> None:
    live: Live[object] = Live(experiment, restitutions, is_s1s2)
    live.watched = True
    experiment.protocol = {"kind": "S1S2", "beats": 3, "s2": [0.5]}
    assert live.worker.wait(60)
    assert "longer than the stimulus" in live.problem
    experiment.protocol = {"kind": "S1S2", "beats": 3, "s2": [400.0]}
    assert live.worker.wait(60)
    assert live.problem == "" and live.answer is not None

    def fail(*_: object) -> object:
        raise ZeroDivisionError("1/0")

    broken: Live[object] = Live(experiment, fail)
    broken.watched = True
    assert broken.worker.wait(10)
    assert "ZeroDivisionError" in broken.problem


def test_restitution_is_the_simulators_own(experiment: ExperimentState) -> None:
    experiment.use_settings(
        {"scale": {"g_CaL": 0.5}, "protocol": {"kind": "S1S2", "beats": 3, "s2": [600.0, 320.0]}}
    )
    answer = restitutions(experiment.question, None)
    direct = restitution(
        simulate(
            experiment.session.model,
            protocol=S1S2(s1=1000.0, beats=3, s2=[320.0, 600.0]),
            scale={"g_CaL": 0.5},
            variables=[],
        )
    )
    assert answer.s2 == (320.0, 600.0)
    np.testing.assert_array_equal(answer.altered.APD90, direct["APD90"])
    np.testing.assert_array_equal(answer.altered.DI, direct["DI"])
    assert answer.altered.APD90[1] < answer.control.APD90[1] - 20
    assert answer.altered.slope > 0
    assert restitutions(experiment.question, answer).control is answer.control


def test_intervals_are_numbers_or_ranges() -> None:
    assert intervals("300, 350;400:600:100") == [300, 350, 400, 500, 600]
    for text in ("", "soon", "1:2", "600:400:100", "300:400:0", "0:1e9:1"):
        with pytest.raises(ValueError, match="S2 intervals"):
            intervals(text)


def test_a_drug_scales_as_the_simulators_own(experiment: ExperimentState) -> None:
    experiment.scale = {"g_Kr": 0.5}
    experiment.drug = {"ic50": {"g_Kr": 12.0, "g_CaL": 80.0}, "hill": {"g_Kr": 1.1}, "concentration": 6.0}
    assert experiment.worker.wait(60)
    drug = Drug({"g_Kr": 12.0, "g_CaL": 80.0}, 6.0, {"g_Kr": 1.1})
    direct = simulate(
        experiment.session.model, 1000.0, 5000.0, scale={"g_Kr": 0.5}, drug=drug, record_from=3000.0
    )
    np.testing.assert_allclose(experiment.response.altered.V, direct["V"][0], atol=1e-4)
    assert experiment.response.scale == {"g_Kr": 0.5}, "the sliders stay where they are"


@pytest.fixture
def drug() -> Iterator[DrugPanel]:
    panel = DrugPanel()
    yield panel
    assert panel.experiment.worker.wait(60)
    panel.close()


def test_the_rows_of_a_drug(drug: DrugPanel) -> None:
    drug.which.value = "g_Kr"
    drug.add.click()
    drug.rows["g_Kr"].ic50.value = 2.0
    drug.concentration.value = 6.0
    assert drug.experiment.question.factors == {"g_Kr": 0.25}
    assert "×0.25" in drug.rows["g_Kr"].left.value and drug.head.note == "g_Kr ×0.25"
    assert "g_Kr" not in drug.which.options
    drug.unit.value = "nM"
    now = drug.experiment.settings()["drug"]
    assert (now["concentration"], now["ic50"], now["unit"]) == (6000.0, {"g_Kr": 2000.0}, "nM")
    assert drug.experiment.question.factors == {"g_Kr": 0.25}, "the same drug in another unit"
    drug.rows["g_Kr"].hill.value = -1.0
    assert "Hill coefficient of g_Kr must be positive" in drug.problem.value
    assert drug.experiment.settings()["drug"]["hill"] == {"g_Kr": 1.0}
    drug.rows["g_Kr"].hill.value = 2.0
    assert drug.problem.value == ""

    def remove() -> None:
        drug.rows["g_Kr"].remove.click()

    thread = threading.Thread(target=remove)
    thread.start()
    thread.join()
    assert drug.rows == {} and drug.body.children == () and drug.experiment.question.factors == {}
    drug.experiment.undo()
    assert list(drug.rows) == ["g_Kr"]


def test_a_drug_that_makes_no_sense_is_told_of(drug: DrugPanel) -> None:
    drug.experiment.drug = {"ic50": {"g_X": 1.0}, "concentration": 1.0}
    assert "g_X" in drug.problem.value and "g_X" in drug.experiment.problem
    with pytest.raises(SimulationError):
        drug.experiment.use_settings({"drug": {"ic50": {"g_X": 1.0}}})


def test_shares_keep_their_colours_and_are_hidden_for_nothing() -> None:
    panel = CurrentShares()
    try:
        assert panel.currents.watched and panel.currents.worker.wait(120)
        figure = panel.stack.children[0]
        names = [area.name for area in figure.data]
        panel.experiment.scale = {"g_Kr": 0.0}
        assert panel.currents.worker.wait(60)
        assert panel.stack.children[0] is figure and [area.name for area in figure.data] == names
        panel.which.value = ("I_Kr", "I_Ks")
        lines = panel.single.children[0]
        assert len(lines.data) == 4 and not np.any(lines.data[1].y) and np.any(lines.data[0].y)
        panel.experiment.scale = {}
        assert panel.currents.worker.wait(60)
        assert panel.single.children[0] is lines
        np.testing.assert_array_equal(lines.data[1].y, lines.data[0].y)
        panel.head.unfolded = False
        assert not panel.currents.watched and panel.body.layout.display == "none"
        panel.head.unfolded = True
        panel.hide()
        assert not panel.currents.watched
        panel.show()
        panel.model = "hh1952"
        assert panel.experiment.worker.wait(120) and panel.currents.worker.wait(120)
        assert {area.name for area in panel.stack.children[0].data} == {"I_Na", "I_K", "I_L"}
        answer: BeatCurrents = panel.currents.answer
        assert answer.cycle_length == 50.0
    finally:
        panel.close()


def test_a_protocol_is_chosen_and_undone() -> None:
    panel = ProtocolPanel()
    try:
        panel.kind.value = "S1S2"
        assert panel.experiment.protocol["kind"] == "S1S2" and panel.s2.value.startswith("250, 280")
        panel.s2.value = "300:500:100"
        panel.beats.value = 3
        assert panel.experiment.protocol == {"kind": "S1S2", "beats": 3, "s2": [300.0, 400.0, 500.0]}
        assert panel.restitution.worker.wait(120)
        assert len(panel.curve.children[0].figure.data[0].x) == 2, "S2 after 300 ms does not catch"
        panel.s2.value = "soon"
        assert "S2 intervals are numbers in ms" in panel.problem.value
        panel.kind.value = "pacing"
        assert panel.experiment.protocol == {"kind": "pacing", "beats": 5} and panel.curve.children == ()
        panel.beats.value = 20
        assert panel.experiment.worker.wait(60) and panel.experiment.response.beats == 20
        panel.experiment.undo()
        assert panel.experiment.protocol == {"kind": "pacing", "beats": 5}
        assert panel.kind.value == "pacing" and panel.beats.value == 5
        panel.model = "noble1962"
        assert panel.cycle_length.layout.display == panel.kind.layout.display == "none"
        assert panel.experiment.worker.wait(120)
    finally:
        panel.close()
