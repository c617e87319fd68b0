"""Resampling, calibrating, and beats cut out."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import xarray as xr

import ionwidgets as iw
from ionwidgets.errors import RecordingError
from ionwidgets.recordings import beats, biomarkers, calibrate, faults, find_beats, read_recording, resample

LONGQT = Path(__file__).resolve().parents[1] / "data" / "longqt.csv"


@pytest.fixture(scope="module")
def fine() -> xr.Dataset:
    """TNNP 2004 M, 4 s at 500 ms near the limit cycle, sampled every 0.1 ms."""
    paced = iw.simulate(
        iw.load_model("tnnp2004", "M"), 500.0, 9000.0, record_from=5000.0, variables=["V", "Ca_i"], sample=0.1
    )
    V = paced["V"].values.astype(float)
    return xr.Dataset(
        {
            "V": (("cell", "time"), V, {"units": "mV"}),
            "Ca_i": (("cell", "time"), paced["Ca_i"].values.astype(float), {"units": "mM"}),
        },
        {"time": np.arange(V.shape[1]) * 0.1, "cycle_length": ("cell", [500.0])},
        {"sampling_ms": 0.1, "notes": "simulated"},
    )


def medians(dataset: xr.Dataset) -> np.ndarray:
    return biomarkers(dataset)["APD90"].to_numpy()


@pytest.mark.parametrize("step", [0.02, 0.25, 0.7, 1.0, 2.0])
def test_a_recording_at_another_step_is_the_same_recording(fine: xr.Dataset, step: float) -> None:
    other = resample(fine, step)
    time, V = other["time"].values, other["V"].values
    np.testing.assert_allclose(np.diff(time), step)
    assert time[0] == 0 and 0 <= fine["time"].values[-1] - time[-1] < step
    assert other.attrs["sampling_ms"] == step
    assert other.attrs["notes"] == f"simulated; resampled from every 0.1 ms to every {step:g} ms"
    assert V.min() >= fine["V"].values.min() and V.max() <= fine["V"].values.max(), "no ringing"
    assert V.max() > fine["V"].values.max() - 7 * step - 0.01, "the peak is lower the coarser it is"
    assert abs(np.nanmedian(medians(other)) - np.nanmedian(medians(fine))) < 1.0
    np.testing.assert_allclose(
        find_beats(time, V[0]),
        find_beats(fine["time"].values, fine["V"].values[0]),
        atol=0.5 * max(step, 0.1),
    )
    assert faults(other) == []


def test_what_the_coarser_step_cannot_carry_is_gone() -> None:
    """A line at 950 Hz, sampled every 1 ms, would look like one at 50 Hz."""
    time = np.arange(0.0, 1000.0, 0.1)
    fast = xr.Dataset(
        {"V": (("cell", "time"), np.sin(2 * np.pi * 0.95 * time)[None], {"units": "a.u."})},
        {"time": time},
    )
    assert np.abs(fast["V"].values[:, ::10]).max() > 0.9
    assert np.abs(resample(fast, 1.0)["V"].values[:, 5:-5]).max() < 0.1


def test_padding_other_dimensions_and_the_original_stay(fine: xr.Dataset) -> None:
    V = np.stack([fine["V"].values[0], np.where(fine["time"].values < 2500.0, fine["V"].values[0], np.nan)])
    two = xr.Dataset(
        {"V": (("time", "cell"), V.T, {"units": "mV"}), "APD90": (("cell", "beat"), np.ones((2, 3)))},
        {"time": ("time", fine["time"].values, {"units": "ms"}), "cycle_length": ("cell", [500.0, 500.0])},
    )
    kept = two.copy(deep=True)
    for step in (0.05, 1.0):
        other = resample(two, step)
        assert other["V"].dims == ("time", "cell") and other["V"].attrs == {"units": "mV"}
        assert other["time"].attrs == {"units": "ms"}
        present = np.isfinite(other["V"].values)
        assert present[:, 0].all()
        last = other["time"].values[np.flatnonzero(present[:, 1])[-1]]
        assert 2500.0 - 0.1 - step < last < 2500.0 and present[: present[:, 1].sum(), 1].all()
        xr.testing.assert_identical(other["APD90"], two["APD90"])
    xr.testing.assert_identical(two, kept)
    xr.testing.assert_identical(resample(fine, 0.1), fine)


@pytest.mark.parametrize(
    ("step", "said"),
    [
        (0.0, "must be positive"), (-1.0, "must be positive"), (np.nan, "must be positive"),
        (np.inf, "must be positive"), (1000.0, "would leave 5 samples"),
        (1e-9, "more than 20000000 samples"),
    ],
)  # fmt: skip
def test_steps_that_make_no_recording(fine: xr.Dataset, step: float, said: str) -> None:
    with pytest.raises(RecordingError, match=said):
        resample(fine, step)


# ---- calibration ----


def dye(fine: xr.Dataset, noise: float = 0.0) -> xr.Dataset:
    y = 0.135 + 1e-3 * fine["V"].values + np.random.default_rng(0).normal(0, noise, fine["V"].shape)
    return fine.assign(V=(("cell", "time"), y, {"units": "a.u."}))


@pytest.mark.parametrize(("noise", "within"), [(0.0, 0.2), (0.002, 3.0)])
def test_a_dye_is_mapped_to_rest_and_peak(fine: xr.Dataset, noise: float, within: float) -> None:
    found = biomarkers(fine).median()
    mapped = calibrate(dye(fine, noise), rest=found["RMP"], peak=found["peak"])
    assert mapped["V"].attrs["units"] == "mV" and mapped["V"].attrs["units_before"] == "a.u."
    y = dye(fine, noise)["V"].values
    np.testing.assert_allclose(mapped["V"].attrs["range_before"], [y.min(), y.max()])
    # The noise itself stays; a hundredth of a.u. are ten mV.
    off = (mapped["V"] - fine["V"]).values - 1e3 * (y - dye(fine)["V"].values)
    assert np.abs(off).max() < within
    assert mapped.attrs["calibrated"].startswith("calibrated: rest and peak taken to be -8")
    assert dye(fine)["V"].attrs["units"] == "a.u."


def test_what_cannot_be_calibrated_says_why(fine: xr.Dataset) -> None:
    with pytest.raises(RecordingError, match=r"needs V in a\.u\.; found it in mV"):
        calibrate(fine)
    flat = dye(fine).assign(V=(("cell", "time"), np.ones(fine["V"].shape), {"units": "a.u."}))
    with pytest.raises(RecordingError, match="cell 0 has no beat"):
        calibrate(flat)
    down = dye(fine).assign(V=(("cell", "time"), -dye(fine)["V"].values, {"units": "a.u."}))
    with pytest.raises(RecordingError, match=r"cell 0 points down; turn it first: mend\(recording"):
        calibrate(down)
    with pytest.raises(RecordingError, match="rest must lie below peak"):
        calibrate(dye(fine), rest=40.0, peak=-85.0)


def test_real_wells_are_calibrated(shared_data: Path) -> None:
    for file in sorted((shared_data / "hipsc_patch_optical_lei2017").glob("optical_*/*.csv")):
        mapped = calibrate(read_recording(file, units={"time": "s", "V": "a.u."}), rest=-70.0, peak=30.0)
        time, V = mapped["time"].values, mapped["V"].values[0]
        (upstroke, *_) = find_beats(time, V)
        before, after = (
            (time > upstroke - 25) & (time < upstroke - 5),
            (time > upstroke) & (time < upstroke + 60),
        )
        assert abs(np.median(V[before]) + 70.0) < 2.0
        assert 28.0 < V[after].max() < 38.0, "the noise lies above"


# ---- beats ----


def test_beats_lie_over_one_another(fine: xr.Dataset) -> None:
    cut = beats(fine)
    upstrokes = find_beats(fine["time"].values, fine["V"].values[0])
    np.testing.assert_array_equal(cut["upstroke_time"], upstrokes)
    np.testing.assert_array_equal(cut["number"], np.arange(upstrokes.size))
    assert cut["V"].dims == ("beat", "time") and cut["V"].attrs["units"] == "mV" and "Ca_i" in cut
    assert set(cut["cell"].values) == {0} and set(cut["cycle_length"].values) == {500.0}
    time, V = cut["time"].values, cut["V"].values
    np.testing.assert_allclose(time[:3], [-50.0, -49.9, -49.8])
    for beat in range(1, upstrokes.size - 1):
        assert np.isfinite(V[beat, time < np.diff(upstrokes)[beat] - 0.1]).all()
        assert np.isnan(V[beat, time > np.diff(upstrokes)[beat]]).all()
        steepest = time[np.nanargmax(np.gradient(V[beat]) * (np.abs(time) < 20))]
        assert abs(steepest) <= 0.2
    plateau = V[1:-1][:, (time > 10) & (time < 200)]
    assert np.ptp(plateau, axis=0).max() < 1.0, "near the limit cycle beats are alike"


def test_beats_of_several_cells_and_the_beginning_that_is_missing() -> None:
    recording = read_recording(LONGQT)
    cut = beats(recording, lead=20.0)
    table = biomarkers(recording)
    assert cut.sizes["beat"] == len(table)
    np.testing.assert_array_equal(cut["cell"], table["cell"])
    np.testing.assert_array_equal(cut["number"], table["beat"])
    np.testing.assert_array_equal(cut["cycle_length"], table["cycle_length"])
    assert cut["time"].values[0] == -20.0
    for beat, upstroke in enumerate(cut["upstroke_time"].values):
        assert np.isnan(cut["V"].values[beat, cut["time"].values < -upstroke]).all()
    # At the recording's own instants it is the recording.
    beat = cut.isel(beat=3)
    own = recording["V"].values[int(beat["cell"])]
    again = np.interp(float(beat["upstroke_time"]) + 100.5, recording["time"].values, own)
    assert abs(float(beat["V"].interp(time=100.5)) - again) < 0.05


def test_no_beats_to_cut(fine: xr.Dataset) -> None:
    flat = fine.assign(V=(("cell", "time"), np.full(fine["V"].shape, -80.0), {"units": "mV"}))
    with pytest.raises(RecordingError, match="no cell of this dataset has a beat"):
        beats(flat)
    with pytest.raises(RecordingError, match="lead must be"):
        beats(fine, lead=-1.0)
