"""The network of Iravanian (arXiv 2011.07388): features of what is observed, then the gating layer.

    x = (V + 25 mV) / 15 mV                          (T, B, 1), V held to -120 ... 70 mV
    z = tanh(W2 tanh(W1 x + b1) + b2)                (T, B, 30)
    h = GatingLayer([z; x])                          (T, B, G)

The paper has V and Ca_i in x, relu for tanh, and feeds z alone into the layer (`ionwidgets.gnn.paper`). The
skip of x gives it every Boltzmann curve exactly, one weight each, and tanh makes the curves smooth, so that a
second-order method can finish the fit.
"""

from __future__ import annotations

import json
from copy import deepcopy
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from safetensors import SafetensorError, safe_open
from torch import nn

from ionwidgets.errors import TrainingError
from ionwidgets.gnn.emulator import Emulator, Outputs
from ionwidgets.gnn.layer import GatingLayer
from ionwidgets.gnn.tensor_file import save_tensors
from ionwidgets.gnn.threads import one_thread
from ionwidgets.models import IonicModel
from ionwidgets.simulation import voltage_grid
from ionwidgets.simulation.gate_table import Range

V_TRAINED = (-120.0, 70.0)  # mV; beyond, the curves' ends are held
SCHEMA = "ionwidgets/network/1"
EMULATOR = "emulator."  # before the names of its tensors in a file
ACTIVATIONS: dict[str, type[nn.Module]] = {"tanh": nn.Tanh, "relu": nn.ReLU}
LEVELS = {"tanh": 17, "relu": 129}  # of Ca_i in `live_gates`; relu's kinks are what a straight line misses
FASTEST = 1e-9  # ms; a gate that was trained to be faster still must not have a rate without end
ALTERED = 3.0  # spreads beyond the centre that Ca_i of an altered cell may reach, where nothing holds it


@dataclass(frozen=True)
class Shape:
    """What a network looks like; the defaults are ours, `ionwidgets.gnn.paper` has the published one.

    observables: what the network sees, ("V",) or ("V", "Ca_i"), in mV and mM. centre, spread:
    x = (observable - centre) / spread, one of each an observable. held: the range that every observable is
    held to. width: of both layers of features. activation: "tanh" or "relu". skip: whether x goes to the
    gating layer beside the features. gate_range: (low, high) of every gate where the network's own run from 0
    to 1 between them; else none.
    """

    observables: tuple[str, ...] = ("V",)
    centre: tuple[float, ...] = (-25.0,)
    spread: tuple[float, ...] = (15.0,)
    held: tuple[tuple[float, float], ...] = (V_TRAINED,)
    width: int = 30
    activation: str = "tanh"
    skip: bool = True
    gate_range: tuple[tuple[float, float], ...] = ()


