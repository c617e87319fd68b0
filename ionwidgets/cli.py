"""The command line. Answers go to stdout, progress and errors to stderr.

Exit codes: 0 done; 2 bad usage or input, in one line; 1 a fault of ours.
"""

from __future__ import annotations

import shlex
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

import ionwidgets as iw
from ionwidgets.arguments import (
    Progress,
    cycle_lengths,
    factors,
    leak,
    milliseconds,
    numbers,
    paced_at,
    pacing,
    stimulus,
)
from ionwidgets.errors import IonWidgetsError, RecordingError
from ionwidgets.places import check_file, check_folder

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
File = Annotated[Path, typer.Argument(help="A recording: CSV or TSV, perhaps gzipped.")]
Columns = Annotated[str, typer.Option(help="Which column holds what: time=0,V=2 or by title.")]
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
Units = Annotated[str, typer.Option(help="Units of the columns: time=s,V=mV.")]


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
def inspect(file: File, columns: Columns = "", units: Units = "") -> None:
    """What is in a recording: units, sampling, duration, beats, biomarkers, notes."""
    from ionwidgets.recordings.describe import describe

    print(describe(_read(file, columns, units)))


@app.command()
def discover(
    recording: Annotated[
        list[Path], typer.Argument(help="A recording: CSV or TSV, perhaps gzipped; one a biological cell.")
    ],
    model: Annotated[str, typer.Option(help="The model that the cell is compared with.")],
    control: Annotated[
        list[Path] | None,
        typer.Option(
            help="A recording of the same cell before the change, read alike; one a cell, in order."
        ),
    ] = None,
    network: Annotated[
        Path | None, typer.Option(help="A network that has learnt the model (ionwidgets learn).")
    ] = None,
    columns: Columns = "",
    units: Units = "",
    stimulus_: Annotated[
        str, typer.Option("--stimulus", help="AMPLITUDE,DURATION in A/F and ms, if not the model's.")
    ] = "",
    paced_for: Annotated[
        float | None, typer.Option(help="ms paced from the model's initial state before the recording.")
    ] = None,
    length: Annotated[
        str,
        typer.Option("--cycle-length", help="ms, if the file does not say: RECORDING or RECORDING,CONTROL."),
    ] = "",
    conditions: Annotated[
        str,
        typer.Option(help="What was in the bath, in mM and K: K_o=4,T=310, or any constant of the model."),
    ] = "",
    junction_potential: Annotated[
        float | None, typer.Option(help="Liquid junction potential [mV], taken off V as it was measured.")
    ] = None,
    leak_: Annotated[str, typer.Option("--leak", help="G,E of the seal, in nS/pF and mV: 0.02,0.")] = "",
    predict_cl: Annotated[str, typer.Option(help="Cycle lengths [ms] to predict APD90 at: 450,700.")] = "",
    duration: Annotated[float, typer.Option(help="ms of pacing of a prediction.")] = 20_000.0,
    decoder: Annotated[
        str, typer.Option(help="ode: the model's own equations; emulator: the network m2 of the paper.")
    ] = "ode",
    eta: Annotated[float, typer.Option(help="Price of a change of a gate in stage 2.")] = 1e-3,
    baselines: Annotated[str, typer.Option(help="Plain fits to hold it against: least-squares,cma-es.")] = "",
    seed: int = 0,
    json_: Annotated[str, typer.Option("--json", help="File for the finding as JSON, or - for stdout.")] = "",
    csv: Annotated[
        Path | None, typer.Option(help="Folder for findings, gates, currents, traces, predictions as CSV.")
    ] = None,
    export: Annotated[
        Path | None,
        typer.Option(help=".mmt, .cellml or .model file for the altered model; of several cells a folder."),
    ] = None,
    report: Annotated[
        Path | None, typer.Option(help="HTML file, a page to read; of several cells a folder.")
    ] = None,
) -> None:
    """Find what changed in a recorded cell, or in several: currents, gates, how much, how surely."""
    from ionwidgets.discovery import Result, Results
    from ionwidgets.discovery.words import in_words
    from ionwidgets.gnn import Network
    from ionwidgets.jobs.whole_file import whole_file
    from ionwidgets.models.save import check_suffix

    several, whole = len(recording) > 1, Path(json_) if json_ not in ("", "-") else None
    for path, check in (
        (whole, check_file),
        (csv, check_folder),
        *((p, check_folder if several else check_file) for p in (export, report)),
    ):
        if path is not None:
            check(path)
    if export is not None and not several:
        check_suffix(export)
    predicted, applied, seal = milliseconds(predict_cl, "--predict-cl"), stimulus(stimulus_), leak(leak_)
    bath = factors([conditions], "--conditions", "NAME=VALUE, such as K_o=4") if conditions else None
    lengths = paced_at(length)
    if "," in length and not control:
        raise IonWidgetsError(f"--cycle-length {length}: the second is of --control, and there is none")
    data, before, failed = _read_cells(recording, control or [], columns, units, lengths)
    cell = iw.load_model(model)
    with Progress() as progress:
        options = {
            "network": Network.load(network) if network else None, "eta": eta, "decoder": decoder,
            "seed": seed, "stimulus": applied, "paced_for": paced_for, "predict_cl": predicted,
            "duration": duration, "progress": progress, "conditions": bath,
            "junction_potential": junction_potential, "leak": seal,
            "baselines": [name.strip() for name in baselines.split(",") if name.strip()],
        }  # fmt: skip
        result: Result | Results
        if several:
            result = iw.discover(cell, data, before or None, **options).among(failed)
        else:
            result = iw.discover(cell, data[0], before[0] if before else None, **options)
    refused = []
    try:
        result = result if csv is None else result.to_csv(csv, duration)
    except IonWidgetsError as error:  # what was found is not lost for a file that cannot be
        refused.append(str(error))
    if whole is not None:
        with whole_file(whole) as part:
            part.write_text(result.to_json() + "\n", encoding="utf-8")
    words = result.in_words() if isinstance(result, Results) else in_words(result.finding)
    print(result.to_json() if json_ == "-" else words, flush=True)
    for path, write, suffix in ((report, Result.report, ".html"), (export, Result.export, ".mmt")):
        if path is None:
            continue
        try:
            if isinstance(result, Result):
                write(result, path)
            else:
                for reason in result.write_each(path, suffix, write):
                    print(f"ionwidgets: {reason}", file=sys.stderr)
        except IonWidgetsError as error:
            refused.append(str(error))
    if refused:
        raise IonWidgetsError("; ".join(refused))


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
    from ionwidgets.discovery.reproduction.experiments import DECODERS, Reproduction

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
    from ionwidgets.discovery.reproduction.experiments import CONTROL, DECODERS, Reproduction
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
) -> None:
    """Serve a packaged dashboard with Voila on 127.0.0.1, and print its full address."""
    from ionwidgets.server import serve

    raise typer.Exit(serve(name, port, open_browser=not no_browser))


