"""Drugs, recording conditions and grids of cells; the file that a large sweep is streamed to."""

from __future__ import annotations

import json
import tracemalloc
from pathlib import Path

import myokit
import numpy as np
import pytest
import xarray as xr

import ionwidgets as iw
from ionwidgets.errors import IonWidgetsError, SimulationError, SimulationWarning
from ionwidgets.models import IonicModel
from ionwidgets.simulation import store


@pytest.fixture(scope="module")
def model() -> IonicModel:
    return iw.load_model("tnnp2004")


# ---- drug ----


def test_a_drug_is_a_scale(model: IonicModel) -> None:
    drug = iw.Drug(ic50={"g_Kr": 12.0, "g_CaL": 50.0}, hill={"g_Kr": 1.5}, concentration=6)
    factors = {"g_Kr": 1 / (1 + 0.5**1.5), "g_CaL": 1 / (1 + 6 / 50)}
    assert drug.factors(6) == pytest.approx(factors)
    drugged = iw.simulate(model, [600], 1000.0, drug=drug, scale={"g_to": 0.5})
    scaled = iw.simulate(model, [600], 1000.0, scale={**factors, "g_to": 0.5})
    for name in drugged.data_vars:
        np.testing.assert_array_equal(drugged[name], scaled[name])
    assert json.loads(drugged.attrs["drug"]) == {
        "ic50": {"g_Kr": 12.0, "g_CaL": 50.0},
        "hill": {"g_Kr": 1.5},
        "concentration": 6,
    }


def test_a_drug_acts_on_top_of_a_scale_of_the_same_current(model: IonicModel) -> None:
    drug = iw.Drug({"I_Kr": 10.0}, 10.0)
    both = iw.simulate(model, [600], 500.0, drug=drug, scale={"g_Kr": 0.5}, variables=["V"])
    quarter = iw.simulate(model, [600], 500.0, scale={"g_Kr": 0.25}, variables=["V"])
    np.testing.assert_array_equal(both["V"], quarter["V"])


def test_concentrations_are_cells(model: IonicModel) -> None:
    drug = iw.Drug({"g_Kr": 10.0}, [0.0, 5.0, 20.0])
    data = iw.simulate(model, 1000, 1000.0, drug=drug, variables=[])
    assert data["concentration"].values.tolist() == [0, 5, 20]
    assert np.all(np.diff(data["APD90"].values[:, 0]) > 5)
    control = iw.simulate(model, 1000, 1000.0, variables=[])
    assert data["APD90"].values[0, 0] == control["APD90"].values[0, 0]


# ---- conditions ----


@pytest.mark.parametrize(
    ("conditions", "edits"),
    [
        ({"K_o": 4.0}, {"extracellular.K_o": 4.0}),
        ({"Na_o": 130.0, "Ca_o": 1.2}, {"extracellular.Na_o": 130.0, "extracellular.Ca_o": 1.2}),
        ({"temperature": 305.0}, {"phys.T": 305.0}),
        ({"K_mCa": 2.0}, {"INaCa.K_mCa": 2.0}),
    ],
    ids=str,
)
def test_conditions_against_cvodes(
    model: IonicModel, conditions: dict[str, float], edits: dict[str, float]
) -> None:
    equations = model.equations.clone()
    simulation = myokit.Simulation(equations)
    simulation.set_tolerance(1e-10, 1e-8)
    simulation.set_protocol(myokit.pacing.blocktrain(600, model.stimulus.duration, 10))
    for qname, value in edits.items():
        own = next(v for v in equations.variables(const=True) if v.name() == qname.split(".")[1])
        simulation.set_constant(own.qname(), value)
    times, V = np.arange(0.0, 1800.0), model.variables["V"].qname()
    truth = np.array(simulation.run(1800.1, log=[V], log_times=times)[V])
    data = iw.simulate(model, 600, 1800.0, conditions=conditions, variables=["V"])
    rmse = float(np.sqrt(np.mean((data["V"].values[0, :1800] - truth) ** 2)))
    control = iw.simulate(model, 600, 1800.0, variables=["V"])
    changed = float(np.sqrt(np.mean((control["V"].values[0, :1800] - truth) ** 2)))
    print(f"{conditions}: RMSE {rmse:.3f} mV; without them {changed:.1f}")
    assert rmse < 0.5 < changed
    assert json.loads(data.attrs["conditions"]) == conditions


def test_conditions_and_a_stimulus_go_together(model: IonicModel) -> None:
    weak = iw.simulate(model, 600, 300.0, conditions={"K_o": 4.0}, stimulus=(-5.0, 1.0), variables=["V"])
    assert weak["V"].max() < -60


def test_conditions_by_label_whatever_the_file_calls_them(model: IonicModel, tmp_path: Path) -> None:
    equations = model.equations.clone()
    own = next(v for v in equations.variables(const=True) if v.name() == "K_o")
    own.set_label("extracellular_potassium_concentration")
    own.rename("KOut")
    myokit.save_model(str(tmp_path / "other.mmt"), equations)
    other = iw.load_model(tmp_path / "other.mmt")
    here, there = (
        iw.simulate(m, 600, 500.0, conditions={"K_o": 4.0}, variables=["V"]) for m in (model, other)
    )
    np.testing.assert_allclose(here["V"], there["V"], atol=1e-4)


