"""Pacing to a steady state, restitution and current clamp, against Myokit's CVODES at 1e-8."""

from __future__ import annotations

import json
from pathlib import Path

import myokit
import numpy as np
import pytest
import xarray as xr
from handwritten_models import HODGKIN_HUXLEY

import ionwidgets as iw
from ionwidgets.errors import IonWidgetsError
from ionwidgets.models import IonicModel

APD90_TOLERANCE = 0.2  # ms


@pytest.fixture(scope="module")
def model() -> IonicModel:
    return iw.load_model("tnnp2004")


def truth(model: IonicModel, events: list[tuple[float, float, float]], times: np.ndarray) -> np.ndarray:
    """V at `times` by CVODES; events: (level in multiples of the model's stimulus, start, duration [ms])."""
    simulation = myokit.Simulation(model.equations.clone())
    simulation.set_tolerance(1e-10, 1e-8)
    protocol = myokit.Protocol()
    for event in events:
        protocol.schedule(*event)
    simulation.set_protocol(protocol)
    name = model.variables["V"].qname()
    return np.array(simulation.run(times[-1] + 0.1, log=[name], log_times=times)[name])


def pulses(onsets: list[float], duration: float) -> list[tuple[float, float, float]]:
    return [(1.0, onset, duration) for onset in onsets]


def apd90(times: np.ndarray, V: np.ndarray, onset: float) -> float:
    """APD90 [ms] of the beat whose stimulus starts at `onset`, from V every 0.05 ms."""
    t, v = times[times >= onset], V[times >= onset]
    top = int(np.argmax(v[: round(50 / 0.05)]))
    start = t[int(np.argmax(np.diff(v[: top + 1])))] + 0.025
    level = v[top] - 0.9 * (v[top] - v[0])
    i = top + int(np.flatnonzero(v[top:] < level)[0])
    return float(t[i - 1] + (v[i - 1] - level) / (v[i - 1] - v[i]) * (t[i] - t[i - 1]) - start)


# ---- restitution ----


def test_s1s2_against_cvodes(model: IonicModel) -> None:
    intervals = [345.0, 400.0, 700.0]
    data = iw.simulate(model, protocol=iw.S1S2(s1=800, beats=4, s2=intervals), variables=["V"])
    table = iw.restitution(data)
    assert data["s2"].values.tolist() == intervals == table["interval"].tolist()
    assert set(data["cycle_length"].values) == {800.0}
    for row, interval in zip(table.itertuples(), intervals, strict=True):
        onsets = [10.0, 810.0, 1610.0, 2410.0, 2410.0 + interval]
        times = onsets[-1] + 0.05 * np.arange(round(500 / 0.05))
        V = truth(model, pulses(onsets, model.stimulus.duration), times)
        expected = apd90(times, V, onsets[-1])
        print(f"S2 {interval:g}: APD90 {row.APD90:.3f}, CVODES {expected:.3f}, DI {row.DI:.2f}")
        assert pytest.approx(expected, abs=APD90_TOLERANCE) == row.APD90
    assert table["APD90"].is_monotonic_increasing and table["DI"].is_monotonic_increasing


def test_s1s2_is_the_pacing_that_it_says(model: IonicModel) -> None:
    """With S2 at S1's own interval nothing is premature, and DI is what is left of the cycle."""
    data = iw.simulate(model, protocol=iw.S1S2(s1=500, beats=3, s2=500), variables=["V"])
    paced = iw.simulate(model, [500], 2500.0, variables=["V"])
    np.testing.assert_allclose(data["APD90"].values[0], paced["APD90"].values[0, 2:4], atol=0.02)
    np.testing.assert_allclose(data["V"].values[0, :990], paced["V"].values[0, 1000:1990], atol=0.05)
    row = iw.restitution(data).iloc[0]
    assert pytest.approx(500 - float(paced["APD90"][0, 2]), abs=0.1) == row.DI


