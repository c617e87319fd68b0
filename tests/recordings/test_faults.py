"""Faults: one put into a clean trace is found, and mended where it can be; a clean trace has none."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

import ionwidgets as iw
from ionwidgets.errors import RecordingError
from ionwidgets.recordings import Fault, biomarkers, faults, find_beats, mend, read_recording
from ionwidgets.recordings.describe import describe

DATA = Path(__file__).resolve().parents[1] / "data"
EXAMPLE = Path(iw.__file__).parent / "recordings" / "examples" / "drug.csv"
LEI, CLARK = "hipsc_patch_optical_lei2017", "hipsc_paced_clark2022"
ALL = ["flip", "blank", "smooth", "detrend"]
GAIN, DARK = 1e-3, 0.135  # a.u. a mV, a.u. at 0 mV: a dye's trace, 0.12 high


@pytest.fixture(scope="module")
def simulated() -> xr.Dataset:
    """TNNP 2004 M near its limit cycle, 10 s at 500 ms, sampled every 0.5 ms."""
    paced = iw.simulate(
        iw.load_model("tnnp2004", "M"), 500.0, 17_000.0, record_from=7000.0, variables=["V"], sample=0.5
    )
    return recording(paced["time"].values - paced["time"].values[0], paced["V"].values, "mV")


def recording(time: np.ndarray, V: np.ndarray, unit: str, cycle_length: float = 500.0) -> xr.Dataset:
    cells = np.full(len(V), cycle_length)
    return xr.Dataset(
        {"V": (("cell", "time"), np.asarray(V, dtype=float), {"units": unit})},
        {"time": ("time", time, {"units": "ms"}), "cycle_length": ("cell", cells, {"units": "ms"})},
    )


def optical(clean: xr.Dataset) -> xr.Dataset:
    return with_V(clean, DARK + GAIN * clean["V"].values, "a.u.")


def with_V(clean: xr.Dataset, V: np.ndarray, unit: str | None = None) -> xr.Dataset:
    return clean.assign(V=(("cell", "time"), V, {"units": unit or clean["V"].attrs["units"]}))


def APD90(dataset: xr.Dataset) -> np.ndarray:
    return biomarkers(dataset)["APD90"].to_numpy()


def kinds(dataset: xr.Dataset) -> list[str]:
    return [fault.kind for fault in faults(dataset)]


def spiked(clean: xr.Dataset, height: float, width: float, ahead: float, phases: int = 1) -> xr.Dataset:
    """`phases` spikes of alternating sign before every upstroke."""
    time, V = clean["time"].values, clean["V"].values.copy()
    for upstroke in find_beats(time, V[0]):
        for phase in range(phases):
            begin = upstroke - ahead + phase * width
            V[0, (time >= begin) & (time < begin + width)] += height * (-1) ** phase
    return with_V(clean, V)


# ---- clean traces ----


@pytest.mark.parametrize("path", [*sorted(DATA.glob("*.csv")), EXAMPLE], ids=lambda path: path.stem)
def test_a_clean_recording_has_no_faults(path: Path) -> None:
    dataset = read_recording(path)
    assert faults(dataset) == []
    assert "warnings" not in describe(dataset)
    assert faults(optical(dataset)) == []
    coarse = with_V(dataset, 0.5 * np.round(dataset["V"].values / 0.5))
    assert faults(coarse) == [], "a coarse scale is no saturation"
    noisy = dataset["V"].values + np.random.default_rng(0).normal(0, 0.5, dataset["V"].shape)
    assert faults(with_V(dataset, noisy)) == []


@pytest.mark.parametrize(
    ("model", "cycle_length"), [("crn1998", 600.0), ("fox2002", 350.0), ("ord2011", 1000.0), ("hh1952", 50.0)]
)
@pytest.mark.parametrize("sample", [0.1, 1.0])
def test_other_cells_have_no_faults(model: str, cycle_length: float, sample: float) -> None:
    """A nerve's spikes are as brief as artefacts, and its rests at 20 Hz are a line at 60 Hz."""
    paced = iw.simulate(
        iw.load_model(model), cycle_length, 8 * cycle_length, variables=["V"], sample=sample,
        record_from=4 * cycle_length,
    )  # fmt: skip
    time, V = paced["time"].values, paced["V"].values
    for dataset in (recording(time, V, "mV"), recording(time, DARK + GAIN * V, "a.u.")):
        assert faults(dataset) == []
    if model != "hh1952" or sample < 1.0:  # three samples of a spike do not tell its rise from its fall
        assert kinds(recording(time, DARK - GAIN * V, "a.u.")) == ["upside-down"]


# ---- the defects ----

