"""Biomarkers of a whole Dataset, and how cells follow their stimuli."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
import xarray as xr

import ionwidgets as iw
from ionwidgets.errors import RecordingError
from ionwidgets.models import IonicModel
from ionwidgets.recordings.biomarkers import COLUMNS
from ionwidgets.simulation import stepper
from ionwidgets.simulation.sampled_biomarkers import LATE

LASTING = 20_000.0  # ms


@pytest.fixture(scope="module")
def model() -> IonicModel:
    return iw.load_model("tnnp2004")


@pytest.fixture(scope="module")
def paced(model: IonicModel) -> xr.Dataset:
    return iw.simulate(model, [500, 1000], 5000.0, sample=0.05, record_from=2000.0, variables=["V", "Ca_i"])


def as_recording(paced: xr.Dataset) -> xr.Dataset:
    """The samples alone, as a recording has them."""
    return paced[["V", "Ca_i"]]


def test_samples_give_the_solver_s_biomarkers(paced: xr.Dataset) -> None:
    """Every column, from V and Ca_i each 0.05 ms, is that of the solver's own steps."""
    exact, sampled = iw.biomarkers(paced), iw.biomarkers(as_recording(paced))
    assert list(exact.columns) == list(sampled.columns) == ["cell", "cycle_length", "beat", *COLUMNS]
    for cell, beat in ((0, 5), (0, 6), (1, 3)):
        mine = exact[(exact.cell == cell) & (exact.beat == beat)].iloc[0]
        rows = sampled[sampled.cell == cell]
        theirs = rows.iloc[beat - (4 if cell == 0 else 2)]
        for name in ("RMP", "peak"):
            assert theirs[name] == pytest.approx(mine[name], abs=0.2), name
        for name in ("APD30", "APD50", "APD90", "triangulation", "Ca_time_to_peak", "CaTD90"):
            assert theirs[name] == pytest.approx(mine[name], abs=1.0), name
        for name in ("Ca_diastolic", "Ca_peak"):
            assert theirs[name] == pytest.approx(mine[name], rel=0.01), name
        assert mine["late_rise"] == theirs["late_rise"] == 0
        assert mine["triangulation"] == pytest.approx(mine["APD90"] - mine["APD30"])
    assert LATE == stepper.LATE


def test_biomarkers_of_a_cell_without_stimuli() -> None:
    """A pacemaker's beats are found in the samples."""
    time = np.arange(0.0, 3000.0)
    V = np.where((time % 1000 > 200) & (time % 1000 < 500), 20.0, -70.0)
    table = iw.biomarkers(xr.Dataset({"V": (("cell", "time"), V[None])}, {"time": time}))
    assert len(table) == 3 and np.isnan(table["cycle_length"]).all()
    np.testing.assert_allclose(table["APD90"], 300, atol=2)


def test_a_cell_at_rest_has_no_beats(model: IonicModel) -> None:
    data = iw.simulate(model, protocol=iw.CurrentClamp([(0, 500)]), variables=["V"])
    assert len(iw.biomarkers(data)) == 0


# ---- capture ----


def words(data: xr.Dataset) -> list[str]:
    return iw.capture(data)["capture"].tolist()


def test_a_cell_that_follows(paced: xr.Dataset) -> None:
    assert words(paced) == ["1:1", "1:1"] == words(as_recording(paced))


def test_fast_pacing_is_followed_every_other_time(model: IonicModel) -> None:
    data = iw.simulate(model, [250], LASTING, variables=["V"])
    table = iw.capture(data)
    assert table.loc[0, ["beats", "captured", "capture"]].tolist() == [8, 4, "2:1"]
    recording = data[["V"]].isel(time=slice(-4000, None))
    assert words(recording) == ["2:1"]


def test_a_weak_stimulus_fails(model: IonicModel) -> None:
    data = iw.simulate(model, 1000, 5000.0, stimulus=(-5.0, 1.0), variables=[])
    assert words(data) == ["failed"]


def test_an_early_afterdepolarisation_is_told() -> None:
    """Less repolarising and more calcium current bring V back up before it has repolarised."""
    prone = {"g_Kr": 0.3, "g_Ks": 0.2}
    data = iw.simulate(
        iw.load_model("tp2006"), 2000, 20_000.0, scale={**prone, "g_CaL": [1.0, 3.0]}, variables=["V"]
    )
    assert words(data) == ["1:1", "EAD"]
    late = iw.biomarkers(data).groupby("cell")["late_rise"].max()
    assert late[0] < 1 and late[1] > 20