class GatingNetwork(nn.Module):
    """From what is observed (T, B, observables) to gates (T, B, G); one step of the layer is 1 ms.

    The buffer `clamp` (K, observables) is what the model shows under voltage clamp at K rising potentials: it
    says at which Ca_i the gate curves are drawn. A network of V alone has none (K = 0).
    """

    clamp: torch.Tensor

    def __init__(self, n_gates: int, shape: Shape | None = None, clamp: torch.Tensor | None = None) -> None:
        super().__init__()
        self.shape = shape = shape or Shape()
        active, n_observables = ACTIVATIONS[shape.activation], len(shape.observables)
        self.features = nn.Sequential(
            nn.Linear(n_observables, shape.width), active(), nn.Linear(shape.width, shape.width), active()
        )
        self.gating = GatingLayer(shape.width + (n_observables if shape.skip else 0), n_gates)
        empty = torch.zeros(0, n_observables)
        self.register_buffer("clamp", empty if clamp is None else clamp, persistent=clamp is not None)

    def inputs(self, observed: torch.Tensor) -> torch.Tensor:
        """What the gating layer sees: features and, past them, the observables themselves.

        (..., observables) [mV, mM] to (..., F).
        """
        x = self.scaled(observed)
        return torch.cat([self.features(x), x], dim=-1) if self.shape.skip else self.features(x)

    def scaled(self, observed: torch.Tensor) -> torch.Tensor:
        """The observables in the network's own units, x."""
        low, high, centre, spread = (
            observed.new_tensor(values)
            for values in (*zip(*self.shape.held, strict=True), self.shape.centre, self.shape.spread)
        )
        return (torch.maximum(torch.minimum(observed, high), low) - centre) / spread

    def forward(self, observed: torch.Tensor, h0: torch.Tensor) -> torch.Tensor:
        return self.gating(self.inputs(observed), h0)

    def unscaled(self, h: torch.Tensor) -> torch.Tensor:
        """The gates themselves, of (..., G) that run from 0 to 1 over `Shape.gate_range`."""
        if not self.shape.gate_range:
            return h
        low, high = (h.new_tensor(values) for values in zip(*self.shape.gate_range, strict=True))
        return low + (high - low) * h

    def clamped(self, V: NDArray) -> torch.Tensor:
        """What is observed under clamp to the potentials V (N,) [mV]: (N, observables)."""
        columns = [V]
        if len(self.shape.observables) > 1:
            table = self.clamp.double().numpy()
            columns += [np.interp(V, table[:, 0], table[:, j]) for j in range(1, table.shape[1])]
        return torch.as_tensor(np.stack(columns, axis=-1))