WHITE = np.random.default_rng(1)
DEFECTS: dict[str, tuple[Callable[[xr.Dataset], xr.Dataset], list[str], float, float]] = {
    # name: the defect, what is found, and how far the median APD90 [ms] and V [mV] may then be off
    "up": (lambda d: with_V(d, d["V"].values + 15e-4 * d["time"].values), ["drift"], 0.05, 0.5),
    "down": (lambda d: with_V(d, d["V"].values - 8e-4 * d["time"].values), ["drift"], 0.05, 0.5),
    "hum at 50": (lambda d: with_V(d, d["V"].values + hum(d, 1.5, 50.0)), ["hum"], 0.1, 0.1),
    "hum at 60": (lambda d: with_V(d, d["V"].values + hum(d, 3.0, 60.0)), ["hum"], 0.1, 0.1),
    "hum off 50": (lambda d: with_V(d, d["V"].values + hum(d, 2.0, 49.9)), ["hum"], 0.1, 0.1),
    "noise": (lambda d: with_V(d, d["V"].values + WHITE.normal(0, 2, d["V"].shape)), ["noise"], 1.0, 1.0),
    "spike": (lambda d: spiked(d, 60.0, 1.0, 5.0), ["artefact"], 0.05, 0.1),
    "high spike": (lambda d: spiked(d, 300.0, 1.0, 5.0), ["artefact"], 0.05, 0.1),
    "late spike": (lambda d: spiked(d, 80.0, 0.5, 2.5), ["artefact"], 0.05, 0.1),
    "spike down": (lambda d: spiked(d, -60.0, 1.0, 8.0), ["artefact"], 0.05, 0.1),
    "two phases": (lambda d: spiked(d, 80.0, 0.5, 5.0, phases=2), ["artefact"], 0.05, 0.1),
}


def hum(dataset: xr.Dataset, amplitude: float, frequency: float) -> np.ndarray:
    return amplitude * np.sin(2e-3 * np.pi * frequency * dataset["time"].values + 0.3)


@pytest.mark.parametrize("name", DEFECTS)
def test_a_defect_is_found_and_mended(simulated: xr.Dataset, name: str) -> None:
    defect, expected, apd, V = DEFECTS[name]
    spoilt = defect(simulated)
    found = faults(spoilt)
    assert [fault.kind for fault in found] == expected
    (fault,) = found
    assert (fault.cell, fault.variable) == (0, "V") and fault.mend in ALL
    assert f'mend=["{fault.mend}"]' in describe(spoilt)
    before = spoilt.copy(deep=True)
    mended = mend(spoilt, [fault.mend])
    xr.testing.assert_identical(spoilt, before)
    assert faults(mended) == []
    assert mended.attrs["mended"].startswith(f"{fault.mend}: V of cell 0: ")
    assert abs(np.nanmedian(APD90(mended)) - np.nanmedian(APD90(simulated))) < apd
    difference = (mended["V"] - simulated["V"]).values
    assert np.sqrt(np.mean(difference**2)) < V


def test_a_trace_that_points_down_is_turned(simulated: xr.Dataset) -> None:
    clean = optical(simulated)
    found = faults(with_V(clean, 1.0 - clean["V"].values))
    assert [(fault.kind, fault.mend) for fault in found] == [("upside-down", "flip")]
    mended = mend(with_V(clean, 1.0 - clean["V"].values), "flip")
    np.testing.assert_allclose(np.diff(mended["V"].values), np.diff(clean["V"].values), atol=1e-12)
    np.testing.assert_allclose(APD90(mended), APD90(clean), atol=1e-6)


@pytest.mark.parametrize("duration", [100.0, 250.0, 400.0])
@pytest.mark.parametrize("rise", [2.0, 20.0])
def test_which_way_is_up_does_not_depend_on_how_long_beats_last(duration: float, rise: float) -> None:
    """Of a cycle of 500 ms the action potential takes a fifth to four fifths."""
    time = np.arange(0.0, 4000.0)
    phase = (time - 60.0) % 500.0
    y = np.interp(phase, [0, rise, duration, duration + 80], [0, 1, 0.7, 0])
    y += 0.015 * np.random.default_rng(2).standard_normal(time.size)
    assert "upside-down" not in kinds(recording(time, y[None], "a.u."))
    assert "upside-down" in kinds(recording(time, -y[None], "a.u."))


