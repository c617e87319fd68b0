"""The tables of the page: the best runs, stage 1, and every run of a decoder."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import Final

from ionwidgets.discovery.reproduction.cells import (
    class_of,
    decoder_title,
    error_cells,
    error_heads,
    number,
    ratio_cell,
    titled,
    value_cell,
)
from ionwidgets.discovery.reproduction.experiments import CURRENTS
from ionwidgets.discovery.reproduction.verdicts import CLOSE, NEAR, Json, best_run, decoders_of, most_changed
from ionwidgets.figures.paper import measured_at

_MISFITS: Final = {"emulator": "V, Ca_i", "ode": "dV/dt"}  # what a decoder asks the gates to explain


def summary_table(experiments: Json) -> str:
    """The best run of each experiment and decoder, a row each."""
    lengths = measured_at(run for experiment in experiments.values() for run in experiment["runs"])
    rows = []
    for experiment in experiments.values():
        current, truth = experiment["current"], experiment["true_ratios"][experiment["current"]]
        for decoder in decoders_of([experiment]):
            run = best_run(experiment, decoder)
            if run is None:
                continue
            ratio = run["current_ratios"].get(current)
            rows.append(
                f'<tr><th scope="row" class="side">{titled(experiment)}</th>'
                f'<td class="words">{decoder_title(decoder)}</td><td>{run["eta"]:g}</td>'
                + error_cells(run, lengths)
                + f"<td>{escape(current)}</td><td>{truth:.2f}</td>{ratio_cell(ratio, truth)}"
                f"<td>{escape(most_changed(run['current_ratios']) or 'none')}</td>"
                f"{_over_all(experiment['best'][decoder])}</tr>"
            )
    head = (
        '<tr><th rowspan="2" class="side">Experiment</th><th rowspan="2" class="words">Decoder</th>'
        '<th rowspan="2">Best η</th>'
        f"{error_heads(lengths)}"
        '<th class="group" colspan="3">Changed current</th>'
        '<th rowspan="2">Changed<br>most</th>'
        '<th class="group" colspan="4">Cycle lengths followed 1:1</th></tr><tr>'
        + "".join(f"<th>{at}</th>" for at in lengths)
        + "<th>name</th><th>truth</th><th>found</th><th>action<br>potentials</th>"
        "<th>|APD90 error|<br>mean (ms)</th><th>largest<br>(ms)</th><th>V RMSE<br>mean (mV)</th></tr>"
    )
    return (
        '<div class="wide" tabindex="0" role="region" aria-label="Best run of each experiment and decoder">'
        "<table><caption>Best run of each experiment and decoder</caption>"
        f"<thead>{head}</thead><tbody>{''.join(rows)}</tbody></table></div>{reading_key()}"
    )


def _over_all(best: Json) -> str:
    errors: Sequence[float | None] = best["apd90_error_ms"]
    known = [abs(error) for error in errors if error is not None]
    rmse = [value for value in best["v_rmse_mV"] if value is not None]
    return f"<td>{len(known)} of {len(errors)}</td>" + "".join(
        value_cell(value, ".1f", False)
        for value in (
            sum(known) / len(known) if known else None,
            max(known, default=None),
            sum(rmse) / len(rmse) if rmse else None,
        )
    )


def stage1_table(stage1: Json) -> str:
    """What the networks knew of the control before stage 2, a row each; nothing where that is unknown."""
    if not stage1:
        return ""
    lengths = measured_at(stage1.values())
    names = {"paper": "as published", "default": "ours"}
    rows = []
    for key, entry in stage1.items():
        losses = "".join(
            f"<td>{number(entry[loss], '.2g')}</td>" if loss in entry else "<td></td>"
            for loss in ("validation_gates", "validation_others")
        )
        name = escape(names.get(key, key))
        rows.append(f'<tr><th scope="row" class="side">{name}</th>{error_cells(entry, lengths)}{losses}</tr>')
    head = (
        f'<tr><th rowspan="2" class="side">Stage 1</th>{error_heads(lengths)}'
        '<th class="group" colspan="2">Validation MSE</th></tr><tr>'
        + "".join(f"<th>{at}</th>" for at in lengths)
        + "<th>gates</th><th>others</th></tr>"
    )
    return (
        '<h2 id="stage1">Stage 1: the network learns the control</h2>'
        "<p>The neural ODE of the network before anything is retrained, against the very cell that it "
        "learnt.</p>"
        f'<div class="wide" tabindex="0" role="region" aria-label="Stage 1"><table><thead>{head}</thead>'
        f"<tbody>{''.join(rows)}</tbody></table></div>"
    )


def runs_table(
    runs: Iterable[Json],
    decoder: str,
    truth: Mapping[str, float],
    changed: str | None,
    tags: Mapping[str, float | None],
) -> str:
    """The table of one decoder's runs; `tags` by word: the eta whose row carries it."""

    def attribute(current: str) -> str:
        return ' class="changed"' if current == changed else ""

    runs = sorted(runs, key=lambda run: run["eta"])
    lengths = measured_at(runs)
    rows = []
    for run in runs:
        worn = [word for word, eta in tags.items() if eta is not None and math.isclose(eta, run["eta"])]
        tag = f'<span class="tag">{", ".join(worn)}</span>' if worn else ""
        ratios = "".join(
            ratio_cell(run["current_ratios"].get(current), truth[current], current == changed)
            for current in CURRENTS
        )
        rows.append(
            f"<tr{class_of('best' if 'best' in worn else '')}>"
            f'<th scope="row" class="side">{run["eta"]:g}{tag}</th>'
            f"<td>{number(run['loss_gates'], '.2g')}</td><td>{number(run['loss_observables'], '.2g')}</td>"
            f"{error_cells(run, lengths)}{ratios}</tr>"
        )
    head = (
        '<tr><th rowspan="2" class="side">η</th><th class="group" colspan="2">Loss</th>'
        f"{error_heads(lengths)}"
        f'<th class="group" colspan="{len(CURRENTS)}">Current against the control (ratio)</th></tr><tr>'
        f"<th>gates</th><th>{_MISFITS[decoder]}</th>"
        + "".join(f"<th>{at}</th>" for at in lengths)
        + "".join(f"<th{attribute(current)}>{current}</th>" for current in CURRENTS)
        + '</tr><tr class="truth"><th scope="row" class="side">truth</th><th></th><th></th>'
        + "<th>0</th>" * len(lengths)
        + "".join(f"<th{attribute(current)}>{truth[current]:.2f}</th>" for current in CURRENTS)
        + "</tr>"
    )
    title = decoder_title(decoder)
    return (
        f'<div class="wide" tabindex="0" role="region" aria-label="{title}"><table><caption>{title}</caption>'
        f"<thead>{head}</thead><tbody>{''.join(rows)}</tbody></table></div>"
    )


def reading_key() -> str:
    """The line below a table that says how it is read."""
    return (
        '<p class="soft">A loss is its decoder\'s own: compare it with others of the same table. Errors are '
        "neural ODE minus cell; “none”: the neural ODE gave no action potential there. "
        f"Bold: within {CLOSE:g} ms, or within {100 * NEAR:g} % of the truth.</p>"
    )
