"""Real hiPSC-CM recordings, beside the checkout: read, calibrated, and nothing said that is not known.

Quinine blocks I_Kr, I_Na and I_to, dofetilide I_Kr. No library model describes these cells well, so what may
come out is I_Kr down, or that the model does not explain the recording.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from ionwidgets.discovery import Result, discover
from ionwidgets.discovery.question import ask, put_to
from ionwidgets.errors import RecordingError
from ionwidgets.models import load_model
from ionwidgets.recordings import read_recording

CLARK, LEI = "hipsc_paced_clark2022/042721_4_quinine_{}-drug_{}.csv", "hipsc_patch_optical_lei2017"
WELLS = [
    "optical_baseline_GroupI/Well10Recording19", "optical_baseline_GroupI/Well11Recording21",
    "optical_baseline_GroupI/Well12Recording23", "optical_baseline_GroupI/Well13Recording25",
    "optical_dofetilide_Drug1/Well01", "optical_dofetilide_Drug1/Well06", "optical_dofetilide_Drug1/Well11",
    "optical_dofetilide_Drug1/Well16",
]  # fmt: skip


def patched(folder: Path, when: str, how: str = "paced") -> xr.Dataset:
    """Paced at 1 Hz, through a dynamic clamp that injects I_K1 of half the Ishihara model."""
    return read_recording(folder / CLARK.format(when, how), cycle_length=1000 if how == "paced" else None)


def dyed(folder: Path, well: str) -> xr.Dataset:
    length = 1000.0 if "baseline" in well else 1130.0 if "Well16" in well else 1500.0
    return read_recording(folder / LEI / f"{well}.csv", units={"time": "s", "V": "a.u."}, cycle_length=length)


def known_or_nothing(result: Result) -> bool:
    if result.verdict != "changed":
        return result.verdict == "unexplained" and result.changes == {}
    found = {entry["parameter"]: entry["scale"] for entry in result.finding["currents"] if entry["found"]}
    return found.get("g_Kr", 1.0) < 1.0


@pytest.mark.parametrize("when", ["pre", "post"])
def test_the_injected_current_is_taken_with_its_pulse(shared_data: Path, when: str) -> None:
    model = load_model("paci2013:ventricular")
    question = put_to(model, ask(model, patched(shared_data, when), None, None))
    (beat,) = question.beats
    assert beat.pulsed and beat.I_inj is not None and beat.recorded is not None
    assert np.count_nonzero(~beat.recorded) * beat.step == pytest.approx(450, abs=1)
    assert 0.5 < np.median(beat.I_inj[beat.time > 600]) < 1.0  # I_K1, outward at rest
    assert beat.I_inj[np.abs(beat.time) < 2].min() < -15
    changes = beat.injection((-5.0, 5.0), 2000.0, 10.0)
    assert changes is not None and 100 < len(changes) < 2000
    # The model given the same fires once a period.
    V = question.control["V"].values[0]
    assert np.count_nonzero((V[1:] > 0) & (V[:-1] <= 0)) == 1


@pytest.mark.parametrize("well", WELLS)
def test_a_dye_is_mapped_to_the_range_of_the_model(shared_data: Path, well: str) -> None:
    model = load_model("paci2013:ventricular")
    question = put_to(model, ask(model, dyed(shared_data, well), None, None))
    (beat,) = question.beats
    assert beat.arbitrary == ("V",) and np.isfinite(beat.V).all()
    assert -95 < np.percentile(beat.V, 2) < -60 and 10 < beat.V.max() < 60
    assert (300 if "dofetilide" in well else 200) < beat.apd90 < 1200


def test_one_beat_of_a_cell_that_beats_by_itself_needs_a_cycle_length(shared_data: Path) -> None:
    model = load_model("paci2013:ventricular")
    with pytest.raises(RecordingError, match="beats by itself is compared as if it were paced"):
        discover(model, patched(shared_data, "post", "spont"), patched(shared_data, "pre", "spont"))


@pytest.mark.slow
def test_quinine(shared_data: Path) -> None:
    model = load_model("paci2013:ventricular")
    result = discover(model, patched(shared_data, "post"), patched(shared_data, "pre"))
    assert known_or_nothing(result)
    assert any("cannot produce the control recording" in warning for warning in result.finding["warnings"])


@pytest.mark.slow
@pytest.mark.parametrize("well", [WELLS[5], WELLS[7]])
def test_dofetilide(shared_data: Path, well: str) -> None:
    model = load_model("paci2013:ventricular")
    control = dyed(shared_data, WELLS[1])
    assert known_or_nothing(discover(model, dyed(shared_data, well), control))