def _print(table: pd.DataFrame, empty: str) -> None:
    """The columns that have a title, and any values; `empty` where no action potential was measured."""
    if not table["APD90"].notna().any():
        print(empty)
        return
    table = table[[name for name in TITLES if name in table and table[name].notna().any()]]
    print(table.rename(columns=TITLES).to_string(index=False, float_format=lambda x: f"{x:.4g}"))


def _read(file: Path, columns: str, units: str, cycle_length: float | None = None) -> Any:
    from ionwidgets.recordings import parse_columns, parse_units

    return iw.read_recording(
        file, columns=parse_columns(columns) if columns else None,
        units=parse_units(units) if units else None, cycle_length=cycle_length,
    )  # fmt: skip


def _read_cells(
    files: list[Path],
    controls: list[Path],
    columns: str,
    units: str,
    lengths: tuple[float | None, float | None],
) -> tuple[list[Any], list[Any], dict[int, Any]]:
    """Recordings and controls; of several, those that cannot be read by their place, with the reason."""
    from ionwidgets.discovery.results import Cell

    if controls and len(controls) != len(files):
        raise IonWidgetsError(
            f"--control: {_number_of(files, 'recording')} and {_number_of(controls, 'control recording')}; "
            "give one control recording a cell, in the same order, or none at all"
        )
    data, before, failed = [], [], {}
    for place, file in enumerate(files):
        pair = [file, *controls[place : place + 1]]
        try:
            data_, *before_ = [
                _read(path, columns, units, own) for path, own in zip(pair, lengths, strict=False)
            ]
        except RecordingError as error:
            # A name that was mistyped is said at once.
            if len(files) == 1 or not all(path.is_file() for path in pair):
                raise
            failed[place] = Cell(file.name, None, str(error))
            continue
        data.append(data_)
        before += before_
    if not data:
        raise IonWidgetsError(f"none of the recordings can be read; the first: {failed[0].reason}")
    return data, before, failed


def _number_of(files: list[Path], what: str) -> str:
    return f"{len(files)} {what}{'' if len(files) == 1 else 's'}"


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


if __name__ == "__main__":
    main()
