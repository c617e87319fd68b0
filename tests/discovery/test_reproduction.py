"""The reproduction of the paper, in small: every part runs, lands in the folder and is not done twice."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ionwidgets.discovery.reproduction import reproduce
from ionwidgets.discovery.reproduction.experiments import CURRENTS, EXPERIMENTS
from ionwidgets.discovery.reproduction.settings import Reproduction
from ionwidgets.errors import IonWidgetsError
from ionwidgets.gnn import Network
from ionwidgets.gnn.paper import Paper
from ionwidgets.gnn.retrain import Stage2
from ionwidgets.jobs import Cancelled

SMALL = Reproduction(
    paper=Paper(
        cycle_lengths=(320.0, 350.0, 400.0, 500.0, 600.0, 800.0), used=(2000.0, 5000.0), duration=5000.0,
        rate=1e-3, epochs=1, held=200.0, stage2_epochs=1, etas=(1e-3, 2e-3),
    ),
    stage2=Stage2(updates=60), recorded=(400.0, 500.0, 800.0),
)  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("paper")


@pytest.fixture(scope="module")
def results(folder: Path) -> dict[str, Any]:
    return reproduce(folder, settings=SMALL)


def test_every_run_is_in_the_results(results: dict[str, Any]) -> None:
    assert results["schema"] == "ionwidgets/paper/1"
    assert set(results["stage1"]) == {"paper", "default"}
    assert set(results["experiments"]) == {e.key for e in EXPERIMENTS}
    for e in EXPERIMENTS:
        found = results["experiments"][e.key]
        assert found["true_ratios"][e.current] == next(iter(e.scale.values()))
        assert [(run["decoder"], run["eta"]) for run in found["runs"]] == [
            (decoder, eta) for decoder in ("emulator", "ode") for eta in SMALL.paper.etas
        ]
        for run in found["runs"]:
            assert set(run["apd90_error_ms"]) == {"400", "500", "800"}
            assert set(run["current_ratios"]) == set(CURRENTS)
            assert run["loss_gates"] > 0 and run["loss_observables"] > 0
            assert (run["outside"] is None) == (run["decoder"] == "ode")
        assert set(found["best"]) == {"emulator", "ode"}
        followed = set(found["best"]["ode"]["cycle_length_ms"])
        assert followed | set(found["not_1_to_1_ms"]) == set(SMALL.paper.cycle_lengths)
    controls = [run for run in results["controls"] if run["decoder"] == "ode"]
    for run in controls:
        assert all(ratio == 1 for ratio in run["current_ratios"].values())


def test_the_ode_decoder_finds_each_changed_current_even_here(results: dict[str, Any]) -> None:
    for e in EXPERIMENTS:
        for run in results["experiments"][e.key]["runs"]:
            if run["decoder"] == "ode":
                truth = next(iter(e.scale.values()))
                assert abs(math.log(run["current_ratios"][e.current] / truth)) < 0.6 * abs(math.log(truth)), (
                    e.key
                )


def test_the_default_network_is_the_model_and_the_published_one_hardly(results: dict[str, Any]) -> None:
    errors = results["stage1"]["default"]["apd90_error_ms"].values()
    assert max(abs(error) for error in errors) < 1.0


def test_currents_with_the_hidden_states_of_the_cell_itself(tmp_path: Path, results: dict[str, Any]) -> None:
    few = replace(SMALL, paper=replace(SMALL.paper, etas=(1e-3,)))
    true = reproduce(tmp_path, decoders=["ode"], settings=replace(few, hidden="true"))
    for e in EXPERIMENTS:
        (own,) = true["experiments"][e.key]["runs"]
        clamped = next(
            run for run in results["experiments"][e.key]["runs"]
            if (run["decoder"], run["eta"]) == ("ode", 1e-3)
        )  # fmt: skip
        assert own["current_ratios"] != clamped["current_ratios"]
    with pytest.raises(IonWidgetsError, match="hidden states come from clamp or true; found 'shown'"):
        reproduce(tmp_path / "other", settings=replace(few, hidden="shown"))
    with pytest.raises(IonWidgetsError, match="other settings"):
        reproduce(tmp_path, decoders=["ode"], settings=few)


def test_the_folder_holds_everything(folder: Path, results: dict[str, Any]) -> None:
    text = (folder / "results.json").read_text(encoding="utf-8")
    assert json.loads(text) == json.loads(json.dumps(results))
    assert "NaN" not in text and "Infinity" not in text
    assert len(list((folder / "runs").glob("*.safetensors"))) == 2 * 4 * 2
    names = {path.stem for path in (folder / "figures").glob("*.json")}
    assert {"figure_2", "figure_3", "figure_4", "figure_5_emulator", "figure_6_ode", "figure_7_ode"} <= names
    for path in (folder / "figures").glob("figure_*.json"):
        figure = json.loads(path.read_text(encoding="utf-8"))
        assert figure["data"] and all(len(trace["x"]) for trace in figure["data"]), path.name
    assert "Long QT" in (folder / "index.html").read_text(encoding="utf-8")


@pytest.mark.slow
def test_what_is_there_is_not_trained_again(folder: Path, results: dict[str, Any]) -> None:
    before = {path: path.stat().st_mtime_ns for path in (folder / "runs").iterdir()}
    lost = folder / "runs" / "ode-long_qt-eta0.001.safetensors"
    kept = Network.load(lost)
    lost.unlink()
    again = reproduce(folder, settings=SMALL)
    after = {path: path.stat().st_mtime_ns for path in (folder / "runs").iterdir()}
    assert {path for path in after if after[path] != before[path]} == {lost}
    for key, value in Network.load(lost).module.state_dict().items():
        np.testing.assert_allclose(value, kept.module.state_dict()[key], atol=1e-4)
    assert again["controls"] == results["controls"]


def test_another_reproduction_is_not_written_over(folder: Path, results: dict[str, Any]) -> None:
    with pytest.raises(IonWidgetsError, match=r"holds a reproduction with other settings \(seed\)"):
        reproduce(folder, settings=SMALL, seed=1)
    with pytest.raises(IonWidgetsError, match="other settings \\(settings\\)"):
        reproduce(folder, settings=replace(SMALL, shown=400.0))
    assert json.loads((folder / "results.json").read_text(encoding="utf-8"))["seed"] == 0


def test_bad_input_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(IonWidgetsError, match="unknown decoder 'lstm'; there are: emulator, ode"):
        reproduce(tmp_path / "a", decoders=["lstm"])
    assert not (tmp_path / "a").exists()
    (tmp_path / "file").write_text("x")
    with pytest.raises(IonWidgetsError, match="cannot be used for the reproduction"):
        reproduce(tmp_path / "file", settings=SMALL)


@pytest.mark.slow
def test_stop_leaves_whole_files_and_it_goes_on(tmp_path: Path) -> None:
    class Stop:
        def report(self, fraction: float, message: str, **facts: Any) -> None:
            if message == "Retraining on the recording" and fraction > 0.5:
                raise Cancelled

    with pytest.raises(Cancelled):
        reproduce(tmp_path, settings=SMALL, progress=Stop())
    files = list((tmp_path / "runs").iterdir())
    assert files and all(Network.load(path).card["run"] for path in files)
    assert not (tmp_path / "results.json").exists()
    told: list[str] = []

    class Listen:
        def report(self, fraction: float, message: str, **facts: Any) -> None:
            told.append(message)

    results = reproduce(tmp_path, settings=SMALL, decoders=["emulator", "ode"], progress=Listen())
    assert "Retraining as published" not in told and told[-1] == "Done"
    assert len(results["controls"]) == 4
