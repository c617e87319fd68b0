"""What bath, electrode, seal and amplifier do to a recording is not blamed on the cell's currents."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from finding_schema import check, parsed

from ionwidgets.discovery import Result, discover, load_result
from ionwidgets.discovery.conditions import Conditions, read_conditions, taught_model
from ionwidgets.discovery.report.words import control_words
from ionwidgets.discovery.words import in_words
from ionwidgets.errors import IonWidgetsError, RecordingError, SimulationError
from ionwidgets.gnn import learn
from ionwidgets.models import IonicModel, load_model
from ionwidgets.models.surroundings import surrounded, without_leak
from ionwidgets.recordings import read_recording
from ionwidgets.simulation import CurrentClamp, simulate

MODEL = load_model("tnnp2004:M")
PULSE = (-26.0, 2.0)  # A/F, ms
LENGTHS = [600.0, 1000.0]
LEAK, JUNCTION = (0.005, 0.0), -4.0
DATA = Path(__file__).resolve().parents[1] / "data"


def recorded(model: IonicModel, **options: object) -> xr.Dataset:
    """V and Ca_i of the last 5 s of 20 s of pacing."""
    paced = simulate(model, LENGTHS, 20_000.0, record_from=15_000.0, variables=["V", "Ca_i"], **options)
    return paced[["V", "Ca_i"]]


def scale_of(result: Result, parameter: str) -> float:
    return float(next(e["scale"] for e in result.finding["currents"] if e["parameter"] == parameter))


@pytest.fixture(scope="module")
def in_a_setup() -> xr.Dataset:
    """K_o 4 mM, g_Kr x0.4, a leak, an electrode that shows V 4 mV too low."""
    cell = surrounded(MODEL, {"K_o": 4.0}, LEAK)
    recording = recorded(cell, scale={"g_Kr": 0.4})
    V = recording["V"]
    return recording.assign(V=(V + JUNCTION).assign_attrs(V.attrs))


@pytest.fixture(scope="module")
def result(in_a_setup: xr.Dataset) -> Result:
    return discover(
        MODEL, in_a_setup, conditions={"K_o": 4.0}, junction_potential=JUNCTION, leak=LEAK, predict_cl=[800]
    )


def test_with_its_conditions_the_change_is_found_and_nothing_else(result: Result) -> None:
    finding = parsed(result.to_json())
    check(finding, MODEL)
    assert result.verdict == "changed"
    assert [e["parameter"] for e in finding["currents"] if e["found"]] == ["g_Kr"]
    assert not any(e["found"] for e in finding["gates"])
    assert scale_of(result, "g_Kr") == pytest.approx(0.4, rel=0.05)
    assert finding["conditions"] == {
        "constants": {"K_o": 4.0},
        "junction_potential_mV": JUNCTION,
        "leak": {"g_nS_per_pF": 0.005, "E_mV": 0.0},
    }
    told = "K_o=4; junction potential -4 mV, taken off V; leak of the seal 0.005 nS/pF, reversing at 0 mV"
    assert f"under {told}" in in_words(finding) and told in control_words(result)
    cell = surrounded(MODEL, {"K_o": 4.0}, LEAK)
    truth = simulate(cell, [800.0], 20_000.0, scale={"g_Kr": 0.4}, variables=[])
    told = finding["predictions"]["800"]["apd90_ms"]
    assert told == pytest.approx(float(np.nanmean(truth["APD90"].values[0, -6:])), abs=2)


@pytest.mark.slow
def test_without_them_something_else_is_said(in_a_setup: xr.Dataset) -> None:
    blamed = discover(MODEL, in_a_setup)
    assert blamed.finding["conditions"] is None
    found = [e["parameter"] for e in blamed.finding["currents"] if e["found"]]
    assert blamed.verdict == "unexplained" or found != ["g_Kr"]


def test_the_result_is_of_the_cell_under_its_conditions(
    result: Result, in_a_setup: xr.Dataset, tmp_path: Path
) -> None:
    assert result.model.variables["K_o"].eval() == 4.0 and result.model.leak is not None
    np.testing.assert_allclose(result.recording["V"], in_a_setup["V"] - JUNCTION)
    result.save(tmp_path / "result.safetensors")
    again = load_result(tmp_path / "result.safetensors", in_a_setup)
    assert again.model.hash == result.model.hash
    xr.testing.assert_equal(again.recording, result.recording)
    once = load_result(tmp_path / "result.safetensors", result.recording)
    xr.testing.assert_equal(once.recording, result.recording)
    result.export(tmp_path / "edited.mmt")
    told = " ".join((tmp_path / "edited.mmt").read_text(encoding="utf-8").split())
    assert "against the published model under K_o=4; junction potential -4 mV" in told
    edited = load_model(tmp_path / "edited.mmt")
    assert edited.variables["K_o"].eval() == 4.0 and "I_leak" not in edited.variables
    assert edited.conductances["g_Kr"] == pytest.approx(0.4 * MODEL.conductances["g_Kr"], rel=0.05)


def test_a_leak_is_no_current_of_the_cell() -> None:
    leaky = surrounded(MODEL, {}, LEAK)
    assert leaky.currents == MODEL.currents and leaky.gates == MODEL.gates
    leaky.check_balance()
    state = dict(zip(MODEL.states, MODEL.initial, strict=True))
    for V in (-80.0, 20.0):
        own, other = (float(m.derivatives({**state, "V": V})["V"]) for m in (MODEL, leaky))
        assert own - other == pytest.approx(LEAK[0] * (V - LEAK[1]))
    assert without_leak(leaky).equations.code() == MODEL.equations.code()
    assert without_leak(MODEL) is MODEL and surrounded(MODEL, {}).hash == MODEL.hash


@pytest.mark.parametrize("with_pulse", [False, True])
def test_what_was_injected_is_no_change(with_pulse: bool) -> None:
    recording, current = injected(with_pulse=with_pulse)
    told = discover(MODEL, recording.assign(I_inj=current), stimulus=PULSE)
    assert told.verdict == "unchanged" and told.finding["fit"]["v_rmse_mV"] < 0.15
    # What is drawn of the model was given the same.
    recorded = recording["V"].values[0]
    shown = told.paced["V"].sel(cell=0).values
    assert shown.min() == pytest.approx(recorded.min(), abs=0.5) and np.ptp(shown) > 100


@pytest.mark.slow
def test_without_what_was_injected_something_is_said_to_have_changed() -> None:
    recording, _ = injected(with_pulse=False)
    assert discover(MODEL, recording, stimulus=PULSE).verdict != "unchanged"


def test_an_injected_pulse_of_the_other_sign_is_refused() -> None:
    recording, current = injected(with_pulse=True)
    with pytest.raises(RecordingError, match=r"pulse of \+26 A/F .* units=\{'I_inj': '-A/F'\}"):
        discover(MODEL, recording.assign(I_inj=-current))


def injected(*, with_pulse: bool) -> tuple[xr.Dataset, xr.DataArray]:
    """A cell at CL 800 that is given a wave beside its stimulus, and all of that, or the wave alone."""
    period, step = 800, 2.0
    t = step * np.arange(round(period / step))
    wave = 0.3 + 0.4 * np.exp(-(((t - 400) / 80) ** 2))  # A/F, outward
    pulse = np.where((t >= 10) & (t < 10 + PULSE[1]), PULSE[0], 0.0)
    steps = [(-float(level), step) for level in np.tile(wave + pulse, 22)]
    paced = simulate(
        MODEL, protocol=CurrentClamp(steps), sample=1.0, record_from=20 * period, variables=["V", "Ca_i"]
    )
    at = np.rint(paced["time"].values - paced["time"].values[0])
    recording = paced[["V", "Ca_i"]].assign_coords(
        time=at, cycle_length=("cell", [float(period)], {"units": "ms"})
    )
    given = (wave + pulse if with_pulse else wave)[((at % period) // step).astype(int)]
    return recording, xr.DataArray(given[None], dims=("cell", "time"), attrs={"units": "A/F"})


def test_conditions_that_change_gates_need_a_network_of_them() -> None:
    warm = load_model("paci2013:ventricular")
    cold = Conditions({"T": 300.0}).model(warm)
    assert taught_model(warm, cold, None) is cold
    assert taught_model(warm, Conditions({"K_o": 4.0}).model(warm), None) is warm
    network, recording = learn(warm), read_recording(DATA / "control.csv")
    with pytest.raises(IonWidgetsError, match=r"gate .* of paci2013:ventricular has other curves"):
        discover(warm, recording, network=network, conditions={"T": 300.0})
    assert taught_model(warm, cold, network.of(cold)) is cold


@pytest.mark.parametrize(
    ("options", "error", "said"),
    [
        ({"conditions": {"K_out": 4.0}}, SimulationError, "unknown constant of tnnp2004:M 'K_out'"),
        ({"conditions": {"K_o": -1.0}}, SimulationError, "K_o must be positive, in mM"),
        ({"conditions": {"K_o": [4.0, 5.0]}}, SimulationError, "conditions of K_o must be one number"),
        ({"conditions": {"T": 37.0}}, SimulationError, "kelvin"),
        ({"conditions": 4.0}, SimulationError, "conditions must be values by name"),
        ({"junction_potential": 120.0}, IonWidgetsError, "at most 50 either way; found 120"),
        ({"leak": (0.1,)}, IonWidgetsError, r"leak is \(g \[nS/pF\], E \[mV\]\)"),
        ({"leak": (-0.1, 0.0)}, IonWidgetsError, "with g not negative"),
        ({"conditions": {"K_o": 4.0}, "decoder": "emulator"}, IonWidgetsError, "knows no other conditions"),
    ],
)
def test_what_cannot_be_a_condition_is_refused(
    options: dict[str, object], error: type[Exception], said: str
) -> None:
    with pytest.raises(error, match=said):
        discover(MODEL, read_recording(DATA / "control.csv"), **options)


def test_an_electrode_that_a_dye_does_not_have() -> None:
    recording = read_recording(DATA / "control.csv")
    recording["V"].attrs["units"] = "a.u."
    with pytest.raises(RecordingError, match="a dye has no electrode"):
        discover(MODEL, recording, junction_potential=-4.0)


def test_conditions_come_back_from_a_finding() -> None:
    for given in ((None, None, None), ({"K_o": 4.0}, -3.0, (0.01, -5.0)), ({}, None, (0.01, 0.0))):
        found = read_conditions(*given)
        assert Conditions.of(found.about()) == found
    assert read_conditions(None, None, None).about() is None
