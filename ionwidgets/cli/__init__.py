"""The command line. Answers go to stdout, progress and errors to stderr.

Exit codes: 0 done; 2 bad usage or input, in one line; 1 a fault of ours.
"""

from __future__ import annotations

import shlex
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

import ionwidgets as iw
from ionwidgets.cli.arguments import (
    Capacitance,
    Columns,
    Mend,
    Progress,
    Reading,
    Sampling,
    Series,
    Units,
    cycle_lengths,
    factors,
    numbers,
    pacing,
)
from ionwidgets.cli.discover_command import discover
from ionwidgets.cli.tutorials_command import command as tutorials_command
from ionwidgets.errors import IonWidgetsError
from ionwidgets.places import check_file

if TYPE_CHECKING:
    import pandas as pd

app = typer.Typer(
    name="ionwidgets",
    help="Which currents changed in this cell?",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)

Model = Annotated[
    str, typer.Argument(help="Library name, such as tnnp2004:epi, or path of an .mmt or .cellml file.")
]
File = Annotated[Path, typer.Argument(help="A recording: text, or of a program of the field.")]
TITLES = {
    "cycle_length": "CL [ms]",
    "interval": "S2 [ms]",
    "DI": "DI [ms]",
    "RMP": "RMP [mV]",
    "peak": "peak [mV]",
    "dVdt_max": "dV/dt max [mV/ms]",
    "APD50": "APD50 [ms]",
    "APD90": "APD90 [ms]",
    "Ca_diastolic": "Ca_i min [uM]",
    "Ca_peak": "Ca_i max [uM]",
}


@app.command()
def models() -> None:
    """List the library: name, variants, species, states, gates, currents, publication."""
    for card in iw.list_models():
        variants = f"({', '.join(card.variants)})  " if card.variants else ""
        print(f"{card.name}  {variants}{card.title}; {card.species} {card.tissue}")
        print(f"    {len(card.states)} states; {len(card.gates)} gates: {', '.join(card.gates)}")
        print(f"    {len(card.currents)} currents: {', '.join(card.currents)}")
        print(f"    {card.publication}, doi:{card.doi}")


@app.command()
def simulate(
    model: Model,
    lengths: Annotated[
        str, typer.Option("--cycle-lengths", help="ms: 400,600 or 300:800:5, both ends included.")
    ] = "1000",
    duration: Annotated[float | None, typer.Option(help="ms of pacing; 20000 when left out.")] = None,
    s2: Annotated[
        str, typer.Option(help="ms: after ten beats at one cycle length, S2 at each of these: 300:600:50.")
    ] = "",
    scale: Annotated[
        list[str] | None, typer.Option(help="Factor of a current: g_Kr=0.25; may be repeated.")
    ] = None,
    sample: Annotated[float, typer.Option(help="ms between stored samples.")] = 1.0,
    out: Annotated[Path | None, typer.Option(help="netCDF file for every state and current.")] = None,
) -> None:
    """Pace a model; print the last beat's biomarkers, or the restitution of --s2; store traces with --out."""
    if out is not None:
        check_file(out)
    cell, protocol = iw.load_model(model), pacing(lengths, duration, s2)
    # A cell without a stimulus has its beats found in its samples.
    least = [] if cell.stimulus.amplitude else list(cell.observables)
    paced = iw.simulate(
        cell, protocol=protocol, scale=factors(scale or []), sample=sample,
        variables=None if out else least,
    )  # fmt: skip
    if out is not None:
        paced.to_netcdf(out, engine="h5netcdf", encoding={name: {"zlib": True} for name in paced.data_vars})
        sizes = f"{paced.sizes['cell']} cells, {paced.sizes['time']} samples"
        print(f"{out}: {sizes} of {len(paced.data_vars)} variables", file=sys.stderr)
    if s2:
        table, empty = iw.restitution(paced), "No S2 has captured."
    else:
        table = iw.biomarkers(paced).dropna(subset=["APD90"]).groupby("cell").last()
        table[["Ca_diastolic", "Ca_peak"]] *= 1000
        empty = "No beat has repolarised by 90 % within its cycle."
    _print(table, empty)


