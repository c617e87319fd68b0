"""The named baselines: plain fits of every conductance to a recording of a cell with one that has changed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from paced_truth import apd90_by_cvodes

from ionwidgets.discovery import cma_es, example_result
from ionwidgets.discovery.baseline_names import NAMES
from ionwidgets.discovery.baselines import run_baseline
from ionwidgets.discovery.pipeline import discover
from ionwidgets.discovery.question import Question, ask, put_to
from ionwidgets.discovery.report.page import report_html
from ionwidgets.discovery.told_baselines import told_baselines
from ionwidgets.discovery.words import in_words
from ionwidgets.errors import IonWidgetsError
from ionwidgets.jobs import Cancelled
from ionwidgets.models import load_model
from ionwidgets.recordings import read_recording

DATA = Path(__file__).resolve().parents[1] / "data"
MODEL = load_model("tnnp2004:M")


@pytest.fixture(scope="module")
def question() -> Question:
    recording = read_recording(DATA / "longqt.csv").isel(cell=[1, 3])
    return put_to(MODEL, ask(MODEL, recording, None, None))


def run(question: Question, name: str, **options: Any) -> dict[str, Any]:
    options = {"seed": 0, "predict_cl": [450.0], "duration": 5000.0, **options}
    quiet = {"alive": lambda: None, "report": lambda part: None}
    return run_baseline(name, question, **{**quiet, **options})


def unchanged_rmse(question: Question) -> float:
    objective = question.objective()
    (runs,) = objective.run([objective.origin({})], [0, 1])
    return float(np.sqrt(np.square(np.concatenate(objective.errors_V(runs))).mean()))


def test_least_squares_fits_v_but_moves_many_currents(question: Question) -> None:
    found = run(question, "least-squares", duration=20_000.0)
    assert found["v_rmse_mV"] < 0.1 * unchanged_rmse(question)
    assert [entry["current"] for entry in found["scales"]] == [c.name for c in MODEL.currents]
    assert [entry["parameter"] for entry in found["scales"]] == [c.conductance for c in MODEL.currents]
    assert found["seconds"] > 0 and found["cell_runs"] > 2 * len(MODEL.currents)
    truth = apd90_by_cvodes(MODEL.key, "g_Kr", 0.25, 450.0)
    assert abs(found["predictions"]["450"] - truth) < 10


def test_cma_es_comes_nearer_and_is_the_same_again(
    question: Question, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(cma_es, "CANDIDATES", 150)
    monkeypatch.chdir(tmp_path)
    np.random.seed(3)
    before = np.random.get_state()[1].copy()
    first, again = (run(question, "cma-es") for _ in range(2))
    other = run(question, "cma-es", seed=1)
    assert first["v_rmse_mV"] < 0.7 * unchanged_rmse(question)
    assert first["scales"] == again["scales"] != other["scales"]
    # Two cells a candidate; the last population may go over the budget.
    assert 2 * 150 <= first["cell_runs"] <= 2 * 180
    assert not any(tmp_path.iterdir()), "the library has written files"
    np.testing.assert_array_equal(np.random.get_state()[1], before)


@pytest.mark.parametrize("name", list(NAMES))
def test_both_can_be_stopped(question: Question, name: str) -> None:
    calls = 0

    def alive() -> None:
        nonlocal calls
        calls += 1
        if calls > 40:
            raise Cancelled("enough")

    with pytest.raises(Cancelled):
        run(question, name, alive=alive)


@pytest.mark.parametrize("wrong", ["cma-es", ["simplex"], ["cma-es", "CMA"]])
def test_a_baseline_that_there_is_not_is_refused(wrong: Any) -> None:
    with pytest.raises(IonWidgetsError, match=r"least-squares, cma-es; found .*leave them out"):
        discover(MODEL, read_recording(DATA / "longqt.csv"), baselines=wrong)


def test_discover_puts_it_beside_the_finding() -> None:
    recording = read_recording(DATA / "longqt.csv").isel(cell=[1, 3])
    result = discover(MODEL, recording, predict_cl=[450.0], duration=5000.0, baselines=["least-squares"])
    (one,) = result.finding["baselines"]
    assert one["name"] == "least-squares" and set(one["predictions"]) == {"450"}
    ours, plain = told_baselines(result.finding)
    assert ours.changed == "I_Kr x0.25" and ours.seconds == result.finding["elapsed_s"]
    assert plain.name == "least squares" and "more" in plain.changed
    words = in_words(result.finding)
    assert f"least squares: {one['seconds']:.1f} s, V RMSE {one['v_rmse_mV']:.2f} mV; changed: I_" in words
    page = report_html(result)
    assert "Beside a plain fit" in page and "<caption>Time and error side by side</caption>" in page


def test_a_finding_without_baselines_says_nothing_of_them() -> None:
    result = example_result()
    assert told_baselines(result.finding) == []
    assert "Beside a plain fit" not in report_html(result)
