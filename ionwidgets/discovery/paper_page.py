"""FOLDER/index.html: every run of the paper side by side, with the figures that lie in FOLDER/figures.

What the page says of a run it reads off `ionwidgets/paper/1`; what counts as reached stands in `CLOSE` and
`NEAR`, and on the page.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any, Final

from ionwidgets.discovery.paper_document import (
    document,
    numbered,
    plot_element,
    title_of,
    write_figure,
    write_plotly,
)
from ionwidgets.figures.paper import DECODERS, best_figure, eta_figure, measured_at

CLOSE: Final = 5.0  # ms of APD90 that still count as matched
NEAR: Final = 0.2  # share of the true ratio by which a current may be off
CURRENTS: Final = ("I_Na", "I_CaL", "I_Kr", "I_Ks", "I_to")

__all__ = ["write_figure", "write_page"]

_Json = Mapping[str, Any]
_PHASES: Final = {
    "data": "data",
    "stage1": "stage 1",
    "emulator": "stage 2 by the emulator",
    "ode": "stage 2 by the ODE",
    "neural_ode": "neural ODEs",
    "figures": "figures",
}
_MISFITS: Final = {"emulator": "V, Ca_i", "ode": "dV/dt"}  # what a decoder asks the gates to explain
_CAPTIONS: Final = {
    "2": "V and Ca_i of the control.",
    "3": "The control against each altered cell.",
    "4": "Neural ODEs, their gates those of the retrained networks, against control and altered cell.",
    "5": "Long QT: currents from the cells' and the networks' gates.",
    "6": "Short QT: currents from the cells' and the networks' gates.",
    "7": "I_to: currents from the cells' and the networks' gates.",
}


def write_page(folder: Path, results: _Json) -> None:
    """Write index.html: `results` (`ionwidgets/paper/1`) and every figure that is in figures/.

    It writes the figures eta_EXPERIMENT and best_EXPERIMENT itself.
    """
    experiments: _Json = results["experiments"]
    for key, experiment in experiments.items():
        write_figure(folder, f"eta_{key}", eta_figure(experiment))
        write_figure(folder, f"best_{key}", best_figure(experiment))
    own = {f"{kind}_{key}" for kind in ("eta", "best") for key in experiments}
    others = sorted(path.stem for path in (folder / "figures").glob("*.json") if path.stem not in own)
    parts = [
        _head(results),
        _contents(results, bool(others)),
        _reached(results),
        _summary(experiments),
        _stage1(results.get("stage1", {})),
    ]
    if others:
        parts.append(_figures(folder, others))
    parts += [_experiment(folder, key, experiment) for key, experiment in experiments.items()]
    parts.append(_controls(results.get("controls", [])))
    title = f"Every run of the paper: {results['model']}:{results['variant']}"
    (folder / "figures").mkdir(parents=True, exist_ok=True)
    write_plotly(folder / "figures")
    page = document(title, f"<main>{''.join(parts)}</main>", "figures/plotly.min.js", mode_bar=False)
    (folder / "index.html").write_text(page, encoding="utf-8")


# What the page says


def _head(results: _Json) -> str:
    elapsed: _Json = results.get("elapsed_s", {})
    took = ", ".join(f"{word} {elapsed[key]:.1f} s" for key, word in _PHASES.items() if key in elapsed)
    total = f"{elapsed['total']:.0f} s in all" if "total" in elapsed else ""
    versions = ", ".join(f"{name} {version}" for name, version in results.get("versions", {}).items())
    facts = "; ".join(filter(None, [f"seed {results['seed']}", total, took, versions]))
    return (
        f"<h1>Every run of the paper: {escape(results['model'])}:{escape(results['variant'])}</h1>"
        "<p>Iravanian, Discovery of the Hidden State in Ionic Models Using a Domain-Specific Recurrent "
        "Neural Network, arXiv 2011.07388 (2020), run again: a network that knows the control cell is "
        "retrained on recordings of an altered one, once as published (decoder: the emulator, learnt beside "
        "the gates), once with the model's own equations as decoder (ODE decoder).</p>"
        f'<p class="soft">{escape(facts)}.</p>'
    )


def _contents(results: _Json, figures: bool) -> str:
    places = {"stage1": "Stage 1"} if results.get("stage1") else {}
    places |= {"figures": "Figures of the paper"} if figures else {}
    places |= {key: experiment["title"] for key, experiment in results["experiments"].items()}
    places |= {"controls": "Control"} if results.get("controls") else {}
    links = "".join(f'<a href="#{escape(place)}">{escape(word)}</a>' for place, word in places.items())
    return f'<nav aria-label="On this page">{links}</nav>'


def _reached(results: _Json) -> str:
    experiments: _Json = results["experiments"]
    lengths = measured_at(run for experiment in experiments.values() for run in experiment["runs"])
    items = []
    for decoder in _decoders(experiments.values()):
        best = {key: run for key, one in experiments.items() if (run := _best_run(one, decoder))}
        count = len(best)
        if not count:
            continue
        facts = [
            (
                "the neural ODE follows the altered cell",
                [key for key, run in best.items() if _matched(run)],
            ),
            (
                "the changed current is the one that the network changed most",
                [
                    key
                    for key, run in best.items()
                    if _most_changed(run["current_ratios"]) == experiments[key]["current"]
                ],
            ),
            (
                "its ratio is near the true one",
                [key for key, run in best.items() if _changed_near(run, experiments[key])],
            ),
        ]
        said = "; ".join(
            f"{what} in <b>{len(keys)} of {count}</b>" + (f" ({_titles(experiments, keys)})" if keys else "")
            for what, keys in facts
        )
        items.append(f"<li>{_decoder_title(decoder)}, each experiment at its best η: {said}.</li>")
    return (
        f"<h2>What is reached, and what is not</h2><ul>{''.join(items)}</ul>"
        f'<p class="soft">Followed: APD90 within {CLOSE:g} ms at CL {", ".join(lengths)} ms. '
        f"Near: within {100 * NEAR:g} % of the truth. A current's ratio is that of the altered cell's to the "
        "control's, as the network's gates have it.</p>"
    )


def _summary(experiments: _Json) -> str:
    lengths = measured_at(run for experiment in experiments.values() for run in experiment["runs"])
    rows = []
    for experiment in experiments.values():
        current, truth = experiment["current"], experiment["true_ratios"][experiment["current"]]
        for decoder in _decoders([experiment]):
            run = _best_run(experiment, decoder)
            if run is None:
                continue
            ratio = run["current_ratios"].get(current)
            rows.append(
                f'<tr><th scope="row" class="side">{_titled(experiment)}</th>'
                f'<td class="words">{_decoder_title(decoder)}</td><td>{run["eta"]:g}</td>'
                + _errors(run, lengths)
                + f"<td>{escape(current)}</td><td>{truth:.2f}</td>{_ratio(ratio, truth)}"
                f"<td>{escape(_most_changed(run['current_ratios']) or 'none')}</td>"
                f"{_over_all(experiment['best'][decoder])}</tr>"
            )
    head = (
        '<tr><th rowspan="2" class="side">Experiment</th><th rowspan="2" class="words">Decoder</th>'
        '<th rowspan="2">Best η</th>'
        f"{_errors_head(lengths)}"
        '<th class="group" colspan="3">Changed current</th>'
        '<th rowspan="2">Changed<br>most</th>'
        '<th class="group" colspan="4">Cycle lengths followed 1:1</th></tr><tr>'
        + "".join(f"<th>{at}</th>" for at in lengths)
        + "<th></th><th>truth</th><th>found</th><th>action<br>potentials</th>"
        "<th>|APD90 error|<br>mean (ms)</th><th>largest<br>(ms)</th><th>V RMSE<br>mean (mV)</th></tr>"
    )
    return (
        '<div class="wide" tabindex="0" role="region" aria-label="Best run of each experiment and decoder">'
        "<table><caption>Best run of each experiment and decoder</caption>"
        f"<thead>{head}</thead><tbody>{''.join(rows)}</tbody></table></div>{_key()}"
    )


def _over_all(best: _Json) -> str:
    errors: Sequence[float | None] = best["apd90_error_ms"]
    known = [abs(error) for error in errors if error is not None]
    rmse = [value for value in best["v_rmse_mV"] if value is not None]
    return f"<td>{len(known)} of {len(errors)}</td>" + "".join(
        _cell(value, ".1f", False)
        for value in (
            sum(known) / len(known) if known else None,
            max(known, default=None),
            sum(rmse) / len(rmse) if rmse else None,
        )
    )


def _stage1(stage1: _Json) -> str:
    if not stage1:
        return ""
    lengths = measured_at(stage1.values())
    names = {"paper": "as published", "default": "ours"}
    rows = []
    for key, entry in stage1.items():
        losses = "".join(
            f"<td>{_number(entry[loss], '.2g')}</td>" if loss in entry else "<td></td>"
            for loss in ("validation_gates", "validation_others")
        )
        name = escape(names.get(key, key))
        rows.append(f'<tr><th scope="row" class="side">{name}</th>{_errors(entry, lengths)}{losses}</tr>')
    head = (
        f'<tr><th rowspan="2" class="side">Stage 1</th>{_errors_head(lengths)}'
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


def _figures(folder: Path, names: Sequence[str]) -> str:
    """Figures that have their number alone, then those of one number side by side."""
    groups: dict[str, list[str]] = {}
    for name in names:
        groups.setdefault(numbered(name)[0], []).append(name)
    single = [group[0] for group in groups.values() if len(group) == 1]
    rows = [single, *(group for group in groups.values() if len(group) > 1)]
    return '<h2 id="figures">Figures of the paper</h2>' + "".join(
        '<div class="pair figures">'
        + "".join(
            _embedded(folder, name, f"{title_of(name)}. {_CAPTIONS.get(numbered(name)[0], '')}")
            for name in row
        )
        + "</div>"
        for row in rows
        if row
    )


def _experiment(folder: Path, key: str, experiment: _Json) -> str:
    left_out = _ranges(experiment.get("not_1_to_1_ms", []))
    warning = (
        f"<p>The altered cell does not follow 1:1 at CL {left_out} ms: one beat cannot be compared with one "
        "beat there.</p>"
        if left_out
        else ""
    )
    tables = "".join(
        _runs(
            [run for run in experiment["runs"] if run["decoder"] == decoder],
            decoder,
            experiment["true_ratios"],
            experiment["current"],
            {
                "best": experiment["best"].get(decoder, {}).get("eta"),
                "fig. 4": experiment.get("figure_eta") if decoder == "emulator" else None,
            },
        )
        for decoder in _decoders([experiment])
    )
    figures = _embedded(folder, f"eta_{key}", "Every η.") + _embedded(
        folder,
        f"best_{key}",
        "The best η of each decoder, at the cycle lengths that the altered cell follows 1:1.",
    )
    return (
        f'<h2 id="{escape(key)}">{_titled(experiment)}</h2>{warning}'
        f'<div class="pair figures">{figures}</div><div class="pair">{tables}</div>{_key()}'
    )


def _controls(runs: Sequence[_Json]) -> str:
    if not runs:
        return ""
    unchanged = dict.fromkeys(CURRENTS, 1.0)
    tables = "".join(
        _runs([run for run in runs if run["decoder"] == decoder], decoder, unchanged, None, {})
        for decoder in _decoders([{"runs": runs}])
    )
    return (
        '<h2 id="controls">The control, retrained in the same way</h2><p>Nothing changed here: whatever '
        "these networks find is the method's own error.</p>"
        f'<div class="pair">{tables}</div>{_key()}'
    )


def _runs(
    runs: Iterable[_Json],
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
            _ratio(run["current_ratios"].get(current), truth[current], current == changed)
            for current in CURRENTS
        )
        rows.append(
            f"<tr{_class('best' if 'best' in worn else '')}>"
            f'<th scope="row" class="side">{run["eta"]:g}{tag}</th>'
            f"<td>{_number(run['loss_gates'], '.2g')}</td><td>{_number(run['loss_observables'], '.2g')}</td>"
            f"{_errors(run, lengths)}{ratios}</tr>"
        )
    head = (
        '<tr><th rowspan="2" class="side">η</th><th class="group" colspan="2">Loss</th>'
        f"{_errors_head(lengths)}"
        f'<th class="group" colspan="{len(CURRENTS)}">Current against the control (ratio)</th></tr><tr>'
        f"<th>gates</th><th>{_MISFITS[decoder]}</th>"
        + "".join(f"<th>{at}</th>" for at in lengths)
        + "".join(f"<th{attribute(current)}>{current}</th>" for current in CURRENTS)
        + '</tr><tr class="truth"><th scope="row" class="side">truth</th><th></th><th></th>'
        + "<th>0</th>" * len(lengths)
        + "".join(f"<th{attribute(current)}>{truth[current]:.2f}</th>" for current in CURRENTS)
        + "</tr>"
    )
    title = _decoder_title(decoder)
    return (
        f'<div class="wide" tabindex="0" role="region" aria-label="{title}"><table><caption>{title}</caption>'
        f"<thead>{head}</thead><tbody>{''.join(rows)}</tbody></table></div>"
    )


def _key() -> str:
    return (
        '<p class="soft">A loss is its decoder\'s own: compare it with others of the same table. Errors are '
        "neural ODE minus cell; “none”: the neural ODE gave no action potential there. "
        f"Bold: within {CLOSE:g} ms, or within {100 * NEAR:g} % of the truth.</p>"
    )


# What the numbers say


def _decoders(experiments: Iterable[_Json]) -> list[str]:
    """Decoders that any of the runs has, in the order of `DECODERS`."""
    present = {run["decoder"] for experiment in experiments for run in experiment["runs"]}
    return [decoder for decoder in DECODERS if decoder in present]


def _best_run(experiment: _Json, decoder: str) -> _Json | None:
    best = experiment["best"].get(decoder)
    if not best:
        return None
    runs = (run for run in experiment["runs"] if run["decoder"] == decoder)
    return next((run for run in runs if math.isclose(run["eta"], best["eta"])), None)


def _matched(run: _Json) -> bool:
    return all(error is not None and abs(error) <= CLOSE for error in run["apd90_error_ms"].values())


def _most_changed(ratios: Mapping[str, float | None]) -> str | None:
    """The current whose ratio is furthest from 1, a half as far as a double."""

    def distance(current: str) -> float:
        ratio = ratios[current]
        if ratio is None or math.isnan(ratio):
            return -1.0
        return abs(math.log(ratio)) if ratio > 0.0 else math.inf

    current = max(ratios, key=distance, default=None)
    return current if current is not None and distance(current) > 0.0 else None


def _is_near(ratio: float | None, truth: float) -> bool:
    return ratio is not None and abs(ratio - truth) <= NEAR * truth


def _changed_near(run: _Json, experiment: _Json) -> bool:
    current = experiment["current"]
    return _is_near(run["current_ratios"].get(current), experiment["true_ratios"][current])


def _ranges(cycle_lengths: Sequence[float]) -> str:
    """Cycle lengths on the paper's grid of 5 ms, runs of them as `300-315`."""
    groups: list[list[float]] = []
    for cycle_length in sorted(cycle_lengths):
        if groups and cycle_length - groups[-1][-1] <= 5:
            groups[-1].append(cycle_length)
        else:
            groups.append([cycle_length])
    return ", ".join(f"{g[0]:g}" if len(g) == 1 else f"{g[0]:g}–{g[-1]:g}" for g in groups)


