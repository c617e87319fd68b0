"""Several cells: a list in, a table out; the failure of one is no loss of the others."""

from __future__ import annotations

import copy
import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr
from finding_schema import check, parsed
from scipy import stats

from ionwidgets.discovery import Result, Results, discover, example_result
from ionwidgets.discovery.change import Change, Changes
from ionwidgets.discovery.over_cells import ORDER, STUDENT, middle
from ionwidgets.discovery.results import Cell
from ionwidgets.errors import IonWidgetsError
from ionwidgets.jobs import Cancelled
from ionwidgets.models import load_model
from ionwidgets.recordings import read_recording

DATA = Path(__file__).resolve().parents[1] / "data"
MODEL = load_model("tnnp2004:M")
I_KR, F = Change("scale", "I_Kr"), Change("v_half", "f")


def recorded(name: str) -> xr.Dataset:
    """One cycle length of a recording: a third of the work."""
    return read_recording(DATA / f"{name}.csv").isel(cell=[0])


def flat() -> xr.Dataset:
    recording = recorded("control")
    return recording.copy(data={name: np.zeros(v.shape) for name, v in recording.data_vars.items()})


class Told:
    """A `Control` that keeps what it is told, and stops when it hears a word."""

    def __init__(self, stop: str = "never") -> None:
        self.stop, self.words, self.fractions = stop, [], []  # type: ignore[var-annotated]

    def report(self, fraction: float, message: str, **facts: Any) -> None:
        if self.stop in message:
            raise Cancelled
        self.words.append(message)
        self.fractions.append(fraction)


# ---- over cells ----


def test_the_interval_of_few_is_students_and_of_many_exact() -> None:
    few = [0.2, 0.25, 0.4]
    over = middle(few, ratios=True)
    expected = stats.t.interval(0.95, 2, np.log(few).mean(), stats.sem(np.log(few)))
    assert over.method == STUDENT and over.median == pytest.approx(0.25)
    np.testing.assert_allclose(np.log(over.interval), expected, rtol=1e-9)
    shifts = middle([-6.0, -4.0], ratios=False)
    np.testing.assert_allclose(shifts.interval, -5 + 12.7062 * np.array([-1, 1]), rtol=1e-5)
    assert middle([0.3], ratios=True) == (pytest.approx(0.3), None, "")
    for n, r in ((6, 1), (8, 1), (9, 2), (12, 3), (20, 6)):  # Conover's table A3 at p = 1/2
        values = np.arange(1.0, n + 1)
        over = middle(list(values), ratios=False)
        assert over == (np.median(values), (values[r - 1], values[n - r]), ORDER)


def test_the_interval_holds_the_median_as_often_as_it_says() -> None:
    random = np.random.default_rng(0)
    for n in (3, 5, 7, 12):
        held = 0
        for _ in range(2000):
            low, high = middle(list(np.exp(random.normal(-1, 0.3, n))), ratios=True).interval
            held += low <= math.exp(-1) <= high
        assert held / 2000 > 0.94, n


# ---- what was found, set side by side ----


def cell_with(changes: Changes, file: str, verdict: str = "changed") -> Cell:
    stored = example_result()
    finding = copy.deepcopy(stored.finding)
    finding["verdict"], finding["recording"]["file"] = verdict, file
    if F in changes:
        finding["confounded"] = [["gate:f", "g_CaL"]]
    return Cell(file, replace(stored, changes=dict(changes), finding=finding))


@pytest.fixture(scope="module")
def results() -> Results:
    cells = [
        cell_with({I_KR: math.log(0.2)}, "a.csv"),
        cell_with({I_KR: math.log(0.3), F: -6.0}, "b.csv"),
        cell_with({}, "c.csv", "unchanged"),
        Cell("d.csv", None, "d.csv: no beats"),
        cell_with({I_KR: math.log(0.25)}, "e.csv"),
        cell_with({}, "f.csv", "unexplained"),
    ]
    return Results(MODEL, tuple(cells))


