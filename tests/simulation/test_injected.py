"""A recorded current in levels: few, none of the charge lost, and in every period."""

from __future__ import annotations

import numpy as np
import pytest

from ionwidgets.simulation.injected import FLAT, LONGEST, in_steps, repeated, with_pulse

TIME = np.arange(-5.0, 795.0, 0.5)
CURRENT = 0.4 * np.exp(-(((TIME - 300) / 60) ** 2)) + np.where((TIME >= 0) & (TIME < 1), -20.0, 0.0)


def charge(changes: np.ndarray, end: float) -> float:
    return float(np.sum(changes[:, 1] * np.diff(changes[:, 0], append=end)))


def test_levels_are_few_near_and_keep_the_charge() -> None:
    starts, levels = in_steps(TIME, CURRENT)
    assert starts.size < TIME.size / 4 and starts[0] == TIME[0] - 0.25
    held = levels[np.searchsorted(starts, TIME, side="right") - 1]
    assert np.abs(held - CURRENT).max() <= 2 * FLAT
    assert np.diff(starts).max() <= LONGEST + 0.5
    widths = np.diff(starts, append=TIME[-1] + 0.25)
    assert np.sum(levels * widths) == pytest.approx(np.sum(CURRENT) * 0.5, rel=1e-9)


@pytest.mark.parametrize("onset", [10.0, 2.0, 400.0])
def test_every_period_has_them(onset: float) -> None:
    steps = in_steps(TIME, CURRENT)
    changes = repeated(steps, 800.0, 4000.0, onset)
    assert changes[0, 0] == 0.0 and np.all(np.diff(changes[:, 0]) > 0) and changes[-1, 0] < 4000
    assert charge(changes, 4000.0) == pytest.approx(5 * np.sum(CURRENT) * 0.5, rel=1e-6)
    pulses = changes[changes[:, 1] < -1, 0]
    wanted = onset - 0.25 + 800.0 * np.arange(5)
    np.testing.assert_allclose(np.unique(np.round((pulses - wanted[0]) / 800)), np.arange(5))


def test_a_pulse_that_is_not_in_them_is_added() -> None:
    steps = in_steps(TIME, np.full(TIME.size, 0.5))
    changes = repeated(with_pulse(steps, -30.0, 2.0), 800.0, 1600.0, 10.0)
    assert charge(changes, 1600.0) == pytest.approx(0.5 * 1600 - 2 * 30 * 2.0)
    level = changes[np.searchsorted(changes[:, 0], [9.9, 10.1, 11.9, 12.1], side="right") - 1, 1]
    np.testing.assert_allclose(level, [0.5, -29.5, -29.5, 0.5])
