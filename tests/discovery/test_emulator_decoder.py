"""The emulator as decoder: refused where it cannot see, right in its misfit, and through to a finding."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from gnn.test_retrain import balance_of

from ionwidgets.discovery import discover
from ionwidgets.errors import IonWidgetsError, TrainingError
from ionwidgets.gnn import Network, learn
from ionwidgets.gnn.along_beats import gates_along
from ionwidgets.gnn.emulate import EmulatedBeats
from ionwidgets.gnn.paper import learn_as_published
from ionwidgets.gnn.retrain import Stage2, retrain_batch
from ionwidgets.models import load_model
from ionwidgets.recordings import read_recording

DATA = Path(__file__).resolve().parents[1] / "data"


@pytest.fixture(scope="module")
def network() -> Network:
    return learn_as_published(load_model("tnnp2004:M"))


def test_the_misfit_is_that_of_the_next_samples(network: Network) -> None:
    balance = balance_of("longqt")
    decoder = EmulatedBeats(network, balance)
    h = gates_along(network, balance)
    n_currents = len(balance.model.currents)
    with torch.no_grad():
        both = decoder.misfit(torch.stack([h, 0.5 * h]), torch.zeros(2, n_currents, dtype=h.dtype))
        # By hand, a sample at a time, twice round the beats.
        module, emulator = network.module, network.emulator
        assert emulator is not None
        low, high = (h.new_tensor(x) for x in zip(*module.shape.gate_range, strict=True))
        x = emulator.scaled(torch.stack([balance.observed(name) for name in ("V", "Ca_i")], -1))
        carried, off = None, []
        for period in range(2):
            for t in range(len(x)):
                y, carried = emulator(x[t - 1][None], ((h[t] - low) / (high - low))[None], carried)
                if period and t:
                    off.append((y[0, :, :2] - x[t]).square())
        squares = torch.stack(off)
        lengths = torch.tensor([beat.time.size for beat in balance.beats])
        inside = torch.arange(1, len(x))[:, None] < lengths
    assert both[0].item() == pytest.approx(squares[inside].mean().item(), rel=1e-9)
    assert both[1] > both[0]


def test_it_trains_over_whole_beats_and_a_run_is_the_same_in_a_batch(network: Network) -> None:
    balance = balance_of("longqt")
    brief = Stage2(updates=12)
    both = retrain_batch(network, balance, [(1e-6, 0), (1e-3, 1)], decoder=EmulatedBeats, settings=brief)
    (alone,) = retrain_batch(network, balance, [(1e-3, 1)], decoder=EmulatedBeats, settings=brief)
    assert both[0].losses[-1] < 0.98 * both[0].losses[0]
    torch.testing.assert_close(both[1].gates_after, alone.gates_after, rtol=0, atol=1e-6)
    assert (
        max(abs(s) for s in alone.log_scales.values()) < 0.1
    )  # its own error is larger than a scale's share


def test_a_scale_moves_the_predicted_v_by_what_it_adds_to_the_current(network: Network) -> None:
    balance = balance_of("longqt")
    decoder = EmulatedBeats(network, balance)
    h = gates_along(network, balance)
    names = [current.name for current in balance.model.currents]
    scales = torch.zeros(1, len(names), dtype=h.dtype)
    scales[0, names.index("I_K1")] = math.log(1.5)
    with torch.no_grad():
        none, scaled = (decoder.misfit(h[None], x).item() for x in (torch.zeros_like(scales), scales))
        # The same recording, had V moved by that much the other way.
        half = 0.5 * balance.currents(h)["I_K1"]
        asked = (balance.weight > 0) & (torch.roll(balance.weight, 1, 0) > 0)
        low, high = decoder.emulator.outputs.low[0], decoder.emulator.outputs.high[0]
        decoder.next = decoder.next.clone()
        decoder.next[..., 0] += asked * (half + torch.roll(half, 1, 0)) / 2 / (high - low)
        moved = decoder.misfit(h[None], torch.zeros_like(scales)).item()
    assert scaled == pytest.approx(moved, rel=1e-12) and scaled != none


# I_Kr x0.25 moves V by less from one sample to the next than m2 misses by.
@pytest.mark.parametrize(("name", "current", "scale"), [("shortqt", "I_CaL", 0.25), ("ito", "I_to", 3)])
def test_the_true_scale_brings_the_prediction_nearer(
    network: Network, name: str, current: str, scale: float
) -> None:
    balance = balance_of(name)
    decoder = EmulatedBeats(network, balance)
    h = gates_along(network, balance)
    scales = torch.zeros(3, len(balance.model.currents), dtype=h.dtype)
    at = [c.name for c in balance.model.currents].index(current)
    scales[:, at] = torch.tensor([math.log(scale), 0.0, -math.log(scale)])
    with torch.no_grad():
        true, none, opposite = decoder.misfit(h.expand(3, *h.shape), scales).tolist()
    assert true < none < opposite


def test_samples_that_are_not_its_own_are_refused(network: Network) -> None:
    balance = balance_of("longqt")
    beats = tuple(replace(beat, time=beat.time / 2) for beat in balance.beats)
    with pytest.raises(TrainingError, match=r"1 ms on, and the recording's samples are 0.5 ms apart"):
        EmulatedBeats(network, replace(balance, beats=beats))


def test_what_the_emulator_cannot_see_is_refused_before_the_work() -> None:
    model, recording = load_model("tnnp2004:M"), read_recording(DATA / "shortqt.csv")
    with pytest.raises(IonWidgetsError, match="there is no Ca_i; use decoder ode"):
        discover(model, recording.drop_vars("Ca_i"), decoder="emulator")
    with pytest.raises(IonWidgetsError, match="this one has none"):
        discover(model, recording, decoder="emulator", network=learn(model))
    with pytest.raises(TrainingError, match='preset="paper"'):
        EmulatedBeats(learn(model), balance_of("longqt"))


@pytest.mark.slow
def test_a_finding_by_the_emulator(network: Network) -> None:
    model, recording = load_model("tnnp2004:M"), read_recording(DATA / "longqt.csv")
    result = discover(model, recording, decoder="emulator", network=network)
    assert result.finding["decoder"] == "emulator"
    first = result.findings.iloc[0]
    assert first["current"] == "I_Kr" and first["scale"] == pytest.approx(0.25, rel=0.15)