@app.command()
def learn(
    model: Model,
    out: Annotated[Path, typer.Option(help="safetensors file for the network.")],
    seed: int = 0,
    fresh: Annotated[bool, typer.Option("--fresh", help="Train even where a network is shipped.")] = False,
    preset: Annotated[str, typer.Option(help="default, or paper: the published recipe.")] = "default",
    observables: Annotated[str, typer.Option(help="What the network sees: V (the default) or V,Ca_i.")] = "",
    checkpoint: Annotated[
        Path | None, typer.Option(help="File that keeps an interrupted training, which then goes on from it.")
    ] = None,
) -> None:
    """Stage 1: teach a network the gates of a model."""
    from ionwidgets.gnn.measure import figures_in_words

    for path in (out, checkpoint):
        if path is not None:
            check_file(path)
    cell = iw.load_model(model)
    with Progress() as progress:
        network = iw.learn(
            cell, seed=seed, fresh=fresh, progress=progress, checkpoint=checkpoint,
            observables=tuple(name.strip() for name in observables.split(",")) if observables else None,
            preset=preset,
        )  # fmt: skip
    card, file = network.card, Path(model)
    if file.suffix:  # the library's names have none; a model that was read from a file knows but its stem
        card["command"] = card["command"].replace(f" {cell.key} ", f" {shlex.quote(file.name)} ", 1)
    network.save(out)
    print(f"{out}: {card['model']}, seed {card['seed']}")
    print("against the model itself:", *figures_in_words(card["figures"]), sep="\n  ")


@app.command()
def inspect(
    file: File,
    columns: Columns = "",
    units: Units = "",
    cycle_length: Annotated[float | None, typer.Option(help="ms, if the file does not say.")] = None,
    capacitance: Capacitance = None,
    mend: Mend = "",
    series: Series = "",
    sampling: Sampling = None,
) -> None:
    """What is in a recording: units, sampling, duration, beats, biomarkers, what is wrong, notes."""
    from ionwidgets.recordings.describe import describe

    print(describe(Reading(columns, units, capacitance, mend, series, sampling)(file, cycle_length)))


app.command()(discover)


@app.command()
def reproduce(
    out: Annotated[Path, typer.Option(help="Folder for the runs, the figures and the page.")],
    decoder: Annotated[str, typer.Option(help="emulator: as published; ode: ours; or both.")] = "both",
    hidden: Annotated[
        str,
        typer.Option(help="fCa, Na_i, K_i in currents: clamp, as an experiment allows; true: as published."),
    ] = "clamp",
    seed: int = 0,
) -> None:
    """Every run and figure of the paper (arXiv 2011.07388); interrupted, it goes on where it was."""
    from ionwidgets.discovery.reproduction import reproduce
    from ionwidgets.discovery.reproduction.experiments import DECODERS
    from ionwidgets.discovery.reproduction.settings import Reproduction

    with Progress() as progress:
        results = reproduce(
            out, decoders=DECODERS if decoder == "both" else [decoder], seed=seed, progress=progress,
            settings=Reproduction(hidden=hidden),
        )  # fmt: skip
    for experiment in results["experiments"].values():
        for name, best in experiment["best"].items():
            run = next(r for r in experiment["runs"] if (r["decoder"], r["eta"]) == (name, best["eta"]))
            current, ratio = experiment["current"], run["current_ratios"][experiment["current"]]
            errors = ", ".join(
                f"{length}: {'none' if error is None else f'{error:+.1f}'}"
                for length, error in run["apd90_error_ms"].items()
            )
            truth = experiment["true_ratios"][current]
            print(
                f"{experiment['title']}, {name}, eta {best['eta']:g}: {current} x{ratio:.2f} (truth "
                f"x{truth:g}); APD90 of the neural ODE, error in ms by CL: {errors}"
            )
    print(f"{out / 'index.html'}: {results['elapsed_s']['total']:g} s")


