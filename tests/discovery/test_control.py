"""A cell recorded before and after a change: the change is found, not what sets the cell itself apart."""

from __future__ import annotations

from pathlib import Path

import pytest
from discovery.score.__main__ import scored, summary
from discovery.score.cases import SETS, Case, cases
from discovery.score.recorded import HELD_OUT, Recorded, recorded
from finding_schema import check, parsed

from ionwidgets.discovery import Result, discover, load_result
from ionwidgets.errors import IonWidgetsError, RecordingError
from ionwidgets.models import load_model
from ionwidgets.simulation import simulate

OWN = {
    "g_Na": 0.9, "g_CaL": 1.2, "g_Kr": 0.8, "g_Ks": 1.3, "g_to": 0.7, "g_K1": 1.15, "g_pK": 0.9, "g_pCa": 1.1,
    "g_bNa": 1.1, "g_bCa": 0.85, "P_NaK": 1.1, "K_NaCa": 1.25,
}  # fmt: skip
KNOWN_WELL = ("g_CaL", "g_to", "g_K1", "g_Kr", "K_NaCa")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Recorded:
    case = Case("control", scale={"g_Kr": 0.5}, own=OWN, noise=(0.2, 0.01))
    return recorded(case, "open", tmp_path_factory.mktemp("recorded"))


@pytest.fixture(scope="module")
def result(made: Recorded) -> Result:
    return discover(load_model("tnnp2004:M"), made.recording, made.before, predict_cl=HELD_OUT)


def test_the_change_is_found_against_the_cell_itself(made: Recorded, result: Result) -> None:
    model, finding = load_model("tnnp2004:M"), parsed(result.to_json())
    check(finding, model)
    assert (finding["verdict"], finding["against"]) == ("changed", "control")
    first = finding["currents"][0]
    assert first["parameter"] == "g_Kr" and first["rank"] == 1
    assert first["scale"] == pytest.approx(0.5, rel=0.15) and first["ci95"][0] <= 0.5 <= first["ci95"][1]
    assert [entry["parameter"] for entry in finding["currents"] if entry["found"]] == ["g_Kr"]
    for length in HELD_OUT:
        assert finding["predictions"][f"{length:g}"]["apd90_ms"] == pytest.approx(made.apd90[length], abs=3)


def test_the_cell_itself_is_found_too(result: Result) -> None:
    before = result.finding["control"]
    assert before["v_left_mV"] < 0.2 and len(before["cycle_lengths_ms"]) == 5
    entries = {entry["parameter"]: entry for entry in before["currents"]}
    assert set(entries) == set(OWN)
    for name in KNOWN_WELL:
        assert entries[name]["scale"] == pytest.approx(OWN[name], rel=0.15), name
    inside = [low <= OWN[name] <= high for name in OWN for low, high in [entries[name]["ci95"]]]
    assert sum(inside) >= 11


def test_the_result_goes_on_from_that_cell(result: Result, made: Recorded, tmp_path: Path) -> None:
    kept = tmp_path / "result.safetensors"
    result.save(kept)
    again = load_result(kept, made.recording)
    assert again.model.hash == result.model.hash and again.baseline == result.baseline
    result.export(tmp_path / "edited.mmt")
    edited = load_model(tmp_path / "edited.mmt")
    own = load_model("tnnp2004:M").conductances
    before = {entry["parameter"]: entry["scale"] for entry in result.finding["control"]["currents"]}
    found = result.finding["currents"][0]["scale"]
    assert edited.conductances["g_Kr"] == pytest.approx(own["g_Kr"] * before["g_Kr"] * found, rel=1e-3)
    assert edited.conductances["g_CaL"] == pytest.approx(own["g_CaL"] * before["g_CaL"], rel=1e-3)


def test_the_same_cell_twice_is_unchanged(made: Recorded) -> None:
    assert made.before is not None
    result = discover(load_model("tnnp2004:M"), made.before, made.before)
    assert result.verdict == "unchanged" and result.changes == {}


@pytest.mark.slow
def test_two_changes_at_once_are_found_against_the_cell_itself(tmp_path: Path) -> None:
    case = Case("control", scale={"g_CaL": 0.6, "g_Kr": 0.4}, own=OWN, noise=(0.2, 0.01))
    both = recorded(case, "open", tmp_path)
    result = discover(load_model("tnnp2004:M"), both.recording, both.before)
    entries = {entry["parameter"]: entry for entry in result.finding["currents"]}
    assert {name for name, entry in entries.items() if entry["found"]} == set(case.scale)
    for name, factor in case.scale.items():
        assert entries[name]["scale"] == pytest.approx(factor, rel=0.2)


def test_a_cell_of_another_kind_twice_has_not_changed() -> None:
    """What the model cannot do before the change, of V or of Ca_i, is no change."""
    model = load_model("tp2006:epi")
    paced = simulate(model, [700.0], 20_000.0, record_from=15_000.0, variables=["V", "Ca_i"])[["V", "Ca_i"]]
    assert discover(load_model("tnnp2004:M"), paced, paced).verdict != "changed"


def test_the_emulator_knows_no_other_cell(made: Recorded) -> None:
    with pytest.raises(IonWidgetsError, match="leave control out, or use decoder ode"):
        discover(load_model("tnnp2004:M"), made.recording, made.before, decoder="emulator")


def test_a_control_recording_without_beats_is_refused_before_the_work(made: Recorded) -> None:
    assert made.before is not None
    told: list[float] = []

    class Control:
        def report(self, fraction: float, message: str, **facts: object) -> None:
            told.append(fraction)

    with pytest.raises(RecordingError, match="whole beat"):
        discover(
            load_model("tnnp2004:M"), made.recording, made.before.isel(time=slice(100)), progress=Control()
        )
    assert told == []


@pytest.mark.slow
def test_a_row_of_the_score_says_what_the_finding_says(made: Recorded) -> None:
    case = Case("control", scale={"g_Kr": 0.5}, own=OWN, noise=(0.2, 0.01))
    row = scored(case, made)
    assert row["right"] and row["current"] and row["inside"] == [True] and abs(row["off"][0]) < 0.15
    wrong = row | {"right": False, "inside": [False], "off": [0.5], "apd90_error_ms": [9.0, None]}
    told = summary([row, wrong])
    assert "right first        1 of 2" in told and "(50%)" in told and "1 of 4 not predicted" in told
    refused = {key: row[key] for key in ("name", "kind", "matters", "changed", "stranger")}
    assert "1 of 3" in summary([row, wrong, refused | {"verdict": "refused", "why": "a.u."}])


def test_the_sets_share_their_recipe_and_not_their_numbers() -> None:
    both = [cases(which) for which in SETS]
    assert [case.kind for case in both[0]] == [case.kind for case in both[1]]
    names = [{case.name for case in of if case.scale or case.shift or case.slow} for of in both]
    assert len(names[0] & names[1]) <= 2 and cases("open") == both[0]
    assert {name for case in both[0] for name in case.scale} == set(load_model("tnnp2004:M").conductances)
