"""FOLDER/index.html: every run of the paper side by side, with the figures that lie in FOLDER/figures.

What the page says of a run it reads off `ionwidgets/paper/1`; what counts as reached stands in `verdicts`,
and on the page.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from pathlib import Path
from typing import Final

from ionwidgets.discovery.document import document
from ionwidgets.discovery.reproduction.cells import decoder_title, titled
from ionwidgets.discovery.reproduction.experiments import CURRENTS
from ionwidgets.discovery.reproduction.figure_files import (
    linked,
    named_plot,
    numbered,
    title_of,
    write_figure,
    write_plotly,
)
from ionwidgets.discovery.reproduction.tables import reading_key, runs_table, stage1_table, summary_table
from ionwidgets.discovery.reproduction.verdicts import (
    CLOSE,
    NEAR,
    Json,
    best_run,
    decoders_of,
    finds_the_change,
    follows,
    most_changed,
)
from ionwidgets.figures.paper import best_figure, eta_figure, measured_at

_PHASES: Final = {
    "data": "data",
    "stage1_emulator": "stage 1 as published",
    "stage1_ode": "stage 1 of ours",
    "emulator": "stage 2 by the emulator",
    "ode": "stage 2 by the ODE",
    "neural_ode": "neural ODEs",
    "figures": "figures",
}
_CAPTIONS: Final = {
    "2": "V and Ca_i of the control.",
    "3": "The control against each altered cell.",
    "4": "Neural ODEs, with the retrained networks' gates and scales, against control and altered cell.",
    "5": "Long QT: currents of the cells and of the networks.",
    "6": "Short QT: currents of the cells and of the networks.",
    "7": "I_to: currents of the cells and of the networks.",
}


def write_page(folder: Path, results: Json) -> None:
    """Write index.html: `results` (`ionwidgets/paper/1`) and every figure that is in figures/.

    It writes the figures eta_EXPERIMENT and best_EXPERIMENT itself.
    """
    experiments: Json = results["experiments"]
    for key, experiment in experiments.items():
        write_figure(folder, f"eta_{key}", eta_figure(experiment))
        write_figure(folder, f"best_{key}", best_figure(experiment))
    own = {f"{kind}_{key}" for kind in ("eta", "best") for key in experiments}
    others = sorted(path.stem for path in (folder / "figures").glob("*.json") if path.stem not in own)
    parts = [
        _head(results),
        _contents(results, bool(others)),
        _reached(results),
        summary_table(experiments),
        stage1_table(results.get("stage1", {})),
    ]
    if others:
        parts.append(_figures(folder, others))
    parts += [_experiment(folder, key, experiment) for key, experiment in experiments.items()]
    parts.append(_controls(results.get("controls", [])))
    title = f"Every run of the paper: {results['model']}:{results['variant']}"
    (folder / "figures").mkdir(parents=True, exist_ok=True)
    write_plotly(folder / "figures")
    page = document(
        title, f"<main>{''.join(parts)}</main>", head=linked("figures/plotly.min.js"), mode_bar=False
    )
    (folder / "index.html").write_text(page, encoding="utf-8")


def _head(results: Json) -> str:
    elapsed: Json = results.get("elapsed_s", {})
    took = ", ".join(f"{word} {elapsed[key]:.1f}\u00a0s" for key, word in _PHASES.items() if key in elapsed)
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


def _contents(results: Json, figures: bool) -> str:
    places = {"stage1": "Stage 1"} if results.get("stage1") else {}
    places |= {"figures": "Figures of the paper"} if figures else {}
    places |= {key: experiment["title"] for key, experiment in results["experiments"].items()}
    places |= {"controls": "Control"} if results.get("controls") else {}
    links = "".join(f'<a href="#{escape(place)}">{escape(word)}</a>' for place, word in places.items())
    return f'<nav aria-label="On this page">{links}</nav>'


def _reached(results: Json) -> str:
    experiments: Json = results["experiments"]
    lengths = measured_at(run for experiment in experiments.values() for run in experiment["runs"])
    items = []
    for decoder in decoders_of(experiments.values()):
        best = {key: run for key, one in experiments.items() if (run := best_run(one, decoder))}
        count = len(best)
        if not count:
            continue
        facts = [
            (
                "the neural ODE follows the altered cell",
                [key for key, run in best.items() if follows(run)],
            ),
            (
                "the changed current is the one that the network changed most",
                [
                    key
                    for key, run in best.items()
                    if most_changed(run["current_ratios"]) == experiments[key]["current"]
                ],
            ),
            (
                "its ratio is near the true one",
                [key for key, run in best.items() if finds_the_change(run, experiments[key])],
            ),
        ]
        said = "; ".join(
            f"{what} in <b>{len(keys)} of {count}</b>" + (f" ({_titles(experiments, keys)})" if keys else "")
            for what, keys in facts
        )
        items.append(f"<li>{decoder_title(decoder)}, each experiment at its best η: {said}.</li>")
    return (
        f"<h2>What is reached, and what is not</h2><ul>{''.join(items)}</ul>"
        f'<p class="soft">Followed: APD90 within {CLOSE:g} ms at CL {", ".join(lengths)} ms. '
        f"Near: within {100 * NEAR:g} % of the truth. A current's ratio is that of the altered cell's to the "
        "control's, as the network's gates and scales have it.</p>"
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


def _experiment(folder: Path, key: str, experiment: Json) -> str:
    left_out = _ranges(experiment.get("not_1_to_1_ms", []))
    warning = (
        f"<p>The altered cell does not follow 1:1 at CL {left_out} ms: one beat cannot be compared with one "
        "beat there.</p>"
        if left_out
        else ""
    )
    tables = "".join(
        runs_table(
            [run for run in experiment["runs"] if run["decoder"] == decoder],
            decoder,
            experiment["true_ratios"],
            experiment["current"],
            {
                "best": experiment["best"].get(decoder, {}).get("eta"),
                "fig. 4": experiment.get("figure_eta") if decoder == "emulator" else None,
            },
        )
        for decoder in decoders_of([experiment])
    )
    figures = _embedded(folder, f"eta_{key}", "Every η.") + _embedded(
        folder,
        f"best_{key}",
        "The best η of each decoder, at the cycle lengths that the altered cell follows 1:1.",
    )
    return (
        f'<h2 id="{escape(key)}">{titled(experiment)}</h2>{warning}'
        f'<div class="pair figures">{figures}</div><div class="pair">{tables}</div>{reading_key()}'
    )


def _controls(runs: Sequence[Json]) -> str:
    if not runs:
        return ""
    unchanged = dict.fromkeys(CURRENTS, 1.0)
    tables = "".join(
        runs_table([run for run in runs if run["decoder"] == decoder], decoder, unchanged, None, {})
        for decoder in decoders_of([{"runs": runs}])
    )
    return (
        '<h2 id="controls">The control, retrained in the same way</h2><p>Nothing changed here: whatever '
        "these networks find is the method's own error.</p>"
        f'<div class="pair">{tables}</div>{reading_key()}'
    )


def _embedded(folder: Path, name: str, caption: str) -> str:
    drawn = (folder / "figures" / f"{name}.json").read_text(encoding="utf-8")
    return (
        f"<figure>{named_plot(name, drawn)}<figcaption>{escape(caption)} "
        f'<a href="figures/{name}.html">On its own</a>, <a href="figures/{name}.json">as JSON</a>'
        "</figcaption></figure>"
    )


def _titles(experiments: Json, keys: Iterable[str]) -> str:
    return escape(", ".join(experiments[key]["title"] for key in keys))


def _ranges(cycle_lengths: Sequence[float]) -> str:
    """Cycle lengths on the paper's grid of 5 ms, runs of them as `300-315`."""
    groups: list[list[float]] = []
    for cycle_length in sorted(cycle_lengths):
        if groups and cycle_length - groups[-1][-1] <= 5:
            groups[-1].append(cycle_length)
        else:
            groups.append([cycle_length])
    return ", ".join(f"{g[0]:g}" if len(g) == 1 else f"{g[0]:g}–{g[-1]:g}" for g in groups)
