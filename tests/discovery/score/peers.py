"""``make score ARGS="--baselines"``: discovery beside plain fits of every conductance."""

from __future__ import annotations

from typing import Any

import numpy as np
from discovery.score.cases import Case
from discovery.score.recorded import HELD_OUT, Recorded

from ionwidgets.discovery.told_baselines import MOVED

Peer = dict[str, Any]


def compared(case: Case, made: Recorded, finding: dict[str, Any]) -> list[Peer]:
    """Of discovery and of each baseline: how far off the changed scales are, how many other currents (and
    gates) it moves by more than 10 %, how far off APD90 is where nothing was recorded, and its seconds."""
    found = {
        entry["parameter"]: entry["scale"]
        for entry in finding["currents"]
        if entry["found"] and entry["scale"] is not None
    }
    gates = sum(entry["found"] for entry in finding["gates"])
    apd90 = {length: one["apd90_ms"] for length, one in finding["predictions"].items()}
    peers = [_peer("discover", case, made, found, gates, apd90, finding["elapsed_s"])]
    for one in finding["baselines"]:
        scales = {entry["parameter"]: entry["scale"] for entry in one["scales"]}
        peers.append(_peer(one["name"], case, made, scales, 0, one["predictions"], one["seconds"]))
    return peers


def _peer(
    name: str,
    case: Case,
    made: Recorded,
    scales: dict[str, float],
    gates: int,
    apd90: dict[str, float | None],
    seconds: float,
) -> Peer:
    others = [scale for parameter, scale in scales.items() if parameter not in case.scale]
    predicted = [(apd90[f"{length:g}"], made.apd90[length]) for length in HELD_OUT]
    return {
        "name": name,
        "off": [abs(scales.get(parameter, 1.0) / true - 1) for parameter, true in case.scale.items()],
        "others": sum(abs(scale - 1) > MOVED for scale in others) + gates,
        "apd90": [abs(value - true) for value, true in predicted if value is not None and true == true],
        "seconds": seconds,
    }


def peers_table(rows: list[dict[str, Any]]) -> str:
    """Medians and worst values over all cells, a line for each."""
    every = [peer for row in rows for peer in row.get("peers", [])]
    lines = [
        f"{'':14}{'scale off by':>24}{'others moved > 10 %':>24}{'held-out APD90 off by':>26}{'seconds':>16}"
    ]
    for name in dict.fromkeys(peer["name"] for peer in every):
        of = [peer for peer in every if peer["name"] == name]
        off = [x for peer in of for x in peer["off"]]
        apd90 = [x for peer in of for x in peer["apd90"]] or [np.nan]
        others, seconds = ([peer[key] for peer in of] for key in ("others", "seconds"))
        lines.append(
            f"{name:14}{f'{np.median(off):.1%} (worst {max(off):.0%})':>24}"
            f"{f'{np.median(others):g} (worst {max(others)})':>24}"
            f"{f'{np.median(apd90):.2f} (worst {max(apd90):.1f}) ms':>26}"
            f"{f'{np.median(seconds):.0f} (worst {max(seconds):.0f})':>16}"
        )
    return "\n".join([f"{len(rows)} cells: median (worst)", *lines])
