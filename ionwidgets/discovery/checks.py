"""The numbers that `discover` is given, refused by name where they are out of range; without torch (2 s)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ionwidgets.errors import IonWidgetsError
from ionwidgets.models import IonicModel

DECODERS = ("ode", "emulator")
MOST_HISTORY = 600_000.0  # ms of pacing before a recording


def check_numbers(
    model: IonicModel,
    eta: float,
    stimulus: tuple[float, float] | None,
    paced_for: float | None,
    predict_cl: Sequence[float],
    duration: float,
) -> None:
    """Refuse numbers out of range, by name."""
    if not 0 < eta < 1:
        raise IonWidgetsError(f"eta must lie between 0 and 1; found {eta:g}")
    check_pacing(stimulus, paced_for)
    pulse = stimulus[1] if stimulus else model.stimulus.duration
    if not all(pulse < length < np.inf for length in predict_cl) or not 0 < duration < np.inf:
        raise IonWidgetsError(
            f"predictions are made at cycle lengths longer than the stimulus ({pulse:g} ms), over a positive "
            f"duration, in ms; found {', '.join(f'{length:g}' for length in predict_cl)} and {duration:g}"
        )


def check_pacing(stimulus: tuple[float, float] | None, paced_for: float | None) -> None:
    """Refuse a stimulus or a history that cannot be."""
    if stimulus is not None and not (stimulus[1] > 0 and np.isfinite(stimulus).all()):
        raise IonWidgetsError(
            f"the stimulus is amplitude [A/F] and a positive duration [ms]; found {stimulus}"
        )
    if paced_for is not None and not 0 < paced_for <= MOST_HISTORY:
        raise IonWidgetsError(
            f"paced_for is ms of pacing, above 0 and up to {MOST_HISTORY:g}; found {paced_for:g}"
        )
