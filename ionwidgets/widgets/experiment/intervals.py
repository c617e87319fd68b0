"""Intervals as one writes them."""

from __future__ import annotations

import numpy as np

MOST = 60


def intervals(text: str) -> list[float]:
    """``"300, 350"`` or ``"300:800:50"`` (both ends included), or a mixture, in ms.

    Raises
    ------
    ValueError : it is neither; the sentence says what was expected.
    """
    found: list[float] = []
    for part in (part.strip() for part in text.replace(";", ",").split(",")):
        try:
            ends = [float(value) for value in part.split(":")]
        except ValueError:
            ends = []
        if len(ends) == 1:
            found += ends
        elif len(ends) == 3 and ends[2] > 0 and ends[1] >= ends[0] and (ends[1] - ends[0]) / ends[2] < MOST:
            found += [float(v) for v in np.arange(ends[0], ends[1] + ends[2] * 1e-6, ends[2])]
        else:
            raise ValueError(
                f"S2 intervals are numbers in ms (300, 350, 400) or a range (300:800:50); found {part!r}"
            )
    return found