@pytest.mark.parametrize("labelled", [True, False])
def test_conditions_are_mM_in_whatever_unit_the_file_has_them(
    model: IonicModel, tmp_path: Path, labelled: bool
) -> None:
    """K_o in M, read in mM by the equations."""
    equations = model.equations.clone()
    own = next(v for v in equations.variables(const=True) if v.name() == "K_o")
    own.rename("K_mM" if labelled else "K_out")
    molar = own.parent().add_variable("KOut" if labelled else "K_o")
    molar.set_unit("M")
    molar.set_rhs(myokit.Number(own.eval() / 1000, myokit.units.M))
    if labelled:
        molar.set_label("extracellular_potassium_concentration")
    own.set_rhs(f"1000 [mM/M] * {molar.name()}")
    myokit.save_model(str(tmp_path / "molar.mmt"), equations)
    other = iw.load_model(tmp_path / "molar.mmt")
    here, there = (
        iw.simulate(m, 600, 500.0, conditions={"K_o": [4.0, 8.0]}, variables=["V"]) for m in (model, other)
    )
    np.testing.assert_allclose(here["V"], there["V"], atol=1e-3)
    assert there["K_o"].values.tolist() == [4.0, 8.0] and there["K_o"].attrs["units"] == "mM"
    own_name = iw.simulate(other, 600, 500.0, conditions={molar.name(): 4.0}, variables=["V"])
    np.testing.assert_array_equal(own_name["V"][0], there["V"][0])


# ---- grids ----


def test_lists_span_a_grid(model: IonicModel) -> None:
    data = iw.simulate(
        model, [500, 1000], 1200.0, scale={"g_Kr": [0.5, 1.0], "g_to": 0.8}, conditions={"K_o": [4.0, 5.4]},
        drug=iw.Drug({"g_Ks": 10.0}, 1.0), variables=["V"],
    )  # fmt: skip
    assert data.sizes["cell"] == 8
    assert data["cycle_length"].values.tolist() == [500] * 4 + [1000] * 4
    assert data["scale_g_Kr"].values.tolist() == [0.5, 0.5, 1, 1] * 2
    assert data["K_o"].values.tolist() == [4, 5.4] * 4 and data["K_o"].attrs["units"] == "mM"
    assert "scale_g_to" not in data.coords and "concentration" not in data.coords
    one = iw.simulate(
        model, 1000, 1200.0, scale={"g_Kr": 0.5, "g_to": 0.8}, conditions={"K_o": 5.4},
        drug=iw.Drug({"g_Ks": 10.0}, 1.0), variables=["V"],
    )  # fmt: skip
    np.testing.assert_array_equal(one["V"].values[0], data["V"].values[5])
    square = data.set_index(cell=["cycle_length", "scale_g_Kr", "K_o"]).unstack("cell")
    np.testing.assert_array_equal(
        square["V"].sel(cycle_length=1000, scale_g_Kr=0.5, K_o=5.4), one["V"].values[0]
    )


def test_one_cell_that_breaks_down_leaves_the_grid(model: IonicModel) -> None:
    with pytest.warns(SimulationWarning, match=r"cell 0 \(cycle_length 500, Ca_o 1e\+30\)"):
        data = iw.simulate(model, 500, 300.0, conditions={"Ca_o": [1e30, 2.0]}, variables=["V"])
    assert list(data.attrs["broken_cells"]) == [0]
    assert np.isfinite(data["V"].values[1]).all()