def beats(apd90: list[float], peaks: list[float], late: float = 0.0) -> xr.Dataset:
    """A Dataset of biomarkers alone, as a simulation without stored variables has."""
    row = {
        "RMP": -85.0, "dVdt_max": 300.0, "APD30": 100.0, "APD50": 150.0, "late_rise": late,
        "Ca_diastolic": 1e-4, "Ca_peak": 1e-3, "Ca_time_to_peak": 10.0, "CaTD90": 200.0, "upstroke_time": 1.0,
    }  # fmt: skip
    columns = {name: np.full(len(apd90), value) for name, value in row.items()}
    columns |= {"APD90": np.array(apd90), "peak": np.array(peaks)}
    coords = {"cycle_length": ("cell", [400.0]), "beat": np.arange(len(apd90))}
    return xr.Dataset({name: (("cell", "beat"), [values]) for name, values in columns.items()}, coords)


@pytest.mark.parametrize(
    ("data", "word"),
    [
        (beats([200.0] * 9, [30.0] * 9), "1:1"),
        (beats([200.0, 202.5] * 5, [30.0] * 10), "alternans"),
        (beats([200.0, 201.5] * 5, [30.0] * 10), "1:1"),
        (beats([200.0, 203.0, 206.0, 209.0], [30.0] * 4), "1:1"),
        (beats([200.0, 20.0] * 5, [30.0, -50.0] * 5), "2:1"),
        (beats([200.0, 20.0] * 5, [30.0, -25.0] * 5), "2:1"),
        (beats([200.0, 200.0, 20.0] * 4, [30.0, 30.0, -50.0] * 4), "irregular"),
        (beats([20.0] * 5, [-50.0] * 5), "failed"),
        (beats([200.0] * 5, [30.0] * 5, late=4.0), "EAD"),
        (beats([200.0] * 5, [30.0] * 5, late=2.0), "1:1"),
        (beats([200.0] * 4 + [np.nan], [30.0] * 4 + [-80.0]), "1:1"),
    ],
)
def test_words_of_known_beats(data: xr.Dataset, word: str) -> None:
    assert words(data) == [word]


def test_the_table_has_a_row_a_cell(paced: xr.Dataset) -> None:
    table = iw.capture(paced, last=3)
    assert isinstance(table, pd.DataFrame)
    assert list(table.columns) == ["cell", "cycle_length", "beats", "captured", "capture"]
    assert table["cycle_length"].tolist() == [500, 1000] and table["beats"].tolist() == [3, 3]


def test_no_beats_is_not_failure(model: IonicModel) -> None:
    assert words(iw.simulate(model, 1000, 5.0, variables=[])) == ["no beats"]
    time = np.arange(0.0, 3000.0)
    rest = xr.Dataset(
        {"V": (("cell", "time"), np.full((1, 3000), -80.0))},
        {"time": time, "cycle_length": ("cell", [500.0])},
    )
    table = iw.capture(rest)
    assert table.loc[0, ["beats", "captured", "capture"]].tolist() == [0, 0, "no beats"]


def test_a_clamp_has_nothing_to_capture(model: IonicModel) -> None:
    for protocol in (iw.CurrentClamp([(0, 20)]), iw.VoltageClamp([(0, 20)], held=0)):
        with pytest.raises(RecordingError, match=f"a {type(protocol).__name__} has no stimuli"):
            iw.capture(iw.simulate(model, protocol=protocol))


def test_capture_looks_at_one_beat_at_least(paced: xr.Dataset) -> None:
    for last in (0, -3):
        with pytest.raises(RecordingError, match=f"last must be at least 1.*found {last}"):
            iw.capture(paced, last=last)
    for wrong in (2.5, "8"):
        with pytest.raises(RecordingError, match=f"the whole number of beats to look at; found {wrong!r}"):
            iw.capture(paced, last=wrong)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "function", [iw.capture, iw.biomarkers, lambda data: iw.write_recording(data, "x.csv")]
)
def test_a_dataset_without_cells_is_refused(function: Callable, paced: xr.Dataset) -> None:
    with pytest.raises(
        RecordingError, match=r"needs a Dataset with the dimension cell; .* isel\(cell=\[0\]\)"
    ):
        function(paced.isel(cell=0))
    with pytest.raises(RecordingError, match=r"needs a Dataset, such as .*; found 'cell.csv'"):
        function("cell.csv")


def test_nothing_to_look_at_is_refused(paced: xr.Dataset) -> None:
    with pytest.raises(RecordingError, match="no V"):
        iw.capture(as_recording(paced).drop_vars("V"))
    with pytest.raises(RecordingError, match="cycle length"):
        iw.capture(as_recording(paced).drop_vars("cycle_length"))
