"""The tables of the page. Whatever is put into a cell is escaped here."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import TYPE_CHECKING, Any

from ionwidgets.discovery.report.words import lengths, model_words
from ionwidgets.discovery.told_baselines import told_baselines
from ionwidgets.discovery.told_changes import Told, told_change, told_changes
from ionwidgets.numbers import number, percent, signed

if TYPE_CHECKING:
    from ionwidgets.discovery.result import Result

Cell = str | Sequence[str]  # or a line each
Finding = Mapping[str, Any]


def _table(
    caption: str, heads: Sequence[str], rows: Iterable[Sequence[Cell]], found: Sequence[int] = ()
) -> str:
    """A table whose first column names its rows; those `found` are marked."""
    body = "".join(_row(row, found=place in set(found)) for place, row in enumerate(rows))
    head = f'<th scope="col" class="side">{escape(heads[0])}</th>' + "".join(
        f'<th scope="col">{escape(title)}</th>' for title in heads[1:]
    )
    return (
        f'<div class="wide" tabindex="0" role="region" aria-label="{escape(caption)}"><table>'
        f"<caption>{escape(caption)}</caption><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"
    )


def _row(row: Sequence[Cell], *, found: bool) -> str:
    kind, tag = (' class="changed"', '<span class="tag">found</span>') if found else ("", "")
    cells = "".join(f"<td>{_cell(cell)}</td>" for cell in row[1:])
    return f'<tr{kind}><th scope="row" class="side">{_cell(row[0])}{tag}</th>{cells}</tr>'


def _cell(cell: Cell) -> str:
    return escape(cell) if isinstance(cell, str) else "<br>".join(map(escape, cell)) or "–"


def change_name(told: Told) -> str:
    """ "I_Kr (g_Kr)", "gate Xr1 of I_Kr"."""
    if told.gate:
        return f"gate {told.name} of {told.of}" if told.of else f"gate {told.name}"
    return f"{told.name} ({told.of})" if told.of else told.name


def changes_table(finding: Finding) -> str:
    """Currents and gates by rank."""
    changes = told_changes(finding)
    found = [place for place, told in enumerate(changes) if told.entry.get("found")]
    names = [f"{told.entry['rank']}. {change_name(told)}" for told in changes]
    if finding["verdict"] == "unexplained":
        rows: list[Sequence[Cell]] = [
            [name, percent(told.entry.get("alone"))] for name, told in zip(names, changes, strict=True)
        ]
        return _table("Currents and gates by rank", ["Change", "Share at best"], rows)
    rows = [
        [name, told.found, told.intervals, percent(told.entry.get("importance"))]
        for name, told in zip(names, changes, strict=True)
    ]
    changed = found if finding["verdict"] == "changed" else []
    heads = ["Change", "Size", "95 % interval", "Share"]
    return _table("Currents and gates by rank", heads, rows, changed)


def fit_table(finding: Finding) -> str:
    """How the model with the changes differs from the recording."""
    fit, neural = finding["fit"], finding.get("neural_ode") or {"v_rmse_mV": None, "apd90_error_ms": {}}
    rmse = f"Model and recording differ by {number(fit['v_rmse_mV'], 'mV')} (RMS of V)"
    if neural["v_rmse_mV"] is not None:
        rmse += f", neural ODE and recording by {number(neural['v_rmse_mV'], 'mV')}"
    rows = [
        [f"{length} ms", _ms(error, signed), _ms(neural["apd90_error_ms"].get(length), signed)]
        for length, error in fit["apd90_error_ms"].items()
    ]
    return _table(rmse, ["Cycle length", "APD90, model minus recording (ms)", "Neural ODE (ms)"], rows)


def predictions_table(finding: Finding) -> str:
    """APD90 at the cycle lengths that were asked for."""
    predictions = finding.get("predictions") or {}
    if finding["verdict"] == "unexplained":
        return "<p>Nothing is predicted, since the model does not explain the recording.</p>"
    if not predictions:
        return "<p>No predictions were asked for.</p>"
    rows = [[f"{length} ms", _ms(one["apd90_ms"], number)] for length, one in predictions.items()]
    caption = "Predicted by the model" + (" with the change" if finding["verdict"] == "changed" else "")
    return _table(caption, ["Cycle length", "APD90 (ms)"], rows)


def baselines_table(finding: Finding) -> str:
    """Time and error of the finding and of every baseline, and what each says has changed."""
    rows = told_baselines(finding)
    lengths_asked = list(rows[0].apd90)
    heads = ["Fit", "Seconds", "V off by (mV RMS)", "Changed", *(f"APD90 at {c} ms" for c in lengths_asked)]
    cells = [
        [
            row.name,
            number(row.seconds, ""),
            number(row.v_rmse, ""),
            row.changed.replace(" x", " ×").split(", "),  # a line each: a page may be narrow
            *(_ms(row.apd90[c], number) for c in lengths_asked),
        ]
        for row in rows
    ]
    return _table("Time and error side by side", heads, cells)


def own_table(control: Finding) -> str:
    """The conductances of the cell itself, beside the published model."""
    own = [told_change(entry) for entry in control["currents"]]
    rows = [[change_name(told), told.found, told.intervals] for told in own]
    return _table("Before the change", ["Current", "Of the published model", "95 % interval"], rows)


def facts_list(result: Result) -> str:
    """Where the finding comes from: files, settings, versions."""
    finding = result.finding
    recording, control = finding["recording"], finding.get("control")
    facts = {
        "Model": model_words(result),
        "Hash of its equations": finding["model_hash"],
        "Recording": _recorded(recording),
    }
    if control:
        facts["Control recording"] = _recorded(control)
    if result.stimulus:
        facts["Stimulus"] = f"{number(result.stimulus[0], 'A/F')} for {number(result.stimulus[1], 'ms')}"
    facts |= {
        "Price η of a change of a gate": number(finding["eta"]),
        "Decoder": finding["decoder"],
        "Hidden states": finding.get("hidden") or "–",
        "Seed": str(finding["seed"]),
        "Intervals": finding.get("intervals") or "–",
        "Versions": ", ".join(f"{name} {version}" for name, version in finding["versions"].items()),
    }
    items = "".join(f"<dt>{escape(name)}</dt><dd>{escape(str(fact))}</dd>" for name, fact in facts.items())
    return f"<dl>{items}</dl>"


def _recorded(recording: Finding) -> str:
    seen = " and ".join(recording.get("observables") or ())
    told = f"{seen} at CL {lengths(recording['cycle_lengths_ms'])}".strip()
    return f"{recording['file']}, {told}" if recording.get("file") else told


def _ms(value: float | None, told: Any) -> str:
    return "no action potential" if value is None else str(told(value, digits=4 if told is number else 2))
