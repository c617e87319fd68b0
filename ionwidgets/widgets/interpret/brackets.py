"""Changes that a recording cannot tell apart, put beside each other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from ionwidgets.discovery.told_changes import Told, told_changes


class Row(NamedTuple):
    """A change; `rivals`: what it cannot be told apart from, in words; its place in the bracket: "first",
    "middle", "last", or "" where none is drawn."""

    told: Told
    rivals: tuple[str, ...]
    place: str


def bracketed(finding: Mapping[str, Any]) -> list[Row]:
    """The changes by rank; those of one bracket follow the one of them that explains most."""
    told = {_key(one): one for one in told_changes(finding)}
    rivals = _rivals(finding.get("confounded") or (), told)
    rows: list[Row] = []
    placed: set[str] = set()
    for key in told:
        if key in placed:
            continue
        group = [other for other in told if other in _joined(key, rivals)]
        placed.update(group)
        for index, member in enumerate(group):
            words = tuple(name_in_words(name) for name in rivals.get(member, ()))
            edge = {0: "first", len(group) - 1: "last"}.get(index, "middle")
            rows.append(Row(told[member], words, edge if len(group) > 1 else ""))
    return rows


def name_in_words(name: str) -> str:
    """As the pairs of a finding name a change: "g_Ks", "gate:Xs", "gate:Xs tau", "stimulus"."""
    kind, _, rest = name.partition(":")
    if kind == "gate" and rest:
        gate, _, what = rest.partition(" ")
        curve = {"V_half": "V½", "slope": "slope", "tau": "τ"}.get(what, what)
        return f"{curve} of gate {gate}" if what else f"gate {gate}"
    return "another stimulus" if name == "stimulus" else name


def _key(told: Told) -> str:
    return f"gate:{told.name}" if told.gate else told.of or told.name


def _rivals(pairs: Sequence[Sequence[str]], told: Mapping[str, Told]) -> dict[str, list[str]]:
    """Row -> the names that it is paired with; a name that tells a gate's curve too belongs to the gate."""
    rivals: dict[str, list[str]] = {}
    for one, other in pairs:
        for name, rival in ((one, other), (other, one)):
            row = name.partition(" ")[0]
            if row in told and rival not in rivals.setdefault(row, []):
                rivals[row].append(rival)
    return rivals


def _joined(key: str, rivals: Mapping[str, Sequence[str]]) -> set[str]:
    """Every row that pairs lead to from this one."""
    found, waiting = {key}, [key]
    while waiting:
        for name in rivals.get(waiting.pop(), ()):
            row = name.partition(" ")[0]
            if row not in found:
                found.add(row)
                waiting.append(row)
    return found
