"""A change over several cells: the middle of what was found, and an interval for it.

The median, and with six cells or more its exact interval by order statistics, which asks nothing of the
distribution (Conover, Practical Nonparametric Statistics, 3rd ed. 1999, section 3.2): between the r-th value
from below and from above, r the largest with P(Binomial(n, 1/2) < r) <= 2.5 %. With two to five cells no two
values reach 95 %, and the interval is Student's for the mean (Biometrika 6, 1-25, 1908), t s / sqrt(n), of ln
of a ratio and of a shift as it is; it supposes normal values there. One cell says nothing of others: none.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from scipy.special import bdtr, stdtrit

LEVEL = 0.95
ORDER, STUDENT = "order statistics", "Student's t"


class Middle(NamedTuple):
    """Median, 95 % interval (None of one cell), and how the interval came about ("" where there is none)."""

    median: float
    interval: tuple[float, float] | None
    method: str


def middle(values: Sequence[float], ratios: bool) -> Middle:
    """Of the values (n >= 1) of one change, a cell each; `ratios` are worked on by their logarithms."""
    x = np.sort(np.log(values) if ratios else np.asarray(values, dtype=float))
    back = np.exp if ratios else np.asarray
    median = float(back(np.median(x)))
    if x.size == 1:
        return Middle(median, None, "")
    tail = (1 - LEVEL) / 2
    # The largest r for which r - 1 values or fewer fall below the median with at most `tail`
    r = int(np.sum(bdtr(np.arange(x.size // 2), x.size, 0.5) <= tail))
    if r:
        return Middle(median, (float(back(x[r - 1])), float(back(x[-r]))), ORDER)
    half = stdtrit(x.size - 1, 1 - tail) * x.std(ddof=1) / np.sqrt(x.size)
    return Middle(median, (float(back(x.mean() - half)), float(back(x.mean() + half))), STUDENT)
