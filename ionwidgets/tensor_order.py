"""The same tensors and metadata as the same bytes."""

from __future__ import annotations

import json


def in_order(content: bytes) -> bytes:
    """A safetensors file with its metadata by name: safetensors writes them in the order of a hash map, which
    is another one each time, so that a session saved twice would be two different files.

    The header is JSON, preceded by its length in 8 bytes and padded with spaces to a multiple of 8; what
    follows is found by offsets from its end (huggingface.co/docs/safetensors, "Format").
    """
    end = 8 + int.from_bytes(content[:8], "little")
    header = json.loads(content[8:end])
    if "__metadata__" in header:
        header["__metadata__"] = dict(sorted(header["__metadata__"].items()))
    text = json.dumps(header, ensure_ascii=False, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    return len(text).to_bytes(8, "little") + text + content[end:]
