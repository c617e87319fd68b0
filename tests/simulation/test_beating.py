"""Cells that fire by themselves or under current, against their tables and CVODES."""

from __future__ import annotations

from typing import Any

import myokit
import numpy as np
import pytest
from reference_tables import table

import ionwidgets as iw
from ionwidgets.models import list_models, load_model
from ionwidgets.simulation import simulate

ONSET = 10.0  # ms
F_I = table("hodgkin-huxley-1952").content["f_I"]["points"]
# Cells whose beats another event starts; where it starts by itself a small shift in time is a large one in V.
UNPACED = ("noble1962", "pospischil2008")
PACED = [key for card in list_models() if card.name not in UNPACED for key in card.keys]


def crossings(time: np.ndarray, V: np.ndarray, level: float) -> np.ndarray:
    """Times [ms] at which V rises above `level`, straight between samples."""
    i = np.flatnonzero((V[:-1] < level) & (V[1:] >= level))
    return time[i] + (time[i + 1] - time[i]) * (level - V[i]) / (V[i + 1] - V[i])


def test_the_axon_fires_as_tabulated_at_every_current() -> None:
    """Latency, number of spikes and steady frequency of 1.5 s steps from the rest equilibrium."""
    model, rest = load_model("hh1952"), table("hodgkin-huxley-1952").content["rest_equilibrium"]
    currents = [point["I_uA_per_cm2"] for point in F_I]
    data = simulate(
        model,
        protocol=iw.CurrentClamp([(0.0, ONSET), (currents, 1500.0)]),
        initial=rest,
        variables=["V"],
        sample=0.05,
    )
    time = data["time"].values
    for point, V in zip(F_I, data["V"].values.astype(float), strict=True):
        spikes = crossings(time, V, -35.0)
        assert spikes.size == point["n_crossings_total"], point
        late = time > ONSET + 1000.0
        assert V[late].max() == pytest.approx(point["V_max_last_500ms_mV"], abs=0.3)
        assert V[late].min() == pytest.approx(point["V_min_last_500ms_mV"], abs=0.1)
        if point["first_spike_latency_ms"] is not None:
            assert spikes[0] - ONSET == pytest.approx(point["first_spike_latency_ms"], abs=0.02)
        if point["steady_frequency_Hz"] > 0:
            middle = 0.5 * (V[late].max() + V[late].min())
            frequency = 1000.0 / np.mean(np.diff(crossings(time[late], V[late], middle)))
            assert frequency == pytest.approx(point["steady_frequency_Hz"], rel=2e-3)


def spontaneous(stem: str) -> tuple[dict[str, Any], dict[str, float]]:
    """The table's row of the cell left to itself, and what ours does in its place."""
    reference = table(stem)
    row = next(row for row in reference.content["biomarkers"] if "spontaneous_CL_ms" in row)
    duration = row["prerun_ms"] + 10 * row["spontaneous_CL_ms"]
    data = simulate(
        load_model(reference.model),
        protocol=iw.CurrentClamp([(0.0, duration)]),
        variables=["V"],
        record_from=row["prerun_ms"],
        sample=0.1,
    )
    time, V = data["time"].values, data["V"].values[0].astype(float)
    found = {
        "spontaneous_CL_ms": float(np.mean(np.diff(crossings(time, V, -40.0)))),
        "peak_mV": float(V.max()),
        "max_diastolic_potential_mV": float(V.min()),
    }
    return row, found


@pytest.mark.parametrize(("stem", "share"), [("noble-1962", 3e-4), ("paci-2013-ventricular", 1e-3)])
def test_a_cell_left_to_itself_beats_as_tabulated(stem: str, share: float) -> None:
    """The interval of Paci's cell still moves by 0.57 ms over the table's five cycles."""
    row, found = spontaneous(stem)
    print(row, found)
    assert found["spontaneous_CL_ms"] == pytest.approx(row["spontaneous_CL_ms"], rel=share)
    for name in ("peak_mV", "max_diastolic_potential_mV"):
        assert found[name] == pytest.approx(row[name], abs=0.1)


@pytest.mark.parametrize("variant", ["RS", "FS"])
def test_cortical_neurons_fire_as_in_cvodes(variant: str) -> None:
    """Every spike within 0.3 ms after 400 ms of firing, and adapting as a regular-spiking cell does."""
    model = load_model("pospischil2008", variant)
    oracle = myokit.Simulation(model.equations.clone())
    oracle.set_tolerance(1e-10, 1e-8)
    oracle.set_protocol(myokit.pacing.blocktrain(1000.0, model.stimulus.duration, ONSET))
    V = model.variables["V"].qname()
    times = np.arange(0.0, 450.0, 0.05)
    truth = crossings(times, oracle.run(450.0, log=[V], log_times=times).npview()[V], 0.0)
    data = simulate(model, 1000.0, 450.0, sample=0.05, variables=["V"])
    ours = crossings(data["time"].values, data["V"].values[0].astype(float), 0.0)
    print(variant, "spikes", truth.size, "greatest difference", np.abs(ours - truth).max(), "ms")
    assert ours.size == truth.size > 5
    assert np.abs(ours - truth).max() < 0.3
    intervals = np.diff(ours)
    assert intervals[-1] > 1.1 * intervals[0]


@pytest.mark.slow
@pytest.mark.parametrize("key", PACED)
def test_every_variant_follows_cvodes(key: str) -> None:
    """V over ten beats at 1000 ms, within 0.1 mV RMS; half of them have no table."""
    model = load_model(key)
    oracle = myokit.Simulation(model.equations.clone())
    oracle.set_tolerance(1e-10, 1e-8)
    oracle.set_protocol(myokit.pacing.blocktrain(1000.0, model.stimulus.duration, ONSET))
    V = model.variables["V"].qname()
    times = np.arange(0.0, 10_000.0, 1.0)
    truth = oracle.run(10_000.0, log=[V], log_times=times).npview()[V]
    ours = simulate(model, 1000.0, 10_000.0, variables=["V"])["V"].values[0, : times.size]
    rmse = float(np.sqrt(np.mean((ours - truth) ** 2)))
    print(f"{key}: V RMSE {rmse:.4f} mV over 10 beats")
    assert rmse < 0.1
