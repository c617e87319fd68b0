"""The paper's data: paced cells, every state from 0 to 1 over the range that control and clamp give it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
import xarray as xr
from numpy.typing import NDArray

from ionwidgets.errors import TrainingError
from ionwidgets.gnn.emulator import Outputs
from ionwidgets.gnn.network import Shape
from ionwidgets.gnn.paper.settings import Paper
from ionwidgets.jobs import Control
from ionwidgets.models import IonicModel
from ionwidgets.simulation import simulate
from ionwidgets.simulation.clamp import clamp
from ionwidgets.simulation.grid import Swept

ANY = (-1e9, 1e9)  # the published network holds nothing back
Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Ranges:
    """low, high of every state by name, and the model under clamp: (K, observables) over rising V [mV]."""

    limits: Mapping[str, tuple[float, float]]
    clamp: NDArray[np.float64]

    def scaled(self, data: xr.Dataset, names: tuple[str, ...]) -> Floats:
        """States (T, len(names), B) from 0 to 1."""
        columns = []
        for name in names:
            low, high = self.limits[name]
            columns.append((data[name].transpose("time", "cell").values - low) / (high - low))
        return np.ascontiguousarray(np.stack(columns, axis=1), np.float32)

    def shape(self, model: IonicModel, settings: Paper) -> Shape:
        """The published network: V and Ca_i in, relu, no skip."""
        low = tuple(self.limits[name][0] for name in model.observables)
        return Shape(
            observables=tuple(model.observables),
            centre=low,
            spread=tuple(self.limits[name][1] - self.limits[name][0] for name in model.observables),
            held=(ANY,) * len(low),
            width=settings.width,
            activation="relu",
            skip=False,
            gate_range=tuple(self.limits[name] for name in model.gate_names),
        )

    def outputs(self, model: IonicModel) -> Outputs:
        names = non_gates(model)
        low, high = zip(*(self.limits[name] for name in names), strict=True)
        return Outputs(names, low, high)


def non_gates(model: IonicModel) -> tuple[str, ...]:
    """What the emulator predicts: the observables, then every other state that is no gate."""
    others = (name for name in model.states if name not in (*model.gate_names, *model.observables))
    return (*model.observables, *others)


def paced(
    model: IonicModel,
    settings: Paper,
    scale: Mapping[str, Swept] | None = None,
    variables: Sequence[str] | None = None,
    threads: int | None = None,
    progress: Control | None = None,
) -> xr.Dataset:
    """The samples that train: `variables` (every state when left out) of cells paced from the start.

    `threads`: 1 in a worker, whose other cores are other workers'. `progress`: is told of every cell.
    """
    first, last = settings.used
    if not 0 <= first < last <= settings.duration:
        raise TrainingError(
            f"the samples used must lie within the {settings.duration:g} ms; found {first:g}-{last:g}"
        )
    return simulate(
        model, list(settings.cycle_lengths), last, scale=scale, variables=list(variables or model.states),
        sample=settings.sample, record_from=first, threads=threads, progress=progress,
    )  # fmt: skip


def ranges(model: IonicModel, control: xr.Dataset, settings: Paper) -> Ranges:
    """Ranges over the control's samples and the model under voltage clamp.

    Gates under clamp are at h_inf(V); everything else is where `held` ms of clamp bring it.
    """
    low, high, step = settings.clamp
    V = np.arange(low, high + step / 2, step)
    start = dict(zip(model.states, model.initial, strict=True))
    samples = round(settings.held)
    hold = partial(clamp, model, sample=1.0, initial=start, beats=1)
    last = [{name: x[-1] for name, x in hold({model.voltage: np.full(samples, v)}).items()} for v in V]
    curves = model.gate_curves(V)
    limits = {}
    for name in model.states:
        under = curves[name][0] if name in curves else np.array([point[name] for point in last])
        both = np.concatenate([under, control[name].values.ravel()])
        limits[name] = (float(both.min()), float(both.max()))
        if not limits[name][1] > limits[name][0]:
            raise TrainingError(f"{name} of {model.key} never moves, so it has no range to learn")
    table = np.stack([V, *(np.array([p[n] for p in last]) for n in model.observables[1:])], axis=-1)
    return Ranges(limits, table)


def outside(x: Floats) -> float:
    """The share of samples that leave 0 ... 1."""
    return float(np.mean((x < 0) | (x > 1)))


def as_torch(x: Floats) -> torch.Tensor:
    """(T, n, B) to (T, B, n), as torch's layers have it."""
    return torch.from_numpy(x).transpose(1, 2).contiguous()
