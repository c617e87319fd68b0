"""Tensors and a few words of metadata in one safetensors file, written whole or not at all."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors.torch import save

from ionwidgets.jobs.whole_file import whole_file
from ionwidgets.tensor_order import in_order


def save_tensors(tensors: Mapping[str, torch.Tensor], path: str | Path, metadata: Mapping[str, str]) -> None:
    """Write `path`; a file of that name is replaced only when the new one is complete on the disk."""
    with whole_file(path) as part:
        # safetensors' own writing to a path leaves a file that its owner alone can read.
        part.write_bytes(in_order(save(dict(tensors), metadata=dict(metadata))))
