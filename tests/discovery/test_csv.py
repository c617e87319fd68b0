"""A result as CSV files: their columns and units, and that they hold what the result holds."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from ionwidgets.discovery import Result, Results, example_result
from ionwidgets.discovery.results import Cell
from ionwidgets.errors import IonWidgetsError
from ionwidgets.recordings import read_recording

FILES = [
    "currents.csv",
    "findings.csv",
    "gates.csv",
    "prediction_450.csv",
    "prediction_700.csv",
    "traces.csv",
]


@pytest.fixture(scope="module")
def result() -> Result:
    return example_result()


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_tables_with_units(result: Result, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "gates.csv").write_text("old\n", encoding="utf-8")
    named = result.to_csv(tmp_path / "out", duration=8_000.0)
    assert names(tmp_path / "out") == FILES
    tables = {name: pd.read_csv(tmp_path / "out" / name) for name in FILES}
    findings = tables["findings.csv"]
    assert list(findings["rank"]) == list(range(1, len(result.findings) + 1))
    assert findings["parameter"][0] == "g_Kr" and "v_half_shift [mV]" in findings
    gates = tables["gates.csv"]
    assert list(gates) == ["source", "gate", "V [mV]", "h_inf [1]", "tau [ms]", "visited"]
    altered = gates[(gates["gate"] == "f") & (gates["source"] == "altered")]
    curve = result.gates().sel(gate="f", source="altered").interp(V=altered["V [mV]"].values)
    np.testing.assert_allclose(altered["tau [ms]"], curve["tau"], rtol=1e-6)
    assert np.allclose(np.diff(altered["V [mV]"]), 0.5)
    currents = tables["currents.csv"]
    assert list(currents)[:4] == ["cycle_length [ms]", "time [ms]", "source", "V [mV]"]
    assert sorted(currents["cycle_length [ms]"].unique()) == [400, 600, 800]
    beat = currents[(currents["cycle_length [ms]"] == 600) & (currents["source"] == "altered")]
    np.testing.assert_allclose(
        beat["I_Kr [A/F]"], result.currents(600)["I_Kr"].sel(source="altered"), rtol=1e-5, atol=1e-9
    )
    traces = tables["traces.csv"]
    assert list(traces) == ["cycle_length [ms]", "source", "time [ms]", "V [mV]", "Ca_i [mM]"]
    assert set(traces["source"]) == {"control", "found", "neural ODE"}
    # A prediction reads as a recording of the found model, and the finding says where it is.
    predicted = read_recording(tmp_path / "out" / "prediction_450.csv")
    paced = result.simulate(450, 8_000.0, record_from=3_000.0, variables=["V"])
    np.testing.assert_allclose(predicted["V"].values, paced["V"].values, atol=1e-3)
    path = named.finding["predictions"]["450"]["trace_csv"]
    assert path == (tmp_path / "out" / "prediction_450.csv").as_posix()
    assert result.finding["predictions"]["450"]["trace_csv"] is None, "a result is changed by nobody"


def test_what_cannot_be_written(result: Result, tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("mine\n", encoding="utf-8")
    with pytest.raises(IonWidgetsError, match="taken: is a file; give a folder"):
        result.to_csv(tmp_path / "taken")
    with pytest.raises(IonWidgetsError, match=r"the folder .*no does not exist"):
        result.to_csv(tmp_path / "no" / "out")
    assert (tmp_path / "taken").read_text(encoding="utf-8") == "mine\n"
    (tmp_path / "out" / "findings.csv").mkdir(parents=True)
    with pytest.raises(IonWidgetsError, match=r"findings\.csv: cannot be written"):
        result.to_csv(tmp_path / "out")
    assert names(tmp_path / "out") == ["findings.csv"], "no half-written file stays"


def test_what_is_not_predicted_has_no_file(result: Result, tmp_path: Path) -> None:
    unexplained = replace(result, finding={**result.finding, "verdict": "unexplained"})
    assert unexplained.to_csv(tmp_path / "out").finding == unexplained.finding
    assert names(tmp_path / "out") == [name for name in FILES if not name.startswith("prediction")]


def test_several_cells_have_a_folder_each(result: Result, tmp_path: Path) -> None:
    quiet = replace(result, finding={**result.finding, "predictions": {}})
    failed = Cell("b.csv", None, "b.csv: no beats")
    unexplained = replace(quiet, finding={**quiet.finding, "verdict": "unexplained"})
    cells = (Cell("a.csv", quiet), failed, Cell("a.csv", unexplained))
    results = Results(result.model, cells)
    results.to_csv(tmp_path / "out")
    assert names(tmp_path / "out") == ["1_a", "3_a", "cells.csv", "table.csv"]
    assert names(tmp_path / "out" / "3_a") == ["currents.csv", "findings.csv", "gates.csv", "traces.csv"]
    table = pd.read_csv(tmp_path / "out" / "table.csv")
    assert list(table["parameter"]) == ["g_Kr"] and list(table["found"]) == [2]
    assert list(pd.read_csv(tmp_path / "out" / "cells.csv")["reason"].fillna("")) == ["", failed.reason, ""]
    without = results.write_each(tmp_path / "models", ".mmt", Result.export)
    assert names(tmp_path / "models") == ["1_a.mmt"]
    assert len(without) == 1 and without[0].startswith("3_a.mmt was not written: tnnp2004:M does not explain")
