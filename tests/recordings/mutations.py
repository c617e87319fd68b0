"""Damage to a file, the same for the same seed."""

from __future__ import annotations

import numpy as np


def mutate(data: bytes, seed: int) -> bytes:
    """`data` cut short, with bytes or a 32-bit number changed, or with a block zeroed, repeated or lost.

    Half of the changes fall into the first 2 kB, where headers are.
    """
    rng = np.random.default_rng(seed)
    found = bytearray(data)
    for _ in range(int(rng.integers(1, 4))):
        if not found:
            return b""
        reach = min(len(found), 2048) if rng.random() < 0.5 else len(found)
        at = int(rng.integers(reach))
        length = int(min(len(found) - at, 2 ** rng.integers(0, 10)))
        match int(rng.integers(8)):
            case 0:
                del found[at:]
            case 1 | 2:
                for place in rng.integers(reach, size=int(rng.integers(1, 9))):
                    found[place] = int(rng.integers(256))
            case 3:
                found[at] ^= 1 << int(rng.integers(8))
            case 4:
                found[at : at + length] = bytes(length)
            case 5:
                values = (0, 1, -1, 2**31 - 1, -(2**31), 65_535, 2**24, int(rng.integers(2**31)))
                order = "little" if rng.random() < 0.7 else "big"
                found[at : at + 4] = values[rng.integers(len(values))].to_bytes(4, order, signed=True)
            case 6:
                found[at:at] = found[at : at + length]
            case _:
                del found[at : at + length]
    return bytes(found)