def test_a_row_a_change_and_a_row_a_cell(results: Results) -> None:
    table = results.table
    assert list(table["parameter"]) == ["g_Kr", "f"] and list(table["kind"]) == ["scale", "v_half"]
    assert list(table["found"]) == [3, 1] and list(table["cells"]) == [4, 4]
    assert list(table["median"]) == [0.25, -6.0] and list(table["unit"]) == ["1", "mV"]
    assert table["ci_low"][0] < 0.2 < 0.3 < table["ci_high"][0] and math.isnan(table["ci_low"][1])
    assert list(table["confounded"]) == ["", "g_CaL"]
    cells = results.cells
    assert list(cells["verdict"]) == [
        "changed", "changed", "unchanged", "failed", "changed", "unexplained"
    ]  # fmt: skip
    assert cells["changes"][1] == "I_Kr (g_Kr) x0.3; gate f of I_CaL: V_half shifted by -6 mV"
    assert cells["reason"][3] == "d.csv: no beats" and math.isnan(cells["v_rmse_mV"][3])
    assert len(results) == 5 and all(isinstance(result, Result) for result in results)
    assert results[0].finding["recording"]["file"] == "a.csv" and len(results[1:3]) == 2
    assert results.names() == ["1_a", "2_b", "3_c", "4_d", "5_e", "6_f"]


def test_what_differs_between_cells_is_said(results: Results) -> None:
    words = results.in_words()
    for line in (
        "tnnp2004:M against 6 cells: changed in 3, unchanged in 1, unexplained in 1. "
        "1 cell did not come out.",
        "  1. I_Kr (g_Kr) x0.25 (median), 95 % interval 0.149 to 0.408 over cells; changed in 3 of 4, "
        "not in c.csv",
        "  2. gate f of I_CaL: V_half shifted by -6 mV; changed in 1 of 4, not in a.csv, c.csv, e.csv; "
        "a recording hardly tells it from g_CaL",
        "  cell 4, d.csv: failed: d.csv: no beats",
        "  cell 3, c.csv: unchanged; V RMSE 0.00 mV",
    ):
        assert line in words.splitlines(), words


def test_the_document_of_all_cells(results: Results) -> None:
    document = parsed(results.to_json())
    assert document["schema"] == "ionwidgets/findings/1"
    assert [finding["recording"]["file"] for finding in document["cells"]] == [
        "a.csv", "b.csv", "c.csv", "e.csv", "f.csv"
    ]  # fmt: skip
    check(document["cells"][0], MODEL)
    assert document["failed"] == [{"cell": 4, "file": "d.csv", "reason": "d.csv: no beats"}]
    first, second = document["table"]
    assert first["ci95"] == [0.148917, 0.408429] and second["ci95"] is None and second["interval"] is None


def test_nothing_found_is_an_empty_table() -> None:
    results = Results(MODEL, (cell_with({}, "a.csv", "unchanged"),))
    assert results.table.empty and "median" in results.table
    assert json.loads(results.to_json())["table"] == []
    assert results.in_words().startswith("tnnp2004:M against 1 cell: unchanged in 1.")


# ---- the work ----


def test_cells_one_after_another(tmp_path: Path) -> None:
    told = Told()
    results = discover(MODEL, [flat(), recorded("shortqt"), recorded("control")], progress=told)
    assert list(results.cells["verdict"]) == ["failed", "changed", "unchanged"]
    assert "no cell with a whole beat" in results.cells["reason"][0]
    row = results.table.iloc[0]
    assert (row["parameter"], row["found"], row["cells"]) == ("g_CaL", 1, 2)
    assert abs(row["median"] / 0.25 - 1) < 0.1
    assert "Cell 2 of 3: retraining on the recording" in told.words and told.words[-1] == "Cell 3 of 3: done"
    assert told.fractions == sorted(told.fractions) and told.fractions[-1] == pytest.approx(1.0)


def test_stop_ends_all_of_them() -> None:
    told = Told(stop="Cell 1 of 2: trying")
    with pytest.raises(Cancelled):
        discover(MODEL, [recorded("control"), recorded("control")], progress=told)
    assert not any("Cell 2" in word for word in told.words)


@pytest.mark.parametrize(
    ("recordings", "arguments", "word"),
    [
        ([], {}, "an empty list of recordings"),
        ([flat(), flat()], {"control": [flat()]}, "2 recordings and 1 control recordings; give one"),
        ([flat()], {"control": flat()}, "found a single one beside a list"),
        (flat(), {"control": [flat()]}, "one recording has one control recording"),
        ("cell.csv", {}, "found 'cell.csv'"),
        ([flat(), "cell.csv"], {}, "a list of them; found 'cell.csv' in the list"),
        ([flat(), flat()], {}, "no cell came out; the first: "),
        ([flat(), flat()], {"eta": 2.0}, "eta must lie between 0 and 1"),
        ([flat(), flat()], {"decoder": "magic"}, "unknown decoder 'magic'"),
    ],
)
def test_what_makes_no_sense_is_refused(recordings: Any, arguments: dict[str, Any], word: str) -> None:
    with pytest.raises(IonWidgetsError) as caught:
        discover(MODEL, recordings, **arguments)
    assert word in str(caught.value) and "\n" not in str(caught.value)
