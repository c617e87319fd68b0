"""What `simulate` promises: the Dataset, what is altered and what is not, and its refusals."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from handwritten_models import HODGKIN_HUXLEY
from hypothesis import given, settings
from hypothesis import strategies as st
from kernel_functions import rhs, row_at
from reference_tables import VARIANTS, tnnp

from ionwidgets.errors import IonWidgetsError, ModelError, SimulationError
from ionwidgets.models import IonicModel, load_model
from ionwidgets.simulation import S1S2, Drug, Pacing, VoltageClamp, simulate, voltage_grid
from ionwidgets.simulation.kernel import V_LOW, V_STEP, kernel_for
from ionwidgets.simulation.sweep import Cell, picked, run_cell, run_cells


@pytest.fixture(scope="module")
def model() -> IonicModel:
    return load_model("tnnp2004")


# ---- the Dataset ----


def test_dims_coordinates_and_units(model: IonicModel) -> None:
    data = simulate(model, [400, 600], 1500.0)
    assert dict(data.sizes) == {"cell": 2, "time": 1501, "beat": 4}
    assert data["cycle_length"].values.tolist() == [400, 600]
    assert data["time"].values[[0, -1]].tolist() == [0, 1500]
    for name in (*model.states, *(current.name for current in model.currents)):
        assert data[name].dims == ("cell", "time")
        assert data[name].dtype == np.float32
        assert data[name].attrs["units"] == model.units[name]
        assert np.isfinite(data[name]).all()
    units = {
        "APD90": "ms",
        "RMP": "mV",
        "dVdt_max": "mV/ms",
        "Ca_peak": "mM",
        "cycle_length": "ms",
        "time": "ms",
    }
    assert {name: data[name].attrs["units"] for name in units} == units
    assert data.attrs["model"] == "tnnp2004" and data.attrs["variant"] == "M"
    assert data.attrs["model_hash"] == model.hash
    assert np.isfinite(data["APD90"].sel(beat=0)).all()
    assert np.isnan(data["APD90"][1, 3])  # no such beat at 600 ms


@pytest.mark.parametrize("handwritten", [False, True])
def test_netcdf_gives_back_the_same(model: IonicModel, handwritten: bool, tmp_path: Path) -> None:
    if handwritten:
        (tmp_path / "hh.mmt").write_text(HODGKIN_HUXLEY)
        model = load_model(tmp_path / "hh.mmt")
    data = simulate(model, [300, 500], 700.0, scale={model.currents[0].name: 0.5})
    data.to_netcdf(tmp_path / "data.nc", engine="h5netcdf")
    again = xr.load_dataset(tmp_path / "data.nc", engine="h5netcdf")
    xr.testing.assert_equal(again, data)
    assert {name: again[name].attrs for name in again} == {name: data[name].attrs for name in data}
    assert json.loads(again.attrs["scale"]) == {model.currents[0].name: 0.5}
    assert list(again.attrs["stimulus"]) == list(data.attrs["stimulus"])


@pytest.mark.parametrize("variant", VARIANTS)
def test_currents_are_those_of_the_model_at_the_recorded_states(variant: str) -> None:
    model = load_model("tnnp2004", variant)
    data = simulate(model, [500], 450.0, sample=1.7)
    state = {name: data[name].values[0].astype(float) for name in model.states}
    names = tuple(current.name for current in model.currents)
    values = model.values(names, state)
    for name in names:
        scale = np.abs(values[name]).max()
        # Single precision of the states, and the tables' steps of 0.05 mV.
        np.testing.assert_allclose(data[name].values[0], values[name], atol=2e-5 * scale, rtol=2e-4)


# ---- sampling ----


def test_sampling_does_not_change_the_cell(model: IonicModel) -> None:
    """A sample ends a step, so the steps differ, the answer but little."""
    coarse, fine = (simulate(model, [500], 1000.0, sample=sample) for sample in (1.0, 0.1))
    assert np.abs(fine["V"].values[0, ::10] - coarse["V"].values[0]).max() < 0.1
    assert float(fine["APD90"][0, 0]) == pytest.approx(float(coarse["APD90"][0, 0]), abs=0.05)


def test_record_from_keeps_the_end_and_every_beat(model: IonicModel) -> None:
    whole, end = (simulate(model, [500], 2000.0, record_from=start) for start in (0.0, 1500.0))
    assert end["time"].values[[0, -1]].tolist() == [1500, 2000]
    np.testing.assert_allclose(end["V"].values, whole["V"].values[:, 1500:], atol=0.02)
    np.testing.assert_allclose(end["APD90"], whole["APD90"], atol=0.05)


@pytest.mark.parametrize(
    ("duration", "sample"), [(1.2, 0.1), (0.3, 0.1), (11.7, 0.9), (4.9, 0.7), (20.0, 3.0)]
)
def test_no_sample_is_missed_by_rounding(model: IonicModel, duration: float, sample: float) -> None:
    data = simulate(model, [500], duration, sample=sample)
    assert data.sizes["time"] == int(duration / sample + 1e-9) + 1
    assert np.isfinite(data["V"]).all()


def test_nothing_recorded_still_ends(model: IonicModel) -> None:
    """Biomarkers alone: there is no sample to wait for."""
    data = simulate(model, [500], 1000.0, variables=[])
    assert data.sizes["time"] == 0
    full = simulate(model, [500], 1000.0)
    np.testing.assert_allclose(data["APD90"], full["APD90"], atol=0.1)


def test_the_stimulus_starts_after_10_ms(model: IonicModel) -> None:
    V = simulate(model, [500], 30.0, sample=0.5)["V"].values[0]
    assert abs(V[20] - V[0]) < 1.0 and V[21] > V[20] + 15


def test_a_run_shorter_than_the_onset_has_no_beat(model: IonicModel) -> None:
    data = simulate(model, [500], 5.0)
    assert data.sizes["beat"] == 0
    assert np.isfinite(data["V"]).all()


# ---- the same answer, whatever the threads ----


def test_threads_change_nothing(model: IonicModel) -> None:
    lengths = [350.0, 500.0, 650.0, 800.0, 1000.0]
    one, two, again = (simulate(model, lengths, 2000.0, threads=n) for n in (1, 2, 2))
    xr.testing.assert_identical(one, two)
    xr.testing.assert_identical(two, again)
    alone = simulate(model, [650.0], 2000.0)
    np.testing.assert_array_equal(alone["V"].values[0], one["V"].values[2])


# ---- what is altered ----


def test_a_scale_multiplies_the_whole_current(model: IonicModel) -> None:
    names = [current.name for current in model.currents]
    start = simulate(model, [500], 1.0, sample=1.0).isel(time=0)
    for current in model.currents:
        for key in filter(None, (current.name, current.conductance)):
            altered = simulate(model, [500], 1.0, sample=1.0, scale={key: 0.5}).isel(time=0)
            for name in names:
                factor = 0.5 if name == current.name else 1.0
                assert float(altered[name][0]) == pytest.approx(factor * float(start[name][0]), rel=1e-6), key


def test_a_scale_of_one_is_control(model: IonicModel) -> None:
    control = simulate(model, [500], 600.0)
    same = simulate(model, [500], 600.0, scale=dict.fromkeys(model.conductances, 1.0))
    np.testing.assert_array_equal(control["V"], same["V"])


def test_gates_replaced_by_themselves_change_nothing(model: IonicModel) -> None:
    control = simulate(model, [500], 1000.0)
    same = simulate(model, [500], 1000.0, gates=model.gate_curves(voltage_grid()))
    np.testing.assert_array_equal(control["V"], same["V"])


def test_a_shifted_gate_changes_the_cell_as_its_equation_would(model: IonicModel) -> None:
    V = voltage_grid()
    tau = model.gate_curves(V)["f"][1]
    control = simulate(model, [600], 3000.0)
    shifted = simulate(model, [600], 3000.0, gates={"f": (1 / (1 + np.exp((V + 26) / 7)), tau)})
    change = float((shifted["APD90"] - control["APD90"])[0, 4])
    assert change < -3  # ms; the same change in the equation gives the same trace:
    edited = model.equations.clone()
    edited.get("ICaL.f_inf").set_rhs("1 / (1 + exp((membrane.V + 26 [mV]) / 7 [mV]))")
    rewritten = simulate(IonicModel(edited, "edited"), [600], 3000.0)
    np.testing.assert_allclose(shifted["V"], rewritten["V"], atol=1e-3)


def test_initial_states_and_the_stimulus_are_set(model: IonicModel) -> None:
    start = simulate(model, [500], 1.0, initial={"V": -70.0, "Na_i": 10.0}).isel(time=0, cell=0)
    assert float(start["V"]) == -70 and float(start["Na_i"]) == 10
    weak = simulate(model, [500], 400.0, stimulus=(-5.0, 1.0))
    assert weak["V"].max() < -60  # no action potential
    long = simulate(model, [500], 400.0, stimulus=(-26.0, 2.0))
    assert long["V"].max() > 20


def test_a_changed_constant_reaches_currents_and_gates(tmp_path: Path) -> None:
    text = (
        HODGKIN_HUXLEY.replace("[na]\n", "[na]\nQ10 = 1\n")
        .replace("dot(h) = a", "dot(h) = Q10 * (a")
        .replace("* (1 - h) - b * h", "* (1 - h) - b * h)")
    )
    (tmp_path / "hot.mmt").write_text(text)
    kernel = kernel_for(load_model(tmp_path / "hot.mmt"))
    hot = kernel.with_constants({"Q10": 3.0})
    n_gates = len(kernel.model.gate_names)
    j = kernel.model.gate_names.index("h")
    np.testing.assert_allclose(
        hot.gates.values[..., n_gates + j], 3 * kernel.gates.values[..., n_gates + j], rtol=1e-12
    )
    np.testing.assert_allclose(hot.gates.values[..., j], kernel.gates.values[..., j], rtol=1e-12)
    assert kernel.with_constants({}) is kernel


@settings(max_examples=25)
@given(
    scale=st.dictionaries(
        st.sampled_from(
            [
                "g_Na",
                "g_CaL",
                "g_Kr",
                "g_Ks",
                "g_to",
                "g_K1",
                "g_pK",
                "g_pCa",
                "g_bNa",
                "g_bCa",
                "P_NaK",
                "K_NaCa",
            ]
        ),
        st.floats(0.3, 2.0),
    )
)
def test_gates_stay_between_0_and_1(scale: dict[str, float]) -> None:
    model = load_model("tnnp2004")
    data = simulate(model, [400.0], 1000.0, scale=scale, variables=model.gate_names)
    for gate in model.gate_names:
        assert data[gate].min() >= 0
        assert data[gate].max() <= 1


# ---- refusals ----


@pytest.mark.parametrize(
    ("settings_", "word"),
    [
        ({"cycle_lengths": []}, "cycle length"),
        ({"cycle_lengths": [0.5]}, "longer than the stimulus"),
        ({"cycle_lengths": [np.nan]}, "finite"),
        ({"cycle_lengths": [np.inf]}, "finite"),
        ({"duration": 0.0}, "duration"),
        ({"duration": np.nan}, "duration"),
        ({"sample": 0.0}, "sample"),
        ({"sample": 1e6}, "sample"),
        ({"record_from": -1.0}, "record_from"),
        ({"record_from": 1000.0}, "record_from"),
        ({"scale": {"g_Kr": -1.0}}, "g_Kr"),
        ({"scale": {"g_Kr": np.nan}}, "g_Kr"),
        ({"scale": {"g_kr": 0.5}}, "did you mean"),
        ({"gates": {"XR1": (np.ones(3), np.ones(3))}}, "did you mean"),
        ({"gates": {"Xr1": (np.ones(3), np.ones(3))}}, "voltage_grid"),
        (
            {"gates": {"Xr1": (np.ones(voltage_grid().size), np.zeros(voltage_grid().size))}},
            "tau of gate Xr1",
        ),
        ({"gates": {"Xr1": (np.full(voltage_grid().size, np.nan), np.ones(voltage_grid().size))}}, "finite"),
        ({"initial": {"Vm": -80.0}}, "state"),
        ({"variables": ["I_kr"]}, "I_Kr"),
        ({"stimulus": (-52.0, 0.0)}, "stimulus"),
        ({"initial": {"V": np.nan}}, "initial V must be finite"),
        ({"initial": {"V": "rest"}}, "initial V must be given as numbers"),
        ({"initial": -80.0}, "initial must be values by name"),
        ({"stimulus": -20.0}, r"stimulus must be \(amplitude \[A/F\], duration \[ms\]\)"),
        ({"stimulus": (1,)}, "stimulus must be"),
        ({"stimulus": ()}, "stimulus must be"),
        ({"stimulus": ("a", "b")}, "stimulus must be"),
        ({"cycle_lengths": "abc"}, "cycle lengths must be given as numbers"),
        ({"duration": [100, 200]}, "duration"),
        ({"duration": 0.3}, "a run of 0.3 ms is shorter than the 1 ms between samples"),
        ({"sample": [1, 2]}, "sample"),
        ({"scale": 0.5}, "scale must be values by name"),
        ({"scale": {"g_Kr": "half"}}, "g_Kr must be given as numbers"),
        ({"conditions": [4.0]}, "conditions must be values by name"),
        ({"drug": {"g_Na": 1}}, r"drug must be a Drug"),
        ({"gates": {"Xr1": 3.0}}, "curves of gate Xr1"),
        ({"variables": "I_Kr"}, r"variables=\['I_Kr'\]"),
        ({"out": "/tmp"}, "out=/tmp is a folder"),
        ({"out": 3}, "out must be the name of a netCDF file"),
        ({"threads": 0}, "threads must be a whole number from 1 on; found 0"),
        ({"threads": "2"}, "threads must be a whole number"),
        ({"progress": print}, "progress must have a method report"),
        ({"cycle_lengths": "500"}, "cycle lengths must be given as numbers; found '500'"),
        ({"variables": 3}, "variables must be a list of names"),
        ({"variables": [3]}, "variables must be a list of names"),
        ({"scale": {"g_Kr": 1e5}}, "from 0 on, below 1000; found 100000"),
        ({"duration": 1e9}, "positive, in ms, and below 1e8; found 1e"),
        ({"scale": {3: 1.0}}, "scale must have names as its keys; found 3"),
        ({"conditions": {3: 1.0}}, "conditions must have names as its keys; found 3"),
        ({"conditions": {"F": 0.0}}, "with F=0 the model has no values"),
    ],
    ids=str,
)
def test_a_wrong_setting_gets_one_line(model: IonicModel, settings_: dict, word: str) -> None:
    arguments = {"cycle_lengths": [500.0], "duration": 1000.0} | settings_
    with pytest.raises(IonWidgetsError, match=word) as caught:
        simulate(model, **arguments)
    assert isinstance(caught.value, SimulationError | ModelError)
    assert "\n" not in str(caught.value)


def test_a_variable_that_is_named_twice_is_stored_once(model: IonicModel, tmp_path: Path) -> None:
    for out in (None, tmp_path / "twice.nc"):
        with simulate(model, [500.0], 100.0, variables=["V", "V"], out=out) as data:
            assert data["V"].shape == (1, 101)
    assert [path.name for path in tmp_path.iterdir()] == ["twice.nc"]


def test_a_beat_that_only_sinks_has_no_action_potential(model: IonicModel) -> None:
    """V falls from its peak, at the onset, before it rises fastest: that is no repolarisation."""
    beat = simulate(model, [500.0], 100.0, stimulus=(20.0, 1.0), variables=[])
    assert np.isnan([float(beat[name][0, 0]) for name in ("APD30", "APD50", "APD90")]).all()


def test_a_model_s_name_is_no_model() -> None:
    with pytest.raises(SimulationError, match=r"load_model\('br1977'\) first"):
        simulate("br1977", [500.0])  # type: ignore[arg-type]


# ---- cells that break down ----


def broken(model: IonicModel, **settings: object) -> str:
    with pytest.raises(SimulationError, match="broke down") as caught:
        simulate(model, variables=[], **settings)  # type: ignore[arg-type]
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_what_was_changed_is_named_where_a_cell_breaks_down(model: IonicModel) -> None:
    text = broken(model, cycle_lengths=500, duration=100.0, conditions={"Ca_o": 1e30}, stimulus=(-20, 2))
    assert "cell 0 (cycle_length 500) at " in text
    assert "is conditions={'Ca_o': 1e+30}, stimulus=(-20.0, 2.0) physiological?" in text
    drug = Drug(ic50={"g_Kr": 12.0}, concentration=6)
    text = broken(model, cycle_lengths=500, duration=100.0, initial={"Ca_i": -1e30}, drug=drug)
    assert "is drug=Drug(ic50={'g_Kr': 12.0}, concentration=6, hill=1.0), initial={'Ca_i': -1e+30} p" in text


def test_of_many_cells_that_break_down_three_are_told(model: IonicModel) -> None:
    lengths = [400.0 + i for i in range(7)]
    text = broken(model, cycle_lengths=lengths, duration=100.0, conditions={"Ca_o": 1e30})
    assert text.count("cycle_length") == 3 and "; and 4 more; " in text


def test_a_cell_lost_before_time_0_says_so(model: IonicModel) -> None:
    lost = {"conditions": {"Ca_o": 1e30}}
    for protocol in (Pacing(500, 500, until_steady=True), S1S2(500, 3, 400)):
        assert " in the pacing before time 0, " in broken(model, protocol=protocol, **lost)
    clamp = VoltageClamp([(0, 10)])
    assert "cell 0 while it was held before time 0, " in broken(model, protocol=clamp, initial={"Na_i": -1.0})


# ---- many cells, clamps, tables ----


def test_run_cells_keeps_the_order_and_passes_errors_on() -> None:
    assert run_cells(lambda i: i * i, 7, threads=3) == [i * i for i in range(7)]
    assert run_cells(lambda i: i, 0) == []
    with pytest.raises(ZeroDivisionError):
        run_cells(lambda i: 1 // i, 3, threads=2)


def test_an_action_potential_clamp_gives_back_the_gates_and_currents(model: IonicModel) -> None:
    """Driven by the cell's own V and Ca_i, the rest follows as it did in the paced cell."""
    kernel, sample = kernel_for(model), 0.1
    names = (*kernel.layout.states, *kernel.layout.currents)
    cell = Cell(500.0, 1000.0, kernel.initial(), kernel.scales({}), kernel.gates)
    paced = run_cell(kernel, cell, names, model.stimulus.duration, sample).traces
    driven = picked(kernel, ["V", "Ca_i"])
    out = np.full(paced.shape, np.nan)
    kernel.module.clamp_cell(
        kernel.initial(), kernel.constants, kernel.scales({}), kernel.gates.values, kernel.columns, V_LOW,
        1.0 / V_STEP, 0.0, 0.0, kernel.calcium(), driven, np.ascontiguousarray(paced[:, driven]), sample, 2,
        picked(kernel, names), out, *kernel.room(),
    )  # fmt: skip
    for j, name in enumerate(names):
        scale = np.abs(paced[:, j]).max()
        rms = np.sqrt(np.mean((out[:, j] - paced[:, j]) ** 2)) / scale
        assert rms < (2e-3 if name == "I_Na" else 1e-3), (name, rms)
    np.testing.assert_array_equal(out[:, driven], paced[:, driven])


@pytest.mark.parametrize("variant", VARIANTS)
def test_the_compiled_right_hand_side_is_that_of_the_model(variant: str) -> None:
    model = load_model("tnnp2004", variant)
    kernel = kernel_for(model)
    for point in tnnp(variant).points:
        y = np.array([point["state"][name] for name in kernel.layout.states])
        dy, _, current = rhs(kernel, y, *row_at(kernel, point["state"]["V"]))
        largest = max(abs(point["values"][name]) for name in kernel.layout.currents)
        for name, value in zip(kernel.layout.currents, current, strict=True):
            assert abs(value - point["values"][name]) < 1e-5 * largest, (point["label"], name)
        at_V = kernel.layout.states.index("V")
        assert abs(dy[at_V] - point["derivatives"]["V"]) < 1e-5 * largest