def test_dynamic_restitution_against_cvodes(model: IonicModel) -> None:
    protocol = iw.DynamicRestitution([700, 450, 360], beats=3)
    table = iw.restitution(iw.simulate(model, protocol=protocol, variables=[]))
    onsets = (10.0 + np.concatenate([[0], np.cumsum(np.repeat([700.0, 450.0, 360.0], 3))[:-1]])).tolist()
    assert table["interval"].tolist() == [700, 450, 360]
    for row, beat in zip(table.itertuples(), (2, 5, 8), strict=True):
        times = onsets[beat] + 0.05 * np.arange(round(350 / 0.05))
        V = truth(model, pulses(onsets[: beat + 1], model.stimulus.duration), times)
        assert pytest.approx(apd90(times, V, onsets[beat]), abs=APD90_TOLERANCE) == row.APD90


def test_an_s2_that_does_not_capture_has_no_apd(model: IonicModel) -> None:
    """A response of -30 mV is none, by the rule of `capture`; nor has the beat after it a DI."""
    table = iw.restitution(iw.simulate(model, protocol=iw.S1S2(1000, 5, [330, 334, 400]), variables=[]))
    assert np.isfinite(table["APD90"]).tolist() == [False, False, True]
    assert np.isfinite(table["DI"]).tolist() == [False, False, True]
    halved = iw.simulate(model, protocol=iw.DynamicRestitution([1000, 250], beats=4), variables=[])
    assert (halved["APD90"].values[0, 4:] > 5).any(), "there was a response to leave out"
    last = iw.restitution(halved).iloc[1]
    assert np.isnan(last["APD90"]) or np.isnan(last["DI"])


# ---- steady state ----


def test_a_steady_state_is_steady(model: IonicModel) -> None:
    reports: list[tuple[float, str]] = []

    class Progress:
        def report(self, fraction: float, message: str, **facts: object) -> None:
            reports.append((fraction, message))

    paced = iw.Pacing([1000, 2000], duration=20_000, until_steady=True)
    data = iw.simulate(model, protocol=paced, variables=["Na_i", "K_i"], progress=Progress())
    assert data["steady"].values.all()
    assert (data["beats_before"] > 100).all() and (data["beats_before"] < 5000).all()
    APD90 = data["APD90"].values[0, :19]
    assert np.abs(np.diff(APD90)).max() < 0.01
    Na_i = data["Na_i"].values[0].astype(float)
    assert abs(Na_i[-1] / Na_i[0] - 1) < 1e-4  # over 20 beats
    fractions = [fraction for fraction, _ in reports]
    assert {message for _, message in reports} == {"pre-pacing", "simulating"}
    assert fractions[-1] == 1 and 0 < fractions[0] < 0.5
    fresh = iw.simulate(model, [1000], 20_000.0, variables=[])
    assert abs(float(fresh["APD90"][0, 18]) - APD90[18]) > 0.5  # what 20 beats alone would have given


def test_the_cap_ends_pacing_that_is_not_steady_yet(model: IonicModel) -> None:
    paced = iw.Pacing(500, duration=1000, until_steady=True, most_beats=5)
    data = iw.simulate(model, protocol=paced, variables=[])
    assert not data["steady"].values.any() and data["beats_before"].values.tolist() == [5]
    after = iw.simulate(model, [500], 3500.0, variables=[])
    np.testing.assert_allclose(data["APD90"].values[0, :1], after["APD90"].values[0, 5:6], atol=0.02)


def test_pacing_in_long_is_pacing_in_short(model: IonicModel) -> None:
    short = iw.simulate(model, [400, 600], 1500.0)
    xr.testing.assert_identical(short, iw.simulate(model, protocol=iw.Pacing([400, 600], 1500.0)))


# ---- current clamp ----


@pytest.fixture(scope="module")
def axon(tmp_path_factory: pytest.TempPathFactory) -> IonicModel:
    path = tmp_path_factory.mktemp("models") / "axon.mmt"
    path.write_text(HODGKIN_HUXLEY)
    return iw.load_model(path)


