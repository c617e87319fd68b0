"""The lines of Python that redo a session."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ionwidgets.widgets.experiment.rhythm import rhythm_of
from ionwidgets.widgets.experiment.setting import BEATS
from ionwidgets.widgets.python_text import Call, Name, assignment
from ionwidgets.widgets.recording.state import choices_of
from ionwidgets.widgets.session import Session

Settings = Mapping[str, Any]
USUAL: Settings = {
    "decoder": "ode", "stimulus": None, "paced_for": None, "conditions": None,
    "junction_potential": None, "leak": None,
}  # fmt: skip


def python_lines(
    session: Session, retrain: Settings | None = None, experiment: Settings | None = None
) -> str:
    """What was done in the workbench, as a script; the user's own files by their names.

    `retrain` and `experiment` are the settings of steps 4 and 2, as their states give them.
    """
    with session.lock:
        lines = [
            *_imports(session),
            assignment("model", _model(session)),
            *_recordings(session),
            *_altered(session, experiment or {}),
            *_discovered(session, retrain or {}),
        ]
    return "\n".join(lines)


def _imports(session: Session) -> Iterator[str]:
    yield "import ionwidgets as iw"
    if session.recording is not None and not session.recording_source:
        yield "from ionwidgets.discovery import example_recording"
    yield ""


def _model(session: Session) -> Call:
    if session.from_file:
        return Call("iw.load_model", [session.model_source], session.model_answers)
    name, _, variant = session.model_source.partition(":")
    return Call("iw.load_model", [name], {"variant": variant} if variant else {})


def _recordings(session: Session) -> Iterator[str]:
    if session.recording is None:
        yield "# recording = iw.read_recording(...)"
    elif not session.recording_source:
        yield "recording = example_recording()"
    else:
        yield from _read("recording", session.recording, session.recording_source)
    if session.control is not None:
        yield from _read("control", session.control, session.control_source)


def _read(name: str, recording: Any, source: str) -> Iterator[str]:
    """A file as it was read; what came from Python has to be kept in one first."""
    if "choices" not in recording.attrs:
        source = f"{name}.nc" if Path(source).suffix != ".nc" else source
        yield f"# A Dataset that came from Python; keep it: {name}.to_netcdf({_text(source)})"
    yield assignment(name, Call("iw.read_recording", [source], choices_of(recording)))


def _text(value: str) -> str:
    return assignment("", value)


def _altered(session: Session, experiment: Settings) -> Iterator[str]:
    """The cell as it was altered by hand, where it was."""
    scale, drug, protocol = (experiment.get(name) for name in ("scale", "drug", "protocol"))
    dosed = bool(drug and drug["ic50"] and drug["concentration"])
    train = protocol if protocol and protocol.get("kind") == "S1S2" else None
    if not (scale or dosed or train) or session.model is None:
        return
    named: dict[str, Any] = {}
    length = float(experiment.get("cycle_length", rhythm_of(session.model).cycle_length))
    beats = BEATS if protocol is None else protocol["beats"]
    arguments: list[Any] = [Name("model"), length, beats * length]
    if train:
        arguments = [Name("model")]
        named["protocol"] = Call("iw.S1S2", [], {"s1": length, "beats": beats, "s2": train["s2"]})
    if scale:
        named["scale"] = dict(scale)
    if dosed and drug:
        named["drug"] = _drug(drug)
    if (sample := rhythm_of(session.model).sample) != 1.0:
        named["sample"] = sample
    yield "\n# The model, altered by hand."
    yield assignment("altered", Call("iw.simulate", arguments, named))
    yield "print(iw.restitution(altered))" if train else "print(iw.biomarkers(altered))"


def _drug(drug: Settings) -> Call:
    hill = {name: value for name, value in drug.get("hill", {}).items() if value != 1.0}
    named: dict[str, Any] = {"ic50": drug["ic50"], "concentration": drug["concentration"]}
    return Call("iw.Drug", [], named | ({"hill": hill} if hill else {}))


def _discovered(session: Session, retrain: Settings) -> Iterator[str]:
    yield "\n# What has changed in the cell that was recorded."
    learnt = _network(session)
    if learnt is not None:
        yield assignment("network", learnt)
    arguments = [
        Name("model"),
        Name("recording"),
        *([Name("control")] if session.control is not None else []),
    ]
    named: dict[str, Any] = {} if learnt is None else {"network": Name("network")}
    seeds, seed = _seeds(session, retrain)
    if len(seeds) > 1:
        yield f"# Of seeds {', '.join(map(str, seeds))}, that of the finding which is in use."
    if "eta" in retrain:
        named["eta"] = retrain["eta"]
    for name, usual in USUAL.items():
        value = retrain.get(name, usual)
        if value != usual:
            named[name] = tuple(value) if isinstance(value, list) else value
    if seed:
        named["seed"] = seed
    result = session.result
    if result is not None and (
        predicted := [float(length) for length in result.finding.get("predictions") or ()]
    ):
        named["predict_cl"] = predicted
    yield assignment("result", Call("iw.discover", arguments, named))
    yield "print(result.findings)"
    if result is None or result.verdict != "unexplained":
        yield 'result.export("edited.mmt")'


def _seeds(session: Session, retrain: Settings) -> tuple[list[int], int]:
    """Those that are run, and the one whose finding is in use."""
    seeds = list(retrain.get("seeds", [0]))
    found = seeds[0] if session.result is None else session.result.finding.get("seed")
    return seeds, found if found in seeds else seeds[0]


def _network(session: Session) -> Call | None:
    """How the network that is in use was trained, where it is not the one that `discover` takes itself."""
    from ionwidgets.widgets.learn.shipped import has_shipped_network, is_shipped

    network, model = session.network, session.model
    card = getattr(network, "card", None)
    if card is None or model is None or is_shipped(network, model):
        return None
    named: dict[str, Any] = {}
    if card.get("preset") == "paper":
        named["preset"] = "paper"
    elif has_shipped_network(model):
        named["fresh"] = True
    if card.get("seed"):
        named["seed"] = card["seed"]
    if not named.get("preset") and card.get("observables", ["V"]) != ["V"]:
        named["observables"] = tuple(card["observables"])
    return Call("iw.learn", [Name("model")], named)
