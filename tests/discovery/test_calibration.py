"""Recordings in arbitrary units: what a calibration could undo counts for nothing, the rest is found."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from ionwidgets.discovery import discover
from ionwidgets.discovery.calibration import GAIN, OFFSET_V, Loose
from ionwidgets.discovery.question import ask, put_to
from ionwidgets.models import load_model
from ionwidgets.recordings import read_recording
from ionwidgets.simulation import simulate

DATA = Path(__file__).resolve().parents[1] / "data"


def in_arbitrary_units(name: str) -> xr.Dataset:
    """The recording as a dye shows it: V upside up, from 0.2 to 1.1 or so, Ca_i from 3 on."""
    recording = read_recording(DATA / f"{name}.csv")
    for variable, gain, offset in (("V", 0.007, 0.8), ("Ca_i", 5e3, 3.0)):
        attrs = recording[variable].attrs | {"units": "a.u."}
        recording[variable] = (offset + gain * recording[variable]).assign_attrs(attrs)
    return recording


def test_the_change_is_found_and_what_was_assumed_is_said() -> None:
    result = discover(load_model("tnnp2004:M"), in_arbitrary_units("shortqt"))
    first = result.finding["currents"][0]
    assert result.verdict == "changed" and first["parameter"] == "g_CaL"
    assert first["scale"] == pytest.approx(0.25, rel=0.15)
    assert any("V and Ca_i in arbitrary units" in warning for warning in result.finding["warnings"])


def test_no_change_is_none_in_arbitrary_units_either() -> None:
    result = discover(load_model("tnnp2004:M"), in_arbitrary_units("control"))
    assert result.verdict == "unchanged"
    curves = result.gates()
    visited = curves["V"].values[curves["visited"].values]
    assert visited.min() < -80 and visited.max() > 20, "in mV, whatever the recording is in"


def test_a_beat_is_mapped_to_the_range_of_the_model() -> None:
    model = load_model("tnnp2004:M")
    in_mV = put_to(model, ask(model, read_recording(DATA / "control.csv"), None, None))
    mapped = put_to(model, ask(model, in_arbitrary_units("control"), None, None))
    for own, other in zip(in_mV.beats, mapped.beats, strict=True):
        assert other.arbitrary == ("V", "Ca_i") and own.arbitrary == ()
        # Without the stimulus in A/F its onset may be placed a sample later.
        late = int(own.V.argmax() - other.V.argmax())
        assert abs(late) <= 1
        np.testing.assert_allclose(np.roll(other.V, late), own.V, atol=1.0)  # of peaks sampled at 1 ms
        assert other.noise_V == pytest.approx(own.noise_V, rel=0.1)
        assert other.Ca_i is not None and own.Ca_i is not None
        np.testing.assert_allclose(np.roll(other.Ca_i, late), own.Ca_i, atol=0.02 * np.ptp(own.Ca_i))


def test_gain_and_offset_are_free_within_what_is_believed_of_them() -> None:
    model = load_model("tnnp2004:M")
    question = put_to(model, ask(model, in_arbitrary_units("control"), None, None))
    beat, objective = question.beats[0], question.objective()
    measured, weights, loose = objective.measured[0], objective.weights[0], objective.loose[0]
    # By the covariance itself.
    columns = loose.U * loose.s
    d = np.random.default_rng(0).standard_normal(measured.size)
    whitened = loose.whitened(d)
    inverse = np.linalg.inv(np.eye(d.size) + columns @ columns.T)
    assert whitened @ whitened == pytest.approx(d @ inverse @ d, rel=1e-9)
    # One standard deviation of each costs about 1, and nothing is left of it at the best calibration.
    for moved in (GAIN["V"] * (beat.V - beat.V.min()), np.full(beat.V.size, OFFSET_V)):
        off = np.zeros_like(measured)
        off[:, 0] = moved
        d = (off * weights).ravel()
        assert np.square(loose.whitened(d)).sum() == pytest.approx(1, abs=0.2)
        assert np.abs(loose.at_best(d)).max() < 0.01 * np.abs(d).max()
    # What is in mV is not touched.
    known = Loose.of(put_to(model, ask(model, read_recording(DATA / "control.csv"), None, None)).beats[0],
                     ["V", "Ca_i"], measured, weights)  # fmt: skip
    assert known.s.size == 0 and np.array_equal(known.whitened(d), d) and np.array_equal(known.at_best(d), d)


def test_calcium_that_the_model_does_not_have_is_left_out() -> None:
    axon = load_model("hh1952")
    paced = simulate(axon, [50.0], 1000.0, record_from=500.0, sample=0.1, variables=["V"])[["V"]]
    paced["Ca_i"] = (0.3 * paced["V"]).assign_attrs(units="a.u.")
    question = put_to(axon, ask(axon, paced, None, None))
    assert question.beats[0].Ca_i is None and question.warnings == []
    assert question.objective().names == ["V"]
