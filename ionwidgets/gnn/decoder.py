"""The ODE as decoder: the network's gates in the model's own currents, held against the measured dV/dt.

Away from the stimulus and the upstroke a cell obeys dV/dt = -sum_X s_X I_X(V, Ca_i, h, ...). V, Ca_i and
dV/dt are measured; the gates h come from the network; what else the currents need (fCa, Na_i, K_i) comes from
the model under action potential clamp. What is left over,

    r[t] = dV/dt[t] + sum_X s_X I_X[t]     (A/F, that is mV/ms),

is what the theory does not explain. s_X is a scale per current beside the gates. What amplifier and seal add,
I_inj + I_leak, is known and stands beside dV/dt.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial

import myokit
import numpy as np
import torch
import xarray as xr
from numpy.typing import NDArray

from ionwidgets.gnn.smooth import AFTER, BEFORE, smoothed, within
from ionwidgets.gnn.upstroke import through_upstroke
from ionwidgets.models import IonicModel
from ionwidgets.models.evaluate import backend_of, evaluate
from ionwidgets.models.structure import state_dependencies
from ionwidgets.recordings.typical_beat import TypicalBeat
from ionwidgets.simulation.clamp import clamp

HIDDEN = ("clamp", "true")  # where what an experiment cannot see comes from, see `current_balance`


def _where(
    condition: torch.Tensor | bool, yes: torch.Tensor | float, no: torch.Tensor | float
) -> torch.Tensor | float:
    return torch.where(condition, yes, no) if torch.is_tensor(condition) else (yes if condition else no)


TORCH = backend_of(torch, _where)


@dataclass(frozen=True)
class Balance:
    """The current balance of B recorded periods, padded to T samples.

    V (T, B); dVdt (T, B) mV/ms, what amplifier and seal add beside it; weight (T, B), 0 where there is no
    sample or the stimulus acts; fixed: what the currents need besides the gates, by variable, (T, B);
    hidden: the model's own states and currents under clamp, (T, B) each; noise: the misfit that one free
    number takes away by following noise;
    upstroke: the observables between samples there, see `upstroke`.
    """

    model: IonicModel
    beats: tuple[TypicalBeat, ...]
    V: torch.Tensor
    dVdt: torch.Tensor
    weight: torch.Tensor
    fixed: dict
    hidden: dict[str, NDArray]
    noise: float
    upstroke: dict[str, NDArray]

    def on(self, device: torch.device) -> Balance:
        """The same, with its tensors on another device."""
        moved = {
            key: value.to(device) if torch.is_tensor(value) else value for key, value in self.fixed.items()
        }
        V, dVdt, weight = (x.to(device) for x in (self.V, self.dVdt, self.weight))
        return replace(self, V=V, dVdt=dVdt, weight=weight, fixed=moved)

    def observed(self, name: str) -> torch.Tensor:
        """V [mV] or Ca_i [mM] along the beats (T, B); the model's own Ca_i where none was recorded."""
        return torch.as_tensor(self.hidden[name], device=self.V.device)

    def currents(self, gates: torch.Tensor) -> dict[str, torch.Tensor]:
        """Every membrane current (..., T, B) [A/F] at control scale, with these gates (..., T, B, G)."""
        known = dict(self.fixed)
        for j, name in enumerate(self.model.gate_names):
            known[self.model.variables[name]] = gates[..., j]
        names = [current.name for current in self.model.currents]
        return {name: evaluate(myokit.Name(self.model.variables[name]), known, TORCH) for name in names}

    def residual(self, currents: dict[str, torch.Tensor], log_scales: torch.Tensor) -> torch.Tensor:
        """r (..., T, B) [mV/ms], zero where nothing is asked; log_scales (..., currents)."""
        scales = torch.exp(log_scales)[..., None, None, :]
        total = sum(scales[..., i] * currents[current.name] for i, current in enumerate(self.model.currents))
        return (self.dVdt + total) * self.weight

    @torch.no_grad()
    def ratios(self, before: torch.Tensor, after: torch.Tensor) -> dict[str, float]:
        """How large gates `after` (T, B, G) make each current beside `before`: the slope of one on the other.

        Through the origin, where the balance is asked; NaN of a current that never flows.
        """
        own, new = self.currents(before), self.currents(after)
        weigh = partial(torch.mul, self.weight)
        return {
            name: float((weigh(own[name]) * weigh(new[name])).sum() / weigh(own[name]).square().sum())
            for name in own
        }

    def misfit(self, gates: torch.Tensor, log_scales: torch.Tensor) -> torch.Tensor:
        """sum r^2 / sum (dV/dt)^2 of gates (N, T, B, G) and scales (N, currents): (N,)."""
        r = self.residual(self.currents(gates), log_scales)
        return r.square().sum((-2, -1)) / (self.dVdt * self.weight).square().sum()


