"""`discover` for several cells: one after another, with one network; one that fails loses no other."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import wraps
from inspect import signature
from typing import Any, Protocol, overload

import xarray as xr

from ionwidgets.discovery.baselines import check_baselines
from ionwidgets.discovery.checks import check_numbers
from ionwidgets.discovery.conditions import read_conditions, taught_model
from ionwidgets.discovery.heartbeat import Heartbeat, Stage
from ionwidgets.discovery.question import check_emulated_setup, check_network
from ionwidgets.discovery.result import Result
from ionwidgets.discovery.results import Cell, Results
from ionwidgets.errors import IonWidgetsError
from ionwidgets.gnn import Network, learn
from ionwidgets.gnn.device import device_named
from ionwidgets.gnn.paper import learn_as_published
from ionwidgets.jobs import Control
from ionwidgets.models import IonicModel

LEARNING = 0.05  # of the work
Recordings = Sequence[xr.Dataset]


class Discover(Protocol):
    """`discover`: of one recording a `Result`, of a list of them `Results`."""

    @overload
    def __call__(
        self, model: IonicModel, recording: xr.Dataset, control: xr.Dataset | None = None, **options: Any
    ) -> Result: ...
    @overload
    def __call__(
        self, model: IonicModel, recording: Recordings, control: Recordings | None = None, **options: Any
    ) -> Results: ...


def of_one_or_several(discover: Callable[..., Result]) -> Discover:
    """`discover`, which takes one recording, made to take a list of them too."""

    @wraps(discover)
    def either(model: IonicModel, recording: Any, control: Any = None, **options: Any) -> Any:
        if isinstance(recording, xr.Dataset):
            if control is not None and not isinstance(control, xr.Dataset):
                raise IonWidgetsError("one recording has one control recording, not a list of them")
            return discover(model, recording, control, **options)
        return _each(discover, model, *_pairs(recording, control), **options)

    return either


def network_for(model: IonicModel, decoder: str, seed: int, progress: Control) -> Network:
    """The shipped network of the model, or a newly learnt one, as the decoder needs it."""
    return (learn_as_published if decoder == "emulator" else learn)(model, seed=seed, progress=progress)


def _pairs(recordings: Any, controls: Any) -> tuple[Recordings, Sequence[xr.Dataset | None]]:
    for name, given in (("recording", recordings), ("control", controls)):
        if given is not None and (wrong := _no_list_of_recordings(given)):
            raise IonWidgetsError(
                f"{name} is a recording (iw.read_recording) or, of several cells, a list of them; "
                f"found {wrong}"
            )
    if not recordings:
        raise IonWidgetsError("an empty list of recordings; give one recording a cell")
    if controls is not None and len(controls) != len(recordings):
        raise IonWidgetsError(
            f"{len(recordings)} recordings and {len(controls)} control recordings; give one control "
            "recording a cell, in the same order, or none at all"
        )
    return recordings, [None] * len(recordings) if controls is None else controls


def _no_list_of_recordings(given: Any) -> str:
    """What was found instead, or nothing."""
    if isinstance(given, xr.Dataset):
        return "a single one beside a list"
    if isinstance(given, str) or not isinstance(given, Sequence):
        return repr(given)[:80]
    return next((f"{str(one)[:80]!r} in the list" for one in given if not isinstance(one, xr.Dataset)), "")


def _each(
    discover: Callable[..., Result],
    model: IonicModel,
    recordings: Recordings,
    controls: Sequence[xr.Dataset | None],
    **options: Any,
) -> Results:
    """Every recording against its control.

    Raises
    ------
    IonWidgetsError : the settings make no sense, or no cell came out: the reason is the first one's.
    """
    bound = signature(discover).bind(model, recordings[0], controls[0], **options)
    bound.apply_defaults()
    heartbeat, pairs = Heartbeat(bound.arguments["progress"]), list(zip(recordings, controls, strict=True))
    taught = _check(pairs, **bound.arguments)
    if options.get("network") is None:
        learning = Stage(heartbeat, 0.0, LEARNING)
        options["network"] = network_for(
            taught, bound.arguments["decoder"], bound.arguments["seed"], learning
        )
    share, cells = (1 - LEARNING) / len(pairs), []
    for i, (recording, control) in enumerate(pairs):
        start, file = LEARNING + i * share, recording.attrs.get("source")
        options["progress"] = _Named(Stage(heartbeat, start, start + share), f"Cell {i + 1} of {len(pairs)}")
        try:
            cells.append(Cell(file, discover(model, recording, control, **options)))
        except IonWidgetsError as error:
            cells.append(Cell(file, None, str(error)))
    if all(cell.result is None for cell in cells):
        raise IonWidgetsError(f"no cell came out; the first: {cells[0].reason}")
    return Results(model, tuple(cells))


def _check(
    pairs: Sequence[tuple[xr.Dataset, xr.Dataset | None]],
    *,
    model: IonicModel,
    network: Network | None,
    decoder: str,
    hidden: str,
    eta: float,
    stimulus: tuple[float, float] | None,
    paced_for: float | None,
    predict_cl: Sequence[float],
    duration: float,
    conditions: Mapping[str, float] | None,
    junction_potential: float | None,
    leak: tuple[float, float] | None,
    baselines: Sequence[str],
    device: str,
    **_: Any,
) -> IonicModel:
    """Say what is wrong with all of the cells before a network learns; which model it is to learn."""
    elsewhere = read_conditions(conditions, junction_potential, leak).model(model)
    taught = taught_model(model, elsewhere, network)
    device_named(device)
    check_baselines(baselines)
    check_numbers(model, eta, stimulus, paced_for, predict_cl, duration)
    refused = []
    for recording, control in pairs:
        try:
            check_network(taught, recording, control, network, decoder, hidden)
            if decoder == "emulator":
                check_emulated_setup(recording, elsewhere is not model)
        except IonWidgetsError as error:
            refused.append(error)
    if len(refused) == len(pairs):
        raise refused[0]
    return taught


class _Named:
    """A `Control` that says which cell the work is at."""

    def __init__(self, whole: Control, name: str) -> None:
        self._whole, self._name = whole, name

    def report(self, fraction: float, message: str, **facts: Any) -> None:
        self._whole.report(fraction, f"{self._name}: {message[:1].lower()}{message[1:]}", **facts)
