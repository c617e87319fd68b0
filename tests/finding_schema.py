"""The finding as JSON, schema ``ionwidgets/finding/1``: every field promised, its type, what holds of it."""

from __future__ import annotations

import json
import math
from typing import Any, NoReturn

Finding = dict[str, Any]
VERDICTS = ("changed", "unchanged", "unexplained")


def parsed(text: str) -> Finding:
    """The document, read by a parser that knows no NaN."""

    def refuse(constant: str) -> NoReturn:
        raise AssertionError(f"{constant} is not JSON")

    return json.loads(text, parse_constant=refuse)


def check(finding: Finding, model: Any) -> None:
    """Assert that `finding` is a whole document about `model`."""
    fields = {
        "schema": str, "model": str, "variant": str, "seed": int, "elapsed_s": float, "versions": dict,
        "recording": dict, "verdict": str, "currents": list, "gates": list, "confounded": list, "fit": dict,
        "predictions": dict, "warnings": list, "intervals": str, "neural_ode": dict,
    }  # fmt: skip
    for name, kind in fields.items():
        assert isinstance(finding[name], kind), name
    assert finding["schema"] == "ionwidgets/finding/1"
    assert (finding["model"], finding["variant"]) == (model.name, model.variant)
    assert not finding.get("conditions") or finding["conditions"].keys() == {
        "constants", "junction_potential_mV", "leak",
    }  # fmt: skip
    assert finding["elapsed_s"] > 0 and finding["verdict"] in VERDICTS
    assert finding["versions"] and all(isinstance(v, str) for v in finding["versions"].values())
    recording = finding["recording"]
    assert recording["file"] is None or isinstance(recording["file"], str)
    assert recording["cycle_lengths_ms"] and all(map(_number, recording["cycle_lengths_ms"]))
    assert recording["observables"] in (["V"], ["V", "Ca_i"])
    _check_entries(finding, model)
    for pair in finding["confounded"]:
        assert len(pair) == 2 and all(isinstance(name, str) for name in pair)
    assert _number(finding["fit"]["v_rmse_mV"])
    errors = finding["fit"]["apd90_error_ms"]
    assert [float(key) for key in errors] == recording["cycle_lengths_ms"]
    assert all(value is None or _number(value) for value in errors.values())
    for key, prediction in finding["predictions"].items():
        assert float(key) > 0 and prediction.keys() >= {"apd90_ms", "trace_csv"}
        assert prediction["apd90_ms"] is None or _number(prediction["apd90_ms"])
        assert prediction["trace_csv"] is None or isinstance(prediction["trace_csv"], str)
    assert all(isinstance(warning, str) and "\n" not in warning for warning in finding["warnings"])


def ranked(finding: Finding) -> list[dict[str, Any]]:
    """Currents and gates together, the one that explains most first."""
    return sorted((*finding["currents"], *finding["gates"]), key=lambda entry: entry["rank"])


def _check_entries(finding: Finding, model: Any) -> None:
    currents, gates = finding["currents"], finding["gates"]
    conductances = {current.name: current.conductance for current in model.currents}
    assert {entry["current"]: entry["parameter"] for entry in currents} == conductances
    owners = {gate.name: gate.current for gate in model.gates}
    assert {entry["gate"]: entry["current"] for entry in gates} == owners
    assert [entry["rank"] for entry in ranked(finding)] == list(range(1, len(currents) + len(gates) + 1))
    for entry in (*currents, *gates):
        assert entry["importance"] is None or 0 <= entry["importance"] <= 1
    unexplained = finding["verdict"] == "unexplained"
    for entry in currents:
        _check_interval(entry["scale"], entry["ci95"], unexplained)
    for entry in gates:
        assert entry["found"] == bool(entry["found_in"]) and None not in map(entry.get, entry["found_in"])
        for value in ("v_half_shift", "slope_ratio", "tau_ratio"):
            unit = "_mV" if value == "v_half_shift" else ""
            _check_interval(entry[value + unit], entry[f"{value}_ci95"], unexplained)


def _check_interval(value: Any, interval: Any, unexplained: bool) -> None:
    assert (value is None) == (interval is None)
    if value is not None:
        assert not unexplained, "nothing is estimated with a model that does not explain the recording"
        low, high = interval
        assert all(map(_number, (value, low, high))) and low <= value <= high


def _number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
