"""Where networks train: "cpu", or "cuda" where torch has one."""

from __future__ import annotations

import torch

from ionwidgets.errors import TrainingError


def device_named(name: str) -> torch.device:
    """The device of that name.

    Raises
    ------
    TrainingError : there is no such device.
    """
    try:
        device = torch.device(name)
    except (RuntimeError, TypeError):
        device = None
    if device is None or device.type not in ("cpu", "cuda"):
        raise TrainingError(f'device must be "cpu" or "cuda"; found {name!r}')
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        raise TrainingError(
            f'device "{name}": torch finds no such GPU here (torch {torch.__version__}, '
            f'{torch.cuda.device_count()} GPUs); use device="cpu", or install a torch built for CUDA'
        )
    return device
