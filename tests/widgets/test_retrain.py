"""Seeds, decoder, control recording and the sweep over eta: what is asked, what is told, what is chosen."""

from __future__ import annotations

import threading
from collections.abc import Callable
from copy import deepcopy
from typing import Any

import pytest
import xarray as xr
from widgets.stubs import FINDING, Result

from ionwidgets.errors import IonWidgetsError, TrainingError
from ionwidgets.jobs import Cancelled
from ionwidgets.models import load_model
from ionwidgets.widgets.learn.state import LearnState
from ionwidgets.widgets.retrain.panel import RetrainPanel
from ionwidgets.widgets.retrain.seeds import SeedRun, agreement, best_of
from ionwidgets.widgets.retrain.state import WAITS, RetrainState
from ionwidgets.widgets.retrain.sweep import EtaSweep, etas_of
from ionwidgets.widgets.session import Session

Until = Callable[..., None]


@pytest.fixture
def retrain(session: Session, recording: xr.Dataset) -> RetrainState:
    session.use_recording(recording, "cell7.csv")
    return RetrainState(session, LearnState(session))


def finding(scale: float, rmse: float, *found: str) -> dict[str, Any]:
    made = deepcopy(FINDING)
    made["fit"]["v_rmse_mV"] = rmse
    for entry in (*made["currents"], *made["gates"]):
        entry["found"] = entry.get("gate", entry["current"]) in found
    made["currents"][1]["scale"] = scale
    return made


FOUND = {
    0: finding(0.25, 0.5, "I_Kr"), 1: finding(0.4, 0.1, "I_Ks"), 2: finding(0.3, 0.3, "I_Kr"),
}  # fmt: skip


def discovering(monkeypatch: pytest.MonkeyPatch, answer: Callable[..., Any]) -> list[dict[str, Any]]:
    asked: list[dict[str, Any]] = []

    def discover(model: Any, recording: Any, *, progress: Any, **named: Any) -> Any:
        asked.append(named)
        progress.report(0.5, "Fitting the proposed changes", importance={"I_Kr": 0.4})
        return answer(model, recording, named.get("seed", 0))

    monkeypatch.setattr("ionwidgets.discovery.discover", discover)
    return asked


def test_every_seed_is_run_and_what_most_found_is_in_use(
    retrain: RetrainState, monkeypatch: pytest.MonkeyPatch, until: Until
) -> None:
    asked = discovering(monkeypatch, lambda model, recording, seed: Result(model, recording, FOUND[seed]))
    retrain.seeds = (0, 1, 2)
    told: list[str] = []
    retrain.session.observe(
        lambda change: told.extend(words for words, _ in change["new"].values()), "activities"
    )
    retrain.start()
    until(lambda: retrain.phase == "done", 30)
    assert [named.get("seed") for named in asked] == [None, 1, 2]
    assert any("Seed 1 (2 of 3): Fitting" in words for words in told)
    assert [run.seed for run in retrain.runs] == [0, 1, 2]
    assert retrain.session.result is retrain.runs[2].result, "two found I_Kr, the second misses V by less"
    assert "2 of 3 seeds found this; seed 2 is in use" in retrain.outcome
    one = agreement(retrain.runs)[0]
    assert (one.name, one.seeds, one.low, one.high) == ("I_Kr", (0, 2), 0.25, 0.3)
    retrain.choose(1)
    assert retrain.session.result is retrain.runs[1].result and len(retrain.runs) == 3
    retrain.session.result = None
    assert retrain.runs == ()


def test_a_seed_that_fails_loses_none_of_the_others(
    retrain: RetrainState, monkeypatch: pytest.MonkeyPatch, until: Until
) -> None:
    def answer(model: Any, recording: Any, seed: int) -> Any:
        if seed != 2:
            raise TrainingError("stage 2 diverged")
        return Result(model, recording, FOUND[2])

    discovering(monkeypatch, answer)
    retrain.seeds = (0, 2)
    retrain.start()
    until(lambda: retrain.phase == "done", 30)
    assert retrain.session.result is retrain.runs[1].result and retrain.runs[0].words == "stage 2 diverged"
    retrain.seeds = (0, 1)
    retrain.start()
    until(lambda: retrain.phase == "failed", 30)
    assert "no seed came out; the first: stage 2 diverged" in retrain.outcome


