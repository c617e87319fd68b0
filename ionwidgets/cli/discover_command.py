"""`ionwidgets discover`: recordings in, what changed out, in words and in files."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

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
    factors,
    leak,
    milliseconds,
    paced_at,
    stimulus,
    words,
)
from ionwidgets.errors import IonWidgetsError, RecordingError
from ionwidgets.places import check_file, check_folder

if TYPE_CHECKING:
    from ionwidgets.discovery import Result, Results


def discover(
    recording: Annotated[
        list[Path],
        typer.Argument(help="A recording, as inspect reads it; one a biological cell."),
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
    capacitance: Capacitance = None,
    mend: Mend = "",
    series: Series = "",
    sampling: Sampling = None,
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
    from ionwidgets.gnn import Network
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
    reading = Reading(columns, units, capacitance, mend, series, sampling)
    data, before, failed = _read_cells(recording, control or [], reading, lengths)
    cell = iw.load_model(model)
    with Progress() as progress:
        options = {
            "network": Network.load(network) if network else None, "eta": eta, "decoder": decoder,
            "seed": seed, "stimulus": applied, "paced_for": paced_for, "predict_cl": predicted,
            "duration": duration, "progress": progress, "conditions": bath,
            "junction_potential": junction_potential, "leak": seal,
            "baselines": words(baselines),
        }  # fmt: skip
        result: Result | Results
        if several:
            result = iw.discover(cell, data, before or None, **options).among(failed)
        else:
            result = iw.discover(cell, data[0], before[0] if before else None, **options)
    _write(result, whole, json_ == "-", csv, duration, report, export)


def _write(
    result: Result | Results,
    whole: Path | None,
    as_json: bool,
    csv: Path | None,
    duration: float,
    report: Path | None,
    export: Path | None,
) -> None:
    """What was found to stdout and into the files; a file that cannot be made loses none of the others."""
    from ionwidgets.discovery import Result, Results
    from ionwidgets.discovery.words import in_words
    from ionwidgets.jobs.whole_file import whole_file

    refused = []
    try:
        result = result if csv is None else result.to_csv(csv, duration)
    except IonWidgetsError as error:
        refused.append(str(error))
    if whole is not None:
        with whole_file(whole) as part:
            part.write_text(result.to_json() + "\n", encoding="utf-8")
    told = result.in_words() if isinstance(result, Results) else in_words(result.finding)
    print(result.to_json() if as_json else told, flush=True)
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


def _read_cells(
    files: list[Path],
    controls: list[Path],
    read: Reading,
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
            data_, *before_ = [read(path, own) for path, own in zip(pair, lengths, strict=False)]
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
