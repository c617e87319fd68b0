"""The network of Iravanian (arXiv 2011.07388): features of the potential, then the gating layer.

    x = (V + 25 mV) / 15 mV                          (T, B, 1), V held to -120 ... 70 mV
    z = tanh(W2 tanh(W1 x + b1) + b2)                (T, B, 30)
    h = GatingLayer([z; x])                          (T, B, G)

The paper feeds z alone into the layer. The skip of x gives it every Boltzmann curve exactly, one weight each,
and tanh makes the curves smooth, so that a second-order method can finish the fit.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import nn

from ionwidgets.errors import TrainingError
from ionwidgets.gnn.layer import GatingLayer

WIDTH = 30
CENTRE, SPREAD = -25.0, 15.0  # mV
V_TRAINED = (-120.0, 70.0)  # mV; beyond, the curves' ends are held
SCHEMA = "ionwidgets/network/1"


class GatingNetwork(nn.Module):
    """From potentials (T, B) [mV] to gates (T, B, G); one time step of the layer is 1 ms."""

    def __init__(self, n_gates: int) -> None:
        super().__init__()
        self.features = nn.Sequential(nn.Linear(1, WIDTH), nn.Tanh(), nn.Linear(WIDTH, WIDTH), nn.Tanh())
        self.gating = GatingLayer(WIDTH + 1, n_gates)

    def inputs(self, V: torch.Tensor) -> torch.Tensor:
        """What the gating layer sees: features and, past them, the potential itself: (...) to (..., 31)."""
        x = ((V.clamp(*V_TRAINED) - CENTRE) / SPREAD).unsqueeze(-1)
        return torch.cat([self.features(x), x], dim=-1)

    def forward(self, V: torch.Tensor, h0: torch.Tensor) -> torch.Tensor:
        return self.gating(self.inputs(V), h0)


@dataclass(frozen=True)
class Network:
    """A trained network and what is known of it.

    `card` holds model, variant, model_hash, seed, data, figures and the command that trained it; it travels
    in the file's metadata.
    """

    module: GatingNetwork
    gate_names: tuple[str, ...]
    card: dict[str, Any]

    @property
    def model_name(self) -> str:
        return self.card["model"]

    @property
    def variant(self) -> str | None:
        return self.card["variant"]

    @property
    def model_hash(self) -> str:
        return self.card["model_hash"]

    def gate_curves(self, V: ArrayLike) -> dict[str, tuple[NDArray, NDArray]]:
        """h_inf and tau [ms] of every gate at potentials `V` [mV], shape (N,)."""
        with torch.no_grad():
            dtype = self.module.gating.steady.weight.dtype
            p = self.module.inputs(torch.as_tensor(np.asarray(V, dtype=float), dtype=dtype))
            h_inf = self.module.gating.h_inf(p).double().numpy()
            tau = torch.exp(-self.module.gating.log_rate(p)).double().numpy()
        return {name: (h_inf[:, j], tau[:, j]) for j, name in enumerate(self.gate_names)}

    def save(self, path: str | Path) -> None:
        """Write weights (float32) and card as one safetensors file."""
        metadata = {"schema": SCHEMA, "card": json.dumps(self.card), "gates": json.dumps(self.gate_names)}
        tensors = {k: v.float().contiguous() for k, v in self.module.state_dict().items()}
        save_file(tensors, str(path), metadata=metadata)

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
                tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118 (no mapping)
            if metadata.get("schema") != SCHEMA:
                raise TrainingError(
                    f"{name}: not a network of ionwidgets (schema {metadata.get('schema')!r})"
                )
            gates = tuple(json.loads(metadata["gates"]))
            module = GatingNetwork(len(gates)).double()
            module.load_state_dict({key: tensor.double() for key, tensor in tensors.items()})
            return Network(module, gates, json.loads(metadata["card"]))
        except FileNotFoundError:
            raise TrainingError(f"{path}: there is no such file") from None
        except (SafetensorError, OSError, KeyError, ValueError, RuntimeError) as error:
            why = " ".join(str(error).split())  # torch lists what does not fit over many lines
            raise TrainingError(f"{name}: cannot be read as a network ({why})") from None