@pytest.mark.parametrize(
    ("settings", "word"),
    [
        ({"conditions": {"K_out": 4.0}}, "did you mean"),
        ({"conditions": {"V": 4.0}}, "unknown constant"),
        ({"conditions": {"E_K": -80.0}}, "unknown constant"),
        ({"conditions": {"K_o": 0.0}}, "K_o must be positive"),
        ({"conditions": {"K_o": np.nan}}, "finite"),
        ({"conditions": {"K_o": []}}, "one or more"),
        ({"conditions": {"T": 310.0, "temperature": 300.0}}, "twice"),
        ({"conditions": {"T": 37.0}}, "from 250 to 330 kelvin"),
        ({"conditions": {"temperature": [310.0, 400.0]}}, "from 250 to 330 kelvin"),
        ({"conditions": {"stim_amplitude": 4.0}}, "unknown constant"),
        ({"scale": {"g_Kr": []}}, "one or more"),
        ({"scale": {"g_Kr": [0.5, -1]}}, "g_Kr must be a factor from 0 on"),
        ({"scale": {"g_Kr": [[0.5]]}}, "one or more"),
    ],
    ids=str,
)
def test_a_wrong_setting_gets_one_line(model: IonicModel, settings: dict, word: str) -> None:
    with pytest.raises(IonWidgetsError, match=word) as caught:
        iw.simulate(model, [500.0], 300.0, **settings)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("settings", "word"),
    [
        ({"ic50": {}}, "IC50 of one conductance"),
        ({"ic50": {"g_Kr": 0.0}}, "IC50 of g_Kr must be positive"),
        ({"ic50": {"g_Kr": np.inf}}, "IC50 of g_Kr"),
        ({"ic50": {"g_Kr": None}}, "IC50 of g_Kr must be positive; found None"),
        ({"ic50": {"g_Kr": "12"}}, "IC50 of g_Kr must be given as numbers"),
        ({"ic50": {3: 1.0}}, "ic50 must have names of conductances; found 3"),
        ({"hill": 0.0}, "Hill"),
        ({"hill": None}, "Hill coefficient of every current must be positive; found None"),
        ({"hill": {"g_KR": 1.0}}, "did you mean g_Kr"),
        ({"concentration": -1.0}, "concentration"),
        ({"concentration": []}, "concentration"),
        ({"concentration": "low"}, "concentration must be given as numbers"),
        ({"ic50": 12.0}, "IC50 of one conductance"),
        ({"ic50": {"g_Kr": "low"}}, "IC50 of g_Kr must be given as numbers"),
    ],
    ids=str,
)
def test_a_drug_that_makes_no_sense_gets_one_line(settings: dict, word: str) -> None:
    with pytest.raises(SimulationError, match=word):
        iw.Drug(**({"ic50": {"g_Kr": 12.0}, "concentration": 1.0} | settings))


def test_a_drug_on_a_current_that_is_not_there(model: IonicModel) -> None:
    with pytest.raises(IonWidgetsError, match="did you mean"):
        iw.simulate(model, drug=iw.Drug({"g_kr": 1.0}, 1.0))


# ---- memory ----


def test_a_sweep_too_large_for_memory_is_refused_and_streamed(
    model: IonicModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    grid = {"scale": {"g_Kr": [0.5, 1.0, 2.0]}, "variables": ["V", "I_Kr"]}
    whole = iw.simulate(model, [400, 600], 2000.0, **grid)
    monkeypatch.setattr(store, "memory", lambda: 4 * 20_000.0)
    with pytest.raises(SimulationError, match=r"out='sweep\.nc'"):
        iw.simulate(model, [400, 600], 2000.0, **grid)
    path = tmp_path / "sweep.nc"
    with iw.simulate(model, [400, 600], 2000.0, **grid, out=path) as streamed:
        assert not streamed["V"].variable._in_memory
        xr.testing.assert_equal(streamed, whole)
        assert streamed["V"].attrs == {"units": "mV"} and streamed["V"].dtype == np.float32
        assert set(streamed.attrs) == set(whole.attrs) and streamed.attrs["scale"] == whole.attrs["scale"]
        pd_streamed, pd_whole = iw.biomarkers(streamed), iw.biomarkers(whole)
        assert pd_streamed.equals(pd_whole)
    assert [each.name for each in tmp_path.iterdir()] == ["sweep.nc"]


def test_streaming_needs_no_more_memory_for_more_cells(model: IonicModel, tmp_path: Path) -> None:
    lengths = np.linspace(400, 800, 60)
    peaks = []
    for cells in (6, 60):
        tracemalloc.start()
        iw.simulate(model, lengths[:cells], 2000.0, out=tmp_path / "sweep.nc", threads=2).close()
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    print(f"peaks {peaks}, file {(tmp_path / 'sweep.nc').stat().st_size}")
    assert peaks[1] - peaks[0] < 0.1 * (tmp_path / "sweep.nc").stat().st_size


def test_a_sweep_that_fails_leaves_no_file(model: IonicModel, tmp_path: Path) -> None:
    with pytest.raises(SimulationError, match="broke down"):
        iw.simulate(model, 500, 100.0, conditions={"Ca_o": 1e30}, out=tmp_path / "sweep.nc")
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(SimulationError, match="there is no folder"):
        iw.simulate(model, 500, 100.0, out=tmp_path / "nowhere" / "sweep.nc")
    (tmp_path / "folder").mkdir()
    with pytest.raises(SimulationError, match="is a folder"):
        iw.simulate(model, 500, 100.0, out=tmp_path / "folder")
    assert [each.name for each in tmp_path.iterdir()] == ["folder"]


def test_biomarkers_alone_and_clamps_are_streamed_too(model: IonicModel, tmp_path: Path) -> None:
    with iw.simulate(model, 500, 600.0, variables=[], out=tmp_path / "a.nc") as data:
        assert data.sizes["time"] == 0 and np.isfinite(data["APD90"].values[0, 0])
    clamp = iw.VoltageClamp([([-20, 0], 30)], held=0)
    with iw.simulate(model, protocol=clamp, out=tmp_path / "b.nc") as data:
        xr.testing.assert_equal(data, iw.simulate(model, protocol=clamp))