def test_a_stop_keeps_the_seeds_that_are_done(
    retrain: RetrainState, monkeypatch: pytest.MonkeyPatch, until: Until
) -> None:
    second = threading.Event()

    def answer(model: Any, recording: Any, seed: int) -> Any:
        if seed == 1:
            second.set()
            raise Cancelled
        return Result(model, recording, FOUND[seed])

    discovering(monkeypatch, answer)
    retrain.seeds = (0, 1, 2)
    retrain.start()
    until(lambda: retrain.phase == "done", 30)
    assert "stopped after 1 of 3 seeds" in retrain.outcome and len(retrain.runs) == 1


def test_seeds_that_are_edited_meanwhile_are_those_of_the_next_run(
    retrain: RetrainState, monkeypatch: pytest.MonkeyPatch, until: Until
) -> None:
    begun, edited = threading.Event(), threading.Event()

    def answer(model: Any, recording: Any, seed: int) -> Any:
        begun.set()
        assert edited.wait(30)
        return Result(model, recording, FOUND[seed])

    asked = discovering(monkeypatch, answer)
    retrain.start()
    assert begun.wait(30)
    retrain.seeds = (0, 1, 2, 3, 4)
    edited.set()
    until(lambda: retrain.phase == "done", 30)
    assert len(asked) == len(retrain.runs) == 1 and "stopped" not in retrain.outcome


def test_a_sweep_waits_for_what_concerns_it_whatever_the_words(
    retrain: RetrainState, gate: Any, monkeypatch: pytest.MonkeyPatch, until: Until
) -> None:
    monkeypatch.setattr("ionwidgets.widgets.retrain.state.WAITS", {key: f"{key} runs." for key in WAITS})
    monkeypatch.setattr(EtaSweep, "work", lambda self, control: gate.work(control))
    sweep = EtaSweep(retrain.session, retrain)
    retrain.decoder = "emulator"
    assert "emulator" in retrain.blockers[0] and sweep.blockers == ()
    sweep.start()
    assert gate.reported.wait(10)
    assert any("runs." in line for line in retrain.blockers) and sweep.blockers == ()
    sweep.stop()
    until(lambda: not sweep.busy)
    retrain.session.recording = None
    assert sweep.blockers == ("Load a recording in step 2, or the bundled example.",)


def test_the_control_recording_and_the_settings_reach_discover(
    retrain: RetrainState, recording: xr.Dataset, monkeypatch: pytest.MonkeyPatch, until: Until
) -> None:
    asked = discovering(monkeypatch, lambda model, recording, seed: Result(model, recording))
    retrain.session.use_control(recording.copy(), "before.csv")
    retrain.use_settings({"stimulus": [-40, 1], "paced_for": 15000, "eta": 1e-4})
    retrain.start()
    until(lambda: retrain.phase == "done", 30)
    assert asked[0]["control"] is retrain.session.control
    assert (asked[0]["stimulus"], asked[0]["paced_for"], asked[0]["eta"]) == ((-40.0, 1.0), 15000.0, 1e-4)
    retrain.session.use_control(None)
    assert retrain.session.result is None and retrain.runs == ()


def test_why_the_emulator_cannot_be_the_decoder(retrain: RetrainState, recording: xr.Dataset) -> None:
    assert "no Ca_i" in retrain.no_emulator and retrain.blockers == ()
    retrain.decoder = "emulator"
    assert "The emulator cannot be the decoder" in retrain.blockers[0]
    session, both = retrain.session, recording.assign(Ca_i=recording["V"])
    session.use_recording(both, "dye.csv")
    assert retrain.no_emulator == "" and retrain.blockers == ()
    session.use_control(both, "before.csv")
    assert "control recording" in retrain.no_emulator
    session.use_control(None)
    retrain.leak = (0.02, 0.0)
    assert "leak" in retrain.no_emulator
    retrain.leak = None
    session.use_model(load_model("hh1952"), "hh1952")
    assert "no cytosolic calcium" in retrain.no_emulator