@app.command()
def sweep(
    out: Annotated[Path, typer.Option(help="Folder for the runs, a file each, and their tables.")],
    model: Annotated[list[str], typer.Option(help="tnnp2004:M, or a file; may be repeated.")],
    experiment: Annotated[
        list[str], typer.Option(help="g_Kr=0.25 or g_Kr=0.5,g_to=3 or control; may be repeated.")
    ],
    eta: Annotated[str, typer.Option(help="Prices of a change of a gate: 0.0005,0.001.")] = "0.001",
    seeds: Annotated[str, typer.Option(help="0,1,2")] = "0",
    decoder: Annotated[str, typer.Option(help="ode: ours; emulator: as published; or both.")] = "ode",
    lengths: Annotated[
        str,
        typer.Option("--cycle-lengths", help="ms, at which the cells are recorded and the runs measured."),
    ] = "",
    scheduler: Annotated[
        str | None, typer.Option(help="A Dask scheduler: tcp://127.0.0.1:8786, tls://HOST:8786.")
    ] = None,
    workers: Annotated[
        int | None, typer.Option(help="Processes here, where there is no scheduler; one a processor.")
    ] = None,
) -> None:
    """Experiments x eta x seeds x models over Dask; interrupted, it goes on where it was."""
    from ionwidgets.discovery.reproduction.experiments import CONTROL, DECODERS
    from ionwidgets.discovery.reproduction.settings import Reproduction
    from ionwidgets.discovery.sweep import sweep

    settings = Reproduction()
    if lengths:
        at = tuple(cycle_lengths(lengths))
        settings = replace(settings, recorded=at, measured=at)
    with Progress() as progress:
        table = sweep(
            out, models=model, etas=numbers(eta, "--eta"), seeds=numbers(seeds, "--seeds"),
            experiments=[{} if text == CONTROL else factors([text], "--experiment") for text in experiment],
            decoders=DECODERS if decoder == "both" else [decoder], scheduler=scheduler, workers=workers,
            settings=settings, progress=progress,
        )  # fmt: skip
    failed = table[table["state"] == "failed"]
    if len(failed) == len(table):
        raise IonWidgetsError(f"{out}: every run failed; the first: {failed['reason'].iloc[0]}")
    done = table[table["state"] == "done"].drop(columns=["state", "reason", "name"])
    done = done[[name for name in done if not name.startswith("ratio_")]]
    print(done.to_string(index=False, float_format=lambda x: f"{x:.4g}"))
    for run in failed.itertuples():
        print(f"failed: {run.name}: {run.reason}")
    print(f"{out / 'sweep.csv'}: {len(table)} runs, {len(failed)} failed")


@app.command()
def dashboard(
    name: Annotated[str, typer.Argument(help="Which of the packaged dashboards.")] = "workbench",
    port: int = 8866,
    no_browser: Annotated[bool, typer.Option("--no-browser", help="Do not open a browser.")] = False,
    cull: Annotated[
        float,
        typer.Option(
            metavar="MINUTES",
            help="End the kernel of a page that was not used for so long and has no job under way; 0: never.",
        ),
    ] = 480,
) -> None:
    """Serve a packaged dashboard with Voila on 127.0.0.1, and print its full address."""
    from ionwidgets.server import serve

    raise typer.Exit(serve(name, port, open_browser=not no_browser, cull=cull))


app.add_typer(tutorials_command, name="tutorials")


def _print(table: pd.DataFrame, empty: str) -> None:
    """The columns that have a title, and any values; `empty` where no action potential was measured."""
    if not table["APD90"].notna().any():
        print(empty)
        return
    table = table[[name for name in TITLES if name in table and table[name].notna().any()]]
    print(table.rename(columns=TITLES).to_string(index=False, float_format=lambda x: f"{x:.4g}"))


def main() -> None:
    """Run the command line; an error that a user caused is one line and exit code 2."""
    try:
        code = app(standalone_mode=False)
    except (IonWidgetsError, typer.TyperException) as error:
        message = error.format_message() if isinstance(error, typer.TyperException) else str(error)
        print(f"ionwidgets: {' '.join(message.split())}", file=sys.stderr)
        sys.exit(2)
    except (KeyboardInterrupt, typer.Abort):
        print("ionwidgets: interrupted", file=sys.stderr)
        sys.exit(2)
    except Exception as error:
        print(
            f"ionwidgets: a fault of ionwidgets, not yours: {type(error).__name__}: {error}; "
            "please report it",
            file=sys.stderr,
        )
        sys.exit(1)
    sys.exit(code or 0)
