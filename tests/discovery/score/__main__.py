"""``make score``: how often, how nearly and how surely discovery finds what was changed.

``make score ARGS="--set held-out --only pair --json rows.json"``. Every cell is recorded by Myokit's CVODES
(`recorded`); the recordings are kept in the folder that --folder names. Of the held-out set only totals are
printed.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path
from typing import Any

import numpy as np
from discovery.score.cases import CELL, SETS, Case, cases
from discovery.score.coverage import lines as coverage_lines
from discovery.score.peers import compared, peers_table
from discovery.score.recorded import HELD_OUT, Recorded, recorded

from ionwidgets.discovery import discover
from ionwidgets.discovery.baseline_names import NAMES
from ionwidgets.errors import IonWidgetsError
from ionwidgets.models import load_model

Row = dict[str, Any]


def scored(case: Case, made: Recorded, baselines: bool = False) -> Row:
    """What discovery says of one recording, beside the truth; with `baselines`, what those say too."""
    row: Row = {
        "name": case.name, "kind": case.kind, "matters": made.matters, "changed": bool(_truth(case)),
        "moved_apd90_ms": round(made.moved_apd90, 2), "moved_V_mV": round(made.moved_V, 2),
        "stranger": case.cell != CELL,
    }  # fmt: skip
    started = time.perf_counter()
    try:
        finding = discover(
            load_model(CELL),
            made.recording,
            made.before,
            predict_cl=HELD_OUT,
            baselines=list(NAMES) if baselines else (),
        ).finding
    except IonWidgetsError as error:
        return row | {"verdict": "refused", "why": " ".join(str(error).split())}
    row |= {"peers": compared(case, made, finding)} if baselines else {}
    seconds = finding["elapsed_s"] if baselines else time.perf_counter() - started
    return row | {"seconds": round(seconds, 1)} | read(case, made, finding)


def read(case: Case, made: Recorded, finding: dict[str, Any]) -> Row:
    """The figures of a finding: what came first, how far off it is, what its intervals cover."""
    parameters = {entry["parameter"]: entry for entry in finding["currents"]}
    gates = {entry["gate"]: entry for entry in finding["gates"]}
    truth = _truth(case)
    n = len(truth)
    first = [e.get("gate") or e["parameter"] for e in _ranked(finding)[:n]]
    off, inside = [], []
    for name, (kind, value) in truth.items():
        entry = parameters[name] if kind == "scale" else gates[name]
        key, interval = KEYS[kind]
        if entry["found"] and entry[key] is not None:
            off.append(entry[key] - value if kind == "shift" else entry[key] / value - 1)
            inside.append(entry[interval][0] <= value <= entry[interval][1])
    others = [
        entry["ci95"][0] <= 1 <= entry["ci95"][1]
        for name, entry in parameters.items()
        if name not in truth and entry["ci95"]
    ]
    predicted = [finding["predictions"][f"{length:g}"]["apd90_ms"] for length in HELD_OUT]
    errors = [
        None if value is None or np.isnan(made.apd90[length]) else round(value - made.apd90[length], 3)
        for value, length in zip(predicted, HELD_OUT, strict=True)
    ]
    return {
        "verdict": finding["verdict"], "first": first, "right": set(first) == set(truth) if n else None,
        "current": {_current(finding, name) for name in first} == {_current(finding, name) for name in truth},
        "off": [round(x, 4) for x in off], "inside": inside, "others_inside": others,
        "apd90_error_ms": errors, "confounded": finding["confounded"],
    }  # fmt: skip


KEYS = {
    "scale": ("scale", "ci95"),
    "shift": ("v_half_shift_mV", "v_half_shift_ci95"),
    "steep": ("slope_ratio", "slope_ratio_ci95"),
    "slow": ("tau_ratio", "tau_ratio_ci95"),
}


def _truth(case: Case) -> dict[str, tuple[str, float]]:
    parts = {"scale": case.scale, "shift": case.shift, "steep": case.steep, "slow": case.slow}
    return {name: (kind, value) for kind, changes in parts.items() for name, value in changes.items()}


def _ranked(finding: dict[str, Any]) -> list[dict[str, Any]]:
    both = [*finding["currents"], *(gate for gate in finding["gates"] if gate["rank"] is not None)]
    return sorted(both, key=lambda entry: entry["rank"])


def _current(finding: dict[str, Any], name: str) -> str:
    for entry in finding["gates"]:
        if entry["gate"] == name:
            return str(entry["current"])
    return next(str(e["current"]) for e in finding["currents"] if e["parameter"] == name)


def summary(rows: list[Row]) -> str:
    """The totals, each beside its goal."""
    owed = [row for row in rows if row["changed"] and row["matters"] and not row["stranger"]]
    answered = [row for row in owed if "right" in row]
    right = sum(row["right"] and row["verdict"] == "changed" for row in answered)
    current = sum(row["current"] and row["verdict"] == "changed" for row in answered)
    scales = [abs(x) for row in answered if row["kind"] not in ("shift", "slope", "slow") for x in row["off"]]
    shifts = [abs(x) for row in answered if row["kind"] == "shift" for x in row["off"]]
    steep, slow = (
        [abs(x) for row in answered if row["kind"] == kind for x in row["off"]] for kind in ("slope", "slow")
    )
    inside = [x for row in answered for x in row["inside"]]
    others = [x for row in rows if not row["stranger"] for x in row.get("others_inside", [])]
    errors = [abs(x) for row in answered for x in row["apd90_error_ms"] if x is not None]
    none = [row for row in rows if not row["changed"] and not row["stranger"]]
    alarms = sum(row["verdict"] == "changed" for row in none)
    strangers = [row for row in rows if row["stranger"]]
    taken = sum(row["verdict"] == "changed" for row in strangers)
    lines = [
        f"{len(rows)} recordings, {len(owed)} with a change that moves APD90 by > 3 ms or V by > 2 mV",
        f"right first        {right} of {len(owed)} (goal 95 %); right current {current}",
        f"scale off by       {_of(scales, '{:.1%}')} (goal: median 5 %)",
        f"V_half off by      {_of(shifts, '{:.2f} mV')}; slope {_of(steep, '{:.1%}')}; "
        f"tau {_of(slow, '{:.1%}')}",
        f"95 % intervals     {_of_share(inside)} hold the change that was found (goal 90-99 %), "
        f"{_of_share(others)} of the other currents hold 1",
        f"held-out APD90     {_of(errors, '{:.2f} ms')} (goal: median 2, worst 5); "
        f"{2 * len(owed) - len(errors)} of {2 * len(owed)} not predicted",
        f"false alarms       {alarms} of {len(none)} without a change (goal 0)",
        f"other cells        {taken} of {len(strangers)} taken for this one",
        f"seconds            {_of([row['seconds'] for row in rows if 'seconds' in row], '{:.1f} s')}",
    ]
    return "\n".join(lines)


def _of(values: list[float], form: str) -> str:
    if not values:
        return "none"
    return f"median {form.format(np.median(values))}, worst {form.format(max(values))} ({len(values)})"


def _of_share(hits: list[bool]) -> str:
    return f"{sum(hits)} of {len(hits)}" + (f" ({sum(hits) / len(hits):.0%})" if hits else "")


def main() -> None:
    parser = argparse.ArgumentParser(prog="make score", description=__doc__)
    parser.add_argument("--set", choices=list(SETS), default="open")
    parser.add_argument("--only", default="", help="cases whose name holds this word")
    parser.add_argument("--json", type=Path, help="write every row there")
    parser.add_argument("--folder", type=Path, default=Path(".score"), help="where recordings are kept")
    parser.add_argument("--baselines", action="store_true", help="plain fits beside it, of changed scales")
    parser.add_argument("--coverage", type=int, default=0, metavar="FITS", help="intervals, nothing else")
    asked = parser.parse_args()
    if asked.coverage:
        for line in coverage_lines(asked.set, asked.folder, asked.coverage):
            print(line, flush=True)
        return
    rows = []
    for case in cases(asked.set):
        made = recorded(case, asked.set, asked.folder)
        scales_alone = case.scale and not (case.shift or case.slow or case.own)
        if asked.only not in case.name or (asked.baselines and not (scales_alone and made.matters)):
            continue
        rows.append(scored(case, made, asked.baselines))
        if asked.set == "open":
            print(_line(rows[-1]), flush=True)
        if asked.json is not None:
            asked.json.write_text(json.dumps(rows, indent=1))
    print(f"\n{asked.set} set\n{summary(rows)}")
    if asked.baselines:
        print(peers_table(rows))


def _line(row: Row) -> str:
    if row["verdict"] == "refused":
        return f"refused  {row['name']}: {row['why']}"
    owed = row["changed"] and row["matters"]
    mark = {True: "right", False: "current" if row["current"] else "WRONG"}.get(row["right"], "")
    return (
        f"{mark if owed else '-':8}{row['name']:34} {row['verdict']:12}{', '.join(row['first']):16}"
        f"off {row['off']} inside {row['inside']} APD90 {row['apd90_error_ms']} ms; moved "
        f"{row['moved_apd90_ms']} ms, {row['moved_V_mV']} mV; {row['seconds']} s"
    )


if __name__ == "__main__":
    main()