def test_spikes_under_current_steps_against_cvodes(axon: IonicModel) -> None:
    steps = iw.CurrentClamp([(0, 10), ([3.0, 8.0, 20.0], 60), (0, 20)])
    data = iw.simulate(axon, protocol=steps, sample=0.02)
    assert data["I_test"].values.tolist() == [3, 8, 20] and "beat" not in data.dims
    found = iw.spikes(data)
    times = 0.02 * np.arange(round(89 / 0.02))
    for cell, current in enumerate((3.0, 8.0, 20.0)):
        V = truth(axon, [(-current / axon.stimulus.amplitude, 10.0, 60.0)], times)
        again = iw.spikes(xr.Dataset({"V": (("cell", "time"), V[None])}, {"time": times}))
        mine = found[found.cell == cell]
        assert len(mine) == len(again) > 0
        assert len(mine) > 3 or current == 3.0
        np.testing.assert_allclose(mine["time"], again["time"], atol=0.06)
        for name in ("threshold", "peak", "amplitude", "half_width", "AHP"):
            np.testing.assert_allclose(mine[name], again[name], rtol=0.01, atol=0.1, err_msg=name)
    rates = iw.fi_curve(data)
    assert rates["I_test"].tolist() == [3, 8, 20] and rates["rate"].is_monotonic_increasing
    assert rates["spikes"].tolist()[0] == 1  # below the threshold of repetitive firing
    assert rates["rate"][2] == pytest.approx(1000 * rates["spikes"][2] / 60)


def test_spike_features_are_those_of_efel() -> None:
    """eFEL 5.7.34 (interp_step 0.025 ms) on the trace that this very run gives."""
    steps = iw.CurrentClamp([(0, 20), (10.0, 100), (0, 30)])
    data = iw.simulate(iw.load_model("hh1952"), protocol=steps, sample=0.025, variables=["V"])
    found = iw.spikes(data)
    efel = {
        "time": [22.15, 37.075, 51.725, 66.35],
        "threshold": [-56.758, -51.531, -51.402, -51.263],
        "peak": [40.222, 30.843, 30.455, 30.398],
        "amplitude": [96.98, 82.373, 81.857, 81.661],
        "AHP": [-75.077, -74.909, -74.896, -74.896],
    }
    assert len(found) == 7
    for name, values in efel.items():
        # A threshold or a peak may fall on the sample beside.
        np.testing.assert_allclose(found[name][:4], values, atol=0.026 if name == "time" else 0.3)
    np.testing.assert_allclose(found["half_width"][:4], [1.375, 1.2, 1.175, 1.2], atol=0.025)


def test_no_current_is_rest(axon: IonicModel) -> None:
    data = iw.simulate(axon, protocol=iw.CurrentClamp([(0, 200)]))
    assert np.abs(data["V"].values + 65).max() < 0.1
    assert len(iw.spikes(data)) == 0
    assert "cycle_length" not in data.coords


def test_a_model_whose_stimulus_is_0_needs_one_for_current_steps(axon: IonicModel) -> None:
    still = iw.CurrentClamp([(0, 20)])
    assert np.isfinite(iw.simulate(axon, protocol=still, stimulus=(0.0, 1.0))["V"]).all()
    with pytest.raises(IonWidgetsError, match=r"stimulus=\(-1, 1\)"):
        iw.simulate(axon, protocol=iw.CurrentClamp([(5, 20)]), stimulus=(0.0, 1.0))
    one, other = (
        iw.simulate(axon, protocol=iw.CurrentClamp([(5, 20)]), stimulus=stimulus)["V"]
        for stimulus in (None, (-1.0, 1.0))
    )
    np.testing.assert_allclose(one, other, atol=1e-3)


def test_a_clamped_dataset_goes_through_netcdf(axon: IonicModel, tmp_path: Path) -> None:
    data = iw.simulate(axon, protocol=iw.CurrentClamp([(0, 5), ([5, 9], 20)]), scale={"g_K": [0.9, 1]})
    data.to_netcdf(tmp_path / "steps.nc", engine="h5netcdf")
    again = xr.load_dataset(tmp_path / "steps.nc", engine="h5netcdf")
    xr.testing.assert_equal(again, data)
    pd_first, pd_again = iw.fi_curve(data), iw.fi_curve(again)
    assert pd_first.equals(pd_again) and len(pd_first) == 4
    assert json.loads(again.attrs["scale"]) == {"g_K": [0.9, 1]}


