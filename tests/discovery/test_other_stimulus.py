"""A stimulus that nobody told is not blamed on the cell."""

from __future__ import annotations

import pytest
import xarray as xr

from ionwidgets.discovery import discover
from ionwidgets.models import load_model
from ionwidgets.simulation import simulate

MODEL = load_model("tnnp2004:M")
STRONG = (-100.0, 1.0)  # A/F, ms; the model's is half of it


def recorded(scale: dict[str, float]) -> xr.Dataset:
    paced = simulate(
        MODEL, [400.0, 900.0], 20_000.0, record_from=15_000.0, variables=["V", "Ca_i"], scale=scale,
        stimulus=STRONG,
    )  # fmt: skip
    return paced[["V", "Ca_i"]]


def test_the_change_is_found_beside_another_stimulus() -> None:
    result = discover(MODEL, recorded({"g_Kr": 0.4}))
    first = result.finding["currents"][0]
    assert (first["parameter"], first["found"]) == ("g_Kr", True) and abs(first["scale"] - 0.4) < 0.02
    assert [entry["parameter"] for entry in result.finding["currents"] if entry["found"]] == ["g_Kr"]
    assert result.stimulus is not None and result.stimulus[0] == pytest.approx(STRONG[0], rel=0.1)
    assert "--stimulus" in " ".join(result.finding["warnings"])


def test_an_unchanged_cell_is_not_said_to_have_changed_without_a_word() -> None:
    recording = recorded({})
    unasked = discover(MODEL, recording)
    told = " ".join(unasked.finding["warnings"])
    assert unasked.verdict == "unchanged" or "another stimulus" in told
    assert discover(MODEL, recording, stimulus=STRONG).verdict == "unchanged"
