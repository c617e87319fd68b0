"""The measure of stage 1: which kind a cell is, and that it finds an error of known size."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from ionwidgets.gnn.measure import figures_in_words, fires, stage1_figures
from ionwidgets.models import IonicModel, load_model
from ionwidgets.simulation import CurrentClamp, simulate, spikes, voltage_grid


@dataclass
class Wrong:
    """A network whose gates are the model's own, their time constants multiplied by `slower`."""

    model: IonicModel
    slower: float = 1.0

    def gate_curves(self, V: NDArray) -> Any:
        return {gate: (h, self.slower * tau) for gate, (h, tau) in self.model.gate_curves(V).items()}

    def live_gates(self) -> Any:
        return self.gate_curves(voltage_grid()), None


def figures(key: str, slower: float = 1.0) -> dict[str, Any]:
    model = load_model(key)
    return stage1_figures(model, Wrong(model, slower))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("key", "kind"),
    [
        ("hh1952", True), ("noble1962", True), ("pospischil2008:RS", True),
        ("br1977", False), ("paci2013:ventricular", False), ("crn1998", False),
    ],
)  # fmt: skip
def test_what_fires_is_told_from_what_is_paced(key: str, kind: bool) -> None:
    assert fires(load_model(key)) is kind


@pytest.mark.parametrize("key", ["hh1952", "noble1962", "pospischil2008:FS"])
def test_the_model_itself_has_no_error(key: str) -> None:
    found = figures(key)
    assert all(own == learnt > 0 for own, learnt in found["spikes"])
    for what in ("time", "interval", "width"):
        assert all(error in (0.0, None) for error in found[f"spike_{what}_error_percent"])


def test_the_paced_model_itself_has_no_error() -> None:
    found = figures("br1977")
    np.testing.assert_allclose(found["apd90_error_ms"] + found["v_rmse_mV"], 0.0, atol=1e-3)


def test_the_spikes_are_those_of_a_run_in_its_own_right() -> None:
    """Counts and mean interval, against the simulator's own list of spikes (of their peaks)."""
    model, slower = load_model("pospischil2008:RS"), 1.05
    found = figures(model.key, slower)
    amplitude, pulse = -model.stimulus.amplitude, model.stimulus.duration
    step = CurrentClamp([(0, 500), (amplitude, pulse), (0, 100)])
    curves = Wrong(model, slower).gate_curves(voltage_grid())
    own, learnt = (
        spikes(simulate(model, protocol=step, variables=["V"], sample=0.02, gates=gates)).time.to_numpy()
        for gates in (None, curves)
    )
    assert found["spikes"][0] == [own.size, learnt.size]
    both = min(own.size, learnt.size)
    errors = 100 * ((learnt[:both] - 500) / (own[:both] - 500) - 1)
    assert abs(found["spike_time_error_percent"][0] - errors[np.argmax(np.abs(errors))]) < 0.2


def test_a_cell_that_beats_by_itself_beats_slower_with_slower_gates() -> None:
    found = figures("noble1962", 1.1)
    (interval,), (width,) = found["spike_interval_error_percent"], found["spike_width_error_percent"]
    assert 2 < interval < 15 and 2 < width < 15
    own, learnt = found["spikes"][0]
    assert learnt < own


def test_figures_in_words() -> None:
    lines = figures_in_words(figures("hh1952"))
    assert lines[0] == "a stimulus of 0.5 ms after 500 ms of rest"
    assert lines[1].startswith("-20 A/F: 1 spikes against 1, time ") and "interval ? %" in lines[1]
    paced = {"cycle_length_ms": [350.0], "apd90_error_ms": [None], "v_rmse_mV": [0.1]}
    assert figures_in_words(paced) == ["CL 350 ms: APD90 ? ms, V RMSE 0.10 mV"]