def test_a_dye_that_bleaches_is_scaled_back(simulated: xr.Dataset) -> None:
    clean = optical(simulated)
    left = 0.7 + 0.3 * np.exp(-clean["time"].values / 3000.0)
    bleached = with_V(clean, clean["V"].values * left)
    (fault,) = faults(bleached)
    assert (fault.kind, fault.mend) == ("drift", "detrend") and "time constant of" in fault.words
    assert "the height falls by 2" in fault.words, "28 % of the light is lost"
    mended = mend(bleached, ["detrend"])
    heights = biomarkers(mended)
    heights = (heights["peak"] - heights["RMP"]).to_numpy()[1:]
    assert np.ptp(heights) < 0.01 * heights.mean()
    np.testing.assert_allclose(APD90(mended), APD90(clean), atol=0.1)


def test_mV_are_shifted_but_never_scaled(simulated: xr.Dataset) -> None:
    V = simulated["V"].values + 20.0 * np.exp(-simulated["time"].values / 2500.0)
    mended = mend(with_V(simulated, V), ["detrend"])
    off = (mended["V"] - simulated["V"]).values
    np.testing.assert_allclose(off, 20.0, atol=0.8)
    np.testing.assert_allclose(APD90(mended), APD90(simulated), atol=0.1)


def test_a_trace_with_everything(simulated: xr.Dataset) -> None:
    noise = np.random.default_rng(3).normal(0, 1.5, simulated["V"].shape)
    V = simulated["V"].values + 1e-3 * simulated["time"].values + hum(simulated, 1.5, 50.0) + noise
    spoilt = spiked(with_V(simulated, V), 80.0, 1.0, 5.0)
    assert kinds(spoilt) == ["artefact", "hum", "noise", "drift"]
    assert abs(np.nanmedian(APD90(mend(spoilt, ALL))) - np.nanmedian(APD90(simulated))) < 1.0


def test_turned_noisy_and_bleached(simulated: xr.Dataset) -> None:
    clean = optical(simulated)
    left = 0.6 + 0.4 * np.exp(-clean["time"].values / 3000.0)
    noise = np.random.default_rng(4).normal(0, 0.006, clean["V"].shape)
    spoilt = with_V(clean, noise - clean["V"].values * left)
    assert kinds(spoilt) == ["upside-down", "noise", "drift"]
    assert abs(np.nanmedian(APD90(mend(spoilt, ALL))) - np.nanmedian(APD90(clean))) < 1.0
    half = mend(spoilt, ["detrend"])
    assert kinds(half)[0] == "upside-down", "what is not asked for stays"
    assert "drift" not in kinds(half)


@pytest.mark.parametrize(("low", "high"), [(-np.inf, 10.0), (-78.0, np.inf)])
@pytest.mark.parametrize("noise", [0.0, 0.3])
def test_clipping_is_told_but_not_mended(
    simulated: xr.Dataset, low: float, high: float, noise: float
) -> None:
    V = simulated["V"].values + np.random.default_rng(5).normal(0, noise, simulated["V"].shape)
    (fault,) = faults(with_V(simulated, np.clip(V, low, high)))
    assert (fault.kind, fault.mend) == ("saturation", None)
    assert f"{high if np.isfinite(high) else low:g} mV" in fault.words
    assert ("the peak and APD are" if np.isfinite(high) else "rest is") + " not to be trusted" in fault.words


def test_a_drawn_rest_is_no_saturation() -> None:
    time = np.arange(0.0, 3000.0)
    V = np.interp((time - 100.0) % 500.0, [0, 2, 230, 260], [-85, 30, 10, -85])
    assert faults(recording(time, V[None], "mV")) == []


@pytest.mark.parametrize(("offset", "said"), [(75.0, "V is -1"), (-45.0, "V is -13")])
def test_a_rest_that_no_membrane_has(simulated: xr.Dataset, offset: float, said: str) -> None:
    (fault,) = faults(with_V(simulated, simulated["V"].values + offset))
    assert (fault.kind, fault.mend) == ("rest", None)
    assert fault.words.startswith(said) and "junction potential" in fault.words


def test_beats_that_are_missing(simulated: xr.Dataset) -> None:
    flat = recording(np.arange(0.0, 500.0), np.full((1, 500), -80.0), "mV")
    assert faults(flat) == [Fault("no-beats", 0, "V", "no action potentials found", None)]
    unknown = simulated.assign_coords(cycle_length=("cell", [np.nan]))
    assert faults(unknown) == []
    assert kinds(unknown.isel(time=slice(0, 1800))) == ["few-beats"]
    assert kinds(simulated.isel(time=slice(0, 1800))) == [], "its cycle length is known"
    cut = simulated.sel(time=slice(0, 150))
    assert kinds(cut) == ["incomplete"]
    nothing = with_V(flat, np.full((1, 500), np.nan))
    assert kinds(nothing) == ["no-beats"]


# ---- mending ----