# Pieces of HTML


def _titled(experiment: _Json) -> str:
    scaled = ", ".join(f"{name} ×{scale:g}" for name, scale in experiment["scale"].items())
    return escape(f"{experiment['title']} ({scaled})")


def _titles(experiments: _Json, keys: Iterable[str]) -> str:
    return escape(", ".join(experiments[key]["title"] for key in keys))


def _decoder_title(decoder: str) -> str:
    return {"emulator": "Emulator, as published"}.get(decoder, escape(DECODERS[decoder]))


def _class(name: str) -> str:
    return f' class="{name}"' if name else ""


def _number(value: float | None, form: str) -> str:
    if value is None or math.isnan(value):
        return "none"
    shown = format(value, form)
    return shown.lstrip("+-") if float(shown) == 0.0 else shown.replace("-", "−")


def _cell(value: float | None, form: str, near: bool, more: str = "") -> str:
    name = "none" if value is None or math.isnan(value) else "near" if near else ""
    return f"<td{_class(f'{name} {more}'.strip())}>{_number(value, form)}</td>"


def _errors(run: _Json, lengths: Sequence[str]) -> str:
    return "".join(_error(run["apd90_error_ms"].get(at)) for at in lengths)


def _errors_head(lengths: Sequence[str]) -> str:
    return f'<th class="group" colspan="{len(lengths)}">Error of APD90 (ms) at CL</th>'


def _error(value: float | None) -> str:
    return _cell(value, "+.1f", value is not None and abs(value) <= CLOSE)


def _ratio(value: float | None, truth: float, changed: bool = False) -> str:
    return _cell(value, ".2f", _is_near(value, truth), "changed" if changed else "")


def _embedded(folder: Path, name: str, caption: str) -> str:
    drawn = (folder / "figures" / f"{name}.json").read_text(encoding="utf-8")
    return (
        f"<figure>{plot_element(name, drawn)}<figcaption>{escape(caption)} "
        f'<a href="figures/{name}.html">On its own</a>, <a href="figures/{name}.json">as JSON</a>'
        "</figcaption></figure>"
    )
