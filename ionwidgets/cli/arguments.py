"""What the command line's words mean, and how it shows progress."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Annotated, Any

import numpy as np
import typer

from ionwidgets.errors import IonWidgetsError

MOST_CELLS = 10_000
Columns = Annotated[str, typer.Option(help="Which column holds what: time=0,V=2 or by title.")]
Capacitance = Annotated[
    float | None, typer.Option(help="pF of the cell, where its injected current is in pA.")
]
Mend = Annotated[str, typer.Option(help="What to put right while reading, as inspect names it: even,flip.")]
Sampling = Annotated[float | None, typer.Option(help="ms between samples, of a file without times.")]
Series = Annotated[str, typer.Option(help="Which series of a HEKA file, as inspect lists them.")]
Units = Annotated[str, typer.Option(help="Units of the columns: time=s,V=mV.")]


def cycle_lengths(text: str, option: str = "--cycle-lengths") -> list[float]:
    """``"400,600"`` or ``"300:800:5"`` (both ends included), or a mixture, as ms."""
    lengths: list[float] = []
    for part in text.split(","):
        numbers = [_number(piece, f"{option} {text}") for piece in part.split(":")]
        if len(numbers) == 1:
            lengths.append(numbers[0])
        elif len(numbers) == 3 and numbers[2] > 0 and numbers[1] >= numbers[0]:
            start, stop, step = numbers
            count = np.floor((stop - start) / step + 1e-9) + 1
            if count > MOST_CELLS:
                raise IonWidgetsError(
                    f"{option} {text}: {count:.12g} cells are too many; at most {MOST_CELLS}"
                )
            lengths += [start + step * i for i in range(int(count))]
        else:
            raise IonWidgetsError(f"{option} {text}: a range is START:STOP:STEP with STOP at or above START")
    return lengths


def pacing(lengths: str, duration: float | None, s2: str) -> Any:
    """The protocol of ``--cycle-lengths``, ``--duration`` and ``--s2``."""
    import ionwidgets as iw  # brings xarray: not before it is needed

    paced = cycle_lengths(lengths)
    if not s2:
        return iw.Pacing(paced, 20_000.0 if duration is None else duration)
    if len(paced) != 1 or duration is not None:
        raise IonWidgetsError(
            f"--s2 {s2}: S1S2 has one cycle length and times of its own; give one number to --cycle-lengths "
            "and leave --duration out"
        )
    return iw.S1S2(s1=paced[0], s2=cycle_lengths(s2, "--s2"))


def factors(
    texts: list[str], option: str = "--scale", expected: str = "NAME=FACTOR, such as g_Kr=0.25"
) -> dict[str, float]:
    """``["g_Kr=0.25", "g_to=3"]`` as a mapping; one text may hold several, separated by commas."""
    scale: dict[str, float] = {}
    for part in (part for text in texts for part in text.split(",")):
        name, equals, value = part.partition("=")
        if not equals:
            raise IonWidgetsError(f"{option} {part}: expected {expected}")
        if name.strip() in scale:
            raise IonWidgetsError(f"{option} {part}: {name.strip()} is given twice")
        scale[name.strip()] = _number(value, f"{option} {part}")
    return scale


def numbers(text: str, option: str) -> list[float]:
    """``"0.0005,0.001"`` as numbers."""
    return [_number(part, f"{option} {text}") for part in text.split(",")]


def milliseconds(text: str, option: str) -> list[float]:
    """``"450,700"`` as numbers above zero."""
    values = numbers(text, option) if text else []
    if any(value <= 0 for value in values):
        raise IonWidgetsError(f"{option} {text}: cycle lengths are ms, above 0")
    return values


def stimulus(text: str) -> tuple[float, float] | None:
    """``"-52,1"`` as (amplitude [A/F], duration [ms])."""
    return _pair(text, "--stimulus", "AMPLITUDE,DURATION in A/F and ms, such as -52,1")


def leak(text: str) -> tuple[float, float] | None:
    """``"0.02,0"`` as (g [nS/pF], E [mV])."""
    return _pair(text, "--leak", "G,E in nS/pF and mV, such as 0.02,0")


def paced_at(text: str) -> tuple[float | None, float | None]:
    """``"1000"`` or ``"1500,1000"`` as the cycle lengths [ms] of recording and control; None: not given."""
    given = milliseconds(text, "--cycle-length")
    if len(given) > 2:
        raise IonWidgetsError(
            f"--cycle-length {text}: expected MS, or MS,MS where the control recording has another"
        )
    return (given[0], given[-1]) if given else (None, None)


def _pair(text: str, option: str, expected: str) -> tuple[float, float] | None:
    if not text:
        return None
    parts = text.split(",")
    if len(parts) != 2:
        raise IonWidgetsError(f"{option} {text}: expected {expected}")
    return _number(parts[0], f"{option} {text}"), _number(parts[1], f"{option} {text}")


def _number(text: str, where: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = float("nan")
    if not np.isfinite(value):
        raise IonWidgetsError(f"{where}: {text.strip()!r} is not a number")
    return value


@dataclass(frozen=True)
class Reading:
    """How recordings are to be read, in the words of the command line."""

    columns: str = ""
    units: str = ""
    capacitance: float | None = None
    mend: str = ""
    series: str = ""
    sampling: float | None = None

    def __call__(self, file: Path, cycle_length: float | None = None) -> Any:
        """The recording in a file; `cycle_length` [ms], where the file does not say."""
        import ionwidgets as iw  # brings xarray: not before it is needed
        from ionwidgets.recordings import parse_columns, parse_units

        return iw.read_recording(
            file, columns=parse_columns(self.columns) if self.columns else None,
            units=parse_units(self.units) if self.units else None, cycle_length=cycle_length,
            capacitance=self.capacitance, mend=words(self.mend),
            series=self.series or None, sampling_ms=self.sampling,
        )  # fmt: skip


def words(text: str) -> list[str]:
    """``"even,flip"`` as a list."""
    return [word.strip() for word in text.split(",") if word.strip()]


class Progress:
    """Shows how far work is on stderr: one line that is rewritten on a terminal, a line a stage elsewhere."""

    def __init__(self) -> None:
        self._terminal = sys.stderr.isatty()
        self._message = ""

    def report(self, fraction: float, message: str, **facts: Any) -> None:
        """As `ionwidgets.jobs.Control` has it."""
        if self._terminal:
            print(f"\r\033[K{message} {fraction:4.0%}", end="", file=sys.stderr, flush=True)
        elif message != self._message:
            print(f"{message} ({fraction:.0%})", file=sys.stderr, flush=True)
        self._message = message

    def __enter__(self) -> Progress:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._terminal and self._message:
            print("\r\033[K", end="", file=sys.stderr, flush=True)
