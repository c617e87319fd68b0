"""The found model taken elsewhere: what its files compute there, and what they say of themselves."""

from __future__ import annotations

import copy
from dataclasses import replace
from pathlib import Path

import myokit
import numpy as np
import pytest
from paced_truth import DURATION, late_apd90

from ionwidgets.discovery import Result, example_result
from ionwidgets.discovery.change import Change
from ionwidgets.discovery.late_apd90 import late_apd90 as late_apd90_of_ours
from ionwidgets.errors import IonWidgetsError
from ionwidgets.models import load_model

CHANGES = {
    Change("scale", "I_Kr"): np.log(0.5),
    Change("v_half", "f"): -6.0,
    Change("tau", "f"): np.log(1.2),
    Change("slope", "Xr2"): np.log(1.3),
    Change("tau", "Xs"): np.log(0.7),
}
STIMULUS = (-40.0, 1.5)
NASTY = 'cell """ */ --> \n[[script]] é\\.csv'


@pytest.fixture(scope="module")
def result() -> Result:
    """The stored result with other changes, stimulus and file name."""
    stored = example_result()
    finding = copy.deepcopy(stored.finding)
    finding["recording"]["file"] = NASTY
    next(e for e in finding["currents"] if e["current"] == "I_Kr")["ci95"] = [0.236, 0.263]
    finding["control"] = {
        "file": "before.csv",
        "currents": [{"current": "I_Kr", "parameter": "g_Kr", "scale": 1.3}],
    }
    return replace(stored, changes=CHANGES, stimulus=STIMULUS, finding=finding)


def test_plain_myokit_runs_the_file_as_the_result_runs(result: Result, tmp_path: Path) -> None:
    result.export(tmp_path / "edited.mmt")
    model, protocol, script = myokit.load(str(tmp_path / "edited.mmt"))
    assert protocol is None and script is None
    assert myokit.load_model(str(tmp_path / "edited.mmt")).code() == model.code()
    assert model.label("stimulus_amplitude").eval() == STIMULUS[0]
    simulation = myokit.Simulation(model)
    simulation.set_tolerance(1e-10, 1e-8)
    V = model.label("membrane_potential").qname()
    lengths = [450.0, 800.0]
    ours = late_apd90_of_ours(result.simulate(lengths, DURATION, variables=[]), DURATION)
    for cycle_length, apd90 in zip(lengths, ours, strict=True):
        assert abs(late_apd90(simulation, V, cycle_length, STIMULUS[1]) - apd90) < 1.0


@pytest.mark.parametrize("suffix", [".mmt", ".cellml", ".model"])
def test_the_file_says_what_was_changed(result: Result, suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"edited{suffix}"
    result.export(path)
    text = " ".join(path.read_text(encoding="utf-8").split())
    for words in (
        "tnnp2004:M, altered.",
        "I_Kr (g_Kr) x0.5 (95 % interval 0.236 to 0.263)",
        "gate f of I_CaL: V_half shifted by -6 mV",
        "gate f of I_CaL: tau x1.2",
        "gate Xr2 of I_Kr: slope of h_inf x1.3",
        "gate Xs of I_Ks: tau x0.7",
        "exact, no fitted curve",
        "at cycle lengths 400, 600, 800 ms",
        "the same cell before the change (before.csv): g_Kr x1.3",
        "stimulus -40 A/F for 1.5 ms",
        "Made with ionwidgets",
        "myokit",
    ):
        assert words in text, words
    assert "variant_epi" not in text
    if suffix == ".model":
        assert text.count("*/") == 1 + text.count("/* */")
    else:
        again = load_model(path)
        assert again.stimulus.amplitude == STIMULUS[0] and again.stimulus.duration == STIMULUS[1]
        assert again.title == result.model.title and again.doi == result.model.doi
        V = np.linspace(-90, 40, 14)
        steady, tau = again.gate_curves(V)["f"]
        np.testing.assert_allclose(steady, result.model.gate_curves(V + 6.0)["f"][0], rtol=1e-9)
        np.testing.assert_allclose(tau, 1.2 * result.model.gate_curves(V)["f"][1], rtol=1e-9)


def test_no_change_is_said_too(result: Result, tmp_path: Path) -> None:
    replace(result, changes={}).export(tmp_path / "same.mmt")
    assert "Changes: none" in (tmp_path / "same.mmt").read_text(encoding="utf-8")


def test_an_unknown_format_is_refused_with_those_that_there_are(result: Result, tmp_path: Path) -> None:
    for name in ("edited.xml", "edited", "edited.MMT"):
        with pytest.raises(IonWidgetsError, match=r"\.mmt \(Myokit\), \.cellml .*, \.model \(EasyML"):
            result.export(tmp_path / name)
    unexplained = replace(result, finding={**result.finding, "verdict": "unexplained"})
    with pytest.raises(IonWidgetsError, match="does not explain this recording"):
        unexplained.export(tmp_path / "edited.mmt")
    with pytest.raises(IonWidgetsError, match="cannot be written"):
        result.export(tmp_path / "no" / "edited.mmt")
    assert list(tmp_path.iterdir()) == []


# ---- the network's gates, as formulae ----


def test_plain_myokit_runs_the_networks_gates_as_the_neural_ode_runs(tmp_path: Path) -> None:
    result, path = example_result(), tmp_path / "network.mmt"
    result.export(path, gates="network")
    model = myokit.load_model(str(path))
    simulation = myokit.Simulation(model)
    simulation.set_tolerance(1e-10, 1e-8)
    V = model.label("membrane_potential").qname()
    lengths = [600.0]
    ours = late_apd90_of_ours(result.neural_ode(lengths, DURATION, variables=[]), DURATION)
    for cycle_length, apd90 in zip(lengths, ours, strict=True):
        assert abs(late_apd90(simulation, V, cycle_length) - apd90) < 1.0
    text = " ".join(model.meta["desc"].split())
    for words in ("those of the retrained network", "I_Kr x0.94", "Xs: h_inf Boltzmann power, within 0.000"):
        assert words in text, words
    conductances = load_model(path).conductances
    for name, factor in result.scales.items():
        conductance = next(c.conductance for c in result.model.currents if c.name == name)
        assert conductances[conductance] == pytest.approx(factor * result.model.conductances[conductance])


@pytest.mark.parametrize("suffix", [".cellml", ".model"])
def test_the_networks_gates_in_other_formats(suffix: str, tmp_path: Path) -> None:
    result, path = example_result(), tmp_path / f"network{suffix}"
    result.export(path, gates="network")
    assert "those of the retrained network" in path.read_text(encoding="utf-8")
    if suffix == ".cellml":
        curves, V = load_model(path).gate_curves(np.linspace(-80, 30, 12)), result.gates()["V"].values
        for j, gate in enumerate(result.model.gate_names):
            h_inf = np.interp(np.linspace(-80, 30, 12), V, result.h_inf[1, j])
            tau = np.interp(np.linspace(-80, 30, 12), V, result.tau[1, j])
            np.testing.assert_allclose(curves[gate][0], h_inf, atol=0.003)
            np.testing.assert_allclose(curves[gate][1], tau, rtol=0.025)


def test_gates_of_an_unknown_source_are_refused(result: Result, tmp_path: Path) -> None:
    with pytest.raises(IonWidgetsError, match="gates come from found or network; found 'learnt'"):
        result.export(tmp_path / "edited.mmt", gates="learnt")