def test_a_constant_that_the_model_lacks_is_said_before_the_start(retrain: RetrainState) -> None:
    retrain.conditions = {"K_out": 4.0}
    assert "K_out" in retrain.blockers[0] and retrain.blockers[0].startswith("More about the recording")
    retrain.conditions = {"K_o": 4.0}
    assert retrain.blockers == ()


def test_the_panel_takes_what_is_typed(retrain: RetrainState) -> None:
    panel = RetrainPanel(retrain.session, retrain)
    panel.show()
    panel.seeds.value = "0-2"
    assert retrain.seeds == (0, 1, 2) and panel.seeds.value == "0, 1, 2"
    panel.seeds.value = "many"
    assert retrain.seeds == (0, 1, 2) and "whole numbers" in panel.problem.value
    about = panel.about
    about.numbers["stimulus"][0].value = "-40"
    assert retrain.stimulus is None and "stimulus for" in about.problem.value
    about.numbers["stimulus"][1].value = "1,5"
    assert retrain.stimulus == (-40.0, 1.5) and about.problem.value == ""
    about.numbers["paced_for"][0].value = "-3"
    assert retrain.paced_for is None and "paced_for" in about.problem.value
    about.bath.value = "K_o=4, T=310"
    assert retrain.conditions == {"K_o": 4.0, "T": 310.0}
    about.bath.value = "K_o"
    assert "not a name and a number" in about.problem.value
    retrain.use_settings({})
    assert about.numbers["stimulus"][0].value == "" and retrain.conditions is None
    assert panel.decoder.disabled and "no Ca_i" in panel.no_emulator.value
    panel.close()


def test_the_panel_shows_what_the_seeds_agree_on(
    retrain: RetrainState, monkeypatch: pytest.MonkeyPatch, until: Until
) -> None:
    discovering(monkeypatch, lambda model, recording, seed: Result(model, recording, FOUND[seed]))
    panel = RetrainPanel(retrain.session, retrain)
    panel.show()
    assert panel.several.layout.display == "none"
    retrain.seeds = (0, 1, 2)
    retrain.start()
    until(lambda: retrain.phase == "done" and panel.several.layout.display is None, 30)
    assert panel.in_use.value == 2 and "2 of 3 (seeds 0, 2)" in panel.over_seeds.value
    panel.in_use.value = 0
    assert retrain.session.result is retrain.runs[0].result
    assert "0, in use" in panel.over_seeds.value
    panel.close()


def test_the_best_of_none_is_none() -> None:
    assert best_of([SeedRun(0, None, "no beats")]) is None


def test_etas_as_they_are_typed() -> None:
    assert etas_of("1e-3, 0.01;1e-4 1e-3") == (1e-4, 1e-3, 1e-2)
    for text in ("", "x", "0", "1", "nan", "1e-3 2", " ".join(str(i / 100) for i in range(1, 60))):
        with pytest.raises(IonWidgetsError, match="between 0 and 1"):
            etas_of(text)


def test_a_sweep_over_eta_on_a_real_recording(until: Until) -> None:
    """A larger eta moves the gates less; choosing one sets it; the other work waits meanwhile."""
    session = Session()
    session.load_example()
    learn = LearnState(session)
    retrain = RetrainState(session, learn)
    sweep = EtaSweep(session, retrain, etas=(1e-4, 1e-2))
    panel = RetrainPanel(session, retrain, sweep)
    panel.show()
    panel.trade_off.buttons.go.click()
    assert sweep.busy and "sweep over eta" in retrain.blockers[0] and learn.blockers
    until(lambda: sweep.phase not in ("idle", "running"), 120)
    assert sweep.phase == "done", sweep.outcome
    small, large = sweep.points
    assert small.moved > 3 * large.moved > 0 and 0 < small.misfit < 0.01 > large.misfit
    assert not retrain.blockers and not learn.blockers
    menu = panel.trade_off.menu
    assert menu.value is None
    menu.value = 1e-2
    assert retrain.eta == 1e-2 and panel.eta.value == 1e-2
    assert "0.01, in use" in panel.trade_off.table.value
    assert list(panel.trade_off.figure.data[1].x) == [large.moved]
    session.use_recording(session.recording.copy(), "other.csv")
    assert sweep.points == ()
    panel.close()
