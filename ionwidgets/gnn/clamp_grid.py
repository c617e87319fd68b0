"""What the network learns from: gates over voltage clamp, and at any Ca_i where it sees that too."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch

from ionwidgets.errors import TrainingError
from ionwidgets.gnn.descent import Stage1
from ionwidgets.gnn.network import V_TRAINED, Shape
from ionwidgets.models import IonicModel
from ionwidgets.simulation import VoltageClamp, simulate

HELD = 2000.0  # ms of clamp, after which the table of Ca_i is taken
PACED = (350.0, 1000.0)  # ms, whose Ca_i gives the range


@dataclass(frozen=True)
class Lessons:
    """`observed` (N, observables) [mV, mM] with the gates' h_inf and log rate [ln 1/ms] there, (N, G).

    `shape` suits them; `clamp` is the table of a network that sees Ca_i; `words` go on the card.
    """

    observed: torch.Tensor
    h_inf: torch.Tensor
    log_rate: torch.Tensor
    shape: Shape
    clamp: torch.Tensor | None
    words: str

    def on(self, device: torch.device) -> Lessons:
        """The same, with what is compared on another device."""
        observed, h_inf, log_rate = (x.to(device) for x in (self.observed, self.h_inf, self.log_rate))
        return replace(self, observed=observed, h_inf=h_inf, log_rate=log_rate)


def lessons(model: IonicModel, observables: tuple[str, ...], settings: Stage1) -> Lessons:
    """The grid over V, every `step_mV`; with Ca_i that at levels across its range, and the model's own clamp.

    Raises
    ------
    TrainingError : the model has no Ca_i, or none that moves.
    """
    V = _even(settings.step_mV)
    words = f"voltage clamp from {V_TRAINED[0]:g} to {V_TRAINED[1]:g} mV, every {settings.step_mV:g} mV"
    if len(observables) == 1:
        return _taught(model, V[:, None], settings, Shape(), None, words)
    table = _clamped(model, settings.clamp_step_mV)
    paced = simulate(model, list(PACED), 10_000.0, variables=list(observables))[observables[1]].values
    low = float(min(table[:, 1].min(), paced.min()))
    high = float(max(table[:, 1].max(), paced.max()))
    if not low < high:
        raise TrainingError(
            f'{observables[1]} of {model.key} never moves: leave it out, observables=("{observables[0]}",)'
        )
    levels = np.linspace(low, high, settings.calcium_levels)
    grid = np.stack(np.meshgrid(V, levels, indexing="ij"), axis=-1).reshape(-1, 2)
    only_V = Shape()
    shape = Shape(
        observables=observables,
        centre=(*only_V.centre, 0.5 * (low + high)),
        spread=(*only_V.spread, 0.5 * (high - low)),
        held=(*only_V.held, (low, high)),
    )
    words += (
        f", at {levels.size} levels of {observables[1]} from {1000 * low:.3g} to {1000 * high:.3g} uM and at "
        f"that after {HELD:g} ms of clamp"
    )
    return _taught(model, np.concatenate([grid, table]), settings, shape, torch.as_tensor(table), words)


def _taught(
    model: IonicModel,
    observed: np.ndarray,
    settings: Stage1,
    shape: Shape,
    clamp: torch.Tensor | None,
    words: str,
) -> Lessons:
    curves = model.gate_curves(observed[:, 0])
    h_inf = np.stack([curves[name][0] for name in model.gate_names], axis=-1)
    tau = np.stack([curves[name][1] for name in model.gate_names], axis=-1)
    log_rate = -np.log(np.maximum(tau, settings.tau_floor_ms))
    as_tensor = torch.as_tensor
    return Lessons(as_tensor(observed), as_tensor(h_inf), as_tensor(log_rate), shape, clamp, words)


def _clamped(model: IonicModel, step: float) -> np.ndarray:
    """(V [mV], Ca_i [mM]) of the model after some time at each potential: (K, 2)."""
    V, calcium = _even(step), model.observables[1]
    held = simulate(
        model, protocol=VoltageClamp([(V.tolist(), HELD)], held=0.0), variables=[calcium], sample=HELD
    )
    return np.stack([V, held[calcium].values[:, -1].astype(float)], axis=-1)


def _even(step: float) -> np.ndarray:
    return np.arange(V_TRAINED[0], V_TRAINED[1] + step / 2, step)
