"""Undo and redo of settings."""

from __future__ import annotations

import time
from typing import Any

Settings = dict[str, Any]

ONE_STEP = 1.0  # s; moves of one control that follow each other faster are one step
MOST_STEPS = 200
STEPPED = frozenset({"drug", "protocol"})  # are not slid: each change of them is a step


class History:
    """Settings before and after the present one; moves of one control within `ONE_STEP` s are one step."""

    def __init__(self, now: Settings) -> None:
        self.start(now)

    def start(self, now: Settings) -> None:
        """Forget all that was."""
        self.now = now
        self._before: list[Settings] = []
        self._after: list[Settings] = []
        self._moved: tuple[frozenset[str], float] = frozenset(), -ONE_STEP

    @property
    def can_undo(self) -> bool:
        return bool(self._before)

    @property
    def can_redo(self) -> bool:
        return bool(self._after)

    def record(self, now: Settings) -> None:
        """`now` is what is set from here on."""
        if now == self.now:
            return
        moved, at = differing(self.now, now), time.monotonic()
        known, last = self._moved
        slid = len(moved) == 1 and moved == known and not moved & STEPPED
        if not (slid and at - last < ONE_STEP and self._before):
            self._before = [*self._before, self.now][-MOST_STEPS:]
        elif now == self._before[-1]:  # moved back to where it was: there is nothing to undo
            self._before.pop()
        self._after = []
        self._moved = moved, at
        self.now = now

    def undo(self) -> Settings:
        """One step back; what is to be set."""
        return self._go(self._before, self._after)

    def redo(self) -> Settings:
        """One step forward again."""
        return self._go(self._after, self._before)

    def _go(self, where: list[Settings], back: list[Settings]) -> Settings:
        if where:
            back.append(self.now)
            self.now = where.pop()
            self._moved = frozenset(), -ONE_STEP
        return self.now


def differing(one: Settings, other: Settings) -> frozenset[str]:
    """The controls in which two settings differ: conductances each by its own name."""
    scales = one["scale"], other["scale"]
    moved = {f"scale {n}" for n in {*scales[0], *scales[1]} if scales[0].get(n) != scales[1].get(n)}
    moved |= {name for name in one if name != "scale" and one[name] != other[name]}
    if "drug" in moved and _but_concentration(one["drug"]) == _but_concentration(other["drug"]):
        moved = moved - {"drug"} | {"concentration"}
    return frozenset(moved)


def _but_concentration(drug: Settings | None) -> Settings | None:
    return drug and {name: value for name, value in drug.items() if name != "concentration"}
