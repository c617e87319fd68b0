"""A finding, and what was found in several cells, in words for the command line."""

from __future__ import annotations

from collections.abc import Mapping
from math import log
from typing import Any

from ionwidgets.discovery.change import OF_CURVES, Change
from ionwidgets.discovery.listed import FIELDS, interval_in_words, place_in_words, size_in_words
from ionwidgets.discovery.listed import in_words as change_in_words
from ionwidgets.discovery.results import Results
from ionwidgets.discovery.sentences import ranked, setup
from ionwidgets.discovery.told_baselines import told_baselines

_VERDICTS = {
    "changed": "Something changed in this cell.",
    "unchanged": "No change beyond what noise gives.",
    "unexplained": "The model cannot produce this recording.",
}


def in_words(finding: dict[str, Any]) -> str:
    """The verdict, the five that explain most, predictions and warnings."""
    model = ":".join(filter(None, (finding["model"], finding["variant"])))
    recording = finding["recording"]["file"] or "the recording"
    lines = [f"{model} against {recording}: {_VERDICTS[finding['verdict']]}"]
    if told := setup(finding):
        lines.append(f"  under {told}")
    if finding.get("control"):
        lines.append(_before(finding["control"]))
    key, how = ("alone", "at best") if finding["verdict"] == "unexplained" else ("importance", "alone")
    for entry in ranked(finding)[:5]:
        share = f"{how} it explains {100 * (entry[key] or 0.0):.1f} % of the difference"
        lines.append(f"  {entry['rank']}. {_change(entry)}; {share}")
    lines.append(f"  fit: V RMSE {finding['fit']['v_rmse_mV']:.2f} mV")
    return "\n".join([*lines, *_asked_for(finding)])


def _asked_for(finding: dict[str, Any]) -> list[str]:
    """Predictions, baselines and warnings, a line each."""
    lines = []
    for cycle_length, prediction in finding["predictions"].items():
        apd90 = prediction["apd90_ms"]
        lines.append(
            f"  predicted at CL {cycle_length} ms: APD90 {'none' if apd90 is None else f'{apd90:.1f} ms'}"
        )
    for row in told_baselines(finding):
        lines.append(f"  {row.name}: {row.seconds:.1f} s, V RMSE {row.v_rmse:.2f} mV; changed: {row.changed}")
    return [*lines, *(f"  warning: {warning}" for warning in finding["warnings"])]


def cells_in_words(results: Results) -> str:
    """How many cells changed, what changed in how many of them and in which not, and a line a cell."""
    cells = results.cells
    verdicts = cells["verdict"].value_counts()
    counts = ", ".join(f"{verdict} in {verdicts[verdict]}" for verdict in _VERDICTS if verdict in verdicts)
    lines = [f"{results.model.key} against {_cells(len(cells))}: {counts}."]
    if "failed" in verdicts:
        lines[0] += f" {_cells(verdicts['failed'])} did not come out."
    for place, row in enumerate(results.rows(), start=1):
        lines.append(f"  {place}. {_over_cells(row, results)}")
    for cell, one in zip(cells.itertuples(), results.every, strict=True):
        name = f"cell {cell.cell}" + (f", {cell.file}" if cell.file else "")
        if cell.verdict == "failed":
            lines.append(f"  {name}: failed: {cell.reason}")
        else:
            changes = f": {cell.changes}" if cell.changes else ""
            lines.append(f"  {name}: {cell.verdict}{changes}; V RMSE {cell.v_rmse_mV:.2f} mV")
        if one.result is not None:
            lines += [f"  {line}" for line in _asked_for(one.result.finding)]
    return "\n".join(lines)


def _cells(n: int) -> str:
    return "1 cell" if n == 1 else f"{n} cells"


def _over_cells(row: Mapping[str, Any], results: Results) -> str:
    """What a change came to over the cells that it was found in, and which those are."""
    gate = row["kind"] != "scale"
    change = Change(row["kind"], row["parameter"] if gate else row["current"])
    told = change_in_words(change, row["current"], row["parameter"], row["median"])
    if row["found"] > 1:
        told += " (median)"
    if row["ci95"]:
        told += f", {interval_in_words(row['kind'], row['ci95'])} over cells"
    told += f"; changed in {row['found']} of {row['cells']}"
    without = [
        cell.file or f"cell {place}"
        for place, cell in enumerate(results.every, start=1)
        if cell.result is not None
        and cell.result.verdict != "unexplained"
        and change not in cell.result.changes
    ]
    if without:
        told += f", not in {', '.join(without)}"
    if row["confounded"]:
        told += f"; a recording hardly tells it from {', '.join(row['confounded'])}"
    return told


def _before(control: dict[str, Any]) -> str:
    """How the cell differed from the model before the change: the three currents that differ most."""
    entries = sorted(control["currents"], key=lambda entry: -abs(log(entry["scale"])))[:3]
    own = ", ".join(f"{entry['current']} x{entry['scale']:.2f}" for entry in entries)
    return (
        f"  against the cell before the change, {control['file'] or 'its recording'}: {own}, ...; "
        f"V off by {control['v_left_mV']:.2f} mV"
    )


def _change(entry: Mapping[str, Any]) -> str:
    kinds = OF_CURVES if "gate" in entry else ("scale",)
    known = []
    for kind in kinds:
        value, interval = (entry[field] for field in FIELDS[kind])
        if value is not None:
            told = size_in_words(kind, value)
            known.append(f"{told}, {interval_in_words(kind, interval)}" if interval else told)
    parameter = entry["gate"] if "gate" in entry else entry["parameter"]
    place = place_in_words(kinds[0], entry["current"], parameter)
    return f"{place} {', '.join(known)}" if known else f"{place.removesuffix(':')}: not estimated"
