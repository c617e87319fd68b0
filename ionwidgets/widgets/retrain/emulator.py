"""Whether the emulator, which is m2 of the paper, suits a model and a recording."""

from __future__ import annotations

from typing import Any


def no_emulator(model: Any, recording: Any, control: Any, elsewhere: bool) -> str:
    """Why it cannot be the decoder, or ""; as `ionwidgets.discover` would refuse it."""
    if model is None or recording is None:
        return ""
    if model.calcium is None:
        return "the model has no cytosolic calcium, which the emulator sees"
    if "Ca_i" not in recording:
        return "the recording has no Ca_i, which the emulator sees"
    if control is not None:
        return "it has learnt the published cell, not the one of the control recording"
    if "I_inj" in recording:
        return "it knows the model's own stimulus, not the current that was injected"
    if elsewhere:
        return "it has learnt the published bath and no leak"
    return ""