# ---- refusals ----


@pytest.mark.parametrize(
    ("protocol", "word"),
    [
        (lambda: iw.S1S2(s2=[300, 0.5]), "s2 must be finite times longer than the stimulus"),
        (lambda: iw.S1S2(s2=[]), "s2"),
        (lambda: iw.S1S2(s1=[500, 600]), "s1 must be one"),  # type: ignore[arg-type]
        (lambda: iw.S1S2(s1=10.5), "at least 11 ms"),
        (lambda: iw.S1S2(beats=0), "beats must be a whole number"),
        (lambda: iw.DynamicRestitution([]), "cycle lengths"),
        (lambda: iw.DynamicRestitution([500, np.nan]), "cycle lengths"),
        (lambda: iw.DynamicRestitution([500], beats=1), "beats"),
        (lambda: iw.Pacing(0.5), "longer than the stimulus"),
        (lambda: iw.Pacing(500, duration=-1.0), "duration"),
        (lambda: iw.Pacing(500, until_steady=True, most_beats=1), "most_beats"),
        (lambda: iw.CurrentClamp([]), "one step at least"),
        (lambda: iw.CurrentClamp([(5.0, 0.0)]), "last longer than 0 ms"),
        (lambda: iw.CurrentClamp([(np.inf, 5.0)]), "finite"),
        (lambda: iw.CurrentClamp([([], 5.0)]), "finite"),
        (lambda: iw.CurrentClamp([(1, 2, 3)]), "a step is"),
        (lambda: iw.CurrentClamp([([1, 2], 5), ([3], 5)]), "only one step"),
        (lambda: iw.CurrentClamp([5]), r"steps are a list of \(current \[A/F\], duration \[ms\]\)"),
        (lambda: iw.CurrentClamp((5, 100)), "steps are a list"),
        (lambda: iw.CurrentClamp(5.0), "steps are a list"),
        (lambda: iw.CurrentClamp([("a", 5)]), "each current, in A/F, must be given as numbers"),
        (lambda: iw.CurrentClamp([(5, "a")]), "each duration, in ms, must be given as numbers"),
        (lambda: iw.VoltageClamp([-40]), r"steps are a list of \(voltage \[mV\], duration \[ms\]\)"),
        (lambda: iw.VoltageClamp((-40, 100)), "steps are a list"),
        (lambda: iw.VoltageClamp([(-80, "x", 100)]), "each number of a ramp"),
        (lambda: iw.VoltageClamp([(0, 5)], holding=[-80, -60]), r"holding \[mV\] must be one number"),
        (lambda: iw.Pacing(500, duration=[100, 200]), r"duration \[ms\] must be one number"),
        (lambda: iw.Pacing("abc"), "cycle lengths must be given as numbers"),
        (lambda: iw.Pacing([[500.0]]), "cycle lengths"),
        (lambda: iw.S1S2(beats="ten"), "beats must be given as numbers"),
        (lambda: iw.Pacing, r"such as Pacing\(\[500, 1000\]\)"),
        (lambda: "S1S2", "protocol must be a protocol"),
    ],
    ids=range(32),
)
def test_a_protocol_that_makes_no_sense_gets_one_line(model: IonicModel, protocol, word: str) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(IonWidgetsError, match=word) as caught:
        iw.simulate(model, protocol=protocol())
    assert "\n" not in str(caught.value)


def test_a_protocol_and_cycle_lengths_are_refused(model: IonicModel) -> None:
    with pytest.raises(IonWidgetsError, match="leave out"):
        iw.simulate(model, [500], protocol=iw.S1S2())


def test_readers_say_what_they_need(model: IonicModel) -> None:
    data = iw.simulate(model, [500], 600.0, variables=["V"])
    for reader in (iw.restitution, iw.fi_curve, lambda ds: iw.iv_curve(ds, "I_Kr")):
        with pytest.raises(IonWidgetsError, match=r"protocol=|CurrentClamp|VoltageClamp"):
            reader(data)
