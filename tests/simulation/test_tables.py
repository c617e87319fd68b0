"""Biomarkers of every published table, paced as the table was, within 0.2 ms and 0.1 mV."""

from __future__ import annotations

from typing import Any

import pytest
from reference_tables import TABLES, Table, table

from ionwidgets.models import load_model
from ionwidgets.simulation import simulate

ROWS = [
    pytest.param(table(stem), row, id=f"{stem}-{row['CL_ms']:g}")
    for stem in TABLES
    for row in table(stem).paced
]


@pytest.mark.parametrize(("reference", "row"), ROWS)
def test_paced_as_the_table(reference: Table, row: dict[str, Any]) -> None:
    model = load_model(reference.model)
    data = simulate(model, [row["CL_ms"]], row["n_beats"] * row["CL_ms"], variables=[])
    found = {name: float(data[name][0, row["n_beats"] - 1]) for name in data.data_vars}
    for name in ("RMP", "peak"):
        print(name, found[name] - row[f"{name}_mV"])
        assert found[name] == pytest.approx(row[f"{name}_mV"], abs=0.1)
    for name in ("APD30", "APD50", "APD90"):
        if row.get(f"{name}_ms") is not None:
            print(name, found[name] - row[f"{name}_ms"])
            assert found[name] == pytest.approx(row[f"{name}_ms"], abs=0.2)
    assert found["dVdt_max"] == pytest.approx(row["dVdt_max_V_per_s"], rel=5e-3)
    for name in ("Ca_diastolic", "Ca_peak"):
        if row.get(f"{name}_mM") is not None:
            print(name, found[name] / row[f"{name}_mM"] - 1)
            assert found[name] == pytest.approx(row[f"{name}_mM"], rel=5e-3)
