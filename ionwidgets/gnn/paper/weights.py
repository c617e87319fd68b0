"""The weights of m1 and m2 as one flat vector, and back."""

from __future__ import annotations

import math

import numpy as np
import torch
from numpy.typing import NDArray

from ionwidgets.gnn.emulator import Emulator
from ionwidgets.gnn.network import GatingNetwork

M1 = tuple(
    f"{part}.{kind}"
    for part in ("features.0", "features.2", "gating.steady", "gating.decay")
    for kind in ("weight", "bias")
)
M2 = (
    "features.0.weight", "features.0.bias", "features.2.weight", "features.2.bias", "memory.weight_ih_l0",
    "memory.weight_hh_l0", "memory.bias_ih_l0", "last.weight", "last.bias",
)  # fmt: skip
GATING = slice(4, 8)  # which of the tensors the gating layer's are


def tensors(observed: int, width: int, gates: int, outputs: int) -> list[tuple[int, ...]]:
    """Shapes of the weights in the order of the flat vector: m1 (its gating layer last), then m2."""
    W, G, N = width, gates, outputs
    m1 = [(W, observed), (W,), (W, W), (W,), (G, W), (G,), (G, W), (G,)]
    m2 = [(W, observed + G), (W,), (W, W), (W,), (4 * N, W), (4 * N, N), (4 * N,), (N, N), (N,)]
    return m1 + m2


def ends(shapes: list[tuple[int, ...]]) -> NDArray[np.int64]:
    """Where each tensor ends in the flat vector, 0 first."""
    return np.cumsum([0, *(int(np.prod(shape)) for shape in shapes)])


def flat(m1: GatingNetwork, m2: Emulator) -> NDArray[np.float32]:
    """Every weight, in the order of `tensors`."""
    parts = [m1.state_dict()[key] for key in M1] + [m2.state_dict()[key] for key in M2]
    return np.concatenate([part.detach().float().numpy().ravel() for part in parts])


def fill(w: NDArray[np.float32], m1: GatingNetwork, m2: Emulator | None = None) -> None:
    """Put a flat vector's weights into m1, and into m2 where one is given."""
    first = 0
    for module, keys in ((m1, M1), (m2, M2)):
        if module is None:
            continue
        state = module.state_dict()
        for key in keys:
            size = state[key].numel()
            state[key].copy_(torch.from_numpy(w[first : first + size]).reshape(state[key].shape))
            first += size


def initialise(m1: GatingNetwork, m2: Emulator, seed: int, forget_bias: float) -> None:
    """Glorot's uniform weights, biases zero but for the forget gates'."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for module, keys in ((m1, M1), (m2, M2)):
            state = module.state_dict()
            for key in keys:
                w = state[key]
                if w.ndim == 1:
                    w.zero_()
                else:
                    bound = math.sqrt(6 / sum(w.shape))
                    w.copy_(torch.rand(w.shape, generator=generator, dtype=w.dtype) * 2 * bound - bound)
        n = m2.memory.hidden_size
        m2.state_dict()["memory.bias_ih_l0"][n : 2 * n] = forget_bias
