"""A safetensors file is the same each time that it is written."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from safetensors import safe_open
from safetensors.numpy import save

from ionwidgets.tensor_order import in_order

METADATA = {f"k{i}": f'µ "{i}" \\ \n' for i in range(8)}
ARRAYS = {"b": np.arange(3.0), "a": np.float32([[1.5]])}


def test_the_same_bytes_each_time() -> None:
    written = [save(ARRAYS, metadata=METADATA) for _ in range(8)]
    assert len(set(written)) > 1, "safetensors keeps an order by itself: in_order can go"
    assert len({in_order(content) for content in written}) == 1


@pytest.mark.parametrize("metadata", [METADATA, None])
def test_nothing_else_is_changed(metadata: dict[str, str] | None, tmp_path: Path) -> None:
    path = tmp_path / "one.safetensors"
    path.write_bytes(in_order(save(ARRAYS, metadata=metadata)))
    with safe_open(str(path), framework="numpy") as file:
        assert file.metadata() == metadata
        assert {name: file.get_tensor(name).tolist() for name in file.keys()} == {  # noqa: SIM118 (no mapping)
            name: array.tolist() for name, array in ARRAYS.items()
        }