def current_balance(
    model: IonicModel,
    beats: Sequence[TypicalBeat],
    control: xr.Dataset,
    stimulus: tuple[float, float],
    true: xr.Dataset | None = None,
) -> Balance:
    """Set up the balance of recorded beats.

    `control`: the model paced at each beat's cycle length (a cell each, in order); its last sample is the
    state that the clamp begins from, and the only source of what cannot be seen, such as Na_i and K_i.
    `stimulus`: (amplitude [A/F], duration [ms]). `true`: where the recording is a simulation, what the beats
    were taken from, with `hidden_states`: these then come from it (the paper's shortcut, which no experiment
    can take).
    """
    periods, measured = [], []
    for i, beat in enumerate(beats):
        observed, slope = smoothed(model, beat, control, i)
        measured.append(slope)
        start = {name: float(control[name].values[i, -1]) for name in model.states}
        period = clamp(model, observed, beat.step, start)
        periods.append(period if true is None else {**period, **_true_states(model, beat, true)})
    longest = max(beat.time.size for beat in beats)
    hidden = {name: np.stack([_padded(p[name], longest) for p in periods], axis=1) for name in periods[0]}
    slopes = np.stack([_padded(slope.dVdt, longest) for slope in measured], axis=1)
    if model.leak is not None:
        slopes += evaluate(model.leak.rhs(), {model.variables[model.voltage]: hidden[model.voltage]})
    weight = np.zeros_like(slopes)
    for i, beat in enumerate(beats):
        if beat.I_inj is not None:
            slopes[:, i] += _padded(beat.I_inj, longest)
        asked = (beat.time < -BEFORE) | (beat.time > AFTER)
        weight[: beat.time.size, i] = asked if beat.recorded is None else asked & within(beat)
        weight[[0, beat.time.size - 1], i] = 0.0  # no slope at the ends
    # Samples within the width of a smoothing fit share their noise: fewer numbers are measured than shown.
    noise = np.mean([s.variance * s.width for s in measured]) / np.sum((slopes * weight) ** 2)
    fixed: dict = {
        model.variables[name]: torch.as_tensor(hidden[name])
        for name in model.states
        if name not in model.gate_names
    }
    fixed[model.pace_variable] = 0.0
    for variable in model.variables.values():
        if variable in fixed or variable.is_state() or variable.is_bound():
            continue
        # Computed once: everything in the equations that no gate touches.
        if state_dependencies(variable.rhs()) <= fixed.keys():
            evaluate(myokit.Name(variable), fixed, TORCH)
    return Balance(
        model=model,
        beats=tuple(beats),
        V=torch.as_tensor(hidden[model.voltage]),
        dVdt=torch.as_tensor(slopes),
        weight=torch.as_tensor(weight),
        fixed=fixed,
        hidden=hidden,
        noise=float(noise),
        upstroke=through_upstroke(
            model, beats, control, stimulus, {name: hidden[name] for name in model.observables}
        ),
    )


def hidden_states(model: IonicModel) -> tuple[str, ...]:
    """States that are neither observed nor gates of V: fCa, g, Na_i, K_i and Ca_SR of TNNP."""
    return tuple(name for name in model.states if name not in (*model.observables, *model.gate_names))


def _true_states(model: IonicModel, beat: TypicalBeat, data: xr.Dataset) -> dict[str, NDArray]:
    """`hidden_states` of the beat nearest to the middle of those that `beat` is the average of."""
    periods = round((beat.middle_ms - beat.start_ms) / beat.cycle_length)
    at = beat.start_ms + periods * beat.cycle_length + beat.time
    return {
        name: np.interp(at, data["time"].values, data[name].values[beat.cell])
        for name in hidden_states(model)
    }


def _padded(values: NDArray, length: int) -> NDArray:
    return np.concatenate([values, np.full(length - values.size, values[-1])])
