"""The lines of Python that redo a session."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ionwidgets.widgets.experiment.rhythm import rhythm_of
from ionwidgets.widgets.experiment.setting import BEATS, acts
from ionwidgets.widgets.python_text import Call, Name, assignment
from ionwidgets.widgets.recording.state import choices_of
from ionwidgets.widgets.retrain.made import Made, in_use
from ionwidgets.widgets.retrain.settings import DEFAULTS
from ionwidgets.widgets.session import Session

Settings = Mapping[str, Any]


def python_lines(
    session: Session,
    retrain: Settings | None = None,
    experiment: Settings | None = None,
    *,
    made: Made | None = None,
) -> str:
    """What was done in the workbench, as a script; the user's own files by their names.

    `retrain` and `experiment` are the settings of steps 4 and 2, as their states give them; `made` is what
    the finding in use was made with, where that is known: what was set since then made no finding.
    """
    with session.lock:
        made = in_use(session, retrain or {}, made)
        lines = [
            *_imports(session, made),
            assignment("model", _model(session)),
            *_recordings(session),
            *_altered(session, experiment or {}),
            *_discovered(session, made),
        ]
    return "\n".join(lines)


def _imports(session: Session, made: Made) -> Iterator[str]:
    yield "import ionwidgets as iw"
    if session.recording is not None and not session.recording_source:
        yield "from ionwidgets.discovery import example_recording"
    if made.network is not None and made.network.elsewhere:
        yield "from ionwidgets.discovery.conditions import read_conditions"
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
    dosed = acts(drug)
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


def _discovered(session: Session, made: Made) -> Iterator[str]:
    yield "\n# What has changed in the cell that was recorded."
    settings, result = made.settings, session.result
    yield from _network(made)
    arguments = [
        Name("model"),
        Name("recording"),
        *([Name("control")] if session.control is not None else []),
    ]
    named: dict[str, Any] = {} if made.network is None else {"network": Name("network")}
    seeds = settings["seeds"]
    if len(seeds) > 1 and made.seed in seeds:
        yield f"# Of seeds {', '.join(map(str, seeds))}, that of the finding which is in use."
    named["eta"] = settings["eta"]
    for name, usual in DEFAULTS.items():
        value = settings[name]
        if name not in ("eta", "seeds") and value != usual:
            named[name] = tuple(value) if isinstance(value, list) else value
    if made.seed:
        named["seed"] = made.seed
    if result is not None and (
        predicted := [float(length) for length in result.finding.get("predictions") or ()]
    ):
        named["predict_cl"] = predicted
    yield assignment("result", Call("iw.discover", arguments, named))
    yield "print(result.findings)"
    if result is None or result.verdict != "unexplained":
        yield 'result.export("edited.mmt")'


def _network(made: Made) -> Iterator[str]:
    """How the network was taught, where it is not the one that `discover` takes itself."""
    if made.network is None:
        return
    model: Any = Name("model")
    if made.network.elsewhere:
        leak = made.settings["leak"]
        given = {
            "constants": made.settings["conditions"],
            "junction_potential": made.settings["junction_potential"],
            "leak": None if leak is None else tuple(leak),
        }
        yield "# Under these conditions the gates have other curves, which a network learns first."
        yield assignment("conditions", Call("read_conditions", [], given))
        model = Call("conditions.model", [model])
    named = {
        name: tuple(value) if isinstance(value, list) else value
        for name, value in made.network.arguments.items()
    }
    yield assignment("network", Call("iw.learn", [model], named))
