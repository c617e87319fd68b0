"""Real recordings, beside the checkout and not part of it: their units, sampling, duration and beats."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from ionwidgets.errors import RecordingError
from ionwidgets.recordings import biomarkers, find_beats, read_recording, write_recording

LEI, CLARK = "hipsc_patch_optical_lei2017", "hipsc_paced_clark2022"
DYE = {"time": "s", "V": "a.u."}  # which the optical files do not say


@pytest.mark.parametrize(
    ("name", "samples", "span", "beats"),
    [
        ("170120-cell-5-middle.csv.gz", 50_000, (-72.86, 47.64), [50.0, 1050.0]),
        ("170123-cell-2-middle.csv.gz", 50_000, (-86.08, 54.54), [51.7, 1051.7]),
    ],
)
def test_current_clamp_needs_no_mapping(
    shared_data: Path, name: str, samples: int, span: tuple[float, float], beats: list[float]
) -> None:
    dataset = read_recording(shared_data / LEI / "current-clamp" / name)
    assert dataset.attrs["sampling_ms"] == 0.04
    assert dataset.sizes["time"] == samples
    np.testing.assert_allclose(dataset["time"].values[-1], 1999.96)
    assert dataset["V"].attrs["units"] == "mV"
    np.testing.assert_allclose([dataset["V"].min(), dataset["V"].max()], span, atol=0.01)
    np.testing.assert_allclose(find_beats(dataset["time"].values, dataset["V"].values[0]), beats, atol=0.5)
    assert np.isnan(dataset["cycle_length"].values[0])


@pytest.mark.parametrize(
    ("name", "duration", "beats"),
    [
        ("optical_baseline_GroupI/Well10Recording19.csv", 650.0, 1),
        ("optical_baseline_GroupI/Well11Recording21.csv", 650.0, 1),
        ("optical_baseline_GroupI/Well12Recording23.csv", 650.0, 1),
        ("optical_baseline_GroupI/Well13Recording25.csv", 650.0, 1),
        ("optical_dofetilide_Drug1/Well01.csv", 1550.0, 1),
        ("optical_dofetilide_Drug1/Well06.csv", 1550.0, 1),
        ("optical_dofetilide_Drug1/Well11.csv", 1550.0, 1),
        ("optical_dofetilide_Drug1/Well16.csv", 1250.0, 2),
    ],
)
def test_optical_recordings_need_nothing_either(
    shared_data: Path, name: str, duration: float, beats: int
) -> None:
    path = shared_data / LEI / name
    dataset = read_recording(path)
    for said in ("unit of time inferred from its numbers: s", "unit of V inferred from its numbers: a.u."):
        assert said in dataset.attrs["notes"]
    assert dataset.attrs["sampling_ms"] == 0.1
    np.testing.assert_allclose(dataset["time"].values[[0, -1]], [0, duration])
    assert dataset["V"].attrs["units"] == "a.u."
    assert np.isfinite(dataset["V"].values).all() and np.ptp(dataset["V"].values) < 0.2
    upstrokes = find_beats(dataset["time"].values, dataset["V"].values[0])
    assert len(upstrokes) == beats
    np.testing.assert_allclose(upstrokes[0], 50, atol=3)
    apd90 = biomarkers(dataset)["APD90"][0]  # dofetilide blocks I_Kr
    assert 450 < apd90 < 800 if "dofetilide" in name else 240 < apd90 < 300
    told = read_recording(path, columns={"time": 0, "V": 1}, units=DYE)
    xr.testing.assert_equal(dataset, told)
    assert told["V"].attrs["units_from"] == "given" and "inferred" not in told.attrs["notes"]


@pytest.mark.parametrize(
    ("name", "samples", "span", "upstroke"),
    [
        ("042721_4_quinine_pre-drug_paced.csv", 5500, (-76.92, 30.92), 151.9),
        ("042721_4_quinine_post-drug_paced.csv", 5500, (-73.58, 30.39), 152.0),
        ("042721_4_quinine_pre-drug_spont.csv", 2942, (-64.07, 21.89), 136.0),
        ("042721_4_quinine_post-drug_spont.csv", 3273, (-52.50, 6.29), 143.0),
    ],
)
def test_patch_clamp_of_clark(
    shared_data: Path, tmp_path: Path, name: str, samples: int, span: tuple[float, float], upstroke: float
) -> None:
    path = shared_data / CLARK / name
    dataset = read_recording(path)
    assert dataset.attrs["sampling_ms"] == 0.1
    np.testing.assert_allclose(dataset["time"].values[[0, -1]], [0, (samples - 1) * 0.1])
    np.testing.assert_allclose([dataset["V"].min(), dataset["V"].max()], span, atol=0.01)
    assert dataset["V"].attrs["units"] == "mV" and dataset["I_inj"].attrs["units"] == "A/F"
    beats = find_beats(dataset["time"].values, dataset["V"].values[0])
    np.testing.assert_allclose(beats, [upstroke], atol=1.0)
    assert (np.ptp(dataset["I_inj"].values) > 1) == ("paced" in name)
    beat = biomarkers(dataset).iloc[0]
    if "paced" in name:  # from rest, held by the injected current
        assert -76 < beat["RMP"] < -72 and beat["APD90"] == pytest.approx(93 if "pre" in name else 175, abs=2)
    else:  # by itself: from the lowest V before its upstroke, 35 and 28 mV below where that begins
        assert beat["RMP"] == pytest.approx(-60.1 if "pre" in name else -51.8, abs=0.5)
        assert beat["APD90"] == pytest.approx(85 if "pre" in name else 104, abs=2)
    mapped = read_recording(path, columns={"time": 1, "V": "Voltage (V)"}, units={"time": "s", "V": "V"})
    xr.testing.assert_equal(mapped, dataset)
    assert json.loads(mapped.attrs["choices"])["columns"] == {"time": 1, "V": "Voltage (V)"}
    write_recording(dataset, tmp_path / "again.csv")
    again = read_recording(tmp_path / "again.csv")
    xr.testing.assert_equal(again, dataset)


def test_a_table_that_is_no_recording_says_what_it_holds(shared_data: Path) -> None:
    with pytest.raises(
        RecordingError, match=r"metadata.csv:1: column 'time': no column for time; there are: 'Pre"
    ):
        read_recording(shared_data / CLARK / "042721_4_quinine_metadata.csv")