@dataclass(frozen=True)
class Network:
    """A trained network and what is known of it.

    `module` is m1, `emulator` m2 where it was learnt. `card` holds model, variant, model_hash, preset, seed,
    data, figures and the command that trained it; it travels in the file's metadata.
    """

    module: GatingNetwork
    gate_names: tuple[str, ...]
    card: dict[str, Any]
    emulator: Emulator | None = None

    @property
    def model_name(self) -> str:
        return self.card["model"]

    @property
    def variant(self) -> str | None:
        return self.card["variant"]

    @property
    def model_hash(self) -> str:
        return self.card["model_hash"]

    @property
    def observables(self) -> tuple[str, ...]:
        return self.module.shape.observables

    def of(self, model: IonicModel) -> Network:
        """The network, which has learnt the gates, as one of `model`, whose gates are the same."""
        return replace(self, card={**self.card, "model_hash": model.hash})

    def on(self, device: torch.device) -> Network:
        """The same network on another device; itself where it is there already."""
        if self.module.gating.steady.weight.device == device:
            return self
        emulator = None if self.emulator is None else deepcopy(self.emulator).to(device)
        return replace(self, module=deepcopy(self.module).to(device), emulator=emulator)

    def gate_curves(self, V: ArrayLike) -> dict[str, tuple[NDArray, NDArray]]:
        """h_inf and tau [ms] of every gate at potentials `V` [mV], shape (N,).

        Those of a network that sees Ca_i too are drawn at the Ca_i of the model under clamp.
        """
        h_inf, tau = self._gates_at(self.module.clamped(np.asarray(V, dtype=float)))
        return {name: (h_inf[:, j], tau[:, j]) for j, name in enumerate(self.gate_names)}

    def live_gates(self) -> tuple[dict[str, tuple[NDArray, NDArray]], Range | None]:
        """The gates as `simulate` takes them, `gates` and `gates_calcium`, to run the neural ODE.

        h_inf and tau [ms] of every gate over `voltage_grid()`, (K,); of a network that sees Ca_i too (K, P),
        over P levels of it between the ends [mM] that come second: from 0, or from where the network is held
        to, as far as altered cells go. Between two levels a table is straight where the network may bend.
        """
        V = voltage_grid()
        if len(self.observables) == 1:
            return self.gate_curves(V), None
        shape = self.module.shape
        low = max(0.0, shape.held[1][0])
        high = min(shape.centre[1] + ALTERED * shape.spread[1], shape.held[1][1])
        levels = np.linspace(low, high, LEVELS[shape.activation])
        tables = np.empty((2, len(self.gate_names), levels.size, V.size))
        with one_thread():
            for p, level in enumerate(levels):  # one at a time: the features of all take ten times the room
                at_level = torch.as_tensor(np.stack([V, np.full_like(V, level)], axis=-1))
                tables[:, :, p] = np.swapaxes(self._gates_at(at_level), 1, 2)
        return {name: (tables[0, j].T, tables[1, j].T) for j, name in enumerate(self.gate_names)}, (low, high)

    def _gates_at(self, observed: torch.Tensor) -> tuple[NDArray, NDArray]:
        """h_inf and tau [ms] where this is observed: (N, observables) to (N, G) each."""
        with torch.no_grad():
            p = self.module.inputs(observed.to(self.module.gating.steady.weight.dtype))
            h_inf = self.module.unscaled(self.module.gating.h_inf(p)).double().numpy()
            tau = torch.exp(-self.module.gating.log_rate(p)).clamp(min=FASTEST).double().numpy()
        return h_inf, tau

    def save(self, path: str | Path) -> None:
        """Write weights (float32) and card as one safetensors file, whole or not at all."""
        about = {"card": self.card, "gates": self.gate_names, "shape": asdict(self.module.shape)}
        tensors = dict(self.module.state_dict())
        if self.emulator is not None:
            about["outputs"] = asdict(self.emulator.outputs)
            tensors |= {f"{EMULATOR}{key}": w for key, w in self.emulator.state_dict().items()}
        metadata = {"schema": SCHEMA} | {key: json.dumps(value) for key, value in about.items()}
        save_tensors({key: w.float().contiguous() for key, w in tensors.items()}, path, metadata)

    @staticmethod
    def load(path: str | Path) -> Network:
        """Read a network back.

        Raises
        ------
        TrainingError : the file is missing or holds no network of this package.
        """
        name = Path(path).name
        try:
            with safe_open(str(path), framework="pt") as file:
                metadata = file.metadata() or {}
                tensors = {key: file.get_tensor(key).double() for key in file.keys()}  # noqa: SIM118 (no mapping)
            if metadata.get("schema") != SCHEMA:
                raise TrainingError(
                    f"{name}: not a network of ionwidgets (schema {metadata.get('schema')!r})"
                )
            gates = tuple(json.loads(metadata["gates"]))
            shape = read_shape(json.loads(metadata["shape"])) if "shape" in metadata else Shape()
            module = GatingNetwork(len(gates), shape, tensors.get("clamp")).double()
            module.load_state_dict({k: w for k, w in tensors.items() if not k.startswith(EMULATOR)})
            emulator = None
            if "outputs" in metadata:
                outputs = Outputs(**{k: tuple(v) for k, v in json.loads(metadata["outputs"]).items()})
                emulator = Emulator(len(shape.observables), len(gates), outputs, shape.width).double()
                emulator.load_state_dict(
                    {k.removeprefix(EMULATOR): w for k, w in tensors.items() if k.startswith(EMULATOR)}
                )
            return Network(module, gates, json.loads(metadata["card"]), emulator)
        except FileNotFoundError:
            raise TrainingError(f"{path}: there is no such file") from None
        except (SafetensorError, OSError, KeyError, ValueError, TypeError, RuntimeError) as error:
            why = " ".join(str(error).split())  # torch lists what does not fit over many lines
            raise TrainingError(f"{name}: cannot be read as a network ({why})") from None


def read_shape(about: dict[str, Any]) -> Shape:
    """A `Shape` from JSON, whose lists are tuples here."""
    return Shape(**{key: _tuples(value) for key, value in about.items()})


def _tuples(value: Any) -> Any:
    return tuple(_tuples(part) for part in value) if isinstance(value, list) else value
