"""The command line. Answers go to stdout, progress and errors to stderr.

Exit codes: 0 done; 2 bad usage or input, in one line; 1 a fault of ours.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

import ionwidgets as iw
from ionwidgets.arguments import Progress, cycle_lengths, factors, milliseconds, stimulus
from ionwidgets.errors import IonWidgetsError

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
        print(f"    {len(card.states)} states; gates {', '.join(card.gates)}")
        print(f"    currents {', '.join(card.currents)}")
        print(f"    {card.publication}, doi:{card.doi}")


@app.command()
def simulate(
    model: Model,
    lengths: Annotated[
        str, typer.Option("--cycle-lengths", help="ms: 400,600 or 300:800:5, both ends included.")
    ] = "1000",
    duration: Annotated[float, typer.Option(help="ms of pacing.")] = 20_000.0,
    scale: Annotated[
        list[str] | None, typer.Option(help="Factor of a current: g_Kr=0.25; may be repeated.")
    ] = None,
    sample: Annotated[float, typer.Option(help="ms between stored samples.")] = 1.0,
    out: Annotated[Path | None, typer.Option(help="netCDF file for every state and current.")] = None,
) -> None:
    """Pace a model; print the last beat's biomarkers, and store traces with --out."""
    if out is not None:
        _writable(out)
    names: list[str] | None = None if out else []
    cell = iw.load_model(model)
    paced = iw.simulate(
        cell, cycle_lengths(lengths), duration, scale=factors(scale or []), sample=sample,
        variables=names,
    )  # fmt: skip
    if out is not None:
        paced.to_netcdf(out, engine="h5netcdf", encoding={name: {"zlib": True} for name in paced.data_vars})
        sizes = f"{paced.sizes['cell']} cells, {paced.sizes['time']} samples"
        print(f"{out}: {sizes} of {len(paced.data_vars)} variables", file=sys.stderr)
    table = iw.biomarkers(paced).dropna(subset=["APD90"]).groupby("cell").last()
    if table.empty:
        print("No beat has repolarised by 90 % within its cycle.")
        return
    table[["Ca_diastolic", "Ca_peak"]] *= 1000
    table = table[list(TITLES)].rename(columns=TITLES)
    print(table.to_string(index=False, float_format=lambda x: f"{x:.4g}"))


@app.command()
def learn(
    model: Model,
    out: Annotated[Path, typer.Option(help="safetensors file for the network.")],
    seed: int = 0,
    fresh: Annotated[bool, typer.Option("--fresh", help="Train even where a network is shipped.")] = False,
) -> None:
    """Stage 1: teach a network the gates of a model."""
    _writable(out)
    with Progress() as progress:
        network = iw.learn(iw.load_model(model), seed=seed, fresh=fresh, progress=progress)
    network.save(out)
    figures = network.card["figures"]
    print(f"{out}: {network.card['model']}, seed {network.card['seed']}")
    print("against the model itself, after 20 s of pacing:")
    rows = zip(figures["cycle_length_ms"], figures["apd90_error_ms"], figures["v_rmse_mV"], strict=True)
    for cycle_length, error, rmse in rows:
        print(f"  CL {cycle_length:g} ms: APD90 {error:+.2f} ms, V RMSE {rmse:.2f} mV")


@app.command()
def inspect(file: File, columns: Columns = "", units: Units = "") -> None:
    """What is in a recording: units, sampling, duration, beats, biomarkers, notes."""
    from ionwidgets.recordings.describe import describe

    print(describe(_read(file, columns, units)))


@app.command()
def discover(
    recording: File,
    model: Annotated[str, typer.Option(help="The model that the cell is compared with.")],
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
    predict_cl: Annotated[str, typer.Option(help="Cycle lengths [ms] to predict APD90 at: 450,700.")] = "",
    duration: Annotated[float, typer.Option(help="ms of pacing of a prediction.")] = 20_000.0,
    decoder: Annotated[str, typer.Option(help="ode: the model's own equations.")] = "ode",
    eta: Annotated[float, typer.Option(help="Price of a change of a gate in stage 2.")] = 1e-3,
    seed: int = 0,
    json_: Annotated[str, typer.Option("--json", help="File for the finding as JSON, or - for stdout.")] = "",
    export: Annotated[Path | None, typer.Option(help=".mmt file for the altered model.")] = None,
) -> None:
    """Find what changed in a recorded cell: currents, gates, how much, how surely."""
    from ionwidgets.discovery.words import in_words
    from ionwidgets.gnn import Network

    for path in (export, Path(json_) if json_ not in ("", "-") else None):
        if path is not None:
            _writable(path)
    predicted, applied = milliseconds(predict_cl, "--predict-cl"), stimulus(stimulus_)
    data, cell = _read(recording, columns, units), iw.load_model(model)
    with Progress() as progress:
        result = iw.discover(
            cell, data, network=Network.load(network) if network else None, eta=eta, decoder=decoder,
            seed=seed, stimulus=applied, paced_for=paced_for, predict_cl=predicted, duration=duration,
            progress=progress,
        )  # fmt: skip
    if export is not None:
        result.export(export)
    if json_ and json_ != "-":
        Path(json_).write_text(result.to_json() + "\n", encoding="utf-8")
    print(result.to_json() if json_ == "-" else in_words(result.finding))


@app.command()
def dashboard(
    name: Annotated[str, typer.Argument(help="Which of the packaged dashboards.")] = "workbench",
    port: int = 8866,
    no_browser: Annotated[bool, typer.Option("--no-browser", help="Do not open a browser.")] = False,
) -> None:
    """Serve a packaged dashboard with Voila on 127.0.0.1, and print its full address."""
    from ionwidgets.server import serve

    raise typer.Exit(serve(name, port, open_browser=not no_browser))


def _read(file: Path, columns: str, units: str) -> Any:
    from ionwidgets.recordings import parse_columns, parse_units

    return iw.read_recording(
        file, columns=parse_columns(columns) if columns else None, units=parse_units(units) if units else None
    )


def _writable(path: Path) -> None:
    """Said before the work, not after it."""
    if not path.parent.is_dir():
        raise IonWidgetsError(f"{path}: the folder {path.parent} does not exist; make it first")
    if path.is_dir():
        raise IonWidgetsError(f"{path}: is a folder; give a file")
    if not os.access(path if path.exists() else path.parent, os.W_OK):
        raise IonWidgetsError(f"{path}: cannot be written here; choose another place")


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
