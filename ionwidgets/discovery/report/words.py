"""What the page says of a result beside its headline; plain text, which the page escapes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ionwidgets.discovery.sentences import INSEPARABLE, setup
from ionwidgets.numbers import number

if TYPE_CHECKING:
    from ionwidgets.discovery.result import Result


def file_of(recording: Mapping[str, Any], otherwise: str = "the recording") -> str:
    """Its file name; a recording that was never a file has none."""
    return str(recording.get("file") or otherwise)


def model_words(result: Result) -> str:
    """ "ten Tusscher-Noble-Noble-Panfilov 2004, tnnp2004:M"."""
    model = result.model
    return f"{model.title}, {model.key}" if model.title and model.title != model.key else model.key


def lengths(values: Sequence[float]) -> str:
    """ "400, 600 and 800 ms"."""
    told = [f"{value:g}" for value in values]
    return f"{', '.join(told[:-1])} and {told[-1]} ms" if len(told) > 1 else f"{''.join(told)} ms"


def control_words(result: Result) -> str:
    """What the recording was compared with."""
    control, told = result.finding.get("control"), setup(result.finding)
    under = f" The model stands under the conditions of the recording: {told}." if told else ""
    if not control:
        return f"Control is the published model: {model_words(result)}.{under}"
    place = f" in {control['file']}" if control.get("file") else ""
    left = control["v_left_mV"]
    unexplained = f"{number(left, 'mV')} RMS" if left else "nothing"
    return (
        f"Control is this cell before the change, recorded{place} at CL "
        f"{lengths(control['cycle_lengths_ms'])}: every conductance of the model ({model_words(result)}) was "
        f"fitted to it first, which leaves {unexplained} of V "
        f"unexplained beyond noise, and the change was sought against that.{under}"
    )


def caveats(finding: Mapping[str, Any]) -> list[str]:
    """What cannot be told apart, and the warnings that do not say just that."""
    pairs = [" and ".join(map(_named, pair)) for pair in finding.get("confounded") or ()]
    told = [f"{pair} {INSEPARABLE}; a voltage clamp would." for pair in pairs]
    return told + [line for line in finding.get("warnings") or () if INSEPARABLE not in line]


def _named(name: str) -> str:
    kind, _, gate = name.partition(":")
    return f"gate {gate}" if kind == "gate" and gate else name