def test_only_the_cells_that_have_the_fault_are_mended(simulated: xr.Dataset) -> None:
    """And the padding at a shorter cell's end stays."""
    time, V = simulated["time"].values, simulated["V"].values[0]
    short = np.where(time < 6000.0, V, np.nan)
    two = recording(time, np.stack([V, short + 1.5e-3 * time]), "mV")
    assert [(fault.kind, fault.cell) for fault in faults(two)] == [("drift", 1)]
    mended = mend(two, ALL)
    np.testing.assert_array_equal(mended["V"].values[0], V)
    np.testing.assert_array_equal(np.isnan(mended["V"].values[1]), np.isnan(short))
    assert np.nanmax(np.abs(mended["V"].values[1] - short)) < 0.5
    assert mended.attrs["mended"].count("cell 1") == 1 and "cell 0" not in mended.attrs["mended"]
    assert mended.attrs["notes"] == (
        "flip was not needed: no upside-down found; blank was not needed: no artefact found; "
        "smooth was not needed: no hum or noise found"
    )


def test_what_is_not_needed_changes_nothing(simulated: xr.Dataset) -> None:
    mended = mend(simulated, ALL)
    xr.testing.assert_equal(mended, simulated)
    assert "mended" not in mended.attrs and mended.attrs["notes"].count("was not needed") == len(ALL)
    xr.testing.assert_identical(mend(simulated, []), simulated)


def test_wrong_questions_are_answered_in_one_line(simulated: xr.Dataset) -> None:
    with pytest.raises(
        RecordingError, match=r"unknown mend 'flipp'; did you mean flip\?.*flip, blank, smooth"
    ):
        mend(simulated, ["flipp"])
    with pytest.raises(RecordingError, match="mends are names"):
        mend(simulated, 3)  # type: ignore[arg-type]
    with pytest.raises(RecordingError, match="needs a Dataset"):
        faults(3)  # type: ignore[arg-type]
    with pytest.raises(RecordingError, match="no V in this dataset"):
        faults(simulated.drop_vars("V"))
    with pytest.raises(RecordingError, match=r"V must be in mV or a\.u\.; found units 'V'"):
        faults(with_V(simulated, simulated["V"].values, "V"))


@given(
    V=arrays(float, st.integers(1, 700), elements=st.floats(-200, 200, width=32)),
    step=st.sampled_from([0.1, 1.0, 5.0, 50.0]),
    unit=st.sampled_from(["mV", "a.u."]),
    padding=st.integers(0, 3),
)
def test_whatever_a_trace_is_it_is_judged(V: np.ndarray, step: float, unit: str, padding: int) -> None:
    padded = np.concatenate([V, np.full(padding, np.nan)])
    dataset = recording(step * np.arange(padded.size), padded[None], unit, np.nan)
    assert all(fault.words and fault.mend in (None, *ALL) for fault in faults(dataset))
    mended = mend(dataset, ALL)
    np.testing.assert_array_equal(np.isfinite(mended["V"]), np.isfinite(dataset["V"]))


# ---- real recordings ----


def test_real_recordings_have_what_is_seen_in_them(shared_data: Path) -> None:
    """Looked at by eye: none drifts, clips or hums; noise is 0.1 to 0.3 mV, of the dye 1 to 2 %; one or two
    beats each; the paced ones of Clark et al. show the stimulus's spike before the upstroke."""
    patch = sorted((shared_data / LEI / "current-clamp").glob("*.csv.gz"))
    dye = sorted((shared_data / LEI).glob("optical_*/*.csv"))
    other = [file for file in sorted((shared_data / CLARK).glob("*.csv")) if "metadata" not in file.name]
    assert (len(patch), len(dye), len(other)) == (2, 8, 4)
    for file in [*patch, *dye, *other]:
        dataset = read_recording(file, units={"time": "s", "V": "a.u."} if file in dye else None)
        spikes = ["artefact"] if "_paced" in file.name else []
        assert kinds(dataset) == [*spikes, "few-beats"], file.name
        if file in dye:
            turned = with_V(dataset, -dataset["V"].values)
            assert kinds(turned) == ["upside-down", "few-beats"], file.name
            np.testing.assert_allclose(
                np.diff(mend(turned, ["flip"])["V"].values), np.diff(dataset["V"].values), atol=1e-12
            )
        if spikes:
            mended = mend(dataset, ["blank"])
            assert kinds(mended) == ["few-beats"]
            changed = dataset["time"].values[(mended["V"] != dataset["V"]).values[0]]
            assert 149.0 < changed.min() < changed.max() < 151.5, "the pulse of I_inj and its decay"
            np.testing.assert_allclose(APD90(mended), APD90(dataset), atol=0.5)
