"""The ODE as decoder: its currents are the model's, its residual the recording's, and gradients flow."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import xarray as xr

from ionwidgets.discovery.prepare import control_run
from ionwidgets.gnn.decoder import AFTER, BEFORE, Balance, current_balance
from ionwidgets.models import IonicModel, load_model
from ionwidgets.recordings.typical_beat import typical_beats
from ionwidgets.simulation import simulate

CYCLE_LENGTHS = [500.0, 800.0]


@pytest.fixture(scope="module")
def model() -> IonicModel:
    return load_model("tnnp2004:M")


def balance_of(model: IonicModel, recording: xr.Dataset, true: xr.Dataset | None = None) -> Balance:
    stimulus = (model.stimulus.amplitude, model.stimulus.duration)
    beats, warnings = typical_beats(recording, stimulus[1], stimulus[0])
    assert warnings == []
    return current_balance(model, beats, control_run(model, beats, stimulus), stimulus, true)


def recorded(model: IonicModel, variables: list[str], scale: dict[str, float] | None = None) -> xr.Dataset:
    """Noise-free samples of the model, by our own kernel."""
    paced = simulate(model, CYCLE_LENGTHS, 18_000.0, scale=scale, record_from=15_000.0, variables=variables)
    return paced[variables]


@pytest.fixture(scope="module")
def balance(model: IonicModel) -> Balance:
    return balance_of(model, recorded(model, ["V", "Ca_i"]))


def gates_of(balance: Balance) -> torch.Tensor:
    """The model's own gates under clamp, (T, B, G)."""
    hidden = [torch.as_tensor(balance.hidden[name]) for name in balance.model.gate_names]
    return torch.stack(hidden, dim=-1)


def share(balance: Balance, log_scales: torch.Tensor) -> float:
    """sum r^2 / sum (dV/dt)^2 with the model's own gates."""
    r = balance.residual(balance.currents(gates_of(balance)), log_scales)
    return float(r.square().sum() / (balance.dVdt * balance.weight).square().sum())


def no_change(model: IonicModel) -> torch.Tensor:
    return torch.zeros(len(model.currents), dtype=torch.float64)


def test_currents_are_those_of_the_model(model: IonicModel, balance: Balance) -> None:
    names = [current.name for current in model.currents]
    state = {name: balance.hidden[name] for name in model.states}
    own = model.values(names, state)
    ours = balance.currents(gates_of(balance))
    assert list(ours) == names
    for name in names:
        np.testing.assert_allclose(ours[name].numpy(), own[name], rtol=1e-9, atol=1e-12, err_msg=name)


def test_shapes_and_what_is_asked(model: IonicModel, balance: Balance) -> None:
    assert balance.V.shape == balance.dVdt.shape == balance.weight.shape == (800, len(CYCLE_LENGTHS))
    for i, beat in enumerate(balance.beats):
        n = beat.time.size
        assert n == CYCLE_LENGTHS[i]
        assert not balance.weight[n:, i].any(), "the padding"
        acts = (beat.time >= -BEFORE) & (beat.time <= AFTER)
        assert not balance.weight[:n, i].numpy()[acts].any(), "stimulus and upstroke"
        assert balance.weight[:n, i].sum() == n - acts.sum() - 2
        np.testing.assert_allclose(balance.V[:n, i], beat.V, atol=1e-9)


def test_the_model_explains_its_own_recording(model: IonicModel, balance: Balance) -> None:
    assert share(balance, no_change(model)) < 1e-3


def test_a_scaled_current_is_missed_unless_its_scale_is_known(model: IonicModel) -> None:
    balance = balance_of(model, recorded(model, ["V", "Ca_i"], scale={"g_Kr": 0.25}))
    scales = no_change(model)
    assert share(balance, scales) > 0.05
    scales[[current.name for current in model.currents].index("I_Kr")] = np.log(0.25)
    assert share(balance, scales) < 2e-3  # dV/dt from 1 ms samples, and the control's Na_i and K_i


def test_calcium_comes_from_the_model_where_it_was_not_recorded(model: IonicModel) -> None:
    balance = balance_of(model, recorded(model, ["V"]))
    assert all(beat.Ca_i is None for beat in balance.beats)
    assert np.ptp(balance.hidden["Ca_i"][:, 0]) > 1e-4
    assert share(balance, no_change(model)) < 1e-2


def test_the_papers_shortcut_reads_hidden_states_from_the_cell(model: IonicModel) -> None:
    """fCa, Na_i, K_i of the altered cell itself, where an experiment has those of the model under clamp."""
    cell = recorded(model, list(model.states), scale={"g_CaL": 0.25})
    clamped, true = (balance_of(model, cell[["V", "Ca_i"]], source) for source in (None, cell))
    scales = no_change(model)
    scales[[current.name for current in model.currents].index("I_CaL")] = np.log(0.25)
    assert share(true, scales) < 0.5 * share(clamped, scales)
    for i, (beat, length) in enumerate(zip(true.beats, CYCLE_LENGTHS, strict=True)):
        n, trace = beat.time.size, cell["Na_i"].values[i]
        at = true.hidden["Na_i"][:n, i]
        assert trace.min() <= at.min() and at.max() <= trace.max(), length
        assert not trace.min() <= clamped.hidden["Na_i"][:n, i].mean() <= trace.max(), length
        np.testing.assert_array_equal(true.hidden["m"], clamped.hidden["m"], "gates stay hidden")


def test_gradients_flow_to_gates_and_scales(model: IonicModel, balance: Balance) -> None:
    gates = gates_of(balance).clone().requires_grad_()
    scales = no_change(model).requires_grad_()
    balance.residual(balance.currents(gates), scales).square().sum().backward()
    assert gates.grad is not None and scales.grad is not None
    assert torch.isfinite(gates.grad).all() and torch.isfinite(scales.grad).all()
    assert (scales.grad != 0).all()
    asked = balance.weight.bool()
    for j, gate in enumerate(model.gate_names):
        assert gates.grad[..., j][asked].abs().max() > 0, gate
        assert not gates.grad[..., j][~asked].any(), gate


def test_the_gradient_is_the_derivative_of_the_current(model: IonicModel, balance: Balance) -> None:
    gates = gates_of(balance).clone().requires_grad_()
    j = model.gate_names.index("Xr1")
    balance.currents(gates)["I_Kr"].sum().backward()
    assert gates.grad is not None
    state = {name: balance.hidden[name] for name in model.states}
    step = 1e-4
    up, down = (
        model.values(["I_Kr"], {**state, "Xr1": state["Xr1"] + sign * step})["I_Kr"] for sign in (1, -1)
    )
    np.testing.assert_allclose(gates.grad[..., j].numpy(), (up - down) / (2 * step), rtol=1e-6, atol=1e-9)
